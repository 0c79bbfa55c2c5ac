"""The bucket that counts requests."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.limits import BURST_SECONDS, LimitReached, full_bucket, take_drop

RATES = st.floats(min_value=0.1, max_value=1000)


@given(RATES, st.lists(st.floats(min_value=0, max_value=10), max_size=200))
def test_no_span_of_time_holds_more_than_its_rate_and_one_burst(rate: float, pauses: list[float]) -> None:
    """However the requests come, whatever is granted from any instant on stays below the rate and the burst."""
    bucket, now, granted = full_bucket(per_second=rate, now=0.0), 0.0, []
    for pause in pauses:
        now += pause
        bucket, wait_seconds = take_drop(bucket, per_second=rate, now=now)
        if wait_seconds == 0:
            granted.append(now)
    burst = max(1.0, rate * BURST_SECONDS)
    for first, since in enumerate(granted):
        for last in range(first, len(granted)):
            assert last - first + 1 <= burst + rate * (granted[last] - since) + 1e-6


@given(RATES, st.integers(min_value=1, max_value=50))
def test_whoever_waits_as_long_as_was_said_is_served(rate: float, more: int) -> None:
    """And not before: the wait is what it takes for one drop."""
    bucket, wait_seconds = full_bucket(per_second=rate, now=0.0), 0.0
    for _ in range(int(max(1.0, rate * BURST_SECONDS)) + more):
        bucket, wait_seconds = take_drop(bucket, per_second=rate, now=0.0)
    assert wait_seconds > 0
    assert take_drop(bucket, per_second=rate, now=wait_seconds * 0.9)[1] > 0
    assert take_drop(bucket, per_second=rate, now=wait_seconds * 1.001)[1] == 0


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    """The bucket stays as full as it was."""
    bucket, _ = take_drop(full_bucket(per_second=5, now=100.0), per_second=5, now=100.0)
    assert take_drop(bucket, per_second=5, now=50.0)[0].drops == bucket.drops - 1


def test_a_client_is_told_whole_seconds_and_never_none() -> None:
    """Retry-After has no fractions; 0 would invite the same refusal."""
    assert [LimitReached("m", retry_after_seconds=wait).retry_after_seconds for wait in (0, 0.2, 1.2)] == [
        1,
        1,
        2,
    ]
