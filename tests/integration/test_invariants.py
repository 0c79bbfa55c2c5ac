"""The invariants in SQL: they hold after everything that can happen, and each of them notices when it is broken."""

import asyncio
import random
import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from services.pacer.reaper import unknown
from shared.adapters.postgres.queries import queries
from shared.contracts.dial_job import DialJob
from shared.domain.campaign import Dialect
from shared.domain.gate import verdict
from shared.domain.pace import Pace
from shared.domain.retry import BackInLine, Conclude, Withheld, after_withheld
from shared.ports.dialing import Intent, LeasedAttempt, LeaseGone

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVARIANTS = queries("invariants")
#: A hundred calls a second.
FAST = Pace(period_minutes=1, amount=6000)


async def furnish(store: "Store") -> None:
    """Leave one number in each situation: final, waiting, ready again, on the phone, lost, and in line."""
    await store.dialer()
    campaign_id = await store.campaign(
        await store.tenant(), *(f"+120255501{number:02},r" for number in range(6)), pace=FAST
    )
    jobs = await store.tick(campaign_id)
    await store.end(await store.dialing(jobs[0]))
    await store.postpone(await store.dialing(jobs[1]), (await store.attempts().now()).replace(year=2199))
    await store.attempts().withhold(await store.leased(jobs[2]), Withheld.SHUTDOWN, BackInLine())
    await store.dialing(jobs[3])
    await store.dialing(jobs[4])
    lost = "UPDATE attempt SET lease_until = '2020-01-01' WHERE attempt_id = $1"
    await store.sql(lost, jobs[4].attempt_id)
    await store.reaping.quarantine_lost_calls(3600, 10)
    # These were dialed as soon as they were leased and not at their instants, which lay two seconds ahead.
    await store.sql("UPDATE attempt SET due_at = due_at - interval '1 h'")
    await store.sql("UPDATE campaign_pacing SET last_due_at = last_due_at - interval '1 h'")


async def test_each_invariant_says_which_it_is() -> None:
    """Every query's comment begins with a number, and together they are all that a schema can tell."""
    text = (files("shared.adapters.postgres.queries") / "invariants.sql").read_text(encoding="utf-8")
    numbers = re.findall(r"^-- name: [a-z_]+\n-- (I[0-9]+)\. ", text, re.MULTILINE)
    assert len(numbers) == len(INVARIANTS)
    assert set(numbers) == {f"I{number}" for number in range(1, 14)}


async def test_an_empty_database_breaks_nothing(store: "Store") -> None:
    """Nothing has happened, so nothing is wrong."""
    assert await store.broken_invariants() == {}


async def test_nothing_is_broken_by_an_ordinary_road(store: "Store") -> None:
    """Numbers in every situation at once leave every invariant whole."""
    await furnish(store)
    assert await store.broken_invariants() == {}


