"""What a campaign's owner was promised, judged by a list of INVITE instants and by nothing that the pacer says.

It knows the owner's words (hours as a wall clock shows them, paces, when the campaign was started and stopped) and
counts. All arithmetic is on whole microseconds since 1970, and no code is shared with what is judged: hours are
found by asking the zone, minute by minute, what its clock shows.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE_US = 60_000_000
#: How late a call may leave, and so by how much a window without one call too many is shorter than a period.
LATENESS_US = 100_000
#: From the gates to the network; who stops a campaign in between is too late for that call.
ON_ITS_WAY_US = 10_000

_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many calls in a period, and then a pause; all in microseconds."""

    amount: int
    period: int
    gap: int = 0

    @property
    def size(self) -> tuple[float, int]:
        """Orders paces: by calls a minute, then by amount."""
        return self.amount / self.period, self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Some hours of some days, as their owner says them, and the pace in them."""

    opens_minute: int
    closes_minute: int
    rate: Rate
    weekdays: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A time in which calls are allowed, without interruption."""

    opens: int
    closes: int
    rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A time with an amount; cut short where another grid of periods begins."""

    begins: int
    ends: int
    rate: Rate
    #: Whether it was over before anything cut it short.
    whole: bool


def openings(zone: str, first: date, last: date, hours: Sequence[Hours]) -> list[Opening]:
    """Return when the clock of the zone shows such an hour on such a day, looking at it every minute.

    A day on the calendar begins anew at midnight, even in hours that never close.
    """
    clock = ZoneInfo(zone)
    minute = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=2)
    found = list[Opening]()
    before: tuple[int, date] | None = None
    opened = minute
    while minute < end:
        wall = minute.astimezone(clock)
        now = _hours_shown(wall, first, last, hours)
        if now != before:
            if before is not None:
                found.append(_opening(opened, minute, hours[before[0]].rate))
            before, opened = now, minute
        minute += _MINUTE
    return found


def _hours_shown(wall: datetime, first: date, last: date, hours: Sequence[Hours]) -> tuple[int, date] | None:
    of_the_day = wall.hour * 60 + wall.minute
    if not first <= wall.date() <= last:
        return None
    for number, each in enumerate(hours):
        if wall.weekday() in each.weekdays and each.opens_minute <= of_the_day < each.closes_minute:
            return number, wall.date()
    return None


def _opening(opens_at: datetime, closes_at: datetime, rate: Rate) -> Opening:
    in_us = timedelta(microseconds=1)
    return Opening(opens=(opens_at - _EPOCH) // in_us, closes=(closes_at - _EPOCH) // in_us, rate=rate)


def periods(opened: Iterable[Opening], runs: Sequence[tuple[int, int | None]]) -> Iterator[Period]:
    """Yield the aligned periods: from each opening on, or from a start in it, one after the other."""
    for opening in opened:
        for started, stopped in runs:
            begins, until = max(opening.opens, started), opening.closes
            if stopped is not None:
                until = min(until, stopped)
            while begins < until:
                ends = begins + opening.rate.period
                yield Period(begins=begins, ends=min(ends, until), rate=opening.rate, whole=ends <= until)
                begins = ends + opening.rate.gap


def judge(witness: Sequence[int], opened: Sequence[Opening], runs: Sequence[tuple[int, int | None]]) -> None:
    """Check that each call is in a period, none is early, and no period has too many."""
    calls, seen = sorted(witness), 0
    for period in periods(opened, runs):
        # A call that has passed the gates when the campaign is stopped is sent.
        grace = 0 if period.whole or any(period.ends == each.closes for each in opened) else ON_ITS_WAY_US
        held = calls[bisect_left(calls, period.begins) : bisect_left(calls, period.ends + grace)]
        assert len(held) <= period.rate.amount, f"{len(held)} calls in {period}"
        for slot, call in enumerate(held):
            earliest = period.begins + slot * period.rate.period // period.rate.amount
            assert call >= earliest, f"call {slot} of {period} is {earliest - call} us early"
        seen += len(held)
    assert seen == len(calls), f"{len(calls) - seen} calls lie outside of all periods"


def judge_sliding(calls: Sequence[tuple[int, Rate]]) -> None:
    """Check every window of a period less the lateness, wherever it begins: of several paces, the largest counts."""
    ordered = sorted(calls, key=lambda call: call[0])
    longest = max((rate.period for _, rate in ordered), default=0)
    for first, (began, rate) in enumerate(ordered):
        largest = rate
        for last in range(first, len(ordered)):
            at, rate_here = ordered[last]
            if at - began > longest:
                break
            if rate_here.size > largest.size:
                largest = rate_here
            if last - first >= largest.amount:
                excess = largest.period - LATENESS_US - (at - began)
                assert excess <= 0, f"{last - first + 1} calls in a window that is {excess} us too short"


def judge_sliding_of_one(witness: Sequence[int], rate: Rate) -> None:
    """Check the same where there is only one pace, in one pass."""
    calls = sorted(witness)
    for began, at in zip(calls, calls[rate.amount :], strict=False):
        assert at - began >= rate.period - LATENESS_US


def rate_at(instant: int, opened: Sequence[Opening]) -> Rate:
    """Return the pace of the hours that hold an instant."""
    return next(each.rate for each in opened if each.opens <= instant < each.closes)


def calls_in(witness: Sequence[int], begins: int, ends: int) -> int:
    """Count the calls of a sorted list in a time, its end not included."""
    return bisect_left(witness, ends) - bisect_left(witness, begins)
