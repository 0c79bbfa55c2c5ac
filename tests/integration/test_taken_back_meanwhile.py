"""Numbers taken back while calls end and campaigns change: on a real Postgres, with every wait arranged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from services.pacer.reaper import unknown
from shared.adapters.postgres.campaign_changes import PostgresCampaignChanges
from shared.adapters.postgres.upload_desk import PostgresUploadDesk
from shared.domain.attempt import AttemptState
from shared.domain.campaign import Dialect
from shared.domain.errors import Invalid
from shared.domain.pace import Pace
from shared.domain.retry import CANCELED, BackInLine, Withheld
from shared.ports.campaign_changes import CampaignChange
from shared.ports.upload_desk import Canceled

if TYPE_CHECKING:
    from shared.ports.dialing import LeasedAttempt
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECEIVER = "https://crm.example/late"
#: A hundred calls a second: one tick claims a whole list.
FAST = Pace(period_minutes=1, amount=6000)


@asynccontextmanager
async def held_up(store: "Store", statement: str, *arguments: object) -> AsyncIterator[None]:
    """Hold the locks of a statement for as long as the block lasts; its changes are committed."""
    async with store.session() as connection, connection.transaction():
        await connection.execute(statement, *arguments)
        yield


async def until_waiting(
    store: "Store", connections: int, *, or_done: "asyncio.Task[int] | None" = None
) -> None:
    """Return when so many connections wait for somebody else's row, or this is done without."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while await store.one(waiting) < connections and not (or_done and or_done.done()):
            await asyncio.sleep(0.01)


def take_back(store: "Store", tenant_id: int, campaign_id: int) -> "asyncio.Task[Canceled]":
    """Take the first upload of a campaign back, beside what else happens."""
    desk = PostgresUploadDesk(store.databases["api"])
    return asyncio.create_task(desk.cancel_upload(tenant_id, Dialect.PLUM, campaign_id, 1))


async def a_call_and_somebody_in_line(store: "Store") -> "LeasedAttempt":
    """Return a call of a campaign whose upload has another number in line."""
    tenant_id = await store.tenant()
    await store.dialer(capacity=1)
    [job] = await store.tick(await store.campaign(tenant_id, "+12025550100,a", "+12025550101,b"))
    return await store.dialing(job)


@pytest.mark.parametrize("was_called", [True, False], ids=["busy", "withheld"])
async def test_a_call_that_ends_while_its_number_is_taken_back_is_the_last(
    store: "Store", was_called: bool
) -> None:
    """Whether it ends before, within or after the step that ends the others: nobody is called again."""
    leased = await a_call_and_somebody_in_line(store)
    job = leased.job
    counted = "INSERT INTO outcome_count VALUES ($1, $2, 16, $3, 'canceled', 0)"
    async with held_up(store, counted, job.tenant_id, job.campaign_id, int(CANCELED.outcome)):
        canceling = take_back(store, job.tenant_id, job.campaign_id)
        await until_waiting(store, 1)
        if was_called:
            ending = asyncio.create_task(store.postpone(leased, await store.attempts().now()))
        else:
            withhold = store.attempts().withhold(leased, Withheld.NO_TRUNK, BackInLine())
            ending = asyncio.create_task(withhold)
        await until_waiting(store, 2, or_done=ending)
    assert await ending
    canceled = await canceling
    assert (canceled.canceled, canceled.in_call) == (1, 1)
    await store.dialer(capacity=1000)
    assert await store.tick(job.campaign_id) == []
    await store.reaping.keep_house()
    assert await store.one("SELECT count(*) FROM result WHERE result = 'canceled'") == 2
    assert await store.broken_invariants(dialed_early=True) == {}


