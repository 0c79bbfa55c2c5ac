"""The deliverer's view of Postgres."""

from collections.abc import Callable
from datetime import datetime

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.delivery import DeliveryState
from shared.domain.delivery_schedule import Delivered, Disabled, Failed, RetryAt
from shared.ports.delivering import ClaimedDelivery, Deliveries, OutgoingWebhook, TryReport

_SQL = queries("delivering")
_CLOCK = queries("planning")["postgres_now"]


class PostgresDeliveries(Deliveries):
    """Deliveries in Postgres; `unseal` opens a tenant's webhook keys."""

    def __init__(
        self, database: Database, *, unseal: Callable[[bytes], bytes], per_origin: int, lease_seconds: float
    ) -> None:
        self._database = database
        self._unseal = unseal
        self._per_origin = per_origin
        self._lease_seconds = lease_seconds

    @override
    async def claim(self, most: int) -> list[ClaimedDelivery]:
        rows = await self._database.rows(
            _SQL["claim_deliveries"], most, self._per_origin, self._lease_seconds
        )
        return [self._claimed(row) for row in rows]

    @override
    async def record(
        self, claimed: ClaimedDelivery, report: TryReport, decision: Delivered | RetryAt | Failed | Disabled
    ) -> bool:
        state, wait_seconds = _settled(decision)
        row = await self._database.row(
            _SQL["settle_delivery"],
            claimed.tenant_id, claimed.campaign_id, claimed.number_id, claimed.epoch, state.value, wait_seconds,
            report.status, report.error, report.total_ms, report.answer,
        )  # fmt: skip
        return row is not None

    @override
    async def now(self) -> datetime:
        row = await self._database.row(_CLOCK)
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        instant: datetime = row["now"]
        return instant

    def _claimed(self, row: asyncpg.Record) -> ClaimedDelivery:
        return ClaimedDelivery(
            tenant_id=row["tenant_id"],
            campaign_id=row["campaign_id"],
            number_id=row["number_id"],
            epoch=row["epoch"],
            tries=row["tries"],
            webhook=OutgoingWebhook(
                webhook_id=row["webhook_id"],
                url=row["url"],
                content_type=row["content_type"],
                body=row["body"],
                keys=tuple(self._unseal(sealed).decode() for sealed in row["webhook_keys"]),
            ),
        )


def _settled(decision: Delivered | RetryAt | Failed | Disabled) -> tuple[DeliveryState, float]:
    match decision:
        case Delivered():
            return DeliveryState.DELIVERED, 0.0
        case RetryAt(delay_seconds=delay_seconds):
            return DeliveryState.RETRY, delay_seconds
        case Failed() | Disabled():
            return DeliveryState.FAILED, 0.0
