"""Deliveries and results by HTTP: what is shown, what can be sent again, and that no tenant sees another's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp.test_utils import TestServer

from services.api.deliveries import DeliveryRoom
from services.api.results import ResultRoom
from services.api.server import application
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.delivery_desk import PostgresDeliveryDesk
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.result_feed import PostgresResultFeed
from shared.adapters.postgres.tenants import create_token
from shared.domain.circuit import TriesReport
from shared.domain.delivery_schedule import Delivered, Disabled, Failed, RetryAt
from shared.ports.delivering import Room, TenantOrigin, TryReport
from tests.integration.delivering.outbox import Outbox, claim, claimed

URL = "http://crm.example/results"
NO_ROOM = Room(posts=0, retries=0)


@pytest.fixture
def outbox(emptied_outbox: Outbox) -> Outbox:
    """A database that this module shares."""
    return emptied_outbox


@dataclass
class Customer:
    """A tenant with its token, in front of the API."""

    tenant_id: int
    session: aiohttp.ClientSession
    base: str

    async def get(self, path: str) -> tuple[int, Any]:
        """Return status and body."""
        async with self.session.get(self.base + path) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, **fields: str) -> tuple[int, Any]:
        """Post a form and return status and body."""
        async with self.session.post(self.base + path, data=fields) as answer:
            return answer.status, await answer.json()


@dataclass
class World:
    """The API on a database with deliveries, and two customers of it."""

    outbox: Outbox
    acme: Customer
    rival: Customer


@pytest.fixture
async def world(outbox: Outbox) -> AsyncIterator[World]:
    """Serve the delivery rooms as the API does."""
    database = await Database.connect(outbox.url, role="paceline_api", size=4)
    routes = (
        *DeliveryRoom(PostgresDeliveryDesk(database)).routes(),
        *ResultRoom(PostgresResultFeed(database)).routes(),
    )
    async with TestServer(application(PostgresCampaigns(database), routes)) as server:
        customers = [await _customer(outbox, name, str(server.make_url(""))) for name in ("acme", "rival")]
        yield World(outbox, *customers)
        for customer in customers:
            await customer.session.close()
    await database.close()


async def _customer(outbox: Outbox, name: str, base: str) -> Customer:
    token = await create_token(outbox.url, tenant=name, name="n", sealer=outbox.sealer)
    session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})
    tenant_id = await outbox.one("SELECT tenant_id FROM tenant WHERE name = $1", name)
    return Customer(tenant_id, session, base.rstrip("/"))


def report(status: int | None, error: str | None = None, answer: bytes = b"") -> TryReport:
    """What came of a try."""
    return TryReport(
        status=status, error=error, sent=True, resolve_ms=1, connect_ms=2, total_ms=3, answer=answer, retry_after=None,
    )  # fmt: skip


async def in_every_state(world: World) -> dict[str, int]:
    """Put one delivery of acme's into each state, by the deeds that lead there; returns call ids by state."""
    outbox, store = world.outbox, await world.outbox.store()
    ids = await outbox.put(world.acme.tenant_id, URL, 5)
    delivered, failed, retry, _, _ = sorted(await claimed(store), key=lambda each: each.number_id)
    await store.record(delivered, report(200), Delivered())
    await store.record(failed, report(500), Failed(reason="11 tries have failed."))
    await store.record(retry, report(None, "No answer came in time."), RetryAt(delay_seconds=300))
    states = dict(zip(("DELIVERED", "FAILED", "RETRY", "SENDING", "PARKED"), ids, strict=True))
    await outbox.sql(
        "UPDATE delivery SET state = 'PARKED', lease_until = NULL WHERE number_id = $1", states["PARKED"]
    )
    [states["QUEUED"]] = await outbox.put(world.acme.tenant_id, URL)
    return states


