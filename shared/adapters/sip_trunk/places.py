"""The place of a leg on its trunk: how it is waited for, and who keeps count where nobody else does.

A trunk that is set for one dialer alone has its caps from that dialer, which counts in its own memory.
"""

import asyncio

from typing_extensions import override

from shared.adapters.sip_trunk.trunk import Trunk
from shared.clock import monotonic_seconds
from shared.domain.trunk_places import SEND_WITHIN_SECONDS, TrunkCaps, TrunkUse
from shared.ports.trunk_places import Place, TrunkPlaces


class OwnPlaces(TrunkPlaces):
    """Places that this process gives to itself."""

    def __init__(self) -> None:
        self._uses: dict[tuple[str, TrunkCaps], TrunkUse] = {}
        self._held: dict[str, TrunkUse] = {}

    @override
    async def take(self, trunk: str, caps: TrunkCaps, leg: str, *, until: float) -> Place:
        use = self._uses.setdefault((trunk, caps), TrunkUse(trunk, caps))
        instant = use.take(monotonic_seconds(), until)
        self._held[leg] = use
        return Place(not_before=instant, not_after=instant + SEND_WITHIN_SECONDS)

    @override
    def give_back(self, leg: str) -> None:
        use = self._held.pop(leg, None)
        if use is not None:
            use.legs -= 1


async def wait_for_place(places: TrunkPlaces, trunk: Trunk, leg: str, *, until: float) -> None:
    """Return when the leg may be sent, which is to be done at once; raises TrunkFull."""
    if not trunk.caps.bounded:
        return
    while True:
        place = await places.take(trunk.route.name, trunk.caps, leg, until=until)
        try:
            while (wait := place.not_before - monotonic_seconds()) > 0:  # noqa: ASYNC110 - it is the clock that is waited for
                await asyncio.sleep(wait)
        except asyncio.CancelledError:
            places.give_back(leg)
            raise
        if monotonic_seconds() <= min(place.not_after, until):
            return
        places.give_back(leg)  # the answer came too late for its instant: another one, if there is still time
