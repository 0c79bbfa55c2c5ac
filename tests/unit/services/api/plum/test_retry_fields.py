"""How often and how far apart a number is tried, as a request says it."""

import pytest

from services.api.plum.retry_fields import read_retry_policy
from services.api.request_body import Fields
from services.api.request_fields import written_fields
from shared.domain.disposition import Outcome
from shared.domain.errors import Invalid
from shared.domain.retry import RetryPolicy


@pytest.mark.parametrize(
    ("pairs", "policy"),
    [
        ([], RetryPolicy()),
        ([("attempts", ""), ("retry_minutes", "")], RetryPolicy()),
        ([("attempts", "3")], RetryPolicy(tries=3)),
        ([("attempts", "3"), ("retry_minutes", "30")], RetryPolicy(tries=3, intervals_seconds=(1800,))),
        ([("retry_minutes", "[30,120]")], RetryPolicy(intervals_seconds=(1800, 7200))),
        ([("retry_minutes[]", "30"), ("retry_minutes[]", "0")], RetryPolicy(intervals_seconds=(1800, 0))),
        (
            [("retry_minutes_by_outcome", '{"Busy": 5, "noanswer": 60}')],
            RetryPolicy(by_outcome_seconds={Outcome.BUSY: 300, Outcome.NO_ANSWER: 3600}),
        ),
    ],
)
def test_a_form_says_a_policy(pairs: list[tuple[str, str]], policy: RetryPolicy) -> None:
    """What is not said, or left empty, is as usual: one call."""
    assert read_retry_policy(written_fields(pairs)) == policy


def test_a_json_body_says_a_policy() -> None:
    """Numbers and objects stand for themselves."""
    fields = Fields({"attempts": 4, "retry_minutes": [1, 2], "retry_minutes_by_outcome": {"Overflow": 3}})
    assert read_retry_policy(fields) == RetryPolicy(
        tries=4, intervals_seconds=(60, 120), by_outcome_seconds={Outcome.OVERFLOW: 180}
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attempts", "0"),
        ("attempts", "101"),
        ("attempts", "three"),
        ("retry_minutes", "soon"),
        ("retry_minutes", "[1.5]"),
        ("retry_minutes", "[-1]"),
        ("retry_minutes", "[true]"),
        ("retry_minutes", "40321"),
        ("retry_minutes", "[" + "1," * 99 + "1]"),
        ("retry_minutes", '{"Busy": 5}'),
        ("retry_minutes_by_outcome", "[5]"),
        ("retry_minutes_by_outcome", '{"Answered": 5}'),
        ("retry_minutes_by_outcome", '{"Busy": "soon"}'),
    ],
)
def test_what_is_no_policy_is_refused(field: str, value: str) -> None:
    """The refusal names the field."""
    with pytest.raises(Invalid) as caught:
        read_retry_policy(written_fields([(field, value)]))
    assert caught.value.field == field
