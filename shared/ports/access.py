"""Who may ask: the token that came with a request, and the tokens that a tenant keeps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.access import Role
from shared.domain.errors import PacelineError


class WrongToken(PacelineError):
    """The token is unknown, expired or revoked: make another with `paceline token create`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose request it is."""

    tenant_id: int
    token_id: int
    token_name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A token as its owner sees it: everything but the secret, of which only a hash is known."""

    token_id: int
    name: str
    role: Role
    created_at: datetime
    #: None: never.
    expires_at: datetime | None
    #: To ten minutes; None: not yet.
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token to be made."""

    name: str
    role: Role
    #: None: it does not expire.
    days: int | None


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token that was made, with its secret, which nobody can tell again."""

    view: TokenView
    secret: str


class Doorkeeper(Protocol):
    """Knows tokens."""

    async def caller_of(self, token_hash: bytes) -> Caller:
        """Return whose token has this SHA-256 hash; raises WrongToken."""


class Tokens(Protocol):
    """The tokens of tenants. Everything of another tenant answers as unknown."""

    async def tokens(self, tenant_id: int) -> list[TokenView]:
        """Return the tokens that are not revoked, expired ones included, oldest first."""

    async def create(self, tenant_id: int, token: NewToken) -> MadeToken:
        """Make a token; raises Conflict when the tenant has too many."""

    async def revoke(self, tenant_id: int, token_id: int) -> None:
        """End a token from now on; raises NotFound, for one that was revoked before as well."""
