"""The UDP ports for audio: a pair per call, from a range that an operator opens in a firewall.

The even one is for the audio, the odd one above it for the reports about it (RFC 3550, 11).

A pair rests after its call: the far end's last packets may be under way, and the next call must not hear them.
"""

import asyncio
import socket
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

from shared.adapters.sip_trunk.datagrams import open_socket
from shared.domain.errors import Invalid, PacelineError

#: A packet wanders about in the network no longer than this (RFC 3261's T4).
REST_SECONDS: Final = 5.0
#: Ports below are the system's own.
_LOWEST: Final = 1024
_HIGHEST: Final = 65_535


class NoPort(PacelineError):
    """Every port for audio is in use: widen PACELINE_SIP_RTP_PORTS, or lower PACELINE_CALLS_PER_DIALER."""


@dataclass(frozen=True, slots=True)
class PortRange:
    """From the first port to the last, both included."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str, *, field: str) -> "PortRange":
        """Read `first-last`; raises Invalid."""
        first, dash, last = text.partition("-")
        digits = all(
            part.isascii() and part.isdigit() and len(part) <= len(str(_HIGHEST)) for part in (first, last)
        )
        if not dash or not digits or not _LOWEST <= int(first) < int(last) <= _HIGHEST:
            raise Invalid(
                field,
                f"A range of ports must be FIRST-LAST, from {_LOWEST} to {_HIGHEST}, as in 20000-20999.",
            )
        return cls(int(first), int(last))

    @property
    def even(self) -> range:
        """The ports for audio: those whose next one is in the range, too."""
        return range(self.first + self.first % 2, self.last, 2)


class PortPair(NamedTuple):
    """The bound sockets of one call."""

    audio: socket.socket
    reports: socket.socket


class RtpPorts:
    """Hands out pairs of bound sockets, named by their even port."""

    def __init__(self, host: str, ports: PortRange) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._free = deque(ports.even)
        self._resting: deque[tuple[float, int]] = deque()

    @property
    def free(self) -> int:
        """How many pairs can be had now."""
        self._wake_rested()
        return len(self._free)

    def take(self) -> PortPair:
        """Return sockets on the pair that rested longest; raises NoPort."""
        self._wake_rested()
        for _ in range(len(self._free)):
            port = self._free.popleft()
            try:
                return self._bind(port)
            except OSError:
                self._rest(port)  # somebody else's, for now
        raise NoPort

    def _bind(self, port: int) -> PortPair:
        """Bind both ports of a pair, or neither; raises OSError."""
        audio = open_socket(self._host, port)
        try:
            return PortPair(audio, open_socket(self._host, port + 1))
        except OSError:
            audio.close()
            raise

    def give_back(self, port: int) -> None:
        """Take note that a pair's sockets are closed."""
        self._rest(port)

    def _rest(self, port: int) -> None:
        self._resting.append((self._loop.time() + REST_SECONDS, port))

    def _wake_rested(self) -> None:
        now = self._loop.time()
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
