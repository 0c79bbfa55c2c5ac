"""Connections on which nobody asks: closed, and no other is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from services.api.idle_connections import close_idle_connections

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#: Far more than a test should take, for the one that hangs.
PATIENCE_SECONDS = 60


class Room:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def handle(self, _request: web.Request) -> web.Response:
        """Wait, and answer."""
        self.asked.set()
        await self.go_on.wait()
        return web.Response(text="at last")


@asynccontextmanager
async def serving(room: Room, *, idle_seconds: float) -> AsyncIterator[tuple[str, int]]:
    """Serve a room and look after its connections many times a second."""
    app = web.Application()
    app.router.add_get("/", room.handle)
    runner = web.AppRunner(app)
    close_idle_connections(app, runner, idle_seconds=idle_seconds, look_seconds=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield host, port
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("sent", [b"", b"GET", REQUEST[:-2], REQUEST + b"GET / HTTP"])
async def test_a_connection_without_a_whole_request_is_closed_and_one_that_is_being_answered_is_not(
    sent: bytes,
) -> None:
    """Not at its first request and not at a later one; an answer may take as long as it takes."""
    room = Room()
    async with serving(room, idle_seconds=0.2) as address, asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(REQUEST)
        await room.asked.wait()
        idle, halfway = await asyncio.open_connection(*address)
        halfway.write(sent)
        if sent.startswith(REQUEST):  # its first request is answered, its second never comes
            room.go_on.set()
            assert (await idle.readuntil(b"at last")).startswith(b"HTTP/1.1 200")
        assert await idle.read() == b""
        room.go_on.set()
        assert (await reader.readuntil(b"at last")).startswith(b"HTTP/1.1 200")
        assert await reader.read() == b""
        for each in (writer, halfway):
            each.close()


async def test_a_connection_that_is_used_again_stays() -> None:
    """Idle between two requests, for less than the time."""
    room = Room()
    room.go_on.set()
    async with serving(room, idle_seconds=PATIENCE_SECONDS) as address, asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(3):
            writer.write(REQUEST)
            await reader.readuntil(b"at last")
            await asyncio.sleep(0.05)  # some looks
        writer.close()
