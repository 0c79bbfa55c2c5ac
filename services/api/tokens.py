"""Tokens by HTTP: a tenant's admins make and end their own.

The secret is in the answer that makes it, and nowhere else.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from services.api.access_messages import NewTokenAnswer, NewTokenParameters, TokenEntry
from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.list_fields import text_of
from services.api.parameters import described
from services.api.plum.messages import Success
from services.api.request_body import Fields, read_fields
from services.api.routes import MADE, Link, Operation, Route, path_id
from shared.domain.access import Role
from shared.domain.errors import Invalid
from shared.ports.access import NewToken, Tokens, TokenView

#: As the table has it.
LONGEST_NAME_CHARACTERS: Final = 64
#: Ten years: whoever wants more wants a token that does not expire, and says so by leaving it out.
MOST_DAYS: Final = 3_650

_TAG: Final = "Tokens"
_TOKEN: Final = {
    "id": 7,
    "name": "night shift",
    "role": "operator",
    "created_at": "2026-11-21T08:00:00+00:00",
    "expires_at": "2027-02-19T08:00:00+00:00",
    "last_used_at": None,
}
_DAYS: Final = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class TokenRoom:
    """The token endpoints."""

    tokens: Tokens

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(
                method="GET", path="/api/tokens", handler=self.index, summary="List tokens", role=Role.ADMIN,
                operation=Operation(
                    id="listTokens", tag=_TAG, description="Those that are not revoked.", answers=list[TokenEntry],
                    example=[_TOKEN],
                ),
            ),
            Route(
                method="POST", path="/api/tokens", handler=self.create, summary="Create a token",
                role=Role.ADMIN, secret=True,
                operation=Operation(
                    id="createToken", tag=_TAG, takes=NewTokenParameters, answers=NewTokenAnswer,
                    description=(
                        "Its secret is in this answer and nowhere else, with an Idempotency-Key or without. How long "
                        "it lives is said in `days`; an `expires_at` is refused."
                    ),
                    sends={"name": "night shift", "role": "operator", "days": 90},
                    example={"status": "success", "response": {**_TOKEN, "token": "pl_9f2c…"}},
                    leads_to={"revokeToken": Link(parameters={"token_id": MADE})},
                ),
            ),
            Route(
                method="DELETE", path="/api/tokens/{token_id}", handler=self.revoke, summary="Revoke a token",
                role=Role.ADMIN,
                operation=Operation(
                    id="revokeToken", tag=_TAG, answers=Success, example={"status": "success"},
                    description="From the next request on; the token that asks may be the one that ends.",
                    refuses={404: "There is no token with id 7."},
                ),
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """List the tenant's tokens that are not revoked."""
        return json_answer([token_shape(token) for token in await self.tokens.tokens(request[TENANT])])

    async def create(self, request: web.Request) -> web.Response:
        """Make a token and tell its secret."""
        fields = await read_fields(request)
        _refuse_a_date(fields)
        made = await self.tokens.create(request[TENANT], new_token_of(described(fields, NewTokenParameters)))
        return success({"response": {**token_shape(made.view), "token": made.secret}})

    async def revoke(self, request: web.Request) -> web.Response:
        """End a token from the next request on, the one that asks for it as well."""
        await self.tokens.revoke(request[TENANT], path_id(request, "token_id"))
        return success()


def new_token_of(fields: Fields) -> NewToken:
    """Read `name`, `role` and `days`; raises Invalid."""
    name = text_of(fields, "name")
    if name is None or len(name) > LONGEST_NAME_CHARACTERS or not name.isprintable():
        raise Invalid("name", f"The name is a text of 1 to {LONGEST_NAME_CHARACTERS} characters.")
    return NewToken(name=name, role=_role_of(fields), days=_days_of(fields))


def _refuse_a_date(fields: Fields) -> None:
    """Raise Invalid for the name that answers have: passed over, it would make a token that never expires."""
    if "expires_at" in fields.names:
        raise Invalid(
            "expires_at", "How long a token lives is said in days: send days=90 instead of expires_at."
        )


def _role_of(fields: Fields) -> Role:
    """There is no usual role: nobody gets an admin by leaving a field out."""
    text = text_of(fields, "role")
    if text not in set(Role):
        raise Invalid("role", f"The role is one of {', '.join(Role)}.")
    return Role(text or "")


def _days_of(fields: Fields) -> int | None:
    text = text_of(fields, "days")
    if text is None:
        return None
    if _DAYS.fullmatch(text) is None or not 1 <= int(text) <= MOST_DAYS:
        raise Invalid("days", f"The days are a whole number from 1 to {MOST_DAYS}; leave them out for ever.")
    return int(text)


def token_shape(token: TokenView) -> TokenEntry:
    """Return a token as its owner sees it."""
    return {
        "id": token.token_id,
        "name": token.name,
        "role": token.role.value,
        "created_at": _instant(token.created_at),
        "expires_at": _instant(token.expires_at),
        "last_used_at": _instant(token.last_used_at),
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="seconds")
