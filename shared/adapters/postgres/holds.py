"""Holds in Postgres."""

from typing import Final

from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.errors import Invalid
from shared.ports.holds import Hold, Holds

_SQL = queries("holds")

#: A sentence or two: it is shown on every campaign that it holds.
LONGEST_REASON_CHARACTERS: Final = 500
#: More standing holds than this are no use to anybody who reads them.
MOST_LISTED: Final = 100


class PostgresHolds(Holds):
    """Holds in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def place(
        self, tenant_id: int, reason: str, *, campaign_id: int | None = None, hang_up: bool = False
    ) -> Hold:
        reason = reason.strip()
        if not 1 <= len(reason) <= LONGEST_REASON_CHARACTERS:
            raise Invalid(
                "reason", f"Say why in 1 to {LONGEST_REASON_CHARACTERS} characters; people will read it."
            )
        row = await self._database.row(
            _SQL["place_hold"], tenant_id, campaign_id, reason, hang_up, tenant_id=tenant_id
        )
        assert row is not None  # noqa: S101 - RETURNING of an INSERT that did not fail
        return Hold(**dict(row))

    @override
    async def standing(self, tenant_id: int) -> list[Hold]:
        rows = await self._database.rows(_SQL["standing_holds"], tenant_id, MOST_LISTED, tenant_id=tenant_id)
        return [Hold(**dict(row)) for row in rows]

    @override
    async def release(self, tenant_id: int, *, campaign_id: int | None = None) -> int:
        released = await self._database.rows(
            _SQL["release_holds"], tenant_id, campaign_id, tenant_id=tenant_id
        )
        return len(released)
