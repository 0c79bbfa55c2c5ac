"""What becomes of the work of silent dialers: planned again, withheld, or an honest Unknown; never redialed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.pacer.reaper import unknown
from shared.contracts.dial_job import DialJob
from shared.domain.attempt import ATTEMPT, AttemptEvent, AttemptState
from shared.domain.disposition import UNKNOWN
from shared.domain.retry import BackInLine, Withheld
from shared.ports.dialing import LeasedAttempt

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

A = AttemptState
QUARANTINE_SECONDS = 60.0
#: The states in which a phone may have rung.
CALLING = (A.DIALING, A.RINGING, A.IN_CALL)


async def reap(store: "Store") -> None:
    """Do a whole round of a reaper, every step of it."""
    await store.reaping.free_expired_leases(100)
    await store.reaping.withhold_late(100)
    await store.reaping.quarantine_lost_calls(QUARANTINE_SECONDS, 100)
    await store.reaping.give_up(unknown, 100)


async def open_attempts(store: "Store", count: int) -> list[DialJob]:
    """Plan so many attempts of one campaign."""
    await store.dialer()
    campaign_id = await store.campaign(
        await store.tenant(), *(f"+1202555{number:04},r{number}" for number in range(count))
    )
    jobs: list[DialJob] = []
    while len(jobs) < count:
        jobs += await store.tick(campaign_id)
    return jobs


# Before the intent -----------------------------------------------------------------------------------------------


async def test_what_nobody_leased_in_time_is_withheld_and_its_number_is_back_in_line(store: "Store") -> None:
    """Late is no call: no try is spent, and the number keeps its place."""
    job, on_time = await open_attempts(store, 2)
    await store.sql(
        "UPDATE attempt SET due_at = '2020-01-01', send_by = '2020-01-01' WHERE attempt_id = $1",
        job.attempt_id,
    )
    assert await store.reaping.withhold_late(10) == 1
    row, number = await store.attempt(job), await store.number_of(job)
    assert (row["state"], row["withheld_because"], row["epoch"]) == ("WITHHELD", Withheld.LATE.value, 0)
    assert row["ended_at"] is not None
    assert (number["state"], number["tries"], number["last_ordinal"]) == ("READY", 0, 1)
    assert (await store.attempt(on_time))["state"] == "PLANNED"
    assert await store.sql("SELECT 1 FROM result UNION ALL SELECT 1 FROM callee") == []


async def test_an_attempt_is_not_late_at_its_due_instant(store: "Store") -> None:
    """It may still be sent until its latest instant, so that it stays planned."""
    job = await store.planned()
    await store.sql("UPDATE attempt SET due_at = clock_timestamp() - interval '1 s'")
    assert await store.reaping.withhold_late(10) == 0
    assert (await store.attempt(job))["state"] == "PLANNED"


async def test_a_lease_that_ran_out_is_planned_again_only_while_it_can_be_on_time(store: "Store") -> None:
    """The number is free again; who asks first has it, under a new epoch. After the latest instant it is withheld."""
    leased = await store.leased()
    await store.expire_leases()
    assert await store.reaping.free_expired_leases(10) == 1
    row = await store.attempt(leased.job)
    assert (row["state"], row["lease_until"], row["worker"]) == ("PLANNED", None, None)
    assert await store.sql("SELECT 1 FROM live_call") == []
    again = await store.leased(leased.job, worker="w2")
    assert (again.epoch, again.took_number) == (leased.epoch + 1, True)
    await store.expire_leases()
    await store.make_late()
    assert await store.reaping.free_expired_leases(10) == 0
    assert await store.reaping.withhold_late(10) == 1
    assert (await store.attempt(leased.job))["state"] == "WITHHELD"
    assert (await store.number_of(leased.job))["state"] == "READY"
    assert await store.sql("SELECT 1 FROM live_call") == []


async def test_a_lease_that_has_not_run_out_is_left_to_its_holder(store: "Store") -> None:
    """Even past its latest instant: its dialer lives, and withholds it itself."""
    leased = await store.leased()
    await store.make_late()
    await reap(store)
    assert (await store.attempt(leased.job))["state"] == "LEASED"
    assert await store.attempts().withhold(leased, Withheld.LATE, BackInLine())


async def test_a_lease_that_did_not_take_the_number_frees_nobody_else_s(store: "Store") -> None:
    """The reaper gives back what the lease had taken, and the other call's number is not among it."""
    tenant_id = await store.tenant()
    first = await store.dialing(await store.planned(tenant_id=tenant_id))
    second = await store.leased(await store.planned(tenant_id=tenant_id))
    await store.sql(
        "UPDATE attempt SET lease_until = '2020-01-01' WHERE attempt_id = $1", second.job.attempt_id
    )
    assert await store.reaping.free_expired_leases(10) == 1
    assert await store.one("SELECT attempt_id FROM live_call") == first.job.attempt_id


