"""Requests that the server's parser refuses."""

import asyncio
import json

import pytest
from aiohttp import web

from services.api.malformed_requests import SpeakingRunner
from services.api.server import runner_of

_REFUSED = "This is no HTTP request that can be read: {}."


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"get / HTTP/1.1\r\n\r\n", "Invalid method encountered"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "Received HTTPS traffic on an HTTP port"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", "Invalid header value char"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "Invalid header token"),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "Bad status line"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", "Got more than 65536 bytes when reading"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "Invalid character in Content-Length"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "Transfer-Encoding can't be present with Content-Length",
        ),
    ],
)
async def test_what_is_no_http_is_refused_in_the_one_form(sent: bytes, reason: str) -> None:
    """400, JSON, a sentence without the bytes that were sent, and the connection is closed."""
    runner = runner_of(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    finally:
        await runner.cleanup()
    assert head.split(b" ")[1] == b"400"
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == {"status": "error", "error": _REFUSED.format(reason)}


async def test_the_connections_are_made_by_the_application_s_settings() -> None:
    """What the runner was told goes to each connection, as before."""
    runner = SpeakingRunner(web.Application(), keepalive_timeout=12.5)
    await runner.setup()
    try:
        assert runner.server is not None
        assert runner.server().keepalive_timeout == 12.5
    finally:
        await runner.cleanup()
