"""The dialer's repository on a real Postgres: one holder, every gate, and an end that is whole or not at all."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import asyncpg
import pytest

from shared.adapters.postgres.database import DatabaseAway
from shared.contracts.dial_job import DialJob
from shared.contracts.result_body import ResultFormat
from shared.domain.attempt import ATTEMPT, HELD, AttemptEvent, AttemptState
from shared.domain.campaign import Dialect
from shared.domain.disposition import Outcome
from shared.domain.errors import IllegalTransition, NotFound
from shared.domain.gate import GateFacts, verdict
from shared.domain.number import NUMBER, NumberEvent, NumberState
from shared.domain.retry import BackInLine, Conclude, RetryPolicy, WaitUntil, Withheld, after_withheld
from shared.domain.wall_clock import Weekday
from shared.ports.dialing import Intent, LeasedAttempt, LeaseGone

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

A = AttemptState
LATER = datetime(2199, 1, 1, tzinfo=UTC)
#: The states in which a call may be under way.
CALLING = (A.DIALING, A.RINGING, A.IN_CALL, A.UNKNOWN)

Deed = Callable[["Store", LeasedAttempt], Awaitable[object]]


# Leases ------------------------------------------------------------------------------------------------------


async def test_of_twenty_dialers_one_gets_the_lease(store: "Store") -> None:
    """Twenty ask at the same time for one attempt; one holds it afterwards and the others have nothing."""
    job = await store.planned()
    answers = await asyncio.gather(*(store.lease(job, worker=f"w{number}") for number in range(20)))
    [winner] = [number for number, leased in enumerate(answers) if leased is not None]
    row = await store.attempt(job)
    assert (row["state"], row["epoch"], row["worker"]) == ("LEASED", 1, f"w{winner}")


async def test_every_lease_raises_the_epoch(store: "Store") -> None:
    """A lease that ran out and was given back is another lease the next time."""
    job = await store.planned()
    epochs = []
    for _ in range(3):
        epochs.append((await store.leased(job)).epoch)
        await store.expire_leases()
        assert await store.reaping.free_expired_leases(10) == 1
    assert epochs == [1, 2, 3]


async def test_a_lease_brings_all_that_the_call_needs(store: "Store") -> None:
    """Number, caller id, reference, addresses and retry policy come with the lease."""
    job = await store.planned("tel:+12025550100;ani=+12025550199;postd=1w234,invoice 7")
    await store.sql(
        "UPDATE campaign SET tries_allowed = 4, retry_seconds = '{60,120}', result_format = 'json',"
        " caller_id = '+12025550198', start_method = 'GET', retry_seconds_by_outcome = '{\"3\": 30}'"
    )
    leased = await store.leased(job)
    assert (leased.e164, leased.ani, leased.caller_id) == ("+12025550100", "+12025550199", "+12025550198")
    assert (leased.post_dial, leased.message_reference, leased.variables) == ("1w234", "invoice 7", {})
    assert (leased.start_url, leased.start_method) == ("https://apps.example/start.vxml", "GET")
    assert (leased.result_url, leased.result_format) == ("https://crm.example/results", ResultFormat.JSON)
    assert (leased.epoch, leased.ordinal, leased.tries, leased.took_number) == (1, 1, 0, True)
    assert leased.retry_policy == RetryPolicy(
        tries=4, intervals_seconds=(60, 120), by_outcome_seconds={Outcome.BUSY: 30}
    )


async def test_the_due_instant_is_never_taken_over_early(store: "Store") -> None:
    """On the loop's clock the instant is not before Postgres' own, and the latest one follows at its distance."""
    job = await store.planned()
    leased = await store.leased(job)
    here = asyncio.get_running_loop().time()
    row = await store.attempt(job)
    there = await store.attempts().now()  # read after `here`: a due instant that is right lies no earlier
    assert leased.due >= here + (row["due_at"] - there).total_seconds()
    tolerance = (row["send_by"] - row["due_at"]).total_seconds()
    assert leased.send_by - leased.due == pytest.approx(tolerance, abs=0.05)


async def test_an_attempt_that_cannot_be_on_time_is_left_to_the_reaper(store: "Store") -> None:
    """Past its latest instant it is not leased any more."""
    job = await store.planned()
    await store.make_late()
    assert await store.lease(job) is None
    assert (await store.attempt(job))["state"] == "PLANNED"


@pytest.mark.parametrize("field", ["tenant_id", "campaign_id", "attempt_id"])
async def test_a_job_whose_ids_do_not_belong_together_leases_nothing(store: "Store", field: str) -> None:
    """A bell that was forged or is stale has no effect, whichever of its three ids is another's."""
    job, other = await store.planned(), await store.planned("+12025550101,other")
    message: dict[str, object] = {**job.encode(), field: getattr(other, field)}
    assert await store.lease(DialJob.decode(message)) is None
    assert [row["state"] for row in await store.sql("SELECT state FROM attempt")] == ["PLANNED"] * 2


