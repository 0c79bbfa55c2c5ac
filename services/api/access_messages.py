"""What the rooms of tokens and of the audit log take and answer, as types; and what says that the API works."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, with_config
from typing_extensions import TypedDict

from services.api.plum.messages import CLOSED, Id, Parameters, Success

#: A kind, and after a colon what tells the one from the others: an id, a number, a URL.
OBJECT: Final = r"^([a-z_]{1,32})(?::([^\x00]{1,200}))?$"
Role = Literal["reader", "operator", "admin"]


@with_config(CLOSED)
class HealthAnswer(TypedDict):
    """The API works, and so does its database."""

    status: Literal["ok"]


# Tokens ----------------------------------------------------------------------------------------------------------


class NewTokenParameters(Parameters):
    """A token to be made."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S", examples=["night shift"])]
    """Who will use it, or what for; it stands in the audit log."""
    role: Role
    """A reader looks, an operator runs campaigns as well, and an admin makes tokens as well."""
    days: Annotated[int | None, Field(ge=1, le=3650)] = None
    """Days after which it expires; it never does where nothing is said."""


@with_config(CLOSED)
class TokenEntry(TypedDict):
    """A token in the list; of its secret only a hash is known."""

    id: Id
    name: str
    role: Role
    created_at: str | None
    expires_at: str | None
    #: To ten minutes.
    last_used_at: str | None


@with_config(CLOSED)
class NewTokenEntry(TokenEntry):
    """A token that was made."""

    #: The secret, which is told this once.
    token: str


@with_config(CLOSED)
class NewTokenAnswer(Success):
    """A token was made."""

    response: NewTokenEntry


# The audit log ---------------------------------------------------------------------------------------------------


class AuditParameters(Parameters):
    """Which changes are listed, the newest first."""

    object: Annotated[str | None, Field(pattern=OBJECT, examples=["campaign:7"])] = None
    """Those of one kind of things, such as `campaign`, or of one of them, such as `campaign:7`."""
    after: Annotated[int | None, Field(ge=0)] = None
    """Those behind, which is before, the one with this id."""
    limit: Annotated[int | None, Field(ge=1, le=1000)] = None
    """How many at most; 100 where nothing is said."""


@with_config(CLOSED)
class WhoEntry(TypedDict):
    """Who changed something: a token, or a process of the platform by itself."""

    token_id: int | None
    name: str | None
    process: str


@with_config(CLOSED)
class RequestEntry(TypedDict):
    """The request that changed something; nulls where it was none."""

    method: str | None
    route: str | None
    path: str | None


@with_config(CLOSED)
class ChangeEntry(TypedDict):
    """A change."""

    id: Id
    at: str
    who: WhoEntry
    request: RequestEntry
    action: str
    object: str
    table: str
    #: Null where they were not counted.
    rows: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
