"""A campaign's retry policy and the columns that hold it, as several queries bring and take them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import asyncpg

from shared.domain.disposition import Outcome
from shared.domain.retry import RetryPolicy

#: Campaigns have few different policies, and a list of campaigns has many of each; a policy is some hundred bytes.
_MOST_REMEMBERED: Final = 1024


def retry_policy_of(row: asyncpg.Record) -> RetryPolicy:
    """Return the policy of a row with tries_allowed, retry_seconds and retry_seconds_by_outcome."""
    return retry_policy(row["tries_allowed"], row["retry_seconds"], row["retry_seconds_by_outcome"])


def retry_policy(
    tries: int, intervals_seconds: Sequence[int], seconds_by_outcome: Mapping[str, int]
) -> RetryPolicy:
    """Return the policy of these columns' values."""
    return _policy(tries, tuple(intervals_seconds), tuple(seconds_by_outcome.items()))


@lru_cache(maxsize=_MOST_REMEMBERED)
def _policy(
    tries: int, intervals_seconds: tuple[int, ...], by_outcome: tuple[tuple[str, int], ...]
) -> RetryPolicy:
    return RetryPolicy(
        tries=tries,
        intervals_seconds=intervals_seconds,
        by_outcome_seconds={Outcome(int(code)): int(seconds) for code, seconds in by_outcome},
    )


def retry_columns(policy: RetryPolicy) -> tuple[int, list[int], dict[str, int]]:
    """Return what a row has of a policy, which `retry_policy` reads back."""
    by_outcome = {str(outcome.value): seconds for outcome, seconds in policy.by_outcome_seconds.items()}
    return policy.tries, list(policy.intervals_seconds), by_outcome
