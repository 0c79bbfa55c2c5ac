"""The pacer's ticks on a real Postgres: who is claimed, in which order, how many, and when a campaign is looked at."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from services.pacer.pacer import Pacer
from services.pacer.planner import Conditions, plan_campaign
from shared.adapters.postgres.database import Database, DatabaseAway
from shared.adapters.postgres.planning import PostgresPlanning
from shared.adapters.postgres.queries import queries
from shared.contracts.dial_job import DialJob
from shared.domain.campaign import CAMPAIGN, CampaignEvent, CampaignState, Dialect
from shared.domain.gate import GateFacts
from shared.domain.looks import LEAD
from shared.domain.number import NUMBER, NumberEvent, NumberState
from shared.domain.pace import Pace
from shared.domain.retry import BackInLine, Withheld
from shared.observability.tally import Tally
from shared.ports.dialing import Intent
from shared.ports.doorbell import Doorbell

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: A hundred calls a second: one tick has more than a hundred slots in sight.
FAST = Pace(period_minutes=1, amount=6000)
#: The next slot is a minute away: out of sight of every look but the one before it.
SLOW = Pace(period_minutes=1, amount=1)
HORIZON = timedelta(seconds=2)
CONDITIONS = Conditions(horizon=HORIZON, doorbell_works=True)
#: Longer than any wait that is not a rest.
A_REST_SECONDS = 600.0
#: A dialer that is about to be given up, and is not yet.
SEEN_FIVE_SECONDS_AGO = "UPDATE dialer SET seen_at = clock_timestamp() - interval '5 s'"
#: In sight of a tick, and far enough ahead to be heard.
SLOT_IN_A_SECOND = "UPDATE campaign_pacing SET cycle_started_at = clock_timestamp() - interval '58.9 s'"
#: A machine that does something else in the moment between two statements does not do so every time.
MOMENTS = 20


class Bell(Doorbell):
    """A doorbell that works and remembers what was rung."""

    def __init__(self) -> None:
        self.jobs: list[DialJob] = []
        self.rung = asyncio.Event()

    @override
    async def ring(self, jobs: Sequence[DialJob]) -> None:
        self.jobs.extend(jobs)
        self.rung.set()

    @override
    async def ring_deliverers(self) -> None:
        raise AssertionError("Nothing here ends a number.")

    @override
    async def works(self) -> bool:
        return True


def lines(count: int, *, area: int = 202) -> list[str]:
    """Return lines of different numbers."""
    return [f"+1{area}555{number:04},r{number}" for number in range(count)]


async def running(store: "Store", count: int = 1, *, pace: Pace = FAST) -> tuple[int, int]:
    """Start a campaign of so many numbers with a dialer; returns tenant and campaign."""
    tenant_id = await store.tenant()
    await store.dialer()
    return tenant_id, await store.campaign(tenant_id, *lines(count), pace=pace)


async def soon_after(store: "Store", statement: str, campaign_id: int) -> list[DialJob]:
    """Tick in the moment after a statement, of which a busy machine may need a few."""
    for _ in range(MOMENTS):
        await store.sql(statement)
        if jobs := await store.tick(campaign_id):
            return jobs
    return []


async def give_back(store: "Store", job: DialJob) -> None:
    """Withhold an attempt, so that its number is back in line."""
    assert await store.attempts().withhold(await store.leased(job), Withheld.SHUTDOWN, BackInLine())


# The line --------------------------------------------------------------------------------------------------------


async def test_numbers_are_claimed_by_batch_and_line(store: "Store") -> None:
    """The first upload goes before the second, and each goes from its first line to its last."""
    tenant_id, campaign_id = await running(store, 3)
    await store.add(tenant_id, campaign_id, *lines(2, area=303))
    jobs = await store.tick(campaign_id)
    assert await store.lines_of(jobs) == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    emissions = await store.sql("SELECT emission_no FROM attempt ORDER BY due_at")
    assert [row["emission_no"] for row in emissions] == [1, 2, 3, 4, 5]


async def test_numbers_whose_time_has_come_go_before_the_line(store: "Store") -> None:
    """Whoever waited longest is first; who waits for a later instant is left, and nobody is due before his time."""
    _, campaign_id = await running(store, 5)
    wait = (
        "UPDATE number SET state = 'WAITING', next_at = clock_timestamp() + make_interval(secs => $2)"
        " WHERE line_no = $1"
    )
    for line_no, seconds in ((5, -60.0), (3, -3600.0), (4, 0.3), (2, 3600.0)):
        await store.sql(wait, line_no, seconds)
    before = {
        row["number_id"]: row["next_at"] for row in await store.sql("SELECT number_id, next_at FROM number")
    }
    jobs = await store.tick(campaign_id)
    assert await store.lines_of(jobs) == [(1, 3), (1, 5), (1, 4), (1, 1)]
    for row in await store.sql("SELECT number_id, due_at FROM attempt"):
        assert before[row["number_id"]] is None or row["due_at"] >= before[row["number_id"]]


async def test_numbers_that_came_back_behind_the_cursor_are_found_again(store: "Store") -> None:
    """The cursor is a hint: when nobody is left ahead of it, the line is read from its beginning."""
    tenant_id = await store.tenant()
    await store.dialer(capacity=2)
    campaign_id = await store.campaign(tenant_id, *lines(4), pace=FAST)
    first, second = await store.tick(campaign_id)
    await give_back(store, first)
    await give_back(store, second)
    await store.dialer(capacity=1000)
    assert await store.lines_of(await store.tick(campaign_id)) == [(1, 3), (1, 4), (1, 1), (1, 2)]
    assert await store.tick(campaign_id) == []


@pytest.mark.parametrize(
    "state", [NumberState.READY, NumberState.IN_ATTEMPT, NumberState.WAITING, NumberState.FINAL]
)
async def test_only_numbers_in_line_are_claimed(store: "Store", state: NumberState) -> None:
    """The claim takes what the number's table allows and leaves every other state alone."""
    _, campaign_id = await running(store)
    await store.sql(
        "UPDATE number SET state = $1::number_state, next_at = CASE WHEN $1 = 'WAITING' THEN clock_timestamp() END",
        state.value,
    )
    claimed = await store.tick(campaign_id)
    assert bool(claimed) is NUMBER.takes(state, NumberEvent.CLAIM)
    assert await store.one("SELECT state::text FROM number") == (NumberState.IN_ATTEMPT if claimed else state)


