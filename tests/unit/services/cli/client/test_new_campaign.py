"""A campaign as it is written on the command line."""

import json
from datetime import UTC, date, datetime

import pytest

from services.cli.client.new_campaign import (
    WEEKDAYS,
    NewCampaign,
    Pace,
    free_nickname,
    parse_days,
    parse_minutes,
    parse_window,
    profile_made_before,
    schedule_made_before,
    summary,
    today_in,
)
from services.cli.client.shapes import Profile, Schedule
from shared.domain.errors import Invalid

PACE = Pace(period=30, amount=100, gap=10)


def _campaign(**facts: object) -> NewCampaign:
    plain = {
        "name": "March",
        "start": date(2026, 3, 1),
        "end": date(2026, 3, 7),
        "days": ("mon", "tue"),
        "windows": (("08:00", "12:00"), ("13:00", "24:00")),
        "pace": PACE,
        "start_url": "https://example.com/a.vxml",
        "result_url": "https://example.com/results",
        "time_zone": "America/New_York",
    }
    return NewCampaign(**(plain | facts))  # type: ignore[arg-type] # a test overrides single facts


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon,tue", ("mon", "tue")),
        (" Tue , MON ,mon", ("mon", "tue")),
        ("sun", ("sun",)),
        ("mon,tue,wed,thu,fri,sat,sun", WEEKDAYS),
    ],
)
def test_days_are_read_in_the_order_of_the_week(text: str, days: tuple[str, ...]) -> None:
    """Days may be written in any order and case, and twice."""
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", ",", "monday", "mon;tue", "mon,funday"])
def test_what_is_no_day_is_refused(text: str) -> None:
    """The refusal shows how days are written."""
    with pytest.raises(Invalid, match="mon,tue,wed,thu,fri,sat,sun"):
        parse_days(text)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("08:00-21:00", ("08:00", "21:00")),
        ("00:00-24:00", ("00:00", "24:00")),
        (" 09:30-10:15 ", ("09:30", "10:15")),
    ],
)
def test_a_window_is_read(text: str, window: tuple[str, str]) -> None:
    """A window has two times of day, the last of which may be midnight."""
    assert parse_window(text) == window


@pytest.mark.parametrize(
    "text", ["", "8-21", "08:00", "24:00-24:00", "08:00-24:01", "08:60-09:00", "\u0660\u0668:00-09:00"]
)
def test_what_is_no_window_is_refused(text: str) -> None:
    """The refusal shows how a window is written, digits being those of ASCII."""
    with pytest.raises(Invalid, match="08:00-21:00"):
        parse_window(text)


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("America/New_York", date(2026, 11, 20)),
        ("Asia/Tokyo", date(2026, 11, 21)),
        ("UTC", date(2026, 11, 21)),
    ],
)
def test_today_is_a_date_somewhere(zone: str, today: date) -> None:
    """The first day of a campaign is today where its people are, not where the machine is."""
    assert today_in(zone, datetime(2026, 11, 21, 3, 0, tzinfo=UTC)) == today


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "America", "A" * 1000]
)
def test_an_unknown_zone_is_refused(zone: str) -> None:
    """A zone that is not one is told, however odd it is."""
    with pytest.raises(Invalid, match="is not a time zone"):
        today_in(zone, datetime(2026, 11, 21, tzinfo=UTC))


def test_the_form_has_what_the_api_takes() -> None:
    """Dates, windows and addresses stand in the form as the published API wants them."""
    fields = _campaign().fields("6", "MorningPace")
    assert fields["start_date"] == "2026-03-01"
    assert fields["schedule_id"] == "6"
    assert json.loads(fields["profiles"]) == [
        {"profile": "MorningPace", "start_time": "08:00", "end_time": "12:00"},
        {"profile": "MorningPace", "start_time": "13:00", "end_time": "24:00"},
    ]


def test_what_was_not_said_is_not_sent() -> None:
    """A campaign without a name or a result address sends no empty field for it."""
    assert not {"name", "result_url"} & _campaign(name=None, result_url=None).fields("6", "P").keys()


def test_retries_and_callees_hours_are_sent_where_they_were_said() -> None:
    """As the API's extensions take them, and not at all where nobody spoke of them."""
    fields = _campaign(attempts=3, retry_minutes=(30, 120), callee_hours="09:00-20:00").fields("6", "P")
    assert (fields["attempts"], fields["retry_minutes"], fields["callee_hours"]) == (
        "3",
        "[30, 120]",
        "09:00-20:00",
    )
    assert not {"attempts", "retry_minutes", "callee_hours"} & _campaign().fields("6", "P").keys()


@pytest.mark.parametrize(("text", "minutes"), [("30", (30,)), ("30,120,0", (30, 120, 0))])
def test_minutes_between_calls_are_read(text: str, minutes: tuple[int, ...]) -> None:
    """One number, or several with commas."""
    assert parse_minutes(text) == minutes


@pytest.mark.parametrize("text", ["", "1h", "30;60", "30,", "-5", "\u0663"])
def test_what_are_no_minutes_is_refused(text: str) -> None:
    """The refusal shows how they are written."""
    with pytest.raises(Invalid, match="30,120"):
        parse_minutes(text)


def test_a_schedule_is_used_again() -> None:
    """The next campaign with the same days takes the schedule of the last, never one that a person made."""
    made = Schedule(schedule_id=2, nickname="mon tue", days=["tue", "mon"])
    strangers = [
        Schedule(schedule_id=1, nickname="MyDays", days=["mon", "tue"]),
        Schedule(schedule_id=3, nickname=None, days=["mon", "tue"]),
        Schedule(schedule_id=4, nickname="mon tue", days=["mon"]),
    ]
    assert schedule_made_before(("mon", "tue"), [*strangers, made]) == made
    assert schedule_made_before(("mon", "tue"), strangers) is None


def test_a_profile_is_used_again_while_it_is_what_its_name_says() -> None:
    """A profile that somebody changed afterwards is left alone."""
    facts = {"profile_id": 1, "nickname": PACE.nickname, "period": 30, "amount_per_period": 100}
    same = Profile(**facts, time_between_periods=10)
    changed = same.model_copy(update={"amount_per_period": 5000})
    assert profile_made_before(PACE, [changed, same]) == same
    assert profile_made_before(PACE, [changed]) is None


@pytest.mark.parametrize(
    ("taken", "name"),
    [([], "Pace"), (["other", None], "Pace"), (["pace"], "Pace (2)"), (["Pace", "PACE (2)"], "Pace (3)")],
)
def test_a_taken_name_gets_a_number(taken: list[str | None], name: str) -> None:
    """Names differ in more than their case, as the API wants it."""
    assert free_nickname("Pace", taken) == name


def test_the_names_fit_the_api() -> None:
    """Even the slowest pace has a name of at most 64 characters."""
    largest = 2**31 - 1
    assert len(Pace(period=largest, amount=largest, gap=largest).nickname) <= 64


def test_the_summary_says_when_and_how_fast() -> None:
    """A person reads back the days, hours, dates and pace that were understood."""
    assert summary(_campaign(days=WEEKDAYS)) == (
        "every day, 08:00-12:00 and 13:00-24:00 America/New_York, 2026-03-01 to 2026-03-07; "
        "100 calls in 30 min, then 10 min"
    )


def test_the_summary_says_what_goes_beyond_the_ordinary() -> None:
    """How often a number is called, and whose clock is kept to."""
    words = summary(_campaign(attempts=3, callee_hours="on"))
    assert words.endswith("; up to 3 calls to a number; callees' own hours on")
