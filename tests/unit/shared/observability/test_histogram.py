"""Observations in buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.observability.histogram import Histogram, HistogramBuffer, bucket_bounds
from shared.observability.metrics import CALL_LATENESS_MS


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        (-0.1, "0"),  # too early: the promise is broken, and it shows
        (0, "0"),
        (0.1, "1"),
        (100, "100"),  # a bound belongs to its own bucket
        (100.1, "200"),
        (500.1, "+Inf"),
    ],
)
def test_an_observation_falls_into_the_bucket_of_the_next_bound(value: float, bound: str) -> None:
    """A bucket holds what is no larger than its bound and larger than the one before."""
    buffer = HistogramBuffer(CALL_LATENESS_MS)
    buffer.add(value)
    assert dict(zip(bucket_bounds(CALL_LATENESS_MS), buffer.counts, strict=True))[bound] == 1


@given(st.lists(st.floats(min_value=-1000, max_value=10_000), max_size=50))
def test_cumulative_counts_agree_with_the_observations(values: list[float]) -> None:
    """Prometheus sees, for every bound, how many observations were no larger."""
    buffer = HistogramBuffer(CALL_LATENESS_MS)
    for value in values:
        buffer.add(value)
    seen = Histogram(metric=CALL_LATENESS_MS, counts=tuple(buffer.counts), total=buffer.total)
    assert seen.cumulative() == [
        (bound, sum(value <= float(bound) for value in values)) for bound in bucket_bounds(CALL_LATENESS_MS)
    ]
