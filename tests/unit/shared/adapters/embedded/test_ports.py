"""Ports on the loopback interface."""

import socket

from shared.adapters.embedded.ports import LOOPBACK, free_port, is_taken


def test_a_free_port_can_be_listened_on() -> None:
    """A port that is said to be free is, a moment later."""
    port = free_port()
    with socket.create_server((LOOPBACK, port)):
        assert port > 0


def test_a_port_is_taken_while_somebody_listens_and_not_after() -> None:
    """Whether a port is taken is seen from outside, and a closed listener does not linger."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        assert is_taken(port)
    assert not is_taken(port)
