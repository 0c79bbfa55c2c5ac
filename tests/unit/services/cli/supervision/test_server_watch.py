"""Noticing that a server has gone, and starting it again where it was."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from services.cli.supervision import server_watch
from services.cli.supervision.server_watch import TRIES, ServerLost, keep_server
from services.cli.wiring import OwnServer
from shared.domain.errors import Unavailable


class SmallServer:
    """Listens at a port, and can be killed and started again there, or not."""

    def __init__(self) -> None:
        self.visits = asyncio.Semaphore(0)
        self.starts = 0
        self.broken = False
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Start at the address that it had."""
        self.starts += 1
        if self.broken:
            raise Unavailable("The disk is full.")

        def visited(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.visits.release()
            writer.close()

        self._server = await asyncio.start_server(visited, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def kill(self) -> None:
        """End it."""
        if self._server:
            self._server.close()

    def known_as(self, name: str, *, indispensable: bool) -> OwnServer:
        """Return it as the watch knows it."""
        return OwnServer(
            name=name,
            url=f"redis://:secret@127.0.0.1:{self.port}/0",
            restart=self.start,
            meanwhile="Nothing is lost.",
            indispensable=indispensable,
        )


@pytest.fixture
async def server() -> AsyncIterator[SmallServer]:
    """A server that runs."""
    small = SmallServer()
    await small.start()
    yield small
    small.kill()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and start again at once."""
    monkeypatch.setattr(server_watch, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(server_watch, "SELDOM_SECONDS", 0.02)
    monkeypatch.setattr(server_watch, "restart_delay_seconds", lambda _deaths: 0.0)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def _cancel(watch: "asyncio.Task[None]") -> None:
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)


@pytest.mark.parametrize("indispensable", [False, True])
async def test_a_server_that_ended_is_started_again(server: SmallServer, indispensable: bool) -> None:
    """While it listens nothing is said; at its end what is lacking meanwhile, then that it is back; each time."""
    said: list[str] = []
    watch = asyncio.create_task(
        keep_server(server.known_as("Redis", indispensable=indispensable), said.append)
    )
    for _ in range(5):
        await server.visits.acquire()
    assert said == []
    for _ in range(2):
        server.kill()
        await _until(lambda: "runs again" in (said or [""])[-1])
        assert said == [
            "The embedded Redis has ended; it is started again. Nothing is lost.",
            "The embedded Redis runs again.",
        ]
        said.clear()
        await server.visits.acquire()
    assert not watch.done()
    await _cancel(watch)


async def test_a_server_that_can_be_done_without_never_ends_the_platform(server: SmallServer) -> None:
    """What is wrong is said once; it is tried on, seldom, and taken back when somebody has mended it."""
    said: list[str] = []
    watch = asyncio.create_task(keep_server(server.known_as("Redis", indispensable=False), said.append))
    server.broken = True
    server.kill()
    await _until(lambda: server.starts > TRIES + 5)
    assert not watch.done()
    assert len(said) == 2
    assert "The disk is full." in said[1]
    assert "secret" not in " ".join(said)
    server.broken = False
    await _until(lambda: said[-1] == "The embedded Redis runs again.")
    await _cancel(watch)


async def test_a_server_that_nothing_works_without_is_given_up(server: SmallServer) -> None:
    """After a few tries in vain, with the reason and what to do."""
    said: list[str] = []
    watch = asyncio.create_task(keep_server(server.known_as("Postgres", indispensable=True), said.append))
    server.broken = True
    server.kill()
    with pytest.raises(ServerLost, match=r"Postgres cannot be started again.* The disk is full\. ") as told:
        await watch
    assert server.starts == 1 + TRIES
    assert "secret" not in told.value.message
