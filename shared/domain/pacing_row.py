"""The pacing state as the columns of a row, and back again without loss.

Everything has a column of its own that a person can read in a table, save the bounds of the ring: they are few,
belong together, and nobody asks for one of them, so they are one JSON text.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared.domain.pace import Pace
from shared.domain.pacing import Cycle, PacingState
from shared.domain.pacing_ring import Bound, Ring

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class PacingRow(NamedTuple):
    """One column each, in this order. The `cycle_` columns are null together, before the first cycle."""

    cycle_started_at: datetime | None
    cycle_period_minutes: int | None
    cycle_amount: int | None
    cycle_gap_minutes: int | None
    cycle_next_slot: int | None
    #: How many emissions there have been; the number of the last one.
    emitted: int
    last_due_at: datetime | None
    #: A JSON array of `[period, amount, gap, counted_after, until in microseconds since 1970 or null]`.
    ring_bounds: str
    idle_since: datetime | None

    @classmethod
    def of(cls, state: PacingState) -> "PacingRow":
        """Return the row in which `state` is stored."""
        cycle = state.cycle
        return cls(
            cycle_started_at=None if cycle is None else cycle.started_at,
            cycle_period_minutes=None if cycle is None else cycle.pace.period_minutes,
            cycle_amount=None if cycle is None else cycle.pace.amount,
            cycle_gap_minutes=None if cycle is None else cycle.pace.gap_minutes,
            cycle_next_slot=None if cycle is None else cycle.next_slot,
            emitted=state.ring.emitted,
            last_due_at=state.ring.last_due_at,
            ring_bounds=json.dumps([_written(bound) for bound in state.ring.bounds]),
            idle_since=state.idle_since,
        )

    def state(self) -> PacingState:
        """Return the state that was stored."""
        bounds = tuple(_read(*written) for written in json.loads(self.ring_bounds))
        return PacingState(
            cycle=self._cycle(),
            ring=Ring(emitted=self.emitted, last_due_at=self.last_due_at, bounds=bounds),
            idle_since=self.idle_since,
        )

    def _cycle(self) -> Cycle | None:
        if self.cycle_started_at is None:
            return None
        pace = _pace(self.cycle_period_minutes or 0, self.cycle_amount or 0, self.cycle_gap_minutes or 0)
        return Cycle(started_at=self.cycle_started_at, pace=pace, next_slot=self.cycle_next_slot or 0)


def _pace(period_minutes: int, amount: int, gap_minutes: int) -> Pace:
    return Pace(period_minutes=period_minutes, amount=amount, gap_minutes=gap_minutes)


def _written(bound: Bound) -> list[int | None]:
    pace = bound.pace
    until = None if bound.until is None else (bound.until - _EPOCH) // _MICROSECOND
    return [pace.period_minutes, pace.amount, pace.gap_minutes, bound.counted_after, until]


def _read(period_minutes: int, amount: int, gap_minutes: int, counted_after: int, until: int | None) -> Bound:
    return Bound(
        pace=_pace(period_minutes, amount, gap_minutes),
        counted_after=counted_after,
        until=None if until is None else _EPOCH + until * _MICROSECOND,
    )