# Due instants ----------------------------------------------------------------------------------------------------


async def test_every_attempt_is_due_between_lead_and_horizon_of_its_tick(store: "Store") -> None:
    """Due instants rise, lie far enough ahead to be heard and no farther than the horizon, with their latest send."""
    _, campaign_id = await running(store, 400)
    planning = PostgresPlanning(store.databases["pacer"], send_tolerance_seconds=0.1)
    last_due = None
    for _ in range(3):
        await store.look_now(campaign_id)
        async with planning.tick() as tick:
            assert tick is not None
            jobs = await plan_campaign(tick, CONDITIONS)
            now = tick.campaign.now
        ids = [job.attempt_id for job in jobs]
        for row in await store.sql("SELECT * FROM attempt WHERE attempt_id = ANY($1) ORDER BY due_at", ids):
            assert now + LEAD <= row["due_at"] <= now + HORIZON
            assert row["send_by"] - row["due_at"] == timedelta(milliseconds=100)
            assert row["due_at"] < row["window_closes_at"]
            assert last_due is None or row["due_at"] > last_due
            last_due = row["due_at"]
    assert last_due is not None


async def test_a_rolled_back_tick_leaves_nothing(store: "Store") -> None:
    """A pacer that fails after its claim has claimed nobody and moved nothing."""
    _, campaign_id = await running(store, 3)
    await store.look_now(campaign_id)
    before = await store.picture()

    async def fail() -> None:
        async with store.planning.tick() as tick:
            assert tick is not None
            assert len(await plan_campaign(tick, CONDITIONS)) == 3
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await store.picture() == before


