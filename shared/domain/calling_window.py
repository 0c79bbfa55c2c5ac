"""When a campaign may call: dates, weekdays and hours, as a clock on the wall of its time zone shows them.

The one definition, from which all else follows: an instant lies in a window if and only if the wall clock
of the zone then shows an allowed date and a time in [opens, closes). Nothing more is decided about the two
nights on which clocks change. In spring the missing hour drops out; in autumn the repeated hour is open
twice, so that one window may be open twice in a night (01:15 to 01:45), or for longer than its hours say
(00:30 to 03:00).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from itertools import islice, pairwise

from shared.domain.errors import Invalid
from shared.domain.pace import Pace
from shared.domain.time_zone import Segment, as_utc, check_zone, segments_of_day
from shared.domain.wall_clock import FIRST_YEAR, LAST_YEAR, WEEK, WallTime, Weekday

#: One for every day of a year and some more; comparing them with one another stays a matter of milliseconds.
MOST_WINDOWS = 400

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingWindow:
    """From when to when calls may be placed, on some days of a calendar, and how fast."""

    #: In minutes since midnight.
    opens_minute: int
    #: Not included; 1440 is the end of the day.
    closes_minute: int
    #: None: every weekday that the calendar allows.
    weekdays: frozenset[Weekday] | None = None
    #: None: every date of the calendar; else this one alone, if the calendar allows it.
    on_date: date | None = None
    #: None: as fast as the trunk permits.
    pace: Pace | None = None
    #: What its owner knows it by; means nothing here.
    key: int = 0

    def __post_init__(self) -> None:
        opens, closes = WallTime(self.opens_minute), WallTime(self.closes_minute)
        if closes <= opens:
            raise Invalid(
                "end_time",
                f"A calling window from {opens} to {closes} ends at or before it begins: "
                "let it end later, or make two windows of one that goes over midnight.",
            )

    def __str__(self) -> str:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        return " ".join([f"{WallTime(self.opens_minute)}-{WallTime(self.closes_minute)}", *self._days()])

    def _days(self) -> Iterator[str]:
        if self.weekdays is not None:
            yield "on " + ", ".join(day for day in WEEK if day in self.weekdays)
        if self.on_date is not None:
            yield f"on {self.on_date}"

    def applies_on(self, day: date) -> bool:
        """Tell whether the window is meant for `day`, should the calendar allow that day."""
        return self.on_date in {None, day} and (self.weekdays is None or Weekday.of(day) in self.weekdays)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """All the time in which a campaign may call. Raises `Invalid` for what cannot be kept to.

    Windows of one day may touch but not overlap. That is judged by their own days alone: then no later change
    of the calendar's dates or weekdays (many campaigns share a schedule) can make its windows invalid.
    """

    first_date: date
    #: The last one on which calls are placed.
    last_date: date
    weekdays: frozenset[Weekday]
    #: A name of the IANA database, such as America/New_York.
    zone: str
    windows: tuple[CallingWindow, ...]

    def __post_init__(self) -> None:
        if self.last_date < self.first_date:
            raise Invalid(
                "end_date", f"The end date {self.last_date} lies before the start date {self.first_date}."
            )
        if self.first_date.year < FIRST_YEAR or self.last_date.year > LAST_YEAR:
            raise Invalid("start_date", f"The dates must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")
        check_zone(self.zone)
        if len(self.windows) > MOST_WINDOWS:
            raise Invalid("windows", f"There may be {MOST_WINDOWS} calling windows, not {len(self.windows)}.")
        _refuse_overlaps(self.windows)

    def allows(self, day: date) -> bool:
        """Tell whether calls may be placed on `day`, should a window be meant for it."""
        return self.first_date <= day <= self.last_date and Weekday.of(day) in self.weekdays


def _refuse_overlaps(windows: tuple[CallingWindow, ...]) -> None:
    """Look at one day of each kind: a week that no window names by date, and each date that one does."""
    unnamed = [date.min + _DAY * number for number in range(len(WEEK))]
    named = {window.on_date for window in windows if window.on_date is not None}
    for day in [*unnamed, *sorted(named)]:
        applying = sorted((window for window in windows if window.applies_on(day)), key=_opens_minute)
        for earlier, later in pairwise(applying):
            if later.opens_minute < earlier.closes_minute:
                raise Invalid("windows", f"The calling windows {earlier} and {later} overlap.")


def _opens_minute(window: CallingWindow) -> int:
    return window.opens_minute


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterval:
    """A time in which one window is open without interruption, in UTC."""

    opens_at: datetime
    #: Not included.
    closes_at: datetime
    window: CallingWindow

    def holds(self, instant: datetime) -> bool:
        """Tell whether the window is open at `instant`."""
        return self.opens_at <= instant < self.closes_at


def intervals_of_day(calendar: Calendar, day: date) -> tuple[OpenInterval, ...]:
    """Return all open intervals in which the wall clock shows `day`, in the order in which they open."""
    if not calendar.allows(day):
        return ()
    segments = segments_of_day(calendar.zone, day)
    found = [
        OpenInterval(opens_at=opens_at, closes_at=closes_at, window=window)
        for window in calendar.windows
        if window.applies_on(day)
        for opens_at, closes_at in _joined(_pieces(window, day, segments))
    ]
    return tuple(sorted(found, key=_opens_at))


def open_interval_at(calendar: Calendar, now: datetime) -> OpenInterval | None:
    """Return the interval that is open at `now`, or None."""
    interval = next_open_interval(calendar, now)
    return interval if interval is not None and interval.holds(now) else None


def next_open_interval(calendar: Calendar, now: datetime) -> OpenInterval | None:
    """Return the interval that is open at `now`, or else the next; None when none will come."""
    return next(iter(next_open_intervals(calendar, now, most=1)), None)


def next_open_intervals(calendar: Calendar, now: datetime, *, most: int) -> tuple[OpenInterval, ...]:
    """Return at most `most` intervals that have not closed at `now`, in the order in which they open.

    Costs the arithmetic of a few days for each of them, and next to nothing for the days in between.
    """
    instant = as_utc(now)
    first = calendar.first_date
    if instant.date() > first:
        # UTC may be a day ahead of the zone, and a clock set back over midnight returns to the day before.
        first = max(first, instant.date() - 2 * _DAY)
    live = (interval for interval in _in_order(calendar, first) if instant < interval.closes_at)
    return tuple(islice(live, most))


def _in_order(calendar: Calendar, first: date) -> Iterator[OpenInterval]:
    """Yield all intervals of `first` and later, each as soon as it is certain that none opens before it.

    A day is held back until the next one is known: where clocks were set back over midnight (St. John's,
    until 2011), a day goes on after the next has begun.
    """
    held: list[OpenInterval] = []
    for day in _days_with_windows(calendar, first):
        fresh = intervals_of_day(calendar, day)
        if not fresh:
            continue
        yield from (interval for interval in held if interval.opens_at < fresh[0].opens_at)
        overtaken = [interval for interval in held if interval.opens_at >= fresh[0].opens_at]
        held = sorted([*overtaken, *fresh], key=_opens_at)
    yield from held


def _days_with_windows(calendar: Calendar, first: date) -> Iterator[date]:
    """Yield every day from `first` on for which a window is meant, once, in order."""
    recurring = frozenset[Weekday]().union(
        *(
            WEEK if window.weekdays is None else window.weekdays
            for window in calendar.windows
            if not window.on_date
        )
    )
    named = sorted({window.on_date for window in calendar.windows if window.on_date})
    previous = None
    for day in merge(_recurring_days(calendar, first, recurring & calendar.weekdays), named):
        if first <= day <= calendar.last_date and day != previous:
            yield day
        previous = day


def _recurring_days(calendar: Calendar, first: date, weekdays: frozenset[Weekday]) -> Iterator[date]:
    day = first
    while weekdays and day <= calendar.last_date:
        if Weekday.of(day) in weekdays:
            yield day
        day += _DAY


def _opens_at(interval: OpenInterval) -> datetime:
    return interval.opens_at


def _pieces(
    window: CallingWindow, day: date, segments: Iterable[Segment]
) -> Iterator[tuple[datetime, datetime]]:
    """Cut the window of `day` at every change of the clocks; what no clock shows is in no piece."""
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    for segment in segments:
        opens_at = midnight + timedelta(minutes=window.opens_minute) - segment.offset
        closes_at = midnight + timedelta(minutes=window.closes_minute) - segment.offset
        begins_at, ends_at = max(opens_at, segment.begins_at), min(closes_at, segment.ends_at)
        if begins_at < ends_at:
            yield begins_at, ends_at


def _joined(pieces: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Make one of pieces that touch: the window did not close when the clocks were changed."""
    begun: tuple[datetime, datetime] | None = None
    for opens_at, closes_at in pieces:
        if begun is not None and begun[1] == opens_at:
            begun = begun[0], closes_at
            continue
        if begun is not None:
            yield begun
        begun = opens_at, closes_at
    if begun is not None:
        yield begun
