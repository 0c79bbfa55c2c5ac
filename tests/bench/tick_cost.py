"""What a tick costs among ten million waiting numbers of a thousand running campaigns, beside one among few.

Two databases on one server: the ticks take turns between them, so that a busy machine is busy for both. Each claims ten
numbers of another campaign and is rolled back, so that the next finds as much; the commit, which costs the same however
much waits, is in the pacer's ceiling. Most campaigns are not due: one is, and then another.
"""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from rows import Row
from stage import Stage

from services.pacer.planner import Conditions, plan_campaign
from shared.adapters.postgres.attempts import PostgresAttempts
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.planning import PostgresPlanning
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.adapters.sealing.sealer import Sealer
from shared.domain.campaign import Dialect

#: Campaigns, and the numbers that wait in each.
FEW = (10, 10_000)
MANY = (1_000, 10_000)
TICKS_PER_TURN = 25
TURNS = 8
CALLS_PER_TICK = 10
#: More slots in sight than a tick may claim.
PER_MINUTE = 60_000
#: What was not due may cost this much of the rate at most: a look-up goes through one more level of an index, and its
#: pages are not all in memory.
TARGET = 0.8
CONDITIONS = Conditions(horizon=timedelta(seconds=2), doorbell_works=True)
#: Ten million rows and their indexes.
FILL_SECONDS = 1800

FILL = """
INSERT INTO number (tenant_id, campaign_id, batch_no, line_no, e164, message_reference, dedupe_key)
SELECT tenant_id, campaign_id, batch_no, line_no + n, '+1' || 3000000000 + campaign_id * 100000 + n, 'r' || n,
       sha256(int8send(n))
FROM number CROSS JOIN generate_series(1, $2::bigint) AS n WHERE campaign_id = $1 AND line_no = 1
"""


class RolledBack(Exception):
    """Ends a tick that shall not have been."""


@dataclass
class Ticks:
    """A database of running campaigns, and the ticks that took place in it."""

    planning: PostgresPlanning
    dialer: PostgresAttempts
    connection: asyncpg.Connection
    campaigns: list[int]
    seconds: list[float] = field(default_factory=list)

    async def turn(self) -> None:
        """Let so many campaigns be due, one after the other."""
        await self.dialer.advertise(1_000_000)
        for _ in range(TICKS_PER_TURN):
            campaign_id = self.campaigns[len(self.seconds) * 7 % len(self.campaigns)]
            await self.connection.execute(
                "UPDATE campaign_pacing SET look_at = clock_timestamp() WHERE campaign_id = $1", campaign_id
            )
            began = time.perf_counter()
            with suppress(RolledBack):
                await self._tick(campaign_id)
            self.seconds.append(time.perf_counter() - began)
            await self.connection.execute(
                "UPDATE campaign_pacing SET look_at = clock_timestamp() + interval '1 day' WHERE campaign_id = $1",
                campaign_id,
            )

    async def _tick(self, campaign_id: int) -> None:
        async with self.planning.tick() as tick:
            assert tick is not None
            assert tick.campaign.campaign_id == campaign_id
            assert len(await plan_campaign(tick, CONDITIONS)) == CALLS_PER_TICK
            raise RolledBack

    @property
    def rate(self) -> float:
        """Ticks a second, by the median: a tick that met a checkpoint says nothing about the others."""
        return 1 / sorted(self.seconds)[len(self.seconds) // 2]


async def measure(stage: Stage) -> list[Row]:
    """Return the ticks a second among few campaigns and numbers, and among many."""
    async with AsyncExitStack() as stack:
        beside = await stack.enter_async_context(_beside(stage))
        few = await stack.enter_async_context(_ticks(beside, FEW))
        many = await stack.enter_async_context(_ticks(stage, MANY))
        for _ in range(TURNS):
            await few.turn()
            await many.turn()
    small = Row(_title(FEW), few.rate)
    return [small, Row(_title(MANY), many.rate, small, TARGET)]


def _title(size: tuple[int, int]) -> str:
    campaigns, numbers = size
    return f"ticks of ten calls, {campaigns:,} campaigns running, {campaigns * numbers:,} numbers waiting"


@asynccontextmanager
async def _beside(stage: Stage) -> AsyncIterator[Stage]:
    """Set the same stage up on a database of its own."""
    connection = await asyncpg.connect(stage.urls.database_url)
    await connection.execute("CREATE DATABASE few")
    await connection.close()
    url = urlunsplit(urlsplit(stage.urls.database_url)._replace(path="/few"))
    await migrate(url)
    token = await create_token(url, tenant="bench", name="bench", sealer=Sealer.from_key_file(stage.key_file))
    database = await Database.connect(url, role="paceline_api", size=2)
    store = PostgresCampaigns(database)
    tenant_id = await store.tenant_of(token_hash(token))
    yield replace(stage, urls=replace(stage.urls, database_url=url), store=store, tenant_id=tenant_id)
    await database.close()


@asynccontextmanager
async def _ticks(stage: Stage, size: tuple[int, int]) -> AsyncIterator[Ticks]:
    """Make the campaigns, let them run, and let none of them be due."""
    campaigns, numbers = size
    url = stage.urls.database_url
    made = [await stage.campaign(1, per_minute=PER_MINUTE, skip=place) for place in range(campaigns)]
    connection = await asyncpg.connect(url)
    for campaign_id in made:
        await connection.execute(FILL, campaign_id, numbers - 1, timeout=FILL_SECONDS)
        await stage.store.start(stage.tenant_id, Dialect.PLUM, campaign_id)
    await connection.execute("UPDATE campaign SET calls_at_once = $1", CALLS_PER_TICK)
    await connection.execute("UPDATE campaign_pacing SET look_at = clock_timestamp() + interval '1 day'")
    await connection.execute("VACUUM ANALYZE", timeout=FILL_SECONDS)
    pacer = await Database.connect(url, role="paceline_pacer", size=1)
    dialer = await Database.connect(url, role="paceline_dialer", size=1)
    planning = PostgresPlanning(pacer, send_tolerance_seconds=0.1)
    yield Ticks(planning, PostgresAttempts(dialer, worker="bench", lease_seconds=300), connection, made)
    for database in (pacer, dialer):
        await database.close()
    await connection.close()