# Pacers side by side -----------------------------------------------------------------------------------------------


async def test_a_campaign_is_one_pacer_s_at_a_time_and_the_next_is_another_s(store: "Store") -> None:
    """While one decides for a campaign, another gets the other campaign, and a third gets none."""
    _, first = await running(store)
    _, second = await running(store)
    async with store.planning.tick() as one, store.planning.tick() as two, store.planning.tick() as three:
        assert one is not None
        assert two is not None
        assert {one.campaign.campaign_id, two.campaign.campaign_id} == {first, second}
        assert three is None


async def test_four_pacers_claim_every_number_once_and_no_slot_twice(store: "Store") -> None:
    """However they take turns on one campaign: an attempt a number, an instant an attempt, no emission missing."""
    _, campaign_id = await running(store, 300)
    async with asyncio.timeout(60):
        while await store.one("SELECT count(*) FROM attempt") < 300:
            await store.look_now(campaign_id)
            await asyncio.gather(*(store.tick() for _ in range(4)))
    [row] = await store.sql(
        "SELECT count(*) AS attempts, count(DISTINCT number_id) AS numbers, count(DISTINCT due_at) AS instants,"
        " count(DISTINCT emission_no) AS emissions, max(emission_no) AS last FROM attempt"
    )
    assert set(row) == {300}
    assert await store.broken_invariants() == {}


async def test_a_pacer_that_freezes_in_a_tick_is_replaced(store: "Store") -> None:
    """Postgres ends its transaction, another pacer gets the campaign, and the frozen one can write nothing."""
    _, campaign_id = await running(store)
    frozen = await Database.connect(store.url, role="paceline_pacer", size=1, idle_in_transaction_ms=500)

    async def freeze() -> None:
        async with PostgresPlanning(frozen, send_tolerance_seconds=60).tick() as tick:
            assert tick is not None
            async with asyncio.timeout(60):
                while not await store.tick():
                    await asyncio.sleep(0.02)
            await tick.look_again(None)

    with pytest.raises(DatabaseAway):
        await freeze()
    await frozen.close()
    assert await store.one("SELECT count(*) FROM attempt") == 1
    assert await store.look_in_seconds(campaign_id) is not None


async def test_a_campaign_that_cannot_be_paced_keeps_nobody_waiting(store: "Store") -> None:
    """An emission of it is missing: it is said, nothing of it is kept, and the next campaign has its turn."""
    _, broken = await running(store, 2, pace=SLOW)
    await store.tick(broken)
    await store.sql("DELETE FROM attempt")
    before = (await store.picture())["number"]
    await store.look_now(broken)
    _, sound = await running(store)
    bell = Bell()
    since = await store.attempts().now()
    pacer = Pacer(planning=store.planning, doorbell=bell, tally=Tally(), horizon=HORIZON)
    with capture_logs() as lines_logged:
        task = asyncio.create_task(pacer.run())
        async with asyncio.timeout(60):
            await bell.rung.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [job.campaign_id for job in bell.jobs] == [sound]
    assert "campaign_cannot_be_paced" in [line["event"] for line in lines_logged]
    assert await store.looks_after(broken, since, least=20, most=30)
    numbers = (await store.picture())["number"]
    assert all(row in numbers for row in before)


# Caps --------------------------------------------------------------------------------------------------------------


async def test_no_more_calls_at_once_than_the_campaign_wants(store: "Store") -> None:
    """Its cap counts everything from the plan to the end; what ended makes room for as many."""
    _, campaign_id = await running(store, 10)
    await store.sql("UPDATE campaign SET calls_at_once = 3")
    jobs = await store.tick(campaign_id)
    assert len(jobs) == 3
    since = await store.attempts().now()
    assert await store.tick(campaign_id) == []
    assert await store.looks_after(campaign_id, since, least=0, most=1)
    held = [await store.dialing(job) for job in jobs]
    assert await store.tick(campaign_id) == []
    for leased in held[:2]:
        await store.end(leased)
    assert len(await store.tick(campaign_id)) == 2