# After the intent ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CALLING)
async def test_a_call_whose_dialer_went_silent_is_quarantined_and_never_dialed_again(
    store: "Store", state: AttemptState
) -> None:
    """Its number stays taken until the quarantine is over, counted from the intent; no round plans or leases it."""
    leased = await store.in_state(state)
    await store.expire_leases()
    await store.make_late()
    await reap(store)
    row = await store.attempt(leased.job)
    assert (row["state"], row["lease_until"]) == ("UNKNOWN", None)
    assert row["quarantine_until"] == row["intent_at"] + timedelta(seconds=QUARANTINE_SECONDS)
    before = await store.picture()
    await reap(store)
    assert await store.tick(leased.job.campaign_id) == []
    assert await store.lease(leased.job) is None
    assert await store.attempts().renew([leased]) == set()
    after = await store.picture()
    assert {**after, "campaign_pacing": []} == {**before, "campaign_pacing": []}
    assert await store.one("SELECT attempt_id FROM live_call") == leased.job.attempt_id


@pytest.mark.parametrize("state", CALLING)
async def test_a_call_whose_dialer_lives_is_left_alone(store: "Store", state: AttemptState) -> None:
    """As long as its lease is renewed."""
    leased = await store.in_state(state)
    await store.sql("UPDATE attempt SET lease_until = clock_timestamp() + interval '1 ms'")
    assert await store.attempts().renew([leased]) == {leased.job.attempt_id}
    await store.make_late()
    await reap(store)
    assert (await store.attempt(leased.job))["state"] == state


async def test_after_the_quarantine_the_number_ends_as_unknown_once(store: "Store") -> None:
    """One result, one delivery, one count; the try is spent, the number is free, and its callee was perhaps called."""
    leased = await store.in_state(A.UNKNOWN)
    await store.sql("UPDATE attempt SET quarantine_until = clock_timestamp() + interval '1 h'")
    assert await store.reaping.give_up(unknown, 10) == 0
    await store.force(leased.job, A.UNKNOWN)
    intent_at = (await store.attempt(leased.job))["intent_at"]
    assert sum(await asyncio.gather(*(store.reaping.give_up(unknown, 10) for _ in range(4)))) == 1
    row, number = await store.attempt(leased.job), await store.number_of(leased.job)
    assert (row["state"], row["outcome"], row["quarantine_until"]) == ("DONE", 10, None)
    assert (number["state"], number["tries"]) == ("FINAL", 1)
    [result] = await store.sql(
        "SELECT outcome, result, attempts, last_attempt_at, duration_seconds FROM result"
    )
    assert tuple(result) == (10, "failed", 1, intent_at, 0)
    [delivery] = await store.sql("SELECT state::text, webhook_id FROM delivery")
    assert tuple(delivery) == ("QUEUED", f"res_{leased.number_id}")
    assert await store.one("SELECT sum(numbers) FROM outcome_count") == 1
    assert await store.sql("SELECT 1 FROM live_call") == []
    assert await store.one("SELECT last_call_ended_at FROM callee") == row["ended_at"]


async def test_a_late_report_and_the_end_of_the_quarantine_write_one_result(store: "Store") -> None:
    """Whoever comes first decides; the other changes nothing."""
    outcomes = set()
    for _ in range(10):
        leased = await store.in_state(A.UNKNOWN)
        await store.force(leased.job, A.UNKNOWN)
        reported, given_up = await asyncio.gather(store.end(leased), store.reaping.give_up(unknown, 10))
        assert reported + given_up == 1
        results = "SELECT outcome FROM result WHERE campaign_id = $1"
        [result] = await store.sql(results, leased.job.campaign_id)
        assert result["outcome"] == (1 if reported else 10)
        outcomes.add(result["outcome"])
    assert await store.one("SELECT sum(numbers) FROM outcome_count") == 10


@contextlib.asynccontextmanager
async def held_up(store: "Store", *statements: str) -> AsyncIterator[None]:
    """Keep rows from everybody until the end of the block, and leave them as they were."""
    async with store.session() as blocker:
        await blocker.execute("BEGIN")
        for statement in statements:
            await blocker.execute(statement)
        try:
            yield
        finally:
            await blocker.execute("ROLLBACK")


