"""The dialer's ports in memory: a store that notes what it is told; telephones and an application that are scripted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from typing_extensions import override

from shared.contracts.conclusion import Conclusion
from shared.contracts.dial_job import DialJob
from shared.contracts.result_body import ResultFormat
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.disposition import CallEnding, Disposition
from shared.domain.errors import Unavailable
from shared.domain.gate import GateFacts
from shared.domain.retry import BackInLine, RetryPolicy, WaitUntil, Withheld
from shared.domain.wall_clock import WEEK
from shared.observability.metric import Metric
from shared.ports.dialing import Attempts, Intent, LeasedAttempt, LeaseGone, Leases
from shared.ports.fetching import DocumentStore, FetchedDocument, SharedDocuments
from shared.ports.interpreting import ApplicationSession, Interpreter
from shared.ports.scoreboard import CampaignTotals, Scoreboard
from shared.telephony.port import CallEvent, Ended, LiveCall, OutboundCall, Segment, Telephony
from shared.voicexml import effects as asked
from shared.voicexml import events as told

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANSWERED_AND_OVER = CallEnding(sip_status=200, talk_seconds=7.0)
BUSY = CallEnding(sip_status=486)
ALWAYS = Calendar(
    first_date=date(2026, 1, 1), last_date=date(2199, 1, 1), weekdays=frozenset(WEEK), zone="UTC",
    windows=(CallingWindow(opens_minute=0, closes_minute=1440),),
)  # fmt: skip


def job(attempt_id: int = 3, *, tenant_id: int = 1) -> DialJob:
    """Return a dial job."""
    return DialJob(tenant_id=tenant_id, campaign_id=2, attempt_id=attempt_id)


def leased(
    attempt_id: int = 3,
    *,
    tenant_id: int = 1,
    due: float = 0.0,
    send_by: float = 1e9,
    took_number: bool = True,
    tries: int = 0,
    tries_allowed: int = 1,
    result_url: str | None = "https://crm.example/results",
) -> LeasedAttempt:
    """Return an attempt as the store hands it out."""
    return LeasedAttempt(
        job=job(attempt_id, tenant_id=tenant_id), epoch=1, number_id=attempt_id * 10, ordinal=1, due=due,
        send_by=send_by, took_number=took_number, e164="+12025550100", ani=None, post_dial=None,
        message_reference="ref", variables={}, tries=tries, start_url="https://apps.example/start.vxml",
        start_method="POST", result_url=result_url, result_format=ResultFormat.FORM, caller_id="+12025550199",
        retry_policy=RetryPolicy(tries=tries_allowed, intervals_seconds=(60,)),
    )  # fmt: skip


@dataclass
class MemoryAttempts(Attempts):
    """Attempts in memory; what is not scripted succeeds."""

    #: What can be had, by attempt id; None: anything that is asked for.
    available: dict[int, LeasedAttempt] | None = None
    missed: int = 0
    intent: Intent | GateFacts | LeaseGone | None = None
    lost: set[int] = field(default_factory=set)
    to_end: set[int] = field(default_factory=set)
    written: bool = True
    #: How many of the next questions of a kind find Postgres away.
    away: dict[str, int] = field(default_factory=dict)
    #: How long a lease is in coming.
    lease_takes_seconds: float = 0.0
    #: What was told, in its order.
    said: list[tuple[Any, ...]] = field(default_factory=list)
    #: Why attempts were withheld, where it was not said in the reason's own words.
    words: list[str | None] = field(default_factory=list)

    def _say(self, what: str, *details: object) -> None:
        if self.away.get(what, 0) > 0:
            self.away[what] -= 1
            raise Unavailable
        self.said.append((what, *details))

    def of(self, what: str) -> list[tuple[Any, ...]]:
        """Return what was told of a kind."""
        return [line[1:] for line in self.said if line[0] == what]

    @override
    async def lease(self, tenant_id: int, jobs: Sequence[DialJob]) -> Leases:
        self._say("lease", tenant_id, [each.attempt_id for each in jobs])
        await asyncio.sleep(self.lease_takes_seconds)
        found = [
            leased(each.attempt_id, tenant_id=tenant_id)
            if self.available is None
            else self.available.get(each.attempt_id)
            for each in jobs
        ]
        return Leases([each for each in found if each is not None], self.missed)

    @override
    async def commit_intent(self, leased: LeasedAttempt, fence: str) -> Intent | GateFacts | LeaseGone:
        self._say("intend", fence)
        return self.intent or Intent(NOON)

    @override
    async def record_ringing(self, leased: LeasedAttempt) -> None:
        self._say("ringing")

    @override
    async def record_answer(self, leased: LeasedAttempt) -> None:
        self._say("answered")

    @override
    async def renew(self, held: Sequence[LeasedAttempt]) -> set[int]:
        ids = {each.job.attempt_id for each in held}
        self._say("renew", ids)
        return ids - self.lost

    @override
    async def to_hang_up(self, held: Sequence[LeasedAttempt]) -> set[int]:
        self._say("to hang up")
        return {each.job.attempt_id for each in held} & self.to_end

    @override
    async def conclude(
        self, leased: LeasedAttempt, ending: CallEnding, disposition: Disposition, conclusion: Conclusion
    ) -> bool:
        self._say("conclude", ending, disposition, conclusion)
        return self.written

    @override
    async def postpone(
        self, leased: LeasedAttempt, ending: CallEnding, disposition: Disposition, until: WaitUntil
    ) -> bool:
        self._say("postpone", disposition, until)
        return self.written

    @override
    async def withhold(
        self,
        leased: LeasedAttempt,
        reason: Withheld,
        follow_up: Conclusion | WaitUntil | BackInLine,
        *,
        words: str | None = None,
    ) -> bool:
        self._say("withhold", reason, follow_up)
        self.words.append(words)
        return self.written

    @override
    async def calendar(self, job: DialJob) -> Calendar:
        self._say("calendar")
        return ALWAYS

    @override
    async def now(self) -> datetime:
        self._say("now")
        return NOON

    @override
    async def advertise(self, capacity: int, *, unable_because: str | None = None) -> None:
        self._say("advertise", capacity, unable_because)

    @override
    async def retire(self) -> None:
        self._say("retire")


class ScriptedCall(LiveCall):
    """A call whose events a test hands over one by one; it is over when it is told so."""

    def __init__(self, events: Iterable[CallEvent]) -> None:
        self.sent_at = asyncio.get_running_loop().time()
        self.hang_ups = 0
        self.broken = False
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        for event in events:
            self.tell(event)

    def tell(self, event: CallEvent) -> None:
        """Let something happen."""
        self._events.put_nowait(event)

    @override
    async def events(self) -> AsyncIterator[CallEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Ended):
                return

    @override
    async def play(self, play_id: int, segments: tuple[Segment, ...], *, bargein: bool) -> None:
        pass

    @override
    async def stop_play(self) -> None:
        pass

    @override
    async def collect(self, timeout_ms: int) -> None:
        pass

    @override
    async def record(
        self,
        name: str,
        *,
        longest_seconds: float,
        stop_keys: str,
        final_silence_seconds: float = 0.0,
        first_sound_seconds: float = 0.0,
        beep: bool = False,
    ) -> None:
        pass

    @override
    async def transfer(
        self, e164: str, *, bridge: bool, ring_seconds: float, post_dial: str | None = None
    ) -> None:
        pass

    @override
    async def stop_recording(self) -> None:
        """Record nothing, so that nothing is stopped."""

    @override
    async def end_transfer(self) -> None:
        """Transfer nobody, so that nothing is ended."""

    @override
    async def hang_up(self) -> None:
        if self.broken:
            raise ZeroDivisionError
        self.hang_ups += 1
        await asyncio.sleep(0.1)  # a BYE and its answer
        self.tell(Ended(ANSWERED_AND_OVER))


class ScriptedTelephony(Telephony):
    """Places calls that go as scripted, or refuses to."""

    pace_of_time = 1.0

    def __init__(self, *events: CallEvent, error: Exception | None = None) -> None:
        self.script = events
        self.error = error
        self.placed: list[tuple[OutboundCall, float, float]] = []
        self.calls: list[ScriptedCall] = []
        self.gone_because: str | None = None
        #: How long an INVITE is in leaving.
        self.takes_seconds = 0.0

    @override
    def trouble(self) -> str | None:
        return self.gone_because

    @override
    async def place(self, call: OutboundCall, *, not_before: float, send_by: float) -> LiveCall:
        if self.error is not None:
            raise self.error
        if self.takes_seconds:
            await asyncio.sleep(self.takes_seconds)
        self.placed.append((call, asyncio.get_running_loop().time(), send_by))
        self.calls.append(ScriptedCall(self.script))
        return self.calls[-1]

    @override
    async def close(self) -> None:
        pass


class ScriptedInterpreter(Interpreter, ApplicationSession):
    """An application that exits when the caller is gone, or at once, or never."""

    def __init__(
        self, end: asked.Exit | None = None, *, before: Callable[[], Awaitable[object]] | None = None
    ) -> None:
        self._end = end
        self._before = before
        self.started: list[told.Start] = []
        self.closed = 0

    @override
    async def open(self, start: told.Start) -> ApplicationSession:
        self.started.append(start)
        return self

    @override
    async def begin(self) -> tuple[asked.Effect, ...]:
        if self._before is not None:
            await self._before()
        return () if self._end is None else (self._end,)

    @override
    async def handle(self, event: told.Event) -> tuple[asked.Effect, ...]:
        return (asked.Exit(reason="hangup"),) if isinstance(event, told.HungUp) else ()

    @override
    async def close(self) -> None:
        self.closed += 1


class NoFetcher(SharedDocuments):
    """Nothing is fetched in these stories; how many calls could have is counted."""

    calls = 0

    @override
    def for_call(self) -> DocumentStore:
        self.calls += 1
        return self

    @override
    async def fetch(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
        max_bytes: int,
        follow_redirects: bool = False,
    ) -> FetchedDocument:
        raise AssertionError("Nothing is fetched in these stories.")

    @override
    async def fetch_stored(
        self, url: str, *, max_age_s: int, max_stale_s: int, timeout_s: float, max_bytes: int
    ) -> FetchedDocument:
        raise AssertionError("Nothing is fetched in these stories.")


class MemoryScoreboard(Scoreboard):
    """A scoreboard that keeps its observations."""

    def __init__(self) -> None:
        self.observed: list[tuple[str, float]] = []

    @override
    async def publish_totals(self, totals: Sequence[CampaignTotals]) -> None:
        pass

    @override
    async def publish_process(
        self, service: str, process_id: str, gauges: Mapping[str, float], counters: Mapping[str, int]
    ) -> None:
        pass

    @override
    async def retire(self, service: str, process_id: str) -> None:
        pass

    @override
    async def flush(self) -> None:
        pass

    @override
    def observe(self, metric: Metric, value: float) -> None:
        self.observed.append((metric.name, value))

    @override
    def bump_minute(self, tenant_id: int, campaign_id: int, at: datetime, *, calls: int = 1) -> None:
        pass
