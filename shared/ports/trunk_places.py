"""Places on trunks: what keeps the caps of every single trunk over all who send calls through it."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.trunk_places import TrunkCaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """When a leg may be sent, in seconds of the loop's clock: neither before nor after."""

    not_before: float
    not_after: float


class TrunkPlaces(Protocol):
    """Gives each leg its place on a trunk with caps, and takes it back.

    A leg has one place at most: before it asks again, on this trunk or the next, it gives back what it has. One that
    comes too late to be sent within its place asks again.
    """

    async def take(self, trunk: str, caps: TrunkCaps, leg: str, *, until: float) -> Place:
        """Return the place of a leg, which is named by its Call-ID; it is the leg's until it is given back.

        `caps` are what the caller knows of; where they are kept for all, what is kept there counts. `until` is the
        latest instant that is of use, and is not waited beyond. Raises TrunkFull, also where nobody can tell: then
        there is no place. Whoever is canceled while it asks has none either.
        """

    def give_back(self, leg: str) -> None:
        """Free the leg's channel, soon; its instant stays spent. Nothing for a leg without a place."""
