"""What plans are made of, read from Postgres: everything of one snapshot, so that it fits together."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.calendars import calendar_of
from shared.adapters.postgres.callee_lines import hours_of
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.retry_policies import retry_policy_of
from shared.domain.campaign import CampaignState, Dialect, UnknownCampaign
from shared.domain.campaign_line import NumberInLine
from shared.domain.campaign_plan import start_of
from shared.domain.campaign_simulation import CallUnderWay
from shared.domain.errors import Invalid
from shared.domain.looks import UNPACED
from shared.domain.pacing_row import PacingRow
from shared.ports.campaign_plans import CampaignPlans, PlanFacts, PlanSnapshot

_SQL = queries("campaign_plans")
_CALENDAR = queries("dialing")["calendar"]

#: Rows that come at a time: so few that decoding them holds up nobody on this loop.
_ROWS_AT_A_TIME: Final = 2000
#: More calls than this in the periods that still count are nobody's telephone campaign; they are held in memory.
MOST_RECENT_CALLS: Final = 250_000


class PostgresCampaignPlans(CampaignPlans):
    """Plans of campaigns in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    @asynccontextmanager
    async def snapshot(
        self, tenant_id: int, dialect: Dialect, campaign_id: int
    ) -> AsyncIterator[PlanSnapshot]:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await connection.execute(_SQL["hold_on"])
            key = tenant_id, campaign_id
            campaign = await connection.fetchrow(_SQL["campaign_to_plan"], *key, dialect.value)
            if campaign is None:
                raise UnknownCampaign(campaign_id)
            yield PostgresPlanSnapshot(connection, key, await _facts(connection, key, campaign))


class PostgresPlanSnapshot(PlanSnapshot):
    """One campaign at one instant, while its transaction lasts."""

    def __init__(self, connection: asyncpg.Connection, key: tuple[int, int], facts: PlanFacts) -> None:
        self.facts = facts
        self._connection = connection
        self._key = key

    @override
    async def recent_dues(self, most: int) -> Mapping[int, datetime]:
        ring = self.facts.start.pacing.ring
        paces = {window.pace or UNPACED for window in self.facts.calendar.windows}
        paces |= {bound.pace for bound in ring.bounds}
        if self.facts.start.pacing.cycle is not None:
            paces.add(self.facts.start.pacing.cycle.pace)
        since = self.facts.start.now - max(pace.period for pace in paces) - timedelta(minutes=1)
        found: dict[int, datetime] = {}
        for numbers in ring.numbers_needed(paces, most=most):
            rows = self._rows("recent_emissions", numbers.start, numbers.stop - 1, since)
            async for some in rows:
                found.update((row["emission_no"], row["due_at"]) for row in some)
                if len(found) > MOST_RECENT_CALLS:
                    raise Invalid(
                        "simulate",
                        f"More than {MOST_RECENT_CALLS} calls of its latest period would have to be looked at: "
                        "ask for the plan without a simulation.",
                    )
        return found

    @override
    async def numbers(self) -> AsyncIterator[Sequence[NumberInLine]]:
        for name in ("numbers_waiting", "numbers_in_line"):
            async for rows in self._rows(name):
                yield [_number(row, next_at=row["next_at"]) for row in rows]

    async def _rows(self, name: str, *arguments: object) -> AsyncIterator[Sequence[asyncpg.Record]]:
        """Yield the rows of a query, some at a time."""
        cursor = await self._connection.cursor(_SQL[name], *self._key, *arguments)
        while rows := await cursor.fetch(_ROWS_AT_A_TIME):
            yield rows


async def _facts(connection: asyncpg.Connection, key: tuple[int, int], campaign: asyncpg.Record) -> PlanFacts:
    pacing = PacingRow(**{name: campaign[name] for name in PacingRow._fields}).state()
    state = CampaignState(campaign["state"])
    attempts = await connection.fetch(_SQL["attempts_under_way"], *key)
    will_leave = [row["will_leave"] and row["due_at"] >= campaign["now"] for row in attempts]
    planned = list(zip(attempts, will_leave, strict=True))
    zones = await connection.fetch(_SQL["zones_of_numbers"], *key)
    return PlanFacts(
        campaign_id=key[1],
        name=campaign["name"],
        state=state,
        held_because=campaign["held_because"],
        calendar=calendar_of(await connection.fetch(_CALENDAR, *key)),
        start=start_of(state, started_at=campaign["started_at"], pacing=pacing, now=campaign["now"]),
        retry=retry_policy_of(campaign),
        callee_hours=hours_of(campaign),
        zones={row["zones_no"]: tuple(row["zones"]) for row in zones},
        ready=campaign["ready"],
        waiting=campaign["waiting"],
        under_way=tuple(
            CallUnderWay(number=_number(row), due_at=row["due_at"], left=row["left"])
            for row, on_time in planned
            if row["left"] or on_time
        ),
        returning=tuple(_number(row) for row, on_time in planned if not row["left"] and not on_time),
    )


def _number(row: asyncpg.Record, *, next_at: datetime | None = None) -> NumberInLine:
    return NumberInLine(row["number_id"], row["e164"], row["tries"], row["zones_no"], next_at)