# One live call per number --------------------------------------------------------------------------------------


async def test_a_number_is_on_one_call_at_a_time_for_its_tenant(store: "Store") -> None:
    """Another campaign's lease does not take the number until the call is over; another tenant's does at once."""
    tenant_id = await store.tenant()
    first = await store.dialing(await store.planned(tenant_id=tenant_id))
    second = await store.leased(await store.planned(tenant_id=tenant_id), worker="w2")
    assert first.took_number
    assert not second.took_number
    assert (await store.leased(await store.planned())).took_number
    assert await store.attempts("w2").withhold(second, Withheld.ELSEWHERE, BackInLine())
    # What had not taken the number must not have freed it.
    holder = await store.one("SELECT attempt_id FROM live_call WHERE tenant_id = $1", tenant_id)
    assert holder == first.job.attempt_id
    assert await store.end(first)
    [again] = await store.tick(second.job.campaign_id)
    assert (await store.leased(again, worker="w2")).took_number


async def test_of_twenty_leases_of_one_number_one_takes_it(store: "Store") -> None:
    """Twenty campaigns of a tenant lease the same number at the same time; one of them has it."""
    tenant_id = await store.tenant()
    jobs = [await store.planned(tenant_id=tenant_id) for _ in range(20)]
    leased = await asyncio.gather(*(store.lease(job, worker=f"w{job.attempt_id}") for job in jobs))
    assert [each is not None and each.took_number for each in leased].count(True) == 1
    assert await store.one("SELECT count(*) FROM live_call") == 1


async def test_workers_that_want_the_same_attempts_and_numbers_do_not_stand_in_each_other_s_way(
    store: "Store",
) -> None:
    """Eight workers ask for all attempts of five campaigns to the same ten people, each in an order of its own.

    Every attempt is one worker's, every number is taken once, and nobody waits for anybody in a circle.
    """
    tenant_id = await store.tenant()
    lines = [f"+120255501{number:02},r" for number in range(10)]
    await store.dialer()
    jobs: list[DialJob] = []
    for _ in range(5):
        jobs += await store.tick(await store.campaign(tenant_id, *lines))
    assert len(jobs) == 50
    rng = random.Random(1)
    orders = [rng.sample(jobs, len(jobs)) for _ in range(8)]
    leases = await asyncio.gather(
        *(store.attempts(f"w{number}").lease(tenant_id, order) for number, order in enumerate(orders))
    )
    leased = [each for lease in leases for each in lease.leased]
    assert {each.job for each in leased} == set(jobs)
    assert len(leased) == len(jobs)
    assert sum(each.took_number for each in leased) == 10
    assert await store.broken_invariants() == {}


# Gates -----------------------------------------------------------------------------------------------------------


async def _stop(store: "Store", leased: LeasedAttempt) -> None:
    await store.campaigns.stop(leased.job.tenant_id, Dialect.PLUM, leased.job.campaign_id)


async def _restart(store: "Store", leased: LeasedAttempt) -> None:
    await _stop(store, leased)
    await store.campaigns.start(leased.job.tenant_id, Dialect.PLUM, leased.job.campaign_id)


async def _hold_tenant(store: "Store", leased: LeasedAttempt) -> None:
    await store.sql("INSERT INTO hold (tenant_id, reason) VALUES ($1, 'unpaid')", leased.job.tenant_id)


