"""Leases by the batch: what is taken, what stays a worker's while its calls live, and what is another's for good."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.contracts.dial_job import DialJob
from shared.domain.attempt import AttemptState
from shared.domain.pace import Pace
from shared.ports.dialing import Intent, LeasedAttempt, Leases

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

A = AttemptState
#: A hundred calls a second: a tick plans a whole handful.
FAST = Pace(period_minutes=1, amount=6000)
QUARANTINE_SECONDS = 60


async def _planned(store: "Store", count: int, tenant_id: int | None = None) -> list[DialJob]:
    """Plan as many attempts of one new campaign."""
    tenant_id = tenant_id or await store.tenant()
    await store.dialer()
    lines = [f"+120255501{number:02},r" for number in range(count)]
    jobs = await store.tick(await store.campaign(tenant_id, *lines, pace=FAST))
    assert len(jobs) == count
    return jobs


async def _calls(store: "Store", count: int) -> list[LeasedAttempt]:
    """Have as many calls under way."""
    return [await store.dialing(job) for job in await _planned(store, count)]


async def _states(store: "Store", jobs: Sequence[DialJob]) -> list[str]:
    return [(await store.attempt(job))["state"] for job in jobs]


def _ids(held: Sequence[LeasedAttempt]) -> set[int]:
    return {leased.job.attempt_id for leased in held}


# Taking a batch ----------------------------------------------------------------------------------------------------


async def test_a_batch_takes_what_is_its_tenant_s_and_leaves_the_rest(store: "Store") -> None:
    """Among an attempt of its own: another tenant's, one that is not there, one of another campaign, one leased.

    Each of the others is as it was, and none of them counts as missed: that is a sign of being overrun.
    """
    [mine, taken], [foreign] = await _planned(store, 2), await _planned(store, 1)
    await store.leased(taken, worker="w2")
    unknown = replace(mine, attempt_id=10**9)
    elsewhere = replace(foreign, tenant_id=mine.tenant_id, campaign_id=mine.campaign_id)
    untouched = [await store.attempt(job) for job in (taken, foreign)]
    leases = await store.attempts().lease(mine.tenant_id, [foreign, taken, unknown, mine, elsewhere])
    assert ([leased.job for leased in leases.leased], leases.missed) == ([mine], 0)
    assert [await store.attempt(job) for job in (taken, foreign)] == untouched
    assert await store.one("SELECT count(*) FROM live_call") == 2


async def test_another_tenant_s_attempts_cannot_be_leased_by_their_ids(store: "Store") -> None:
    """Whoever rings for a batch of another tenant under its own name gets nothing and changes nothing."""
    jobs, stranger = await _planned(store, 3), await store.tenant()
    forged = [replace(job, tenant_id=stranger) for job in jobs]
    before = await store.picture()
    for asked in (jobs, forged):
        assert await store.attempts().lease(stranger, asked) == Leases([], 0)
    assert await store.picture() == before


async def test_a_bell_that_rang_twice_leases_once(store: "Store") -> None:
    """The same attempt twice in a batch is one lease with one epoch, and its number is taken once."""
    first, second = await _planned(store, 2)
    leases = await store.attempts().lease(first.tenant_id, [first, second, first, first])
    assert sorted(leased.job.attempt_id for leased in leases.leased) == [first.attempt_id, second.attempt_id]
    assert [(leased.epoch, leased.took_number) for leased in leases.leased] == [(1, True)] * 2
    assert await store.attempts("w2").lease(first.tenant_id, [first, second]) == Leases([], 0)


async def test_an_empty_batch_is_no_lease(store: "Store") -> None:
    """Nothing asked is nothing leased, and nothing missed."""
    assert await store.attempts().lease(await store.tenant(), []) == Leases([], 0)


async def test_what_came_too_late_is_counted_among_what_is_missing(store: "Store") -> None:
    """Late attempts, and those that were withheld before anybody leased them; not what others have leased."""
    on_time, late, withheld, leased, given_up = await _planned(store, 5)
    await store.leased(leased, worker="w2")
    await store.leased(given_up, worker="w2")
    for job in (withheld, given_up):
        await store.force(job, A.WITHHELD)
    await store.sql(
        "UPDATE attempt SET send_by = clock_timestamp() - interval '1 s' WHERE attempt_id = $1",
        late.attempt_id,
    )
    leases = await store.attempts().lease(on_time.tenant_id, [on_time, late, withheld, leased, given_up])
    assert ([each.job for each in leases.leased], leases.missed) == ([on_time], 2)


async def test_a_batch_is_leased_in_the_order_in_which_it_is_due(store: "Store") -> None:
    """However its rings came in, and each with its own instant."""
    jobs = await _planned(store, 5)
    leases = await store.attempts().lease(jobs[0].tenant_id, [jobs[n] for n in (3, 0, 4, 2, 1)])
    assert [leased.job for leased in leases.leased] == jobs
    dues = [leased.due for leased in leases.leased]
    assert dues == sorted(set(dues))


# Signs of life -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [A.DIALING, A.RINGING, A.IN_CALL])
async def test_a_call_that_is_renewed_outlives_its_lease(store: "Store", state: AttemptState) -> None:
    """Of two calls whose leases ran out the one that is renewed stays a call, and its end is a result."""
    renewed, silent = await store.in_state(state), await store.in_state(state)
    for _ in range(3):
        await store.expire_leases()
        assert await store.attempts().renew([renewed]) == _ids([renewed])
        await store.reaping.quarantine_lost_calls(QUARANTINE_SECONDS, 10)
    assert await _states(store, [renewed.job, silent.job]) == [state, A.UNKNOWN]
    assert await store.end(renewed)
    assert await store.one("SELECT number_id FROM result") == renewed.number_id


async def test_an_attempt_that_waits_for_its_instant_keeps_its_lease_by_renewing(store: "Store") -> None:
    """It is not given to another worker, and its intent passes under the epoch that it had."""
    leased = await store.leased()
    await store.expire_leases()
    assert await store.attempts().renew([leased]) == _ids([leased])
    assert await store.reaping.free_expired_leases(10) == 0
    assert await store.lease(leased.job, worker="w2") is None
    assert isinstance(await store.attempts().commit_intent(leased, "fence"), Intent)


async def test_a_renewal_counts_from_now_by_postgres_clock(store: "Store") -> None:
    """A lease ends as long after its renewal as the worker's leases last, and is never added up."""
    leased = await store.dialing()
    worker = store.attempts(lease_seconds=90)
    for _ in range(3):
        before = await worker.now()
        await worker.renew([leased])
        after = await worker.now()
        lease_until = (await store.attempt(leased.job))["lease_until"]
        assert before + timedelta(seconds=90) <= lease_until <= after + timedelta(seconds=90)


