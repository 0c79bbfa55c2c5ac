"""The story of eighteen crash points: on one platform, one process after the other dies exactly there.

Two dialers, a pacer and the API die in turn while campaigns run, and whatever died comes back whole. What stood in
Postgres at the moment of each death is noted for those who look at the story when it has been told.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
from aiohttp import web
from typing_extensions import override

from shared.failpoints import VARIABLE, Failpoint
from tests.area_codes import AREAS
from tests.chaos.customer import ChaosCampaign, Line
from tests.chaos.evidence import Evidence
from tests.chaos.faults import Injected, Kind
from tests.chaos.fleet import Ended, Fleet, Member
from tests.chaos.instants import now
from tests.chaos.stage import Stage
from tests.chaos.witnesses import WebhookWitness

P: Final = Failpoint

#: What each process is armed with at each of its starts, one after the other; then it lives on in peace. The points
#: that leave a call unexplained come first, so that their quarantines pass while the others have their turn.
PLAN: Final = {
    "dialer-1": [
        f"{P.INTENT_COMMITTED}:kill:2", f"{P.RINGING}:kill:2", f"{P.IN_CALL}:kill:2", f"{P.RING_HEARD}:raise",
        f"{P.RESULT_COMMITTED}:kill:2", f"{P.INTENT_COMMITTED}:pause:0.8",
    ],
    "dialer-2": [
        f"{P.INVITE_SENT}:kill:2", f"{P.APPLICATION_ASKED}:kill:2", f"{P.CALL_OVER}:kill:2", f"{P.LEASED}:kill:2",
        f"{P.WEBHOOK_SENT}:kill:2", f"{P.WEBHOOK_ANSWERED}:kill:2",
    ],
    "pacer-1": [f"{P.SLOTS_COMMITTED}:kill", f"{P.RUNG}:kill:2", f"{P.SLOTS_RESERVED}:kill:2"],
}  # fmt: skip
LEAVES_UNKNOWN: Final = (
    P.INTENT_COMMITTED, P.INVITE_SENT, P.RINGING, P.APPLICATION_ASKED, P.IN_CALL, P.CALL_OVER,
)  # fmt: skip
KINDS: Final = {"dialer": Kind.KILL_DIALER, "pacer": Kind.KILL_PACER, "api": Kind.KILL_API}

#: A lease is longer than a busy machine takes to look at what a dead dialer has left.
SETTINGS: Final = {"PACELINE_SIMULATOR_SPEED": "10", "PACELINE_LEASE_SECONDS": "10"}
#: Last digits of simulated callees who answer.
ANSWER: Final = ("00", "03", "08", "09")
PER_MINUTE: Final = 300
#: Numbers in line beyond which no more are loaded.
ENOUGH_IN_LINE: Final = 10
#: A process starts within two seconds and meets its point within another; a busy machine takes many times that.
HIT_SECONDS: Final = 200.0
REST_SECONDS: Final = 240.0
#: Much longer than `failpoint_soon` waits, so that a deliverer dies before the answer even to the post before its last.
HOLD_SECONDS: Final = 3.0
POLL_SECONDS: Final = 0.02

HELD: Final = """
SELECT attempt_id, number_id, state::text, epoch FROM attempt
WHERE worker = $1 AND state IN ('LEASED', 'DIALING', 'RINGING', 'IN_CALL')
"""

#: What a tick has left, and the youngest of it whatever became of that: of what was rung, dialers may have leased or
#: called all before its pacer's end was noticed.
NOT_YET_CALLED: Final = """
SELECT attempt_id FROM attempt WHERE state IN ('PLANNED', 'LEASED') UNION SELECT max(attempt_id) FROM attempt
"""

#: Campaigns whose account of emissions is not that of their attempts.
TORN: Final = """
SELECT p.campaign_id, p.emitted, max(a.emission_no) AS planned
FROM campaign_pacing p JOIN attempt a USING (tenant_id, campaign_id)
GROUP BY p.tenant_id, p.campaign_id HAVING p.emitted <> max(a.emission_no)
"""


class ArmedFleet(Fleet):
    """A fleet whose members are armed at each start as their plan says."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(folder, environment)
        self._plain = self._environment
        self.plan = {name: list(points) for name, points in PLAN.items()}
        #: What each process was armed with.
        self.armed: dict[int, str] = {}
        #: Who died at its point, or will, and stays down until somebody has looked at what it left.
        self.unseen: set[str] = set()

    @override
    def _launch(self, member: Member) -> None:
        waiting = self.plan.get(member.name)
        written = waiting.pop(0) if waiting else ""
        self._environment = {**self._plain, VARIABLE: written}
        super()._launch(member)
        if written:
            member.killed = True  # it will be, by its own hand
            self.armed[member.pids[-1]] = written
            self.unseen.add(member.name)

    @override
    def _may_start(self, member: Member) -> bool:
        return member.name not in self.unseen and super()._may_start(member)

    def deaths(self, written: str) -> list[Ended]:
        """Return the ends of processes that were armed so."""
        return [end for end in self.ended if self.armed.get(end.pid) == written]

    def armed_now(self, name: str) -> str:
        """Return with what a member runs; "" when it is down or runs in peace."""
        pid = self.pid(name)
        return "" if pid is None else self.armed.get(pid, "")

    async def rearm(self, name: str, written: str) -> None:
        """Kill a member, and have it answer again with a point armed."""
        pid = self.pid(name)
        self.plan[name] = [written]
        self.kill(name)
        member = self._members[name]
        async with asyncio.timeout(HIT_SECONDS):
            while member.pid in (None, pid) or not member.ready_file.exists():
                await asyncio.sleep(POLL_SECONDS)