async def test_deliveries_are_listed_by_state_and_campaign_and_read_on(world: World) -> None:
    """Every filter alone and together; pages by call id leave nothing out and show nothing twice."""
    states = await in_every_state(world)
    for state, call_id in states.items():
        status, found = await world.acme.get(f"/api/deliveries?state={state.lower()}")
        assert (status, [each["call_id"] for each in found]) == (200, [call_id])
        assert found[0]["state"] == state
        assert (found[0]["next_try_at"] is not None) == (state in {"QUEUED", "RETRY"})
        assert (found[0]["delivered_at"] is not None) == (state == "DELIVERED")
    _, everything = await world.acme.get("/api/deliveries?state=&campaign_id=&after=&limit=")
    assert [each["call_id"] for each in everything] == sorted(states.values())
    campaign_id = next(each["campaign_id"] for each in everything if each["state"] == "FAILED")
    _, of_campaign = await world.acme.get(f"/api/deliveries?campaign_id={campaign_id}")
    assert len(of_campaign) == 5
    _, both = await world.acme.get(f"/api/deliveries?campaign_id={campaign_id}&state=QUEUED")
    assert both == []
    _, both = await world.acme.get(f"/api/deliveries?campaign_id={campaign_id}&state=DELIVERED")
    assert [each["call_id"] for each in both] == [states["DELIVERED"]]
    for narrowed in ("", f"&campaign_id={campaign_id}"):
        pages, after = [], 0
        while True:
            _, page = await world.acme.get(f"/api/deliveries?limit=2&after={after}{narrowed}")
            if not page:
                break
            pages += [each["call_id"] for each in page]
            after = pages[-1]
        assert pages == [
            each["call_id"] for each in everything if not narrowed or each["campaign_id"] == campaign_id
        ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("after=1e3", "after"),
        ("after=1234567890123456789", "after"),
        ("campaign_id=x", "campaign_id"),
        ("state=LOST", "state"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_by_name(world: World, query: str, field: str) -> None:
    """422 with the field and a sentence, never an empty list that looks like an answer."""
    status, refusal = await world.acme.get(f"/api/deliveries?{query}")
    assert status == 422
    assert list(refusal) == [field]


async def test_one_delivery_is_shown_with_its_log(world: World) -> None:
    """What it carries, and every try with its times, its error and what the receiver said."""
    [call_id] = await world.outbox.put(world.acme.tenant_id, URL)
    store = await world.outbox.store()
    for n, outcome in enumerate(
        (report(503, None, b"busy \xff\x00"), report(None, "No answer came in time."))
    ):
        [delivery] = await claimed(store)
        await store.record(delivery, outcome, RetryAt(delay_seconds=300 * n))
    status, shown = await world.acme.get(f"/api/deliveries/{call_id}")
    assert status == 200
    assert (shown["state"], shown["tries"], shown["webhook_id"]) == ("RETRY", 2, f"res_{call_id}")
    assert (shown["body"], shown["content_type"]) == (
        f"call_id={call_id}&result=completed",
        "application/x-www-form-urlencoded",
    )
    first, second = shown["log"]
    assert (first["try_no"], first["status"], first["error"]) == (1, 503, None)
    assert (first["resolve_ms"], first["connect_ms"], first["total_ms"]) == (1, 2, 3)
    assert first["answer"] == "busy \N{REPLACEMENT CHARACTER}\x00"
    assert (second["try_no"], second["status"], second["error"]) == (2, None, "No answer came in time.")


async def test_a_delivery_says_why_it_waits(world: World) -> None:
    """Left alone with its receiver, or parked because that wants no more: in words, with the time."""
    [call_id] = await world.outbox.put(world.acme.tenant_id, URL)
    store = await world.outbox.store()
    await store.claim(
        NO_ROOM, {TenantOrigin(world.acme.tenant_id, "http://crm.example:80"): TriesReport(failed=10)}
    )
    _, shown = await world.acme.get(f"/api/deliveries/{call_id}")
    assert shown["waits_because"].startswith("Most tries to its receiver fail: it is left alone until 2")
    await world.outbox.sql("DELETE FROM receiver_circuit")
    _, shown = await world.acme.get(f"/api/deliveries/{call_id}")
    assert shown["waits_because"] is None
    [delivery] = await claimed(store)
    await store.record(delivery, report(410), Disabled(reason="The receiver answered 410 Gone."))
    _, shown = await world.acme.get(f"/api/deliveries/{call_id}")
    assert shown["waits_because"].startswith("Its receiver is disabled since 2")


async def nothing_has_arrived_that_is_on_its_way(outbox: Outbox) -> bool:
    """Ask as `paceline check` does."""
    return not await outbox.sql(queries("invariants")["one_webhook_id_per_result"])


async def test_many_that_have_arrived_are_on_their_way_again(world: World) -> None:
    """A replay of a range takes back the moment of arrival of each, and so nothing alarms whoever checks."""
    campaign_id = await world.outbox.campaign(world.acme.tenant_id)
    await world.outbox.put(world.acme.tenant_id, URL, 5, campaign_id=campaign_id)
    store = await world.outbox.store()
    for held in await claimed(store):
        await store.record(held, report(200), Delivered())
    _, replayed = await world.acme.post(
        "/api/deliveries/replay", campaign_id=str(campaign_id), state="DELIVERED"
    )
    assert replayed["replayed"] == 5
    assert await nothing_has_arrived_that_is_on_its_way(world.outbox)


async def test_a_delivery_is_sent_again_with_the_same_id_and_bytes(world: World) -> None:
    """FAILED and DELIVERED are queued anew with a whole schedule before them; the log goes on counting."""
    states = await in_every_state(world)
    store = await world.outbox.store()
    for state in ("FAILED", "DELIVERED"):
        _, before = await world.acme.get(f"/api/deliveries/{states[state]}")
        assert await world.acme.post(f"/api/deliveries/{states[state]}/replay") == (
            200,
            {"status": "success", "replayed": 1},
        )
        assert await nothing_has_arrived_that_is_on_its_way(world.outbox)
        again = next(each for each in await claimed(store) if each.number_id == states[state])
        assert (again.tries, again.is_retry) == (0, True)
        assert (again.webhook.webhook_id, again.webhook.body.decode()) == (
            before["webhook_id"],
            before["body"],
        )
        await store.record(again, report(200), Delivered())
        _, after = await world.acme.get(f"/api/deliveries/{states[state]}")
        assert [line["try_no"] for line in after["log"]] == [1, 2]
        assert (after["state"], after["tries"]) == ("DELIVERED", 2)


@pytest.mark.parametrize("state", ["QUEUED", "SENDING", "RETRY"])
async def test_what_is_on_its_way_is_not_sent_twice(world: World, state: str) -> None:
    """409, with the state in the sentence."""
    states = await in_every_state(world)
    status, refusal = await world.acme.post(f"/api/deliveries/{states[state]}/replay")
    assert (status, refusal["error"]) == (409, f"The delivery is {state}: it is on its way already.")


async def test_many_are_counted_first_and_then_sent_again(world: World) -> None:
    """By campaign, by instants and by state; a dry run changes nothing and tells the number."""
    campaign_id = await world.outbox.campaign(world.acme.tenant_id)
    ids = await world.outbox.put(world.acme.tenant_id, URL, 10, campaign_id=campaign_id)
    await world.outbox.put(world.acme.tenant_id, URL, 3)
    await world.outbox.sql("UPDATE delivery SET state = 'FAILED', tries = 11")
    await world.outbox.sql(
        "UPDATE delivery SET created_at = timestamptz '2026-11-20 12:00Z' + (number_id - $2) * interval '1 min'"
        " WHERE number_id = ANY ($1)",
        ids,
        ids[0],
    )
    window = {"from": "2026-11-20T12:02:00Z", "to": "2026-11-20T13:05:00+01:00"}
    wanted = {"campaign_id": str(campaign_id), **window}
    dry = await world.acme.post("/api/deliveries/replay", **wanted, validate_only="1")
    assert dry == (200, {"status": "success", "replayed": 0, "would_replay": 3})
    assert set(await world.outbox.states()) == {"FAILED"}
    assert await world.acme.post("/api/deliveries/replay", **wanted) == (
        200,
        {"status": "success", "replayed": 3},
    )
    assert [
        call_id
        for call_id, state in zip(ids, await world.outbox.states(*ids), strict=True)
        if state == "QUEUED"
    ] == ids[2:5]
    _, rest = await world.acme.post("/api/deliveries/replay", campaign_id=str(campaign_id), state="failed")
    assert rest["replayed"] == 7
    assert await nothing_has_arrived_that_is_on_its_way(world.outbox)
    _, none = await world.acme.post("/api/deliveries/replay", campaign_id=str(campaign_id), state="DELIVERED")
    assert none["replayed"] == 0
    store = await world.outbox.store(per_origin=100)
    assert [each.number_id for each in await claimed(store)] == ids  # the oldest first


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "campaign_id"),
        ({"state": "FAILED"}, "campaign_id"),
        ({"campaign_id": "1", "state": "RETRY"}, "state"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-21"}, "from"),
        ({"from": "2026-11-21T08:00:00"}, "from"),
        ({"to": "2026-02-30T08:00:00Z"}, "to"),
        ({"to": "0001-01-01T00:00:00+23:59"}, "to"),
        ({"to": "9999-12-31T23:59:59-23:59"}, "to"),
        ({"campaign_id": "1", "validate_only": "perhaps"}, "validate_only"),
    ],
)
async def test_a_range_that_says_nothing_or_nonsense_is_refused(
    world: World, fields: dict[str, str], field: str
) -> None:
    """Nobody sends everything again by leaving a field out or misspelling a date."""
    status, refusal = await world.acme.post("/api/deliveries/replay", **fields)
    assert (status, list(refusal)) == (422, [field])


