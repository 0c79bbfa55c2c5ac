"""Tenants and their tokens, as the command line makes them."""

import base64
import secrets
from typing import Final, Protocol

import asyncpg

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.tokens import new_secret, token_hash
from shared.domain.access import Role, UnknownTenant
from shared.domain.errors import Conflict

__all__ = [
    "ROLE",
    "create_token",
    "finish_webhook_rotation",
    "rotate_webhook_secret",
    "tenant_id",
    "token_hash",
    "webhook_secret",
]

_SQL = queries("tenants")

ROLE: Final = "paceline_admin"
#: What the Standard Webhooks specification recommends at least 24 of.
WEBHOOK_KEY_BYTES: Final = 32


class Sealer(Protocol):
    """Seals what must be read back."""

    def seal(self, secret: bytes) -> bytes:
        """Return the secret, unreadable without the key."""

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed."""


async def create_token(
    url: str,
    *,
    tenant: str,
    name: str,
    sealer: Sealer,
    role: Role = Role.ADMIN,
    days: int | None = None,
) -> str:
    """Make a token for a tenant, and the tenant where it does not exist; returns the token, which is stored hashed.

    `days` is how long it is good for; None: until it is revoked.
    """
    token = new_secret()
    async with Database.opened(url, role=ROLE, size=1) as database, database.transaction() as connection:
        tenant_id = await _tenant(connection, tenant, sealer)
        await connection.execute(_SQL["create_token"], tenant_id, name, role.value, token_hash(token), days)
    return token


async def webhook_secret(url: str, *, tenant: str, sealer: Sealer) -> str:
    """Return the secret (`whsec_…`) that a tenant's receivers check signatures with; raises NotFound."""
    row = await _tenant_row(url, tenant)
    return sealer.open(row["webhook_keys"][0]).decode()


async def rotate_webhook_secret(url: str, *, tenant: str, sealer: Sealer) -> str:
    """Put a new secret before the present one and return it; raises NotFound, and Conflict while two are used."""
    secret = _new_webhook_secret()
    if await _updated(url, "begin_rotation", tenant, sealer.seal(secret.encode())):
        return secret
    await _tenant_row(url, tenant)
    raise Conflict(
        f"The secret of {tenant} is being replaced already: `paceline webhook secret --tenant {tenant}` shows the new "
        f"one, `paceline webhook rotate --tenant {tenant} --finish` ends it."
    )


async def finish_webhook_rotation(url: str, *, tenant: str) -> None:
    """Forget every secret but the newest; raises NotFound, and Conflict when there is but one."""
    if await _updated(url, "finish_rotation", tenant):
        return
    await _tenant_row(url, tenant)
    raise Conflict(f"The secret of {tenant} is not being replaced: there is but one, and it stays.")


async def _updated(url: str, statement: str, *arguments: object) -> bool:
    async with Database.opened(url, role=ROLE, size=1) as database:
        return await database.row(_SQL[statement], *arguments) is not None


async def tenant_id(url: str, name: str) -> int:
    """Return a tenant's id; raises NotFound."""
    found: int = (await _tenant_row(url, name))["tenant_id"]
    return found


async def _tenant_row(url: str, name: str) -> asyncpg.Record:
    async with Database.opened(url, role=ROLE, size=1) as database:
        row = await database.row(_SQL["tenant_by_name"], name)
    if row is None:
        raise UnknownTenant(name)
    return row


async def _tenant(connection: asyncpg.Connection, name: str, sealer: Sealer) -> int:
    sealed = sealer.seal(_new_webhook_secret().encode())
    await connection.execute(_SQL["create_tenant"], name, [sealed])
    row = await connection.fetchrow(_SQL["tenant_by_name"], name)
    tenant_id: int = row["tenant_id"]
    return tenant_id


def _new_webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(WEBHOOK_KEY_BYTES)).decode()
