"""When a campaign may call: refusals, the nights on which clocks change, and the next opening."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.domain.calling_window import (
    MOST_WINDOWS,
    Calendar,
    CallingWindow,
    OpenInterval,
    intervals_of_day,
    next_open_interval,
    next_open_intervals,
    open_interval_at,
)
from shared.domain.errors import Invalid
from shared.domain.wall_clock import WEEK, WallTime, Weekday

NEW_YORK = "America/New_York"
EVERY_DAY = frozenset(WEEK)
SPRING_FORWARD = date(2026, 3, 8)
FALL_BACK = date(2026, 11, 1)


def window(
    opens: str,
    closes: str,
    *,
    weekdays: frozenset[Weekday] | None = None,
    on_date: date | None = None,
    key: int = 0,
) -> CallingWindow:
    """Return a window from wall times."""
    return CallingWindow(
        opens_minute=WallTime.parse(opens, field="start_time").minute,
        closes_minute=WallTime.parse(closes, field="end_time", as_end=True).minute,
        weekdays=weekdays,
        on_date=on_date,
        key=key,
    )


def calendar(
    *windows: CallingWindow,
    first: date = date(1970, 1, 1),
    last: date = date(2199, 12, 31),
    weekdays: frozenset[Weekday] = EVERY_DAY,
    zone: str = NEW_YORK,
) -> Calendar:
    """Return a calendar of all days of all years, if nothing else is said."""
    return Calendar(first_date=first, last_date=last, weekdays=weekdays, zone=zone, windows=windows)


def utc(text: str) -> datetime:
    """Return an instant from `YYYY-MM-DD HH:MM` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spans(intervals: tuple[OpenInterval, ...]) -> list[tuple[str, str]]:
    """Return what opens and closes, as text in UTC."""
    return [(f"{found.opens_at:%Y-%m-%d %H:%M}", f"{found.closes_at:%Y-%m-%d %H:%M}") for found in intervals]


@pytest.mark.parametrize(("opens", "closes"), [("08:00", "08:00"), ("09:00", "08:00"), ("22:00", "02:00")])
def test_a_window_that_ends_at_or_before_it_begins_is_refused(opens: str, closes: str) -> None:
    """A window over midnight, or of no length, is a mistake, and the sentence says what to do instead."""
    with pytest.raises(Invalid, match=f"from {opens} to {closes} ends at or before it begins: .*two windows"):
        window(opens, closes)


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        (window("08:00", "11:00"), window("10:59", "12:00"), "08:00-11:00 and 10:59-12:00"),
        (window("08:00", "11:00"), window("08:00", "11:00"), "08:00-11:00 and 08:00-11:00"),
        (window("09:00", "10:00"), window("08:00", "24:00"), "08:00-24:00 and 09:00-10:00"),
        (
            window("08:00", "11:00", weekdays=frozenset({Weekday.TUESDAY, Weekday.MONDAY})),
            window("09:00", "10:00", weekdays=frozenset({Weekday.MONDAY})),
            "08:00-11:00 on mon, tue and 09:00-10:00 on mon",
        ),
        (
            window("08:00", "11:00", on_date=date(2026, 11, 23)),  # a Monday
            window("09:00", "10:00", weekdays=frozenset({Weekday.MONDAY})),
            "08:00-11:00 on 2026-11-23 and 09:00-10:00 on mon",
        ),
        (
            window("08:00", "11:00", on_date=date(2026, 11, 23)),
            window("09:00", "10:00", on_date=date(2026, 11, 23)),
            "08:00-11:00 on 2026-11-23 and 09:00-10:00 on 2026-11-23",
        ),
    ],
)
def test_windows_that_share_time_on_some_day_are_refused_by_name(
    first: CallingWindow, second: CallingWindow, named: str
) -> None:
    """Whichever comes first, both overlapping windows are in the sentence."""
    for windows in ((first, second), (second, first)):
        with pytest.raises(Invalid, match=f"{named} overlap"):
            calendar(*windows)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (window("08:00", "11:00"), window("11:00", "12:00")),  # they touch
        (
            window("08:00", "11:00", weekdays=frozenset({Weekday.MONDAY})),
            window("08:00", "11:00", weekdays=frozenset({Weekday.TUESDAY})),
        ),
        (
            window("08:00", "11:00", on_date=date(2026, 11, 24)),  # a Tuesday
            window("08:00", "11:00", weekdays=frozenset({Weekday.MONDAY})),
        ),
        (
            window("08:00", "11:00", on_date=date(2026, 11, 24)),
            window("08:00", "11:00", on_date=date(2026, 11, 25)),
        ),
    ],
)
def test_windows_of_different_hours_or_days_live_together(
    first: CallingWindow, second: CallingWindow
) -> None:
    """Windows may touch, and may have the same hours on different days."""
    assert calendar(first, second).windows == (first, second)


