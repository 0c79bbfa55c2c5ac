"""Receivers on loopback: one that behaves, and those that do not."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from aiohttp.test_utils import RawTestServer

_HEAD_BYTES: Final = 65_536


@dataclass
class Inbox:
    """A receiver that keeps what it was sent, and answers what a test wants."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    #: Waited for before each answer.
    gate: asyncio.Event | None = None
    received: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    #: Requests that came and are not answered yet.
    waiting: int = 0
    url: str = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Inbox"]:
        """Receive on a port of its own."""
        async with RawTestServer(self._receive, access_log=None) as server:
            self.url = str(server.make_url("/results"))
            yield self

    @property
    def call_ids(self) -> list[int]:
        """The call ids of what came, in the order in which it came."""
        return [int(body.split(b"&")[0].removeprefix(b"call_id=")) for _, body in self.received]

    async def _receive(self, request: web.BaseRequest) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        self.waiting += 1
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.waiting -= 1
        return web.Response(status=self.status, headers=self.headers)


Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    await asyncio.Event().wait()


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a byte a second."""
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer 64 MB."""
    await reader.read(_HEAD_BYTES)
    writer.write(b"HTTP/1.1 500 Oh\r\nContent-Length: 67108864\r\n\r\n")
    block = bytes(65_536)
    for _ in range(1_024):
        writer.write(block)
        await writer.drain()


_BOMB: Final = gzip.compress(bytes(20_000_000))


async def bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer 20 KB that unpack to 20 MB."""
    await reader.read(_HEAD_BYTES)
    head = f"HTTP/1.1 500 Oh\r\nContent-Encoding: gzip\r\nContent-Length: {len(_BOMB)}\r\n\r\n"
    writer.write(head.encode() + _BOMB)
    await writer.drain()


async def storm(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer 500, at once and as often as one asks."""
    await _answer_all(reader, writer, b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")


async def lead_astray(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Point at the metadata service of a cloud, at once and as often as one asks."""
    target = b"http://169.254.169.254/latest/meta-data/"
    await _answer_all(
        reader, writer, b"HTTP/1.1 302 There\r\nLocation: " + target + b"\r\nContent-Length: 0\r\n\r\n"
    )


async def _answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes) -> None:
    while await reader.read(_HEAD_BYTES):
        writer.write(answer)
        await writer.drain()


@asynccontextmanager
async def rogue(respond: Respond) -> AsyncIterator[str]:
    """Run a receiver that does as it likes with its connections; yields its address."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await respond(reader, writer)
        except ConnectionError:
            pass  # hung up on
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/results"
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def refused() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/results"


@dataclass
class Wire:
    """A way to a server that can be cut, and mended again."""

    target: tuple[str, int]
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def mend(self) -> None:
        """Let connections through, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        ends = ((reader, far_writer), (far_reader, writer))
        self._writers |= {writer, far_writer}
        for source, sink in ends:
            task = asyncio.create_task(_pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(_HEAD_BYTES):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()