async def until_waiting(store: "Store", connections: int) -> None:
    """Return when so many connections wait for somebody else's row."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = $1"
    )
    while await store.one(waiting, "Lock") < connections:
        await asyncio.sleep(0.01)


def count_of(leased: LeasedAttempt) -> str:
    """Return what counts the end of an attempt's number as Unknown."""
    row = (
        leased.job.tenant_id,
        leased.job.campaign_id,
        leased.number_id % 16,
        int(UNKNOWN.outcome),
        "failed",
        1,
    )
    return f"INSERT INTO outcome_count VALUES {row}"  # noqa: S608 - numbers and a word of ours


async def test_two_reapers_that_end_calls_of_one_campaign_do_not_wait_for_each_other_in_a_circle(
    store: "Store",
) -> None:
    """One found them in the opposite order of the other; both write all their ends at the first try."""
    jobs = await open_attempts(store, 20)
    held = [await store.dialing(job) for job in jobs]
    held.sort(key=lambda leased: leased.number_id)
    # Number 0 and number 16 are counted in one row, number 3 and number 19 in another.
    for place in (0, 1, 3, 19, 2, 16):
        await store.force(held[place].job, A.UNKNOWN)
    async with held_up(store, count_of(held[1]), count_of(held[2])):
        one = asyncio.create_task(store.reaping.give_up(unknown, 3))
        await until_waiting(store, 1)
        other = asyncio.create_task(store.reaping.give_up(unknown, 3))
        await until_waiting(store, 2)
    assert tuple(await asyncio.gather(one, other)) == (3, 3)
    assert await store.one("SELECT sum(numbers) FROM outcome_count") == 6


async def test_two_reapers_that_end_calls_to_the_same_people_do_not_wait_for_each_other_in_a_circle(
    store: "Store",
) -> None:
    """Two campaigns called them, one after the other; both reapers write all their ends at the first try."""
    tenant_id = await store.tenant()
    people = ("+12025550100", "+12025550101")
    calls = {}
    for campaign in "ab":
        for person in people:
            leased = await store.dialing(await store.planned(f"{person},r", tenant_id=tenant_id))
            calls[campaign + person[-1]] = leased
            await store.sql("DELETE FROM live_call")  # as if the other campaign's call were over
    for name in ("a0", "a1", "b1", "b0"):
        await store.force(calls[name].job, A.UNKNOWN)
    # The two persons' rows are there already, and each is held until both reapers want one.
    taken = "INSERT INTO callee VALUES ({0}, '{1}', clock_timestamp())"
    for person in people:
        await store.sql(taken.format(tenant_id, person))
    async with held_up(store, *(count_of(leased) for leased in calls.values())):
        one = asyncio.create_task(store.reaping.give_up(unknown, 2))
        await until_waiting(store, 1)
        other = asyncio.create_task(store.reaping.give_up(unknown, 2))
        await until_waiting(store, 2)
    assert tuple(await asyncio.gather(one, other)) == (2, 2)


async def test_a_campaign_is_not_woken_for_numbers_that_are_final(store: "Store") -> None:
    """What ended as Unknown does not come back."""
    leased = await store.in_state(A.UNKNOWN)
    await store.sql("UPDATE campaign_pacing SET look_at = NULL, idle_since = clock_timestamp()")
    await store.force(leased.job, A.UNKNOWN)
    await reap(store)
    assert await store.look_in_seconds(leased.job.campaign_id) is None


# All together ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("step", ["free", "withhold", "quarantine", "give up"])
async def test_each_step_touches_only_the_states_that_the_machine_lets_it(
    store: "Store", step: str, state: AttemptState
) -> None:
    """From each state it leads where the table says, and from every other it changes no row."""
    leased = await store.leased()
    await store.force(leased.job, state)
    if step == "withhold":
        await store.make_late()
    if step == "quarantine":
        await store.sql("UPDATE attempt SET quarantine_until = NULL")
    before = await store.picture()
    match step:
        case "free":
            event, takes = AttemptEvent.EXPIRE, state is A.LEASED
            changed = await store.reaping.free_expired_leases(10)
        case "withhold":
            event, takes = AttemptEvent.WITHHOLD, state in {A.PLANNED, A.LEASED}
            changed = await store.reaping.withhold_late(10)
        case "quarantine":
            event, takes = AttemptEvent.EXPIRE, state in CALLING
            changed = await store.reaping.quarantine_lost_calls(QUARANTINE_SECONDS, 10)
        case _:
            event, takes = AttemptEvent.GIVE_UP, state is A.UNKNOWN
            changed = await store.reaping.give_up(unknown, 10)
    assert bool(changed) is takes
    if takes:
        assert (await store.attempt(leased.job))["state"] == ATTEMPT.after(state, event)
    else:
        assert await store.picture() == before


