"""The deliverer's view of Postgres: claims, and what came of them.

A claim walks round the origins, each process from where its last claim ended, so that no origin is served before
another because of its name.
"""

from collections.abc import Callable, Mapping
from typing import Final

import asyncpg
import structlog
from typing_extensions import override

from shared.adapters.postgres.circuits import judge
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.circuit import TriesReport
from shared.domain.delivery import DeliveryState
from shared.domain.delivery_schedule import (
    Decision,
    Delivered,
    Disabled,
    Failed,
    RetryAt,
    posts_for_retries,
)
from shared.domain.errors import PacelineError
from shared.ports.delivering import Claim, ClaimedDelivery, Deliveries, OutgoingWebhook, Room, TryReport

_SQL = queries("delivering")
_log = structlog.get_logger()

#: Origins that one claim looks at: a few milliseconds. With more, the next claims go on from there.
ORIGINS_PER_CLAIM: Final = 256
#: As many lost deliveries as one claim puts back.
EXPIRED_PER_CLAIM: Final = 256
LOST_TRY: Final = "The deliverer was lost during this try: nobody knows whether the result arrived."


class PostgresDeliveries(Deliveries):
    """Deliveries in Postgres; `unseal` opens a tenant's webhook keys."""

    def __init__(
        self, database: Database, *, unseal: Callable[[bytes], bytes], per_origin: int, lease_seconds: float
    ) -> None:
        self._database = database
        self._unseal = unseal
        self._per_origin = per_origin
        self._lease_seconds = lease_seconds
        #: The origin at which the last claim ended, for retries and for first tries.
        self._reached = {True: "", False: ""}

    @override
    async def claim(self, room: Room, reports: Mapping[str, TriesReport]) -> Claim:
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["one_claim_at_a_time"])
            turns = await judge(connection, reports)
            await connection.execute(_SQL["free_expired_deliveries"], EXPIRED_PER_CLAIM, LOST_TRY)
            # Retries first: what is left of an origin's cap is the first tries', and that is always most of it.
            rows = await self._claim(connection, min(room.posts, room.retries), retries=True)
            rows += await self._claim(connection, room.posts - len(rows), retries=False)
        taken = [row for row in rows if row["state"] == DeliveryState.SENDING]
        return Claim(
            deliveries=[self._claimed(row) for row in taken], parked=len(rows) - len(taken), turns=turns
        )

    @override
    async def record(self, claimed: ClaimedDelivery, report: TryReport, decision: Decision) -> bool:
        state, wait_seconds = _settled(decision)
        settle = (
            _SQL["settle_delivery"],
            claimed.tenant_id, claimed.campaign_id, claimed.number_id, claimed.epoch, state.value, wait_seconds,
            report.status, report.error, report.resolve_ms, report.connect_ms, report.total_ms, report.answer,
        )  # fmt: skip
        if not isinstance(decision, Disabled):
            return await self._database.row(*settle) is not None
        async with self._database.transaction() as connection:
            settled = await connection.fetchrow(*settle) is not None
            if settled:
                await _disable(connection, claimed, decision.reason)
        return settled

    async def _claim(
        self, connection: asyncpg.Connection, most: int, *, retries: bool
    ) -> list[asyncpg.Record]:
        if most <= 0:
            return []
        found = await connection.fetch(
            _SQL["claim_deliveries"], retries, most, self._per_origin, posts_for_retries(self._per_origin),
            self._lease_seconds, self._reached[retries], ORIGINS_PER_CLAIM,
        )  # fmt: skip
        rows = [row for row in found if row["number_id"] is not None]
        if found:
            # An origin that was cut short by the end of the room is the last one next time.
            self._reached[retries] = rows[-1]["origin"] if len(rows) == most else found[0]["reached"]
        return rows

    def _claimed(self, row: asyncpg.Record) -> ClaimedDelivery:
        return ClaimedDelivery(
            tenant_id=row["tenant_id"],
            campaign_id=row["campaign_id"],
            number_id=row["number_id"],
            epoch=row["epoch"],
            tries=row["tries"],
            is_retry=row["again"],
            is_probe=row["is_probe"],
            origin=row["origin"],
            claimed_at=row["now"],
            webhook=OutgoingWebhook(
                webhook_id=row["webhook_id"],
                url=row["url"],
                content_type=row["content_type"],
                body=row["body"],
                keys=self._keys(row),
            ),
        )

    def _keys(self, row: asyncpg.Record) -> tuple[str, ...]:
        """Open a tenant's keys. One whose keys do not open has none: it must not stop the others' deliveries."""
        try:
            return tuple(self._unseal(sealed).decode() for sealed in row["webhook_keys"])
        except PacelineError as error:
            _log.error("webhook_keys_do_not_open", tenant_id=row["tenant_id"], reason=error.message)
            return ()


async def _disable(connection: asyncpg.Connection, claimed: ClaimedDelivery, reason: str) -> None:
    url = claimed.webhook.url
    if await connection.fetchval(_SQL["disable_receiver"], claimed.tenant_id, url, reason):
        await connection.execute(_SQL["allow_a_long_park"])
        await connection.execute(_SQL["park_deliveries"], claimed.tenant_id, claimed.origin, url)


def _settled(decision: Decision) -> tuple[DeliveryState, float]:
    match decision:
        case Delivered():
            return DeliveryState.DELIVERED, 0.0
        case RetryAt(delay_seconds=delay_seconds):
            return DeliveryState.RETRY, delay_seconds
        case Failed():
            return DeliveryState.FAILED, 0.0
        case Disabled():
            return DeliveryState.PARKED, 0.0