async def _hold_platform(store: "Store", _: LeasedAttempt) -> None:
    await store.sql("INSERT INTO hold (tenant_id, reason) VALUES (0, 'carrier maintenance')")


async def _hold_campaign(store: "Store", leased: LeasedAttempt) -> None:
    statement = "INSERT INTO hold (tenant_id, campaign_id, reason) VALUES ($1, $2, 'complaints')"
    await store.sql(statement, leased.job.tenant_id, leased.job.campaign_id)


async def _block(store: "Store", leased: LeasedAttempt) -> None:
    statement = "INSERT INTO blocklist (tenant_id, e164) VALUES ($1, $2)"
    await store.sql(statement, leased.job.tenant_id, leased.e164)


async def _close_window(store: "Store", _: LeasedAttempt) -> None:
    await store.sql("UPDATE attempt SET window_closes_at = clock_timestamp()")


async def _be_late(store: "Store", _: LeasedAttempt) -> None:
    await store.make_late()


#: How each gate is shut, the facts by which the road then differs from an open one, and the reason they make.
GATES: dict[str, tuple[Deed, dict[str, bool], Withheld]] = {
    "stop": (_stop, {"campaign_running": False, "same_epoch": False}, Withheld.STOPPED),
    "stop and start": (_restart, {"same_epoch": False}, Withheld.STOPPED),
    "hold of the tenant": (_hold_tenant, {"held": True}, Withheld.HELD),
    "hold of the platform": (_hold_platform, {"held": True}, Withheld.HELD),
    "hold of the campaign": (_hold_campaign, {"held": True}, Withheld.HELD),
    "blocklist": (_block, {"excluded": True}, Withheld.EXCLUDED),
    "closed window": (_close_window, {"window_open": False}, Withheld.WINDOW_CLOSED),
    "too late": (_be_late, {"on_time": False}, Withheld.LATE),
}
OPEN_ROAD = {
    "campaign_running": True,
    "same_epoch": True,
    "held": False,
    "excluded": False,
    "window_open": True,
    "on_time": True,
}


def _told(facts: GateFacts) -> dict[str, bool]:
    return {
        "campaign_running": facts.campaign_running,
        "same_epoch": facts.same_epoch,
        "held": facts.held,
        "excluded": facts.excluded,
        "window_open": facts.now < facts.window_closes_at,
        "on_time": facts.now <= facts.send_by,
    }


@pytest.mark.parametrize("gate", GATES)
async def test_each_gate_refuses_by_itself(store: "Store", gate: str) -> None:
    """A shut gate alone keeps the intent from being committed; the facts name it, and nothing is changed."""
    shut, differs, reason = GATES[gate]
    leased = await store.leased()
    await shut(store, leased)
    before = await store.picture()
    facts = await store.attempts().commit_intent(leased, "fence")
    assert isinstance(facts, GateFacts)
    assert _told(facts) == OPEN_ROAD | differs
    assert verdict(facts) is reason
    assert await store.picture() == before


@pytest.mark.parametrize("gate", GATES)
async def test_a_refused_attempt_is_withheld_and_costs_no_try(store: "Store", gate: str) -> None:
    """It keeps its reason; its number goes where the domain says, with no try spent, and is free again."""
    shut, _, reason = GATES[gate]
    leased = await store.leased()
    await shut(store, leased)
    decision = after_withheld(reason, now=await store.attempts().now())
    ends = isinstance(decision, Conclude)
    follow_up = (
        store.conclusion(leased, decision.disposition, called=False)
        if isinstance(decision, Conclude)
        else decision
    )
    assert await store.attempts().withhold(leased, reason, follow_up)
    row, number = await store.attempt(leased.job), await store.number_of(leased.job)
    assert (row["state"], row["withheld_because"], row["intent_at"]) == ("WITHHELD", reason.value, None)
    assert (number["state"], number["tries"]) == ("FINAL" if ends else "READY", 0)
    assert await store.sql("SELECT 1 FROM live_call UNION ALL SELECT 1 FROM callee") == []
    results = await store.sql("SELECT outcome, result, attempts FROM result")
    assert [tuple(row) for row in results] == ([(Outcome.EXCLUDED_NUMBER, "rejected", 0)] if ends else [])
    assert await store.one("SELECT count(*) FROM delivery") == ends


