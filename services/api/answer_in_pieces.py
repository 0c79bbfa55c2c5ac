"""An answer that is sent as it is made, to a client that may have stopped reading it.

Whoever makes such an answer holds something for it, a process or a place in a line, which a client that keeps its
connection and reads nothing must not keep from others.
"""

import asyncio
from typing import Final

import structlog
from aiohttp import web

_log = structlog.get_logger()

#: For one piece, of which a connection's buffers hold some: whoever has read none of them by then reads no more.
PATIENCE_SECONDS: Final = 60.0


class NotRead(ConnectionError):
    """The client does not read its answer."""


async def send_piece(
    request: web.Request,
    response: web.StreamResponse,
    piece: bytes,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Send a piece; what is refused before the first one is an answer like any other. Raises ConnectionError."""
    try:
        async with asyncio.timeout(patience_seconds):
            if not response.prepared:
                await response.prepare(request)
            if piece:
                await response.write(piece)
    except TimeoutError as error:
        raise NotRead(f"The client read nothing for {patience_seconds:g} seconds.") from error


def cut_off(request: web.Request, error: Exception) -> None:
    """End an answer that cannot be completed so that nobody takes it for whole."""
    _log.warning("answer_cut_off", path=request.path, reason=str(error))
    if request.transport is not None:
        request.transport.abort()
