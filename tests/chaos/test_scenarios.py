"""Single crashes, each with what it may cost: seconds of dialing, and never a number, a result or a second ring."""

import asyncio
import itertools

import asyncpg
import pytest

from tests.area_codes import AREAS
from tests.chaos.conftest import Scene
from tests.chaos.faults import Kind
from tests.chaos.instants import now
from tests.chaos.stage import LEASE_SECONDS

pytestmark = [pytest.mark.drill, pytest.mark.asyncio(loop_scope="module")]

#: "Dialing resumes within 10 s of its return."
RESUMED_SECONDS = 10.0
#: What Postgres allows a client that is silent inside a transaction of the pacer's.
IDLE_IN_TRANSACTION_SECONDS = 2.0

#: Makes statements dawdle while `dawdling` has a row, so that a process can be frozen in the midst of one.
DAWDLE = """
CREATE TABLE IF NOT EXISTS dawdling (step text);
GRANT SELECT ON dawdling TO PUBLIC;
CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM dawdling WHERE step = TG_ARGV[0]) THEN
        PERFORM pg_sleep(0.3);
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER claims AFTER INSERT ON attempt FOR EACH STATEMENT EXECUTE FUNCTION dawdle('claim');
DROP TRIGGER IF EXISTS intents ON attempt;
CREATE CONSTRAINT TRIGGER intents AFTER UPDATE ON attempt DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state = 'LEASED' AND NEW.state = 'DIALING') EXECUTE FUNCTION dawdle('intent');
"""
IS_DAWDLING = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = $1"


async def dawdle(scene: Scene, step: str) -> None:
    """Let every such step take a while from now on."""
    connection = await scene.stage.postgres.connect()
    try:
        await connection.execute(DAWDLE)
        await connection.execute("INSERT INTO dawdling VALUES ($1)", step)
    finally:
        await connection.close()


async def hurry(scene: Scene) -> None:
    """Let everything go on at its own speed."""
    await scene.stage.sql("DELETE FROM dawdling")


async def test_redis_may_be_gone_for_a_while(scene: Scene) -> None:
    """Killed and back empty after a minute: dialing resumes within 10 s of its return, and nothing is lost."""
    campaign = await scene.campaign(100, per_minute=1200)
    await scene.until(lambda: len(scene.calls(campaign)) >= 30, "dialing", seconds=15)
    await scene.stage.redis.kill()
    await asyncio.sleep(60)
    await scene.stage.redis.start()
    before = len(scene.calls(campaign))
    took = await scene.until(
        lambda: len(scene.calls(campaign)) > before, "dialing again", seconds=RESUMED_SECONDS
    )
    assert took < RESUMED_SECONDS
    await scene.come_to_rest(seconds=25)


async def test_redis_may_be_frozen_for_a_while(scene: Scene) -> None:
    """Stopped for 5 s, so that it neither answers nor refuses: dialing resumes within 10 s, and nothing is lost."""
    campaign = await scene.campaign(100, per_minute=1200)
    await scene.until(lambda: len(scene.calls(campaign)) >= 30, "dialing", seconds=15)
    scene.stage.redis.freeze()
    await asyncio.sleep(5)
    scene.stage.redis.thaw()
    before = len(scene.calls(campaign))
    await scene.until(lambda: len(scene.calls(campaign)) > before, "dialing again", seconds=RESUMED_SECONDS)
    await scene.come_to_rest(seconds=25)


async def test_redis_may_be_flushed_every_second(scene: Scene) -> None:
    """FLUSHALL under load, again and again: the pacer rings again, and the campaign comes to its end."""
    campaign = await scene.campaign(120, per_minute=720)

    async def flush_every_second() -> None:
        while True:
            await scene.stage.redis.flush()
            await asyncio.sleep(1)

    flushing = asyncio.create_task(flush_every_second())
    await scene.until(lambda: len(scene.calls(campaign)) >= 120, "all were called", seconds=25)
    flushing.cancel()
    await scene.come_to_rest(seconds=20)


@pytest.mark.parametrize("kind", [Kind.CRASH_POSTGRES, Kind.CRASH_POSTGRES_AFTER_COMMITS])
async def test_postgres_may_crash(scene: Scene, kind: Kind) -> None:
    """Restarted as after a power cut: the API says 503 meanwhile and loses no list; dialing resumes within 10 s."""
    customer = scene.stage.customers["north"]
    campaign = await scene.campaign(60, per_minute=900)
    await scene.until(lambda: len(scene.calls(campaign)) >= 20, "dialing", seconds=15)
    more = await scene.campaign(1, per_minute=900)
    statuses: set[int | None] = set()
    first = 2_090_000_000 + 1000 * more.campaign_id

    async def load_and_look() -> None:
        for batch in itertools.count():
            lines = [
                line._replace(e164=f"+1{first + 5 * batch + place}", reference=f"late-{first}-{batch}-{place}")
                for place, line in enumerate(campaign.acknowledged[:5])
            ]  # fmt: skip
            await customer.add(more, lines)
            await asyncio.sleep(0.25)
            statuses.add((await customer.ask_once("GET", "/healthz"))[0])

    loading = asyncio.create_task(load_and_look())
    looking = asyncio.create_task(_look_at_health(scene, statuses))
    await scene.saboteur.crash_postgres(3.0, kind)
    back_at = now()
    await scene.until(
        lambda: any(call.sent_at > back_at for call in scene.stage.telephony.look()),
        "dialing again", seconds=RESUMED_SECONDS,
    )  # fmt: skip
    for task in (loading, looking):
        task.cancel()
    await asyncio.gather(loading, looking, return_exceptions=True)
    assert statuses <= {200, 503, None}
    assert 503 in statuses
    await _acknowledge_what_arrived(scene)
    await scene.come_to_rest(seconds=25)


