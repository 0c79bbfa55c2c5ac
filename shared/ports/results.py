"""Results for those who come and get them: a feed that can be read on from any place."""

from dataclasses import dataclass
from typing import Protocol

from shared.contracts.result_body import NumberResult


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a result stands in the feed: first by the transaction that wrote it, then by its number.

    Transactions are numbered as they begin to write. The numbers of results alone are no order to read on by: of two
    transactions the later may take the lower one, and commit last.
    """

    transaction: int
    result_no: int


#: Before every result.
BEGINNING = Place(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedResult:
    """A result with its place."""

    place: Place
    result: NumberResult


class ResultFeed(Protocol):
    """One tenant's results in the order of their places."""

    async def results(self, tenant_id: int, *, after: Place, limit: int) -> list[FeedResult]:
        """Return the results behind a place, at most so many.

        Whoever reads on from the place of the last one misses none: a result is only shown when every transaction
        that could still commit has a later place.
        """
