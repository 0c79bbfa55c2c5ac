"""The HTTP server of the public API: one application from the routes of its rooms."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from aiohttp import web

from services.api.access_messages import HealthAnswer
from services.api.answers import error_answer, json_answer, meet_expectation, speak_of_errors
from services.api.blocklist import BlocklistRoom
from services.api.campaign_plan import PlanRoom
from services.api.deliveries import DeliveryRoom
from services.api.gate import Gate
from services.api.holds import HoldDesk
from services.api.idle_connections import close_idle_connections
from services.api.malformed_requests import SpeakingRunner
from services.api.openapi.page import page_routes
from services.api.openapi.room import description_route
from services.api.phone_list_upload import UploadTurns
from services.api.plum.campaigns import PlumCampaigns
from services.api.plum.profiles import Profiles
from services.api.plum.schedules import Schedules
from services.api.preflight import Inspector
from services.api.rate_limit import RateLimit
from services.api.results import ResultRoom
from services.api.routes import Operation, Route
from shared.domain.callee_hours import CalleeHours
from shared.domain.egress import EgressPolicy
from shared.ports.access import Doorkeeper
from shared.ports.blocklist import Blocklist
from shared.ports.campaign_changes import CampaignChanges
from shared.ports.campaigns import Campaigns
from shared.ports.delivery_desk import DeliveryDesk
from shared.ports.holds import Holds
from shared.ports.once import OnceOnly
from shared.ports.results import ResultFeed

#: Bodies are streamed and bounded by their reader; this only bounds what aiohttp would read on its own.
_CLIENT_MAX_BYTES: Final = 1024 * 1024
#: An update comes by query, as the published documents have it: a campaign's hundred profiles, percent-encoded.
_LONGEST_REQUEST_LINE_BYTES: Final = 64 * 1024


def api_routes(
    campaigns: Campaigns,
    changes: CampaignChanges,
    holds: Holds,
    desk: DeliveryDesk,
    feed: ResultFeed,
    blocklist: Blocklist,
    plan_room: PlanRoom,
    *,
    egress: EgressPolicy,
    inspector: Inspector,
    upload_bytes: int,
    upload_turns: UploadTurns,
    callee_hours: CalleeHours | None = None,
) -> tuple[Route, ...]:
    """Return every route of the API; `callee_hours` are those of new campaigns that say nothing of them."""

    async def health(_request: web.Request) -> web.Response:
        if await campaigns.works():
            return json_answer({"status": "ok"})
        return error_answer(503, "Postgres does not answer.")

    return (
        Route(
            method="GET",
            path="/healthz",
            handler=health,
            summary="Whether the API works",
            public=True,
            operation=Operation(
                id="checkHealth", tag="Service", answers=HealthAnswer, example={"status": "ok"}
            ),
        ),
        *Schedules(campaigns, changes).routes(),
        *Profiles(campaigns, changes).routes(),
        *PlumCampaigns(
            campaigns, changes, egress, inspector, upload_bytes, callee_hours, upload_turns, plan_room.plans
        ).routes(),
        *plan_room.routes(),
        *HoldDesk(holds, campaigns).routes(),
        *DeliveryRoom(desk).routes(),
        *ResultRoom(feed).routes(),
        *BlocklistRoom(blocklist, upload_bytes, upload_turns).routes(),
    )


def application(
    doorkeeper: Doorkeeper,
    routes: Sequence[Route],
    *,
    limit: RateLimit | None = None,
    once: OnceOnly | None = None,
) -> web.Application:
    """Return the aiohttp application that serves the routes, with these limits on each tenant.

    Without `once` an Idempotency-Key has no effect: for tests of one room.
    """
    gate = Gate(doorkeeper, limit, once)
    app = web.Application(middlewares=[speak_of_errors], client_max_size=_CLIENT_MAX_BYTES)
    served = (*routes, *page_routes())
    for route in with_spellings((*served, description_route(served))):
        handler = route.handler if route.public else gate.guarding(route)
        app.router.add_route(route.method, route.path, handler, expect_handler=meet_expectation)
    return app


def with_spellings(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Return the routes, and after them each as other clients write it.

    A slash at a path's end means nothing, as before the published API, which redirects it away; and what can be got has
    a head, as RFC 9110 section 9.1 asks of every server. The description has each route once.
    """
    heads = [replace(route, method="HEAD") for route in routes if route.method == "GET"]
    found = (*routes, *heads)
    slashed = (replace(route, path=f"{route.path}/") for route in found if route.path.startswith("/api/"))
    return (*found, *slashed)


def runner_of(app: web.Application) -> web.AppRunner:
    """Return what serves the application, and closes connections on which nobody asks.

    A compressed body is refused by its header. Were it unpacked first, one that is no such thing would be answered by
    the server in words of its own, and the connection lost.
    """
    runner = SpeakingRunner(
        app, access_log=None, auto_decompress=False, max_line_size=_LONGEST_REQUEST_LINE_BYTES
    )
    close_idle_connections(app, runner)
    return runner
