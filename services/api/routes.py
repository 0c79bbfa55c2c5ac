"""The shape of a route: what the server serves, and what the API's description is written from.

A route that says nothing of its operation is described by its path, method and summary alone.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel

from shared.domain.access import Role, usual_role
from shared.domain.errors import NotFound

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: A path's id: digits of ASCII and nothing else, so that `/start` beside it is no id.
ID: Final = "{id:[0-9]+}"
#: A name in a path with the pattern that it matches.
_PATTERN: Final = re.compile(r"\{([a-z_]+):[^{}]*\}")
#: What a bigint holds; nothing has a longer id.
_ID: Final = re.compile(r"[0-9]{1,18}")
#: Stands in a link for the id of what was made: where an answer has it.
MADE: Final = "$response.body#/response/id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How the id of what was made goes into another operation: `MADE` within its path, its query or its body."""

    #: By the names of the path and the query.
    parameters: Mapping[str, str] = field(default_factory=dict)
    #: What is sent; empty: nothing.
    body: Mapping[str, object] = field(default_factory=dict)


#: The most usual link: into the path of what is below the thing.
BY_ID: Final = Link(parameters={"id": MADE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a route takes and answers, in types that its handler uses, too."""

    #: Unique among all operations: generated clients name their methods by it.
    id: str
    #: The chapter of the description that it stands in.
    tag: str
    #: Beyond the summary: what is decided here that the published documents leave open.
    description: str = ""
    #: What may be sent, by query or body; None: nothing.
    takes: type[BaseModel] | None = None
    #: Whether `takes` comes by query alone, as a GET has it.
    by_query: bool = False
    #: A request as the published documents have it, written as a JSON body.
    sends: Mapping[str, object] | None = None
    #: The type of the answer's JSON, where it is JSON.
    answers: Any = None
    #: The media type of an answer that is not JSON.
    media_type: str = "application/json"
    #: An answer as the published documents have it.
    example: object = None
    #: What may be done next with what was made, by the ids of the operations: where in them its id belongs.
    leads_to: Mapping[str, Link] = field(default_factory=dict)
    #: Refusals by status, beside those that any route may answer: when that happens.
    refuses: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path."""

    method: str
    path: str
    handler: Handler
    #: One line that says what it does.
    summary: str
    #: Whether it may be called without a token.
    public: bool = False
    #: The role that a token needs; None: what is usual for the method, reader to look and operator to change.
    role: Role | None = None
    #: Whether its answer holds a secret, which is then shown this once, Idempotency-Key or not.
    secret: bool = False
    operation: Operation | None = None

    @property
    def needs(self) -> Role:
        """The role that a token needs."""
        return self.role or usual_role(self.method)

    @property
    def template(self) -> str:
        """The path as it is shown: its names without the patterns that they match."""
        return _PATTERN.sub(r"{\1}", self.path)


def path_id(request: web.Request, name: str = "id") -> int:
    """Return an id in a request's path; raises NotFound for one that nothing can have."""
    written = request.match_info[name]
    if _ID.fullmatch(written) is None:
        raise NotFound(f"There is nothing at {request.path}.")
    return int(written)
