"""What a campaign will do, before anybody's phone rings: its windows, the calls of their periods, its end.

A plan counts slots, by the arithmetic of `Pace`: each number that is to be called takes one, in order. It costs the
windows that it looks at, however many numbers there are. What it does not know it leaves out, and who wants to know
it asks for a simulation (`campaign_simulation`): retries, callees' own hours, the half second from a start to its first
call, and the calls that come later than their slots because those of an earlier window still count (`pacing_ring`).
So where nobody is tried twice, a simulation has no call more than the plan has, and nearly always the same ones.

A campaign that does not run is planned as if it were started now; one that runs goes on from where its pacing stands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from typing import Final
from zoneinfo import ZoneInfo

from shared.domain.calling_window import Calendar, OpenInterval, next_open_intervals
from shared.domain.campaign import CampaignState
from shared.domain.looks import STRETCHES, UNPACED
from shared.domain.pace import Pace
from shared.domain.pacing import Cycle, PacingState, Stretch, emissions_needed, plan
from shared.domain.time_zone import as_utc

#: Five years of a window a day. Looking at one costs a tenth of a millisecond, and nobody plans farther.
MOST_WINDOWS_SEEN: Final = 2000

#: A decision that is asked for its state alone offers nothing, however far it looks.
_NO_LEAD: Final = timedelta(0)
_SHORTEST: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """From where a campaign goes on."""

    #: The last start, as a pace is anchored by it; `now` for a campaign that does not run.
    started_at: datetime
    pacing: PacingState
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRun:
    """Periods of one pace, one after the other, with the same number of calls in each."""

    begins_at: datetime
    pace: Pace
    periods: int
    #: In each of them.
    calls: int

    @property
    def all_calls(self) -> int:
        """The calls of all its periods."""
        return self.periods * self.calls

    @property
    def ends_at(self) -> datetime:
        """When the period after the last one would begin."""
        return self.begins_at + self.periods * self.pace.cycle

    def is_continued_by(self, other: "PeriodRun") -> bool:
        """Tell whether `other` is more of the same, right after it."""
        return (self.ends_at, self.pace, self.calls) == (other.begins_at, other.pace, other.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWindow:
    """A time in which one window is open, or what is left of it, and what happens in it."""

    interval: OpenInterval
    pace: Pace
    #: How many calls it can hold from now on.
    slots: int
    calls: int
    #: Of its first and its last call; None without one.
    first_call_at: datetime | None
    last_call_at: datetime | None
    #: Only periods that have calls.
    periods: tuple[PeriodRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDay:
    """A day of the campaign's own calendar."""

    day: date
    windows: tuple[PlannedWindow, ...]

    @property
    def calls(self) -> int:
        """The calls of all its windows."""
        return sum(window.calls for window in self.windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """What a campaign will do from an instant on."""

    now: datetime
    #: To be called, each once.
    numbers: int
    #: How many of them get their call within the campaign's dates.
    calls: int
    first_call_at: datetime | None
    last_call_at: datetime | None
    #: The last call if all numbers get theirs, else the end of the last window; None where that was not seen.
    ends_at: datetime | None
    #: Days that have a window, in order: the first ones.
    days: tuple[PlannedDay, ...]
    #: How many days with a window follow, and how many of them have calls.
    more_days: int
    more_days_with_calls: int
    #: Where looking ended, if there are windows after it; None if all were seen.
    seen_until: datetime | None = None

    @property
    def left_over(self) -> int:
        """How many numbers no window is left for, as far as windows were seen."""
        return self.numbers - self.calls


def start_of(
    state: CampaignState, *, started_at: datetime | None, pacing: PacingState, now: datetime
) -> Start:
    """Return from where a campaign goes on: if it does not run, as if it were started now.

    A start forgets the cycle of an earlier run, but not its calls.
    """
    now = as_utc(now)
    if state is CampaignState.RUNNING and started_at is not None:
        return Start(started_at=as_utc(started_at), pacing=pacing, now=now)
    return Start(started_at=now, pacing=replace(pacing, cycle=None), now=now)


def campaign_plan(
    calendar: Calendar, start: Start, *, numbers: int, most_days: int, most_windows: int = MOST_WINDOWS_SEEN
) -> CampaignPlan:
    """Plan one call to each of so many numbers; `most_days` are listed, at most `most_windows` are looked at."""
    intervals = next_open_intervals(calendar, start.now, most=most_windows + 1)
    seen = tuple(_planned(intervals[:most_windows], start, numbers))
    days = tuple(_days(seen, calendar.zone))
    called = [window for window in seen if window.calls]
    calls = sum(window.calls for window in called)
    seen_until = seen[-1].interval.closes_at if len(intervals) > most_windows else None
    last_call_at = called[-1].last_call_at if called else None
    ends_at = last_call_at
    if calls < numbers:
        ends_at = seen[-1].interval.closes_at if seen and seen_until is None else None
    return CampaignPlan(
        now=start.now,
        numbers=numbers,
        calls=calls,
        first_call_at=called[0].first_call_at if called else None,
        last_call_at=last_call_at,
        ends_at=ends_at,
        days=days[:most_days],
        more_days=len(days[most_days:]),
        more_days_with_calls=sum(day.calls > 0 for day in days[most_days:]),
        seen_until=seen_until,
    )


def merged(runs: Sequence[PeriodRun]) -> tuple[PeriodRun, ...]:
    """Make one of runs that continue each other."""
    found: list[PeriodRun] = []
    for run in runs:
        if found and found[-1].is_continued_by(run):
            found[-1] = replace(found[-1], periods=found[-1].periods + run.periods)
        else:
            found.append(run)
    return tuple(found)


def day_of(interval: OpenInterval, zone: str) -> date:
    """Return the date that a wall clock shows while a window is open: no window goes over midnight."""
    return interval.opens_at.astimezone(ZoneInfo(zone)).date()


def _days(windows: Sequence[PlannedWindow], zone: str) -> Iterator[PlannedDay]:
    # A day may go on after the next has begun, where clocks are set back over midnight: so it is sorted.
    dated = sorted(((day_of(window.interval, zone), window) for window in windows), key=lambda pair: pair[0])
    for day, pairs in groupby(dated, key=lambda pair: pair[0]):
        yield PlannedDay(day=day, windows=tuple(window for _, window in pairs))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slots:
    """The slots of a stretch that are still to come: the rest of a cycle, and all cycles after it."""

    cycle: Cycle
    stretch: Stretch

    @property
    def of_first(self) -> int:
        """Of the cycle itself: it may have begun before now, with another pace, or may even begin too late."""
        due = self.cycle.pace.slots_before(self.stretch.closes_at - self.cycle.started_at)
        return max(0, due - self.cycle.next_slot)

    @property
    def following_at(self) -> datetime:
        """When the next cycle begins."""
        return self.cycle.started_at + self.cycle.pace.cycle

    @property
    def count(self) -> int:
        """All of them."""
        return self.of_first + self.stretch.pace.slots_within(self.stretch.closes_at - self.following_at)

    def due(self, place: int) -> datetime:
        """Return when the slot at a place, from 0, falls due."""
        if place < self.of_first:
            return self.cycle.started_at + self.cycle.pace.slot_offset(self.cycle.next_slot + place)
        cycles, slot = divmod(place - self.of_first, self.stretch.pace.amount)
        return self.following_at + cycles * self.stretch.pace.cycle + self.stretch.pace.slot_offset(slot)

    def periods(self, calls: int) -> Iterator[PeriodRun]:
        """Yield the periods that the first so many slots fill."""
        pace, begins_at = self.stretch.pace, self.following_at
        first = min(calls, self.of_first)
        if first:
            yield PeriodRun(begins_at=self.cycle.started_at, pace=self.cycle.pace, periods=1, calls=first)
        full, rest = divmod(calls - first, pace.amount)
        if full:
            yield PeriodRun(begins_at=begins_at, pace=pace, periods=full, calls=pace.amount)
        if rest:
            yield PeriodRun(begins_at=begins_at + full * pace.cycle, pace=pace, periods=1, calls=rest)


def _planned(intervals: Sequence[OpenInterval], start: Start, numbers: int) -> Iterator[PlannedWindow]:
    cycle = _cycle_in_force(intervals, start)
    left = numbers
    for interval in intervals:
        stretch = Stretch.of(interval, unpaced=UNPACED)
        anchor = max(stretch.opens_at, start.started_at)
        kept = cycle is not None and cycle.started_at >= anchor
        slots = _Slots(
            cycle=cycle if cycle is not None and kept else Cycle(started_at=anchor, pace=stretch.pace),
            stretch=stretch,
        )
        calls = min(left, slots.count)
        left -= calls
        yield PlannedWindow(
            interval=interval,
            pace=stretch.pace,
            slots=slots.count,
            calls=calls,
            first_call_at=max(start.now, slots.due(0)) if calls else None,
            last_call_at=max(start.now, slots.due(calls - 1)) if calls else None,
            periods=merged(tuple(slots.periods(calls))),
        )


def _cycle_in_force(intervals: Sequence[OpenInterval], start: Start) -> Cycle | None:
    """Return the cycle in which the pacer would be if it looked now, without the slots that are spent by then."""
    stretches = [Stretch.of(interval, unpaced=UNPACED) for interval in islice(intervals, STRETCHES)]
    needed = emissions_needed(start.pacing, stretches, horizon=_SHORTEST, most=0)
    looked = plan(
        start.pacing,
        stretches=stretches,
        started_at=start.started_at,
        # Nothing is offered, so that it does not matter when the earlier calls were.
        due_at={number: start.now for numbers in needed for number in numbers},
        now=start.now,
        lead=_NO_LEAD,
        horizon=_SHORTEST,
        most=0,
    )
    return looked.states[0].cycle