@dataclass(kw_only=True)
class SlowReceiver(WebhookWitness):
    """A receiver that may take its time to answer."""

    hold_seconds: float = 0.0

    @contextlib.contextmanager
    def holding(self, seconds: float) -> Iterator[None]:
        """Take so much longer for a while; for others' sake, whoever asks for nothing changes nothing."""
        self.hold_seconds += seconds
        try:
            yield
        finally:
            self.hold_seconds -= seconds

    @override
    async def _result(self, request: web.Request) -> web.Response:
        answer = await super()._result(request)
        await asyncio.sleep(self.hold_seconds)
        return answer


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A death at a point, and what stood in Postgres right after it."""

    end: Ended
    #: The attempts that the dead dialer had, as rows of HELD.
    held: list[asyncpg.Record] = field(default_factory=list)
    #: Whatever else the point is about.
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Story:
    """The platform while its processes die, and what was seen."""

    platform: Stage
    fleet: ArmedFleet
    receiver: SlowReceiver
    hits: dict[Failpoint, Hit] = field(default_factory=dict)
    injected: list[Injected] = field(default_factory=list)
    #: Where the rings were dropped: passes seen, and attempts that the deaf dialer leased all the same.
    dropped: tuple[int, int] = (0, 0)
    #: Attempts whose intent was committed, and whose INVITE would have left too late.
    too_late: list[asyncpg.Record] = field(default_factory=list)
    evidence: Evidence | None = None
    _loaded: int = 0

    # The story ----------------------------------------------------------------------------------------------------

    async def tell(self) -> None:
        """Let everybody die at every point, and everything come to rest."""
        customer = self.platform.customers["north"]
        everyday = await customer.create(self._lines(40), per_minute=PER_MINUTE, name="everyday")
        await customer.start(everyday)
        feeding = asyncio.create_task(self._feed(everyday))
        try:
            async with asyncio.TaskGroup() as strands:
                strands.create_task(self._dialer("dialer-1"))
                strands.create_task(self._dialer("dialer-2"))
                strands.create_task(self._pacer())
                strands.create_task(self._api())
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})
        await self._until(self.platform.is_quiet, "all is quiet", seconds=REST_SECONDS)
        self.evidence = await Evidence.of(self.platform, self.injected)

    async def _dialer(self, name: str) -> None:
        for written in PLAN[name]:
            point, action = Failpoint(written.split(":")[0]), written.split(":")[1]
            if action == "raise":
                await self._hear_nothing(name, written)
            elif action == "pause":
                await self._come_too_late(name, written)
            else:
                with self.receiver.holding(HOLD_SECONDS if point is P.WEBHOOK_SENT else 0.0):
                    end = await self._death(written)
                self.hits[point] = await self._look_at_dialer(point, end)
                self.fleet.unseen.discard(name)

    async def _hear_nothing(self, name: str, written: str) -> None:
        """Let a dialer drop every ring for a while, then kill it."""
        line = f"{P.RING_HEARD} {P.RING_HEARD.name}, pass "

        async def heard() -> bool:
            return self.fleet.armed_now(name) == written and self.fleet.logs()[name].count(line) >= 3

        await self._until(heard, "three rings were dropped", seconds=HIT_SECONDS)
        worker = _worker(self.fleet.pid(name))
        leased = await self.platform.sql("SELECT 1 FROM attempt WHERE worker = $1", worker)
        self.dropped = self.fleet.logs()[name].count(line), len(leased)
        await self._kill(name, written)

    async def _come_too_late(self, name: str, written: str) -> None:
        """Let a dialer wait between intent and INVITE for longer than it may, then kill it."""
        withheld = (
            "SELECT attempt_id, withheld_because FROM attempt"
            " WHERE worker = $1 AND state = 'WITHHELD' AND intent_at IS NOT NULL"
        )

        async def gave_up() -> bool:
            if self.fleet.armed_now(name) == written:
                self.too_late = await self.platform.sql(withheld, _worker(self.fleet.pid(name)))
            return len(self.too_late) >= 2

        await self._until(gave_up, "two calls came too late", seconds=HIT_SECONDS)
        await self._kill(name, written)

    async def _kill(self, name: str, written: str) -> None:
        self.fleet.kill(name)
        await self._death(written)
        self.fleet.unseen.discard(name)

    async def _pacer(self) -> None:
        for written in PLAN["pacer-1"]:
            point, end = Failpoint(written.split(":")[0]), await self._death(written)
            planned = await self.platform.sql(NOT_YET_CALLED)
            torn = await self.platform.sql(TORN)
            facts = {"planned": [row["attempt_id"] for row in planned], "torn": [tuple(row) for row in torn]}
            self.hits[point] = Hit(end=end, facts=facts)
            if point is P.RUNG:
                await self.platform.redis.flush()  # what nobody had fetched
            self.fleet.unseen.discard(end.name)
        await self._reap_in_part()

    async def _reap_in_part(self) -> None:
        """Let several quarantines be over at the same time, with a reaper that dies at the second."""

        async def two_are_lost() -> bool:
            lost = await self.platform.sql("SELECT 1 FROM attempt WHERE state = 'UNKNOWN'")
            return len(lost) >= 2 and all(point in self.hits for point in LEAVES_UNKNOWN)

        await self._until(two_are_lost, "two calls are lost", seconds=2 * HIT_SECONDS)
        written = f"{P.REAPED_IN_PART}:kill:2"
        await self.fleet.rearm("pacer-1", written)
        over = await self.platform.sql(
            "UPDATE attempt SET quarantine_until = clock_timestamp() WHERE state = 'UNKNOWN' RETURNING attempt_id"
        )
        end = await self._death(written)
        wanted = [row["attempt_id"] for row in over]
        found = await self.platform.sql(
            "SELECT state::text, count(*) FROM attempt WHERE attempt_id = ANY ($1) GROUP BY state", wanted
        )
        self.fleet.unseen.discard(end.name)
        facts = {"over": wanted, "states": {row["state"]: row["count"] for row in found}}
        self.hits[P.REAPED_IN_PART] = Hit(end=end, facts=facts)

    async def _api(self) -> None:
        customer = self.platform.customers["north"]
        listed = await customer.create(self._lines(1), per_minute=PER_MINUTE, name="listed")
        await customer.start(listed)
        for point in (P.UPLOAD_STAGED_IN_PART, P.UPLOAD_COMMITTED):
            written = f"{point}:kill"
            await self.fleet.rearm("api-1", written)
            adding = asyncio.create_task(customer.add(listed, self._lines(5)))
            end = await self._death(written)
            batches = await self._batches(listed)
            self.fleet.unseen.discard(end.name)
            await adding
            facts = {"batches": batches, "afterwards": await self._batches(listed)}
            self.hits[point] = Hit(end=end, facts=facts)
        await self._stop_under_calls()

    async def _stop_under_calls(self) -> None:
        customer = self.platform.customers["north"]
        stopped = await customer.create(self._lines(15), per_minute=PER_MINUTE, name="stopped")
        await customer.start(stopped)
        under_way = (
            "SELECT 1 FROM attempt WHERE campaign_id = $1 AND state IN ('DIALING', 'RINGING', 'IN_CALL')"
        )

        async def talks() -> bool:
            return bool(await self.platform.sql(under_way, stopped.campaign_id))

        written = f"{P.STOP_NOT_COMMITTED}:kill"
        await self.fleet.rearm("api-1", written)
        before = await self._campaign(stopped)
        await self._until(talks, "a call is under way", seconds=HIT_SECONDS)
        pausing = asyncio.create_task(customer.pause(stopped, 1.5))
        end = await self._death(written)
        facts = {"before": before, "then": await self._campaign(stopped)}
        self.fleet.unseen.discard(end.name)
        await pausing
        facts["afterwards"] = await self._campaign(stopped)
        self.hits[P.STOP_NOT_COMMITTED] = Hit(end=end, facts=facts)

    async def _feed(self, campaign: ChaosCampaign) -> None:
        """Keep numbers in line for as long as somebody has yet to die."""
        in_line = "SELECT count(*) FROM number WHERE campaign_id = $1 AND state = 'READY'"
        while True:
            (row,) = await self.platform.sql(in_line, campaign.campaign_id)
            # The lists that the API shall die of are not these.
            if row["count"] < ENOUGH_IN_LINE and P.UPLOAD_COMMITTED in self.hits:
                await campaign.customer.add(campaign, self._lines(20))
            await asyncio.sleep(0.5)

    # What is seen -------------------------------------------------------------------------------------------------

    async def _death(self, written: str) -> Ended:
        async def died() -> bool:
            return bool(self.fleet.deaths(written))

        await self._until(died, f"{written} was hit", seconds=HIT_SECONDS)
        (end,) = self.fleet.deaths(written)
        kind = KINDS[self.fleet.service_of(end.name)]
        self.injected.append(Injected(kind=kind, name=end.name, pid=end.pid, at=end.at, until=end.at))
        return end

    async def _look_at_dialer(self, point: Failpoint, end: Ended) -> Hit:
        held = await self.platform.sql(HELD, _worker(end.pid))
        facts: dict[str, Any] = {}
        if point is P.RESULT_COMMITTED:
            facts["written"] = await self.platform.sql(
                "SELECT number_id FROM attempt WHERE worker = $1 AND state = 'DONE' ORDER BY ended_at DESC LIMIT 1",
                _worker(end.pid),
            )
        if point in (P.WEBHOOK_SENT, P.WEBHOOK_ANSWERED):
            sending = await self.platform.sql("SELECT webhook_id FROM delivery WHERE state = 'SENDING'")
            facts["sending"] = {row["webhook_id"] for row in sending}
        return Hit(end=end, held=held, facts=facts)

    async def _batches(self, campaign: ChaosCampaign) -> list[tuple[int, int]]:
        rows = await self.platform.sql(
            "SELECT accepted, duplicates FROM batch WHERE campaign_id = $1 ORDER BY batch_no", campaign.campaign_id
        )  # fmt: skip
        return [(row["accepted"], row["duplicates"]) for row in rows]

    async def _campaign(self, campaign: ChaosCampaign) -> tuple[str, int]:
        (row,) = await self.platform.sql(
            "SELECT state::text, epoch FROM campaign WHERE campaign_id = $1", campaign.campaign_id
        )
        return row["state"], row["epoch"]

    def _lines(self, count: int) -> list[Line]:
        """Return numbers of people who answer, each with a reference of its own."""
        places = range(self._loaded, self._loaded + count)
        self._loaded += count
        return [
            Line(
                e164=f"+1{AREAS[place // len(ANSWER)]}55501{ANSWER[place % len(ANSWER)]}",
                reference=f"n-{place}",
            )
            for place in places
        ]

    async def _until(self, met: Callable[[], Awaitable[bool]], what: str, *, seconds: float) -> None:
        began = now()
        while not await met():
            assert now() - began < seconds, f"not within {seconds} s: {what}; hit so far: {[*self.hits]}"
            await asyncio.sleep(POLL_SECONDS)


def _worker(pid: int | None) -> str:
    """Return the name by which a dialer signs its leases."""
    return f"{socket.gethostname()}-{pid}"
