"""Which deliveries a deliverer gets: a few per receiver, first tries before retries, nothing for one that is down."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from shared.adapters.postgres.queries import queries
from shared.adapters.sealing.sealer import Sealer
from shared.domain.circuit import CircuitState, TriesReport
from shared.domain.delivery_schedule import Delivered, Disabled, Failed, RetryAt
from shared.ports.delivering import ClaimedDelivery, Room, TryReport
from tests.integration.delivering.outbox import PLENTY, SECRET, Outbox, claim, claimed

SLOW, WELL = "http://slow/results", "http://well/results"
ANSWERED = TryReport(
    status=200, error=None, sent=True, resolve_ms=3, connect_ms=5, total_ms=12, answer=b"thanks", retry_after=None,
)  # fmt: skip
DOWN = TriesReport(failed=10)


@pytest.fixture
def outbox(emptied_outbox: Outbox) -> Outbox:
    """A database that this module shares."""
    return emptied_outbox


def by_origin(deliveries: Sequence[ClaimedDelivery]) -> dict[str, int]:
    """Count deliveries by the host of their receiver."""
    return dict(
        Counter(delivery.origin.removeprefix("http://").removesuffix(":80") for delivery in deliveries)
    )


async def test_a_claim_has_all_that_a_try_needs(outbox: Outbox) -> None:
    """The bytes, where they go, the keys to sign them with, and Postgres' time."""
    old = SECRET.replace("AAEC", "BBEC")
    tenant_id = await outbox.tenant(SECRET, old)
    [call_id] = await outbox.put(tenant_id, WELL)
    [delivery] = await claimed(await outbox.store())
    assert (delivery.tenant_id, delivery.number_id, delivery.tries, delivery.epoch) == (
        tenant_id,
        call_id,
        0,
        1,
    )
    assert (delivery.is_retry, delivery.is_probe, delivery.origin) == (False, False, "http://well:80")
    assert delivery.webhook.body == f"call_id={call_id}&result=completed".encode()
    assert (delivery.webhook.webhook_id, delivery.webhook.url) == (f"res_{call_id}", WELL)
    assert delivery.webhook.keys == (SECRET, old)
    assert abs(delivery.claimed_at - datetime.now(UTC)) < timedelta(minutes=1)  # noqa: TID251 - a sign of life


async def test_each_receiver_has_its_cap_over_all_deliverers(outbox: Outbox) -> None:
    """Twelve deliverers that claim at the same moment get eight of one receiver together, and one of another."""
    tenant_id = await outbox.tenant()
    await outbox.put(tenant_id, SLOW, 100)
    await outbox.put(tenant_id, WELL, 1)
    stores = [await outbox.store() for _ in range(12)]
    claims = await asyncio.gather(*(claimed(store) for store in stores))
    assert by_origin([delivery for each in claims for delivery in each]) == {"slow": 8, "well": 1}
    assert await claimed(stores[0]) == []


@pytest.mark.parametrize(
    ("cap", "retries_taken", "first_taken"),
    [(8, 3, 5), (10, 3, 7), (2, 1, 1), (1, 0, 1)],
)
async def test_retries_have_their_share_while_first_tries_are_due(
    outbox: Outbox, cap: int, retries_taken: int, first_taken: int
) -> None:
    """Of an origin's cap retries get 30 % rounded up; what ends is replaced by its own kind."""
    tenant_id = await outbox.tenant()
    await outbox.put(tenant_id, WELL, 20)
    await outbox.sql("UPDATE delivery SET state = 'RETRY', tries = 1")
    await outbox.put(tenant_id, WELL, 20)
    store = await outbox.store(per_origin=cap)
    taken = await claimed(store)
    assert sum(delivery.is_retry for delivery in taken) == retries_taken
    assert sum(not delivery.is_retry for delivery in taken) == first_taken
    for kind in (True, False):
        ended = next((delivery for delivery in taken if delivery.is_retry is kind), None)
        if ended is not None:
            assert await store.record(ended, ANSWERED, Delivered())
            assert [delivery.is_retry for delivery in await claimed(store)] == [kind]