def test_an_overlap_is_refused_whatever_days_the_calendar_has_now() -> None:
    """A later change of a shared schedule's days can never make windows overlap that were accepted."""
    monday = frozenset({Weekday.MONDAY})
    with pytest.raises(Invalid, match="overlap"):
        calendar(
            window("08:00", "11:00", weekdays=monday),
            window("09:00", "10:00", weekdays=monday),
            weekdays=frozenset({Weekday.FRIDAY}),
        )


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        (date(2026, 1, 2), date(2026, 1, 1), "end date 2026-01-01 lies before the start date 2026-01-02"),
        (date(1969, 12, 31), date(2026, 1, 1), "1970 to 2199"),
        (date(2026, 1, 1), date(2200, 1, 1), "1970 to 2199"),
    ],
)
def test_impossible_dates_are_refused(first: date, last: date, sentence: str) -> None:
    """A calendar ends after it begins, in years that time zones and arithmetic cover."""
    with pytest.raises(Invalid, match=sentence):
        calendar(first=first, last=last)


def test_an_unknown_zone_is_refused() -> None:
    """A calendar cannot be made in a zone that does not exist."""
    with pytest.raises(Invalid, match="no time zone 'America/Newyork'"):
        calendar(zone="America/Newyork")


def test_the_number_of_windows_is_bounded() -> None:
    """A campaign may have a window for each day of a year, but not any number."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(MOST_WINDOWS + 1)]
    windows = [window("08:00", "09:00", on_date=day) for day in days]
    assert len(calendar(*windows[:MOST_WINDOWS]).windows) == MOST_WINDOWS
    with pytest.raises(Invalid, match=f"{MOST_WINDOWS} calling windows, not {MOST_WINDOWS + 1}"):
        calendar(*windows)


SPRING_FORWARD_NIGHT = [  # 02:00 EST is 03:00 EDT, at 07:00Z
    ("01:00", "04:00", [("2026-03-08 06:00", "2026-03-08 08:00")]),  # the missing hour drops out
    ("00:00", "24:00", [("2026-03-08 05:00", "2026-03-09 04:00")]),  # a day of 23 hours
    ("02:00", "03:00", []),
    ("02:30", "02:45", []),
    ("01:30", "02:30", [("2026-03-08 06:30", "2026-03-08 07:00")]),
    ("02:30", "03:30", [("2026-03-08 07:00", "2026-03-08 07:30")]),
    ("03:00", "03:30", [("2026-03-08 07:00", "2026-03-08 07:30")]),
]
FALL_BACK_NIGHT = [  # 02:00 EDT is 01:00 EST, at 06:00Z
    ("00:30", "03:00", [("2026-11-01 04:30", "2026-11-01 08:00")]),  # longer than its hours say
    ("00:00", "24:00", [("2026-11-01 04:00", "2026-11-02 05:00")]),  # a day of 25 hours
    ("01:00", "02:00", [("2026-11-01 05:00", "2026-11-01 07:00")]),  # the repeated hour, without a break
    ("01:15", "01:45", [("2026-11-01 05:15", "2026-11-01 05:45"), ("2026-11-01 06:15", "2026-11-01 06:45")]),
    ("01:15", "02:30", [("2026-11-01 05:15", "2026-11-01 06:00"), ("2026-11-01 06:15", "2026-11-01 07:30")]),
    ("00:30", "01:30", [("2026-11-01 04:30", "2026-11-01 05:30"), ("2026-11-01 06:00", "2026-11-01 06:30")]),
    ("02:00", "03:00", [("2026-11-01 07:00", "2026-11-01 08:00")]),
]


@pytest.mark.parametrize(
    ("day", "opens", "closes", "expected"),
    [
        *((SPRING_FORWARD, *row) for row in SPRING_FORWARD_NIGHT),
        *((FALL_BACK, *row) for row in FALL_BACK_NIGHT),
    ],
)
def test_on_the_nights_when_clocks_change_a_window_is_open_while_the_clock_shows_its_hours(
    day: date, opens: str, closes: str, expected: list[tuple[str, str]]
) -> None:
    """New York, 2026-03-08 and 2026-11-01."""
    assert spans(intervals_of_day(calendar(window(opens, closes)), day)) == expected


def test_two_windows_in_the_repeated_hour_take_turns() -> None:
    """Where the hour comes twice, so does each of the windows in it, in the order of the clock."""
    turns = calendar(window("01:00", "01:30", key=1), window("01:30", "02:00", key=2))
    found = intervals_of_day(turns, FALL_BACK)
    assert [interval.window.key for interval in found] == [1, 2, 1, 2]
    assert spans(found) == [
        ("2026-11-01 05:00", "2026-11-01 05:30"),
        ("2026-11-01 05:30", "2026-11-01 06:00"),
        ("2026-11-01 06:00", "2026-11-01 06:30"),
        ("2026-11-01 06:30", "2026-11-01 07:00"),
    ]


def test_a_day_that_a_zone_left_out_is_never_open() -> None:
    """Samoa went from 2011-12-29 to 2011-12-31: who waits for the 30th waits for the 31st."""
    samoa = calendar(window("00:00", "24:00"), first=date(2011, 12, 30), zone="Pacific/Apia")
    assert intervals_of_day(samoa, date(2011, 12, 30)) == ()
    found = next_open_interval(samoa, utc("2011-12-30 00:00"))
    assert found is not None
    assert spans((found,)) == [("2011-12-30 10:00", "2011-12-31 10:00")]


def test_a_day_that_goes_on_after_the_next_has_begun_keeps_its_order() -> None:
    """St. John's set its clocks from 00:01 of 2010-11-07 back to 23:01 of the 6th."""
    newfoundland = calendar(
        window("23:00", "24:00", key=6),
        window("00:00", "01:00", key=7),
        zone="America/St_Johns",
        last=date(2010, 11, 7),
    )
    found = next_open_intervals(newfoundland, utc("2010-11-07 00:00"), most=9)
    assert [interval.window.key for interval in found] == [6, 7, 6, 7, 6]
    assert spans(found)[:4] == [
        ("2010-11-07 01:30", "2010-11-07 02:30"),
        ("2010-11-07 02:30", "2010-11-07 02:31"),
        ("2010-11-07 02:31", "2010-11-07 03:30"),
        ("2010-11-07 03:30", "2010-11-07 04:30"),
    ]


