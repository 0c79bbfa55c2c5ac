"""One attempt, from the doorbell to its end: the promise that no phone rings twice by mistake, in one place.

    lease -> wait for the instant -> intent, with the gates -> place -> follow -> conclude

The intent is committed before anything is sent. Between the two nothing may fail in a way that dials again: an
error whose outcome is unknown (Postgres gone during the commit, say) means that this worker does not dial, and
says so as soon as it can: the phone provably did not ring. If it cannot, the reaper decides by the lease. After
the INVITE has left, nobody retries by reflex.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.dialer.application import FAILED, Application, ApplicationEnd
from services.dialer.persistence import insist
from services.dialer.witness import CallWitness
from shared.contracts.conclusion import Conclusion, NumberFacts, Receiver, conclude
from shared.domain.disposition import CallEnding, Disposition, Outcome, Stage, disposition_of
from shared.domain.drain import AFTER_HANG_UP_SECONDS
from shared.domain.errors import Unavailable
from shared.domain.fence import fence_of
from shared.domain.gate import GateFacts, verdict, words
from shared.domain.retry import (
    RETRYABLE,
    BackInLine,
    Conclude,
    WaitUntil,
    Withheld,
    after_call,
    after_withheld,
    land,
)
from shared.failpoints import Failpoint, failpoint
from shared.ports.dialing import Attempts, Intent, LeasedAttempt, LeaseGone
from shared.ports.fetching import SharedDocuments
from shared.ports.interpreting import Interpreter
from shared.telephony.port import (
    Answered,
    Ended,
    LiveCall,
    NoTrunk,
    OutboundCall,
    Ringing,
    Telephony,
    TooLate,
)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How long a call may take."""

    ring_seconds: float
    longest_call_seconds: float
    #: After this, counted from the intent, the reaper has written the number's end.
    quarantine_seconds: float
    #: From the end of a call to a number to the next one's start.
    callee_gap_seconds: float = 0.0