async def test_retries_have_the_whole_cap_when_no_first_try_is_due(outbox: Outbox) -> None:
    """A backlog of retries is worked off as fast as the receiver is allowed to be asked."""
    await outbox.put(await outbox.tenant(), WELL, 20)
    await outbox.sql("UPDATE delivery SET state = 'RETRY', tries = 1")
    assert len(await claimed(await outbox.store())) == 8


async def test_retries_leave_a_deliverers_other_room_alone(outbox: Outbox) -> None:
    """With room for ten posts, of which two may be retries, two retries are taken however many are due."""
    tenant_id = await outbox.tenant()
    for host in range(5):
        await outbox.put(tenant_id, f"http://retries{host}/", 8)
    await outbox.sql("UPDATE delivery SET state = 'RETRY', tries = 1")
    await outbox.put(tenant_id, WELL, 5)
    taken = await claimed(await outbox.store(), Room(posts=10, retries=2))
    assert Counter(delivery.is_retry for delivery in taken) == {True: 2, False: 5}


async def test_no_origin_is_served_before_another_for_its_name(outbox: Outbox) -> None:
    """With room for three posts at a time, twelve receivers with endless backlogs all get their turn."""
    tenant_id = await outbox.tenant()
    for host in range(12):
        await outbox.put(tenant_id, f"http://host{host}/", 30)
    store = await outbox.store(per_origin=2)
    turns: Counter[str] = Counter()
    for _ in range(8):
        taken = await claimed(store, Room(posts=3, retries=3))
        assert len(taken) == 3
        turns.update(delivery.origin for delivery in taken)
        for delivery in taken:
            await store.record(delivery, ANSWERED, Delivered())
    assert len(turns) == 12
    assert max(turns.values()) <= 4  # twice round, at most the cap each time