async def test_no_more_calls_than_the_living_dialers_can_carry(store: "Store") -> None:
    """The room of all dialers together is shared by all campaigns, and what is under way takes its part of it."""
    _, first = await running(store, 10)
    _, second = await running(store, 10)
    await store.dialer(capacity=3, worker="w1")
    await store.dialer(capacity=2, worker="w2")
    assert len(await store.tick(first)) == 5
    assert await store.tick(second) == []
    await store.dialer(capacity=4, worker="w2")
    assert [len(await store.tick(campaign_id)) for campaign_id in (second, first, second)] == [1, 1, 0]


@pytest.mark.parametrize("how", ["silent", "retired", "draining", "never there"])
async def test_the_room_of_a_dialer_that_is_gone_is_gone(store: "Store", how: str) -> None:
    """One that was not heard of for six seconds, has said goodbye, or takes nothing more, carries nothing."""
    _, campaign_id = await running(store)
    match how:
        case "silent":
            await store.sql("UPDATE dialer SET seen_at = clock_timestamp() - interval '6.1 s'")
        case "retired":
            await store.attempts().retire()
        case "draining":
            await store.attempts().advertise(0)
        case _:
            await store.sql("DELETE FROM dialer")
    assert await store.tick(campaign_id) == []
    await store.dialer()
    assert len(await soon_after(store, SEEN_FIVE_SECONDS_AGO, campaign_id)) == 1


# What keeps a campaign from being claimed ----------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["platform", "tenant", "campaign"])
async def test_nothing_is_claimed_under_a_hold(store: "Store", whose: str) -> None:
    """A hold of the platform, tenant or campaign keeps the line as it is; its release is noticed within a second."""
    tenant_id, campaign_id = await running(store)
    _, other = await running(store)
    await store.sql(
        "INSERT INTO hold (tenant_id, campaign_id, reason) VALUES ($1, $2, 'why')",
        0 if whose == "platform" else tenant_id,
        campaign_id if whose == "campaign" else None,
    )
    since = await store.attempts().now()
    assert await store.tick(campaign_id) == []
    assert await store.looks_after(campaign_id, since, least=0, most=1)
    assert len(await store.tick(other)) == (0 if whose == "platform" else 1)
    await store.sql("UPDATE hold SET released_at = clock_timestamp()")
    assert len(await store.tick(campaign_id)) == 1


async def test_nothing_is_claimed_while_nobody_would_hear_the_bell(store: "Store") -> None:
    """Without a doorbell the numbers stay in line, and the campaign is looked at again soon."""
    _, campaign_id = await running(store)
    since = await store.attempts().now()
    assert await store.tick(campaign_id, doorbell_works=False) == []
    assert await store.one("SELECT state::text FROM number") == "READY"
    assert await store.looks_after(campaign_id, since, least=0, most=1)


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.RUNNING])
async def test_a_campaign_that_does_not_run_is_left_alone(store: "Store", state: CampaignState) -> None:
    """Nobody of it is claimed, and it is not looked at again until something wakes it."""
    _, campaign_id = await running(store)
    await store.sql("UPDATE campaign SET state = $1::campaign_state", state.value)
    assert await store.tick(campaign_id) == []
    assert await store.look_in_seconds(campaign_id) is None


async def test_what_was_planned_before_a_stop_never_becomes_a_call(store: "Store") -> None:
    """Neither while the campaign is stopped nor after the next start, which plans its number anew."""
    tenant_id, campaign_id = await running(store, 2)
    jobs = await store.tick(campaign_id)
    await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id)
    stopped, restarted = await store.leased(jobs[0]), await store.leased(jobs[1])
    facts = await store.attempts().commit_intent(stopped, "f1")
    assert isinstance(facts, GateFacts)
    await store.attempts().withhold(stopped, Withheld.STOPPED, BackInLine())
    await store.campaigns.start(tenant_id, Dialect.PLUM, campaign_id)
    assert isinstance(await store.attempts().commit_intent(restarted, "f2"), GateFacts)
    [again] = await store.tick(campaign_id)
    assert isinstance(await store.attempts().commit_intent(await store.leased(again), "f3"), Intent)


