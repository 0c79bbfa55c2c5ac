"""When a callee may be called: the intersection of clocks, both DST nights, and the words for a refusal."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.callee_hours import (
    USUAL_HOURS,
    CalleeClock,
    CalleeHours,
    next_callable,
    next_open_span,
    open_span_at,
    parse_switch,
    why_closed,
)
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.errors import Invalid
from shared.domain.wall_clock import WEEK

EAST, WEST = "America/New_York", "America/Los_Angeles"
MINUTE = timedelta(minutes=1)
#: Zones that change their clocks at different hours, by half an hour, in the other half of the year, and never.
ZONES = (
    EAST,
    WEST,
    "America/St_Johns",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Honolulu",
)


def clock(*zones: str, hours: str = "08:00-21:00") -> CalleeClock:
    """Return the clock of a number that may be at home in these zones."""
    return CalleeClock(hours=CalleeHours.parse(hours, field="callee_hours"), zones=zones)


def utc(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shows_an_allowed_time(callee: CalleeClock, instant: datetime) -> bool:
    """Say by looking at each wall clock, and at nothing else, whether a callee may be called."""
    shown = (instant.astimezone(ZoneInfo(zone)) for zone in callee.zones)
    return all(
        callee.hours.from_minute <= here.hour * 60 + here.minute < callee.hours.until_minute for here in shown
    )


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("off", None),
        (" ON ", USUAL_HOURS),
        ("09:30-20:00", CalleeHours(from_minute=570, until_minute=1200)),
        ("00:00-24:00", CalleeHours(from_minute=0, until_minute=1440)),
    ],
)
def test_a_switch_is_off_on_or_hours(text: str, hours: CalleeHours | None) -> None:
    """On means eight to nine, as the law of the United States has it."""
    assert parse_switch(text, field="callee_hours") == hours
    assert hours is None or parse_switch(str(hours), field="callee_hours") == hours


@pytest.mark.parametrize(
    "text", ["", "yes", "8-21", "21:00-08:00", "09:00-09:00", "09:00-24:01", "24:00-24:00"]
)
def test_what_is_no_switch_is_refused(text: str) -> None:
    """The refusal names the field that was sent."""
    with pytest.raises(Invalid) as caught:
        parse_switch(text, field="callee_hours")
    assert caught.value.field == "callee_hours"


@pytest.mark.parametrize(("begins", "ends"), [(600, 600), (601, 600), (-1, 5), (0, 1441)])
def test_hours_that_cannot_be_are_refused(begins: int, ends: int) -> None:
    """Hours begin before they end, within one day."""
    with pytest.raises(Invalid):
        CalleeHours(from_minute=begins, until_minute=ends)


def test_a_number_of_two_zones_is_open_when_both_are() -> None:
    """From eight in the west until nine in the evening in the east."""
    span = next_open_span(clock(EAST, WEST), utc("2026-11-21T12:00"))
    assert span is not None
    assert (span.opens_at, span.closes_at) == (utc("2026-11-21T16:00"), utc("2026-11-22T02:00"))


def test_midnight_in_utc_is_nobody_s_closing_time() -> None:
    """A span that goes over it is one span, from whichever side it is looked at."""
    callee = clock(WEST)
    late = open_span_at(callee, utc("2026-11-22T01:00"))
    assert late is not None
    assert late.closes_at == utc("2026-11-22T05:00")
    early = open_span_at(callee, utc("2026-11-21T23:59"))
    assert early is not None
    assert early.closes_at == late.closes_at


def test_clocks_that_never_agree_are_never_open() -> None:
    """An hour of the morning on opposite sides of the world is no hour."""
    callee = clock(EAST, "Asia/Tokyo", hours="08:00-09:00")
    assert next_open_span(callee, utc("2026-11-21T12:00")) is None
    assert next_callable(around_the_clock(), callee, utc("2026-11-21T12:00")) is None


@pytest.mark.parametrize(
    ("hours", "span"),
    [
        # In spring 02:00 becomes 03:00 at 07:00 UTC: the missing hour drops out.
        ("01:30-03:30", ("2026-03-08T06:30", "2026-03-08T07:30")),
        ("02:15-02:45", ("2026-03-09T06:15", "2026-03-09T06:45")),
    ],
)
def test_the_missing_hour_of_spring_is_no_time_to_call(hours: str, span: tuple[str, str]) -> None:
    """What no clock shows that night is not open that night."""
    found = next_open_span(clock(EAST, hours=hours), utc("2026-03-08T05:00"))
    assert found is not None
    assert (found.opens_at, found.closes_at) == (utc(span[0]), utc(span[1]))


def test_the_repeated_hour_of_autumn_is_open_twice() -> None:
    """01:15 to 01:45 comes in summer time and again in winter time."""
    callee = clock(EAST, hours="01:15-01:45")
    first = next_open_span(callee, utc("2026-11-01T04:00"))
    assert first is not None
    second = next_open_span(callee, first.closes_at)
    assert second is not None
    assert (first.opens_at, first.closes_at) == (utc("2026-11-01T05:15"), utc("2026-11-01T05:45"))
    assert (second.opens_at, second.closes_at) == (utc("2026-11-01T06:15"), utc("2026-11-01T06:45"))


@settings(deadline=None, max_examples=150)
@given(
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(tuple),
    begins=st.integers(0, 1439),
    length=st.integers(1, 1440),
    # Around the nights on which these zones change their clocks, in either direction, and on any other day.
    day=st.sampled_from([date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 10, 25),
                         date(2026, 11, 1), date(2026, 7, 15)]),
    minute=st.integers(-1440, 1440),
)  # fmt: skip
def test_a_span_is_what_every_clock_shows(
    zones: tuple[str, ...], begins: int, length: int, day: date, minute: int
) -> None:
    """Every minute of a day and a half is open if and only if a look at each wall clock says so."""
    hours = CalleeHours(from_minute=begins, until_minute=min(begins + length, 1440))
    callee = CalleeClock(hours=hours, zones=zones)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + minute * MINUTE
    span = next_open_span(callee, start)
    for number in range(2160):
        instant = start + number * MINUTE
        if span is not None and instant >= span.closes_at:
            span = next_open_span(callee, instant)
        is_open = span is not None and span.holds(instant)
        assert is_open == shows_an_allowed_time(callee, instant), instant


def around_the_clock(zone: str = "UTC", last: date = date(2199, 1, 1)) -> Calendar:
    """Return a calendar that allows everything."""
    return Calendar(
        first_date=date(2026, 1, 1), last_date=last, weekdays=frozenset(WEEK), zone=zone,
        windows=(CallingWindow(opens_minute=0, closes_minute=1440),),
    )  # fmt: skip


def office_hours(*, last: date = date(2026, 11, 24)) -> Calendar:
    """Return weekdays from nine to five in New York, from Friday, 20 November 2026, on."""
    return Calendar(
        first_date=date(2026, 11, 20), last_date=last, weekdays=frozenset(WEEK[:5]), zone=EAST,
        windows=(CallingWindow(opens_minute=9 * 60, closes_minute=17 * 60),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("zones", "earliest", "at"),
    [
        # Both are open: at once.
        ((EAST,), "2026-11-20T15:00", "2026-11-20T15:00"),
        # The campaign opens at nine, when it is six in the west; there it may ring from eleven on.
        ((WEST,), "2026-11-20T14:00", "2026-11-20T16:00"),
        # After the campaign's hours of Friday comes Monday.
        ((WEST,), "2026-11-20T22:00", "2026-11-23T16:00"),
        # London closes at 21:00, four in the afternoon in New York: not in the last hour of the office.
        (("Europe/London",), "2026-11-20T21:30", "2026-11-23T14:00"),
        # Honolulu opens at 08:00, which is 18:00 UTC and one in the afternoon in New York.
        (("Pacific/Honolulu",), "2026-11-20T14:00", "2026-11-20T18:00"),
        # Before the campaign begins at all.
        ((EAST,), "2026-01-01T00:00", "2026-11-20T14:00"),
    ],
)
def test_a_number_waits_for_campaign_and_callee(zones: tuple[str, ...], earliest: str, at: str) -> None:
    """The next instant is the first at which the window and every clock are open."""
    assert next_callable(office_hours(), clock(*zones), utc(earliest)) == utc(at)


def test_without_hours_the_campaign_alone_decides() -> None:
    """As it does where nobody asked for callees' hours."""
    assert next_callable(office_hours(), None, utc("2026-11-20T22:00")) == utc("2026-11-23T14:00")
    far = Calendar(
        first_date=date(2030, 1, 1), last_date=date(2030, 1, 2), weekdays=frozenset(WEEK), zone="UTC",
        windows=(CallingWindow(opens_minute=0, closes_minute=60),),
    )  # fmt: skip
    for callee in (None, clock("UTC", hours="00:30-01:00")):
        found = next_callable(far, callee, utc("2026-11-20T22:00"))
        assert found == utc("2030-01-01T00:00" if callee is None else "2030-01-01T00:30")


