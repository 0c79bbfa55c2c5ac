"""Requests per second of each tenant, counted in the memory of this process.

Not in Redis: the limit keeps one tenant from taking the process away from the others, which is a matter of this process
alone, and the API then needs no Redis, whose absence could neither shut the door nor open it. With n API processes a
tenant has n times the limit; the setting says so.
"""

from collections.abc import Callable
from typing import Final

from shared.domain.limits import Bucket, LimitReached, full_bucket, take_drop

#: Beyond this many the tenants that asked longest ago are forgotten; theirs would be full again.
MOST_TENANTS: Final = 10_000


class RateLimit:
    """One process's limit."""

    def __init__(self, *, per_second: float, clock: Callable[[], float]) -> None:
        """Take the rate of one tenant, and a monotonic clock in seconds."""
        self._per_second = per_second
        self._clock = clock
        self._buckets: dict[int, Bucket] = {}

    def take(self, tenant_id: int) -> None:
        """Count a request; raises LimitReached."""
        now = self._clock()
        bucket = self._buckets.pop(tenant_id, None) or full_bucket(per_second=self._per_second, now=now)
        # Put in again, it is the last: the first is always the one that was idle longest.
        self._buckets[tenant_id], wait_seconds = take_drop(bucket, per_second=self._per_second, now=now)
        if len(self._buckets) > MOST_TENANTS:
            del self._buckets[next(iter(self._buckets))]
        if wait_seconds:
            raise LimitReached(
                f"More than {self._per_second:g} requests a second: slow down, and send this one again.",
                retry_after_seconds=wait_seconds,
            )