async def test_a_receiver_that_comes_meanwhile_gets_what_is_taken_back(store: "Store") -> None:
    """A campaign gets its first result_url just before its upload is taken back: every result has its delivery."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a", result_url=None)
    async with store.session() as changing, changing.transaction():
        await changing.execute("SELECT 1 FROM campaign_pacing WHERE campaign_id = $1 FOR UPDATE", campaign_id)
        await changing.execute("UPDATE campaign SET result_url = $1", RECEIVER)
        canceling = take_back(store, tenant_id, campaign_id)
        await until_waiting(store, 1)
    assert (await canceling).canceled == 1
    assert [row["url"] for row in await store.sql("SELECT url FROM delivery")] == [RECEIVER]
    assert await store.broken_invariants() == {}


async def test_no_receiver_is_named_while_a_number_taken_back_awaits_its_end(store: "Store") -> None:
    """Its call is over, and its result may be being written at this very moment, without a delivery."""
    leased = await store.dialing(await store.planned(result_url=None))
    job = leased.job
    await take_back(store, job.tenant_id, job.campaign_id)
    assert await store.postpone(leased, await store.attempts().now())
    changes = PostgresCampaignChanges(store.databases["api"])
    with pytest.raises(Invalid, match="result_url"):
        await changes.update_campaign(
            job.tenant_id, Dialect.PLUM, job.campaign_id, CampaignChange(result_url=RECEIVER)
        )


async def test_a_deleted_campaign_and_the_reaper_end_numbers_without_waiting_in_a_circle(
    store: "Store",
) -> None:
    """They meet in two rows of the totals, which numbers 15 and 16 are counted in, and 31 and 32."""
    tenant_id = await store.tenant()
    lines = [f"+1202555{number:04},r{number}" for number in range(64)]
    campaign_id = await store.campaign(tenant_id, *lines)
    first = await store.one("SELECT min(number_id) / 16 * 16 + 15 FROM number")
    ids = [first, first + 1, first + 16, first + 17]
    await store.sql("DELETE FROM number WHERE number_id <> ALL($1::bigint[])", ids)
    await store.sql("UPDATE number SET canceled_at = now() WHERE number_id = ANY($1::bigint[])", ids[2:])
    changes = PostgresCampaignChanges(store.databases["api"])
    await changes.delete_campaign(tenant_id, Dialect.PLUM, campaign_id)
    await store.look_now(campaign_id)
    async with store.session() as holding:
        await holding.execute("BEGIN")
        for shard in (0, 15):
            await holding.execute(
                "INSERT INTO outcome_count VALUES ($1, $2, $3, $4, 'canceled', 0)",
                tenant_id, campaign_id, shard, int(CANCELED.outcome),
            )  # fmt: skip
        reaping = asyncio.create_task(store.reaping.keep_house())
        await until_waiting(store, 1)
        ticking = asyncio.create_task(store.tick())
        await until_waiting(store, 2)
        await holding.execute("ROLLBACK")
    await asyncio.gather(reaping, ticking)
    assert await store.one("SELECT sum(numbers) FROM outcome_count") == len(ids)
    assert await store.one("SELECT count(*) FROM delivery") == len(ids)


async def test_a_call_given_up_and_its_upload_taken_back_do_not_wait_in_a_circle(store: "Store") -> None:
    """The reaper ends numbers in the order of their totals, an upload is taken back in the order of its lines."""
    tenant_id = await store.tenant()
    await store.dialer()
    campaign_id = await store.campaign(
        tenant_id, *(f"+1202555{number:04},r{number}" for number in range(40)), pace=FAST
    )
    jobs = await store.tick(campaign_id)
    held = sorted([await store.dialing(job) for job in jobs], key=lambda leased: leased.number_id)
    early = next(leased for leased in held if leased.number_id % 16 == 15)
    late = next(leased for leased in held if leased.number_id == early.number_id + 1)
    for leased in (early, late):
        await store.force(leased.job, AttemptState.UNKNOWN)
    async with store.session() as holding:
        await holding.execute("BEGIN")
        await holding.execute(
            "SELECT 1 FROM number WHERE number_id = ANY($1::bigint[]) FOR UPDATE",
            [early.number_id, late.number_id],
        )
        giving_up = asyncio.create_task(store.reaping.give_up(unknown, 10))
        await until_waiting(store, 1, or_done=giving_up)
        canceling = take_back(store, tenant_id, campaign_id)
        await until_waiting(store, 2, or_done=giving_up)
        await holding.execute("ROLLBACK")
    await asyncio.gather(giving_up, canceling)
    while await store.reaping.give_up(unknown, 10):
        pass
    assert await store.one("SELECT count(*) FROM result WHERE outcome = 10") == 2
