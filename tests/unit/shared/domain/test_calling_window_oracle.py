"""Calling windows against an independent oracle: look at the wall clock, minute by minute.

The oracle knows nothing of offsets, segments or intervals. It asks the zone what its clock shows at each
minute of several days, and whether the campaign's owner would say that this time on this date is allowed.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.calling_window import (
    Calendar,
    CallingWindow,
    OpenInterval,
    intervals_of_day,
    next_open_intervals,
    open_interval_at,
)
from shared.domain.errors import Invalid
from shared.domain.wall_clock import WEEK, Weekday

#: An example looks at thousands of minutes.
fewer = settings(max_examples=40, deadline=None)

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

#: A day near which each zone's clocks do something, or nothing.
NIGHTS = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour back
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # half an hour forward
    ("Pacific/Apia", date(2011, 12, 30)),  # a day left out
    ("Pacific/Kwajalein", date(1993, 8, 21)),  # likewise, in the other half of the year
    ("America/St_Johns", date(2010, 11, 7)),  # back over midnight, at 00:01
    ("America/Sao_Paulo", date(2018, 11, 4)),  # midnight itself is missing
    ("America/Sao_Paulo", date(2018, 2, 18)),  # back to the day before
    ("Asia/Kathmandu", date(2026, 3, 8)),  # 05:45 from UTC
    ("America/Phoenix", date(2026, 11, 1)),  # no summer time
    ("UTC", date(2026, 2, 28)),
]


def shown(calendar: Calendar, instant: datetime) -> CallingWindow | None:
    """Return the window whose hours the wall clock shows, or None. This is the whole definition."""
    wall = instant.astimezone(ZoneInfo(calendar.zone))
    weekday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][wall.weekday()]
    if not calendar.first_date <= wall.date() <= calendar.last_date or weekday not in calendar.weekdays:
        return None
    minute = wall.hour * 60 + wall.minute
    for window in calendar.windows:
        on_a_day = window.weekdays is None or weekday in window.weekdays
        on_the_date = window.on_date is None or window.on_date == wall.date()
        if on_a_day and on_the_date and window.opens_minute <= minute < window.closes_minute:
            return window
    return None


def minutes_around(day: date) -> list[datetime]:
    """Return every minute of the five days around `day`."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    return [start + number * MINUTE for number in range(5 * 24 * 60)]


@st.composite
def windows_around(draw: st.DrawFn, day: date) -> CallingWindow:
    """Draw a window, often a short one in the hours in which clocks are changed."""
    opens = draw(st.one_of(st.integers(0, 200), st.integers(0, 1439)))
    closes = draw(st.one_of(st.integers(opens + 1, min(1440, opens + 120)), st.integers(opens + 1, 1440)))
    days = st.none() | st.frozensets(st.sampled_from(WEEK))
    dates = st.none() | st.integers(-2, 2).map(lambda shift: day + shift * DAY)
    return CallingWindow(
        opens_minute=opens,
        closes_minute=closes,
        weekdays=draw(days),
        on_date=draw(dates),
        key=draw(st.integers(0, 9)),
    )


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, date]:
    """Draw a calendar around a night of a zone; windows that overlap one taken before are left out."""
    zone, day = draw(st.sampled_from(NIGHTS))
    first = day + draw(st.integers(-400, 2)) * DAY
    last = max(first, day + draw(st.integers(-2, 400)) * DAY)
    weekdays = draw(st.just(frozenset(WEEK)) | st.frozensets(st.sampled_from(WEEK)))
    calendar = Calendar(first_date=first, last_date=last, weekdays=weekdays, zone=zone, windows=())
    for window in draw(st.lists(windows_around(day), min_size=1, max_size=4)):
        calendar = with_window(calendar, window)
    return calendar, day


def with_window(calendar: Calendar, window: CallingWindow) -> Calendar:
    """Return the calendar with one more window, or as it is if it would overlap."""
    try:
        return Calendar(
            first_date=calendar.first_date,
            last_date=calendar.last_date,
            weekdays=calendar.weekdays,
            zone=calendar.zone,
            windows=(*calendar.windows, window),
        )
    except Invalid:
        return calendar


