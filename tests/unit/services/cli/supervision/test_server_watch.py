"""Noticing that a server has gone."""

import asyncio

import pytest

from services.cli.supervision import server_watch
from services.cli.supervision.server_watch import ServerLost, watch_server


async def test_a_server_that_stops_listening_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the server listens nothing is said; after it has gone, its name and what to do."""
    monkeypatch.setattr(server_watch, "WATCH_SECONDS", 0.01)
    visits = asyncio.Semaphore(0)

    def visited(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.release()
        writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    watch = asyncio.create_task(watch_server("Redis", f"redis://:secret@127.0.0.1:{port}/0"))
    for _ in range(5):
        await visits.acquire()
    assert not watch.done()
    server.close()
    with pytest.raises(ServerLost, match="The embedded Redis has ended") as told:
        await watch
    assert "secret" not in told.value.message
