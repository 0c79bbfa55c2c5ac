"""Observations sorted into buckets with fixed bounds, so that the counts of many processes add up."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from shared.observability.metric import Metric

#: The bucket above the largest bound, by Prometheus' name.
OVERFLOW_BOUND = "+Inf"


def bucket_bounds(metric: Metric) -> tuple[str, ...]:
    """Return the upper bounds of a histogram's buckets as they are written in Redis and in `/metrics`."""
    return (*map(str, metric.bounds), OVERFLOW_BOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """What was observed of one metric."""

    metric: Metric
    #: One count per bucket, the overflow last; not cumulative.
    counts: tuple[int, ...]
    #: Of all observed values, in the metric's unit.
    total: float

    def cumulative(self) -> Sequence[tuple[str, int]]:
        """Return (upper bound, observations up to it), as Prometheus wants it."""
        return list(zip(bucket_bounds(self.metric), accumulate(self.counts), strict=True))


@dataclass(slots=True)
class HistogramBuffer:
    """Observations that wait to be added to the scoreboard; its size does not grow with their number."""

    metric: Metric
    counts: list[int] = field(init=False)
    total: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.metric.bounds) + 1)

    def add(self, value: float) -> None:
        """Count one observation; a value on a bound belongs below it."""
        self.counts[bisect_left(self.metric.bounds, value)] += 1
        self.total += value
