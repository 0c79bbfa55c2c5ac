"""What has arrived on many sockets, asked for at once."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from shared.adapters.sip_trunk.arrivals import Arrivals
from shared.adapters.sip_trunk.datagrams import open_socket


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    """Ask about no socket yet."""
    asked = Arrivals()
    yield asked
    asked.close()


@contextmanager
def sockets(count: int) -> Iterator[list[socket.socket]]:
    """Open sockets on free ports of the loopback."""
    with ExitStack() as stack:
        yield [stack.enter_context(open_socket("127.0.0.1", 0)) for _ in range(count)]


def send(to: socket.socket, *datagrams: bytes) -> None:
    """Send datagrams to a socket."""
    with sockets(1) as [sender]:
        for datagram in datagrams:
            sender.sendto(datagram, to.getsockname())


def test_each_socket_gives_one_datagram_at_a_time(arrivals: Arrivals) -> None:
    """Whoever is flooded takes nobody else's turn, and what waits comes in the next."""
    heard: list[bytes] = []
    with sockets(3) as [flooded, other, silent]:
        for each in (flooded, other, silent):
            arrivals.add(each.fileno(), lambda each=each: heard.append(each.recv(100)))  # type: ignore[misc]
        send(flooded, b"1", b"2", b"3")
        send(other, b"one")
        arrivals.deliver()
        assert sorted(heard) == [b"1", b"one"]
        arrivals.deliver()
        arrivals.deliver()
        arrivals.deliver()
    assert sorted(heard) == [b"1", b"2", b"3", b"one"]


def test_a_socket_that_another_one_took_away_is_not_read(arrivals: Arrivals) -> None:
    """What is heard on one call may end another in the same turn."""
    heard: list[bytes] = []
    with sockets(2) as [one, two]:

        def read(this: socket.socket, that: socket.socket) -> None:
            heard.append(this.recv(100))
            arrivals.remove(that.fileno())

        arrivals.add(one.fileno(), lambda: read(one, two))
        arrivals.add(two.fileno(), lambda: read(two, one))
        send(one, b"one", b"again")
        send(two, b"two", b"again")
        arrivals.deliver()
        assert len(heard) == 1


def test_one_that_breaks_deafens_nobody_else(arrivals: Arrivals) -> None:
    """It is heard no more, the others are."""
    heard: list[bytes] = []
    with sockets(2) as [broken, sound]:

        def fail() -> None:
            broken.recv(100)
            raise RuntimeError("a mistake of ours")

        arrivals.add(broken.fileno(), fail)
        arrivals.add(sound.fileno(), lambda: heard.append(sound.recv(100)))
        send(broken, b"1", b"2")
        for datagram in (b"a", b"b"):
            send(sound, datagram)
            arrivals.deliver()
        arrivals.remove(broken.fileno())
    assert heard == [b"a", b"b"]


def test_without_sockets_nothing_is_asked(arrivals: Arrivals) -> None:
    """Also when the last one is gone."""
    arrivals.deliver()
    with sockets(1) as [one]:
        arrivals.add(one.fileno(), lambda: pytest.fail("it was taken away"))
        send(one, b"1")
        arrivals.remove(one.fileno())
        arrivals.deliver()