def check_against_the_clock(calendar: Calendar, found: list[OpenInterval], minutes: list[datetime]) -> None:
    """Compare intervals with what the clock shows, at each minute and just before each end."""
    assert all(earlier.closes_at <= later.opens_at for earlier, later in pairwise(found))
    opened = {
        found_in.opens_at + number * MINUTE: found_in.window
        for found_in in found
        for number in range((found_in.closes_at - found_in.opens_at) // MINUTE)
    }
    for minute in minutes:
        assert opened.get(minute) == shown(calendar, minute), minute
    for interval in found:
        assert shown(calendar, interval.closes_at - timedelta(microseconds=1)) == interval.window


@fewer
@given(drawn=calendars())
def test_intervals_are_open_exactly_while_the_wall_clock_shows_their_hours(
    drawn: tuple[Calendar, date],
) -> None:
    """Over five days around a change of the clocks, the days' intervals and the clock agree at each minute."""
    calendar, day = drawn
    days = [day + number * DAY for number in range(-4, 5)]
    found = [interval for one in days for interval in intervals_of_day(calendar, one)]
    check_against_the_clock(calendar, sorted(found, key=lambda each: each.opens_at), minutes_around(day))


@fewer
@given(drawn=calendars(), offset_seconds=st.integers(-2 * 86_400, 2 * 86_400))
def test_the_next_intervals_are_all_that_the_clock_will_show(
    drawn: tuple[Calendar, date], offset_seconds: int
) -> None:
    """From any second on, the intervals to come, and the one open now, are those of the wall clock."""
    calendar, day = drawn
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=offset_seconds)
    found = [
        interval
        for interval in next_open_intervals(calendar, now, most=40)
        if interval.opens_at < now + 3 * DAY
    ]
    later = [minute for minute in minutes_around(day) if now <= minute < now + 2 * DAY]
    check_against_the_clock(calendar, found, later)
    open_now = open_interval_at(calendar, now)
    assert (open_now.window if open_now else None) == shown(calendar, now)


@given(
    first=windows_around(date(2026, 11, 1)),
    second=windows_around(date(2026, 11, 1)),
)
def test_windows_are_refused_exactly_if_some_minute_of_some_day_would_be_in_both(
    first: CallingWindow, second: CallingWindow
) -> None:
    """Two windows overlap if one of the days of two weeks, dates included, has a minute that is in both."""
    days = [date(2026, 10, 26) + number * DAY for number in range(14)]

    def applies(window: CallingWindow, day: date) -> bool:
        on_a_day = window.weekdays is None or Weekday.of(day) in window.weekdays
        return window.on_date in {None, day} and on_a_day

    first_minutes = set(range(first.opens_minute, first.closes_minute))
    shared = first_minutes & set(range(second.opens_minute, second.closes_minute))
    overlap = bool(shared) and any(applies(first, day) and applies(second, day) for day in days)
    calendar = Calendar(
        first_date=days[0], last_date=days[-1], weekdays=frozenset(WEEK), zone="UTC", windows=(first,)
    )
    assert (with_window(calendar, second) is calendar) == overlap


@pytest.mark.parametrize(("zone", "day"), NIGHTS)
def test_every_minute_of_every_night_by_name(zone: str, day: date) -> None:
    """With a window for each quarter of an hour, no minute of any of the nights is lost or counted twice."""
    quarters = tuple(
        CallingWindow(opens_minute=minute, closes_minute=minute + 15, key=minute)
        for minute in range(0, 1440, 15)
    )
    calendar = Calendar(
        first_date=day - 9 * DAY,
        last_date=day + 9 * DAY,
        weekdays=frozenset(WEEK),
        zone=zone,
        windows=quarters,
    )
    minutes = minutes_around(day)
    found = [
        interval
        for interval in next_open_intervals(calendar, minutes[0], most=700)
        if interval.opens_at < minutes[-1] + DAY
    ]
    check_against_the_clock(calendar, found, minutes)
