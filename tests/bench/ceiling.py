"""The pacer's ceiling: dials per second claimed and rung from a million waiting numbers, beside dramatiq's own enqueue.

The bare figure is what a program does that has nothing to decide: an actor's `send`, message by message, through the
same broker. Ours is the whole of a tick: look, decide, share out, claim in Postgres with fsync on, and ring. The two
take turns, so that a busy machine is busy for both. Nobody hears the rings: no dialer runs, one only says that it has
room, and the caps are counted as always. Between the rounds, while no clock runs, the calls go through all their states
to the end, as they would, so that no round counts the calls of the one before.

One campaign is looked at no more often than twice a second, whatever its pace: the million waits in a hundred of them.
What one alone may claim is a row of its own.

Then both again while another session keeps an old snapshot. The calls of many rounds have come to their end since it
was taken, and each of their states lies dead in every index in front of those that live.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import dramatiq
from rows import Row, Table
from stage import Stage
from typing_extensions import override

from services.pacer.pacer import Pacer
from shared.adapters.postgres.attempts import PostgresAttempts
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.planning import PostgresPlanning
from shared.adapters.postgres.reaping import PostgresReaping
from shared.adapters.redis.doorbell import RedisDoorbell, broker
from shared.contracts.dial_job import DIAL_QUEUE, DialJob
from shared.domain.campaign import Dialect
from shared.observability.tally import Tally
from shared.ports.doorbell import Doorbell

WAITING_NUMBERS = 1_000_000
CAMPAIGNS = 100
#: A thousand calls a second for each campaign: the pace is never the limit.
PER_MINUTE = 60_000
ROUNDS = 4
ENQUEUED_PER_ROUND = 10_000
DIALS_PER_ROUND = 25_000
#: Some three seconds for one campaign alone.
DIALS_ALONE = 3_000
#: Calls that begin and end after the old snapshot was taken.
CALLED_SINCE_SNAPSHOT = 100_000
TARGET = 0.8
TARGET_UNDER_SNAPSHOT = 0.5
#: A round that takes longer than this is stuck.
PATIENCE_SECONDS = 120
#: A tick holds one connection; the housekeeping takes another.
POOL_SIZE = 2

FILL = """
INSERT INTO number (tenant_id, campaign_id, batch_no, line_no, e164, message_reference, dedupe_key)
SELECT tenant_id, campaign_id, batch_no, line_no + n, '+1' || 3000000000 + campaign_id * 100000 + n, 'r' || n,
       sha256(int8send(n))