async def test_a_disabled_receiver_is_listed_and_enabled(world: World) -> None:
    """Its parked results are counted and queued; a replay before that is refused with the way out."""
    ids = await world.outbox.put(world.acme.tenant_id, URL, 20)
    store = await world.outbox.store(per_origin=1)
    [first] = await claimed(store)
    await store.record(first, report(410), Disabled(reason="The receiver answered 410 Gone."))
    _, receivers = await world.acme.get("/api/receivers/disabled")
    assert [(each["url"], each["reason"]) for each in receivers] == [(URL, "The receiver answered 410 Gone.")]
    status, refusal = await world.acme.post(f"/api/deliveries/{ids[3]}/replay")
    assert status == 409
    assert "POST /api/receivers/enable" in refusal["error"]
    _, parked = await world.acme.post(
        "/api/deliveries/replay", campaign_id=str(first.campaign_id), state="PARKED"
    )
    assert parked["replayed"] == 0
    assert await world.acme.post("/api/receivers/enable", url=URL) == (
        200,
        {"status": "success", "queued": 20},
    )
    assert set(await world.outbox.states()) == {"QUEUED"}
    assert await world.acme.get("/api/receivers/disabled") == (200, [])
    status, _ = await world.acme.post("/api/receivers/enable", url=URL)
    assert status == 404
    status, _ = await world.acme.post("/api/receivers/enable")
    assert status == 422


