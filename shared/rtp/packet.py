"""RTP packets (RFC 3550, 5.1): parsed with bounds, packed for sending."""

import struct
from typing import Final, NamedTuple

from shared.rtp.errors import BadPacket

#: What UDP over Ethernet carries in one piece; G.711 at 60 ms is 492 bytes.
MAX_PACKET_BYTES: Final = 1500
HEADER: Final = struct.Struct("!BBHII")
HEADER_BYTES: Final = HEADER.size
#: A first byte of version 2 without padding, extension and sources: that of nearly all packets of telephone calls.
PLAIN: Final = 0x80
#: A packet's sequence number, timestamp and SSRC.
Numbers = tuple[int, int, int]
_NUMBERS: Final = struct.Struct("!HII")
_NUMBERS_AT: Final = 2
_EXTENSION: Final = struct.Struct("!HH")
_VERSION: Final = 2
#: RFC 5761, 4: payload types whose second byte is that of an RTCP packet.
_RTCP_TYPES: Final = range(64, 96)


class RtpPacket(NamedTuple):
    """One packet, without padding, CSRC list and header extension, which a telephone call has no use for.

    A tuple, since it costs a third of a frozen dataclass and there are a hundred a second in each call.
    """

    payload_type: int
    sequence: int
    #: In samples.
    timestamp: int
    ssrc: int
    payload: bytes
    #: The first packet of a talk spurt, or of a key.
    marker: bool = False

    @property
    def numbers(self) -> Numbers:
        """What tells it from other packets."""
        return self.sequence, self.timestamp, self.ssrc

    def pack(self) -> bytes:
        """Return the packet as it is sent."""
        second = self.payload_type | (0x80 if self.marker else 0)
        return HEADER.pack(PLAIN, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def is_rtcp(datagram: bytes) -> bool:
    """Whether a datagram is RTCP on the port of RTP (RFC 5761, 4)."""
    return len(datagram) > 1 and datagram[1] & 0x7F in _RTCP_TYPES


def numbers_of(datagram: bytes | bytearray) -> Numbers:
    """Return the numbers of a datagram of HEADER_BYTES or more that is known to be a packet."""
    sequence, timestamp, ssrc = _NUMBERS.unpack_from(datagram, _NUMBERS_AT)
    return sequence, timestamp, ssrc


def parse_rtp(datagram: bytes) -> RtpPacket:
    """Read one packet; raises BadPacket."""
    if not HEADER.size <= len(datagram) <= MAX_PACKET_BYTES:
        raise BadPacket(f"An RTP packet must be {HEADER.size} to {MAX_PACKET_BYTES} bytes.")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(datagram)
    if first == PLAIN:
        return RtpPacket(
            second & 0x7F, sequence, timestamp, ssrc, datagram[HEADER.size :], marker=bool(second & 0x80)
        )
    if first >> 6 != _VERSION:
        raise BadPacket("An RTP packet must be of version 2.")
    start = _payload_start(datagram, first)
    end = len(datagram) - (_padding_bytes(datagram) if first & 0x20 else 0)
    if start > end:
        raise BadPacket("An RTP packet's header or padding is longer than the packet.")
    return RtpPacket(
        second & 0x7F, sequence, timestamp, ssrc, datagram[start:end], marker=bool(second & 0x80)
    )


def _payload_start(datagram: bytes, first: int) -> int:
    """Return where the payload begins, after the CSRC list and the extension."""
    start = HEADER.size + 4 * (first & 0x0F)
    if not first & 0x10:
        return start
    if start + _EXTENSION.size > len(datagram):
        raise BadPacket("An RTP packet ends within its header extension.")
    _, words = _EXTENSION.unpack_from(datagram, start)
    return start + _EXTENSION.size + 4 * int(words)


def _padding_bytes(datagram: bytes) -> int:
    if datagram[-1] == 0:
        raise BadPacket("An RTP packet's padding must count itself.")
    return datagram[-1]
