"""The dashboard's process: settings to sockets."""

import asyncio
import signal
import sys
from contextlib import suppress

import aiohttp
import structlog
import uvloop
from aiohttp import web

from services.dashboard.public_api import PublicApi
from services.dashboard.server import dashboard
from shared.adapters.redis.connection import open_redis
from shared.adapters.redis.scoreboard_reader import RedisScoreboardReader
from shared.clock import utc_now
from shared.domain.errors import PacelineError
from shared.observability.logs import configure_logs
from shared.observability.readiness import announce_ready
from shared.settings import Misconfigured, Settings

#: A read takes a millisecond: so many at a time serve hundreds of open pages.
REDIS_CONNECTIONS = 8
#: What the pages may ask of the API at a time, so that a crowd of them cannot keep it from its work.
API_CONNECTIONS = 16
#: Requests are answered or refused within the API's three seconds.
SHUTDOWN_SECONDS = 4

_log = structlog.get_logger()


async def serve(settings: Settings) -> None:
    """Serve until cancelled; raises Misconfigured for a setting that cannot be used."""
    redis = open_redis(settings.required_redis_url(), connections=REDIS_CONNECTIONS)
    connector = aiohttp.TCPConnector(limit=API_CONNECTIONS)
    async with (
        redis,
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        scoreboard = RedisScoreboardReader(redis, namespace=settings.redis_namespace)
        app = dashboard(PublicApi(session, settings.api_url), scoreboard, clock=utc_now)
        # No access log: the page asks every second and there is nothing to learn from it.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            port = await _listen(runner, settings)
            announce_ready(settings.ready_file, service="dashboard", port=port)
            _log.info("dashboard_ready", host=settings.bind_host, port=port)
            await asyncio.Event().wait()
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
    """Run the dashboard until SIGTERM or SIGINT."""
    settings = Settings()
    configure_logs(service="dashboard", level=settings.log_level, log_format=settings.log_format)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve_until_told(settings))
    except PacelineError as error:
        sys.exit(f"dashboard: {error.message}")


async def _serve_until_told(settings: Settings) -> None:
    serving = asyncio.create_task(serve(settings))
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving
