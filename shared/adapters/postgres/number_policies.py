"""Tenants' number policies in Postgres; its role is the administrator's."""

from collections.abc import Sequence

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.access import UnknownTenant
from shared.domain.errors import NotFound
from shared.domain.number_policy import NumberPolicy
from shared.ports.number_policies import NumberPolicies

_SQL = queries("number_policies")


class PostgresNumberPolicies(NumberPolicies):
    """The policies of all tenants; verified caller ids are touched as the tenant whose they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def change(
        self,
        tenant: str,
        *,
        countries: Sequence[str] | None = None,
        premium: bool | None = None,
        verified_only: bool | None = None,
    ) -> None:
        listed = None if countries is None else list(countries)
        if (
            await self._database.row(_SQL["change_number_policy"], tenant, listed, premium, verified_only)
            is None
        ):
            raise UnknownTenant(tenant)

    @override
    async def policy(self, tenant: str) -> NumberPolicy:
        row = await self._tenant(tenant)
        return NumberPolicy.of(
            row["countries"],
            premium=row["premium_allowed"],
            verified_only=row["verified_callers_only"],
            verified=await self.verified(tenant),
        )

    @override
    async def verified(self, tenant: str) -> list[str]:
        tenant_id = (await self._tenant(tenant))["tenant_id"]
        rows = await self._database.rows(_SQL["verified_callers"], tenant_id, tenant_id=tenant_id)
        return [row["e164"] for row in rows]

    @override
    async def verify(self, tenant: str, e164: str) -> None:
        tenant_id = (await self._tenant(tenant))["tenant_id"]
        await self._database.row(_SQL["verify_caller"], tenant_id, e164, tenant_id=tenant_id)

    @override
    async def forget(self, tenant: str, e164: str) -> None:
        tenant_id = (await self._tenant(tenant))["tenant_id"]
        if await self._database.row(_SQL["forget_caller"], tenant_id, e164, tenant_id=tenant_id) is None:
            raise NotFound(
                f"{e164} is no verified caller id of {tenant}: `paceline caller-id list --tenant {tenant}` shows them."
            )

    async def _tenant(self, name: str) -> asyncpg.Record:
        row = await self._database.row(_SQL["policy_of_tenant"], name)
        if row is None:
            raise UnknownTenant(name)
        return row
