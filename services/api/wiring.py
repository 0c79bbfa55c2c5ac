"""Builds the API process: the one room here that knows adapters."""

from datetime import timedelta

from aiohttp import ClientSession, web

from services.api.audit import AuditRoom
from services.api.campaign_plan import PlanRoom
from services.api.campaign_records import RecordRoom
from services.api.number_history import HistoryRoom
from services.api.phone_list_upload import UploadTurns
from services.api.preflight import Inspector, Preflight
from services.api.rate_limit import RateLimit
from services.api.routes import Route
from services.api.server import api_routes, application, runner_of
from services.api.tokens import TokenRoom
from services.api.uploads import UploadRoom
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.number_zones.libphonenumber import LibphonenumberZones
from shared.adapters.postgres.audit import PostgresAuditLog
from shared.adapters.postgres.blocklist import PostgresBlocklist
from shared.adapters.postgres.campaign_changes import PostgresCampaignChanges
from shared.adapters.postgres.campaign_plans import PostgresCampaignPlans
from shared.adapters.postgres.campaign_records import PostgresCampaignRecords
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.delivery_desk import PostgresDeliveryDesk
from shared.adapters.postgres.holds import PostgresHolds
from shared.adapters.postgres.number_history import PostgresNumberHistories
from shared.adapters.postgres.once import PostgresOnce
from shared.adapters.postgres.result_feed import PostgresResultFeed
from shared.adapters.postgres.tokens import PostgresTokens
from shared.adapters.postgres.upload_desk import PostgresUploadDesk
from shared.adapters.simulator.simulation_host import Foresight
from shared.adapters.simulator.simulations import ProcessSimulations
from shared.clock import monotonic_seconds
from shared.domain.callee_hours import parse_switch
from shared.domain.egress import EgressPolicy
from shared.observability.readiness import announce_ready
from shared.process import StopRequest, run_service, spare_the_collector
from shared.settings import Settings

ROLE = "paceline_api"


async def serve(settings: Settings, request: StopRequest) -> None:
    """Serve the API until asked to stop; requests under way are answered."""
    database = await Database.connect(
        settings.required_database_url(), role=ROLE, size=settings.database_pool_size
    )
    policy = EgressPolicy(allow=tuple(settings.egress_allow))
    session = guarded_session(policy)
    runner = runner_of(
        application(
            PostgresCampaigns(database),
            every_route(settings, database, session),
            limit=RateLimit(per_second=settings.requests_per_second, clock=monotonic_seconds),
            once=PostgresOnce(database),
        )
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.bind_host, settings.api_port)
        await site.start()
        spare_the_collector()
        announce_ready(settings.ready_file, service="api", port=runner.addresses[0][1])
        await request.stop.wait()
    finally:
        await runner.cleanup()
        await session.close()
        await database.close()


def every_route(settings: Settings, database: Database, session: ClientSession) -> tuple[Route, ...]:
    """Return everything that the API serves; `session` is a guarded one, which looks at customers' addresses."""
    campaigns = PostgresCampaigns(database, LibphonenumberZones(), numbers_per_day=settings.numbers_per_day)
    policy = EgressPolicy(allow=tuple(settings.egress_allow))
    routes = api_routes(
        campaigns,
        PostgresCampaignChanges(database),
        PostgresHolds(database),
        PostgresDeliveryDesk(database),
        PostgresResultFeed(database),
        PostgresBlocklist(database),
        plan_room(settings, database),
        egress=policy,
        inspector=Inspector(GuardedFetcher(session, policy), Preflight(settings.preflight)),
        upload_bytes=settings.upload_bytes,
        upload_turns=UploadTurns(settings.database_pool_size // 2),  # the other half is for a stop or a hold
        callee_hours=parse_switch(settings.callee_hours, field="callee_hours"),
    )
    return (
        *routes,
        *TokenRoom(PostgresTokens(database)).routes(),
        *AuditRoom(PostgresAuditLog(database)).routes(),
        *UploadRoom(
            PostgresUploadDesk(database),
            settings.upload_bytes,
            # Uploads have half of the connections; what is left is for the steps of these, and for a stop or a hold.
            keyed_turns=UploadTurns(max(1, settings.database_pool_size // 4)),
        ).routes(),
        *RecordRoom(PostgresCampaignRecords(database)).routes(),
        *HistoryRoom(PostgresNumberHistories(database)).routes(),
    )


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
