"""Weekdays, times and dates, as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Invalid
from shared.domain.wall_clock import WallTime, Weekday, parse_calendar_date


@given(minute=st.integers(0, 1440))
def test_every_time_of_a_day_reads_back_as_it_prints(minute: int) -> None:
    """A wall time prints as HH:MM, and that text means the same minute."""
    text = str(WallTime(minute))
    assert len(text) == 5
    assert WallTime.parse(text, field="end_time", as_end=True) == WallTime(minute)


@pytest.mark.parametrize(
    "text",
    [
        "8:00",  # one digit
        "08:0",
        "08:00Z",
        "08:00:00",
        "23:59:60",
        "0800",
        " 08:00",
        "08:00\n",
        "08.00",
        "24:01",
        "25:00",
        "23:60",
        "-8:00",
        "",
        "\u0660\u0668:\u0660\u0660",  # Arabic digits
        "\uff10\uff18:\uff10\uff10",  # full-width digits
    ],
)
def test_what_is_not_exactly_a_time_is_refused(text: str) -> None:
    """Only two digits, a colon and two digits of a time that a clock shows are taken."""
    with pytest.raises(Invalid) as refusal:
        WallTime.parse(text, field="end_time", as_end=True)
    assert refusal.value.field == "end_time"


def test_midnight_at_the_end_of_a_day_is_an_end_and_no_beginning() -> None:
    """A window may end at 24:00 but not begin there."""
    assert WallTime.parse("24:00", field="end_time", as_end=True).minute == 1440
    with pytest.raises(Invalid, match="the next begins at 00:00"):
        WallTime.parse("24:00", field="start_time")


@pytest.mark.parametrize("minute", [-1, 1441])
def test_a_minute_that_no_day_has_is_refused(minute: int) -> None:
    """A wall time cannot be built outside the day."""
    with pytest.raises(Invalid):
        WallTime(minute)


@given(day=st.dates(date(1970, 1, 1), date(2199, 12, 31)))
def test_every_date_reads_back_as_it_prints(day: date) -> None:
    """A date prints as YYYY-MM-DD, and that text means the same day."""
    assert parse_calendar_date(str(day), field="start_date") == day


@pytest.mark.parametrize(
    "text",
    [
        "2022-1-1",
        "20220101",
        "2022-W01-1",
        "2022-01-01 00:00:00",
        "2022-01-01T00:00",
        "2022-02-30",  # no such day
        "2023-02-29",  # no leap year
        "2022-13-01",
        "2022-00-10",
        "0000-01-01",
        "9999-12-31",
        "1969-12-31",
        "2200-01-01",
        "2022-01-01\n",
        "\u0662\u0660\u0662\u0662-\u0660\u0661-\u0660\u0661",  # Arabic digits
        "",
    ],
)
def test_what_is_not_exactly_a_date_is_refused(text: str) -> None:
    """Only four, two and two digits, with dashes, of a day that exists in 1970 to 2199 are taken."""
    with pytest.raises(Invalid) as refusal:
        parse_calendar_date(text, field="start_date")
    assert refusal.value.field == "start_date"


def test_weekdays_have_the_names_of_the_api_and_fall_where_the_calendar_says() -> None:
    """The seven days are mon to sun, and 2026-11-21 is a Saturday."""
    assert [str(day) for day in Weekday] == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert Weekday.of(date(2026, 11, 21)) is Weekday.SATURDAY
