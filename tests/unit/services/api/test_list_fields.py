"""What narrows a long list: read strictly, or left out."""

from datetime import UTC, datetime, timedelta

import pytest

from services.api.list_fields import id_of, instant_of, limit_of, number_of, page_of, text_of
from services.api.request_fields import Fields, written_fields
from shared.domain.errors import Invalid
from shared.ports.delivery_desk import Page


def fields(**values: str) -> Fields:
    """Parameters of a query."""
    return written_fields(values.items())


def test_a_parameter_that_is_empty_was_left_out() -> None:
    """`?state=&after=` is what a form makes of fields that nobody filled."""
    empty = fields(state="", after=" ", limit="", since="")
    assert text_of(empty, "state") is None
    assert id_of(empty, "after") is None
    assert page_of(empty) == page_of(fields()) == Page(after=0, limit=100)
    assert instant_of(empty, "since") is None


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("1000", 1000), (" 5 ", 5), ("007", 7)])
def test_a_limit_is_between_one_and_a_thousand(text: str, limit: int) -> None:
    """What lies between is taken as it is."""
    assert limit_of(fields(limit=text)) == limit


@pytest.mark.parametrize(
    "text", ["0", "1001", "-1", "+5", "1.0", "1e2", "ten", "٣", "\N{FULLWIDTH DIGIT ONE}", "1" * 19]
)
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    """Nothing is guessed and nothing is cut down in silence."""
    with pytest.raises(Invalid) as refusal:
        limit_of(fields(limit=text))
    assert refusal.value.field == "limit"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T08:00:00Z", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("2026-11-21 08:00:00Z", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("2026-11-21T09:00:00+01:00", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("2026-11-21T09:00:00 01:00", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("2026-11-21T03:00:00.25-05:00", datetime(2026, 11, 21, 8, tzinfo=UTC) + timedelta(seconds=0.25)),
    ],
)
def test_an_instant_has_a_date_a_time_and_an_offset(text: str, instant: datetime) -> None:
    """As RFC 3339 writes it; the + of an offset may have become a space on its way."""
    assert instant_of(fields(since=text), "since") == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "2026-11-21T08:00",
        "2026-11-21T08:00:00",
        "20261121T080000Z",
        "2026-W47-6T08:00:00Z",
        "2026-11-31T08:00:00Z",
        "2026-11-21T24:00:01Z",
        "2026-11-21T08:00:00+24:00",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59-23:59",
        "now",
        "٢٠٢٦-11-21T08:00:00Z",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    """A date alone would be somebody's midnight, and an offset left out somebody's guess."""
    with pytest.raises(Invalid) as refusal:
        instant_of(fields(since=text), "since")
    assert refusal.value.field == "since"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", None),
        ("  ", None),
        ("+442071234567", "+442071234567"),
        ("202 555 0100", "+12025550100"),
        # A + as it stands in a query or form is a space.
        (" 442071234567", "+442071234567"),
        (" 12025550100", "+12025550100"),
        (" (202) 555-0100", "+12025550100"),
    ],
)
def test_a_phone_number_survives_a_plus_that_was_not_encoded(text: str, number: str | None) -> None:
    """It is read with the + that the space was, where that makes a number."""
    assert number_of(fields(after=text), "after") == number


def test_a_space_that_may_be_a_plus_or_not_is_not_guessed_at() -> None:
    """Cairo or Washington: the one would be blocked and the other go on being called."""
    with pytest.raises(Invalid, match=r"\+2025550100, \+12025550100: write its \+ as %2B") as refusal:
        number_of(fields(after=" 2025550100"), "after")
    assert refusal.value.field == "after"


@pytest.mark.parametrize("text", ["911", " 911", " 00", "x"])
def test_a_phone_number_that_is_none_is_refused(text: str) -> None:
    """By the name of its parameter."""
    with pytest.raises(Invalid) as refusal:
        number_of(fields(after=text), "after")
    assert refusal.value.field == "after"
