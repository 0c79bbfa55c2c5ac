"""Uploads in Postgres: listed, rehearsed, and taken back in bounded steps."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import Database, apart
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.taking_back import AT_ONCE, cancel_step
from shared.adapters.postgres.uploads import SHOWN_REFUSED_LINES
from shared.domain.campaign import Dialect, UnknownCampaign
from shared.domain.errors import Invalid, NotFound
from shared.domain.phone_list import RefusedLine, Row
from shared.ports.upload_desk import Canceled, Lines, RejectedLine, UploadDesk, UploadView

_SQL = queries("undoing")
_WAKE = queries("campaigns")["wake_pacer"]

#: Looked through for references in one statement: half a second on a small machine.
SIGHT: Final = 100_000
#: Of one request; a list that is longer is an upload, which is taken back by its number.
MOST_LINES: Final = 100_000


class PostgresUploadDesk(UploadDesk):
    """The desk in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def uploads(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, *, after: int, limit: int
    ) -> list[UploadView]:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await refuse_unknown(connection, tenant_id, dialect, campaign_id)
            rows = await connection.fetch(_SQL["uploads"], tenant_id, campaign_id, after, limit)
        return [
            UploadView(
                upload_no=row["batch_no"], file_name=row["file_name"], accepted=row["accepted"],
                refused=row["refused"], duplicates=row["duplicates"], uploaded_at=row["published_at"],
                canceled_at=row["canceled_at"],
            )
            for row in rows
        ]  # fmt: skip

    @override
    async def rejects(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, *, after: tuple[int, int], limit: int
    ) -> list[RejectedLine]:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await refuse_unknown(connection, tenant_id, dialect, campaign_id)
            rows = await connection.fetch(_SQL["refused_lines"], tenant_id, campaign_id, *after, limit)
        return [
            RejectedLine(
                upload_no=row["batch_no"],
                line=RefusedLine(line_no=row["line_no"], text=row["line"], reason=row["reason"]),
            )
            for row in rows
        ]

    @override
    async def cancel_upload(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, upload_no: int
    ) -> Canceled:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await refuse_unknown(connection, tenant_id, dialect, campaign_id)
            upload = await connection.fetchrow(_SQL["take_upload_back"], tenant_id, campaign_id, upload_no)
        if upload is None:
            raise NotFound(f"The campaign has no upload {upload_no}.")
        lines = self._of_upload(tenant_id, campaign_id, upload_no, upload)
        return await self._cancel(tenant_id, campaign_id, lines)

    @override
    async def cancel_numbers(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, lines: Lines
    ) -> Canceled:
        await self._refuse_unknown(tenant_id, dialect, campaign_id)
        rows = await _whole(lines)
        refused = [row for row in rows if isinstance(row, RefusedLine)]
        wanted = [(row.e164, row.message_reference) for row in rows if not isinstance(row, RefusedLine)]
        canceled = await self._cancel(
            tenant_id, campaign_id, self._of_numbers(tenant_id, campaign_id, wanted)
        )
        return Canceled(
            canceled=canceled.canceled,
            in_call=canceled.in_call,
            refused=len(refused),
            refused_lines=tuple(refused[:SHOWN_REFUSED_LINES]),
        )

    @override
    async def cancel_references(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, references: Sequence[str]
    ) -> Canceled:
        await self._refuse_unknown(tenant_id, dialect, campaign_id)
        return await self._cancel(
            tenant_id, campaign_id, self._of_references(tenant_id, campaign_id, references)
        )

    async def _refuse_unknown(self, tenant_id: int, dialect: Dialect, campaign_id: int) -> None:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await refuse_unknown(connection, tenant_id, dialect, campaign_id)

    async def _cancel(
        self, tenant_id: int, campaign_id: int, pages: AsyncIterator[Sequence[int]]
    ) -> Canceled:
        """End numbers page by page, each in a transaction of its own, and let the pacer see what is left.

        A request that is done once has a transaction for all that it does, which is for its key and its answer alone
        here: were the steps a part of it, the dialers that have calls to these numbers would wait for the last of them.
        """
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await connection.execute(_SQL["wait_for_the_steps"])
        with apart():
            canceled = in_call = 0
            async for number_ids in pages:
                for start in range(0, len(number_ids), AT_ONCE):
                    step = await self._step(tenant_id, campaign_id, number_ids[start : start + AT_ONCE])
                    canceled, in_call = canceled + step.canceled, in_call + step.in_call
            if canceled:
                async with self._database.transaction(tenant_id=tenant_id) as connection:
                    await connection.execute(_WAKE, tenant_id, campaign_id, False)
        return Canceled(canceled=canceled, in_call=in_call)

    async def _step(self, tenant_id: int, campaign_id: int, number_ids: Sequence[int]) -> Canceled:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            return await cancel_step(connection, tenant_id, campaign_id, number_ids)

    async def _of_upload(
        self, tenant_id: int, campaign_id: int, upload_no: int, upload: asyncpg.Record
    ) -> AsyncIterator[Sequence[int]]:
        after = upload["first_number_id"] - 1
        while True:
            rows = await self._database.rows(
                _SQL["lines_of_upload"], tenant_id, campaign_id, upload_no, after, upload["last_number_id"],
                AT_ONCE, tenant_id=tenant_id,
            )  # fmt: skip
            if not rows:
                return
            yield [row["number_id"] for row in rows]
            after = rows[-1]["number_id"]

    async def _of_numbers(
        self, tenant_id: int, campaign_id: int, wanted: Sequence[tuple[str, str | None]]
    ) -> AsyncIterator[Sequence[int]]:
        for start in range(0, len(wanted), AT_ONCE):
            piece = wanted[start : start + AT_ONCE]
            rows = await self._database.rows(
                _SQL["lines_of_numbers"], tenant_id, campaign_id, [e164 for e164, _ in piece],
                [reference for _, reference in piece], tenant_id=tenant_id,
            )  # fmt: skip
            yield list(dict.fromkeys(row["number_id"] for row in rows))

    async def _of_references(
        self, tenant_id: int, campaign_id: int, references: Sequence[str]
    ) -> AsyncIterator[Sequence[int]]:
        after = 0
        while True:
            sight = await self._database.row(
                _SQL["lines_in_sight"], tenant_id, campaign_id, after, SIGHT, tenant_id=tenant_id
            )
            if sight is None or sight["until"] is None:
                return
            rows = await self._database.rows(
                _SQL["lines_of_references"], tenant_id, campaign_id, after, sight["until"], references,
                tenant_id=tenant_id,
            )  # fmt: skip
            yield [row["number_id"] for row in rows]
            after = sight["until"]


async def _whole(lines: Lines) -> list[Row]:
    """Read a list to its end before anything ends: one that breaks off, or is too long, cancels nothing."""
    rows: list[Row] = []
    async for chunk in lines:
        rows += chunk
        if len(rows) > MOST_LINES:
            raise Invalid(
                "phone_numbers", f"At most {MOST_LINES:,} numbers are canceled at a time; send several lists."
            )
    return rows


async def refuse_unknown(
    connection: asyncpg.Connection, tenant_id: int, dialect: Dialect, campaign_id: int
) -> None:
    """Raise UnknownCampaign for one that is not the tenant's, or of another dialect, or deleted."""
    if not await connection.fetchval(_SQL["campaign_is_there"], tenant_id, campaign_id, dialect.value):
        raise UnknownCampaign(campaign_id)
