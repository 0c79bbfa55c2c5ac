"""Builds the API process: the one room here that knows adapters."""

from datetime import timedelta

from aiohttp import web

from services.api.campaign_plan import PlanRoom
from services.api.preflight import Inspector, Preflight
from services.api.server import api_routes, application
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.number_zones.libphonenumber import LibphonenumberZones
from shared.adapters.postgres.blocklist import PostgresBlocklist
from shared.adapters.postgres.campaign_plans import PostgresCampaignPlans
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.delivery_desk import PostgresDeliveryDesk
from shared.adapters.postgres.holds import PostgresHolds
from shared.adapters.postgres.result_feed import PostgresResultFeed
from shared.adapters.simulator.simulation_host import Foresight
from shared.adapters.simulator.simulations import ProcessSimulations
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
        plan_room(settings, database),
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


def plan_room(settings: Settings, database: Database) -> PlanRoom:
    """Return the room of plans; its simulations call whom the simulated network would."""
    foresight = Foresight(
        seed=settings.simulator_seed, speed=settings.simulator_speed, ring_seconds=settings.ring_seconds
    )
    return PlanRoom(
        plans=PostgresCampaignPlans(database),
        simulations=ProcessSimulations(foresight),
        ring_ahead=timedelta(milliseconds=settings.ring_ahead_ms),
        callee_gap=timedelta(seconds=settings.callee_gap_seconds),
    )


def main() -> None:
    """Run the API."""
    run_service("api", serve)