async def test_between_them_the_steps_carry_out_every_expiry_of_the_machine() -> None:
    """Freeing and quarantine are the table's EXPIRE, giving up is its GIVE_UP, and nothing of them is left out."""
    assert ATTEMPT.before(AttemptEvent.EXPIRE) == {A.LEASED, *CALLING}
    assert ATTEMPT.before(AttemptEvent.GIVE_UP) == {A.UNKNOWN}


async def test_two_reapers_and_two_dialers_agree_on_every_attempt(store: "Store") -> None:
    """While dialers still report, two reapers go round: every number has one end at most, and none is lost."""
    jobs = await open_attempts(store, 24)
    held = [await store.dialing(job) for job in jobs[:12]] + [await store.leased(job) for job in jobs[12:]]
    await store.expire_leases()
    await store.sql("UPDATE attempt SET intent_at = intent_at - interval '1 h' WHERE intent_at IS NOT NULL")
    await store.make_late()

    async def report(leased: LeasedAttempt) -> None:
        if leased.job in jobs[:12]:
            await store.end(leased)
        else:
            await store.attempts().withhold(leased, Withheld.LATE, BackInLine())

    await asyncio.gather(reap(store), reap(store), *(report(leased) for leased in held))
    await reap(store)
    states = {
        row["state"]: row["n"]
        for row in await store.sql("SELECT state::text, count(*) AS n FROM number GROUP BY 1")
    }
    assert states == {"FINAL": 12, "READY": 12}
    assert await store.one("SELECT count(*) FROM result") == 12
    assert await store.one("SELECT sum(numbers) FROM outcome_count") == 12
    assert await store.sql("SELECT 1 FROM live_call") == []


# Rings that may have been lost -----------------------------------------------------------------------------------


async def test_attempts_whose_bell_may_have_been_lost_are_named(store: "Store") -> None:
    """Those that are due soon and not leased, the first one first, and no others."""
    jobs = await open_attempts(store, 5)
    await due_in(store, jobs, 900.0, 800.0, 3000.0, 900.0, -500.0)
    await store.force(jobs[3], A.LEASED)
    unheard = await store.reaping.unheard(None, ahead_seconds=1000.0, most=10)
    assert unheard.jobs == [jobs[1], jobs[0]]
    nothing = await store.reaping.unheard(unheard.until, ahead_seconds=1000.0, most=10)
    assert nothing.jobs == []
    assert nothing.until > unheard.until


async def test_looks_that_follow_one_another_name_every_attempt_once(store: "Store") -> None:
    """However far apart they are, and however few each may name: what one does not reach is the next one's."""
    jobs = await open_attempts(store, 5)
    await due_in(store, jobs, 2000.0, 2500.0, 1000.0, 3000.0, 4000.0)
    named: list[list[DialJob]] = []
    until = None
    for ahead_seconds, most in ((1500.0, 10), (6000.0, 2), (6000.0, 1), (6000.0, 10), (6000.0, 10)):
        look = await store.reaping.unheard(until, ahead_seconds=ahead_seconds, most=most)
        named.append(look.jobs)
        until = look.until
    assert named == [[jobs[2]], [jobs[0], jobs[1]], [jobs[3]], [jobs[4]], []]


async def due_in(store: "Store", jobs: list[DialJob], *seconds: float) -> None:
    """Let attempts be due so many seconds from now: many, for a busy machine lets some pass before it looks."""
    due = "UPDATE attempt SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE attempt_id = $1"
    for job, each in zip(jobs, seconds, strict=True):
        await store.sql(due, job.attempt_id, each)


async def test_dialers_are_forgotten_after_a_day(store: "Store") -> None:
    """One that was heard of this morning is remembered."""
    await store.dialer(worker="yesterday")
    await store.sql("UPDATE dialer SET seen_at = clock_timestamp() - interval '25 h'")
    await store.dialer(worker="today")
    await store.reaping.keep_house()
    assert [row["worker"] for row in await store.sql("SELECT worker FROM dialer")] == ["today"]
