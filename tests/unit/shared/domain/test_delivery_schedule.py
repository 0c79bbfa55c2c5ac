"""What happens to a delivery after a try."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.delivery_schedule import (
    LONGEST_TOTAL_BUDGET_SECONDS,
    RETRY_AFTER_CAP_SECONDS,
    SCHEDULE_SECONDS,
    TOTAL_BUDGET_SECONDS,
    Delivered,
    DeliveryLease,
    Disabled,
    Failed,
    LeaseTooShort,
    RetryAt,
    after_try,
    posts_for_retries,
    retry_after_seconds,
    shortest_lease_seconds,
)

_VECTORS = json.loads((Path(__file__).parents[3] / "vectors/delivery_schedule.json").read_text())
_NOW = datetime.fromisoformat(_VECTORS["now"])
_KINDS = {"delivered": Delivered, "retry": RetryAt, "failed": Failed, "disabled": Disabled}


@pytest.mark.parametrize("row", [pytest.param(row, id=row["what"]) for row in _VECTORS["decisions"]])
def test_a_try_has_the_published_consequence(row: dict[str, Any]) -> None:
    """Every row of the published table holds."""
    decision = after_try(
        tries=row["tries"],
        status=row["status"],
        now=_NOW,
        jitter=row["jitter"],
        retry_after=row["retry_after"],
    )
    assert type(decision) is _KINDS[row["then"]]
    if isinstance(decision, RetryAt):
        assert decision.delay_seconds == pytest.approx(row["delay_seconds"])


def test_the_schedule_is_the_one_that_is_promised() -> None:
    """Eleven tries, the first at once, over three days and a little."""
    assert SCHEDULE_SECONDS[0] == 0
    assert len(SCHEDULE_SECONDS) == 11
    assert timedelta(seconds=TOTAL_BUDGET_SECONDS) == timedelta(hours=75, minutes=35, seconds=35)
    assert timedelta(seconds=LONGEST_TOTAL_BUDGET_SECONDS) == timedelta(hours=141, minutes=36)


def test_a_failure_says_what_happened_last() -> None:
    """The reason of a final failure names the last status, or the last error where there was none."""
    answered = after_try(tries=11, status=302, now=_NOW, jitter=0.5)
    silent = after_try(
        tries=11, status=None, now=_NOW, jitter=0.5, error="The host name could not be resolved."
    )
    assert answered == Failed(reason="11 tries have failed; at the last the receiver answered 302.")
    assert isinstance(silent, Failed)
    assert silent.reason.endswith("no answer came: The host name could not be resolved.")


def test_a_status_decides_whatever_befell_the_rest_of_the_answer() -> None:
    """An answer that began with 200 and broke off is a delivery: the receiver has the result."""
    assert after_try(tries=1, status=200, now=_NOW, jitter=0.5, error="broke off") == Delivered()


@pytest.mark.parametrize(("tries", "jitter"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1)])
def test_a_decision_without_a_try_or_with_a_wrong_die_is_our_error(tries: int, jitter: float) -> None:
    """There is no decision before the first try, and the die is in [0, 1)."""
    with pytest.raises(ValueError, match=r"tries|jitter"):
        after_try(tries=tries, status=500, now=_NOW, jitter=jitter)


def test_a_lease_outlives_its_try_twice() -> None:
    """The shortest lease is twice the try and five seconds."""
    assert shortest_lease_seconds(15) == 35


@given(st.integers(1, 10), st.floats(0, 1, exclude_max=True), st.one_of(st.none(), st.text(max_size=50)))
def test_every_wait_stays_within_a_fifth_of_the_schedule_or_the_cap(
    tries: int, jitter: float, header: str | None
) -> None:
    """Whatever a receiver says, it cannot make a wait shorter than a fifth less, or longer than the cap."""
    decision = after_try(tries=tries, status=503, now=_NOW, jitter=jitter, retry_after=header)
    assert isinstance(decision, RetryAt)
    published = SCHEDULE_SECONDS[tries]
    assert decision.delay_seconds >= 0.8 * published
    assert decision.delay_seconds <= max(1.2 * published, RETRY_AFTER_CAP_SECONDS)
    if header is None:
        assert decision.delay_seconds <= 1.2 * published


@given(st.datetimes(datetime(1970, 1, 1), datetime(2037, 12, 31)))  # noqa: DTZ001 - made aware below
def test_a_date_is_read_as_the_seconds_until_it(moment: datetime) -> None:
    """An HTTP date means the wait until then, never below nothing, never above the cap."""
    aware = moment.replace(tzinfo=UTC, microsecond=0)
    text = aware.strftime("%a, %d %b %Y %H:%M:%S GMT")
    wait = (aware - _NOW).total_seconds()
    assert retry_after_seconds(text, now=_NOW) == min(max(wait, 0), RETRY_AFTER_CAP_SECONDS)


@pytest.mark.parametrize(("try_seconds", "shortest"), [(15, 35), (1, 7), (30, 65)])
def test_there_is_no_lease_that_may_end_during_its_try(try_seconds: float, shortest: float) -> None:
    """A lease shorter than twice a try and 5 s cannot be made; the refusal names the setting and its least value."""
    lease = DeliveryLease(seconds=shortest, try_seconds=try_seconds)
    assert lease.latest_start_seconds == shortest - try_seconds
    with pytest.raises(LeaseTooShort, match=f"PACELINE_WEBHOOK_LEASE_SECONDS to at least {shortest}"):
        DeliveryLease(seconds=shortest - 0.1, try_seconds=try_seconds)


@pytest.mark.parametrize(
    ("posts", "for_retries"), [(1, 0), (2, 1), (3, 1), (4, 2), (8, 3), (10, 3), (100, 30), (256, 77)]
)
def test_retries_have_their_share_and_first_tries_the_rest(posts: int, for_retries: int) -> None:
    """30 % rounded up, at least one, and never all of it."""
    assert posts_for_retries(posts) == for_retries