async def test_a_start_that_commits_while_a_tick_reads_is_not_overlooked(store: "Store") -> None:
    """A tick that read the campaign before its start, and locks it after, does not send it to rest."""
    tenant_id, campaign_id = await running(store)
    await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id)
    await store.look_now(campaign_id)
    # The window is a few microseconds wide; a policy that takes its time holds it open.
    await store.sql(
        "CREATE FUNCTION slowly() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN true; END'"
    )
    await store.sql("CREATE POLICY slow ON campaign AS RESTRICTIVE TO paceline_pacer USING (slowly())")
    try:
        tick = asyncio.create_task(store.tick())
        while not await store.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
            await asyncio.sleep(0.01)
        await store.campaigns.start(tenant_id, Dialect.PLUM, campaign_id)
        await tick
    finally:
        await store.sql("DROP POLICY slow ON campaign")
        await store.sql("DROP FUNCTION slowly")
    assert await store.look_in_seconds(campaign_id) is not None


# The end of the last window ----------------------------------------------------------------------------------------


async def test_what_no_window_is_left_for_ends_out_of_time(store: "Store") -> None:
    """Every number in line gets its result and its delivery, and with the last call's end the campaign is done."""
    _, campaign_id = await running(store, 3)
    jobs = await store.tick(campaign_id)
    under_way, busy = await store.dialing(jobs[0]), await store.dialing(jobs[1])
    called_at = (await store.attempt(busy.job))["intent_at"]
    await store.postpone(busy, called_at + timedelta(days=1))
    await give_back(store, jobs[2])
    await store.sql("UPDATE campaign SET last_date = '2026-01-02'")
    assert await store.tick(campaign_id) == []
    results = await store.sql(
        "SELECT line_no, outcome, result, attempts, last_attempt_at FROM result JOIN number"
        " USING (tenant_id, campaign_id, number_id) ORDER BY line_no"
    )
    assert [tuple(row) for row in results] == [(2, 8, "failed", 1, called_at), (3, 8, "failed", 0, None)]
    assert await store.one("SELECT count(*) FROM delivery") == 2
    assert await store.one("SELECT state::text FROM campaign") == "RUNNING"
    await store.end(under_way)
    assert await store.tick(campaign_id) == []
    assert await store.one("SELECT state::text FROM campaign") == "DONE"
    assert await store.look_in_seconds(campaign_id) is None


async def test_an_attempt_that_never_rang_is_no_last_attempt(store: "Store") -> None:
    """A number that no trunk took is told as never called: no attempts, and no time of one."""
    _, campaign_id = await running(store)
    leased = await store.dialing((await store.tick(campaign_id))[0])
    await store.attempts().withhold(leased, Withheld.NO_TRUNK, BackInLine())
    await store.sql("UPDATE campaign SET last_date = '2026-01-02'")
    await store.tick(campaign_id)
    [result] = await store.sql("SELECT outcome, attempts, last_attempt_at FROM result")
    assert tuple(result) == (8, 0, None)


@pytest.mark.parametrize("state", CampaignState)
async def test_only_a_running_campaign_becomes_done(store: "Store", state: CampaignState) -> None:
    """From every other state the completion changes nothing, even if every number is final."""
    _, campaign_id = await running(store)
    await store.sql("UPDATE number SET state = 'FINAL'")
    await store.sql("UPDATE campaign SET state = $1::campaign_state", state.value)
    await store.look_now(campaign_id)
    async with store.planning.tick() as tick:
        assert tick is not None
        assert await tick.complete() is CAMPAIGN.takes(state, CampaignEvent.COMPLETE)
    after = CampaignState.DONE if CAMPAIGN.takes(state, CampaignEvent.COMPLETE) else state
    assert await store.one("SELECT state::text FROM campaign") == after


