"""What stands before every route: who asks, how often, whether they may, and in whose name it is done."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answering_once import answer_once
from services.api.authentication import authenticate
from services.api.rate_limit import RateLimit
from services.api.routes import Handler, Route
from shared.domain.access import check_role
from shared.ports.access import Caller, Doorkeeper
from shared.ports.audit import Actor, acting
from shared.ports.once import OnceOnly

#: What the audit log calls the objects of a path's first segment.
_OBJECT_TYPES: Final = {
    "campaigns": "campaign",
    "deliveries": "delivery",
    "profiles": "profile",
    "schedules": "schedule",
    "tokens": "token",
}
#: Of a path that is written down; ours are far shorter.
_MOST_PATH_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Gate:
    """Before the routes of one application."""

    doorkeeper: Doorkeeper
    limit: RateLimit | None = None
    once: OnceOnly | None = None

    def guarding(self, route: Route) -> Handler:
        """Return the route's handler behind the gate."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            caller = await authenticate(request, self.doorkeeper)
            if self.limit is not None:
                self.limit.take(caller.tenant_id)
            check_role(caller.role, route.needs)
            if request.method in {"GET", "HEAD"}:
                return await route.handler(request)
            with acting(_actor(caller, request, route)):
                return await self._answer(request, route)

        return guarded

    async def _answer(self, request: web.Request, route: Route) -> web.StreamResponse:
        if request.method == "POST" and self.once is not None:
            return await answer_once(request, route.handler, self.once, route=route)
        return await route.handler(request)


def _actor(caller: Caller, request: web.Request, route: Route) -> Actor:
    segments = route.path.split("/")[2:]  # after /api
    first = segments[0] if segments else ""
    named = next(iter(request.match_info.values()), None)
    return Actor(
        name=caller.token_name,
        token_id=caller.token_id,
        method=request.method,
        route=route.template,
        path=request.path[:_MOST_PATH_CHARACTERS],
        object_type=_OBJECT_TYPES.get(first, first) if named is not None else None,
        object_id=named[:_MOST_PATH_CHARACTERS] if named is not None else None,
    )
