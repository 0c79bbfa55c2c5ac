"""Calls per second over all campaigns: the time of the trunks as slots of equal length, one call in each.

A call begins at the beginning of its slot, so that no second holds more than the rate, wherever it starts: a fixed
window would let through twice as much across its edge. What a slot costs a call is less than one slot's length, and
where the slots next to it are taken, it is later by as many.

Here calls are planned for all trunks together. Each takes its place on one trunk right before it is sent, at an instant
that it may have to wait for (`trunk_places`). So slots are a little longer than the rate says: calls that were held up
would else leave no time in which those after them can catch up, and in the end every call would be held up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: As long as calls are planned to take for what may leave in one second: a place counts for 1.045 seconds.
PLANNED_SECOND = timedelta(milliseconds=1070)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkLoad:
    """What the trunks let through, and when the calls are due that are on their way to them."""

    #: New calls in any second, over all campaigns.
    calls_per_second: int
    dues: tuple[datetime, ...] = ()
    #: The time over which so many calls are spread.
    second: timedelta = timedelta(seconds=1)

    def slots(self) -> "TrunkSlots":
        """Return the slots that are left."""
        return TrunkSlots(self.calls_per_second, self.dues, self.second)


class TrunkSlots:
    """The slots that calls may still take; a plan takes some for its own."""

    def __init__(self, calls: int, dues: Iterable[datetime], second: timedelta) -> None:
        self._calls = calls
        self._microseconds = second // _MICROSECOND
        self._taken = {self._slot_at(due) for due in dues}

    def earliest(self, instant: datetime) -> datetime:
        """Return the beginning of the first free slot at an instant or later."""
        slot = self._first_from(instant)
        while slot in self._taken:
            slot += 1
        return self._begins_at(slot)

    def take(self, instant: datetime) -> None:
        """Let nobody else have the slot that an instant lies in."""
        self._taken.add(self._slot_at(instant))

    def free_between(self, from_instant: datetime, to_instant: datetime) -> int:
        """Return how many slots begin in a time, both ends included, and are free."""
        span = range(self._first_from(from_instant), self._slot_at(to_instant) + 1)
        return sum(slot not in self._taken for slot in span)

    def _first_from(self, instant: datetime) -> int:
        slot = self._slot_at(instant)
        return slot if self._begins_at(slot) >= instant else slot + 1

    def _slot_at(self, instant: datetime) -> int:
        return (instant - _EPOCH) // _MICROSECOND * self._calls // self._microseconds

    def _begins_at(self, slot: int) -> datetime:
        return _EPOCH + -(-slot * self._microseconds // self._calls) * _MICROSECOND
