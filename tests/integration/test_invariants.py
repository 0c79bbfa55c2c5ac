"""The invariants in SQL: they hold after everything that can happen, and each of them notices when it is broken."""

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from services.pacer.reaper import unknown
from shared.adapters.postgres.invariants import INVARIANTS
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
    """Each has a sentence for people, and together they are all that a schema can tell: I14 is about logs."""
    assert {invariant.number for invariant in INVARIANTS} == {f"I{number}" for number in range(1, 14)}
    assert {invariant.kind for invariant in INVARIANTS} == {
        "attempt", "number", "campaign", "table oid", "role oid",
    }  # fmt: skip
    assert all(invariant.sentence.endswith(".") for invariant in INVARIANTS)


async def test_an_empty_database_breaks_nothing(store: "Store") -> None:
    """Nothing has happened, so nothing is wrong."""
    assert await store.broken_invariants() == {}


async def test_nothing_is_broken_by_an_ordinary_road(store: "Store") -> None:
    """Numbers in every situation at once leave every invariant whole."""
    await furnish(store)
    assert await store.broken_invariants() == {}


#: Of the attempts, those that were intended, and those that may ring.
INTENDED = "SELECT attempt_id FROM attempt WHERE intent_at IS NOT NULL"
OF_ONE_CAMPAIGN = "SELECT campaign_id FROM campaign"
OF_ONE_DELIVERY = "SELECT number_id FROM delivery"