async def test_numbers_that_arrive_while_the_campaign_ends_get_their_results(store: "Store") -> None:
    """An upload that began before the last window closed and ended after the campaign was done is not forgotten."""
    tenant_id, campaign_id = await running(store)
    await store.end(await store.dialing((await store.tick(campaign_id))[0]))
    await store.sql("UPDATE campaign SET last_date = '2026-01-02'")
    await store.tick(campaign_id)
    assert await store.one("SELECT state::text FROM campaign") == "DONE"
    # As the upload leaves it, which asked for the window before and publishes after.
    await store.sql("UPDATE campaign SET last_date = '2199-01-01'")
    await store.add(tenant_id, campaign_id, *lines(2, area=303))
    await store.sql("UPDATE campaign SET last_date = '2026-01-02'")
    await store.tick(campaign_id)
    assert await store.one("SELECT count(*) FROM number WHERE state <> 'FINAL'") == 0
    assert await store.one("SELECT count(*) FROM result WHERE outcome = 8") == 2


# Rest and waking ---------------------------------------------------------------------------------------------------


async def idle(store: "Store", *, pace: Pace = FAST, count: int = 1) -> tuple[int, int, list[DialJob]]:
    """Let a campaign have nobody in line any more; returns tenant, campaign and the jobs that were claimed."""
    tenant_id, campaign_id = await running(store, count)
    jobs = await store.tick(campaign_id)
    assert len(jobs) == count
    if pace is not FAST:
        await store.sql(
            "UPDATE pacing_profile SET period_minutes = $1, amount_per_period = $2",
            pace.period_minutes,
            pace.amount,
        )
        await store.sql("UPDATE campaign_pacing SET cycle_started_at = NULL")
        await store.sql("UPDATE campaign SET started_at = clock_timestamp() - interval '5 s'")
    return tenant_id, campaign_id, jobs


async def test_a_campaign_whose_numbers_are_all_final_rests(store: "Store") -> None:
    """It is not looked at again before its window closes."""
    _, campaign_id, jobs = await idle(store)
    await store.end(await store.dialing(jobs[0]))
    await store.tick(campaign_id)
    assert (await store.look_in_seconds(campaign_id) or 0) > A_REST_SECONDS


async def test_a_campaign_with_a_call_under_way_looks_now_and_then(store: "Store") -> None:
    """Its number may come back at any moment, in a transaction that a tick does not see."""
    _, campaign_id, _ = await idle(store)
    since = await store.attempts().now()
    await store.tick(campaign_id)
    assert await store.looks_after(campaign_id, since, least=1, most=10)


async def test_new_numbers_wake_a_resting_campaign(store: "Store") -> None:
    """An upload has it looked at at once, and its numbers are claimed."""
    tenant_id, campaign_id, jobs = await idle(store)
    await store.end(await store.dialing(jobs[0]))
    await store.tick(campaign_id)
    await store.add(tenant_id, campaign_id, *lines(2, area=303))
    assert (await store.look_in_seconds(campaign_id) or 0) <= 0
    assert len(await store.tick()) == 2


async def test_a_number_that_comes_back_wakes_a_resting_campaign(store: "Store") -> None:
    """A dialer that gives its attempt back has the campaign looked at at once."""
    _, campaign_id, jobs = await idle(store)
    await store.sql("UPDATE campaign_pacing SET look_at = clock_timestamp() + interval '1 h'")
    await give_back(store, jobs[0])
    assert (await store.look_in_seconds(campaign_id) or 0) <= 0
    assert len(await store.tick()) == 1


async def test_an_attempt_that_was_too_late_wakes_a_resting_campaign(store: "Store") -> None:
    """The reaper that puts its number back in line has the campaign looked at at once."""
    _, campaign_id, _ = await idle(store)
    await store.sql("UPDATE campaign_pacing SET look_at = clock_timestamp() + interval '1 h'")
    await store.make_late()
    assert await store.reaping.withhold_late(10) == 1
    assert (await store.look_in_seconds(campaign_id) or 0) <= 0
    assert len(await store.tick()) == 1


