"""Builds the dashboard process: the one room here that knows adapters."""

import aiohttp
from aiohttp import web

from services.dashboard.public_api import ASK_TIMEOUT, PublicApi
from services.dashboard.server import dashboard
from shared.adapters.redis.connection import READER_PATIENCE_SECONDS, open_redis
from shared.adapters.redis.scoreboard_reader import RedisScoreboardReader
from shared.clock import utc_now
from shared.observability.readiness import announce_ready
from shared.process import StopRequest, run_service
from shared.settings import Misconfigured, Settings

#: A read takes a millisecond: so many at a time serve hundreds of open pages.
REDIS_CONNECTIONS = 8
#: What the pages may ask of the API at a time, so that a crowd of them cannot keep it from its work.
API_CONNECTIONS = 16
#: Requests are answered or refused within the API's three seconds, and two that Redis may hang.
SHUTDOWN_SECONDS = 6


async def serve(
    settings: Settings,
    request: StopRequest,
    *,
    api_patience: aiohttp.ClientTimeout = ASK_TIMEOUT,
    redis_patience_seconds: float = READER_PATIENCE_SECONDS,
) -> None:
    """Serve until asked to stop; requests under way are answered. Raises Misconfigured for a useless setting."""
    redis = open_redis(
        settings.required_redis_url(), connections=REDIS_CONNECTIONS, answer_seconds=redis_patience_seconds
    )
    connector = aiohttp.TCPConnector(limit=API_CONNECTIONS)
    cookies = aiohttp.DummyCookieJar()  # one person's must not travel with another's question
    async with redis, aiohttp.ClientSession(connector=connector, cookie_jar=cookies) as session:
        scoreboard = RedisScoreboardReader(
            redis, namespace=settings.redis_namespace, patience_seconds=redis_patience_seconds
        )
        api = PublicApi(session, settings.api_url, patience=api_patience)
        app = dashboard(api, scoreboard, clock=utc_now)
        # No access log: the page asks every second and there is nothing to learn from it.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            port = await _listen(runner, settings)
            announce_ready(settings.ready_file, service="dashboard", port=port)
            await request.stop.wait()
        finally:
            await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> int:
    """Bind and return the port, which the system chose if the setting is 0."""
    try:
        await web.TCPSite(runner, settings.bind_host, settings.dashboard_port).start()
    except OSError as error:
        place = f"{settings.bind_host}:{settings.dashboard_port}"
        raise Misconfigured(
            f"The dashboard cannot listen on {place}: {error.strerror}. "
            "Set PACELINE_BIND_HOST and PACELINE_DASHBOARD_PORT to what is free."
        ) from error
    port: int = runner.addresses[0][1]
    return port


def main() -> None:
    """Run the dashboard."""
    run_service("dashboard", serve)