def test_the_last_date_is_included_to_its_end() -> None:
    """The end date is a day like the others, until its 24:00, and nothing is open after it."""
    one_day = calendar(window("00:00", "24:00"), first=date(2026, 6, 1), last=date(2026, 6, 1))
    assert open_interval_at(one_day, utc("2026-06-02 03:59")) is not None
    assert open_interval_at(one_day, utc("2026-06-02 04:00")) is None
    assert next_open_interval(one_day, utc("2026-06-02 04:00")) is None
    assert open_interval_at(one_day, utc("2026-06-01 03:59")) is None


def test_an_interval_is_open_from_its_first_instant_to_before_its_last() -> None:
    """The opening belongs to it, the closing does not, and the window says which one it is."""
    morning, noon = window("08:00", "11:00", key=1), window("11:00", "12:00", key=2)
    both = calendar(morning, noon)
    at_eleven = utc("2026-06-01 15:00")
    before = open_interval_at(both, at_eleven - timedelta(microseconds=1))
    after = open_interval_at(both, at_eleven)
    assert before is not None
    assert after is not None
    assert (before.window, after.window) == (morning, noon)
    assert open_interval_at(both, utc("2026-06-01 11:59")) is None


def test_the_next_interval_is_the_open_one_or_else_the_first_to_open() -> None:
    """Weekdays of the calendar, weekdays of a window and single dates decide together which days there are."""
    mixed = calendar(
        window("08:00", "09:00", weekdays=frozenset({Weekday.MONDAY, Weekday.SUNDAY}), key=1),
        window("10:00", "11:00", on_date=date(2026, 11, 26), key=2),
        window("10:00", "11:00", on_date=date(2026, 11, 28), key=3),  # a Saturday, which the calendar omits
        first=date(2026, 11, 21),
        last=date(2026, 12, 1),
        weekdays=EVERY_DAY - {Weekday.SATURDAY, Weekday.SUNDAY},
    )
    found = next_open_intervals(mixed, utc("2026-11-01 00:00"), most=9)
    assert [(interval.window.key, f"{interval.opens_at:%m-%d}") for interval in found] == [
        (1, "11-23"),
        (2, "11-26"),
        (1, "11-30"),
    ]
    assert next_open_intervals(mixed, utc("2026-11-23 13:59"), most=1) == found[:1]
    assert next_open_intervals(mixed, utc("2026-11-23 14:00"), most=1) == found[1:2]
    assert next_open_intervals(mixed, utc("2026-11-23 14:00"), most=0) == ()


