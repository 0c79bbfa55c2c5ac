"""Whether a port is free, asked before anything is started: a sentence now is better than a dead process later."""

import errno
import socket

from shared.domain.errors import Conflict

_REASONS = {
    errno.EADDRINUSE: "is taken",
    errno.EACCES: "may not be used by this user",
}


class PortTaken(Conflict):
    """The port cannot be listened on; `reason` says why."""

    def __init__(self, port: int, reason: str, option: str) -> None:
        self.port = port
        super().__init__(f"Port {port} {reason}: choose another with {option}, or 0 for any free one.")


def refuse_taken_port(host: str, port: int, option: str) -> None:
    """Raise `PortTaken` if `port` cannot be listened on; 0 always can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        # As the services do: a connection of the last owner that lingers in TIME_WAIT is no obstacle.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno in _REASONS:  # what else is wrong, the service knows better
                raise PortTaken(port, _REASONS[error.errno], option) from error