async def test_a_number_that_is_to_be_tried_again_has_its_campaign_looked_at_in_time(store: "Store") -> None:
    """A resting campaign is looked at when the first of its waiting numbers may be called."""
    _, campaign_id, jobs = await idle(store, count=2)
    now = await store.attempts().now()
    await store.sql("UPDATE campaign_pacing SET look_at = clock_timestamp() + interval '1 h'")
    for job, minutes in zip(jobs, (5, 9), strict=True):
        await store.postpone(await store.dialing(job), now + timedelta(minutes=minutes))
    assert 250 < (await store.look_in_seconds(campaign_id) or 0) <= 300
    await store.tick(campaign_id)
    assert 250 < (await store.look_in_seconds(campaign_id) or 0) <= 300
    await store.sql(
        "UPDATE number SET next_at = clock_timestamp() WHERE next_at < $1", now + timedelta(minutes=6)
    )
    assert await store.lines_of(await store.tick(campaign_id)) == [(1, 1)]


async def test_a_stopped_campaign_is_not_woken(store: "Store") -> None:
    """A number that comes back to it waits for the start."""
    tenant_id, campaign_id, jobs = await idle(store, count=2)
    await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id)
    await store.tick(campaign_id)
    leased = await store.leased(jobs[0])
    await store.attempts().withhold(leased, Withheld.STOPPED, BackInLine())
    await store.make_late()
    await store.reaping.withhold_late(10)
    assert await store.look_in_seconds(campaign_id) is None


@pytest.mark.parametrize("how", ["uploaded", "given back", "waiting"])
async def test_a_number_in_line_of_a_slow_campaign_is_called_at_its_next_slot(
    store: "Store", how: str
) -> None:
    """A campaign that was idle does not go to rest again while somebody is in line whose slot is not in sight yet."""
    tenant_id, campaign_id, jobs = await idle(store, pace=SLOW)
    match how:
        case "uploaded":
            await store.add(tenant_id, campaign_id, *lines(1, area=303))
        case "given back":
            await give_back(store, jobs[0])
        case _:
            await store.postpone(await store.dialing(jobs[0]), await store.attempts().now())
    assert await store.tick() == []
    assert 30 < (await store.look_in_seconds(campaign_id) or 0) < 60
    assert len(await soon_after(store, SLOT_IN_A_SECOND, campaign_id)) == 1


async def test_a_number_that_comes_back_while_a_tick_looks_is_not_forgotten(store: "Store") -> None:
    """A tick cannot see what another transaction has not committed: it must not go to rest for hours over it."""
    _, campaign_id = await running(store, 2)
    [first, _] = await store.tick(campaign_id)
    await store.sql("UPDATE campaign_pacing SET idle_since = NULL")
    leased = await store.leased(first)
    dialing = queries("dialing")
    async with store.session("paceline_dialer") as dialer, dialer.transaction():
        key = leased.job.tenant_id, leased.job.campaign_id
        await dialer.execute("SELECT set_config('app.tenant', $1, true)", str(key[0]))
        withheld = dialing["withhold_attempt"]
        await dialer.fetchval(withheld, *key, first.attempt_id, leased.epoch, "why", leased.e164)
        await dialer.execute(dialing["return_number"], *key, leased.number_id)
        await store.look_now(campaign_id)
        assert await store.tick() == []
    assert (await store.look_in_seconds(campaign_id) or 0) <= 10


# What the pacer asks beside ----------------------------------------------------------------------------------------


async def test_the_next_look_is_told(store: "Store") -> None:
    """None when no campaign will be looked at, else the time until the first."""
    assert await store.planning.next_look_in_seconds() is None
    _, campaign_id = await running(store)
    await store.sql("UPDATE campaign_pacing SET look_at = clock_timestamp() + interval '1 h'")
    assert 3000 < (await store.planning.next_look_in_seconds() or 0) <= 3600
    await store.look_now(campaign_id)
    assert (await store.planning.next_look_in_seconds() or 0) < 0