@pytest.mark.parametrize("reason", [Withheld.ELSEWHERE, Withheld.NO_TRUNK])
async def test_a_number_that_cannot_be_reached_now_waits_a_little(store: "Store", reason: Withheld) -> None:
    """Its number waits until the instant that the domain says, with no try spent."""
    leased = await store.dialing()
    decision = after_withheld(reason, now=await store.attempts().now())
    assert isinstance(decision, WaitUntil)
    assert await store.attempts().withhold(leased, reason, decision)
    number = await store.number_of(leased.job)
    assert (number["state"], number["next_at"], number["tries"]) == ("WAITING", decision.at, 0)


async def test_what_concerns_others_shuts_no_gate(store: "Store") -> None:
    """A released hold, a hold of another campaign or tenant, and another tenant's blocklist let the call pass."""
    leased, other = await store.leased(), await store.planned("+12025550101,other")
    tenant_id = leased.job.tenant_id
    hold = "INSERT INTO hold (tenant_id, campaign_id, reason, released_at) VALUES ($1, $2, 'why', $3)"
    await store.sql(hold, tenant_id, None, await store.attempts().now())
    await store.sql(hold, tenant_id, other.campaign_id, None)
    await store.sql(hold, other.tenant_id, None, None)
    block = "INSERT INTO blocklist (tenant_id, e164) VALUES ($1, $2)"
    await store.sql(block, other.tenant_id, leased.e164)
    await store.sql(block, tenant_id, "+12025550101")
    assert isinstance(await store.attempts().commit_intent(leased, "fence"), Intent)


# The intent ------------------------------------------------------------------------------------------------------


async def test_an_intent_is_committed_once_and_by_postgres_clock(store: "Store") -> None:
    """It bears the fence and Postgres' time; a second one of the same lease is refused and changes nothing."""
    leased = await store.leased()
    first = await store.attempts().commit_intent(leased, "fence")
    row = await store.attempt(leased.job)
    assert isinstance(first, Intent)
    assert (row["state"], row["fence"], row["intent_at"]) == ("DIALING", "fence", first.at)
    before = await store.picture()
    assert isinstance(await store.attempts().commit_intent(leased, "another"), LeaseGone)
    assert await store.picture() == before


async def test_of_ten_intents_of_one_lease_one_is_committed(store: "Store") -> None:
    """However often it is tried at the same time."""
    leased = await store.leased()
    answers = await asyncio.gather(*(store.attempts().commit_intent(leased, f"f{n}") for n in range(10)))
    assert [isinstance(answer, Intent) for answer in answers].count(True) == 1


async def test_no_intent_after_the_lease_ran_out(store: "Store") -> None:
    """Whether or not the reaper has come by, a lease that has run out is gone."""
    leased = await store.leased()
    await store.expire_leases()
    before = await store.picture()
    assert isinstance(await store.attempts().commit_intent(leased, "fence"), LeaseGone)
    assert await store.picture() == before
    await store.reaping.free_expired_leases(10)
    assert isinstance(await store.attempts().commit_intent(leased, "fence"), LeaseGone)


# A stale worker --------------------------------------------------------------------------------------------------


async def _ring(store: "Store", leased: LeasedAttempt) -> None:
    await store.attempts().record_ringing(leased)


async def _answer(store: "Store", leased: LeasedAttempt) -> None:
    await store.attempts().record_answer(leased)


async def _intend(store: "Store", leased: LeasedAttempt) -> object:
    return await store.attempts().commit_intent(leased, "stale")


async def _renew(store: "Store", leased: LeasedAttempt) -> object:
    return await store.attempts().renew([leased])


async def _conclude(store: "Store", leased: LeasedAttempt) -> object:
    return await store.end(leased)


async def _postpone(store: "Store", leased: LeasedAttempt) -> object:
    return await store.postpone(leased, LATER)


async def _withhold(store: "Store", leased: LeasedAttempt) -> object:
    return await store.attempts().withhold(leased, Withheld.LATE, BackInLine())