async def test_enabling_finds_what_is_being_parked_at_that_moment(world: World) -> None:
    """A 410 that is being recorded while somebody enables the receiver leaves nothing parked for ever."""
    await world.outbox.put(world.acme.tenant_id, URL, 40)
    store = await world.outbox.store(per_origin=4)
    for _ in range(5):
        held = await claimed(store)
        gone = Disabled(reason="gone")
        await store.record(held[0], report(410), gone)
        await asyncio.gather(
            *(store.record(each, report(410), gone) for each in held[1:]),
            world.acme.post("/api/receivers/enable", url=URL),
            claim(store),
        )
        await world.acme.post("/api/receivers/enable", url=URL)
        assert "PARKED" not in await world.outbox.states()
        await world.outbox.expire_leases()
        await claim(store, NO_ROOM)


async def test_another_tenants_deliveries_are_unknown(world: World) -> None:
    """Every room: nothing listed, 404 where an id or a URL is named, and nothing changed."""
    states = await in_every_state(world)
    store = await world.outbox.store()
    [gone] = [each for each in await claimed(store) if each.number_id == states["QUEUED"]]
    await store.record(gone, report(410), Disabled(reason="gone"))
    before = await world.outbox.sql("SELECT * FROM delivery ORDER BY number_id")
    [campaign] = {row["campaign_id"] for row in before if row["number_id"] == states["FAILED"]}
    assert await world.rival.get("/api/deliveries") == (200, [])
    assert await world.rival.get(f"/api/deliveries?campaign_id={campaign}&state=FAILED") == (200, [])
    assert await world.rival.get(f"/api/deliveries?campaign_id={campaign}") == (200, [])
    assert await world.rival.get("/api/receivers/disabled") == (200, [])
    assert await world.rival.get("/api/results") == (200, [])
    for call_id in (states["FAILED"], 10**17):
        unknown = {"status": "error", "error": f"There is no delivery with call_id {call_id}."}
        assert await world.rival.get(f"/api/deliveries/{call_id}") == (404, unknown)
        assert await world.rival.post(f"/api/deliveries/{call_id}/replay") == (404, unknown)
    _, replayed = await world.rival.post("/api/deliveries/replay", campaign_id=str(campaign))
    assert replayed["replayed"] == 0
    status, _ = await world.rival.post("/api/receivers/enable", url=URL)
    assert status == 404
    assert await world.outbox.sql("SELECT * FROM delivery ORDER BY number_id") == before
    for path in ("/api/deliveries/1e3", "/api/deliveries/-1", "/api/deliveries/%D9%A1"):
        assert (await world.acme.get(path))[0] == 404


async def test_without_a_token_there_is_nothing(world: World) -> None:
    """401 in every room."""
    async with aiohttp.ClientSession() as nobody:
        for path in ("/api/deliveries", "/api/deliveries/1", "/api/results", "/api/receivers/disabled"):
            async with nobody.get(world.acme.base + path) as answer:
                assert answer.status == 401


# The feed of results.


