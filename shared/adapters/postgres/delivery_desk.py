"""Deliveries as their owners see them, in Postgres."""

from datetime import datetime
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.delivery import DELIVERY, DeliveryEvent, DeliveryState
from shared.domain.errors import Conflict, NotFound
from shared.ports.delivery_desk import (
    DeliveryDesk,
    DeliveryStory,
    DeliveryView,
    DisabledReceiver,
    Page,
    ReplayRange,
    TryView,
)

_SQL = queries("delivery_desk")
_ONE_AT_A_TIME = queries("delivering")["one_claim_at_a_time"]

#: A hundred rounds of the schedule.
SHOWN_TRIES: Final = 1_000
#: A tenant has a receiver or two; with more disabled ones than this, one hears of the newest.
SHOWN_RECEIVERS: Final = 1_000


class PostgresDeliveryDesk(DeliveryDesk):
    """The desk in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def deliveries(
        self, tenant_id: int, page: Page, *, state: DeliveryState | None, campaign_id: int | None
    ) -> list[DeliveryView]:
        wanted: list[object] = [tenant_id, page.after, state, page.limit]
        if state not in {None, DeliveryState.DELIVERED}:
            statement = "open_deliveries"
            wanted.append(campaign_id)
        elif campaign_id is not None:
            statement = "campaign_deliveries"
            wanted.append(campaign_id)
        else:
            statement = "deliveries"
        rows = await self._database.rows(_SQL[statement], *wanted, tenant_id=tenant_id)
        return [_view(row) for row in rows]

    @override
    async def delivery(self, tenant_id: int, call_id: int) -> DeliveryStory:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            row = await _row(connection, tenant_id, call_id)
            log = await connection.fetch(
                _SQL["delivery_log"], tenant_id, row["campaign_id"], call_id, SHOWN_TRIES
            )
        return DeliveryStory(
            delivery=_view(row),
            content_type=row["content_type"],
            body=row["body"],
            waits_because=_waits_because(row),
            log=[TryView(**dict(line)) for line in reversed(log)],
        )

    @override
    async def replay(self, tenant_id: int, call_id: int) -> None:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            if await connection.fetchval(_SQL["replay_delivery"], tenant_id, call_id) is None:
                raise _not_replayable(await _row(connection, tenant_id, call_id))

    @override
    async def count_replayable(self, tenant_id: int, wanted: ReplayRange) -> int:
        return await self._over_range("count_replayable", tenant_id, wanted)

    @override
    async def replay_range(self, tenant_id: int, wanted: ReplayRange) -> int:
        return await self._over_range("replay_range", tenant_id, wanted)

    @override
    async def disabled_receivers(self, tenant_id: int) -> list[DisabledReceiver]:
        rows = await self._database.rows(
            _SQL["disabled_receivers"], tenant_id, SHOWN_RECEIVERS, tenant_id=tenant_id
        )
        return [DisabledReceiver(**dict(row)) for row in rows]

    @override
    async def enable_receiver(self, tenant_id: int, url: str) -> int:
        # Two transactions. The first keeps claims out, so that none parks anything for this receiver after it; the
        # second may take long. If it fails, whoever asks again gets what is left.
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await connection.execute(_ONE_AT_A_TIME)
            was_disabled = await connection.fetchval(_SQL["enable_receiver"], tenant_id, url)
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await connection.execute(_SQL["allow_a_long_replay"])
            queued: int = await connection.fetchval(_SQL["queue_parked"], tenant_id, url)
            if (
                was_disabled is None and queued == 0
            ):  # inside: nothing is in the audit log where nothing was done
                raise NotFound("No receiver with that url is disabled.")
        return queued

    async def _over_range(self, statement: str, tenant_id: int, wanted: ReplayRange) -> int:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await connection.execute(_SQL["allow_a_long_replay"])
            count: int = await connection.fetchval(
                _SQL[statement], tenant_id, wanted.state, wanted.campaign_id, wanted.made_from, wanted.made_before
            )  # fmt: skip
        return count


async def _row(connection: asyncpg.Connection, tenant_id: int, call_id: int) -> asyncpg.Record:
    row = await connection.fetchrow(_SQL["delivery_of_call"], tenant_id, call_id)
    if row is None:
        raise NotFound(f"There is no delivery with call_id {call_id}.")
    return row


def _view(row: asyncpg.Record) -> DeliveryView:
    state = DeliveryState(row["state"])
    waits = DELIVERY.takes(state, DeliveryEvent.CLAIM)
    return DeliveryView(
        call_id=row["number_id"],
        campaign_id=row["campaign_id"],
        state=state,
        webhook_id=row["webhook_id"],
        url=row["url"],
        tries=row["all_tries"],
        next_try_at=row["next_at"] if waits else None,
        created_at=row["created_at"],
        delivered_at=row["delivered_at"],
    )


def _waits_because(row: asyncpg.Record) -> str | None:
    if row["state"] == DeliveryState.PARKED:
        return _disabled(row["disabled_at"])
    if row["shut_until"] is not None and DELIVERY.takes(DeliveryState(row["state"]), DeliveryEvent.CLAIM):
        return f"Most tries to its receiver fail: it is left alone until {row['shut_until']:%Y-%m-%d %H:%M:%S} UTC."
    return None


def _not_replayable(row: asyncpg.Record) -> Conflict:
    if row["disabled_at"] is not None:
        return Conflict(f"{_disabled(row['disabled_at'])} Enable it first, with POST /api/receivers/enable.")
    return Conflict(f"The delivery is {row['state']}: it is on its way already.")


def _disabled(since: datetime | None) -> str:
    when = f" since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    return f"Its receiver is disabled{when}, because it answered 410 Gone."