DEEDS: dict[str, Deed] = {
    "ring": _ring,
    "answer": _answer,
    "intend": _intend,
    "renew": _renew,
    "conclude": _conclude,
    "postpone": _postpone,
    "withhold": _withhold,
}
#: What a worker is told that comes too late.
REFUSALS: dict[str, object] = dict.fromkeys(DEEDS, False) | {
    "ring": None,
    "answer": None,
    "intend": LeaseGone(),
    "renew": set(),
}


@pytest.mark.parametrize("state", [A.LEASED, *CALLING])
@pytest.mark.parametrize("deed", DEEDS)
async def test_a_stale_epoch_changes_nothing(store: "Store", deed: str, state: AttemptState) -> None:
    """Whatever a worker does that wakes after another has leased, and wherever that one is, no row changes."""
    stale = await store.leased()
    await store.expire_leases()
    assert await store.reaping.free_expired_leases(10) == 1
    current = await store.leased(stale.job, worker="w2")
    if state is not A.LEASED:
        await store.force(current.job, state)
    before = await store.picture()
    assert await DEEDS[deed](store, stale) == REFUSALS[deed]
    assert await store.picture() == before


# The table in SQL ------------------------------------------------------------------------------------------------

#: Which event of the machine each deed of a dialer is.
EVENTS: dict[str, AttemptEvent] = {
    "intend": AttemptEvent.INTEND,
    "ring": AttemptEvent.RING,
    "answer": AttemptEvent.ANSWER,
    "conclude": AttemptEvent.END,
    "postpone": AttemptEvent.END,
    "withhold": AttemptEvent.WITHHOLD,
}


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("deed", EVENTS)
async def test_the_statements_carry_out_the_machine_s_table(
    store: "Store", deed: str, state: AttemptState
) -> None:
    """From each state the deed leads where the table says, and from every other it changes no row."""
    leased = await store.leased()
    await store.force(leased.job, state)
    await store.sql("UPDATE attempt SET lease_until = clock_timestamp() + interval '1 h'")
    before = await store.picture()
    answer = await DEEDS[deed](store, leased)
    if ATTEMPT.takes(state, EVENTS[deed]):
        assert (await store.attempt(leased.job))["state"] == ATTEMPT.after(state, EVENTS[deed])
    else:
        assert answer == REFUSALS[deed]
        assert await store.picture() == before


@pytest.mark.parametrize("state", AttemptState)
async def test_only_a_planned_attempt_is_leased(store: "Store", state: AttemptState) -> None:
    """From every other state a lease changes no row."""
    job = await store.planned()
    await store.force(job, state)
    before = await store.picture()
    leased = await store.lease(job)
    assert (leased is not None) is ATTEMPT.takes(state, AttemptEvent.LEASE)
    assert leased is not None or await store.picture() == before


@pytest.mark.parametrize("state", AttemptState)
async def test_only_what_a_worker_holds_is_renewed(store: "Store", state: AttemptState) -> None:
    """The lease of an attempt that is planned, lost or over is nobody's to renew."""
    leased = await store.leased()
    await store.force(leased.job, state)
    assert await store.attempts().renew([leased]) == ({leased.job.attempt_id} if state in HELD else set())


#: What a dialer does to a number whose attempt is over: the event, and the deed that carries it out.
NUMBER_DEEDS: dict[NumberEvent, Deed] = {
    NumberEvent.RETURN: _withhold,
    NumberEvent.POSTPONE: _postpone,
    NumberEvent.CONCLUDE: _conclude,
}
STORED = (NumberState.READY, NumberState.IN_ATTEMPT, NumberState.WAITING, NumberState.FINAL)


@pytest.mark.parametrize("state", STORED)
@pytest.mark.parametrize("event", NUMBER_DEEDS)
async def test_the_statements_carry_out_the_number_s_table(
    store: "Store", event: NumberEvent, state: NumberState
) -> None:
    """From each state a number goes where the table says; from every other it stays, and gets no result."""
    leased = await store.dialing()
    await store.sql(
        "UPDATE number SET state = $1::number_state, next_at = CASE WHEN $1 = 'WAITING' THEN clock_timestamp() END",
        state.value,
    )
    if NUMBER.takes(state, event):
        await NUMBER_DEEDS[event](store, leased)
        assert (await store.number_of(leased.job))["state"] == NUMBER.after(state, event)
        return
    if event is NumberEvent.CONCLUDE:
        with pytest.raises(IllegalTransition):
            await NUMBER_DEEDS[event](store, leased)
    else:
        await NUMBER_DEEDS[event](store, leased)
    assert (await store.number_of(leased.job))["state"] == state
    assert await store.sql("SELECT 1 FROM result") == []


