"""Places on trunks on a real Postgres: dialers overshoot no trunk's caps, and nothing that died keeps a place."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.trunk_places import PostgresTrunkPlaces
from shared.clock import monotonic_seconds
from shared.domain.trunk_places import TrunkCaps, TrunkFull
from shared.ports.trunk_places import Place

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What a dialer believes does not matter: what is stored counts.
CAPPED = TrunkCaps(channels=1_000_000)
PATIENT_SECONDS = 600.0
#: What a trunk of so many calls a second has that many instants in, at the least.
WINDOW_SECONDS = 1.04

Dialer = Callable[[], Awaitable[PostgresTrunkPlaces]]


@pytest_asyncio.fixture(loop_scope="module")
async def dialer(store: "Store") -> AsyncIterator[Dialer]:
    """Open the places of one more dialer, with connections of its own."""
    async with AsyncExitStack() as stack:

        async def opened() -> PostgresTrunkPlaces:
            database = await Database.connect(store.url, role="paceline_dialer", size=2)
            stack.push_async_callback(database.close)
            places = PostgresTrunkPlaces(database)
            stack.push_async_callback(places.close)
            return places

        yield opened


async def trunk(
    store: "Store", name: str, *, channels: int | None = None, calls_per_second: int | None = None
) -> None:
    """Keep a trunk."""
    await store.sql(
        "INSERT INTO trunk (name, host, channels, calls_per_second) VALUES ($1, '192.0.2.1', $2, $3)",
        name, channels, calls_per_second,
    )  # fmt: skip


async def taken(
    places: PostgresTrunkPlaces, trunk: str, leg: str, *, patience: float = PATIENT_SECONDS
) -> Place | None:
    """Ask for a place; None where there is none.

    A count that a busy machine leaves alone for two seconds is ended by Postgres, and is asked for once more.
    """
    while True:
        try:
            return await places.take(trunk, CAPPED, leg, until=monotonic_seconds() + patience)
        except TrunkFull as full:
            if "Postgres is away" not in full.message:
                return None


async def all_taken(
    dialers: Sequence[PostgresTrunkPlaces], legs_by_trunk: dict[str, int]
) -> dict[str, list[Place]]:
    """Let every dialer ask for so many places on each trunk at the same moment; returns those that were given."""
    wanted = [
        (name, place, f"{name}-{dialer}-{leg}")
        for dialer, place in enumerate(dialers)
        for name, legs in legs_by_trunk.items()
        for leg in range(legs)
    ]
    answers = await asyncio.gather(*(taken(place, name, leg) for name, place, leg in wanted))
    return {
        name: [
            answer for (asked, *_), answer in zip(wanted, answers, strict=True) if answer and asked == name
        ]
        for name in legs_by_trunk
    }


async def in_use(store: "Store", trunk: str = "a") -> int:
    """Return how many legs have a channel."""
    legs: int = await store.one("SELECT count(*) FROM trunk_place WHERE trunk = $1 AND NOT over", trunk)
    return legs


async def settled(places: PostgresTrunkPlaces) -> None:
    """Wait until all that was given back is."""
    await places.close()


async def test_dialers_side_by_side_overshoot_no_trunk_s_channels(store: "Store", dialer: Dialer) -> None:
    """Four ask at the same moment for two trunks; each trunk is filled to its own cap, whatever the other leaves."""
    await trunk(store, "a", channels=7)
    await trunk(store, "b", channels=50)
    dialers = [await dialer() for _ in range(4)]
    given = await all_taken(dialers, {"a": 5, "b": 10})
    assert (len(given["a"]), len(given["b"])) == (7, 40)
    assert (await in_use(store, "a"), await in_use(store, "b")) == (7, 40)
    assert await taken(dialers[0], "a", "one-more") is None


async def test_dialers_side_by_side_overshoot_no_trunk_s_rate(store: "Store", dialer: Dialer) -> None:
    """Four ask for forty at once: all get an instant, and no second holds more than the rate, wherever it starts.

    What is judged is the span in which each leg may be sent by the dialer that has it.
    """
    await trunk(store, "a", calls_per_second=6)
    dialers = [await dialer() for _ in range(4)]
    given = await all_taken(dialers, {"a": 10})
    places = sorted(given["a"], key=lambda place: place.not_before)
    assert len(places) == 40
    for first, seventh in zip(places, places[6:], strict=False):
        assert seventh.not_before - first.not_after >= 1.0
    instants = [
        row["at"]
        for row in await store.sql(
            "SELECT extract(epoch FROM sends_at)::float8 AS at FROM trunk_place ORDER BY sends_at"
        )
    ]
    assert min(later - early for early, later in zip(instants, instants[6:], strict=False)) >= WINDOW_SECONDS


async def test_a_rate_without_time_to_wait_refuses(store: "Store", dialer: Dialer) -> None:
    """The caller can then try the next trunk, or give the number back: it costs no try."""
    await trunk(store, "a", calls_per_second=1)
    places = await dialer()
    assert await taken(places, "a", "first") is not None
    # The first's instant is the latest word of Postgres' clock: half a second of patience ends before its second does.
    await store.sql("UPDATE trunk_place SET sends_at = clock_timestamp() + interval '1 h'")
    with pytest.raises(TrunkFull, match="takes 1 calls a second"):
        await places.take("a", CAPPED, "second", until=monotonic_seconds() + 60)


async def test_a_leg_that_is_over_frees_its_channel_and_not_its_instant(
    store: "Store", dialer: Dialer
) -> None:
    """A call that failed at once was a call nevertheless."""
    await trunk(store, "a", channels=1, calls_per_second=1)
    places = await dialer()
    first = await taken(places, "a", "first")
    assert first is not None
    assert await taken(places, "a", "second") is None
    places.give_back("first")
    places.give_back("second")
    second = await taken(places, "a", "third")
    assert second is not None
    assert second.not_before - first.not_after >= 1.0


async def test_a_second_leg_needs_a_place_too(store: "Store", dialer: Dialer) -> None:
    """Whichever dialer the transfer is on."""
    await trunk(store, "a", channels=3)
    first, second = await dialer(), await dialer()
    assert await taken(first, "a", "call1") is not None
    assert await taken(second, "a", "call2") is not None
    assert await taken(first, "a", "call1.t1") is not None
    assert await taken(second, "a", "call2.t1") is None
    rows = await store.sql("SELECT fence FROM trunk_place WHERE is_second")
    assert [row["fence"] for row in rows] == ["call1"]


async def test_a_killed_dialer_s_channels_come_back(store: "Store", dialer: Dialer) -> None:
    """Not while its calls may still be up at the carrier: with the end of their quarantine, and its transfers' too."""
    await trunk(store, "a", channels=2)
    leased = await store.dialing()
    fence = await store.one("SELECT fence FROM attempt")
    killed, other = await dialer(), await dialer()
    assert await taken(killed, "a", fence) is not None
    assert await taken(killed, "a", f"{fence}.t1") is not None
    await store.sql("UPDATE trunk_place SET sends_at = sends_at - interval '1 minute'")
    await store.reaping.keep_house()
    await store.expire_leases()
    assert await store.reaping.quarantine_lost_calls(60, 10) == 1
    await store.reaping.keep_house()
    assert await taken(other, "a", "another") is None
    await store.end(leased)  # or the reaper, when the quarantine is over
    await store.reaping.keep_house()
    assert await in_use(store) == 0
    assert await taken(other, "a", "another") is not None