async def _look_at_health(scene: Scene, statuses: set[int | None]) -> None:
    while True:
        statuses.add((await scene.stage.customers["south"].ask_once("GET", "/healthz"))[0])
        await asyncio.sleep(0.1)


async def _acknowledge_what_arrived(scene: Scene) -> None:
    """Count a list whose upload the test itself cut off as sent, if it is there as a whole."""
    known = {line.reference for campaign in scene.stage.campaigns for line in campaign.acknowledged}
    rows = await scene.stage.sql("SELECT campaign_id, e164, message_reference FROM number")
    campaigns = {campaign.campaign_id: campaign for campaign in scene.stage.campaigns}
    cut_off = [row for row in rows if row["message_reference"] not in known]
    assert len(cut_off) in {0, 5}
    for row in cut_off:
        campaign = campaigns[row["campaign_id"]]
        line = campaign.acknowledged[0]
        campaign.acknowledged.append(line._replace(e164=row["e164"], reference=row["message_reference"]))


async def test_a_dialer_may_freeze_with_live_calls(scene: Scene) -> None:
    """Frozen beyond its lease in the midst of calls: nobody is called again, and its late reports still count."""
    people = [f"+1{AREAS[place]}5550102" for place in range(40)]  # they let it ring for three seconds
    campaign = await scene.campaign(40, per_minute=1200, numbers=people)
    name = "dialer-1"
    pid = scene.stage.fleet.pid(name)
    await scene.until(lambda: scene.live(pid) >= 8, "calls are live", seconds=15)
    await scene.saboteur.freeze(name, Kind.FREEZE_DIALER_PAST_LEASE, LEASE_SECONDS + 3)
    evidence = await scene.come_to_rest(seconds=25)
    ours = [attempt for attempt in evidence.attempts if attempt.campaign_id == campaign.campaign_id]
    assert not [attempt for attempt in ours if attempt in evidence.unknown]


async def test_a_dialer_may_freeze_between_its_intent_and_the_call(scene: Scene) -> None:
    """The intent is written, its process stands still beyond the lease and wakes: too late to call, and no call."""
    await dawdle(scene, "intent")
    campaign = await scene.campaign(1, per_minute=60)
    leased = "SELECT worker FROM attempt WHERE campaign_id = $1 AND state = 'LEASED'"
    await scene.until_sql(leased, campaign.campaign_id)
    (row,) = await scene.stage.sql(leased, campaign.campaign_id)
    pid = int(row["worker"].rpartition("-")[2])
    fleet = scene.stage.fleet
    name = next(name for name in fleet.names("dialer") if fleet.pid(name) == pid)
    await scene.until_sql(IS_DAWDLING, "paceline_dialer")
    await scene.saboteur.freeze(name, Kind.FREEZE_DIALER_PAST_LEASE, LEASE_SECONDS + 2)
    await hurry(scene)
    evidence = await scene.come_to_rest(seconds=20)
    (first, *_) = (attempt for attempt in evidence.attempts if attempt.campaign_id == campaign.campaign_id)
    assert first.intent_at is not None
    assert first.attempt_id not in evidence.calls_of
    assert first.state == "WITHHELD"
    assert evidence.unknown == []


async def test_a_pacer_that_freezes_inside_a_tick_holds_nobody_for_long(scene: Scene) -> None:
    """Postgres ends the tick after two seconds, and the other pacer goes on."""
    campaign = await scene.campaign(150, per_minute=900)
    await scene.until(lambda: len(scene.calls(campaign)) >= 5, "dialing", seconds=15)
    freezing = asyncio.create_task(scene.saboteur.freeze("pacer-2", Kind.FREEZE_PACER, 60))
    # Whatever pacer-2 was frozen in is over: from here on the ticks are pacer-1's.
    await asyncio.sleep(IDLE_IN_TRANSACTION_SECONDS + 0.5)
    await dawdle(scene, "claim")
    await scene.until_sql(IS_DAWDLING, "paceline_pacer")
    scene.stage.fleet.freeze("pacer-1")
    frozen_at = now()
    scene.stage.fleet.thaw("pacer-2")
    await hurry(scene)
    held_seconds = await _held_for(scene, campaign.campaign_id, since=frozen_at)
    assert held_seconds < IDLE_IN_TRANSACTION_SECONDS + 1
    before = len(scene.calls(campaign))
    await scene.until(lambda: len(scene.calls(campaign)) > before + 5, "dialing goes on", seconds=5)
    scene.stage.fleet.thaw("pacer-1")
    freezing.cancel()
    await scene.come_to_rest(seconds=20)


async def _held_for(scene: Scene, campaign_id: int, *, since: float) -> float:
    """Return how long after an instant the campaign's pacing row could be had again."""
    while True:
        try:
            await scene.stage.sql(
                "SELECT 1 FROM campaign_pacing WHERE campaign_id = $1 FOR UPDATE NOWAIT", campaign_id
            )
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(0.02)
        else:
            return now() - since