# The end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CALLING)
async def test_an_end_is_written_once_with_all_that_belongs_to_it(
    store: "Store", state: AttemptState
) -> None:
    """One result, one delivery, one count; the number is final and free; a second report changes nothing."""
    leased = await store.in_state(state)
    assert await store.end(leased)
    row, number = await store.attempt(leased.job), await store.number_of(leased.job)
    assert (row["state"], row["outcome"], row["stage"]) == ("DONE", 1, 10)
    assert (row["sip_status"], row["q850_cause"], row["callee_type"]) == (200, None, "voice")
    assert (row["lease_until"], row["quarantine_until"]) == (None, None)
    assert (number["state"], number["tries"], number["next_at"]) == ("FINAL", 1, None)
    [result] = await store.sql("SELECT * FROM result")
    assert (result["number_id"], result["outcome"], result["stage"]) == (leased.number_id, 1, 10)
    assert (result["result"], result["attempts"], result["duration_seconds"]) == ("completed", 1, 12)
    [delivery] = await store.sql("SELECT * FROM delivery")
    assert (delivery["number_id"], delivery["state"], delivery["tries"]) == (leased.number_id, "QUEUED", 0)
    assert (delivery["url"], delivery["origin"]) == ("https://crm.example/results", "https://crm.example:443")
    assert delivery["webhook_id"] == f"res_{leased.number_id}"
    body = dict(parse_qsl(delivery["body"].decode(), keep_blank_values=True))
    assert (body["call_id"], body["message_reference"], body["exit.choice"]) == (
        str(leased.number_id), "ref", "1",
    )  # fmt: skip
    assert [tuple(r) for r in await store.sql("SELECT outcome, result, numbers FROM outcome_count")] == [
        (1, "completed", 1)
    ]
    assert await store.sql("SELECT 1 FROM live_call") == []
    [callee] = await store.sql("SELECT * FROM callee")
    assert (callee["e164"], callee["last_call_ended_at"]) == (leased.e164, row["ended_at"])
    before = await store.picture()
    assert not await store.end(leased)
    assert not await store.postpone(leased, LATER)
    assert await store.picture() == before


async def test_without_a_result_url_nothing_is_delivered(store: "Store") -> None:
    """The result is kept all the same."""
    assert await store.end(await store.dialing(result_url=None))
    assert await store.one("SELECT count(*) FROM result") == 1
    assert await store.one("SELECT count(*) FROM delivery") == 0


async def test_of_ten_reports_of_one_end_one_is_written(store: "Store") -> None:
    """Ten at the same time make one result and one count."""
    leased = await store.dialing()
    assert sum(await asyncio.gather(*(store.end(leased) for _ in range(10)))) == 1
    assert await store.one("SELECT sum(numbers) FROM outcome_count") == 1


async def test_many_ends_at_the_same_time_are_all_counted(store: "Store") -> None:
    """Thirty calls of one campaign end at once; every one has its result, and the totals agree."""
    tenant_id = await store.tenant()
    lines = [f"+120255501{number:02},r{number}" for number in range(30)]
    campaign_id = await store.campaign(tenant_id, *lines)
    await store.dialer()
    jobs: list[DialJob] = []
    while len(jobs) < len(lines):
        jobs += await store.tick(campaign_id)
    held = await asyncio.gather(*(store.dialing(job) for job in jobs))
    assert all(await asyncio.gather(*(store.end(leased) for leased in held)))
    assert await store.one("SELECT count(*) FROM result") == len(lines)
    assert await store.one("SELECT sum(numbers) FROM outcome_count") == len(lines)
    assert await store.broken_invariants(dialed_early=True) == {}


async def _a_result_is_there(store: "Store", leased: LeasedAttempt) -> None:
    await store.sql(
        "INSERT INTO result (tenant_id, campaign_id, number_id, outcome, stage, result, callee_type, attempts,"
        " duration_seconds) VALUES ($1, $2, $3, 1, 10, 'completed', 'voice', 1, 0)",
        leased.job.tenant_id, leased.job.campaign_id, leased.number_id,
    )  # fmt: skip