async def test_a_place_that_nobody_uses_is_freed_when_its_instant_has_served(
    store: "Store", dialer: Dialer
) -> None:
    """A leg without an attempt, or one that is over: two seconds after its instant, and not before."""
    await trunk(store, "a", channels=5)
    places = await dialer()
    for leg in ("fresh", "old", "over"):
        assert await taken(places, "a", leg) is not None
    await store.sql(
        "UPDATE trunk_place SET over = leg = 'over',"
        " sends_at = sends_at + CASE leg WHEN 'fresh' THEN interval '1 h' ELSE interval '-1 h' END"
    )
    await store.reaping.keep_house()
    assert [row["leg"] for row in await store.sql("SELECT leg FROM trunk_place")] == ["fresh"]


async def test_the_reaper_waits_for_no_dialer(store: "Store", dialer: Dialer) -> None:
    """A place that its dialer is giving back this moment is passed by, and the others are freed."""
    await trunk(store, "a", channels=5)
    places = await dialer()
    for leg in ("one", "two"):
        assert await taken(places, "a", leg) is not None
    await store.sql("UPDATE trunk_place SET sends_at = sends_at - interval '1 h'")
    async with store.session("paceline_dialer") as session, session.transaction():
        await session.execute("UPDATE trunk_place SET over = true WHERE leg = 'one'")
        await store.reaping.keep_house()
        assert [row["leg"] for row in await store.sql("SELECT leg FROM trunk_place")] == ["one"]


