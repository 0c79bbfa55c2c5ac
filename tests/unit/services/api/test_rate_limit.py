"""Requests per second of each tenant."""

import pytest

from services.api import rate_limit
from services.api.rate_limit import RateLimit
from shared.domain.limits import LimitReached


def granted(limit: RateLimit, tenant_id: int, requests: int) -> int:
    """Return how many of so many requests are let through."""
    count = 0
    for _ in range(requests):
        try:
            limit.take(tenant_id)
        except LimitReached:
            continue
        count += 1
    return count


def test_one_tenant_s_requests_take_nothing_from_another() -> None:
    """Each has a bucket of its own, which fills as time goes by."""
    now = [0.0]
    limit = RateLimit(per_second=10, clock=lambda: now[0])
    assert granted(limit, 1, 100) == 20
    assert granted(limit, 2, 5) == 5
    now[0] = 1.0
    assert granted(limit, 1, 100) == 10


def test_whoever_is_refused_is_told_when_to_come_back() -> None:
    """In seconds, rounded up."""
    limit = RateLimit(per_second=0.25, clock=lambda: 0.0)
    limit.take(1)
    with pytest.raises(LimitReached) as refused:
        limit.take(1)
    assert refused.value.retry_after_seconds == 4


def test_memory_is_bounded_by_forgetting_who_was_idle_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant that keeps asking is not the one that is forgotten."""
    monkeypatch.setattr(rate_limit, "MOST_TENANTS", 3)
    limit = RateLimit(per_second=1, clock=lambda: 0.0)
    assert granted(limit, 1, 5) == 2
    for tenant_id in (2, 3, 4, 5):
        limit.take(tenant_id)
        assert granted(limit, 1, 1) == 0
    assert granted(limit, 2, 5) == 2  # forgotten, and so full again