async def _the_number_is_final(store: "Store", _: LeasedAttempt) -> None:
    await store.sql("UPDATE number SET state = 'FINAL'")


async def _the_counts_refuse(store: "Store", _: LeasedAttempt) -> None:
    await store.sql("ALTER TABLE outcome_count ADD CONSTRAINT refused CHECK (numbers < 0)")


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (_a_result_is_there, asyncpg.UniqueViolationError),
        (_the_number_is_final, IllegalTransition),
        (_the_counts_refuse, asyncpg.CheckViolationError),
    ],
)
async def test_an_end_that_fails_in_the_middle_leaves_nothing(
    store: "Store", trouble: Deed, error: type[Exception]
) -> None:
    """Whichever step is refused, attempt, number, result, delivery, counts and live call are as before."""
    leased = await store.dialing()
    await trouble(store, leased)
    before = await store.picture()
    try:
        with pytest.raises(error):
            await store.end(leased)
    finally:
        await store.sql("ALTER TABLE outcome_count DROP CONSTRAINT IF EXISTS refused")
    assert await store.picture() == before


async def test_an_end_whose_connection_dies_leaves_nothing(store: "Store") -> None:
    """Postgres ends the connection between two steps: it counts as away, and nothing of the end is there."""
    leased = await store.dialing()
    before = await store.picture()
    async with store.session() as blocker, blocker.transaction():
        await blocker.execute("LOCK TABLE outcome_count IN ACCESS EXCLUSIVE MODE")
        end = asyncio.create_task(store.end(leased))
        waiting = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename IS NOT NULL AND wait_event_type = 'Lock'"
        )
        while not await store.sql(waiting):
            await asyncio.sleep(0.01)
        with pytest.raises(DatabaseAway):
            await end
    assert await store.picture() == before
    assert await store.end(leased)  # said again, as a dialer does


async def test_a_number_to_be_tried_again_waits_with_its_try_counted(store: "Store") -> None:
    """The attempt is done with its outcome; the number waits, is free, and has no result."""
    leased = await store.dialing()
    assert await store.postpone(leased, LATER)
    row, number = await store.attempt(leased.job), await store.number_of(leased.job)
    assert (row["state"], row["outcome"], row["sip_status"], row["q850_cause"]) == ("DONE", 3, 486, 17)
    assert (number["state"], number["next_at"], number["tries"]) == ("WAITING", LATER, 1)
    assert await store.sql("SELECT 1 FROM live_call UNION ALL SELECT 1 FROM result") == []
    assert await store.one("SELECT count(*) FROM callee") == 1
    assert not await store.postpone(leased, LATER)
    assert (await store.number_of(leased.job))["tries"] == 1


@pytest.mark.parametrize("report", ["conclude", "postpone"])
async def test_a_report_within_the_quarantine_wins_and_after_it_changes_nothing(
    store: "Store", report: str
) -> None:
    """A dialer that was thought dead may still tell what became of its call, until the number has its result."""
    early, late = await store.in_state(A.UNKNOWN), await store.in_state(A.UNKNOWN)
    assert await DEEDS[report](store, early) is True
    await store.force(late.job, A.UNKNOWN)
    assert await store.reaping.give_up(lambda _: store.conclusion(late), 10) == 1
    before = await store.picture()
    assert await DEEDS[report](store, late) is False
    assert await store.picture() == before


# Signs of life -----------------------------------------------------------------------------------------------------


async def test_renewing_returns_what_is_still_ours_over_all_tenants(store: "Store") -> None:
    """Leases of several tenants are renewed together; what was lost, is over, or was leased anew is not ours."""
    kept = [await store.in_state(state) for state in (A.DIALING, A.RINGING, A.IN_CALL)]
    kept.append(await store.leased())
    lost = await store.leased()
    await store.force(lost.job, A.PLANNED)
    again = await store.leased(lost.job, worker="w2")
    over = await store.dialing()
    await store.end(over)
    unknown = await store.dialing()
    await store.force(unknown.job, A.UNKNOWN)
    await store.sql("UPDATE attempt SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")
    renewed = await store.attempts().renew([*kept, lost, over, unknown])
    assert renewed == {leased.job.attempt_id for leased in kept}
    assert again.job.attempt_id == lost.job.attempt_id
    alive = await store.sql(
        "SELECT attempt_id FROM attempt WHERE lease_until > clock_timestamp() + interval '9 s'"
    )
    assert {row["attempt_id"] for row in alive} == renewed
    assert await store.attempts().renew([]) == set()


