"""One suite for the places on trunks: whoever keeps a carrier's caps must pass it.

In one process's own memory, or in Postgres for all dialers. Nothing here waits for a place's instant to come: what is
judged is when the legs may be sent. An adapter that joins brings a factory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import asyncpg
import pytest

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.trunk_places import PostgresTrunkPlaces
from shared.adapters.sip_trunk.places import OwnPlaces
from shared.clock import monotonic_seconds
from shared.domain.trunk_places import TrunkCaps, TrunkFull
from shared.ports.trunk_places import Place, TrunkPlaces

#: So patient that no busy machine makes a leg late.
PATIENCE_SECONDS: Final = 600.0
#: Every trunk here, by its name.
CAPS: Final = {
    "narrow": TrunkCaps(channels=2),
    "wide": TrunkCaps(channels=1000),
    "slow": TrunkCaps(calls_per_second=2),
    "both": TrunkCaps(channels=1, calls_per_second=1),
}

#: What opens an adapter that knows the trunks.
Factory = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[TrunkPlaces]]


@asynccontextmanager
async def _own() -> AsyncIterator[TrunkPlaces]:
    yield OwnPlaces()


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[TrunkPlaces]:
    connection = await asyncpg.connect(url)
    await connection.executemany(
        "INSERT INTO trunk (name, host, channels, calls_per_second) VALUES ($1, '192.0.2.1', $2, $3)",
        [(name, caps.channels, caps.calls_per_second) for name, caps in CAPS.items()],
    )
    await connection.close()
    async with Database.opened(url, role="paceline_dialer", size=2) as database:
        places = PostgresTrunkPlaces(database)
        yield places
        await places.close()


FACTORIES: Final[dict[str, Factory]] = {
    "own": lambda _request: _own(),
    "postgres": lambda request: _postgres(request.getfixturevalue("database_url")),
}


@pytest.fixture(params=FACTORIES)
def adapter(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[TrunkPlaces]:
    """Each adapter in turn, yet to be opened: a database is made by a loop of its own, before there is another."""
    return FACTORIES[request.param](request)


@pytest.fixture
async def places(adapter: AbstractAsyncContextManager[TrunkPlaces]) -> AsyncIterator[TrunkPlaces]:
    """The adapter, with no leg on any trunk."""
    async with adapter as opened:
        yield opened


async def taken(places: TrunkPlaces, trunk: str, leg: str, *, until: float | None = None) -> Place | None:
    """Ask for a place, which is good for a long time unless it is said; None where there is none."""
    latest = monotonic_seconds() + PATIENCE_SECONDS if until is None else until
    try:
        return await places.take(trunk, CAPS[trunk], leg, until=latest)
    except TrunkFull:
        return None


async def soon_taken(places: TrunkPlaces, trunk: str, leg: str) -> Place:
    """Ask until there is a place: what was given back is free soon, and not at once."""
    async with asyncio.timeout(60):
        while (place := await taken(places, trunk, leg)) is None:
            await asyncio.sleep(0.01)
    return place


async def test_a_leg_with_a_place_has_a_time_to_be_sent(places: TrunkPlaces) -> None:
    """From an instant to another that lies behind it."""
    for trunk in CAPS:
        place = await taken(places, trunk, f"{trunk}-leg")
        assert place is not None
        assert place.not_before < place.not_after


async def test_no_trunk_has_more_legs_than_channels(places: TrunkPlaces) -> None:
    """Asked at the same moment or one after the other, and the other trunk is as free as before."""
    answers = await asyncio.gather(*(taken(places, "narrow", f"n{leg}") for leg in range(6)))
    assert sum(answer is not None for answer in answers) == 2
    assert await taken(places, "narrow", "late") is None
    assert await taken(places, "wide", "elsewhere") is not None


async def test_a_leg_that_is_over_makes_room_for_one(places: TrunkPlaces) -> None:
    """For one, although it is given back twice; a leg without a place makes room for nobody."""
    assert await taken(places, "narrow", "a") is not None
    assert await taken(places, "narrow", "b") is not None
    places.give_back("stranger")
    assert await taken(places, "narrow", "c") is None
    places.give_back("c")
    places.give_back("a")
    places.give_back("a")
    await soon_taken(places, "narrow", "d")
    assert await taken(places, "narrow", "e") is None


async def test_no_second_holds_more_legs_than_the_rate(places: TrunkPlaces) -> None:
    """Wherever it starts, and however late within its time each leg is sent."""
    found = await asyncio.gather(*(taken(places, "slow", f"s{leg}") for leg in range(7)))
    given = sorted((place for place in found if place is not None), key=lambda place: place.not_before)
    assert len(given) == 7
    for first, third in zip(given, given[2:], strict=False):
        assert third.not_before - first.not_after >= 1.0


async def test_a_place_that_would_come_too_late_is_none(places: TrunkPlaces) -> None:
    """The caller learns it at once, and can try another trunk; an instant that has passed is too late, too."""
    last = [await taken(places, "slow", f"s{leg}") for leg in range(8)][-1]
    assert last is not None
    assert await taken(places, "slow", "hurried", until=last.not_before) is None
    assert await taken(places, "wide", "past", until=monotonic_seconds() - 1) is None


async def test_a_leg_that_is_over_frees_its_channel_and_not_its_instant(places: TrunkPlaces) -> None:
    """A call that failed at once was a call nevertheless."""
    first = await taken(places, "both", "a")
    assert first is not None
    assert await taken(places, "both", "b") is None
    places.give_back("a")
    assert (await soon_taken(places, "both", "c")).not_before - first.not_after >= 1.0


async def test_who_stops_asking_keeps_no_place(places: TrunkPlaces) -> None:
    """Its task was canceled before there was an answer, or while it came."""
    for turns in range(4):
        asking = asyncio.create_task(places.take("both", CAPS["both"], f"gone{turns}", until=float("inf")))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        if not asking.cancelled():
            places.give_back(f"gone{turns}")  # it had its place already
    await soon_taken(places, "both", "a")