#: What breaks each invariant, done to the furnished database by somebody with power over it, and whom that names.
BREAKS: dict[str, tuple[tuple[str, str], ...]] = {
    "one_invite_per_attempt": (
        (
            "UPDATE attempt SET intent_at = NULL WHERE state = 'DONE'",
            "SELECT attempt_id FROM attempt WHERE state = 'DONE'",
        ),
        (
            "UPDATE attempt SET fence = NULL WHERE state = 'DIALING'",
            "SELECT attempt_id FROM attempt WHERE state = 'DIALING'",
        ),
        (
            "UPDATE attempt SET epoch = 0 WHERE state = 'UNKNOWN'",
            "SELECT attempt_id FROM attempt WHERE state = 'UNKNOWN'",
        ),
        ("UPDATE attempt SET fence = 'the same' WHERE fence IS NOT NULL", INTENDED),
    ),
    "one_live_call_per_number": (
        ("DELETE FROM live_call", "SELECT attempt_id FROM attempt WHERE state IN ('DIALING', 'UNKNOWN')"),
        (
            "UPDATE live_call SET e164 = '+12025550999' WHERE attempt_id = (SELECT min(attempt_id) FROM live_call)",
            "SELECT min(attempt_id) FROM live_call",
        ),
        (
            "INSERT INTO live_call SELECT tenant_id, '+1', campaign_id, attempt_id FROM attempt WHERE outcome = 1",
            "SELECT attempt_id FROM attempt WHERE outcome = 1",
        ),
    ),
    "one_attempt_at_a_time": (
        (
            "UPDATE number SET state = 'READY' WHERE state = 'IN_ATTEMPT'",
            "SELECT number_id FROM attempt WHERE state IN ('PLANNED', 'DIALING', 'UNKNOWN')",
        ),
        (
            "UPDATE number SET state = 'IN_ATTEMPT' WHERE state = 'READY'",
            "SELECT number_id FROM attempt WHERE state = 'WITHHELD'",
        ),
        (
            "UPDATE attempt SET state = 'PLANNED', withheld_because = NULL WHERE state = 'WITHHELD'",
            "SELECT number_id FROM number WHERE state = 'READY'",
        ),
        (
            """
            UPDATE attempt SET number_id = (SELECT number_id FROM attempt WHERE state = 'DIALING'), ordinal = 0,
                               ended_at = clock_timestamp()
            WHERE outcome = 3
            """,
            "SELECT number_id FROM attempt WHERE state = 'DIALING'",
        ),
    ),
    "tries_are_calls": (
        (
            "UPDATE number SET tries = tries + 1 WHERE state = 'READY'",
            "SELECT number_id FROM number WHERE state = 'READY'",
        ),
        (
            "UPDATE number SET tries = 0 WHERE state = 'WAITING'",
            "SELECT number_id FROM number WHERE state = 'WAITING'",
        ),
        (
            "UPDATE number SET last_ordinal = 2 WHERE state = 'FINAL'",
            "SELECT number_id FROM number WHERE state = 'FINAL'",
        ),
        (
            "DELETE FROM attempt WHERE state = 'WITHHELD'",
            "SELECT number_id FROM number WHERE state = 'READY'",
        ),
    ),
    "one_result_per_final_number": (
        ("DELETE FROM result", "SELECT number_id FROM number WHERE state = 'FINAL'"),
        ("UPDATE number SET state = 'READY' WHERE state = 'FINAL'", "SELECT number_id FROM result"),
    ),
    "one_delivery_per_result": (
        ("DELETE FROM delivery", "SELECT number_id FROM result"),
        ("UPDATE campaign SET result_url = NULL", OF_ONE_DELIVERY),
    ),
    "one_webhook_id_per_result": (
        ("UPDATE delivery SET webhook_id = 'res_1000000'", OF_ONE_DELIVERY),
        ("UPDATE delivery SET state = 'DELIVERED'", OF_ONE_DELIVERY),
        ("UPDATE delivery SET delivered_at = clock_timestamp()", OF_ONE_DELIVERY),
    ),
    "tries_are_logged": (
        ("UPDATE delivery SET tries = 1", OF_ONE_DELIVERY),
        (
            """
            INSERT INTO delivery_try (tenant_id, campaign_id, number_id, try_no)
            SELECT tenant_id, campaign_id, number_id, 1 FROM delivery
            """,
            OF_ONE_DELIVERY,
        ),
        (
            """
            WITH tried AS (UPDATE delivery SET tries_before = 1 RETURNING tenant_id, campaign_id, number_id)
            INSERT INTO delivery_try (tenant_id, campaign_id, number_id, try_no) SELECT *, 2 FROM tried
            """,
            OF_ONE_DELIVERY,
        ),
    ),
    "no_way_back_from_an_intent": (
        (
            "UPDATE attempt SET state = 'PLANNED' WHERE state = 'DIALING'",
            "SELECT attempt_id FROM attempt WHERE state = 'PLANNED' AND intent_at IS NOT NULL",
        ),
        (
            "UPDATE attempt SET state = 'LEASED' WHERE state = 'UNKNOWN'",
            "SELECT attempt_id FROM attempt WHERE state = 'LEASED'",
        ),
    ),
    "no_call_out_of_its_time": (
        ("UPDATE attempt SET due_at = intent_at + interval '60 ms' WHERE intent_at IS NOT NULL", INTENDED),
        ("UPDATE attempt SET send_by = intent_at - interval '60 ms' WHERE intent_at IS NOT NULL", INTENDED),
        (
            "UPDATE attempt SET window_closes_at = intent_at - interval '60 ms' WHERE intent_at IS NOT NULL",
            INTENDED,
        ),
        (
            "UPDATE attempt SET callee_closes_at = intent_at - interval '60 ms' WHERE intent_at IS NOT NULL",
            INTENDED,
        ),
        ("UPDATE campaign SET state = 'STOPPED', stopped_at = clock_timestamp() - interval '1 h'", INTENDED),
    ),
    "callees_zones_are_known": (
        (
            "UPDATE campaign SET callee_from_minute = 480, callee_until_minute = 1260",
            "SELECT number_id FROM number WHERE state <> 'FINAL'",
        ),
    ),
    "callees_hours_are_known": (
        (
            "UPDATE campaign SET callee_from_minute = 480, callee_until_minute = 1260",
            "SELECT attempt_id FROM attempt",
        ),
    ),
    "no_call_under_a_hold": (
        ("INSERT INTO hold (tenant_id, reason, placed_at) VALUES (0, 'why', '2020-01-01')", INTENDED),
        (
            """
            INSERT INTO hold (tenant_id, campaign_id, reason, placed_at, released_at)
            SELECT tenant_id, campaign_id, 'why', '2020-01-01', clock_timestamp() FROM campaign
            """,
            INTENDED,
        ),
    ),
    "pace_is_kept": (
        (
            "UPDATE campaign_pacing SET ring_bounds = '[[1, 2, 0, 0, null]]'",
            "SELECT attempt_id FROM attempt WHERE emission_no > 2",
        ),
        (
            "UPDATE campaign_pacing SET ring_bounds = '[[1, 5, 0, 0, 4102444800000000]]'",
            "SELECT attempt_id FROM attempt WHERE emission_no > 5",
        ),
    ),
    "emissions_in_order": (
        (
            "UPDATE attempt SET emission_no = emission_no + 10",
            "SELECT attempt_id FROM attempt WHERE emission_no = 11",
        ),
        (
            "UPDATE attempt SET due_at = due_at - interval '1 day' WHERE state = 'UNKNOWN'",
            "SELECT attempt_id FROM attempt WHERE state = 'UNKNOWN'",
        ),
    ),
    "emissions_are_known": (
        ("UPDATE campaign_pacing SET emitted = emitted + 1", OF_ONE_CAMPAIGN),
        ("UPDATE campaign_pacing SET last_due_at = NULL", OF_ONE_CAMPAIGN),
    ),
    "caps_are_kept": (("UPDATE campaign SET calls_at_once = 1", OF_ONE_CAMPAIGN),),
    "numbers_are_conserved": tuple(
        (deed, OF_ONE_CAMPAIGN)
        for deed in (
            "DELETE FROM number WHERE state = 'READY'",
            "UPDATE campaign_queue SET accepted = accepted + 1",
            "UPDATE campaign_queue SET last_batch_no = 2",
            "UPDATE batch SET accepted = 0",
            "UPDATE outcome_count SET numbers = 2",
            "DELETE FROM outcome_count",
            "DELETE FROM result",
        )
    ),
    "tenants_are_apart": (
        ("ALTER TABLE number NO FORCE ROW LEVEL SECURITY", "SELECT 'number'::regclass::oid"),
        ("ALTER TABLE result DISABLE ROW LEVEL SECURITY", "SELECT 'result'::regclass::oid"),
    ),
    "no_role_is_above_the_law": (
        ("ALTER ROLE paceline_dialer BYPASSRLS", "SELECT 'paceline_dialer'::regrole::oid"),
        ("ALTER TABLE hold OWNER TO paceline_api", "SELECT 'paceline_api'::regrole::oid"),
    ),
    "no_call_after_an_opt_out": (
        (
            "INSERT INTO blocklist (tenant_id, e164, created_at) SELECT tenant_id, e164, '2020-01-01' FROM callee",
            "SELECT attempt_id FROM attempt WHERE state = 'DONE'",
        ),
    ),
    "epochs_only_rise": (
        ("UPDATE campaign SET epoch = 0", "SELECT attempt_id FROM attempt"),
        (
            "UPDATE attempt SET state = 'LEASED', epoch = 0 WHERE state = 'DIALING'",
            "SELECT attempt_id FROM attempt WHERE state = 'LEASED'",
        ),
    ),
    "sending_has_an_epoch": (
        ("UPDATE delivery SET state = 'SENDING', lease_until = clock_timestamp()", OF_ONE_DELIVERY),
    ),
}


