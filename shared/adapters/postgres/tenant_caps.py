"""Tenants' caps in Postgres."""

from typing import Final

from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.access import UnknownTenant
from shared.ports.tenant_caps import TenantCap, TenantCaps

_SQL = queries("tenant_caps")

#: More than anybody reads.
MOST_LISTED: Final = 1000


class PostgresTenantCaps(TenantCaps):
    """The caps of all tenants; its role is the administrator's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def set(self, tenant: str, calls_at_once: int | None) -> None:
        if await self._database.row(_SQL["set_tenant_cap"], tenant, calls_at_once) is None:
            raise UnknownTenant(tenant)

    @override
    async def standing(self) -> list[TenantCap]:
        rows = await self._database.rows(_SQL["tenant_caps"], MOST_LISTED)
        return [TenantCap(**dict(row)) for row in rows]
