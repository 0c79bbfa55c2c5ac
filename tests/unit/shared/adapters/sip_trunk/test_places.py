"""The place of a leg: what is waited for before it is sent, and the count that one process keeps for itself."""

import asyncio
from collections.abc import Iterator

import pytest
from typing_extensions import override

from shared.adapters.sip_trunk.places import OwnPlaces, wait_for_place
from shared.adapters.sip_trunk.trunk import Trunk
from shared.clock import monotonic_seconds
from shared.domain.routing import Route
from shared.domain.trunk_places import TrunkCaps, TrunkFull
from shared.ports.trunk_places import Place, TrunkPlaces


def trunk(**caps: int) -> Trunk:
    """Return a trunk with these caps."""
    return Trunk(route=Route(name="carrier"), host="192.0.2.1", caps=TrunkCaps(**caps))


class Scripted(TrunkPlaces):
    """Gives the places of a list, one after the other."""

    def __init__(self, places: Iterator[Place]) -> None:
        self._places = places
        self.given_back: list[str] = []

    @override
    async def take(self, trunk: str, caps: TrunkCaps, leg: str, *, until: float) -> Place:
        place = next(self._places, None)
        if place is None:
            raise TrunkFull("No more.")
        return place

    @override
    def give_back(self, leg: str) -> None:
        self.given_back.append(leg)


async def test_one_process_keeps_to_the_channels_of_its_own_trunk() -> None:
    """And takes the next leg when one is over; a leg that has no place gives nothing back."""
    places, until = OwnPlaces(), monotonic_seconds() + 60
    await wait_for_place(places, trunk(channels=1), "a", until=until)
    with pytest.raises(TrunkFull, match="All 1 channels of the trunk carrier"):
        await wait_for_place(places, trunk(channels=1), "b", until=until)
    places.give_back("b")
    with pytest.raises(TrunkFull):
        await wait_for_place(places, trunk(channels=1), "b", until=until)
    places.give_back("a")
    places.give_back("a")
    await wait_for_place(places, trunk(channels=1), "b", until=until)
    with pytest.raises(TrunkFull):
        await wait_for_place(places, trunk(channels=1), "c", until=until)


async def test_a_leg_waits_for_its_instant() -> None:
    """Fifty a second fit at once into a free trunk; the fifty-first comes a second after the first."""
    places, began = OwnPlaces(), monotonic_seconds()
    for leg in range(51):
        await wait_for_place(places, trunk(calls_per_second=50), str(leg), until=began + 60)
    assert monotonic_seconds() - began >= 1.0


async def test_a_trunk_without_caps_is_asked_nothing() -> None:
    """A leg may be sent at once, and nobody counts it."""
    await wait_for_place(Scripted(iter([])), trunk(), "a", until=0.0)


async def test_a_place_that_came_too_late_is_given_back_for_another() -> None:
    """The leg is sent within the instant of the place that it has, or not at all."""
    now = monotonic_seconds()
    late, right = Place(not_before=now - 2, not_after=now - 1), Place(not_before=now, not_after=now + 60)
    places = Scripted(iter([late, late, right]))
    await wait_for_place(places, trunk(channels=1), "a", until=now + 60)
    assert places.given_back == ["a", "a"]


async def test_a_leg_is_not_sent_after_its_own_time() -> None:
    """Although its place is good for longer."""
    now = monotonic_seconds()
    places = Scripted(iter([Place(not_before=now - 2, not_after=now + 60)]))
    with pytest.raises(TrunkFull):
        await wait_for_place(places, trunk(channels=1), "a", until=now - 1)
    assert places.given_back == ["a"]


async def test_who_gives_up_while_waiting_keeps_no_place() -> None:
    """The dialer is told to stop."""
    far = Place(not_before=monotonic_seconds() + 3600, not_after=monotonic_seconds() + 3600)
    places = Scripted(iter([far]))
    waiting = asyncio.create_task(wait_for_place(places, trunk(channels=1), "a", until=far.not_after))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert places.given_back == ["a"]
