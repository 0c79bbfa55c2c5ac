"""The doorbell: how the pacer wakes a dialer, and a result wakes a deliverer.

It carries no fact and may lose, double or delay what it carries; Postgres is asked for everything.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from shared.contracts.dial_job import DialJob
from shared.domain.errors import Unavailable


class DoorbellAway(Unavailable):
    """Redis does not answer; nothing was rung, and nothing is lost."""


class Doorbell(Protocol):
    """The button."""

    async def ring(self, jobs: Sequence[DialJob]) -> None:
        """Ring for attempts; raises DoorbellAway."""

    async def ring_deliverers(self) -> None:
        """Wake a deliverer; raises DoorbellAway."""

    async def works(self) -> bool:
        """Whether a ring would be heard by the server."""


class DoorbellListener(Protocol):
    """The ear. Its callbacks run on threads of its own and must hand over at once."""

    def start(
        self,
        *,
        on_dial: Callable[[DialJob], object],
        on_delivery: Callable[[], object],
        takes_dials: Callable[[], bool],
    ) -> None:
        """Begin to listen.

        Rings for attempts are left to others, or to a later moment, while `takes_dials` says no; it is asked again and
        again, on threads of the listener's own.
        """

    def stop(self) -> None:
        """Stop listening; returns when no callback runs any more."""
