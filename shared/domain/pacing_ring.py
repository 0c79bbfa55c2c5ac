"""How many calls any time of one period's length may hold: the ring of the last N emissions.

Emissions are numbered from 1, and their due instants rise with their numbers. If each is due at least P after
the one N numbers before it, then no half-open time of length P holds N + 1 of them, wherever it begins: of
N + 1 in it, the first and the last would be less than P apart. A call is sent up to 100 ms after its due
instant, never before it; sent instants N numbers apart are therefore at least P - 100 ms apart. This holds
across periods, windows, stop and start, because it knows nothing of them.

When the pace has changed, a time that holds calls of several paces is bounded by the largest of them
(`Pace.size` says which is larger), and by no other: after a change to a smaller pace, its first period need
not stand still until the calls of the larger pace are a period old. So there is a stack of bounds, the last
for the pace of the newest emission, each before it for a larger pace that was in force earlier:

* A pace that is followed by a smaller one keeps its bound, which reaches over the newer emissions too. It
  ceases to bind when its own emissions are a period old: no time that holds one of them holds a new one.
* A pace that is followed by one at least as large loses its bound: any time that holds calls of both is
  bounded by the newer pace, which takes over its count.
* Each bound counts only the emissions since the last larger pace: a time that reaches farther back holds a
  call of that pace, and is bounded by it.

A pace under which nothing was emitted never gets here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.errors import PacelineError
from shared.domain.pace import Pace

#: How many ever smaller paces in a row are remembered. Any increase clears the smaller ones, eight decreases
#: in a row are nobody's plan for a day, and a row of a table must not grow without end.
MOST_BOUNDS = 8


class EmissionMissing(PacelineError):
    """The due instant of an earlier emission, on which the next one depends, was not looked up.

    `number` is the emission's. Either the look-up asked for other numbers than `Ring.numbers_needed`, or the
    attempt has been deleted under a running campaign; going on without it could break the pace.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(
            f"The due instant of emission {number} is needed to pace the next call but is not there."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """No time of `pace.period` holds more than `pace.amount` emissions."""

    pace: Pace
    #: Only emissions with a larger number count; rises whenever the pace falls.
    counted_after: int
    #: When the last emission of this pace is a period old; None while it is the pace of the newest emission.
    until: datetime | None = None

    def frees(self, number: int, due_at: Mapping[int, datetime]) -> datetime | None:
        """Return the first instant at which emission `number` may be due, or None for any."""
        earlier = number - self.pace.amount
        if earlier <= self.counted_after:
            return None
        if earlier not in due_at:
            raise EmissionMissing(earlier)
        free_at = due_at[earlier] + self.pace.period
        return free_at if self.until is None else min(free_at, self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """What is remembered of all emissions of a campaign, from its first start to its end."""

    #: How many there have been; the number of the last one.
    emitted: int = 0
    #: Of the last one. Later emissions are due later, always.
    last_due_at: datetime | None = None
    #: From the largest pace to the newest.
    bounds: tuple[Bound, ...] = ()

    @property
    def pace(self) -> Pace | None:
        """The pace of the newest emission."""
        return self.bounds[-1].pace if self.bounds else None

    def under(self, pace: Pace) -> "Ring":
        """Return the ring as it will be if the next emission belongs to `pace`."""
        if self.last_due_at is None:
            return replace(self, bounds=(Bound(pace=pace, counted_after=0),))
        newest = self.bounds[-1]
        if newest.pace is pace or newest.pace == pace:
            return self
        stack = [*self.bounds[:-1], replace(newest, until=self.last_due_at + newest.pace.period)]
        counted_after = self.emitted
        while stack and stack[-1].pace.size <= pace.size:
            counted_after = stack.pop().counted_after
        stack.append(Bound(pace=pace, counted_after=counted_after))
        return replace(self, bounds=tuple(stack[-MOST_BOUNDS:]))

    def earliest(self, due_at: Mapping[int, datetime]) -> datetime | None:
        """Return the first instant at which the next emission may be due, or None for any.

        `due_at` has the due instants of earlier emissions by number; raises `EmissionMissing`.
        """
        free = (bound.frees(self.emitted + 1, due_at) for bound in self._binding())
        return max((instant for instant in free if instant is not None), default=None)

    def grown(self, due_at: datetime) -> "Ring":
        """Return the ring with one more emission, of the pace that it is `under`."""
        return Ring(emitted=self.emitted + 1, last_due_at=due_at, bounds=self.bounds)

    def numbers_needed(self, paces: set[Pace], *, most: int) -> tuple[range, ...]:
        """Return which earlier emissions bear on the next `most`, and on the one after, under any of `paces`.

        There is one range of at most `most + 1` numbers for each amount in play, which is nearly always one.
        """
        amounts = {bound.pace.amount for bound in self._binding()} | {pace.amount for pace in paces}
        first = self.emitted + 1
        found = (
            range(max(1, first - amount), min(first, first - amount + most + 1)) for amount in sorted(amounts)
        )
        return tuple(numbers for numbers in found if numbers)

    def _binding(self) -> Iterator[Bound]:
        """Leave out the bounds of paces whose emissions are a period older than any that can come."""
        for bound in self.bounds:
            if bound.until is None or self.last_due_at is None or bound.until > self.last_due_at:
                yield bound


def spacing(ring: Ring, pace: Pace) -> timedelta:
    """Return the least time from the last emission to the next of `pace`: of two paces, the shorter one's."""
    return min(pace.shortest_spacing, (ring.pace or pace).shortest_spacing)