async def test_results_are_fetched_in_order_with_the_fields_of_the_webhook(world: World) -> None:
    """Page after page by place, whether there is a receiver or not."""
    ids = await world.outbox.put(world.acme.tenant_id, URL, 5)
    await world.outbox.put(world.rival.tenant_id, URL, 2)
    ids += await world.outbox.put(world.acme.tenant_id, URL, 2)
    await world.outbox.sql("DELETE FROM delivery WHERE number_id = ANY ($1)", ids[:3])
    fetched: list[dict[str, Any]] = []
    while True:
        after = fetched[-1]["place"] if fetched else ""
        status, page = await world.acme.get(f"/api/results?after={after}&limit=3")
        assert (status, len(page) <= 3) == (200, True)
        if not page:
            break
        fetched += page
    assert [each["call_id"] for each in fetched] == ids
    assert fetched[0] == {
        "place": fetched[0]["place"],
        "phone_number": "+12025550001",
        "message_reference": "ref 1",
        "call_id": ids[0],
        "result": "completed",
        "callee_type": "voice",
        "attempts": 1,
        "last_attempt_timestamp": None,
        "duration": 12,
        "campaign_id": fetched[0]["campaign_id"],
        "outcome": "Answered",
        "stage": 10,
    }


@asynccontextmanager
async def another_writer(outbox: Outbox) -> AsyncIterator[Outbox]:
    """Somebody else who ends numbers, in transactions of his own."""
    connection = await asyncpg.connect(outbox.url)
    try:
        yield Outbox(url=outbox.url, sealer=outbox.sealer, connection=connection)
    finally:
        await connection.close()


async def feed_of(customer: Customer, after: str = "") -> tuple[list[int], str]:
    """Return the call ids of what the feed has behind a place, and the last place."""
    _, page = await customer.get(f"/api/results?after={after}")
    return [each["call_id"] for each in page], page[-1]["place"] if page else after


async def test_a_result_that_commits_later_is_not_skipped(world: World) -> None:
    """While an older transaction is open, what was committed after it began is held back; then both come."""
    tenant_id = world.acme.tenant_id
    [before] = await world.outbox.put(tenant_id, URL)
    async with another_writer(world.outbox) as slow:
        async with slow.connection.transaction():
            [late] = await slow.put(tenant_id, URL)
            [after] = await world.outbox.put(tenant_id, URL)
            seen, place = await feed_of(world.acme)
            assert seen == [before]
        assert (await feed_of(world.acme, place))[0] == [late, after]


async def test_a_result_with_a_lower_number_that_commits_later_is_not_skipped(world: World) -> None:
    """Of two transactions the older takes the higher number and is shown; the younger one's result still comes."""
    tenant_id = world.acme.tenant_id
    async with another_writer(world.outbox) as older, another_writer(world.outbox) as younger:
        younger_turn = younger.connection.transaction()
        async with older.connection.transaction():
            await older.sql("SELECT pg_current_xact_id()")
            await younger_turn.start()
            [lower] = await younger.put(tenant_id, URL)
            [higher] = await older.put(tenant_id, URL)
        numbers = await younger.sql("SELECT number_id FROM result ORDER BY result_no")
        assert [row["number_id"] for row in numbers] == [lower, higher]
        seen, place = await feed_of(world.acme)
        assert seen == [higher]
        await younger_turn.commit()
        assert (await feed_of(world.acme, place))[0] == [lower]


async def test_a_reader_that_follows_misses_nothing_while_many_write(world: World) -> None:
    """Twenty writers that commit in any order, one reader that only ever reads on: every result once."""
    tenant_id, campaign_id = world.acme.tenant_id, await world.outbox.campaign(world.acme.tenant_id)
    all_written = asyncio.Event()
    seen: list[int] = []

    async def write(nth: int) -> None:
        async with another_writer(world.outbox) as one:
            for turn in range(5):
                async with one.connection.transaction():
                    await one.sql("SELECT pg_current_xact_id()")
                    await asyncio.sleep((nth * 3 + turn * 7) % 5 / 200)
                    await one.put(tenant_id, URL, 2, campaign_id=campaign_id)
                    await asyncio.sleep((nth * 7 + turn * 3) % 5 / 200)

    async def read() -> None:
        place = ""
        while True:
            was_over = all_written.is_set()
            page, place = await feed_of(world.acme, place)
            seen.extend(page)
            if was_over and not page:
                return

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(nth) for nth in range(20)))
    all_written.set()
    await reader
    written = await world.outbox.sql("SELECT number_id FROM result")
    assert sorted(seen) == sorted(row["number_id"] for row in written)
    assert len(set(seen)) == 200


@pytest.mark.parametrize(
    "after", ["-1", "1", "1-", "1-2-3", "1.2", "1e3-1", "1234567890123456789-1", "%D9%A1-1"]
)
async def test_a_place_that_was_never_given_is_refused(world: World, after: str) -> None:
    """A number, a date or a half of a place is not taken for the beginning."""
    assert (await world.acme.get(f"/api/results?after={after}"))[0] == 422
