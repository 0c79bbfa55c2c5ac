"""The reaper's view of Postgres: what is left of dialers that went silent."""

from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.conclusions import write_conclusion
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.planning import undialed_number
from shared.adapters.postgres.queries import queries
from shared.contracts.dial_job import DialJob
from shared.domain.disposition import UNKNOWN, CalleeType
from shared.domain.retry import Withheld
from shared.failpoints import Failpoint, failpoint
from shared.ports.planning import Decide, LostAttempt, Reaping

_SQL = queries("reaping")
_END = queries("dialing")["end_attempt"]


#: Below this a wrong plan reads a few hundred rows too many, which nobody notices.
STALE_ROWS: Final = 500


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
            for attempt in lost:
                await _end_as_unknown(connection, attempt)
                await write_conclusion(connection, attempt.job.tenant_id, decide(attempt))
                await failpoint(Failpoint.REAPED_IN_PART)
        return len(lost)

    @override
    async def keep_house(self) -> None:
        await self._database.rows(_SQL["forget_dialers"])
        await self._database.rows(_SQL["refresh_statistics"], STALE_ROWS)


def _lost(row: asyncpg.Record) -> LostAttempt:
    job = DialJob(tenant_id=row["tenant_id"], campaign_id=row["campaign_id"], attempt_id=row["attempt_id"])
    return LostAttempt(
        job=job, epoch=row["epoch"], number=undialed_number(row, job.tenant_id, job.campaign_id)
    )


async def _end_as_unknown(connection: asyncpg.Connection, attempt: LostAttempt) -> None:
    await connection.execute(
        _END, attempt.job.tenant_id, attempt.job.campaign_id, attempt.job.attempt_id, attempt.epoch, None, None,
        int(UNKNOWN.outcome), int(UNKNOWN.stage), CalleeType.UNKNOWN.value, attempt.number.e164,
    )  # fmt: skip
