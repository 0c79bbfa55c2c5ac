"""The conversation: a VoiceXML session on one side, a live call on the other.

The session lives in an interpreter process and decides everything; this room only carries out its effects and
tells it what happened. Every wait ends in the same inbox, so that there is one order of events.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from shared.clock import epoch_seconds
from shared.domain.errors import Unavailable
from shared.failpoints import Failpoint, failpoint
from shared.ports.dialing import LeasedAttempt
from shared.ports.fetching import DocumentFetcher, FetchFailed
from shared.ports.interpreting import ApplicationLost, ApplicationSession, Interpreter
from shared.telephony import port
from shared.voicexml import effects as asked
from shared.voicexml import events as told

_log = structlog.get_logger()

#: As large as a document may be; the interpreter refuses larger ones too.
DOCUMENT_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationEnd:
    """How the application ended."""

    #: It said what it had to say: it exited or disconnected by its own will.
    finished: bool
    #: It could not be run, or broke.
    failed: bool
    #: What it handed to <exit> or <disconnect>.
    values: Mapping[str, str] = field(default_factory=dict)


FAILED = ApplicationEnd(finished=False, failed=True)


class Application:
    """One application on one call."""

    def __init__(
        self,
        leased: LeasedAttempt,
        call: port.LiveCall,
        interpreter: Interpreter,
        fetcher: DocumentFetcher,
        *,
        pace_of_time: float,
    ) -> None:
        self._leased = leased
        self._call = call
        self._interpreter = interpreter
        self._fetcher = fetcher
        self._pace_of_time = pace_of_time
        self._inbox: asyncio.Queue[told.Event] = asyncio.Queue()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._fetches: set[asyncio.Task[None]] = set()

    def hear(self, event: port.DigitPressed | port.PlayEnded | port.CalleeTypeDetected) -> None:
        """Pass on what the call heard."""
        match event:
            case port.DigitPressed(key):
                self._inbox.put_nowait(told.Digit(key=key))
            case port.PlayEnded(play_id, whole):
                if whole:
                    self._inbox.put_nowait(told.PlayEnded(play_id=play_id))
            case port.CalleeTypeDetected(callee_type):
                self._inbox.put_nowait(told.CalleeTypeKnown(callee_type=callee_type.value))

    def hang_up_heard(self) -> None:
        """Tell the session that the callee is gone."""
        self._inbox.put_nowait(told.HungUp())

    async def run(self) -> ApplicationEnd:
        """Run the application to its end and hang up."""
        try:
            session = await self._interpreter.open(self._start())
            try:
                return await self._converse(session)
            finally:
                await session.close()
        except (ApplicationLost, Unavailable) as error:
            _log.warning("application_lost", campaign_id=self._leased.job.campaign_id, reason=str(error))
            return FAILED
        finally:
            self._forget_waits()
            await self._call.hang_up()

    async def _converse(self, session: ApplicationSession) -> ApplicationEnd:
        effects = await session.begin()
        while True:
            for effect in effects:
                if isinstance(effect, asked.Exit):
                    return self._ended(effect)
                await self._carry_out(effect)
            effects = await session.handle(await self._inbox.get())

    def _start(self) -> told.Start:
        leased = self._leased
        told_of_the_call = {
            "phone_number": leased.e164,
            "message_reference": leased.message_reference or "",
            "call_id": str(leased.number_id),
            "campaign_id": str(leased.job.campaign_id),
        }
        return told.Start(
            url=leased.start_url,
            method="GET" if leased.start_method == "GET" else "POST",
            # A column of the list that bears one of our names does not hide what the call is.
            form=tuple({**leased.variables, **told_of_the_call}.items()),
            session_variables=told.SessionVariables(
                session_id=str(leased.job.attempt_id),
                ani=leased.ani or leased.caller_id or "",
                dnis=leased.e164,
                callee_type="processing",  # Plum's word until call analysis has made up its mind
            ),
            seed=leased.job.attempt_id,
            now=epoch_seconds(),
        )

    async def _carry_out(self, effect: asked.Effect) -> None:
        match effect:
            case asked.Fetch():
                self._fetches.add(asyncio.create_task(self._fetch(effect), name="fetch"))
            case asked.Play(play_id=play_id, segments=segments, bargein=bargein):
                await self._call.play(play_id, _segments(segments), bargein=bargein)
                await failpoint(Failpoint.IN_CALL)
            case asked.StopPlay():
                await self._call.stop_play()
            case asked.StartTimer(timer_id=timer_id, after_ms=after_ms):
                self._start_timer(timer_id, after_ms)
            case asked.StopTimer(timer_id=timer_id):
                self._stop_timer(timer_id)
            case asked.Listen(timeout_ms=timeout_ms):
                await self._call.collect(timeout_ms)
            case asked.StopListening():
                pass  # keys are heard at all times; the session drops those that it does not want
            case asked.HangUp():
                await self._call.hang_up()
            case asked.Log(label=label):
                # The text may hold what the callee said: it is the customer's, and stays out of our logs.
                _log.debug("application_log", campaign_id=self._leased.job.campaign_id, label=label)
            case _:
                self._answer_at_once(effect)

    def _answer_at_once(self, effect: asked.Effect) -> None:
        """Answer what the telephony cannot do for us yet: the application hears it as the standard says."""
        match effect:
            case asked.Transfer(transfer_id=transfer_id, kind=kind):
                refused = told.TransferEnded(
                    transfer_id=transfer_id, outcome=f"error.unsupported.transfer.{kind}", duration_ms=0
                )
                self._inbox.put_nowait(refused)
            case asked.Record():
                self._inbox.put_nowait(_not_recorded(effect))
            case _:
                pass  # for whoever debugs an application

    async def _fetch(self, effect: asked.Fetch) -> None:
        await failpoint(Failpoint.APPLICATION_ASKED)
        try:
            document = await self._fetcher.fetch(
                effect.method,
                effect.url,
                form=dict(effect.form) if effect.method == "POST" else None,
                timeout_s=effect.timeout_ms / 1000,
                max_bytes=DOCUMENT_BYTES,
                follow_redirects=True,
            )
        except FetchFailed as error:
            self._inbox.put_nowait(told.FetchFailed(fetch_id=effect.fetch_id, reason=error.message))
            return
        self._inbox.put_nowait(
            told.Fetched(
                fetch_id=effect.fetch_id,
                url=document.url,
                status=document.status,
                content_type=document.content_type,
                body=document.body,
            )
        )

    def _start_timer(self, timer_id: int, after_ms: int) -> None:
        self._stop_timer(timer_id)
        self._timers[timer_id] = asyncio.get_running_loop().call_later(
            after_ms / 1000 / self._pace_of_time,
            lambda: self._inbox.put_nowait(told.TimerFired(timer_id=timer_id)),
        )

    def _stop_timer(self, timer_id: int) -> None:
        timer = self._timers.pop(timer_id, None)
        if timer is not None:
            timer.cancel()

    def _forget_waits(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for fetch in self._fetches:
            fetch.cancel()

    def _ended(self, effect: asked.Exit) -> ApplicationEnd:
        if effect.reason == "error":
            _log.warning("application_failed", campaign_id=self._leased.job.campaign_id, error=effect.event)
        return ApplicationEnd(
            finished=effect.reason in {"exit", "disconnect"},
            failed=effect.reason == "error",
            values=dict(effect.values),
        )


def _not_recorded(effect: asked.Record) -> told.Recorded:
    """Answer a <record>: nothing can be recorded yet."""
    return told.Recorded(
        record_id=effect.record_id,
        recording="",
        content_type=effect.content_type,
        duration_ms=0,
        size_bytes=0,
        ended_by="error.unsupported.record",
    )


def _segments(segments: "tuple[asked.Segment, ...]") -> tuple[port.Segment, ...]:
    """Translate what the interpreter wants heard into what the telephony can play."""
    return tuple(_segment(segment) for segment in segments if not isinstance(segment, asked.Mark))


def _segment(segment: asked.Speech | asked.Audio | asked.Silence) -> port.Segment:
    match segment:
        case asked.Speech(text=text, language=language):
            return port.Speech(text, language)
        case asked.Audio(src=src, fallback=fallback):
            return port.Audio(src, _segments(fallback))
        case asked.Silence(duration_ms=duration_ms):
            return port.Silence(duration_ms)
