"""Time zones: which there are, and when their clocks are changed."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from shared.domain.errors import Invalid
from shared.domain.time_zone import as_utc, check_zone, segments_of_day


@pytest.mark.parametrize(
    "zone",
    ["America/New_York", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC", "US/Eastern", "EST5EDT"],
)
def test_zones_of_the_iana_database_are_taken(zone: str) -> None:
    """Every kind of name that the IANA database uses is accepted."""
    check_zone(zone)


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Eastern",
        "America",  # a folder
        "America/New_York ",
        "America/New_York\n",
        "america/new_york",
        "America/New_York/x",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",  # whatever this machine has
        "right/UTC",  # counts leap seconds
        "zone.tab",  # a file, but no zone
        "__init__.py",
        "a\0b",
        "Z" * 300,
        "\ud800",
    ],
)
def test_what_is_no_zone_is_refused_in_a_sentence(zone: str) -> None:
    """An unknown zone, or a name that could mean a file, is the sender's mistake and shown in printable form."""
    with pytest.raises(Invalid, match="use an IANA name") as refusal:
        check_zone(zone)
    assert refusal.value.field == "time_zone"
    assert refusal.value.message.isascii()
    assert len(refusal.value.message) < 500


@pytest.mark.parametrize(
    ("zone", "day", "change", "before_hours", "after_hours"),
    [
        ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 8, 7, tzinfo=UTC), -5, -4),
        ("America/New_York", date(2026, 11, 1), datetime(2026, 11, 1, 6, tzinfo=UTC), -4, -5),
        ("Europe/London", date(2026, 3, 29), datetime(2026, 3, 29, 1, tzinfo=UTC), 0, 1),
        ("Australia/Lord_Howe", date(2026, 4, 5), datetime(2026, 4, 4, 15, tzinfo=UTC), 11, 10.5),
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC), -10, 14),
        ("America/St_Johns", date(2010, 11, 7), datetime(2010, 11, 7, 2, 31, tzinfo=UTC), -2.5, -3.5),
    ],
)
def test_a_change_of_the_clocks_is_found_to_the_second(
    zone: str, day: date, change: datetime, before_hours: float, after_hours: float
) -> None:
    """Two segments meet at the very instant at which the clocks are changed."""
    before, after = segments_of_day(zone, day)
    assert before.ends_at == after.begins_at == change
    assert before.offset == timedelta(hours=before_hours)
    assert after.offset == timedelta(hours=after_hours)


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Africa/Casablanca", "Africa/Monrovia", "Asia/Pyongyang"]
)
def test_segments_cover_every_day_without_holes_and_agree_with_the_clocks(zone: str) -> None:
    """Over years of days, segments touch and their offset is the clocks' from the first second to the last."""
    clock = ZoneInfo(zone)
    for number in range(0, 20_000, 13):  # each day is looked at with those around it
        segments = segments_of_day(zone, date(1970, 1, 2) + timedelta(days=number))
        assert segments[-1].ends_at - segments[0].begins_at == timedelta(days=3)
        assert all(earlier.ends_at == later.begins_at for earlier, later in pairwise(segments))
        for segment in segments:
            assert segment.begins_at.astimezone(clock).utcoffset() == segment.offset
            assert (segment.ends_at - timedelta(seconds=1)).astimezone(clock).utcoffset() == segment.offset


def test_an_instant_without_a_zone_is_refused() -> None:
    """A naive time is never taken for this machine's local time."""
    with pytest.raises(ValueError, match="no time zone"):
        as_utc(datetime(2026, 3, 8, 12))  # noqa: DTZ001 - the mistake under test
    eastern = datetime(2026, 3, 8, 12, tzinfo=ZoneInfo("America/New_York"))
    assert as_utc(eastern) == eastern
    assert as_utc(eastern).tzinfo is UTC
