"""The only module of the command line that knows adapters: servers, migrations, keys and tokens."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from shared.adapters.egress.exchange import GuardedHttp
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.embedded.servers import EmbeddedServers
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.holds import PostgresHolds
from shared.adapters.postgres.invariants import ROLE as INVARIANTS_ROLE
from shared.adapters.postgres.invariants import PostgresInvariants
from shared.adapters.postgres.migrations import migrate as apply_migrations
from shared.adapters.postgres.tenant_caps import PostgresTenantCaps
from shared.adapters.postgres.tenants import ROLE as ADMIN_ROLE
from shared.adapters.postgres.tenants import create_token as issue_token
from shared.adapters.postgres.tenants import finish_webhook_rotation as end_rotation
from shared.adapters.postgres.tenants import rotate_webhook_secret as begin_rotation
from shared.adapters.postgres.tenants import tenant_id as find_tenant
from shared.adapters.postgres.tenants import webhook_secret as read_webhook_secret
from shared.adapters.sealing.sealer import Sealer, create_key_file
from shared.adapters.webhook.sender import WebhookSender
from shared.adapters.webhook.signature import new_secret
from shared.clock import utc_now
from shared.domain.egress import EgressPolicy
from shared.ports.delivering import OutgoingWebhook, TryReport
from shared.ports.fetching import DocumentFetcher
from shared.ports.holds import Holds
from shared.ports.invariants import Invariants
from shared.ports.tenant_caps import TenantCaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where Postgres and Redis are; both addresses contain a password."""

    database_url: str
    redis_url: str


@contextlib.asynccontextmanager
async def embedded_servers(data_dir: Path) -> AsyncIterator[Servers]:
    """Run both servers on the data folder while the block lasts; raises sentences of the embedded adapter."""
    async with EmbeddedServers(data_dir) as embedded:
        yield Servers(database_url=embedded.urls.database_url, redis_url=embedded.urls.redis_url)


@contextlib.asynccontextmanager
async def fetcher_of_anything() -> AsyncIterator[DocumentFetcher]:
    """Fetch from anywhere, this machine and its network included: for a person who tries their own application."""
    policy = EgressPolicy(allow=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    async with guarded_session(policy) as session:
        yield GuardedFetcher(session, policy)


async def migrate(database_url: str) -> list[str]:
    """Bring the database to this version; return the names of what was applied."""
    return await apply_migrations(database_url)


def create_key(path: Path) -> None:
    """Write a new sealing key to a new private file."""
    create_key_file(path)


async def create_token(database_url: str, key_file: Path, *, tenant: str, name: str) -> str:
    """Make the tenant if need be and a new token of it; the token is stored hashed and told only now."""
    return await issue_token(database_url, tenant=tenant, name=name, sealer=Sealer.from_key_file(key_file))


async def tenant_id_of(database_url: str, name: str) -> int:
    """Return a tenant's id; raises NotFound."""
    return await find_tenant(database_url, name)


@contextlib.asynccontextmanager
async def holds(database_url: str) -> AsyncIterator[Holds]:
    """Open the holds of the platform and of every tenant."""
    database = await Database.connect(database_url, role=ADMIN_ROLE, size=2)
    try:
        yield PostgresHolds(database)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def tenant_caps(database_url: str) -> AsyncIterator[TenantCaps]:
    """Open the caps of all tenants."""
    database = await Database.connect(database_url, role=ADMIN_ROLE, size=1)
    try:
        yield PostgresTenantCaps(database)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def invariants(database_url: str) -> AsyncIterator[Invariants]:
    """Open what can be asked whether the invariants hold."""
    database = await Database.connect(database_url, role=INVARIANTS_ROLE, size=1)
    try:
        yield PostgresInvariants(database)
    finally:
        await database.close()


async def webhook_secret(database_url: str, key_file: Path, *, tenant: str) -> str:
    """Return the secret (`whsec_…`) with which the tenant's results are signed."""
    return await read_webhook_secret(database_url, tenant=tenant, sealer=Sealer.from_key_file(key_file))


async def rotate_webhook_secret(database_url: str, key_file: Path, *, tenant: str) -> str:
    """Make a new secret and sign with both; return the new one."""
    return await begin_rotation(database_url, tenant=tenant, sealer=Sealer.from_key_file(key_file))


async def finish_webhook_rotation(database_url: str, *, tenant: str) -> None:
    """Sign with the newest secret alone."""
    await end_rotation(database_url, tenant=tenant)


def new_webhook_secret(entropy: bytes) -> str:
    """Write random bytes as a secret."""
    return new_secret(entropy)


async def post_once(webhook: OutgoingWebhook, policy: EgressPolicy, *, timeout_s: float) -> TryReport:
    """Post one webhook through the egress guard; raises Invalid for a secret that is none."""
    async with guarded_session(policy) as session:
        sender = WebhookSender(GuardedHttp(session, policy), wall_clock=utc_now, timeout_s=timeout_s)
        return await sender.send(webhook)
