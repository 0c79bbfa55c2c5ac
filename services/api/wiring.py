"""Builds the API process: the one room here that knows adapters."""

from aiohttp import web

from services.api.preflight import Inspector, Preflight
from services.api.server import api_routes, application
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.number_zones.libphonenumber import LibphonenumberZones
from shared.adapters.postgres.blocklist import PostgresBlocklist
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.delivery_desk import PostgresDeliveryDesk
from shared.adapters.postgres.holds import PostgresHolds
from shared.adapters.postgres.result_feed import PostgresResultFeed
from shared.domain.callee_hours import parse_switch
from shared.domain.egress import EgressPolicy
from shared.observability.readiness import announce_ready
from shared.process import StopRequest, run_service
from shared.settings import Settings

ROLE = "paceline_api"


async def serve(settings: Settings, request: StopRequest) -> None:
    """Serve the API until asked to stop; requests under way are answered."""
    database = await Database.connect(
        settings.required_database_url(), role=ROLE, size=settings.database_pool_size
    )
    campaigns = PostgresCampaigns(database, LibphonenumberZones())
    policy = EgressPolicy(allow=tuple(settings.egress_allow))
    session = guarded_session(policy)
    routes = api_routes(
        campaigns,
        PostgresHolds(database),
        PostgresDeliveryDesk(database),
        PostgresResultFeed(database),
        PostgresBlocklist(database),
        egress=policy,
        inspector=Inspector(GuardedFetcher(session, policy), Preflight(settings.preflight)),
        upload_bytes=settings.upload_bytes,
        callee_hours=parse_switch(settings.callee_hours, field="callee_hours"),
    )
    runner = web.AppRunner(application(campaigns, routes), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.bind_host, settings.api_port)
        await site.start()
        announce_ready(settings.ready_file, service="api", port=runner.addresses[0][1])
        await request.stop.wait()
    finally:
        await runner.cleanup()
        await session.close()
        await database.close()


def main() -> None:
    """Run the API."""
    run_service("api", serve)
