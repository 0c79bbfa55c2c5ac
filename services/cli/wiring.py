"""The only module of the command line that knows adapters: servers, migrations, keys and tokens."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from shared.adapters.egress.cookies import CookieJar
from shared.adapters.egress.exchange import GuardedHttp
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.embedded.servers import EmbeddedServers
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.holds import PostgresHolds
from shared.adapters.postgres.invariants import ROLE as INVARIANTS_ROLE
from shared.adapters.postgres.invariants import PostgresInvariants
from shared.adapters.postgres.migrations import migrate as apply_migrations
from shared.adapters.postgres.number_policies import PostgresNumberPolicies
from shared.adapters.postgres.tenant_caps import PostgresTenantCaps
from shared.adapters.postgres.tenants import ROLE as ADMIN_ROLE
from shared.adapters.postgres.tenants import create_token as issue_token
from shared.adapters.postgres.tenants import finish_webhook_rotation as end_rotation
from shared.adapters.postgres.tenants import rotate_webhook_secret as begin_rotation
from shared.adapters.postgres.tenants import tenant_id as find_tenant
from shared.adapters.postgres.tenants import webhook_secret as read_webhook_secret
from shared.adapters.postgres.tokens import PostgresTokens
from shared.adapters.postgres.trunks import PostgresTrunks
from shared.adapters.sealing.sealer import Sealer, create_key_file
from shared.adapters.sip_trunk.asking import TrunkAnswer
from shared.adapters.sip_trunk.asking import ask as ask_by_options
from shared.adapters.sip_trunk.credentials import read_credentials
from shared.adapters.sip_trunk.espeak import speak
from shared.adapters.sip_trunk.trunk import parse_address
from shared.adapters.webhook.sender import WebhookSender
from shared.adapters.webhook.signature import new_secret
from shared.clock import epoch_seconds, utc_now
from shared.domain.access import Role
from shared.domain.egress import EgressPolicy
from shared.ports.access import Tokens
from shared.ports.delivering import OutgoingWebhook, TryReport
from shared.ports.fetching import DocumentFetcher
from shared.ports.holds import Holds
from shared.ports.invariants import Invariants
from shared.ports.number_policies import NumberPolicies
from shared.ports.tenant_caps import TenantCaps
from shared.ports.trunks import Trunks
from shared.rtp.g711 import PCMU


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServer:
    """A server that is ours to start again when it has ended."""

    name: str
    url: str
    #: At the address that it had; raises a PacelineError when it does not come up.
    restart: Callable[[], Awaitable[None]]
    #: What its absence means, in a sentence.
    meanwhile: str
    #: Whether nothing can be done without it.
    indispensable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where Postgres and Redis are; both addresses contain a password."""

    database_url: str
    redis_url: str
    #: Those of them that we run ourselves.
    own: tuple[OwnServer, ...] = ()


@contextlib.asynccontextmanager
async def embedded_servers(data_dir: Path) -> AsyncIterator[Servers]:
    """Run both servers on the data folder while the block lasts; raises sentences of the embedded adapter."""
    async with EmbeddedServers(data_dir) as embedded:
        urls = embedded.urls
        postgres = OwnServer(
            name="Postgres",
            url=urls.database_url,
            restart=embedded.restart_postgres,
            meanwhile="The API answers 503 until then, and no call begins.",
            indispensable=True,
        )
        redis = OwnServer(
            name="Redis",
            url=urls.redis_url,
            restart=embedded.restart_redis,
            meanwhile="No call begins until then; calls under way go on, and nothing is lost.",
            indispensable=False,
        )
        yield Servers(database_url=urls.database_url, redis_url=urls.redis_url, own=(postgres, redis))


@contextlib.asynccontextmanager
async def fetcher_of_anything() -> AsyncIterator[DocumentFetcher]:
    """Fetch from anywhere, this machine and its network included: for a person who tries their own application.

    With the cookies of one call.
    """
    policy = EgressPolicy(allow=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    async with guarded_session(policy) as session:
        yield GuardedFetcher(session, policy, CookieJar(epoch_seconds))


async def migrate(database_url: str) -> list[str]:
    """Bring the database to this version; return the names of what was applied."""
    return await apply_migrations(database_url)


def create_key(path: Path) -> None:
    """Write a new sealing key to a new private file."""
    create_key_file(path)


async def create_token(
    database_url: str,
    key_file: Path,
    *,
    tenant: str,
    name: str,
    role: Role = Role.ADMIN,
    days: int | None = None,
) -> str:
    """Make the tenant if need be and a new token of it; the token is stored hashed and told only now."""
    sealer = Sealer.from_key_file(key_file)
    return await issue_token(database_url, tenant=tenant, name=name, sealer=sealer, role=role, days=days)


@contextlib.asynccontextmanager
async def tokens(database_url: str) -> AsyncIterator[Tokens]:
    """Open the tokens of every tenant."""
    async with Database.opened(database_url, role=ADMIN_ROLE, size=2) as database:
        yield PostgresTokens(database)


async def tenant_id_of(database_url: str, name: str) -> int:
    """Return a tenant's id; raises NotFound."""
    return await find_tenant(database_url, name)


@contextlib.asynccontextmanager
async def holds(database_url: str) -> AsyncIterator[Holds]:
    """Open the holds of the platform and of every tenant."""
    async with Database.opened(database_url, role=ADMIN_ROLE, size=2) as database:
        yield PostgresHolds(database)


@contextlib.asynccontextmanager
async def tenant_caps(database_url: str) -> AsyncIterator[TenantCaps]:
    """Open the caps of all tenants."""
    async with Database.opened(database_url, role=ADMIN_ROLE, size=1) as database:
        yield PostgresTenantCaps(database)


@contextlib.asynccontextmanager
async def number_policies(database_url: str) -> AsyncIterator[NumberPolicies]:
    """Open what tenants may call, and as whom."""
    async with Database.opened(database_url, role=ADMIN_ROLE, size=1) as database:
        yield PostgresNumberPolicies(database)


@contextlib.asynccontextmanager
async def trunks(database_url: str, key_file: Path) -> AsyncIterator[Trunks]:
    """Open the trunks; what is secret of them is sealed with the key."""
    sealer = Sealer.from_key_file(key_file)
    async with Database.opened(database_url, role=ADMIN_ROLE, size=1) as database:
        yield PostgresTrunks(database, seal=sealer.seal)


def trunk_address(text: str) -> tuple[str, int]:
    """Read `sip:HOST:PORT`; raises Invalid."""
    return parse_address(text, field="address")


def trunk_password(user: str | None, secret_file: Path | None) -> str | None:
    """Read a trunk's password from its file; raises Invalid for a user without one, and the other way round."""
    credentials = read_credentials(user, secret_file, user_field="--user", file_field="--secret-file")
    return None if credentials is None else credentials.password


def speech(text: str) -> bytes:
    """Return English speech as µ-law at 8 kHz; raises NoSpeech where espeak-ng is missing."""
    return speak(text, "en-US")


def mu_law(samples: Sequence[int]) -> bytes:
    """Return samples from -32768 to 32767 as µ-law."""
    return bytes(PCMU.coded[sample] for sample in samples)


async def ask_trunk(host: str, port: int) -> TrunkAnswer:
    """Ask by OPTIONS whether somebody is there."""
    return await ask_by_options(host, port)


@contextlib.asynccontextmanager
async def invariants(database_url: str) -> AsyncIterator[Invariants]:
    """Open what can be asked whether the invariants hold."""
    async with Database.opened(database_url, role=INVARIANTS_ROLE, size=1) as database:
        yield PostgresInvariants(database)


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
