"""What one process counts and measures, until it publishes it.

Nothing here waits for anybody: a call that is being placed adds to a number in memory, and whoever publishes
comes by about once a second.
"""

from collections.abc import Mapping

from shared.observability.metric import Kind, Metric


class Tally:
    """One process's counters and gauges, by the field under which Redis keeps them."""

    def __init__(self) -> None:
        self._counters: dict[str, int] = {}
        self._gauges: dict[str, float] = {}

    def count(self, metric: Metric, value: str | None = None, *, by: int = 1) -> None:
        """Add to a counter; `value` is its label's.

        Raises ValueError for what the catalogue does not have.
        """
        if metric.kind is not Kind.COUNTER or by < 0:
            raise ValueError(f"{metric.name} is a {metric.kind} and was to grow by {by}: only counters grow.")
        field = metric.field(value)
        self._counters[field] = self._counters.get(field, 0) + by

    def measure(self, metric: Metric, value: float) -> None:
        """Set a gauge. Raises ValueError for a metric that is none."""
        if metric.kind is not Kind.GAUGE:
            raise ValueError(f"{metric.name} is a {metric.kind}: only gauges are set.")
        self._gauges[metric.field()] = value

    @property
    def counters(self) -> Mapping[str, int]:
        """What was counted since the process began."""
        return dict(self._counters)

    @property
    def gauges(self) -> Mapping[str, float]:
        """What was measured last."""
        return dict(self._gauges)
