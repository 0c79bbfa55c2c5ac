"""Tokens in Postgres: who asks, and what a tenant does with its own tokens."""

import hashlib
import secrets
from typing import Final

from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.access import Role
from shared.domain.errors import Conflict, NotFound
from shared.ports.access import Caller, MadeToken, NewToken, Tokens, TokenView, WrongToken

_SQL = queries("tokens")

#: 256 random bits: beyond guessing, so that a plain hash of it may be stored.
TOKEN_BYTES: Final = 32
#: More than this are made by a program gone wrong, and no person can look after them.
MOST_TOKENS: Final = 100


class TooManyTokens(Conflict):
    """There are 100 tokens already: revoke one that is not used any more."""


def new_secret() -> str:
    """Return a new token's secret; its beginning tells whoever finds it somewhere what it is."""
    return f"pl_{secrets.token_urlsafe(TOKEN_BYTES)}"


def token_hash(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


async def caller_of(database: Database, presented: bytes) -> Caller:
    """Return whose token has this hash, and note now and then that it is used; raises WrongToken."""
    async with database.transaction(settings={"app.token_hash": presented}) as connection:
        row = await connection.fetchrow(_SQL["caller"], presented)
    if row is None:
        raise WrongToken
    caller = Caller(
        tenant_id=row["tenant_id"],
        token_id=row["token_id"],
        token_name=row["token_name"],
        role=Role(row["role"]),
    )
    if row["stale"]:
        await database.row(_SQL["note_use"], caller.tenant_id, caller.token_id, tenant_id=caller.tenant_id)
    return caller


class PostgresTokens(Tokens):
    """A tenant's tokens, in the role of the API or of the command line."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def tokens(self, tenant_id: int) -> list[TokenView]:
        rows = await self._database.rows(_SQL["standing_tokens"], tenant_id, tenant_id=tenant_id)
        return [TokenView(**{**dict(row), "role": Role(row["role"])}) for row in rows]

    @override
    async def create(self, tenant_id: int, token: NewToken) -> MadeToken:
        secret = new_secret()
        row = await self._database.row(
            _SQL["make_token"], tenant_id, token.name, token.role.value, token_hash(secret), token.days,
            MOST_TOKENS, tenant_id=tenant_id,
        )  # fmt: skip
        if row is None:
            raise TooManyTokens
        return MadeToken(TokenView(**{**dict(row), "role": Role(row["role"])}), secret)

    @override
    async def revoke(self, tenant_id: int, token_id: int) -> None:
        if await self._database.row(_SQL["revoke_token"], tenant_id, token_id, tenant_id=tenant_id) is None:
            raise NotFound(f"There is no token with id {token_id}.")