@pytest.mark.parametrize(
    ("now", "open_again"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), True),
        (datetime(1969, 12, 31, 23, tzinfo=UTC), True),
        (datetime(2200, 1, 2, tzinfo=UTC), False),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), False),
    ],
)
def test_any_instant_that_python_has_may_be_asked_about(now: datetime, *, open_again: bool) -> None:
    """Far outside the calendar the answer is the first interval or none, never an error."""
    found = next_open_interval(calendar(window("00:00", "24:00")), now)
    assert (found is not None) == open_again


def test_two_hundred_years_without_a_single_open_day_are_known_at_once() -> None:
    """A weekday that the calendar does not have costs no search from day to day."""
    never = calendar(
        window("08:00", "09:00", weekdays=frozenset({Weekday.TUESDAY})),
        window("10:00", "11:00", weekdays=frozenset()),
        window("12:00", "13:00", on_date=date(2100, 1, 5)),  # a Tuesday
        weekdays=frozenset({Weekday.MONDAY}),
    )
    days_looked_at = []
    allows = Calendar.allows

    class Counting(Calendar):
        """A calendar that notes which days it is asked about."""

        def allows(self, day: date) -> bool:  # type: ignore[explicit-override]  # came with Python 3.12
            days_looked_at.append(day)
            return allows(self, day)

    counting = Counting(
        first_date=never.first_date,
        last_date=never.last_date,
        weekdays=never.weekdays,
        zone=never.zone,
        windows=never.windows,
    )
    assert next_open_interval(counting, utc("1980-01-01 00:00")) is None
    assert days_looked_at == [date(2100, 1, 5)]


def test_an_instant_in_another_zone_is_the_same_instant() -> None:
    """A caller may ask with an instant of any zone, and is refused one without."""
    hours = calendar(window("08:00", "09:00"))
    in_kathmandu = utc("2026-06-01 12:30").astimezone(ZoneInfo("Asia/Kathmandu"))
    assert open_interval_at(hours, in_kathmandu) == open_interval_at(hours, utc("2026-06-01 12:30"))
    with pytest.raises(ValueError, match="no time zone"):
        open_interval_at(hours, in_kathmandu.replace(tzinfo=None))
