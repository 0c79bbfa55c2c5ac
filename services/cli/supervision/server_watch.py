"""Notices when an embedded server has ended under the platform, which nothing could mend but a new start."""

import asyncio
import contextlib
from urllib.parse import urlsplit

from shared.domain.errors import Unavailable

#: The servers are on this machine, where a connection takes a millisecond: three misses are no accident.
WATCH_SECONDS = 2.0
CONNECT_SECONDS = 2.0
MISSES = 3


class ServerLost(Unavailable):
    """A server under the platform has ended."""


async def watch_server(name: str, url: str) -> None:
    """Return never; raise `ServerLost` when nobody listens at `url` any more."""
    address = urlsplit(url)
    misses = 0
    while misses < MISSES:
        await asyncio.sleep(WATCH_SECONDS)
        misses = 0 if await is_listening(address.hostname or "", address.port or 0) else misses + 1
    raise ServerLost(
        f"The embedded {name} has ended, so the platform is stopped; its log tells why. "
        "Run `paceline up` again: the data are kept."
    )


async def is_listening(host: str, port: int) -> bool:
    """Tell whether a connection can be opened."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return True
    return False