async def test_every_invariant_is_broken_once_at_least() -> None:
    """One that nothing can break would prove nothing."""
    assert set(BREAKS) == {invariant.name for invariant in INVARIANTS}


@pytest.mark.parametrize(
    ("name", "deed", "named"), [(name, *broken) for name, breaks in BREAKS.items() for broken in breaks]
)
async def test_an_invariant_that_is_broken_names_what_breaks_it(
    store: "Store", name: str, deed: str, named: str
) -> None:
    """Each break alone is found by its query, with the ids of all that it concerns and of nothing else."""
    await furnish(store)
    async with store.session() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SET LOCAL session_replication_role = replica")  # foreign keys look away
        assert await connection.execute(deed) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}
        broken_by = {row["id"] for row in await connection.fetch(queries("invariants")[name])}
        assert broken_by == {row[0] for row in await connection.fetch(named)} != set()
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
        asked = [store.broken_invariants(dialed_early=True) for _ in range(2)]
        _, _, _, *found = await asyncio.gather(owner(), reap(), reap(), *asked, *(dial() for _ in range(6)))
        assert found[:2] == [{}, {}]
        assert await store.broken_invariants(dialed_early=True) == {}
    assert await store.one("SELECT count(*) FROM result") > 0
    assert await store.one("SELECT count(*) FROM attempt WHERE state = 'DONE' AND outcome = 10") > 0