class CallRunner:
    """Runs attempts, each to its end."""

    def __init__(
        self,
        *,
        attempts: Attempts,
        telephony: Telephony,
        interpreter: Interpreter,
        fetcher: SharedDocuments,
        fence_key: bytes,
        limits: CallLimits,
        witness: CallWitness,
        result_written: Callable[[], None],
    ) -> None:
        self._attempts = attempts
        self._telephony = telephony
        self._interpreter = interpreter
        self._fetcher = fetcher
        self._fence_key = fence_key
        self._limits = limits
        self._witness = witness
        self._result_written = result_written
        self._closing = asyncio.Event()
        self._live: dict[int, LiveCall] = {}

    def trouble(self) -> str | None:
        """Return why no call can leave now; None while calls can."""
        return self._telephony.trouble()

    def close(self) -> None:
        """Dial nothing more: who still waits for an instant gives its attempt back."""
        self._closing.set()

    async def hang_up_all(self) -> None:
        """End every live call politely; each is recorded as it ends."""
        await self.hang_up(set(self._live))

    async def hang_up(self, attempt_ids: set[int]) -> None:
        """End these calls politely and side by side, where they live; one that will not end keeps no other."""
        live = [self._live[attempt_id] for attempt_id in attempt_ids & self._live.keys()]
        for outcome in await asyncio.gather(*(call.hang_up() for call in live), return_exceptions=True):
            if isinstance(outcome, Exception):
                _log.error("call_not_hung_up", error=repr(outcome))

    async def run(self, leased: LeasedAttempt) -> None:
        """Wait for the due instant, pass the gates, place the call and see it through."""
        if not leased.took_number:
            return await self.withhold(leased, Withheld.ELSEWHERE)
        await failpoint(Failpoint.LEASED)
        if await self._closes_before(leased.due):
            return await self.withhold(leased, Withheld.SHUTDOWN)
        fence = fence_of(self._fence_key, attempt_id=leased.job.attempt_id, epoch=leased.epoch)
        try:
            intent = await self._attempts.commit_intent(leased, fence)
        except Unavailable:
            # Nobody can tell whether it was written. That nothing was sent, and never will be, this worker can.
            return await self.withhold(leased, Withheld.LATE)
        match intent:
            case LeaseGone():
                return None
            case GateFacts() as facts:
                return await self.withhold(leased, verdict(facts) or Withheld.LATE, facts)
            case Intent(at):
                await failpoint(Failpoint.INTENT_COMMITTED)
                if self._closing.is_set():
                    # Told to stop while the intent was being written: whoever hangs up all calls has been here.
                    return await self.withhold(leased, Withheld.SHUTDOWN)
                return await self._dial(leased, fence, at)

    async def _closes_before(self, due: float) -> bool:
        """Wait for the due instant; True when the dialer is told to stop first."""
        try:
            async with asyncio.timeout_at(due):
                return await self._closing.wait()
        except TimeoutError:
            return self._closing.is_set()

    async def withhold(self, leased: LeasedAttempt, reason: Withheld, facts: GateFacts | None = None) -> None:
        """Record that the attempt was no call, and put its number where it belongs."""
        self._witness.withheld(reason)
        decision = await self._after_withheld(leased, reason, facts)
        follow_up: Conclusion | WaitUntil | BackInLine = (
            conclude(_facts(leased), decision.disposition) if isinstance(decision, Conclude) else decision
        )
        why = None if facts is None else words(reason, facts, leased.callee)
        await insist(
            lambda: self._attempts.withhold(leased, reason, follow_up, words=why),
            self._limits.quarantine_seconds,
        )
        if isinstance(follow_up, Conclusion):
            self._result_written()

    async def _after_withheld(
        self, leased: LeasedAttempt, reason: Withheld, facts: GateFacts | None
    ) -> Conclude | WaitUntil | BackInLine:
        if facts is None or reason not in {Withheld.CALLEE_HOURS, Withheld.TOO_SOON}:
            now = await insist(self._attempts.now, self._limits.quarantine_seconds)
            return after_withheld(reason, now=now)
        calendar = await insist(lambda: self._attempts.calendar(leased.job), self._limits.quarantine_seconds)
        return land(calendar, leased.callee, earliest=max(facts.now, facts.rested_at or facts.now))

    async def _dial(self, leased: LeasedAttempt, fence: str, intent_at: datetime) -> None:
        call = OutboundCall(
            e164=leased.e164,
            caller_id=leased.asked_caller_id,
            post_dial=leased.post_dial,
            fence=fence,
            ring_seconds=self._limits.ring_seconds,
            longest_call_seconds=self._limits.longest_call_seconds,
        )
        try:
            live = await self._telephony.place(call, not_before=leased.due, send_by=leased.send_by)
        except TooLate:
            return await self.withhold(leased, Withheld.LATE)
        except NoTrunk as error:
            # For the operator alone: trunks and their addresses are no tenant's business.
            _log.info("no_trunk_took_the_call", attempt_id=leased.job.attempt_id, reason=error.message)
            return await self.withhold(leased, Withheld.NO_TRUNK)
        self._witness.placed(leased, live)
        self._live[leased.job.attempt_id] = live
        try:
            await failpoint(Failpoint.INVITE_SENT)
            ending, application = await self._follow(leased, live)
        except Exception:
            # A mistake of ours must not leave a callee on a line that nobody follows; the reaper ends the attempt.
            await live.hang_up()
            raise
        finally:
            del self._live[leased.job.attempt_id]
            self._witness.over(leased)
        return await self._conclude(leased, ending, application, intent_at)

    async def _follow(
        self, leased: LeasedAttempt, live: LiveCall
    ) -> tuple[CallEnding, ApplicationEnd | None]:
        """Follow a call to its end, with its application beside it."""
        application = Application(
            leased,
            live,
            self._interpreter,
            self._fetcher.for_call(),
            pace_of_time=self._telephony.pace_of_time,
        )
        conversation: asyncio.Task[ApplicationEnd] | None = None
        loop = asyncio.get_running_loop()
        async for event in live.events():
            self._witness.saw(leased, event, seconds=loop.time() - live.sent_at)
            match event:
                case Ringing():
                    await self._note(self._attempts.record_ringing(leased))
                    await failpoint(Failpoint.RINGING)
                case Answered():
                    conversation = asyncio.create_task(application.run(), name="application")
                    await self._note(self._attempts.record_answer(leased))
                case Ended(ending):
                    application.hang_up_heard()
                    return ending, await _ended(conversation)
                case _:
                    application.hear(event)
        raise AssertionError("A call's events end with Ended.")

    async def _note(self, progress: Coroutine[None, None, None]) -> None:
        """Write a step that explains but decides nothing: Postgres being away must not hurt the call."""
        try:
            await progress
        except Unavailable as error:
            _log.warning("call_progress_not_written", reason=str(error))

    async def _conclude(
        self,
        leased: LeasedAttempt,
        ending: CallEnding,
        application: ApplicationEnd | None,
        intent_at: datetime,
    ) -> None:
        await failpoint(Failpoint.CALL_OVER)
        ending = replace(ending, message_left=application is not None and application.finished)
        disposition = _disposition(ending, application)
        decision = await self._decide(leased, disposition)
        if isinstance(decision, WaitUntil):
            until = decision
            written = await insist(
                lambda: self._attempts.postpone(leased, ending, disposition, until),
                self._limits.quarantine_seconds,
            )
        else:
            facts = replace(
                _facts(leased),
                tries=leased.tries + 1,
                last_attempt_at=intent_at,
                callee_type=ending.callee_type,
                duration_seconds=round(ending.talk_seconds),
                exit_values=application.values if application else {},
            )
            conclusion = conclude(facts, decision.disposition)
            written = await insist(
                lambda: self._attempts.conclude(leased, ending, disposition, conclusion),
                self._limits.quarantine_seconds,
            )
        if written:
            await failpoint(Failpoint.RESULT_COMMITTED)
            self._result_written()
        else:
            _log.warning("call_reported_too_late", attempt_id=leased.job.attempt_id, epoch=leased.epoch)

    async def _decide(self, leased: LeasedAttempt, disposition: Disposition) -> Conclude | WaitUntil:
        policy, tries = leased.retry_policy, leased.tries + 1
        if tries >= policy.tries or disposition.outcome not in RETRYABLE:
            return Conclude(disposition)  # the common case needs no calendar
        calendar = await insist(lambda: self._attempts.calendar(leased.job), self._limits.quarantine_seconds)
        now = await insist(self._attempts.now, self._limits.quarantine_seconds)
        return after_call(
            policy,
            calendar,
            tries=tries,
            disposition=disposition,
            ended_at=now,
            callee=leased.callee,
            gap=timedelta(seconds=self._limits.callee_gap_seconds),
        )


