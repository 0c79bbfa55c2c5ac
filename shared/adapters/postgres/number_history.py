"""What was done with one phone number, read from Postgres by the number's own index."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.campaign_records import attempt_of
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.disposition import Outcome, Result
from shared.domain.number import NumberState
from shared.ports.blocklist import BlockedNumber
from shared.ports.campaign_records import AttemptRecord
from shared.ports.number_history import (
    HistoryDelivery,
    HistoryEntry,
    NumberHistories,
    NumberHistory,
    OptOut,
)

_SQL = queries("number_history")

#: Of one line; a number has as many tries as its campaign allows, and any number of withheld attempts.
SHOWN_ATTEMPTS: Final = 100
#: Nobody opts out more often.
SHOWN_OPT_OUTS: Final = 100


class PostgresNumberHistories(NumberHistories):
    """Histories in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def history(self, tenant_id: int, e164: str, *, before: int | None, limit: int) -> NumberHistory:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            rows = await connection.fetch(_SQL["lines_of_number"], tenant_id, e164, before, limit)
            attempts = await connection.fetch(
                _SQL["attempts_of_lines"],
                tenant_id,
                [row["campaign_id"] for row in rows],
                [row["number_id"] for row in rows],
                e164,
                SHOWN_ATTEMPTS,
            )
            blocked = await connection.fetchrow(_SQL["blocked_now"], tenant_id, e164)
            opt_outs = await connection.fetch(_SQL["blocked_and_allowed"], tenant_id, e164, SHOWN_OPT_OUTS)
            last_call = await connection.fetchval(_SQL["last_call"], tenant_id, e164)
        by_number: dict[int, list[AttemptRecord]] = defaultdict(list)
        for attempt in attempts:
            by_number[attempt["number_id"]].append(attempt_of(attempt))
        return NumberHistory(
            e164=e164,
            blocked=None if blocked is None else BlockedNumber(**dict(blocked)),
            opt_outs=[_opt_out(row) for row in opt_outs],
            last_call_ended_at=last_call,
            entries=[_entry(row, by_number[row["number_id"]]) for row in rows],
            next_before=rows[-1]["number_id"] if len(rows) == limit else None,
        )


def _entry(row: asyncpg.Record, attempts: Sequence[AttemptRecord]) -> HistoryEntry:
    return HistoryEntry(
        campaign_id=row["campaign_id"],
        campaign_name=row["name"],
        call_id=row["number_id"],
        upload_no=row["batch_no"],
        file_name=row["file_name"],
        line_no=row["line_no"],
        uploaded_at=row["published_at"],
        message_reference=row["message_reference"],
        state=NumberState(row["state"]),
        tries=row["tries"],
        canceled_at=row["canceled_at"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        result=None if row["result"] is None else Result(row["result"]),
        ended_at=row["ended_at"],
        attempts=[replace(attempt, message_reference=row["message_reference"]) for attempt in attempts],
        more_attempts=row["last_ordinal"] - len(attempts),
        delivery=_delivery(row),
    )


def _delivery(row: asyncpg.Record) -> HistoryDelivery | None:
    if row["delivery_state"] is None:
        return None
    return HistoryDelivery(
        state=row["delivery_state"],
        url=row["url"],
        webhook_id=row["webhook_id"],
        tries=row["all_tries"],
        created_at=row["queued_at"],
        delivered_at=row["delivered_at"],
        last_tried_at=row["tried_at"],
        last_status=row["status"],
        last_error=row["error"],
    )


def _opt_out(row: asyncpg.Record) -> OptOut:
    document = row["after"] or row["before"] or {}
    return OptOut(
        at=row["at"],
        blocked=row["action"] != "delete",
        actor=row["actor"],
        reason=document.get("reason"),
        source=document.get("source"),
    )