async def test_a_renewal_changes_nothing_but_the_lease(store: "Store") -> None:
    """State, epoch, worker, fence and instants are those of the call."""
    leased = await store.in_state(A.IN_CALL)
    before = dict(await store.attempt(leased.job))
    await store.attempts(lease_seconds=900).renew([leased])
    after = dict(await store.attempt(leased.job))
    assert {name for name, value in after.items() if value != before[name]} == {"lease_until"}


# What is another's -------------------------------------------------------------------------------------------------


async def test_after_the_epoch_moved_the_first_worker_renews_nothing(store: "Store") -> None:
    """A worker that wakes renews what is still its own; the lease of who has the other now is not moved by it."""
    slept, kept = [await store.leased(job) for job in await _planned(store, 2)]
    await store.expire_leases()
    assert await store.attempts().renew([kept]) == _ids([kept])
    assert await store.reaping.free_expired_leases(10) == 1
    current = await store.dialing(slept.job, worker="w2")
    assert (slept.epoch, current.epoch) == (1, 2)
    before = (await store.attempt(slept.job))["lease_until"]
    assert await store.attempts(lease_seconds=900).renew([slept, kept]) == _ids([kept])
    assert (await store.attempt(slept.job))["lease_until"] == before
    assert await store.attempts("w2", lease_seconds=900).renew([current]) == _ids([current])
    assert (await store.attempt(slept.job))["lease_until"] > before


async def test_a_lost_call_is_not_renewed_back_to_life(store: "Store") -> None:
    """Once in quarantine it stays there, under the same epoch; only its end may still be told."""
    lost = await store.in_state(A.UNKNOWN)
    before = await store.picture()
    assert await store.attempts().renew([lost]) == set()
    assert await store.picture() == before
    assert await store.end(lost)


async def test_another_tenant_s_lease_cannot_be_renewed_or_hung_up(store: "Store") -> None:
    """With every id and the epoch right but the tenant, nothing is renewed; nor is it asked to be hung up."""
    leased = await store.dialing()
    stranger = await store.tenant()
    forged = replace(leased, job=replace(leased.job, tenant_id=stranger))
    await store.sql(
        "INSERT INTO hold (tenant_id, reason, hang_up) VALUES ($1, 'why', true)", leased.job.tenant_id
    )
    before = await store.picture()
    assert await store.attempts(lease_seconds=900).renew([forged]) == set()
    assert await store.attempts().to_hang_up([forged]) == set()
    assert await store.picture() == before
    assert await store.attempts().to_hang_up([leased, forged]) == _ids([leased])


async def test_one_worker_s_calls_are_renewed_at_once_however_many(store: "Store") -> None:
    """Forty calls of two tenants, each named twice, are renewed together; every lease ends later than before."""
    held = [*await _calls(store, 20), *await _calls(store, 20)]
    await store.expire_leases()
    assert await store.attempts().renew([*held, *held]) == _ids(held)
    alive = await store.one("SELECT count(*) FROM attempt WHERE lease_until > clock_timestamp()")
    assert alive == len(held)


async def test_a_renewal_that_meets_the_reaper_is_told_the_truth(store: "Store") -> None:
    """Forty expired calls, two workers that renew half of them each, and two reapers, all at the same time.

    What a worker is told that it holds is no reaper's, and what it is not told is in quarantine.
    """
    held = await _calls(store, 40)
    await store.expire_leases()
    halves = held[:20], held[20:]
    renewals = [store.attempts(worker).renew(half) for worker, half in zip(("w1", "w2"), halves, strict=True)]
    reapers = [store.reaping.quarantine_lost_calls(QUARANTINE_SECONDS, 7) for _ in range(2)]
    told, reaped = await asyncio.gather(asyncio.gather(*renewals), asyncio.gather(*reapers))
    rows = await store.sql("SELECT attempt_id, state::text, lease_until FROM attempt")
    calling = {row["attempt_id"] for row in rows if row["state"] == "DIALING"}
    assert set.union(*told) == calling
    assert sum(reaped) == len(held) - len(calling)
    assert {row["attempt_id"] for row in rows if row["lease_until"] is not None} == calling
