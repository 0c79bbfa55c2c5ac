"""The callee's ear and mouth: an RTP socket of the test's own, beside the SIPp that answers the call."""

import asyncio
import math
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from operator import mul
from typing import Final, cast

from typing_extensions import override

from shared.rtp.g711 import PCMU, Law
from tests.sip.callee import TRIES, free_port

_HEADER: Final = struct.Struct("!BBHII")
_FRAME_SAMPLES: Final = 160
#: A minute of audio, as the kernel counts it, that an ear hears late on a busy machine: what it would drop is a gap.
_BUFFER_BYTES: Final = 4 * 1024 * 1024
#: Linux' socket(7): as SO_RCVBUF, beyond what the system allows everybody.
_SO_RCVBUFFORCE: Final = 33


class Ear(asyncio.DatagramProtocol):
    """Keeps the packets that come."""

    def __init__(self) -> None:
        #: Arrival on the loop's clock, payload type, sequence, timestamp, payload.
        self.packets: list[tuple[float, int, int, int, bytes]] = []
        #: Where the first packet came from, and its source's number.
        self.source: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        self.ssrc = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to speak through."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        _, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        if not self.source.done():
            self.ssrc = ssrc
            self.source.set_result(addr)
        arrived = asyncio.get_running_loop().time()
        self.packets.append((arrived, kind & 0x7F, sequence, timestamp, data[_HEADER.size :]))

    def heard(self, payload_type: int = 0) -> bytes:
        """Return the audio as it lay in time, by its timestamps; what did not come is quiet."""
        audio = [(stamp, payload) for _, kind, _, stamp, payload in self.packets if kind == payload_type]
        if not audio:
            return b""
        start = audio[0][0]
        sound = bytearray(b"\xff" * (audio[-1][0] - start + 160))
        for stamp, payload in audio:
            sound[stamp - start : stamp - start + len(payload)] = payload
        return bytes(sound)


@asynccontextmanager
async def open_ear() -> AsyncIterator[tuple[Ear, int]]:
    """Open an ear on a free port."""
    bound = _bind()
    hear_all(bound)
    transport, ear = await asyncio.get_running_loop().create_datagram_endpoint(Ear, sock=bound)
    try:
        yield ear, int(bound.getsockname()[1])
    finally:
        transport.close()


def _bind() -> socket.socket:
    """Return a socket on an even port; another one where somebody takes it in the moment before we could."""
    for left in reversed(range(TRIES)):
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.setblocking(False)
        try:
            bound.bind(("127.0.0.1", free_port(even=True)))
        except OSError:
            bound.close()
            if not left:
                raise
        else:
            return bound
    raise AssertionError


def hear_all(bound: socket.socket) -> None:
    """Let a socket keep what comes while its process does not get to read it, as far as this user may."""
    try:
        bound.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    except PermissionError:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)


def correlation(heard: Sequence[int], prompt: Sequence[int]) -> float:
    """Return how alike a prompt and what was heard are at the frame where they fit best: 1 for the same sound."""
    shifts = range(0, max(1, len(heard) - len(prompt) + 1), _FRAME_SAMPLES)
    return max(_likeness(heard[shift : shift + len(prompt)], prompt) for shift in shifts)


def _likeness(one: Sequence[int], other: Sequence[int]) -> float:
    energy = sum(map(mul, one, one)) * sum(map(mul, other, other))
    return float(sum(map(mul, one, other)) / math.sqrt(energy)) if energy else 0.0


def linear(sound: bytes, law: Law = PCMU) -> list[int]:
    """Return the samples of coded sound."""
    return [law.linear[byte] for byte in sound]
