"""The HTTP server of the public API: one application from the routes of its rooms."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from services.api.answers import error_answer, json_answer, speak_of_errors
from services.api.authentication import authenticate
from services.api.blocklist import BlocklistRoom
from services.api.campaign_plan import PlanRoom
from services.api.deliveries import DeliveryRoom
from services.api.holds import HoldDesk
from services.api.plum.campaigns import PlumCampaigns
from services.api.plum.profiles import Profiles
from services.api.plum.schedules import Schedules
from services.api.preflight import Inspector
from services.api.results import ResultRoom
from services.api.routes import Handler, Route
from shared.domain.callee_hours import CalleeHours
from shared.domain.egress import EgressPolicy
from shared.ports.blocklist import Blocklist
from shared.ports.campaigns import Campaigns
from shared.ports.delivery_desk import DeliveryDesk
from shared.ports.holds import Holds
from shared.ports.results import ResultFeed

#: Bodies are streamed and bounded by their reader; this only bounds what aiohttp would read on its own.
_CLIENT_MAX_BYTES: Final = 1024 * 1024


def api_routes(
    campaigns: Campaigns,
    holds: Holds,
    desk: DeliveryDesk,
    feed: ResultFeed,
    blocklist: Blocklist,
    plan_room: PlanRoom,
    *,
    egress: EgressPolicy,
    inspector: Inspector,
    upload_bytes: int,
    callee_hours: CalleeHours | None = None,
) -> tuple[Route, ...]:
    """Return every route of the API; `callee_hours` are those of new campaigns that say nothing of them."""

    async def health(_request: web.Request) -> web.Response:
        if await campaigns.works():
            return json_answer({"status": "ok"})
        return error_answer(503, "Postgres does not answer.")

    return (
        Route(method="GET", path="/healthz", handler=health, summary="Whether the API works", public=True),
        *Schedules(campaigns).routes(),
        *Profiles(campaigns).routes(),
        *PlumCampaigns(campaigns, egress, inspector, upload_bytes, callee_hours).routes(),
        *plan_room.routes(),
        *HoldDesk(holds, campaigns).routes(),
        *DeliveryRoom(desk).routes(),
        *ResultRoom(feed).routes(),
        *BlocklistRoom(blocklist, upload_bytes).routes(),
    )


def application(campaigns: Campaigns, routes: Sequence[Route]) -> web.Application:
    """Return the aiohttp application that serves the routes."""
    app = web.Application(middlewares=[speak_of_errors], client_max_size=_CLIENT_MAX_BYTES)
    for route in routes:
        handler = route.handler if route.public else _guarded(route.handler, campaigns)
        app.router.add_route(route.method, route.path, handler)
    return app


def _guarded(handler: Handler, campaigns: Campaigns) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        await authenticate(request, campaigns)
        return await handler(request)

    return guarded
