"""Numbers and attempts of a campaign, read page by page from Postgres."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.upload_desk import refuse_unknown
from shared.contracts.result_body import NumberResult
from shared.domain.attempt import AttemptState
from shared.domain.campaign import Dialect
from shared.domain.disposition import CalleeType, Disposition, Outcome, Result, Stage
from shared.domain.number import NumberState
from shared.ports.campaign_records import (
    AttemptRecord,
    CampaignRecords,
    NumberRecord,
    Record,
    RecordPage,
    ResultRecord,
)

_SQL = queries("campaign_records")

#: Rows that a filtered page looks at: some tens of milliseconds.
SIGHT: Final = 20_000
#: Results that are in memory at a time while they are streamed.
RESULTS_AT_ONCE: Final = 2_000


class PostgresCampaignRecords(CampaignRecords):
    """Records in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def numbers(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        *,
        after: int,
        limit: int,
        state: NumberState | None,
        outcome: Outcome | None,
    ) -> RecordPage[NumberRecord]:
        key = tenant_id, dialect, campaign_id
        sought = _Sought(after=after, limit=limit, state=state, outcome=outcome)
        return await self._page("numbers_page", key, sought, id_column="number_id", record_of=_number)

    @override
    async def attempts(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        *,
        after: int,
        limit: int,
        state: AttemptState | None,
        outcome: Outcome | None,
    ) -> RecordPage[AttemptRecord]:
        key = tenant_id, dialect, campaign_id
        sought = _Sought(after=after, limit=limit, state=state, outcome=outcome)
        return await self._page("attempts_page", key, sought, id_column="attempt_id", record_of=attempt_of)

    @override
    async def results(
        self, tenant_id: int, dialect: Dialect, campaign_id: int
    ) -> AsyncIterator[Sequence[ResultRecord]]:
        after = 0
        while True:
            async with self._database.transaction(tenant_id=tenant_id) as connection:
                await refuse_unknown(connection, tenant_id, dialect, campaign_id)
                rows = await connection.fetch(
                    _SQL["results_page"], tenant_id, campaign_id, after, RESULTS_AT_ONCE
                )
            if not rows:
                return
            yield [_result(row, campaign_id) for row in rows]
            after = rows[-1]["number_id"]

    async def _page(
        self,
        statement: str,
        key: tuple[int, Dialect, int],
        sought: "_Sought",
        *,
        id_column: str,
        record_of: Callable[[asyncpg.Record], Record],
    ) -> RecordPage[Record]:
        tenant_id, _, campaign_id = key
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await refuse_unknown(connection, *key)
            rows = await connection.fetch(_SQL[statement], tenant_id, campaign_id, *sought.arguments)
        found = [row for row in rows if row[id_column] is not None]
        last = found[-1][id_column] if len(found) == sought.limit else _looked_until(rows, sought.sight)
        return RecordPage([record_of(row) for row in found], last)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sought:
    """Which records a page is asked for."""

    after: int
    limit: int
    state: NumberState | AttemptState | None
    outcome: Outcome | None

    @property
    def sight(self) -> int:
        """Return how many rows are looked at."""
        return SIGHT if self.state or self.outcome else self.limit

    @property
    def arguments(self) -> tuple[object, ...]:
        """Return what a statement of this page takes after tenant and campaign."""
        state, outcome = self.state and self.state.value, self.outcome and int(self.outcome)
        return self.after, self.sight, state, outcome, self.limit


def _looked_until(rows: Sequence[asyncpg.Record], sight: int) -> int | None:
    """Return where looking stopped, None where it came to the end."""
    until: int | None = rows[0]["until"] if rows[0]["seen"] == sight else None
    return until


def _number(row: asyncpg.Record) -> NumberRecord:
    return NumberRecord(
        call_id=row["number_id"],
        upload_no=row["batch_no"],
        line_no=row["line_no"],
        e164=row["e164"],
        ani=row["ani"],
        message_reference=row["message_reference"],
        state=NumberState(row["state"]),
        tries=row["tries"],
        next_at=row["next_at"],
        canceled_at=row["canceled_at"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        result=None if row["result"] is None else Result(row["result"]),
        ended_at=row["ended_at"],
    )


def attempt_of(row: asyncpg.Record) -> AttemptRecord:
    """Return a row of an attempt with its number's columns."""
    return AttemptRecord(
        attempt_id=row["attempt_id"],
        call_id=row["number_id"],
        e164=row["e164"],
        message_reference=row["message_reference"],
        ordinal=row["ordinal"],
        state=AttemptState(row["state"]),
        due_at=row["due_at"],
        sip_call_id=row["fence"],
        trunk=row["trunk"],
        dialed_at=row["intent_at"],
        ringing_at=row["ringing_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        sip_status=row["sip_status"],
        q850_cause=row["q850_cause"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        stage=None if row["stage"] is None else Stage(row["stage"]),
        callee_type=None if row["callee_type"] is None else CalleeType(row["callee_type"]),
        withheld_because=row["withheld_because"],
    )


def _result(row: asyncpg.Record, campaign_id: int) -> ResultRecord:
    result = NumberResult(
        campaign_id=campaign_id,
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
    return ResultRecord(
        upload_no=row["batch_no"], line_no=row["line_no"], ended_at=row["created_at"], result=result
    )