@pytest.mark.parametrize("change", ["DELETE FROM trunk", "UPDATE trunk SET disabled_at = clock_timestamp()"])
async def test_a_trunk_that_was_taken_away_has_no_places(store: "Store", dialer: Dialer, change: str) -> None:
    """At once, although the dialer has yet to hear of it; who is on it keeps its place."""
    await trunk(store, "a", channels=5)
    places = await dialer()
    assert await taken(places, "a", "first") is not None
    await store.sql(change)
    with pytest.raises(TrunkFull, match="not in use"):
        await places.take("a", CAPPED, "second", until=monotonic_seconds() + PATIENT_SECONDS)
    assert await in_use(store) == 1


async def test_without_postgres_there_are_no_places(store: "Store") -> None:
    """Nobody can tell, and that is said in words."""
    await trunk(store, "a", channels=5)
    database = await Database.connect(store.url, role="paceline_dialer", size=1)
    places = PostgresTrunkPlaces(database)
    await database.close()
    with pytest.raises(TrunkFull, match="Postgres is away"):
        await places.take("a", CAPPED, "first", until=monotonic_seconds() + PATIENT_SECONDS)
    await places.close()


@asynccontextmanager
async def counted_by_another(store: "Store", trunk: str) -> AsyncIterator[None]:
    """Hold a trunk as a dialer does that is frozen while it counts."""
    async with store.session() as session, session.transaction():
        await session.execute("SELECT pg_advisory_xact_lock(701522300, hashtext($1))", trunk)
        yield


async def test_nobody_waits_for_a_place_beyond_its_time(store: "Store", dialer: Dialer) -> None:
    """And a place that comes after that is given back; other trunks are not held up."""
    await trunk(store, "a", channels=5)
    await trunk(store, "b", channels=5)
    places, other = await dialer(), await dialer()
    async with counted_by_another(store, "a"):
        with pytest.raises(TrunkFull, match="in time"):
            await places.take("a", CAPPED, "first", until=monotonic_seconds() + 0.05)
        assert await taken(other, "b", "second") is not None
    assert await taken(places, "a", "third") is not None
    await settled(places)
    rows = await store.sql("SELECT leg FROM trunk_place WHERE NOT over ORDER BY leg")
    assert [row["leg"] for row in rows] == ["second", "third"]


async def test_a_dialer_that_freezes_while_it_counts_is_not_waited_for_long(store: "Store") -> None:
    """Postgres ends its transaction as soon as it would a frozen pacer's."""
    async with store.session("paceline_dialer") as session, session.transaction():
        await session.execute(queries("trunk_places")["count_alone"], 1, ["a", "b"])
        assert await session.fetchval("SHOW idle_in_transaction_session_timeout") == "2s"


async def test_many_legs_are_counted_in_few_transactions(store: "Store", dialer: Dialer) -> None:
    """What is wanted while one is under way waits for the next, which takes it all."""
    await trunk(store, "a", channels=1000)
    places = await dialer()
    given = await all_taken([places], {"a": 300})
    assert len(given["a"]) == 300
    assert await store.one("SELECT count(DISTINCT xmin::text) FROM trunk_place") <= 3
