"""The reaper's view of Postgres: what is left of dialers that went silent."""

from datetime import datetime
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.conclusions import (
    number_facts,
    place_in_counts,
    receiver_of,
    write_conclusion,
)
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.taking_back import canceled_conclusion
from shared.contracts.dial_job import DialJob
from shared.domain.disposition import UNKNOWN, CalleeType
from shared.domain.retry import Withheld
from shared.failpoints import Failpoint, failpoint
from shared.ports.planning import Decide, LostAttempt, Reaping, Unheard

_SQL = queries("reaping")
_END = queries("dialing")["end_attempt"]


#: Below this a wrong plan reads a few hundred rows too many, which nobody notices.
STALE_ROWS: Final = 500
#: There are no more of them than calls that were under way when somebody took an upload back.
TAKEN_BACK_AT_ONCE: Final = 500


class PostgresReaping(Reaping):
    """Reaping in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def withhold_late(self, most: int) -> int:
        return len(await self._database.rows(_SQL["withhold_late"], Withheld.LATE.value, most))

    @override
    async def free_expired_leases(self, most: int) -> int:
        return len(await self._database.rows(_SQL["free_expired_leases"], most))

    @override
    async def quarantine_lost_calls(self, quarantine_seconds: float, most: int) -> int:
        return len(await self._database.rows(_SQL["quarantine_lost_calls"], quarantine_seconds, most))

    @override
    async def give_up(self, decide: Decide, most: int) -> int:
        async with self._database.transaction() as connection:
            lost = [_lost(row) for row in await connection.fetch(_SQL["over_quarantine"], most)]
            # Every reaper and every dialer takes callees before counts, and each of them in one order.
            for attempt in sorted(lost, key=_callee):
                await _end_as_unknown(connection, attempt)
            conclusions = [(attempt.job.tenant_id, decide(attempt)) for attempt in lost]
            for tenant_id, conclusion in sorted(conclusions, key=lambda each: place_in_counts(*each)):
                await write_conclusion(connection, tenant_id, conclusion)
                await failpoint(Failpoint.REAPED_IN_PART)
        return len(lost)

    @override
    async def unheard(self, since: datetime | None, *, ahead_seconds: float, most: int) -> Unheard:
        rows = await self._database.rows(_SQL["unheard_attempts"], since, ahead_seconds, most + 1)
        found = [row for row in rows if row["attempt_id"] is not None]
        return Unheard(
            jobs=[_job(row) for row in found[:most]],
            # Where there is more than may be named, the rest is the next look's.
            until=found[most]["due_at"] if len(found) > most else rows[0]["until"],
        )

    @override
    async def keep_house(self) -> None:
        await self._end_taken_back()
        await self._database.rows(_SQL["forget_dialers"])
        await self._database.rows(_SQL["free_trunk_places"])
        await self._database.rows(_SQL["refresh_statistics"], STALE_ROWS)

    async def _end_taken_back(self) -> None:
        """End numbers whose owner took them back during a call, after which they would be called again."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(_SQL["taken_back"], TAKEN_BACK_AT_ONCE)
            conclusions = [
                (row["tenant_id"], canceled_conclusion(row, row["campaign_id"], receiver_of(row)))
                for row in rows
            ]
            for tenant_id, conclusion in sorted(conclusions, key=lambda each: place_in_counts(*each)):
                await write_conclusion(connection, tenant_id, conclusion)


def _job(row: asyncpg.Record) -> DialJob:
    return DialJob(tenant_id=row["tenant_id"], campaign_id=row["campaign_id"], attempt_id=row["attempt_id"])


def _lost(row: asyncpg.Record) -> LostAttempt:
    job = _job(row)
    return LostAttempt(
        job=job, epoch=row["epoch"], number=number_facts(row, job.campaign_id, receiver_of(row))
    )


def _callee(attempt: LostAttempt) -> tuple[int, str]:
    return attempt.job.tenant_id, attempt.number.e164


async def _end_as_unknown(connection: asyncpg.Connection, attempt: LostAttempt) -> None:
    await connection.execute(
        _END, attempt.job.tenant_id, attempt.job.campaign_id, attempt.job.attempt_id, attempt.epoch, None, None,
        int(UNKNOWN.outcome), int(UNKNOWN.stage), CalleeType.UNKNOWN.value, attempt.number.e164,
    )  # fmt: skip
