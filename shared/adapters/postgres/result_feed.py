"""The feed of results, in Postgres."""

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.contracts.result_body import NumberResult
from shared.domain.disposition import CalleeType, Disposition, Outcome, Result, Stage
from shared.ports.results import FeedResult, Place, ResultFeed

_SQL = queries("result_feed")


class PostgresResultFeed(ResultFeed):
    """Results in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def results(self, tenant_id: int, *, after: Place, limit: int) -> list[FeedResult]:
        rows = await self._database.rows(
            _SQL["results_after"],
            tenant_id, str(after.transaction), after.result_no, limit,
            tenant_id=tenant_id,
        )  # fmt: skip
        return [FeedResult(place=_place(row), result=_result(row)) for row in rows]


def _place(row: asyncpg.Record) -> Place:
    return Place(int(row["written_by"]), row["result_no"])


def _result(row: asyncpg.Record) -> NumberResult:
    return NumberResult(
        campaign_id=row["campaign_id"],
        call_id=row["number_id"],
        phone_number=row["e164"],
        message_reference=row["message_reference"],
        result=Result(row["result"]),
        disposition=Disposition(Outcome(row["outcome"]), Stage(row["stage"])),
        callee_type=CalleeType(row["callee_type"]),
        attempts=row["attempts"],
        last_attempt_at=row["last_attempt_at"],
        duration_seconds=row["duration_seconds"],
        exit_values=row["exit_values"],
    )