async def test_a_claim_goes_on_where_the_last_one_ended_even_if_there_was_nothing(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Receivers whose retries are not due yet, more of them than one claim looks at, hide nobody behind them."""
    monkeypatch.setattr("shared.adapters.postgres.deliveries.ORIGINS_PER_CLAIM", 4)
    monkeypatch.setattr("shared.adapters.postgres.deliveries.ORIGINS_PER_TENANT", 2)
    tenant_id = await outbox.tenant()
    for host in range(10):
        await outbox.put(tenant_id, f"http://a{host}/")
    await outbox.put(tenant_id, "http://z/")
    await outbox.sql("UPDATE delivery SET state = 'RETRY', tries = 1")
    await outbox.sql(
        "UPDATE delivery SET next_at = clock_timestamp() + interval '1 h' WHERE url <> 'http://z/'"
    )
    store = await outbox.store()
    found = [by_origin(await claimed(store)) for _ in range(4)]
    assert found.count({"z": 1}) == 1


@pytest.mark.parametrize(
    ("lane", "backlog"),
    [("first tries", 100_000), ("retries that are due", 20_000), ("retries of tomorrow", 20_000)],
)
async def test_a_claim_reads_as_little_for_a_backlog_as_for_one(
    new_outbox: Outbox, lane: str, backlog: int
) -> None:
    """With a backlog to a slow receiver that is at its cap and one delivery to another, a claim touches a few pages."""
    outbox = new_outbox
    tenant_id = await outbox.tenant()
    await outbox.put(tenant_id, SLOW, backlog)
    if lane != "first tries":
        # A new table has no dead rows: what the update would leave behind is vacuumed away sooner or later.
        await outbox.sql("UPDATE delivery SET state = 'RETRY', tries = 1")
        if lane == "retries of tomorrow":
            await outbox.sql("UPDATE delivery SET next_at = clock_timestamp() + interval '1 day'")
        await outbox.sql("VACUUM delivery")
    await outbox.put(tenant_id, WELL)
    await outbox.sql("ANALYZE delivery")
    store = await outbox.store()
    taken = by_origin(await claimed(store))
    assert taken == ({"well": 1} if lane == "retries of tomorrow" else {"slow": 8, "well": 1})
    await outbox.put(tenant_id, WELL)
    assert await _pages_of_a_claim(outbox) < 150  # a whole look would take 20 for each 1,000


async def _pages_of_a_claim(outbox: Outbox) -> int:
    """Count the pages that both halves of a claim touch, with the plan that a busy deliverer has come to."""
    sql = queries("delivering")
    connection = await asyncpg.connect(
        outbox.url, server_settings={"role": "paceline_deliverer", "jit": "off"}
    )
    pages = 0
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"BEGIN; {sql['one_claim_at_a_time']}")
        await connection.execute(f"PREPARE claim AS {sql['claim_deliveries']}")
        for retries in ("true", "false"):
            plan = await connection.fetchval(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
                f" EXECUTE claim({retries}, 256, 8, 3, 35, 0, 256, 16, 64, 20, '{{}}', '{{}}')"
            )
            top = json.loads(plan)[0]["Plan"]
            pages += top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    finally:
        await connection.close()
    return pages


async def test_what_a_silent_deliverer_held_is_due_again_and_the_lost_try_is_logged(outbox: Outbox) -> None:
    """After the lease the delivery goes out anew, its former holder's report is refused, and the log says why."""
    [call_id] = await outbox.put(await outbox.tenant(), WELL)
    silent, other = await outbox.store(), await outbox.store()
    [lost] = await claimed(silent)
    assert await claimed(other) == []
    await outbox.expire_leases()
    [again] = await claimed(other)
    assert (again.epoch, again.tries, again.is_retry) == (lost.epoch + 1, 1, True)
    assert again.webhook == lost.webhook
    assert not await silent.record(lost, ANSWERED, Delivered())
    assert await other.record(again, ANSWERED, Delivered())
    first, second = await outbox.log(call_id)
    assert (first["try_no"], first["status"], first["total_ms"]) == (1, None, None)
    assert "nobody knows whether the result arrived" in first["error"]
    assert (second["try_no"], second["status"]) == (2, 200)


async def test_the_log_of_a_try_is_complete(outbox: Outbox) -> None:
    """Status, error, the three times and the beginning of the answer are kept."""
    [call_id] = await outbox.put(await outbox.tenant(), WELL)
    store = await outbox.store()
    [delivery] = await claimed(store)
    report = TryReport(
        status=500, error="The answer broke off.", sent=True, resolve_ms=3, connect_ms=5, total_ms=12,
        answer=b"\x00sorry\xff" * 250, retry_after=None,
    )  # fmt: skip
    assert await store.record(delivery, report, RetryAt(delay_seconds=300))
    [line] = await outbox.log(call_id)
    assert (line["status"], line["error"]) == (500, "The answer broke off.")
    assert (line["resolve_ms"], line["connect_ms"], line["total_ms"]) == (3, 5, 12)
    assert line["answer"] == report.answer
    [row] = await outbox.sql("SELECT next_at - clock_timestamp() AS wait, state::text FROM delivery")
    assert row["state"] == "RETRY"
    assert timedelta(seconds=290) < row["wait"] <= timedelta(seconds=300)


async def test_a_delivery_that_has_failed_is_kept(outbox: Outbox) -> None:
    """FAILED is a place to stay: with its body, and out of every claim."""
    [call_id] = await outbox.put(await outbox.tenant(), WELL)
    store = await outbox.store()
    [delivery] = await claimed(store)
    assert await store.record(delivery, ANSWERED, Failed(reason="11 tries have failed."))
    assert await outbox.states(call_id) == ["FAILED"]
    assert await claimed(store) == []


async def test_a_tenant_whose_key_does_not_open_stops_nobody(outbox: Outbox) -> None:
    """Its deliveries are claimed without keys, for the sender to refuse; those of others have theirs."""
    broken, sound = await outbox.tenant(), await outbox.tenant()
    stranger = Sealer([b"A" * 43 + b"="])
    await outbox.sql(
        "UPDATE tenant SET webhook_keys = $2 WHERE tenant_id = $1", broken, [stranger.seal(b"whsec_")]
    )
    await outbox.put(broken, SLOW)
    await outbox.put(sound, WELL)
    keys = {delivery.tenant_id: delivery.webhook.keys for delivery in await claimed(await outbox.store())}
    assert keys == {broken: (), sound: (SECRET,)}


# Circuits.


async def test_an_origin_that_fails_is_left_alone_and_all_deliverers_know(outbox: Outbox) -> None:
    """Ten failures open its circuit: nobody claims for it, the turn is told once, and its results lose no try."""
    tenant_id = await outbox.tenant()
    await outbox.put(tenant_id, SLOW, 5)
    await outbox.put(tenant_id, WELL, 1)
    one, other = await outbox.store(), await outbox.store()
    told = await claim(one, slow=DOWN)
    assert [(turn.goes_to.origin, turn.circuit.state) for turn in told.turns] == [
        ("http://slow:80", CircuitState.OPEN)
    ]
    assert by_origin(told.deliveries) == {"well": 1}
    again = await claim(other, slow=DOWN)
    assert (again.deliveries, again.turns) == ([], [])
    assert await outbox.one("SELECT sum(tries) FROM delivery WHERE url = $1", SLOW) == 0


async def test_tries_of_all_deliverers_add_up(outbox: Outbox) -> None:
    """Five failures here and five there are ten."""
    await outbox.tenant()
    stores = [await outbox.store() for _ in range(5)]
    await asyncio.gather(*(claim(store, slow=TriesReport(failed=2)) for store in stores))
    assert await outbox.one("SELECT failures FROM receiver_circuit WHERE state = 'OPEN'") == 10


async def test_a_good_receiver_has_no_row(outbox: Outbox) -> None:
    """Successes alone write nothing; after failures, a window of successes takes the row away."""
    await outbox.tenant()
    store = await outbox.store()
    await claim(store, well=TriesReport(answered=50))
    assert await outbox.one("SELECT count(*) FROM receiver_circuit") == 0
    await claim(store, well=TriesReport(answered=5, failed=1))
    assert await outbox.one("SELECT samples FROM receiver_circuit") == 6
    await outbox.sql("UPDATE receiver_circuit SET window_began_at = window_began_at - interval '2 min'")
    await claim(store, well=TriesReport(answered=1))
    assert await outbox.one("SELECT count(*) FROM receiver_circuit") == 0


async def test_when_the_pause_is_over_one_probe_goes_out(outbox: Outbox) -> None:
    """One of many, to one of many deliverers; no second while nobody knows what became of it."""
    await outbox.put(await outbox.tenant(), SLOW, 20)
    stores = [await outbox.store() for _ in range(4)]
    await claim(stores[0], slow=DOWN)
    assert await outbox.states() == ["QUEUED"] * 20
    await outbox.sql("UPDATE receiver_circuit SET shut_until = clock_timestamp()")
    claims = await asyncio.gather(*(claimed(store) for store in stores))
    [probe] = [delivery for each in claims for delivery in each]
    assert probe.is_probe
    assert [await claimed(store) for store in stores] == [[], [], [], []]
    [row] = await outbox.sql("SELECT state, shut_until - clock_timestamp() AS pause FROM receiver_circuit")
    assert row["state"] == "PROBING"
    assert timedelta(seconds=30) < row["pause"] <= timedelta(seconds=35)  # the lease


async def test_a_probe_that_was_lost_is_followed_by_another(outbox: Outbox) -> None:
    """A deliverer that dies with the probe does not shut the receiver for good."""
    await outbox.put(await outbox.tenant(), SLOW, 20)
    store = await outbox.store()
    await claim(store, slow=DOWN)
    for _ in range(2):
        await outbox.sql("UPDATE receiver_circuit SET shut_until = clock_timestamp()")
        assert [delivery.is_probe for delivery in await claimed(store)] == [True]


async def test_an_answered_probe_opens_the_way_and_is_told_once(outbox: Outbox) -> None:
    """The circuit closes, nothing of it remains, and the whole cap is there again."""
    await outbox.put(await outbox.tenant(), SLOW, 20)
    store = await outbox.store()
    await claim(store, slow=DOWN)
    await outbox.sql("UPDATE receiver_circuit SET shut_until = clock_timestamp()")
    [probe] = await claimed(store)
    assert await store.record(probe, ANSWERED, Delivered())
    back = await claim(store, slow=TriesReport(answered=1, probe_answered=True))
    assert [turn.circuit.state for turn in back.turns] == [CircuitState.CLOSED]
    assert len(back.deliveries) == 8
    assert await outbox.one("SELECT count(*) FROM receiver_circuit") == 0


async def test_a_failed_probe_doubles_the_pause_and_is_not_told_again(outbox: Outbox) -> None:
    """The receiver is left alone for a minute."""
    await outbox.put(await outbox.tenant(), SLOW, 20)
    store = await outbox.store()
    await claim(store, slow=DOWN)
    await outbox.sql("UPDATE receiver_circuit SET shut_until = clock_timestamp()")
    [_probe] = await claimed(store)
    shut = await claim(store, slow=TriesReport(failed=1, probe_answered=False))
    assert (shut.deliveries, shut.turns) == ([], [])
    [row] = await outbox.sql("SELECT state, shut_until - clock_timestamp() AS pause FROM receiver_circuit")
    assert row["state"] == "OPEN"
    assert timedelta(seconds=55) < row["pause"] <= timedelta(seconds=60)


async def test_one_tenants_failures_leave_anothers_results_to_the_same_origin_alone(outbox: Outbox) -> None:
    """The circuit that opens is the tenant's: its results wait, its neighbour's go out. Each has a cap of its own."""
    tenant_id, neighbour = await outbox.tenant(), await outbox.tenant()
    await outbox.put(tenant_id, f"{SLOW}/wrong", 20)
    await outbox.put(neighbour, SLOW, 20)
    store = await outbox.store()
    told = await claim(store, slow=DOWN)
    assert [turn.goes_to.tenant_id for turn in told.turns] == [tenant_id]
    assert {delivery.tenant_id for delivery in told.deliveries} == {neighbour}
    assert len(told.deliveries) == 8
    await outbox.sql("DELETE FROM receiver_circuit")
    assert [delivery.tenant_id for delivery in await claimed(store)] == [tenant_id] * 8


# Tenants.


async def test_a_tenant_has_its_cap_over_all_deliverers_and_leaves_the_rest(outbox: Outbox) -> None:
    """A hundred receivers of one tenant get twenty posts together; another tenant's one result goes out beside them."""
    tenant_id, neighbour = await outbox.tenant(), await outbox.tenant()
    for host in range(100):
        await outbox.put(tenant_id, f"http://slow{host}/", 2)
    await outbox.put(neighbour, WELL)
    stores = [await outbox.store(per_tenant=20) for _ in range(4)]
    claims = await asyncio.gather(*(claimed(store, Room(posts=50, retries=10)) for store in stores))
    taken = Counter(delivery.tenant_id for each in claims for delivery in each)
    assert taken == {tenant_id: 20, neighbour: 1}
    [ended] = [delivery for each in claims for delivery in each if delivery.tenant_id == neighbour]
    assert await stores[0].record(ended, ANSWERED, Delivered())
    assert await claimed(stores[0]) == []


async def test_a_tenants_retries_leave_its_first_tries_their_part(outbox: Outbox) -> None:
    """Of the tenant's cap, too, retries get 30 % while first tries are due, and all of it otherwise."""
    tenant_id = await outbox.tenant()
    for host in range(30):
        await outbox.put(tenant_id, f"http://retries{host}/")
    await outbox.sql("UPDATE delivery SET state = 'RETRY', tries = 1")
    only_retries = await claimed(await outbox.store(per_tenant=10))
    assert len(only_retries) == 10
    await outbox.sql("UPDATE delivery SET state = 'RETRY', lease_until = NULL")
    for host in range(30):
        await outbox.put(tenant_id, f"http://first{host}/")
    taken = await claimed(await outbox.store(per_tenant=10))
    assert Counter(delivery.is_retry for delivery in taken) == {True: 3, False: 7}


async def test_thousands_of_receivers_of_one_tenant_hide_no_other_tenant(new_outbox: Outbox) -> None:
    """Two thousand origins of one tenant, none of them due, are not walked through before the next tenant's turn."""
    outbox = new_outbox
    tenant_id, neighbour = await outbox.tenant(), await outbox.tenant()
    await outbox.put(tenant_id, SLOW, 2_000)
    await outbox.sql(
        "UPDATE delivery SET state = 'RETRY', tries = 1, origin = 'http://slow' || number_id || ':80',"
        " next_at = clock_timestamp() + interval '1 h'"
    )
    await outbox.put(neighbour, WELL)
    await outbox.sql("UPDATE delivery SET state = 'RETRY', tries = 1 WHERE tenant_id = $1", neighbour)
    await outbox.sql("ANALYZE delivery")
    assert by_origin(await claimed(await outbox.store())) == {"well": 1}


async def test_all_receivers_of_a_tenant_get_their_turn(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more origins than one claim looks at for a tenant, the next claims go on where the last one ended."""
    monkeypatch.setattr("shared.adapters.postgres.deliveries.ORIGINS_PER_CLAIM", 4)
    monkeypatch.setattr("shared.adapters.postgres.deliveries.ORIGINS_PER_TENANT", 2)
    tenants = [await outbox.tenant() for _ in range(3)]
    for tenant_id in tenants:
        for host in range(7):
            await outbox.put(tenant_id, f"http://host{host}/")
    store = await outbox.store()
    taken = [delivery for _ in range(14) for delivery in await claimed(store)]
    assert Counter(delivery.tenant_id for delivery in taken) == dict.fromkeys(tenants, 7)


async def test_what_was_given_back_costs_no_try_and_waits(outbox: Outbox) -> None:
    """It stands as if it had not been claimed, with nothing in its log; a lease that was lost is not given back."""
    [call_id] = await outbox.put(await outbox.tenant(), WELL)
    store = await outbox.store()
    [held] = await claimed(store)
    assert await store.give_back(held, 60)
    assert not await store.give_back(held, 60)
    assert await claimed(store) == []
    assert await outbox.log(call_id) == []
    await outbox.make_due()
    [again] = await claimed(store)
    assert (again.tries, again.is_retry, again.webhook) == (0, False, held.webhook)


# Disabled receivers.


async def test_410_parks_everything_that_waits_for_the_receiver_and_nothing_else(outbox: Outbox) -> None:
    """The same URL of another tenant, and another URL of the same origin, go on."""
    tenant_id, other_tenant = await outbox.tenant(), await outbox.tenant()
    waiting = await outbox.put(tenant_id, WELL, 30)
    neighbours = [*await outbox.put(other_tenant, WELL, 1), *await outbox.put(tenant_id, f"{WELL}/2", 1)]
    await outbox.sql(
        "UPDATE delivery SET state = 'RETRY', tries = 1 WHERE number_id = ANY ($1)", waiting[20:]
    )
    store = await outbox.store(per_origin=2)
    await outbox.sql(
        "UPDATE delivery SET next_at = next_at + interval '1 min' WHERE number_id = ANY ($1)", neighbours
    )
    in_flight = await claimed(store)
    assert len(in_flight) == 2
    gone = Disabled(reason="The receiver answered 410 Gone.")
    assert await store.record(in_flight[0], ANSWERED, gone)
    assert Counter(await outbox.states(*waiting)) == {"PARKED": 29, "SENDING": 1}
    assert await store.record(in_flight[1], ANSWERED, gone)
    assert set(await outbox.states(*waiting)) == {"PARKED"}
    assert await outbox.states(*neighbours) == ["QUEUED", "QUEUED"]


async def test_a_new_result_for_a_disabled_receiver_is_parked_unposted(outbox: Outbox) -> None:
    """It is parked by the next claim, costs no try, and takes nothing of its origin's cap."""
    tenant_id = await outbox.tenant()
    await outbox.put(tenant_id, WELL, 1)
    store = await outbox.store(per_origin=1)
    [first] = await claimed(store)
    await store.record(first, ANSWERED, Disabled(reason="gone"))
    late = await outbox.put(tenant_id, WELL, 3)
    neighbour = await outbox.put(tenant_id, f"{WELL}/2", 1)
    await outbox.sql(
        "UPDATE delivery SET next_at = next_at + interval '1 ms' WHERE number_id = ANY ($1)", neighbour
    )
    outcomes = [await claim(store, PLENTY) for _ in range(4)]
    assert [outcome.parked for outcome in outcomes] == [1, 1, 1, 0]
    assert [delivery.number_id for outcome in outcomes for delivery in outcome.deliveries] == neighbour
    assert await outbox.states(*late) == ["PARKED"] * 3
    assert await outbox.one("SELECT count(*) FROM delivery_try") == 1
