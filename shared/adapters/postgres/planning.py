"""The pacer's view of Postgres: one campaign, locked for one tick."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.calendars import calendar_of
from shared.adapters.postgres.callee_lines import CalleeLines, hours_of
from shared.adapters.postgres.caps import LastCount, count_room, queue_for_room
from shared.adapters.postgres.conclusions import number_facts, receiver_of, write_undialed
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.contracts.conclusion import Conclusion, NumberFacts
from shared.contracts.dial_job import DialJob
from shared.domain.calling_window import Calendar
from shared.domain.campaign import CampaignState
from shared.domain.fair_share import Queue
from shared.domain.pacing import PacingState
from shared.domain.pacing_row import PacingRow
from shared.ports.planning import DueCampaign, Line, Planning, Room, Tick, Turn

_SQL = queries("planning")
_REAPING = queries("reaping")
_CALENDAR = queries("dialing")["calendar"]
_CAPS = queries("caps")

#: Any number that other programs on the same server are unlikely to lock.
_LOCK_OF_ROOM: Final = 7_015_223_002


class PostgresPlanning(Planning):
    """Planning in Postgres; `send_tolerance_seconds` after its instant a call may no longer be sent."""

    def __init__(self, database: Database, *, send_tolerance_seconds: float) -> None:
        self._database = database
        self._send_tolerance_seconds = send_tolerance_seconds
        self._last_count = LastCount()

    @override
    @asynccontextmanager
    async def tick(self) -> AsyncIterator[Tick | None]:
        async with self._database.transaction() as connection:
            pacing = await connection.fetchrow(_SQL["due_campaign"])
            if pacing is None:
                yield None
                return
            key = pacing["tenant_id"], pacing["campaign_id"]
            campaign = await connection.fetchrow(_SQL["campaign_as_it_stands"], *key)
            yield PostgresTick(connection, pacing, campaign, self._send_tolerance_seconds, self._last_count)

    @override
    async def set_aside(self, campaign: DueCampaign, *, seconds: float) -> None:
        await self._database.row(_SQL["set_aside"], campaign.tenant_id, campaign.campaign_id, seconds)

    @override
    async def next_look_in_seconds(self) -> float | None:
        row = await self._database.row(_SQL["next_look"])
        return None if row is None else row["in_seconds"]


class PostgresTick(Tick):
    """One locked campaign."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        pacing: asyncpg.Record,
        campaign: asyncpg.Record,
        send_tolerance_seconds: float,
        last_count: LastCount,
    ) -> None:
        self._connection = connection
        self._last_count = last_count
        self._is_capped: bool = campaign["is_capped"]
        self._send_tolerance_seconds = send_tolerance_seconds
        self._key = pacing["tenant_id"], pacing["campaign_id"]
        self._cursor: tuple[int, int] = pacing["claimed_batch_no"], pacing["claimed_line_no"]
        self.campaign = _due_campaign(pacing, campaign)
        hours = self.campaign.callee_hours
        self._callee_lines = None if hours is None else CalleeLines(connection, self._key, hours)

    @override
    async def calendar(self) -> Calendar:
        return calendar_of(await self._connection.fetch(_CALENDAR, *self._key))

    @override
    async def held_because(self) -> str | None:
        reason: str | None = await self._connection.fetchval(_SQL["standing_hold"], *self._key)
        return reason

    @override
    async def room(self) -> Room:
        now_seconds = asyncio.get_running_loop().time()
        counted = None if self._is_capped else self._last_count.room(now_seconds)
        if counted is not None:
            return counted
        alone = self._last_count.was_scarce[self._is_capped]
        room = await self._counted(alone=alone)
        self._last_count.keep(room, now_seconds, capped=self._is_capped)
        if room.plenty or alone:
            return room
        return replace(await self._counted(alone=True), plenty=False)

    async def _counted(self, *, alone: bool) -> Room:
        """Count the room; alone: as the only tick that counts from here on, with what others have claimed."""
        if alone:
            await self._connection.execute(_CAPS["one_at_a_time"], _LOCK_OF_ROOM)
        return await count_room(self._connection, self._key)

    @override
    async def queue(self) -> Queue:
        return await queue_for_room(self._connection, self._key)

    @override
    async def due_instants(self, numbers: Sequence[range]) -> dict[int, datetime]:
        found: dict[int, datetime] = {}
        for wanted in numbers:
            rows = await self._connection.fetch(
                _SQL["ring_of_emissions"], *self._key, wanted.start, wanted.stop - 1
            )
            found.update((row["emission_no"], row["due_at"]) for row in rows)
        return found

    @override
    async def claim(
        self, dues: Sequence[datetime], *, first_emission_no: int, closes_at: Sequence[datetime]
    ) -> list[DialJob]:
        if self._callee_lines is not None:
            planned = await self._callee_lines.claim(
                dues, first_emission_no=first_emission_no, closes_at=closes_at,
                send_tolerance_seconds=self._send_tolerance_seconds, epoch=self.campaign.epoch,
            )  # fmt: skip
            return self._jobs(planned)
        jobs = await self._claim_from_cursor(dues, first_emission_no, closes_at)
        if len(jobs) < len(dues) and self._cursor != (0, 0):
            # Numbers behind the cursor were returned to the line: the hint has served, look at the whole line.
            self._cursor = (0, 0)
            rest = slice(len(jobs), None)
            jobs += await self._claim_from_cursor(dues[rest], first_emission_no + len(jobs), closes_at[rest])
        return jobs

    async def _claim_from_cursor(
        self, dues: Sequence[datetime], first_emission_no: int, closes_at: Sequence[datetime]
    ) -> list[DialJob]:
        await self._connection.execute(_SQL["claim_without_nested_loops"])
        rows = await self._connection.fetch(
            _SQL["claim_numbers"], *self._key, dues[0], len(dues), *self._cursor, first_emission_no, dues,
            closes_at, self._send_tolerance_seconds, self.campaign.epoch,
        )  # fmt: skip
        await self._connection.execute(_SQL["plan_as_usual"])
        self._cursor = max([self._cursor, *((row["batch_no"], row["line_no"]) for row in rows)])
        return self._jobs([row["attempt_id"] for row in rows])

    def _jobs(self, attempt_ids: Sequence[int]) -> list[DialJob]:
        tenant_id, campaign_id = self._key
        self._last_count.left -= len(attempt_ids)
        return [
            DialJob(tenant_id=tenant_id, campaign_id=campaign_id, attempt_id=attempt_id)
            for attempt_id in attempt_ids
        ]

    @override
    async def keep(self, pacing: PacingState, look_at: datetime | None, turn: Turn) -> None:
        await self._connection.execute(
            _SQL["keep_pacing"],
            *self._key,
            look_at,
            *self._cursor,
            *PacingRow.of(pacing),
            turn.wants,
            turn.served,
        )
        if turn.tenant_served is not None:
            await self._connection.execute(_CAPS["keep_tenant_turn"], self._key[0], turn.tenant_served)

    @override
    async def look_again(self, at: datetime | None) -> None:
        await self._connection.execute(_SQL["look_again"], *self._key, at)

    @override
    async def line(self) -> Line:
        row = await self._connection.fetchrow(_SQL["line"], *self._key, self.campaign.now)
        next_at = row["next_at"]
        if self._callee_lines is not None:
            next_at = await self._callee_lines.next_at(self.campaign.now)
        return Line(next_at=next_at, in_attempt=row["in_attempt"])

    @override
    async def undialed(self, most: int) -> list[NumberFacts]:
        rows = await self._connection.fetch(_REAPING["undialed_numbers"], *self._key, most)
        return [number_facts(row, self.campaign.campaign_id, receiver_of(row)) for row in rows]

    @override
    async def conclude(self, conclusions: Sequence[Conclusion]) -> None:
        if conclusions:
            await write_undialed(self._connection, self._key, conclusions)

    @override
    async def complete(self) -> bool:
        if await self._connection.fetchval(_SQL["any_left"], *self._key):
            return False
        return await self._connection.fetchval(_SQL["complete_campaign"], *self._key) is not None


def _due_campaign(pacing: asyncpg.Record, campaign: asyncpg.Record) -> DueCampaign:
    return DueCampaign(
        tenant_id=pacing["tenant_id"],
        campaign_id=pacing["campaign_id"],
        state=CampaignState(campaign["state"]),
        epoch=campaign["epoch"],
        started_at=campaign["started_at"],
        pacing=PacingRow(**{name: pacing[name] for name in PacingRow._fields}).state(),
        now=campaign["now"],
        callee_hours=hours_of(campaign),
        served=pacing["served"],
        waits_for_room=pacing["wants"] > 0,
    )
