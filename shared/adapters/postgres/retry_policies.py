"""Builds a campaign's retry policy from the columns that hold it, as several queries bring them."""

from typing import Any

import asyncpg

from shared.domain.disposition import Outcome
from shared.domain.retry import RetryPolicy


def retry_policy_of(row: asyncpg.Record) -> RetryPolicy:
    """Return the policy of a row with tries_allowed, retry_seconds and retry_seconds_by_outcome."""
    by_outcome: dict[str, Any] = row["retry_seconds_by_outcome"]
    return RetryPolicy(
        tries=row["tries_allowed"],
        intervals_seconds=tuple(row["retry_seconds"]),
        by_outcome_seconds={Outcome(int(code)): int(seconds) for code, seconds in by_outcome.items()},
    )