async def test_a_dialer_that_retires_takes_no_more_calls(store: "Store") -> None:
    """What it advertised last counts; after its goodbye nothing does."""
    dialer = store.attempts("w9")
    await dialer.advertise(3)
    await dialer.advertise(5)
    assert [tuple(row) for row in await store.sql("SELECT worker, capacity FROM dialer")] == [("w9", 5)]
    await dialer.retire()
    assert await store.sql("SELECT 1 FROM dialer") == []


async def test_calls_are_hung_up_where_a_stop_or_a_hold_wants_it(store: "Store") -> None:
    """Only the calls of that campaign, tenant or of everybody, and only if that was asked for."""
    stopped, plain, held, other = [await store.dialing() for _ in range(4)]
    calls = [stopped, plain, held, other]
    for leased, hang_up in ((stopped, True), (plain, False)):
        key = leased.job.tenant_id, Dialect.PLUM, leased.job.campaign_id
        await store.campaigns.stop(*key, hang_up=hang_up)
    await store.sql(
        "INSERT INTO hold (tenant_id, reason, hang_up) VALUES ($1, 'why', true)", held.job.tenant_id
    )
    wanted = {stopped.job.attempt_id, held.job.attempt_id}
    assert await store.attempts().to_hang_up(calls) == wanted
    await store.sql("INSERT INTO hold (tenant_id, reason, hang_up) VALUES (0, 'why', true)")
    assert await store.attempts().to_hang_up(calls) == {leased.job.attempt_id for leased in calls}


async def test_a_start_right_after_the_stop_does_not_forget_the_hang_up(store: "Store") -> None:
    """The calls from before the stop are ended although the campaign runs again; those of the new start go on."""
    tenant_id = await store.tenant()
    await store.dialer()
    campaign_id = await store.campaign(tenant_id, "+12025550100,old", "+12025550101,new")
    before, waiting = await store.tick(campaign_id)
    old = await store.dialing(before)
    await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id, hang_up=True)
    await store.campaigns.start(tenant_id, Dialect.PLUM, campaign_id)
    withheld = await store.leased(waiting)
    assert await store.attempts().withhold(withheld, Withheld.STOPPED, BackInLine())
    new = [await store.dialing(job) for job in await store.tick(campaign_id)]
    assert len(new) == 1
    assert await store.attempts().to_hang_up([old, *new]) == {old.job.attempt_id}
    await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id)
    assert await store.attempts().to_hang_up([old, *new]) == {old.job.attempt_id}
    await store.campaigns.stop(
        tenant_id, Dialect.PLUM, campaign_id, hang_up=True
    )  # a stopped one may be told it, too
    assert await store.attempts().to_hang_up([old, *new]) == {old.job.attempt_id, new[0].job.attempt_id}


async def test_the_calendar_is_that_of_the_campaign_as_it_stands(store: "Store") -> None:
    """A changed date or schedule is seen at once, and another tenant's campaign is unknown."""
    job = await store.planned()
    await store.sql("UPDATE schedule SET days = '{mon}'")
    calendar = await store.attempts().calendar(job)
    assert calendar.weekdays == {Weekday.MONDAY}
    assert len(calendar.windows) == 1
    stranger = DialJob(tenant_id=await store.tenant(), campaign_id=job.campaign_id, attempt_id=job.attempt_id)
    with pytest.raises(NotFound):
        await store.attempts().calendar(stranger)


async def test_postgres_tells_the_time_in_utc(store: "Store") -> None:
    """The clock that decides goes on, and says that it is UTC."""
    first, second = await store.attempts().now(), await store.attempts().now()
    assert first.utcoffset() == timedelta(0)
    assert first < second
