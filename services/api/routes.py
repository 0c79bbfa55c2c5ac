"""The shape of a route: what the server serves, and later what the API's description is written from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
