"""How a trunk's name becomes an address."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator

import pytest

from shared.adapters.sip_trunk.agent import SipAgent
from shared.adapters.sip_trunk.datagrams import Address, Datagrams, open_socket
from shared.adapters.sip_trunk.trunk import Trunk, TrunkLine
from shared.adapters.sip_trunk.watch import TrunkWatch, WatchTimes
from shared.domain.routing import Route
from shared.sip.exchanges import Endpoint
from shared.sip.user_agent import UserAgent


@pytest.fixture
async def agent() -> AsyncIterator[SipAgent]:
    """Return an agent that speaks IPv4 only."""
    user_agent = UserAgent(endpoint=Endpoint(host="127.0.0.1", port=5060), dice=random.Random(1))
    agent = SipAgent(user_agent)
    agent.open(Datagrams(open_socket("127.0.0.1", 0), received=agent.received, refused=agent.refused))
    yield agent
    agent.close()


def line_to(host: str) -> TrunkLine:
    """Return a trunk that is not asked by OPTIONS."""
    return TrunkLine(trunk=Trunk(route=Route(name="carrier"), host=host, pings=False))


async def test_a_name_with_addresses_of_both_kinds_becomes_one_that_can_be_reached(
    agent: SipAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver puts the IPv6 address first; a socket of IPv4 would send nothing there, and say nothing."""

    def both(host: str, port: int, family: int = 0, *_: int) -> list[tuple[int, int, int, str, Address]]:
        assert host == "dual.example"
        found = [(socket.AF_INET6, "2001:db8::1"), (socket.AF_INET, "127.0.0.9")]
        return [(kind, 2, 17, "", (address, port)) for kind, address in found if family in {0, kind}]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    line = line_to("dual.example")
    watching = asyncio.create_task(TrunkWatch(agent, line, WatchTimes(doubt_seconds=0.01)).run())
    async with asyncio.timeout(60):
        while line.address is None:
            await asyncio.sleep(0.01)
    watching.cancel()
    assert line.address == ("127.0.0.9", 5060)


async def test_what_cannot_be_a_name_is_watched_on(agent: SipAgent) -> None:
    """It says why nothing goes out, and ends nobody's watch."""
    line = line_to("sip..example")
    watching = asyncio.create_task(TrunkWatch(agent, line, WatchTimes(doubt_seconds=0.01)).run())
    await asyncio.wait({watching}, timeout=0.3)
    assert not watching.done()
    watching.cancel()
    assert "cannot be resolved" in (line.trouble(0.0) or "")
