"""A tick costs no more than what is due: not more for numbers that wait, nor for campaigns whose time has not come.

A real tick runs through the real statements, and each of them is explained (ANALYZE, BUFFERS) right before it runs, in
a savepoint that is rolled back; so is the tick itself. What is compared are pages touched, which do not depend on how
busy a machine is. The two sizes are far apart and yet have indexes of the same height: one level more is one page more
for every look-up, and the only growth that there may be.

Each is asked with the plans that Postgres makes for the values at hand and with those that it keeps for all values,
since a pacer's statements come to use either.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import orjson
import pytest
import pytest_asyncio
from typing_extensions import override

from services.pacer.planner import Conditions, plan_campaign
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.planning import PostgresPlanning
from shared.adapters.postgres.queries import queries
from shared.domain.pace import Pace

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Ten thousand calls a second: more slots in sight than any tick here may claim.
TORRENT = Pace(period_minutes=1, amount=600_000)
CONDITIONS = Conditions(horizon=timedelta(seconds=2), doorbell_works=True)
#: Campaigns that are due, whatever the number of those that are not.
DUE_CAMPAIGNS = 5
NUMBERS_OF_A_SLEEPER = 150
#: A quarter of the numbers were called before and wait for an hour that is still to come.
ONE_WAITS_OF = 4
#: How many calls a tick may claim, as the campaign's own cap.
CALLS = (10, 100)
PLANS = ("force_custom_plan", "force_generic_plan")
#: Looks before anything is measured: an index that begins empty would grow its first level meanwhile.
LOOKS_BEFORE = 10
#: Looks while the old snapshot is open, each of which claims the larger number of calls.
LOOKS_BEHIND = 30
#: How much more pages of the same work may be: a claim meets half-full and full pages by chance.
TOLERANCE = 1.15
#: As above, where it is a handful of pages.
A_FEW_PAGES = 5
#: A claimed number is found in line, locked, changed in four indexes and gets an attempt with eight; each of these
#: look-ups goes down two or three pages.
PAGES_OF_A_NUMBER = 45
#: All that a tick reads and writes besides its claim.
PAGES_OF_A_LOOK = 100
#: An attempt leaves a version of itself for each of PLANNED, LEASED, DIALING and DONE.
STATES_OF_A_CALL = 4
#: A page holds many more versions of an attempt.
VERSIONS_OF_A_PAGE = 10

SLEEPERS = """
WITH campaigns AS (
    INSERT INTO campaign (tenant_id, dialect, state, first_date, last_date, time_zone, schedule_id, start_url,
                          started_at)
    SELECT tenant_id, dialect, state, first_date, last_date, time_zone, schedule_id, start_url, started_at
    FROM campaign CROSS JOIN generate_series(1, $2) WHERE campaign_id = $1
    RETURNING tenant_id, campaign_id
), windows AS (
    INSERT INTO campaign_window (tenant_id, campaign_id, window_no, opens_minute, closes_minute, profile_id)
    SELECT c.tenant_id, c.campaign_id, w.window_no, w.opens_minute, w.closes_minute, w.profile_id
    FROM campaigns c JOIN campaign_window w ON w.campaign_id = $1
), lines AS (
    INSERT INTO campaign_queue (tenant_id, campaign_id, last_batch_no) SELECT tenant_id, campaign_id, 1 FROM campaigns
), paces AS (
    INSERT INTO campaign_pacing (tenant_id, campaign_id, look_at)
    SELECT tenant_id, campaign_id, clock_timestamp() + interval '1 day' FROM campaigns
), batches AS (
    INSERT INTO batch (tenant_id, campaign_id, batch_no) SELECT tenant_id, campaign_id, 1 FROM campaigns
)
SELECT campaign_id FROM campaigns
"""
NUMBERS = """
INSERT INTO number (tenant_id, campaign_id, batch_no, line_no, e164, message_reference, dedupe_key, state, next_at)
SELECT b.tenant_id, b.campaign_id, b.batch_no, n, '+1202' || lpad(n::text, 7, '0'), 'r' || n, sha256(int8send(n)),
       CASE WHEN n % $4 = 0 THEN 'WAITING' ELSE 'READY' END::number_state,
       CASE WHEN n % $4 = 0 THEN clock_timestamp() + interval '1 h' END