#: What breaks each invariant, done to the furnished database by somebody with power over it.
BREAKS: dict[str, tuple[str, ...]] = {
    "one_invite_per_attempt": (
        "UPDATE attempt SET intent_at = NULL WHERE state = 'DONE'",
        "UPDATE attempt SET fence = NULL WHERE state = 'DIALING'",
        "UPDATE attempt SET fence = 'the same' WHERE fence IS NOT NULL",
    ),
    "one_live_call_per_number": (
        "DELETE FROM live_call",
        "UPDATE live_call SET e164 = '+12025550999' WHERE attempt_id = (SELECT min(attempt_id) FROM live_call)",
        "INSERT INTO live_call SELECT tenant_id, '+1', campaign_id, attempt_id FROM attempt WHERE outcome = 1",
    ),
    "one_attempt_at_a_time": (
        "UPDATE number SET state = 'READY' WHERE state = 'IN_ATTEMPT'",
        "UPDATE number SET state = 'IN_ATTEMPT' WHERE state = 'READY'",
        "UPDATE attempt SET state = 'PLANNED', withheld_because = NULL WHERE state = 'WITHHELD'",
        """
        UPDATE attempt SET number_id = (SELECT number_id FROM attempt WHERE state = 'DIALING'), ordinal = 0,
                           ended_at = clock_timestamp()
        WHERE outcome = 3
        """,
    ),
    "tries_are_calls": (
        "UPDATE number SET tries = tries + 1 WHERE state = 'READY'",
        "UPDATE number SET tries = 0 WHERE state = 'WAITING'",
        "UPDATE number SET last_ordinal = 2 WHERE state = 'FINAL'",
        "DELETE FROM attempt WHERE state = 'WITHHELD'",
    ),
    "one_result_per_final_number": (
        "DELETE FROM result",
        "UPDATE number SET state = 'READY' WHERE state = 'FINAL'",
    ),
    "one_delivery_per_result": ("DELETE FROM delivery", "UPDATE campaign SET result_url = NULL"),
    "one_webhook_id_per_result": (
        "UPDATE delivery SET webhook_id = 'res_1000000'",
        "UPDATE delivery SET state = 'DELIVERED'",
        "UPDATE delivery SET delivered_at = clock_timestamp()",
    ),
    "no_way_back_from_an_intent": (
        "UPDATE attempt SET state = 'PLANNED' WHERE state = 'DIALING'",
        "UPDATE attempt SET state = 'LEASED' WHERE state = 'UNKNOWN'",
    ),
    "no_call_out_of_its_time": (
        "UPDATE attempt SET due_at = intent_at + interval '60 ms' WHERE intent_at IS NOT NULL",
        "UPDATE attempt SET send_by = intent_at - interval '1 ms' WHERE intent_at IS NOT NULL",
        "UPDATE attempt SET window_closes_at = intent_at WHERE intent_at IS NOT NULL",
        "UPDATE campaign SET state = 'STOPPED', stopped_at = clock_timestamp() - interval '1 h'",
    ),
    "no_call_under_a_hold": (
        "INSERT INTO hold (tenant_id, reason, placed_at) VALUES (0, 'why', '2020-01-01')",
        """
        INSERT INTO hold (tenant_id, campaign_id, reason, placed_at, released_at)
        SELECT tenant_id, campaign_id, 'why', '2020-01-01', clock_timestamp() FROM campaign
        """,
    ),
    "pace_is_kept": (
        "UPDATE campaign_pacing SET ring_bounds = '[[1, 2, 0, 0, null]]'",
        "UPDATE campaign_pacing SET ring_bounds = '[[1, 5, 0, 0, 4102444800000000]]'",
    ),
    "emissions_in_order": (
        "UPDATE campaign_pacing SET emitted = emitted + 1",
        "UPDATE campaign_pacing SET last_due_at = NULL",
        "UPDATE attempt SET emission_no = emission_no + 10",
        "UPDATE attempt SET due_at = due_at - interval '1 day' WHERE state = 'UNKNOWN'",
    ),
    "caps_are_kept": ("UPDATE campaign SET calls_at_once = 1",),
    "numbers_are_conserved": (
        "DELETE FROM number WHERE state = 'READY'",
        "UPDATE campaign_queue SET accepted = accepted + 1",
        "UPDATE campaign_queue SET last_batch_no = 2",
        "UPDATE batch SET accepted = 0",
        "UPDATE outcome_count SET numbers = 2",
        "DELETE FROM outcome_count",
        "DELETE FROM result",
    ),
    "tenants_are_apart": ("ALTER TABLE number NO FORCE ROW LEVEL SECURITY",),
    "no_call_after_an_opt_out": (
        "INSERT INTO blocklist (tenant_id, e164, created_at) SELECT tenant_id, e164, '2020-01-01' FROM callee",
    ),
    "epochs_only_rise": (
        "UPDATE campaign SET epoch = 0",
        "UPDATE delivery SET state = 'SENDING', lease_until = clock_timestamp()",
        "UPDATE attempt SET state = 'LEASED', epoch = 0 WHERE state = 'DIALING'",
    ),
}


async def test_every_invariant_is_broken_once_at_least() -> None:
    """One that nothing can break would prove nothing."""
    assert set(BREAKS) == set(INVARIANTS)


@pytest.mark.parametrize(("name", "deed"), [(name, deed) for name, deeds in BREAKS.items() for deed in deeds])
async def test_an_invariant_that_is_broken_names_what_breaks_it(store: "Store", name: str, deed: str) -> None:
    """Each break alone is found by its query."""
    await furnish(store)
    async with store.session() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SET LOCAL session_replication_role = replica")  # foreign keys look away
        assert await connection.execute(deed) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}
        assert await connection.fetch(INVARIANTS[name], 10) != []
        await transaction.rollback()


