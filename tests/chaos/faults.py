"""What goes wrong in a run, drawn from a seed: processes killed and frozen, servers flushed, restarted and crashed.

Every kind comes up once before any comes up again, so that a short run has had them all.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tests.chaos.instants import now
from tests.chaos.stage import LEASE_SECONDS, QUARANTINE_SECONDS, Stage


class Kind(StrEnum):
    """What can go wrong."""

    KILL_DIALER = "dialer killed"
    STOP_DIALER = "dialer told to stop"
    FREEZE_DIALER = "dialer frozen"
    FREEZE_DIALER_PAST_LEASE = "dialer frozen beyond its lease"
    FREEZE_DIALER_PAST_QUARANTINE = "dialer frozen beyond the quarantine"
    KILL_PACER = "pacer killed"
    FREEZE_PACER = "pacer frozen"
    KILL_API = "api killed"
    FREEZE_API = "api frozen"
    FLUSH_REDIS = "redis flushed"
    RESTART_REDIS = "redis killed and restarted"
    CRASH_POSTGRES = "postgres restarted -m immediate"
    CRASH_POSTGRES_AFTER_COMMITS = "postgres crashed between commit and answer"
    PAUSE_CAMPAIGN = "campaign stopped and started"


#: How often each comes up, against the others.
WEIGHTS: Final = {
    Kind.KILL_DIALER: 8,
    Kind.STOP_DIALER: 2,
    Kind.FREEZE_DIALER: 4,
    Kind.FREEZE_DIALER_PAST_LEASE: 4,
    Kind.KILL_PACER: 3,
    Kind.FREEZE_PACER: 3,
    Kind.KILL_API: 2,
    Kind.FREEZE_API: 1,
    Kind.FLUSH_REDIS: 3,
    Kind.RESTART_REDIS: 1,
    Kind.CRASH_POSTGRES: 1,
    Kind.CRASH_POSTGRES_AFTER_COMMITS: 1,
    Kind.PAUSE_CAMPAIGN: 2,
}
#: How long it lasts, in seconds, from and to.
LASTS: Final = {
    Kind.FREEZE_DIALER: (0.2, 2.0),
    Kind.FREEZE_DIALER_PAST_LEASE: (LEASE_SECONDS + 1, LEASE_SECONDS + 6),
    Kind.FREEZE_DIALER_PAST_QUARANTINE: (QUARANTINE_SECONDS + 2, QUARANTINE_SECONDS + 8),
    Kind.FREEZE_PACER: (0.5, 8.0),
    Kind.FREEZE_API: (0.5, 6.0),
    Kind.RESTART_REDIS: (0.0, 4.0),
    Kind.CRASH_POSTGRES: (0.0, 2.0),
    Kind.CRASH_POSTGRES_AFTER_COMMITS: (0.0, 1.0),
    Kind.PAUSE_CAMPAIGN: (0.5, 3.0),
}
#: Between two faults, on average: a dialer needs two seconds of a processor to start.
MEAN_PAUSE_SECONDS: Final = 1.6
#: In runs of this length and more, some dialers stay frozen until their calls have been given up.
LONG_RUN_SECONDS: Final = 120.0
_SERVICES: Final = {
    Kind.KILL_DIALER: "dialer",
    Kind.STOP_DIALER: "dialer",
    Kind.FREEZE_DIALER: "dialer",
    Kind.FREEZE_DIALER_PAST_LEASE: "dialer",
    Kind.FREEZE_DIALER_PAST_QUARANTINE: "dialer",
    Kind.KILL_PACER: "pacer",
    Kind.FREEZE_PACER: "pacer",
    Kind.KILL_API: "api",
    Kind.FREEZE_API: "api",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault as it is drawn."""

    #: Seconds after the fault before.
    pause_seconds: float
    kind: Kind
    #: Which of several it hits: a share of their number.
    victim: float
    lasts_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One fault as it happened."""

    kind: Kind
    name: str
    #: The process that was hit; None for a server or a campaign.
    pid: int | None
    at: float
    #: When it was over; for a kill the instant itself.
    until: float


def drawn(rng: random.Random, seconds: float) -> Iterator[Fault]:
    """Draw the faults of a run that lasts so long."""
    weights = dict(WEIGHTS)
    if seconds >= LONG_RUN_SECONDS:
        weights[Kind.FREEZE_DIALER_PAST_QUARANTINE] = 1
    first = list(weights)
    rng.shuffle(first)
    at = 0.0
    while True:
        kind = first.pop() if first else rng.choices(list(weights), weights=list(weights.values()))[0]
        fault = Fault(
            pause_seconds=rng.uniform(0.3, 2 * MEAN_PAUSE_SECONDS - 0.3),
            kind=kind,
            victim=rng.random(),
            lasts_seconds=rng.uniform(*LASTS.get(kind, (0.0, 0.0))),
        )
        at += fault.pause_seconds
        if at > seconds:
            return
        yield fault


@dataclass(kw_only=True)
class Saboteur:
    """Makes faults happen, and undoes what must be undone."""

    stage: Stage
    #: Told of each fault when it is over.
    tell: Callable[[str], None] = lambda _line: None
    began_at: float = field(default_factory=now)
    injected: list[Injected] = field(default_factory=list)
    _server_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _paused: set[int] = field(default_factory=set)

    async def work(self, rng: random.Random, seconds: float) -> None:
        """Do harm for so long, then let everything come back."""
        for fault in drawn(rng, seconds):
            await asyncio.sleep(fault.pause_seconds)
            task = asyncio.create_task(self._do(fault), name=fault.kind)
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await asyncio.gather(*self._under_way)

    async def _do(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.KILL_DIALER | Kind.KILL_PACER | Kind.KILL_API:
                self.kill(self._victim(fault), fault.kind)
            case Kind.STOP_DIALER:
                self._stop(self._victim(fault))
            case Kind.FLUSH_REDIS:
                await self._flush()
            case Kind.RESTART_REDIS:
                await self._restart_redis(fault.lasts_seconds)
            case Kind.CRASH_POSTGRES:
                await self.crash_postgres(fault.lasts_seconds)
            case Kind.CRASH_POSTGRES_AFTER_COMMITS:
                await self.crash_postgres(fault.lasts_seconds, fault.kind)
            case Kind.PAUSE_CAMPAIGN:
                await self._pause_campaign(fault)
            case _:
                await self.freeze(self._victim(fault), fault.kind, fault.lasts_seconds)

    def kill(self, name: str, kind: Kind = Kind.KILL_DIALER) -> None:
        """Kill a process, unless it is down; the fleet brings it back."""
        at = now()
        pid = self.stage.fleet.kill(name)
        if pid is not None:
            self._note(kind, name, pid, at)

    def _stop(self, name: str) -> None:
        if not self.stage.fleet.is_frozen(name):
            at = now()
            pid = self.stage.fleet.terminate(name)
            if pid is not None:
                self._note(Kind.STOP_DIALER, name, pid, at)

    async def freeze(self, name: str, kind: Kind, seconds: float) -> None:
        """Freeze a process for so long; one that is down or frozen already is left alone."""
        fleet = self.stage.fleet
        if fleet.is_frozen(name):
            return
        at = now()
        pid = fleet.freeze(name)
        if pid is None:
            return
        await asyncio.sleep(seconds)
        if fleet.pid(name) == pid:
            fleet.thaw(name)
        self._note(kind, name, pid, at)

    async def crash_postgres(self, down_seconds: float, kind: Kind = Kind.CRASH_POSTGRES) -> None:
        """Restart Postgres as after a power cut, at any moment or between commits and their acknowledgement."""
        async with self._server_turn:
            at = now()
            if kind is Kind.CRASH_POSTGRES:
                await self.stage.postgres.crash()
            else:
                await self.stage.postgres.crash_after_commits()
            await asyncio.sleep(down_seconds)
            await self.stage.postgres.start()
            self._note(kind, "postgres", None, at)

    async def _flush(self) -> None:
        async with self._server_turn:
            at = now()
            await self.stage.redis.flush()
            self._note(Kind.FLUSH_REDIS, "redis", None, at)

    async def _restart_redis(self, down_seconds: float) -> None:
        async with self._server_turn:
            at = now()
            await self.stage.redis.kill()
            await asyncio.sleep(down_seconds)
            await self.stage.redis.start()
            self._note(Kind.RESTART_REDIS, "redis", None, at)

    async def _pause_campaign(self, fault: Fault) -> None:
        campaigns = self.stage.campaigns
        campaign = campaigns[int(fault.victim * len(campaigns))]
        if campaign.campaign_id in self._paused:
            return
        self._paused.add(campaign.campaign_id)
        at = now()
        try:
            await campaign.customer.pause(campaign, fault.lasts_seconds)
        finally:
            self._paused.discard(campaign.campaign_id)
        self._note(Kind.PAUSE_CAMPAIGN, str(campaign.campaign_id), None, at)

    def _victim(self, fault: Fault) -> str:
        names = self.stage.fleet.names(_SERVICES[fault.kind])
        return names[int(fault.victim * len(names))]

    def _note(self, kind: Kind, name: str, pid: int | None, at: float) -> None:
        fault = Injected(kind=kind, name=name, pid=pid, at=at, until=now())
        self.injected.append(fault)
        self.tell(f"  {at - self.began_at:6.1f} s: {kind}, {name} for {fault.until - at:.1f} s")