FROM batch b CROSS JOIN generate_series($2::bigint, $3::bigint) AS n WHERE b.campaign_id = ANY($1) AND b.batch_no = 1
"""
TO_SLEEP = (
    "UPDATE campaign_pacing SET look_at = look_at + interval '1000 years' WHERE look_at <= clock_timestamp()"
)
AWAKE = """
UPDATE campaign_pacing SET look_at = look_at - interval '1000 years'
WHERE look_at > clock_timestamp() + interval '900 years'
"""
#: Each state of a call as a statement of its own, so that each leaves its dead row.
LIVES = (
    "UPDATE attempt SET state = 'LEASED', lease_until = now() + interval '1 h' WHERE state = 'PLANNED'",
    "UPDATE attempt SET state = 'DIALING', intent_at = due_at WHERE state = 'LEASED'",
    "UPDATE attempt SET state = 'DONE', outcome = 1, lease_until = NULL, ended_at = now() WHERE state = 'DIALING'",
    "UPDATE number SET state = 'FINAL', tries = 1 WHERE state = 'IN_ATTEMPT'",
)
#: Every statement that a tick may run, by its text.
NAMES: Final = {
    statement: name
    for file in ("planning", "caps", "callee_hours", "dialing")
    for name, statement in queries(file).items()
}


class RolledBack(Exception):
    """Ends a tick that shall not have been."""


@dataclass
class Explaining:
    """A connection that explains every statement, which changes nothing, before it runs it."""

    connection: asyncpg.Connection
    plan: str
    #: Pages touched, by the name of the query.
    pages: Counter[str]

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """As the connection's."""
        await self._explain(statement, arguments)
        rows: list[asyncpg.Record] = await self.connection.fetch(statement, *arguments)
        return rows

    async def fetchrow(self, statement: str, *arguments: object) -> asyncpg.Record | None:
        """As the connection's."""
        await self._explain(statement, arguments)
        return await self.connection.fetchrow(statement, *arguments)

    async def fetchval(self, statement: str, *arguments: object) -> Any:  # noqa: ANN401 - as asyncpg has it
        """As the connection's."""
        await self._explain(statement, arguments)
        return await self.connection.fetchval(statement, *arguments)

    async def execute(self, statement: str, *arguments: object) -> str:
        """As the connection's; a setting has no plan."""
        if "SET LOCAL" not in statement:
            await self._explain(statement, arguments)
        status: str = await self.connection.execute(statement, *arguments)
        return status

    async def _explain(self, statement: str, arguments: Sequence[object]) -> None:
        values = f"({', '.join(map(literal, arguments))})" if arguments else ""
        await self.connection.execute(f"SAVEPOINT unexplained; SET LOCAL plan_cache_mode = {self.plan}")
        await self.connection.execute(f"PREPARE explained AS {statement}")
        text = await self.connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained{values}"
        )
        await self.connection.execute("ROLLBACK TO unexplained; DEALLOCATE explained")
        whole = orjson.loads(text)[0]["Plan"]
        self.pages[NAMES[statement]] += whole["Shared Hit Blocks"] + whole["Shared Read Blocks"]


def literal(value: object) -> str:
    """Return a value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"'{value.isoformat()}'::timestamptz"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list | tuple):
        return f"ARRAY[{', '.join(map(literal, value))}]"
    assert isinstance(value, int | float)
    return str(value)


class ExplainingDatabase(Database):
    """A database whose transactions explain what they do."""

    plan = ""
    pages: Counter[str]

    @override
    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[asyncpg.Connection]:
        async with super().transaction(**options) as connection:
            yield Explaining(connection, self.plan, self.pages)


@dataclass
class Scene:
    """A database that grows, and what a tick of one campaign costs in it."""

    store: "Store"
    database: ExplainingDatabase
    campaign_id: int
    #: Pages of a look for what is due when nothing is: among few campaigns, and among many.
    idle: list[int] = field(default_factory=list)
    #: By plan and calls claimed.
    small: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)
    large: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)
    behind: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)

    async def grow(self, *, sleepers: int, first_line: int, last_line: int) -> None:
        """Add campaigns that are not due, each with a few numbers, and lines to the one that is."""
        made = await self.store.sql(SLEEPERS, self.campaign_id, sleepers)
        asleep = [row["campaign_id"] for row in made]
        await self.store.sql(NUMBERS, asleep, 1, NUMBERS_OF_A_SLEEPER, ONE_WAITS_OF)
        await self.store.sql(NUMBERS, [self.campaign_id], first_line, last_line, ONE_WAITS_OF)
        await self.store.reaping.keep_house()

    async def costs(self) -> dict[tuple[str, int], Counter[str]]:
        """Return the pages that each statement of a tick touches, by plan and calls claimed."""
        return {(plan, calls): await self._cost(plan, calls) for plan in PLANS for calls in CALLS}

    async def _cost(self, plan: str, calls: int) -> Counter[str]:
        await self.make_due(calls)
        self.database.plan, self.database.pages = plan, Counter()
        planning = PostgresPlanning(self.database, send_tolerance_seconds=60)
        with suppress(RolledBack):
            async with planning.tick() as tick:
                assert tick is not None
                assert tick.campaign.campaign_id == self.campaign_id
                assert len(await plan_campaign(tick, CONDITIONS)) == calls
                raise RolledBack
        return self.database.pages

    async def look_in_vain(self) -> None:
        """Note what a look costs while nothing is due."""
        await self.store.sql(TO_SLEEP)
        self.database.plan, self.database.pages = PLANS[0], Counter()
        async with PostgresPlanning(self.database, send_tolerance_seconds=60).tick() as tick:
            assert tick is None
        self.idle.append(self.database.pages["due_campaign"])
        await self.store.sql(AWAKE)

    async def make_due(self, calls: int) -> None:
        """Let the campaign be due, with room for so many calls."""
        await self.store.dialer(capacity=1_000_000)
        await self.store.sql(
            "UPDATE campaign SET calls_at_once = $2 WHERE campaign_id = $1 AND calls_at_once IS DISTINCT FROM $2",
            self.campaign_id,
            calls,
        )
        await self.store.look_now(self.campaign_id)

    async def call(self, calls: int) -> None:
        """Let one tick claim so many numbers, and call them to the end."""
        await self.make_due(calls)
        assert len(await self.store.tick()) == calls
        for statement in LIVES:
            await self.store.sql(statement)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(module_store: "Store") -> AsyncIterator[Scene]:
    """A tick's costs among few campaigns and numbers, among many, and behind an old snapshot."""
    store = module_store
    tenant_id = await store.tenant()
    due = [await store.campaign(tenant_id, "+12025550100,first", pace=TORRENT) for _ in range(DUE_CAMPAIGNS)]
    database = await ExplainingDatabase.connect(store.url, role="paceline_pacer", size=1)
    try:
        scene = Scene(store, database, due[0])
        await scene.grow(sleepers=100, first_line=2, last_line=45_000)
        for _ in range(LOOKS_BEFORE):
            await scene.call(max(CALLS))
        await store.sql("VACUUM ANALYZE")
        await scene.look_in_vain()
        scene.small = await scene.costs()
        await scene.grow(sleepers=900, first_line=45_001, last_line=150_000)
        await store.sql("VACUUM ANALYZE")
        await scene.look_in_vain()
        scene.large = await scene.costs()
        async with store.session() as old, old.transaction(isolation="repeatable_read", readonly=True):
            await old.fetchval("SELECT count(*) FROM campaign")
            for _ in range(LOOKS_BEHIND):
                await scene.call(max(CALLS))
            scene.behind = await scene.costs()
        yield scene
    finally:
        await database.close()


