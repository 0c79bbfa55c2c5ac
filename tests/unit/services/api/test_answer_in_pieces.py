"""Answers that are sent in pieces, to clients that read them and to one that does not."""

import asyncio

import pytest
from aiohttp import web

from services.api.answer_in_pieces import NotRead, cut_off, send_piece

#: Far more than the buffers of a connection hold.
PIECE = b"x" * 1024 * 1024
PIECES = 50


class Room:
    """Sends its pieces and notes how that ended."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Send all pieces, with little patience."""
        response = web.StreamResponse()
        try:
            for _ in range(PIECES):
                await send_piece(
                    request, response, PIECE, patience_seconds=0.3 if "stalled" in request.query else 60
                )
        except NotRead as error:
            cut_off(request, error)
            self.ended.set_result("not read")
        else:
            self.ended.set_result("sent")
        return response


@pytest.mark.parametrize(("query", "end"), [("?stalled", "not read"), ("", "sent")])
async def test_a_client_that_stops_reading_is_left(query: str, end: str) -> None:
    """What was held for it is free again; one that reads gets all of its answer."""
    room, app = Room(), web.Application()
    app.router.add_get("/", room.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(f"GET /{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = None if query else await reader.read(-1)
        async with asyncio.timeout(60):
            assert await room.ended == end
        assert answer is None or answer.count(b"x") >= PIECES * len(PIECE)
        writer.close()
    finally:
        await runner.cleanup()
