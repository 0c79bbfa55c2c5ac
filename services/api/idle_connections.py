"""Connections on which nobody asks anything are closed after a while.

The server waits for a request's headers without end. A client that sends half of them, or none, and does so on every
connection that a process may have, would shut the API for everybody.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from services.api.routes import Handler

#: Longer than clients and proxies keep a connection that they mean to use again.
IDLE_SECONDS: Final = 300.0
#: How often is looked: a twentieth of the above.
_LOOK_SECONDS: Final = 15.0


def close_idle_connections(
    app: web.Application,
    runner: web.AppRunner,
    *,
    idle_seconds: float = IDLE_SECONDS,
    look_seconds: float = _LOOK_SECONDS,
) -> None:
    """Have the application's connections closed, as long as it is served, on which no request came for so long."""
    answering: set[object] = set()
    idle_since: dict[object, float] = {}

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.protocol
        answering.add(connection)
        try:
            return await handler(request)
        finally:
            answering.discard(connection)
            idle_since.pop(connection, None)

    def look(now: float) -> None:
        connections = runner.server.connections if runner.server else []
        for gone in idle_since.keys() - set(connections):
            del idle_since[gone]
        for connection in connections:
            if connection not in answering and now - idle_since.setdefault(connection, now) >= idle_seconds:
                connection.force_close()

    async def keep_looking() -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(look_seconds)
            look(loop.time())

    async def while_it_serves(_app: web.Application) -> AsyncIterator[None]:
        looking = asyncio.create_task(keep_looking())
        yield
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking

    app.middlewares.insert(0, note)
    app.cleanup_ctx.append(while_it_serves)
