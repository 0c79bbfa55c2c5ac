"""The lines of a campaign that keeps to callees' hours: one for each set of time zones that its numbers are at home in.

Numbers of one set open and close together. A claim looks only into the lines that are open from its first due instant
to its last, so that no slot is given to a number that may not be called then.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.domain.callee_hours import CalleeClock, CalleeHours, next_open_span, open_span_at

_SQL = queries("callee_hours")


class CalleeLines:
    """The lines of one campaign, within one tick."""

    def __init__(self, connection: asyncpg.Connection, key: tuple[int, int], hours: CalleeHours) -> None:
        self._connection = connection
        self._key = key
        self._hours = hours

    async def claim(
        self,
        dues: Sequence[datetime],
        *,
        first_emission_no: int,
        closes_at: Sequence[datetime],
        send_tolerance_seconds: float,
        epoch: int,
    ) -> list[int]:
        """Plan an attempt at each due instant for as many numbers as may be called then; returns their ids in order."""
        open_until = await self._open_until(dues[0], dues[-1])

        async def plan(done: int) -> list[int]:
            rows = await self._connection.fetch(
                _SQL["claim_numbers_by_zones"], *self._key, dues[0], len(dues) - done, list(open_until),
                list(open_until.values()), first_emission_no + done, dues[done:], closes_at[done:],
                send_tolerance_seconds, epoch,
            )  # fmt: skip
            return [row["attempt_id"] for row in rows]

        if not open_until:
            return []
        planned = await plan(0)
        if len(planned) < len(dues) and await self._forget_cursors(list(open_until)):
            planned += await plan(len(planned))
        return planned

    async def next_at(self, now: datetime) -> datetime | None:
        """Return when the first number that is in no attempt may be called, as far as its own hours say.

        None: nobody is left, or nobody's hours begin within the next two days.
        """
        found = [
            at
            for row in await self._connection.fetch(_SQL["lines_by_zones"], *self._key)
            for at in self._next_of(row, now)
        ]
        return min(found, default=None)

    def _next_of(self, line: asyncpg.Record, now: datetime) -> list[datetime]:
        """Return when the first number of a line may be called, and the first of those that wait for an instant."""
        wanted = [now] if line["in_line"] else []
        if line["next_at"] is not None:
            wanted.append(line["next_at"])
        spans = [(at, next_open_span(self._clock(line), max(at, now))) for at in wanted]
        return [max(at, span.opens_at) for at, span in spans if span is not None]

    async def _open_until(self, first: datetime, last: datetime) -> dict[int, datetime]:
        """Return which zones are open throughout, and until when each."""
        rows = await self._connection.fetch(_SQL["zones_of_campaign"], *self._key)
        spans = ((row["zones_no"], open_span_at(self._clock(row), first)) for row in rows)
        return {number: span.closes_at for number, span in spans if span is not None and span.holds(last)}

    async def _forget_cursors(self, zones: list[int]) -> bool:
        return bool(await self._connection.fetch(_SQL["look_at_whole_lines"], *self._key, zones))

    def _clock(self, row: asyncpg.Record) -> CalleeClock:
        return CalleeClock(hours=self._hours, zones=tuple(row["zones"]))


def hours_of(row: asyncpg.Record) -> CalleeHours | None:
    """Return the hours that a campaign's row asks for; None where it calls at any time."""
    return callee_hours(row["callee_from_minute"], row["callee_until_minute"])


def callee_hours(from_minute: int | None, until_minute: int | None) -> CalleeHours | None:
    """Return the hours of these columns' values: both are there, or neither."""
    if from_minute is None or until_minute is None:
        return None
    return CalleeHours(from_minute=from_minute, until_minute=until_minute)
