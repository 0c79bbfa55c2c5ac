"""Notices that an embedded server has ended under the platform, and starts it again where it was.

Redis is a doorbell: without it nothing is lost, so that it never ends the platform. Postgres is the truth: a platform
whose Postgres cannot be started again can do nothing more.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from services.cli.supervision.restart import deaths_in_a_row, restart_delay_seconds
from services.cli.wiring import OwnServer
from shared.domain.errors import PacelineError, Unavailable

#: The servers are on this machine, where a connection takes a millisecond: three misses are no accident.
WATCH_SECONDS = 2.0
CONNECT_SECONDS = 2.0
MISSES = 3
#: Deaths and vain starts in a row after which a server is taken for broken.
TRIES: Final = 5
#: A broken one that can be done without is tried this seldom: somebody may have mended what was wrong.
SELDOM_SECONDS = 60.0


class ServerLost(Unavailable):
    """A server under the platform has ended."""


async def keep_server(server: OwnServer, say: Callable[[str], None]) -> None:
    """Start the server again whenever nobody listens at its address; raises `ServerLost` when that is in vain."""
    clock = asyncio.get_running_loop().time
    deaths, started_at = 0, clock()
    while True:
        await until_gone(server.url)
        deaths = deaths_in_a_row(deaths, lived_seconds=clock() - started_at)
        say(f"The embedded {server.name} has ended; it is started again. {server.meanwhile}")
        deaths = await _start_again(server, deaths, say)
        say(f"The embedded {server.name} runs again.")
        started_at = clock()


async def _start_again(server: OwnServer, deaths: int, say: Callable[[str], None]) -> int:
    """Try until it runs; returns how often it has died and been started in vain by now."""
    reason = "It ends again and again; its log tells why."
    while True:
        if deaths > TRIES and server.indispensable:
            raise ServerLost(
                f"The embedded {server.name} cannot be started again, so the platform is stopped. {reason} "
                "Run `paceline up` again when that is mended: the data are kept."
            )
        if deaths == TRIES + 1:
            say(
                f"The embedded {server.name} cannot be started again. {reason} "
                f"The platform goes on without it and tries once every {SELDOM_SECONDS:.0f} s."
            )
        await asyncio.sleep(restart_delay_seconds(deaths) if deaths <= TRIES else SELDOM_SECONDS)
        try:
            await server.restart()
        except PacelineError as error:
            deaths, reason = deaths + 1, error.message
        else:
            return deaths


async def until_gone(url: str) -> None:
    """Return when nobody listens at `url` any more."""
    address = urlsplit(url)
    misses = 0
    while misses < MISSES:
        await asyncio.sleep(WATCH_SECONDS)
        misses = 0 if await is_listening(address.hostname or "", address.port or 0) else misses + 1


async def is_listening(host: str, port: int) -> bool:
    """Tell whether a connection can be opened."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return True
    return False
