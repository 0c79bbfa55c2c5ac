"""How fast calls may be placed: a number of calls, spread over a period, with a pause between periods.

A pace is exact. Slot `k` of a period falls due `floor(k * P / N)` microseconds after the period begins, in
whole microseconds because that is what both `datetime` and Postgres keep. Slots are computed from `k` and
never added up, so that no error accumulates, however long a period is. Everything here is closed arithmetic
on integers: nothing costs more for a larger amount or a longer absence.
"""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from shared.domain.errors import Invalid

#: A leap year. Longer is no pacing any more, and no sum of dates and paces nears the end of the calendar.
LONGEST_PERIOD_MINUTES = 366 * 24 * 60
#: As long as the longest period, for the same reason.
LONGEST_GAP_MINUTES = LONGEST_PERIOD_MINUTES
#: More telephone calls than anybody places in a year; keeps every product of the arithmetic small.
LARGEST_AMOUNT = 1_000_000_000

#: A campaign that is behind may call at 5/4 of its pace until it has caught up: lost time is made good in
#: four times that time, and nobody would call it a burst.
CATCH_UP = Fraction(5, 4)

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`amount` calls, evenly spread over `period_minutes`, then `gap_minutes` without any, over and over.

    Raises `Invalid` naming the parameter of the API (`period`, `amount_per_period`, `time_between_periods`).
    """

    period_minutes: int
    amount: int
    gap_minutes: int = 0

    def __post_init__(self) -> None:
        _within("period", self.period_minutes, "minutes", 1, LONGEST_PERIOD_MINUTES)
        _within("amount_per_period", self.amount, "calls", 1, LARGEST_AMOUNT)
        _within("time_between_periods", self.gap_minutes, "minutes", 0, LONGEST_GAP_MINUTES)

    @property
    def period(self) -> timedelta:
        """The time in which `amount` calls are placed."""
        return timedelta(minutes=self.period_minutes)

    @property
    def cycle(self) -> timedelta:
        """From the beginning of one period to the beginning of the next."""
        return timedelta(minutes=self.period_minutes + self.gap_minutes)

    @property
    def shortest_spacing(self) -> timedelta:
        """The least time from one call to the next while catching up; at least a microsecond."""
        steps = self.period // _MICROSECOND * CATCH_UP.denominator
        return timedelta(microseconds=-(-steps // (self.amount * CATCH_UP.numerator)))

    @property
    def size(self) -> tuple[Fraction, int]:
        """Orders paces: more calls a minute is larger, and of two that are equal in that, the longer period.

        Two paces are of one size exactly if they differ in nothing but their gap.
        """
        return Fraction(self.amount, self.period_minutes), self.amount

    def slot_offset(self, slot: int) -> timedelta:
        """When slot `slot` (from 0) falls due, counted from the beginning of its period."""
        return timedelta(microseconds=slot * (self.period // _MICROSECOND) // self.amount)

    def slots_before(self, elapsed: timedelta) -> int:
        """How many slots of one period fall due in its first `elapsed`, whose end is not included."""
        microseconds = max(0, elapsed // _MICROSECOND)
        # floor(k·P/N) < x, with x whole, holds for k < x·N/P and for no other k.
        return min(self.amount, -(-microseconds * self.amount // (self.period // _MICROSECOND)))

    def slots_due_by(self, elapsed: timedelta) -> int:
        """How many slots of one period have fallen due when `elapsed` has gone by, its end included."""
        return self.slots_before(elapsed + _MICROSECOND)

    def slots_within(self, length: timedelta) -> int:
        """How many slots fall due in `length`, the end not included, if a period begins with it."""
        whole, rest = divmod(max(timedelta(), length), self.cycle)
        return whole * self.amount + self.slots_before(rest)


def _within(field: str, value: int, unit: str, least: int, most: int) -> None:
    if not least <= value <= most:
        raise Invalid(field, f"The {field} must be from {least} to {most} {unit}.")
