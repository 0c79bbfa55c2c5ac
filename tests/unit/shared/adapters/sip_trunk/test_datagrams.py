"""A socket for SIP: what nobody takes is heard of, and a flood leaves the others their turn."""

import asyncio

from shared.adapters.sip_trunk.datagrams import Address, Datagrams, open_socket
from shared.clock import monotonic_seconds


async def test_an_address_of_the_other_kind_is_nobodys() -> None:
    """Nothing leaves, and whoever sent it hears so at once instead of waiting for an answer."""
    refused: list[tuple[bytes, Address]] = []
    heard = asyncio.Event()

    def note(data: bytes, to: Address) -> None:
        refused.append((data, to))
        heard.set()

    datagrams = Datagrams(open_socket("127.0.0.1", 0), received=lambda _data, _source: None, refused=note)
    datagrams.send(b"INVITE", ("::1", 5060))
    async with asyncio.timeout(60):
        await heard.wait()
    datagrams.close()
    assert refused == [(b"INVITE", ("::1", 5060))]


async def test_messages_that_are_slow_to_read_leave_others_their_turn() -> None:
    """Calls hear their audio in time while a stranger sends what is made to be slow."""
    loop = asyncio.get_running_loop()
    read = 0
    read_before_others: list[int] = []
    done = asyncio.Event()

    def slow(_data: bytes, _source: Address) -> None:
        nonlocal read
        read += 1
        if read == 1:
            loop.call_soon(lambda: read_before_others.append(read))
        if read == 20:
            done.set()
        until = monotonic_seconds() + 0.005
        while monotonic_seconds() < until:
            pass

    datagrams = Datagrams(open_socket("127.0.0.1", 0), received=slow)
    stranger = open_socket("127.0.0.1", 0)
    for _ in range(20):
        stranger.sendto(b"x", datagrams.address)
    async with asyncio.timeout(60):
        await done.wait()
    stranger.close()
    datagrams.close()
    assert read_before_others == [1]
