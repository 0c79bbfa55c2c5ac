"""Whether a port is free, asked before anything is started: a sentence now is better than a dead process later."""

import socket

from shared.domain.errors import Conflict


class PortTaken(Conflict):
    """Another program listens on the port."""

    def __init__(self, port: int, option: str) -> None:
        self.port = port
        super().__init__(f"Port {port} is taken: choose another with {option}, or 0 for any free one.")


def refuse_taken_port(host: str, port: int, option: str) -> None:
    """Raise `PortTaken` if `port` cannot be listened on; 0 always can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        # As the services do: a connection of the last owner that lingers in TIME_WAIT is no obstacle.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise PortTaken(port, option) from error
