"""The deliverer's view of Postgres: claims, and what came of them.

A claim walks round the tenants, and within each round its origins, each process from where its last claim ended, so
that none is served before another because of its name, and thousands of receivers of one tenant keep no other waiting.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
from shared.ports.delivering import (
    Claim,
    ClaimedDelivery,
    Deliveries,
    OutgoingWebhook,
    Room,
    TenantOrigin,
    TryReport,
)

_SQL = queries("delivering")
_log = structlog.get_logger()

#: Tenants, and origins of all of them, that one claim looks at: a few milliseconds. The next goes on from there.
ORIGINS_PER_CLAIM: Final = 256
#: Of these each tenant has its part, and so many at least, so that sixteen tenants are always looked at.
ORIGINS_PER_TENANT: Final = 16
#: Tenants whose last origin is remembered: the others' next walk begins at their first origin.
ORIGINS_REMEMBERED: Final = 1_024
#: Unless the operator says otherwise: a quarter of what one process posts at once (256), and eight receivers at their
#: cap. All that one tenant's slow receivers can hold.
POSTS_PER_TENANT: Final = 64
#: As many lost deliveries as one claim puts back.
EXPIRED_PER_CLAIM: Final = 256
LOST_TRY: Final = "The deliverer was lost during this try: nobody knows whether the result arrived."


@dataclass(slots=True)
class _Walk:
    """How far the claims of one lane, retries or first tries, have come."""

    tenant_id: int = 0
    #: The last origin within the tenants that have more of them than one claim looks at, or were cut short.
    origins: dict[int, str] = field(default_factory=dict)


class PostgresDeliveries(Deliveries):
    """Deliveries in Postgres; `unseal` opens a tenant's webhook keys.

    At most `per_tenant` posts of one tenant are under way, and `per_origin` of these to one origin.
    """

    def __init__(
        self,
        database: Database,
        *,
        unseal: Callable[[bytes], bytes],
        per_origin: int,
        lease_seconds: float,
        per_tenant: int = POSTS_PER_TENANT,
    ) -> None:
        self._database = database
        self._unseal = unseal
        self._per_origin = per_origin
        self._per_tenant = per_tenant
        self._lease_seconds = lease_seconds
        self._walks = {True: _Walk(), False: _Walk()}

    @override
    async def claim(self, room: Room, reports: Mapping[TenantOrigin, TriesReport]) -> Claim:
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

    @override
    async def give_back(self, claimed: ClaimedDelivery, delay_seconds: float) -> bool:
        given_back = await self._database.row(
            _SQL["give_back_delivery"],
            claimed.tenant_id, claimed.campaign_id, claimed.number_id, claimed.epoch, delay_seconds,
        )  # fmt: skip
        return given_back is not None

    async def _claim(
        self, connection: asyncpg.Connection, most: int, *, retries: bool
    ) -> list[asyncpg.Record]:
        if most <= 0:
            return []
        walk = self._walks[retries]
        found = await connection.fetch(
            _SQL["claim_deliveries"], retries, most, self._per_origin, posts_for_retries(self._per_origin),
            self._lease_seconds, walk.tenant_id, ORIGINS_PER_CLAIM, ORIGINS_PER_TENANT, self._per_tenant,
            posts_for_retries(self._per_tenant), list(walk.origins), list(walk.origins.values()),
        )  # fmt: skip
        rows = [row for row in found if row["number_id"] is not None]
        _go_on(walk, found, rows, is_cut_short=len(rows) == most)
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
                tenant_id=row["tenant_id"],
            ),
        )

    def _keys(self, row: asyncpg.Record) -> tuple[str, ...]:
        """Open a tenant's keys. One whose keys do not open has none: it must not stop the others' deliveries."""
        try:
            return tuple(self._unseal(sealed).decode() for sealed in row["webhook_keys"])
        except PacelineError as error:
            _log.error("webhook_keys_do_not_open", tenant_id=row["tenant_id"], reason=error.message)
            return ()


def _go_on(
    walk: _Walk, found: Sequence[asyncpg.Record], rows: Sequence[asyncpg.Record], *, is_cut_short: bool
) -> None:
    """Let the next claim begin behind what this one has looked at.

    A tenant and an origin that were cut short, by the end of the room or of the tenant's own, are the last ones then.
    """
    taken = {row["tenant_id"]: row["origin"] for row in rows}
    tenants = {row["walked_tenant_id"]: row for row in found}
    is_full = sum(row["origins"] for row in tenants.values()) >= ORIGINS_PER_CLAIM
    for tenant_id, row in tenants.items():
        was_not_looked_at = is_full and row["room"] > 0 and row["origins"] == 0
        if was_not_looked_at or (is_cut_short and row["turn"] > rows[-1]["turn"]):
            return
        walk.tenant_id = tenant_id
        walk.origins.pop(tenant_id, None)
        if row["origins"] > 1:
            walk.origins[tenant_id] = taken.get(tenant_id, row["reached"])
    for forgotten in list(walk.origins)[:-ORIGINS_REMEMBERED]:
        del walk.origins[forgotten]


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
