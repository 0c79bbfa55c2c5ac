"""What has arrived on the sockets of all calls, asked for once per turn of the clock and not packet by packet.

A loop is woken by each datagram on each of its sockets; at fifty a second per call that is most of what a call costs.
Here one question to the kernel (epoll) names all sockets on which something lies, and each of them gives one datagram:
what comes in a flood waits in its own socket, and is dropped there, while the others have their turn.
"""

import select
from collections.abc import Callable

import structlog

_log = structlog.get_logger()


class Arrivals:
    """Sockets, by descriptor, and who reads them."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}

    def add(self, descriptor: int, readable: Callable[[], None]) -> None:
        """Call `readable`, which reads one datagram, while something lies on a socket."""
        self._poll.register(descriptor, select.EPOLLIN)
        self._readers[descriptor] = readable

    def remove(self, descriptor: int) -> None:
        """Ask for it no more; before the socket is closed."""
        if self._readers.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def deliver(self) -> None:
        """Have one datagram read from each socket that has any."""
        readers = self._readers
        if not readers:
            return
        for descriptor, _ in self._poll.poll(0, len(readers)):
            readable = readers.get(descriptor)
            if readable is None:
                continue  # closed by what another one heard
            try:
                readable()
            except Exception:  # noqa: BLE001 - a mistake of ours in one call must not deafen all others
                _log.exception("arrival_broke")
                self.remove(descriptor)

    def close(self) -> None:
        """Ask for nothing any more."""
        self._readers.clear()
        self._poll.close()
