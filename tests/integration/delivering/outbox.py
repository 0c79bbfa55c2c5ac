"""Results that wait to be delivered, put into Postgres as many at a time as a test wants, and a deliverer for them."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network

import asyncpg
from typing_extensions import override

from services.dialer.deliverer import Deliverer
from shared.adapters.egress.exchange import GuardedHttp
from shared.adapters.egress.session import guarded_session
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.deliveries import POSTS_PER_TENANT, PostgresDeliveries
from shared.adapters.postgres.delivery_desk import PostgresDeliveryDesk
from shared.adapters.sealing.sealer import Sealer
from shared.adapters.webhook.sender import WebhookSender
from shared.adapters.webhook.signature import new_secret
from shared.clock import utc_now
from shared.contracts.conclusion import Receiver
from shared.contracts.result_body import ResultFormat
from shared.domain.circuit import TriesReport
from shared.domain.delivery_schedule import DeliveryLease, shortest_lease_seconds
from shared.domain.egress import EgressPolicy
from shared.observability.metric import Metric
from shared.observability.tally import Tally
from shared.ports.delivering import Claim, ClaimedDelivery, Room, TenantOrigin
from shared.ports.scoreboard import CampaignTotals, Scoreboard

LOOPBACK = EgressPolicy(allow=(ip_network("127.0.0.0/8"),))
SECRET = new_secret(bytes(range(32)))
FORM = "application/x-www-form-urlencoded"
#: What no receiver here uses up: a busy machine is no receiver that hangs.
TRY_SECONDS = 60.0
#: More than any test claims at once.
PLENTY = Room(posts=1000, retries=1000)

_counter = itertools.count(1)

#: As a number's end writes them, but many at a time; foreign keys are not asked, since they are right.
_PUT = """
WITH numbers AS (
    INSERT INTO number (tenant_id, campaign_id, batch_no, line_no, e164, message_reference, state)
    SELECT $1, $2, 1, g, '+1202555' || lpad((g % 10000)::text, 4, '0'), 'ref ' || g, 'FINAL'
    FROM generate_series(1, $3) g
    RETURNING tenant_id, campaign_id, number_id, line_no
), results AS (
    INSERT INTO result (tenant_id, campaign_id, number_id, outcome, stage, result, callee_type, attempts,
                        duration_seconds)
    SELECT tenant_id, campaign_id, number_id, 1, 10, 'completed', 'voice', 1, 12 FROM numbers ORDER BY line_no
)
INSERT INTO delivery (tenant_id, campaign_id, number_id, webhook_id, url, origin, content_type, body)
SELECT tenant_id, campaign_id, number_id, 'res_' || number_id, $4, $5, $6, convert_to(format($7, number_id), 'UTF8')
FROM numbers ORDER BY line_no
RETURNING number_id
"""


class Unwatched(Scoreboard):
    """A scoreboard that nobody looks at."""

    @override
    async def publish_totals(self, totals: Sequence[CampaignTotals]) -> None:
        return

    @override
    async def publish_process(
        self, service: str, process_id: str, gauges: Mapping[str, float], counters: Mapping[str, int]
    ) -> None:
        return

    @override
    async def retire(self, service: str, process_id: str) -> None:
        return

    @override
    async def flush(self) -> None:
        return

    @override
    def observe(self, metric: Metric, value: float) -> None:
        return

    @override
    def bump_minute(self, tenant_id: int, campaign_id: int, at: datetime, *, calls: int = 1) -> None:
        return


@dataclass
class Outbox:
    """One database with deliveries in it; its connection is the superuser's."""

    url: str
    sealer: Sealer
    connection: asyncpg.Connection
    databases: list[Database] = field(default_factory=list)

    async def tenant(self, *secrets: str) -> int:
        """Make a tenant with these webhook secrets, newest first; with one if none is given."""
        sealed = [self.sealer.seal(secret.encode()) for secret in secrets or (SECRET,)]
        return await self.one(
            "INSERT INTO tenant (name, webhook_keys) VALUES ($1, $2) RETURNING tenant_id",
            f"tenant {next(_counter)}",
            sealed,
        )

    async def campaign(self, tenant_id: int) -> int:
        """Make a campaign for results to belong to."""
        campaign_id = await self.one(
            "INSERT INTO campaign (tenant_id, dialect, first_date, last_date, time_zone, start_url, days)"
            " VALUES ($1, 'plum', '2026-01-01', '2099-01-01', 'UTC', 'http://a.example/', '{mon}')"
            " RETURNING campaign_id",
            tenant_id,
        )
        await self.sql(
            "INSERT INTO batch (tenant_id, campaign_id, batch_no) VALUES ($1, $2, 1)", tenant_id, campaign_id
        )
        return campaign_id

    async def put(
        self,
        tenant_id: int,
        url: str,
        count: int = 1,
        *,
        campaign_id: int | None = None,
        content_type: str = FORM,
        body: str = "call_id=%s&result=completed",
    ) -> list[int]:
        """Let results of a campaign (a new one if none is given) wait for a receiver; returns their call ids.

        `body` has a %s where the call id goes.
        """
        campaign_id = campaign_id or await self.campaign(tenant_id)
        origin = Receiver(url=url, result_format=ResultFormat.FORM).origin
        async with self.connection.transaction():
            await self.connection.execute("SET LOCAL session_replication_role = replica")
            rows = await self.connection.fetch(
                _PUT, tenant_id, campaign_id, count, url, origin, content_type, body
            )
        return sorted(row["number_id"] for row in rows)

    # What became of them ------------------------------------------------------------------------------------------

    async def sql(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run a statement beyond row-level security."""
        rows: list[asyncpg.Record] = await self.connection.fetch(statement, *arguments)
        return rows

    async def one(self, statement: str, *arguments: object) -> int:
        """Return the first value of a statement's first row, which is a number."""
        value: int = await self.connection.fetchval(statement, *arguments)
        return value

    async def states(self, *call_ids: int) -> list[str]:
        """Return where these deliveries stand, or all of them, in the order of their call ids."""
        rows = await self.sql(
            "SELECT state::text FROM delivery WHERE $1 = '{}'::bigint[] OR number_id = ANY ($1) ORDER BY number_id",
            list(call_ids),
        )
        return [row["state"] for row in rows]

    async def log(self, call_id: int) -> list[asyncpg.Record]:
        """Return the tries of one delivery."""
        return await self.sql("SELECT * FROM delivery_try WHERE number_id = $1 ORDER BY try_no", call_id)

    async def until(self, met: Callable[[], Awaitable[bool]], *, seconds: float = 180) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(seconds):
            while not await met():
                await asyncio.sleep(0.02)

    async def until_all(self, state: str, *call_ids: int, seconds: float = 180) -> None:
        """Wait until these deliveries, or all, are in one state."""

        async def arrived() -> bool:
            return set(await self.states(*call_ids)) == {state}

        await self.until(arrived, seconds=seconds)

    async def make_due(self) -> None:
        """Let every wait for a next try be over."""
        await self.sql("UPDATE delivery SET next_at = clock_timestamp() WHERE state = 'RETRY'")

    async def expire_leases(self) -> None:
        """Let every lease have run out a second ago."""
        await self.sql(
            "UPDATE delivery SET lease_until = clock_timestamp() - interval '1 s' WHERE lease_until IS NOT NULL"
        )

    # Whoever delivers them ------------------------------------------------------------------------------------------

    async def store(
        self,
        *,
        per_origin: int = 8,
        per_tenant: int = POSTS_PER_TENANT,
        lease_seconds: float = 35,
        url: str | None = None,
    ) -> PostgresDeliveries:
        """Open a deliverer's view of the database, each with connections of its own."""
        database = await Database.connect(
            url or self.url, role="paceline_deliverer", size=8, idle_in_transaction_ms=60_000
        )
        self.databases.append(database)
        return PostgresDeliveries(
            database,
            unseal=self.sealer.open,
            per_origin=per_origin,
            per_tenant=per_tenant,
            lease_seconds=lease_seconds,
        )

    async def desk(self) -> PostgresDeliveryDesk:
        """Open the API's view of the deliveries."""
        database = await Database.connect(self.url, role="paceline_api", size=4)
        self.databases.append(database)
        return PostgresDeliveryDesk(database)

    @asynccontextmanager
    async def deliverer(
        self, *, try_seconds: float = TRY_SECONDS, per_origin: int = 8, url: str | None = None
    ) -> AsyncIterator[Deliverer]:
        """Run a deliverer for the block, as the dialer does."""
        lease = DeliveryLease(seconds=shortest_lease_seconds(try_seconds), try_seconds=try_seconds)
        store = await self.store(per_origin=per_origin, lease_seconds=lease.seconds, url=url)
        async with guarded_session(LOOPBACK) as session:
            sender = WebhookSender(
                GuardedHttp(session, LOOPBACK),
                wall_clock=utc_now,
                timeout_s=try_seconds,
                connect_timeout_s=try_seconds,
            )
            deliverer = Deliverer(store, sender, lease, Unwatched(), Tally(), random.Random(1))
            task = asyncio.create_task(deliverer.run())
            try:
                yield deliverer
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Close what was opened."""
        for database in self.databases:
            await database.close()
        await self.connection.close()


async def claimed(
    store: PostgresDeliveries, room: Room = PLENTY, **reports: TriesReport
) -> Sequence[ClaimedDelivery]:
    """Claim what is due and return only that."""
    return (await claim(store, room, **reports)).deliveries


async def claim(store: PostgresDeliveries, room: Room = PLENTY, **reports: TriesReport) -> Claim:
    """Claim what is due; `reports` are the first tenant's, by the host of their origin, on port 80."""
    return await store.claim(
        room, {TenantOrigin(1, f"http://{host}:80"): report for host, report in reports.items()}
    )