FROM number CROSS JOIN generate_series(1, $2::bigint) AS n WHERE campaign_id = ANY($1) AND line_no = 1
"""
TAKE_LIVE_CALLS = """
INSERT INTO live_call (tenant_id, e164, campaign_id, attempt_id)
SELECT tenant_id, e164, campaign_id, attempt_id
FROM attempt a JOIN number USING (tenant_id, campaign_id, number_id) WHERE a.state = 'PLANNED'
"""
#: Each state of a call as a statement of its own, so that each leaves its dead row.
LIVES = (
    TAKE_LIVE_CALLS,
    "UPDATE attempt SET state = 'LEASED', lease_until = now() + interval '1 h' WHERE state = 'PLANNED'",
    "UPDATE attempt SET state = 'DIALING', intent_at = due_at WHERE state = 'LEASED'",
    "UPDATE attempt SET state = 'DONE', outcome = 1, lease_until = NULL, ended_at = now() WHERE state = 'DIALING'",
    "UPDATE number SET state = 'FINAL', tries = 1 WHERE state = 'IN_ATTEMPT'",
    "DELETE FROM live_call",
)


@dataclass
class CountingBell(Doorbell):
    """The real doorbell, which counts what it has rung."""

    bell: RedisDoorbell
    enough: int
    rung: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @override
    async def ring(self, jobs: Sequence[DialJob]) -> None:
        await self.bell.ring(jobs)
        self.rung += len(jobs)
        if self.rung >= self.enough:
            self.reached.set()

    @override
    async def ring_deliverers(self) -> None:
        raise AssertionError("Nothing here ends a number.")

    @override
    async def works(self) -> bool:
        return await self.bell.works()


@dataclass
class Measured:
    """Calls and the seconds that they took, added up over the rounds."""

    calls: int = 0
    seconds: float = 0.0

    def add(self, calls: int, seconds: float) -> None:
        """Add a round."""
        self.calls += calls
        self.seconds += seconds

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds


async def measure(stage: Stage) -> list[Row | Table]:
    """Return dramatiq's rate, the pacer's, and the pacer's under an old snapshot."""
    loads = [_load("before")]
    campaigns = await _million(stage)
    database = await Database.connect(stage.urls.database_url, role="paceline_pacer", size=POOL_SIZE)
    async with _room(stage):
        first, *others = campaigns
        await stage.store.start(stage.tenant_id, Dialect.PLUM, first)
        alone = await _rounds(stage, database, rounds=1, dials=DIALS_ALONE)
        for campaign_id in others:
            await stage.store.start(stage.tenant_id, Dialect.PLUM, campaign_id)
        free = await _rounds(stage, database)
        loads.append(_load("before the snapshot"))
        async with _old_snapshot(stage):
            for _ in range(CALLED_SINCE_SNAPSHOT // DIALS_PER_ROUND):
                await _pace(stage, database, DIALS_PER_ROUND)
                await _end_calls(stage, database)
            behind = await _rounds(stage, database)
        loads.append(_load("after"))
    await database.close()
    return [*_rows(free, alone[1], behind), Table("load average", ("", "1 min", "5 min", "15 min"), loads)]


def _rows(free: tuple[Measured, Measured], alone: Measured, behind: tuple[Measured, Measured]) -> list[Row]:
    enqueued = Row("dramatiq's own enqueue, an actor's send", free[0].rate)
    ceiling = Row("pacer ceiling: claimed of a million and rung", free[1].rate, enqueued, TARGET)
    enqueued_then = Row("dramatiq's own enqueue, meanwhile", behind[0].rate)
    return [
        enqueued,
        ceiling,
        Row("one campaign alone", alone.rate, ceiling),
        Row("pacer ceiling beside an old snapshot", behind[1].rate, ceiling, TARGET_UNDER_SNAPSHOT),
        enqueued_then,
        Row("pacer ceiling beside an old snapshot", behind[1].rate, enqueued_then),
    ]


def _load(when: str) -> tuple[str, ...]:
    return when, *(f"{load:.2f}" for load in os.getloadavg())


async def _million(stage: Stage) -> list[int]:
    """Make campaigns of a million numbers without reading a file of them."""
    campaigns = [await stage.campaign(1, per_minute=PER_MINUTE, skip=place) for place in range(CAMPAIGNS)]
    connection = await asyncpg.connect(stage.urls.database_url)
    await connection.execute(FILL, campaigns, WAITING_NUMBERS // CAMPAIGNS - 1, timeout=300)
    await connection.execute("VACUUM ANALYZE", timeout=300)
    await connection.close()
    return campaigns


@asynccontextmanager
async def _room(stage: Stage) -> AsyncIterator[None]:
    """Say for the block that a dialer has room for everything."""
    database = await Database.connect(stage.urls.database_url, role="paceline_dialer", size=1)
    dialer = PostgresAttempts(database, worker="bench", lease_seconds=300)

    async def advertise() -> None:
        while True:
            await dialer.advertise(WAITING_NUMBERS)
            await asyncio.sleep(2)

    await dialer.advertise(WAITING_NUMBERS)
    task = asyncio.create_task(advertise())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await dialer.retire()
        await database.close()


async def _rounds(
    stage: Stage, database: Database, *, rounds: int = ROUNDS, dials: int = DIALS_PER_ROUND
) -> tuple[Measured, Measured]:
    """Let dramatiq and the pacer take turns; each round of calls is over before the next begins."""
    bare, ours = Measured(), Measured()
    for _ in range(rounds):
        bare.add(ENQUEUED_PER_ROUND, await asyncio.to_thread(_enqueue, stage, ENQUEUED_PER_ROUND))
        ours.add(*await _pace(stage, database, dials))
        await _end_calls(stage, database)
    return bare, ours


def _enqueue(stage: Stage, count: int) -> float:
    """Send so many messages as any program that uses dramatiq does; returns the seconds."""
    plain = broker(stage.urls.redis_url, "bench")
    actor = dramatiq.actor(broker=plain, actor_name=DIAL_QUEUE, queue_name=DIAL_QUEUE)(lambda **_: None)
    began = time.perf_counter()
    for number in range(count):
        actor.send(v=1, tenant_id=1, campaign_id=1, attempt_id=number)
    seconds = time.perf_counter() - began
    plain.flush_all()
    plain.close()
    return seconds


async def _pace(stage: Stage, database: Database, count: int) -> tuple[int, float]:
    """Let a pacer claim and ring until so many are rung; returns how many, and the seconds."""
    plain = broker(stage.urls.redis_url, "bench")
    bell = CountingBell(RedisDoorbell(plain), enough=count)
    planning = PostgresPlanning(database, send_tolerance_seconds=0.1)
    pacer = Pacer(planning=planning, doorbell=bell, tally=Tally(), horizon=timedelta(seconds=2))
    began = time.perf_counter()
    pacing = asyncio.create_task(pacer.run())
    reached = asyncio.create_task(bell.reached.wait())
    await asyncio.wait({pacing, reached}, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    rung, seconds = bell.rung, time.perf_counter() - began
    for task in (pacing, reached):
        task.cancel()
    outcomes = await asyncio.gather(pacing, reached, return_exceptions=True)
    assert rung >= count, outcomes
    assert plain.client.llen(f"{plain.namespace}:{DIAL_QUEUE}") >= rung
    plain.flush_all()
    plain.close()
    return rung, seconds


@asynccontextmanager
async def _old_snapshot(stage: Stage) -> AsyncIterator[None]:
    """Keep a snapshot open for the block."""
    connection = await asyncpg.connect(stage.urls.database_url)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.fetchval("SELECT count(*) FROM campaign")
        yield
    await connection.close()


async def _end_calls(stage: Stage, database: Database) -> None:
    """Let every attempt go through its states to the end, and keep house as every pacer does."""
    connection = await asyncpg.connect(stage.urls.database_url)
    for statement in LIVES:
        await connection.execute(statement, timeout=300)
    await connection.close()
    await PostgresReaping(database).keep_house()