def _facts(leased: LeasedAttempt) -> NumberFacts:
    """Return what is known of the number before this attempt counts."""
    receiver = None
    if leased.result_url is not None:
        receiver = Receiver(url=leased.result_url, result_format=leased.result_format)
    return NumberFacts(
        campaign_id=leased.job.campaign_id,
        number_id=leased.number_id,
        e164=leased.e164,
        message_reference=leased.message_reference,
        tries=leased.tries,
        last_attempt_at=None,
        receiver=receiver,
    )


def _disposition(ending: CallEnding, application: ApplicationEnd | None) -> Disposition:
    """Return the call's disposition; an answered call whose application failed was dropped on the callee."""
    disposition = disposition_of(ending)
    if disposition.outcome is Outcome.ANSWERED and application is not None and application.failed:
        return Disposition(Outcome.ANSWERED, Stage.CALL_DROPPED)
    return disposition


async def _ended(conversation: asyncio.Task[ApplicationEnd] | None) -> ApplicationEnd | None:
    """Wait for an application that was told of the hang-up; one that will not end, or breaks, has failed.

    Whatever is wrong with it, the call was answered and is over: its result must be written.
    """
    if conversation is None:
        return None
    await asyncio.wait({conversation}, timeout=AFTER_HANG_UP_SECONDS)
    if not conversation.done():
        conversation.cancel()
        return FAILED
    if (error := conversation.exception()) is not None:
        _log.error("application_broke", error=repr(error))
        return FAILED
    return conversation.result()
