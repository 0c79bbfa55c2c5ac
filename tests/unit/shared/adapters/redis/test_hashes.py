"""What stands in Redis, read with suspicion."""

import pytest

from shared.adapters.redis.hashes import (
    CAMPAIGN_FIELDS,
    PROCESS_FIELDS,
    campaign_member,
    campaign_totals,
    count,
    measure,
    process_member,
    process_report,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("42", 42),
        ("9223372036854775807", 2**63 - 1),
        (None, 0),
        ("", 0),
        ("-1", 0),
        ("1.5", 0),
        ("٣", 0),  # a digit, but not one of ours
        ("9" * 5000, 0),  # Python would take its time
    ],
)
def test_a_count_is_a_count_or_nothing(text: str | None, value: int) -> None:
    """Whatever somebody else wrote into a field counts nothing."""
    assert count(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0),
        ("-0.25", -0.25),
        ("1.5e-05", 1.5e-05),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        (None, None),
    ],
)
def test_a_measure_is_a_finite_number_or_nothing(text: str | None, value: float | None) -> None:
    """A gauge that cannot be added up is left out."""
    assert measure(text) == value


@pytest.mark.parametrize("member", ["", "1", "1:2:3", "a:b", "1:-2", "1:2\n", "9" * 30 + ":1"])
def test_a_strange_member_of_an_index_is_no_campaign(member: str) -> None:
    """An index that somebody else touched leads nowhere else."""
    assert campaign_member(member) is None


@pytest.mark.parametrize("member", ["", "dialer", "a:b:c", "dialer:*", "dialer:a b"])
def test_a_strange_member_of_an_index_is_no_process(member: str) -> None:
    """As with campaigns."""
    assert process_member(member) is None


def test_a_hash_that_has_expired_is_nobody() -> None:
    """Where there is no hash there is no campaign and no process, not one with zeros."""
    assert campaign_totals(1, 2, [None] * len(CAMPAIGN_FIELDS)) is None
    assert process_report("dialer", "a", [None] * len(PROCESS_FIELDS)) is None
