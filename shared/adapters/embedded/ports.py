"""A port of the loopback interface for a server that cannot choose one itself.

Postgres does not take port 0 and Redis means "no port" by it. So we ask the kernel for a free one and let it
go again; whoever takes it in between makes the server end at once, and the caller tries the next.
"""

import errno
import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Tell whether somebody holds `port` now: the reason why a server that was given it ended."""
    with socket.socket() as listener:
        # As the servers do: a connection of the last owner that lingers in TIME_WAIT is no obstacle.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
        return False
