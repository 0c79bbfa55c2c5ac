"""Limits that a client is told to wait for, and the bucket that counts requests.

A bucket holds the drops of two seconds at the permitted rate, and at least one; a request takes one out. So a burst
after a pause is let through, as a page that opens makes one, and the rate holds over any longer time.
"""

import math
from dataclasses import dataclass
from typing import Final

from shared.domain.errors import PacelineError

#: How much of a pause can be made up for.
BURST_SECONDS: Final = 2.0


class LimitReached(PacelineError):
    """More than the limit; the same request is taken later."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        self.retry_after_seconds = max(1, math.ceil(retry_after_seconds))
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What was left at an instant of some monotonic clock."""

    drops: float
    at_seconds: float


def full_bucket(*, per_second: float, now: float) -> Bucket:
    """Return a bucket that nobody has taken from."""
    return Bucket(drops=_room(per_second), at_seconds=now)


def take_drop(bucket: Bucket, *, per_second: float, now: float) -> tuple[Bucket, float]:
    """Return the bucket after one drop, and 0; or the bucket as it is, and the seconds until there is one."""
    drops = min(_room(per_second), bucket.drops + max(0.0, now - bucket.at_seconds) * per_second)
    if drops < 1:
        return Bucket(drops=drops, at_seconds=now), (1 - drops) / per_second
    return Bucket(drops=drops - 1, at_seconds=now), 0.0


def _room(per_second: float) -> float:
    return max(1.0, per_second * BURST_SECONDS)
