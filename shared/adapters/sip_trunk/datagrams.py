"""A UDP socket on the running loop that also hears which of its datagrams nobody wanted.

An unconnected UDP socket never learns that a port is closed, unless it asks (IP_RECVERR, Linux): then the kernel
keeps, for each ICMP error, the address and the beginning of the datagram that caused it. For an INVITE that is the
difference between a phone that provably did not ring and silence, which proves nothing.

Read and written directly: a transport of the loop's hides both the error queue and which datagram was not sent.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable
from typing import Final

from shared.clock import monotonic_seconds

#: IP address and UDP port.
Address = tuple[str, int]

#: Of <linux/in.h>, <linux/in6.h> and <linux/errqueue.h>; the socket module does not name them on every Python.
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_EXTENDED_ERROR: Final = struct.Struct("@IBBBBII")
#: Whatever is larger is no SIP of ours.
_DATAGRAM_BYTES: Final = 65_535
#: Read at a time before others have their turn: a flood must not stop the ticker.
READS_PER_TURN: Final = 64
#: For so long, too: a message that a stranger made to be slow to read takes some milliseconds, and 64 of them too many.
_TURN_SECONDS: Final = 0.002
#: A few hundred INVITEs and their answers may be on their way at once.
_BUFFER_BYTES: Final = 1024 * 1024
#: What an error says when there is nobody at that address, as opposed to a full buffer of ours; the last one is of an
#: IPv6 address on a socket of IPv4, or the other way round.
_NOBODY: Final = frozenset(
    {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, socket.EAI_ADDRFAMILY}
)


class Datagrams:
    """One bound socket."""

    def __init__(
        self,
        bound: socket.socket,
        *,
        received: Callable[[bytes, Address], None],
        refused: Callable[[bytes, Address], None] | None = None,
    ) -> None:
        """Take a bound, non-blocking UDP socket; `refused` hears the beginning of what nobody took, and who."""
        self._socket = bound
        self._received = received
        self._refused = refused
        #: Datagrams that the machine did not take from us.
        self.unsent = 0
        if refused is not None:
            listen_for_errors(bound)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound.fileno(), self._readable)

    @property
    def address(self) -> Address:
        """Where the socket is bound."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    @property
    def family(self) -> socket.AddressFamily:
        """Whether it reaches addresses of IPv4 or of IPv6; never both."""
        return socket.AddressFamily(self._socket.family)

    def send(self, data: bytes, to: Address) -> None:
        """Send now or never."""
        try:
            self._socket.sendto(data, to)
        except OSError as error:
            # The socket reports an earlier datagram's error here; this one has not been tried yet.
            found = self._read_errors()
            self._listen_again()
            if not found or error.errno not in _NOBODY:
                self._not_sent(error, data, to)
                return
            try:
                self._socket.sendto(data, to)
            except OSError as again:
                self._not_sent(again, data, to)

    def _not_sent(self, error: OSError, data: bytes, to: Address) -> None:
        self.unsent += 1
        if error.errno in _NOBODY and self._refused is not None:
            # Told later: who sends is in the middle of something.
            self._loop.call_soon(self._refused, data, to)

    def close(self) -> None:
        """Hear nothing more."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _listen_again(self) -> None:
        """Ask the loop anew: uvloop (libuv's uv_poll) takes an error for the end and stops listening without a word."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        end = monotonic_seconds() + _TURN_SECONDS
        for turn in range(READS_PER_TURN):
            if self._socket.fileno() < 0:
                return  # closed by what it heard
            if turn and monotonic_seconds() > end:
                return  # asked again at once, after whoever waits
            try:
                data, source = self._socket.recvfrom(_DATAGRAM_BYTES)
            except OSError as error:
                found = self._read_errors()
                if found or turn == 0 or not isinstance(error, BlockingIOError):
                    self._listen_again()
                if isinstance(error, BlockingIOError):
                    return
                continue
            self._received(data, (source[0], source[1]))

    def _read_errors(self) -> bool:
        """Tell what is in the error queue; returns whether anything was."""
        if self._refused is None:
            return False
        found = False
        while True:
            try:
                data, ancillary, _, to = self._socket.recvmsg(
                    _DATAGRAM_BYTES,
                    socket.CMSG_SPACE(_EXTENDED_ERROR.size + 128),
                    socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT,
                )
            except OSError:
                return found
            found = True
            if to and any(_is_nobody(level, kind, value) for level, kind, value in ancillary):
                self._refused(data, (to[0], to[1]))


def open_socket(host: str, port: int) -> socket.socket:
    """Bind a non-blocking UDP socket; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened


def listen_for_errors(bound: socket.socket) -> None:
    """Ask the kernel to keep errors, and for room; where it cannot, silence has to do."""
    ipv6 = bound.family == socket.AF_INET6
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        if ipv6:
            bound.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            bound.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
    except OSError:
        return


def _is_nobody(level: int, kind: int, value: bytes) -> bool:
    if (level, kind) not in {
        (socket.IPPROTO_IP, _IP_RECVERR),
        (socket.IPPROTO_IPV6, _IPV6_RECVERR),
    } or len(value) < _EXTENDED_ERROR.size:
        return False
    number: int = _EXTENDED_ERROR.unpack_from(value)[0]
    return number in _NOBODY
