"""The audit log in Postgres, to be read; triggers write it (migration 0009)."""

from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.ports.audit import AuditEntry, AuditLog

_SQL = queries("audit")


class PostgresAuditLog(AuditLog):
    """The audit log in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def entries(
        self,
        tenant_id: int,
        *,
        before_id: int | None,
        limit: int,
        object_type: str | None,
        object_id: str | None,
    ) -> list[AuditEntry]:
        rows = await self._database.rows(
            _SQL["audit_entries"], tenant_id, before_id, limit, object_type, object_id, tenant_id=tenant_id
        )
        return [AuditEntry(**dict(row)) for row in rows]