COSTS = pytest.mark.parametrize("cost", [(plan, calls) for plan in PLANS for calls in CALLS], ids=str)


@COSTS
async def test_what_is_not_due_costs_a_tick_nothing(scene: Scene, cost: tuple[str, int]) -> None:
    """Ten times the sleeping campaigns and three times the waiting numbers, and no statement touches more pages."""
    small, large = scene.small[cost], scene.large[cost]
    grown = {
        name: (small[name], pages)
        for name, pages in large.items()
        if pages > small[name] * TOLERANCE + A_FEW_PAGES
    }
    assert grown == {}


async def test_a_look_in_vain_costs_nothing_for_those_who_sleep(scene: Scene) -> None:
    """While nothing is due a pacer looks four times a second: at the end of an index, and at no campaign."""
    among_few, among_many = scene.idle
    assert among_many <= among_few + A_FEW_PAGES


@COSTS
async def test_a_tick_costs_what_it_claims(scene: Scene, cost: tuple[str, int]) -> None:
    """So many pages for a number that is claimed, so many for the look; among 300,000 numbers of 1,005 campaigns."""
    _plan, calls = cost
    pages = Counter(scene.large[cost])
    assert 0 < pages.pop("claim_numbers") <= PAGES_OF_A_NUMBER * calls
    assert 0 < pages["due_campaign"] <= A_FEW_PAGES * 2
    assert pages.total() <= PAGES_OF_A_LOOK


@COSTS
async def test_an_old_snapshot_costs_a_claim_nothing(scene: Scene, cost: tuple[str, int]) -> None:
    """The cursor begins behind all that was claimed since, dead as it lies in the index: the bound is what it was."""
    assert scene.behind[cost]["claim_numbers"] <= scene.large[cost]["claim_numbers"] * TOLERANCE + A_FEW_PAGES


@COSTS
async def test_an_old_snapshot_costs_a_look_no_more_than_was_done_since(
    scene: Scene, cost: tuple[str, int]
) -> None:
    """What changes in place leaves versions that nobody may remove while the snapshot lasts, and an index names each.

    A campaign's pacing has as many as it was looked at and woken since; calls under way are counted among as many as
    calls have gone through states since, which lie side by side. Nothing else has any, whatever waits and sleeps.
    """
    large, behind = scene.large[cost], scene.behind[cost]
    versions_of_pacing = 2 * (LOOKS_BEHIND + len(scene.large))
    versions_of_calls = STATES_OF_A_CALL * LOOKS_BEHIND * max(CALLS)
    allowed = Counter(
        due_campaign=versions_of_pacing,
        keep_pacing=versions_of_pacing,
        room=versions_of_calls // VERSIONS_OF_A_PAGE,
    )
    grown = {
        name: (large[name], pages)
        for name, pages in behind.items()
        if pages > large[name] * TOLERANCE + A_FEW_PAGES + allowed[name]
    }
    assert grown == {}
