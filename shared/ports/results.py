"""Results for those who come and get them: a feed that can be read on from any place."""

from dataclasses import dataclass
from typing import Protocol

from shared.contracts.result_body import NumberResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedResult:
    """A result with its place in the feed."""

    #: Rises from result to result, with gaps.
    result_no: int
    result: NumberResult


class ResultFeed(Protocol):
    """One tenant's results in the order of their places."""

    async def results(self, tenant_id: int, *, after: int, limit: int) -> list[FeedResult]:
        """Return the results behind a place, at most so many.

        Whoever reads on from the last place that was returned misses none: a result is only shown when none with a
        lower place can still be committed.
        """
