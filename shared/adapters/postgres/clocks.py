"""Postgres' clock beside the running loop's: instants of the one told on the other, never on the wrong side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from shared.adapters.postgres.queries import queries

_CLOCK: Final = queries("dialing")["postgres_clock"]

#: Seconds per second: as fast as time servers let a clock be slewed.
MOST_DRIFT: Final = 0.0005


@dataclass(frozen=True, slots=True)
class Offset:
    """How far Postgres' clock is ahead of the loop's, in seconds: somewhere between two bounds.

    One question tells it to within the way there and back. Many tell it better: the truth lies within each of their
    bounds, as far as the clocks have not drifted apart since.
    """

    least: float
    most: float
    #: When it was found, on the loop's clock.
    at: float

    @classmethod
    def asked(cls, *, postgres: float, before: float, after: float) -> "Offset":
        """Return what one question tells; the loop's clock was read before and after it."""
        return cls(least=postgres - after, most=postgres - before, at=after)

    def narrowed(self, known: "Offset | None") -> "Offset":
        """Return what this and an older one tell together; if they disagree, a clock was set, and this one counts."""
        if known is None:
            return self
        drift = (self.at - known.at) * MOST_DRIFT
        least, most = max(self.least, known.least - drift), min(self.most, known.most + drift)
        return Offset(least, most, self.at) if least <= most else self

    def not_before(self, instant: float) -> float:
        """Return an instant of Postgres' on the loop's clock, maybe late, never early."""
        return instant - self.least

    def not_after(self, instant: float) -> float:
        """Return an instant of Postgres' on the loop's clock, maybe early, never late."""
        return instant - self.most

    def latest(self, loop_instant: float) -> float:
        """Return an instant of the loop's on Postgres' clock, maybe early, never late."""
        return loop_instant + self.least


async def ask(connection: asyncpg.Connection, clock: Callable[[], float]) -> tuple[float, Offset]:
    """Return what Postgres' clock says, and what that tells of it beside the loop's, which is `clock`.

    Nothing else is asked, so that the way there and back is short.
    """
    before = clock()
    postgres: float = await connection.fetchval(_CLOCK)
    return postgres, Offset.asked(postgres=postgres, before=before, after=clock())