@pytest.mark.parametrize(
    ("zones", "earliest"),
    [((EAST,), "2026-11-24T22:00"), ((WEST,), "2027-01-01T00:00"), (("Asia/Tokyo",), "2026-11-20T00:00")],
)
def test_where_they_never_meet_again_there_is_none(zones: tuple[str, ...], earliest: str) -> None:
    """The last window is over, or the callee sleeps in all of them (nine to five in New York is Tokyo's night)."""
    assert next_callable(office_hours(), clock(*zones), utc(earliest)) is None


def test_what_meets_in_half_of_the_year_is_found() -> None:
    """A look of a year ahead goes past all of a summer in which the two never meet."""
    calendar = Calendar(
        first_date=date(2026, 1, 1), last_date=date(2027, 12, 31), weekdays=frozenset(WEEK), zone="UTC",
        windows=(CallingWindow(opens_minute=20 * 60 + 30, closes_minute=21 * 60),),
    )  # fmt: skip
    # 20:30 to 21:00 UTC is past nine in London's summer and before it in its winter, which begins on 25 October.
    found = next_callable(calendar, clock("Europe/London"), utc("2026-06-01T00:00"))
    assert found == utc("2026-10-25T20:30")


@pytest.mark.parametrize(
    ("zones", "at", "sentence"),
    [
        ((EAST,), "2026-11-22T01:05", "20:05 America/New_York, allowed until 20:00"),
        ((EAST,), "2026-11-21T12:59", "07:59 America/New_York, allowed from 08:00"),
        ((EAST, WEST), "2026-11-21T15:12", "07:12 America/Los_Angeles, allowed from 08:00"),
        ((EAST, WEST), "2026-11-22T01:00", "20:00 America/New_York, allowed until 20:00"),
    ],
)
def test_a_refusal_shows_the_clock_that_is_shut(zones: tuple[str, ...], at: str, sentence: str) -> None:
    """With its zone, and with the hour that it is about."""
    assert why_closed(clock(*zones, hours="08:00-20:00"), utc(at)) == sentence


