"""Ports that are asked for before anything is started."""

import socket

import pytest

from services.cli.supervision.ports import PortTaken, refuse_taken_port


def test_a_taken_port_is_refused_with_the_option_that_mends_it() -> None:
    """Whoever starts a second platform on the same port reads which option to change."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} is taken: choose another with --port") as refused:
            refuse_taken_port("127.0.0.1", port, "--port")
    assert refused.value.port == port
    refuse_taken_port("127.0.0.1", port, "--port")


def test_any_port_is_always_free() -> None:
    """Port 0 is never refused."""
    refuse_taken_port("127.0.0.1", 0, "--port")
