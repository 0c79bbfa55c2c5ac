"""A delivery's machine in SQL, from the result that it is born with to its end; claims have a folder of their own."""

from typing import TYPE_CHECKING

import pytest

from shared.domain.delivery import DELIVERY, DeliveryEvent, DeliveryState
from shared.domain.delivery_schedule import Decision, Delivered, Disabled, Failed, RetryAt
from shared.ports.delivering import ClaimedDelivery, Room, TryReport

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

D = DeliveryState
REPORT = TryReport(
    status=500,
    error="busy",
    sent=True,
    resolve_ms=1,
    connect_ms=2,
    total_ms=30,
    answer=b"later",
    retry_after=None,
)
#: What is decided after a try, and the event that it is.
DECISIONS: dict[DeliveryEvent, Decision] = {
    DeliveryEvent.ACCEPT: Delivered(),
    DeliveryEvent.POSTPONE: RetryAt(delay_seconds=300.0),
    DeliveryEvent.FAIL: Failed(reason="Eleven tries have failed."),
    DeliveryEvent.PARK: Disabled(reason="The receiver answered 410 Gone."),
}


async def claim(store: "Store") -> list[ClaimedDelivery]:
    """Claim whatever is due."""
    return list((await store.deliveries().claim(Room(posts=10, retries=10), {})).deliveries)


async def claimed(store: "Store") -> ClaimedDelivery:
    """Claim the one delivery of a number that has just ended."""
    await store.concluded()
    [delivery] = await claim(store)
    return delivery


async def force(store: "Store", state: DeliveryState) -> None:
    """Put the delivery into a state, due at once, under the epoch that it has."""
    await store.sql(
        "UPDATE delivery SET state = $1::delivery_state, next_at = clock_timestamp() - interval '1 s',"
        " lease_until = CASE WHEN $1 = 'SENDING' THEN clock_timestamp() + interval '1 h' END",
        state.value,
    )


async def test_a_result_is_delivered_as_it_was_written(store: "Store") -> None:
    """What is claimed is what the end of the call stored; once delivered, nothing of it is due any more."""
    delivery = await claimed(store)
    [stored] = await store.sql("SELECT webhook_id, url, content_type, body FROM delivery")
    webhook = delivery.webhook
    assert (webhook.webhook_id, webhook.url, webhook.content_type, webhook.body) == tuple(stored)
    assert (delivery.tries, delivery.is_retry, delivery.origin) == (0, False, "https://crm.example:443")
    assert await store.deliveries().record(delivery, REPORT, Delivered())
    [row] = await store.sql("SELECT state::text, tries, delivered_at IS NOT NULL AS arrived FROM delivery")
    assert tuple(row) == ("DELIVERED", 1, True)
    assert await claim(store) == []
    assert await store.broken_invariants(dialed_early=True) == {}


async def test_a_retry_is_not_due_before_its_instant(store: "Store") -> None:
    """It waits as long as was decided, by Postgres' clock; then the same bytes go out under the same id."""
    first = await claimed(store)
    assert await store.deliveries().record(first, REPORT, RetryAt(delay_seconds=300.0))
    wait = await store.one("SELECT extract(epoch FROM next_at - clock_timestamp())::float8 FROM delivery")
    assert 290 < wait <= 300
    assert await claim(store) == []
    await store.sql("UPDATE delivery SET next_at = clock_timestamp()")
    [second] = await claim(store)
    assert second.webhook == first.webhook
    assert (second.tries, second.is_retry, second.epoch) == (1, True, first.epoch + 1)


async def test_a_lease_that_ran_out_goes_to_another_with_the_same_bytes(store: "Store") -> None:
    """Nobody knows whether the lost try arrived, so it counts, and the result goes out again."""
    first = await claimed(store)
    assert await claim(store) == []
    await store.sql("UPDATE delivery SET lease_until = clock_timestamp() - interval '1 s'")
    [second] = await claim(store)
    assert second.webhook == first.webhook
    assert (second.tries, second.epoch) == (1, first.epoch + 1)


@pytest.mark.parametrize("event", DECISIONS)
async def test_a_report_under_a_stale_epoch_changes_nothing(store: "Store", event: DeliveryEvent) -> None:
    """Whoever lost the lease changes no row and writes no line into the log."""
    stale = await claimed(store)
    await store.sql("UPDATE delivery SET lease_until = clock_timestamp() - interval '1 s'")
    await claim(store)
    before = await store.picture()
    assert not await store.deliveries().record(stale, REPORT, DECISIONS[event])
    assert await store.picture() == before


@pytest.mark.parametrize("state", DeliveryState)
@pytest.mark.parametrize("event", DECISIONS)
async def test_a_report_carries_out_the_machine_s_table(
    store: "Store", event: DeliveryEvent, state: DeliveryState
) -> None:
    """A delivery that is being sent goes where the decision says; from every other state no row is changed."""
    delivery = await claimed(store)
    await force(store, state)
    before = await store.picture()
    recorded = await store.deliveries().record(delivery, REPORT, DECISIONS[event])
    assert recorded is (state is D.SENDING)
    if recorded:
        assert await store.one("SELECT state::text FROM delivery") == DELIVERY.after(state, event)
        [line] = await store.sql("SELECT try_no, status, error, total_ms, answer FROM delivery_try")
        assert tuple(line) == (1, 500, "busy", 30, b"later")
    else:
        assert await store.picture() == before


@pytest.mark.parametrize("state", DeliveryState)
async def test_only_what_waits_is_claimed(store: "Store", state: DeliveryState) -> None:
    """From every other state a claim changes no row."""
    await store.concluded()
    await force(store, state)
    before = await store.picture()
    found = await claim(store)
    assert bool(found) is DELIVERY.takes(state, DeliveryEvent.CLAIM)
    assert found or await store.picture() == before