# Everything at once ------------------------------------------------------------------------------------------------


async def _dial(store: "Store", worker: str, job: DialJob, rng: random.Random) -> None:
    """Be a dialer that does with an attempt one of the things that dialers do, or dies over it."""
    attempts = store.attempts(worker)
    leased = await store.lease(job, worker=worker)
    if leased is None or rng.random() < 0.1:
        return
    if not leased.took_number:
        await attempts.withhold(leased, Withheld.ELSEWHERE, BackInLine())
        return
    answer = await attempts.commit_intent(leased, f"{worker}/{job.attempt_id}/{leased.epoch}")
    match answer:
        case LeaseGone():
            return
        case Intent():
            await _call(store, worker, leased, rng)
        case _:
            reason = verdict(answer) or Withheld.LATE
            decision = after_withheld(reason, now=answer.now)
            if isinstance(decision, Conclude):
                ending = store.conclusion(leased, decision.disposition, called=False)
                await attempts.withhold(leased, reason, ending)
            else:
                await attempts.withhold(leased, reason, decision)


async def _call(store: "Store", worker: str, leased: LeasedAttempt, rng: random.Random) -> None:
    attempts = store.attempts(worker)
    match rng.randrange(6):
        case 0:
            return  # it dies on the phone
        case 1:
            await attempts.withhold(leased, Withheld.NO_TRUNK, BackInLine())
        case 2:
            await store.postpone(leased, await attempts.now(), worker=worker)
        case _:
            await attempts.record_ringing(leased)
            await attempts.record_answer(leased)
            await attempts.renew([leased])
            await store.end(leased, worker=worker)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_side_by_side_every_invariant_holds(store: "Store", seed: int) -> None:
    """Two tenants, four campaigns, pacers, dialers that die, reapers, stops, starts, uploads and blocked numbers.

    In the end every number that is not in line has its result, and all of it is checked while it happens.
    """
    rng = random.Random(seed)
    tenants = [await store.tenant() for _ in range(2)]
    lines = [f"+120255501{number:02},r{number}" for number in range(12)]
    campaigns = [(t, await store.campaign(t, *lines, pace=FAST)) for t in tenants for _ in range(2)]
    await store.dialer(capacity=200)
    await store.sql("INSERT INTO blocklist (tenant_id, e164) SELECT tenant_id, '+12025550107' FROM tenant")
    await store.sql("UPDATE campaign SET calls_at_once = 4 WHERE campaign_id = $1", campaigns[0][1])

    async def dial() -> None:
        jobs = await store.tick()
        await asyncio.gather(*(_dial(store, f"w{rng.randrange(3)}", job, rng) for job in jobs))

    async def owner() -> None:
        tenant_id, campaign_id = rng.choice(campaigns)
        await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id)
        await store.add(tenant_id, campaign_id, f"+1303555{rng.randrange(10_000):04},extra {rng.random()}")
        await store.campaigns.start(tenant_id, Dialect.PLUM, campaign_id)

    async def reap() -> None:
        await store.reaping.free_expired_leases(100)
        await store.reaping.withhold_late(100)
        await store.reaping.quarantine_lost_calls(0, 100)
        await store.reaping.give_up(unknown, 100)

    for _ in range(8):
        # Dialers of the last round are dead, attempts of the last round are due: the next one finds all that is left.
        await store.sql("UPDATE attempt SET lease_until = '2020-01-01' WHERE lease_until IS NOT NULL")
        await store.sql(
            "UPDATE attempt SET send_by = '2020-01-01' WHERE state = 'PLANNED' AND attempt_id % 3 = $1",
            rng.randrange(3),
        )
        await store.sql("UPDATE campaign_pacing SET look_at = clock_timestamp()")
        await asyncio.gather(owner(), reap(), reap(), *(dial() for _ in range(6)))
        assert await store.broken_invariants(dialed_early=True) == {}
    assert await store.one("SELECT count(*) FROM result") > 0
    assert await store.one("SELECT count(*) FROM attempt WHERE state = 'DONE' AND outcome = 10") > 0
