"""Complete attempts per second, beside the bare SQL of one.

The bare cycle is the least that any dialer of this design does: the same statements, one attempt after the other on as
many connections as keep the machine busy, with nobody pacing, ringing or delivering. The complete attempts are those of
a running pacer and dialer, counted by Postgres from the first intent until every receiver's answer is written down.
"""

import asyncio
import time

import asyncpg
from rows import Row
from stage import Stage

from shared.adapters.postgres.attempts import PostgresAttempts
from shared.adapters.postgres.database import Database
from shared.contracts.conclusion import NumberFacts, conclude
from shared.contracts.dial_job import DialJob
from shared.domain.campaign import Dialect
from shared.domain.disposition import CallEnding, disposition_of
from shared.ports.dialing import Intent

BARE_ATTEMPTS = 1500
#: As many as keep two cores and one disk busy.
BARE_CONNECTIONS = 16
COMPLETE_ATTEMPTS = 6000
#: Far more than can be done: the pace is never the limit.
PER_MINUTE = 600_000
#: Of the bare cycle: what is asked of the whole platform on one machine.
TARGET = 0.35
BUSY = CallEnding(sip_status=486, q850_cause=17)

#: Attempts that are due now and may be sent for an hour, without a pacer.
PLAN_BY_HAND = """
WITH taken AS (
    UPDATE number SET state = 'IN_ATTEMPT', last_ordinal = 1 WHERE campaign_id = $1
    RETURNING tenant_id, campaign_id, number_id
)
INSERT INTO attempt (tenant_id, campaign_id, number_id, ordinal, emission_no, paced, due_at, send_by, window_closes_at,
                     campaign_epoch)
SELECT tenant_id, campaign_id, number_id, 1, row_number() OVER (), false, now(), now() + interval '1 hour',
       now() + interval '1 hour', (SELECT epoch FROM campaign c WHERE c.campaign_id = $1)
FROM taken RETURNING tenant_id, campaign_id, attempt_id
"""


#: Nothing is worth measuring that a power cut would undo.
DURABLE = "SELECT current_setting('fsync') = 'on' AND current_setting('synchronous_commit') = 'on'"
COMPLETE = """
SELECT count(d.delivered_at) AS acknowledged,
       extract(epoch FROM max(d.delivered_at) - min(a.intent_at))::float8 AS seconds
FROM attempt a LEFT JOIN delivery d USING (tenant_id, campaign_id, number_id)
WHERE a.campaign_id = $1
"""
POLL_SECONDS = 0.25


async def measure(stage: Stage) -> list[Row]:
    """Return the bare cycle's rate and the whole platform's."""
    bare = Row("bare SQL: lease, intent, result", await _bare(stage))
    complete = Row(
        "complete attempts per second (lease, intent, result, delivery posted and acknowledged)",
        await _complete(stage), bare, TARGET,
    )  # fmt: skip
    return [bare, complete]


async def _bare(stage: Stage) -> float:
    campaign_id = await stage.campaign(BARE_ATTEMPTS, per_minute=PER_MINUTE, delivers=False)
    connection = await asyncpg.connect(stage.urls.database_url)
    assert await connection.fetchval(DURABLE)
    await connection.execute("UPDATE campaign SET state = 'RUNNING' WHERE campaign_id = $1", campaign_id)
    jobs = [DialJob(**dict(row)) for row in await connection.fetch(PLAN_BY_HAND, campaign_id)]
    await connection.execute("ANALYZE")  # as the pacer's housekeeping does
    database = await Database.connect(stage.urls.database_url, role="paceline_dialer", size=BARE_CONNECTIONS)
    attempts = PostgresAttempts(database, worker="bench", lease_seconds=300)
    began = time.perf_counter()
    await asyncio.gather(*(_cycle(attempts, jobs[n::BARE_CONNECTIONS]) for n in range(BARE_CONNECTIONS)))
    seconds = time.perf_counter() - began
    await connection.close()
    await database.close()
    return BARE_ATTEMPTS / seconds


async def _cycle(attempts: PostgresAttempts, jobs: list[DialJob]) -> None:
    disposition = disposition_of(BUSY)
    for job in jobs:
        (leased,) = (await attempts.lease(job.tenant_id, [job])).leased
        intent = await attempts.commit_intent(leased, "bench")
        assert isinstance(intent, Intent)
        facts = NumberFacts(
            campaign_id=job.campaign_id, number_id=leased.number_id, e164=leased.e164,
            message_reference=leased.message_reference, tries=1, last_attempt_at=intent.at,
            receiver=None,
        )  # fmt: skip
        assert await attempts.conclude(leased, BUSY, disposition, conclude(facts, disposition))


async def _complete(stage: Stage) -> float:
    """Run everything as in production, until every result has been taken and that is written down."""
    campaign_id = await stage.campaign(COMPLETE_ATTEMPTS, per_minute=PER_MINUTE)
    stage.arrived.clear()
    environment = {
        "PACELINE_SIMULATOR_SPEED": "1000000",
        "PACELINE_CALLS_PER_DIALER": "2000",
        "PACELINE_WEBHOOKS_PER_ORIGIN": "64",
        "PACELINE_DATABASE_POOL_SIZE": str(BARE_CONNECTIONS),
        "PACELINE_SEND_TOLERANCE_MS": "1000",
    }
    with stage.process("pacer", **environment), stage.process("dialer", **environment):
        await stage.store.start(stage.tenant_id, Dialect.PLUM, campaign_id)
        seconds = await _until_acknowledged(stage, campaign_id)
    assert len(stage.arrived) == COMPLETE_ATTEMPTS  # each once: nothing was posted again
    return COMPLETE_ATTEMPTS / seconds


async def _until_acknowledged(stage: Stage, campaign_id: int) -> float:
    """Return the seconds from the first intent to the last acknowledged result, by Postgres' clock."""
    connection = await asyncpg.connect(stage.urls.database_url)
    async with asyncio.timeout(180):
        while (
            len(stage.arrived) < COMPLETE_ATTEMPTS
        ):  # costs nothing, where the question below reads all of it
            await asyncio.sleep(POLL_SECONDS)
        while (row := await connection.fetchrow(COMPLETE, campaign_id))["acknowledged"] < COMPLETE_ATTEMPTS:
            await asyncio.sleep(POLL_SECONDS)
    await connection.close()
    seconds: float = row["seconds"]
    return seconds