@settings(deadline=None, max_examples=60)
@given(
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True).map(tuple),
    minute=st.integers(0, 30 * 1440),
)
def test_the_next_instant_is_the_first_that_serves(zones: tuple[str, ...], minute: int) -> None:
    """It serves itself, and no minute before it does; across the autumn nights, in a campaign of office hours."""
    calendar = Calendar(
        first_date=date(2026, 10, 1), last_date=date(2026, 11, 30), weekdays=frozenset(WEEK[:5]), zone=EAST,
        windows=(CallingWindow(opens_minute=9 * 60, closes_minute=17 * 60),),
    )  # fmt: skip
    callee = clock(*zones, hours="09:00-13:00")
    earliest = utc("2026-10-10T00:00") + minute * MINUTE
    found = next_callable(calendar, callee, earliest)

    def serves(instant: datetime) -> bool:
        here = instant.astimezone(ZoneInfo(EAST))
        in_office = here.weekday() < 5 and 9 * 60 <= here.hour * 60 + here.minute < 17 * 60
        return in_office and shows_an_allowed_time(callee, instant)

    assert found is None or serves(found)
    until = earliest + 4 * 24 * 60 * MINUTE if found is None else min(found, earliest + 4 * 24 * 60 * MINUTE)
    instant = earliest
    while instant < until:
        assert not serves(instant), instant
        instant += MINUTE
