"""RTCP (RFC 3550, 6): sender and receiver reports and BYE, read with bounds and written.

Enough to know how the far end hears us (loss, jitter, round trip) and to tell it the same. SDES carries a CNAME alone,
since anything else would say who we are to whoever listens.
"""

import struct
from dataclasses import dataclass
from typing import Final

from shared.rtp.errors import BadPacket

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SDES: Final = 202
BYE: Final = 203
MAX_COMPOUND_BYTES: Final = 1500  # one Ethernet frame, as for RTP
_HEADER: Final = struct.Struct("!BBH")
_SENDER: Final = struct.Struct("!IIIII")
_BLOCK: Final = struct.Struct("!IIIIII")
_SSRC: Final = struct.Struct("!I")
_NTP_EPOCH_SECONDS: Final = 2_208_988_800  # from 1900 to 1970
_MAX_CNAME_BYTES: Final = 255  # its length is one byte
_MAX_LOST: Final = (1 << 23) - 1  # 24 bits with sign


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """How one source is received (6.4.1)."""

    ssrc: int
    #: Of the packets since the last report, in 1/256.
    fraction_lost: int
    #: Since the beginning; negative when packets were doubled.
    lost: int
    #: The highest sequence number, with its wraps in the upper 16 bits.
    highest_sequence: int
    #: In samples.
    jitter: int
    #: The middle 32 bits of the last sender report's NTP time; 0 for none.
    last_report: int
    #: Since then, in 1/65536 s.
    delay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReport:
    """What a sender says of itself, and of whom it hears."""

    ssrc: int
    #: 64 bits: seconds since 1900 in the upper half, their fraction in the lower.
    ntp: int
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReport:
    """What somebody who sends nothing says of whom it hears."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye:
    """Sources that leave."""

    ssrcs: tuple[int, ...]


RtcpPacket = SenderReport | ReceiverReport | Goodbye


def parse_rtcp(datagram: bytes) -> tuple[RtcpPacket, ...]:
    """Read a compound packet; packets of other types are skipped; raises BadPacket."""
    if len(datagram) > MAX_COMPOUND_BYTES:
        raise BadPacket(f"An RTCP packet must be at most {MAX_COMPOUND_BYTES} bytes.")
    found: list[RtcpPacket] = []
    position = 0
    while position < len(datagram):
        if position + _HEADER.size > len(datagram):
            raise BadPacket("An RTCP packet ends within its header.")
        first, kind, words = _HEADER.unpack_from(datagram, position)
        end = position + 4 * (words + 1)
        if first >> 6 != 2 or end > len(datagram):  # noqa: PLR2004 - the version
            raise BadPacket("An RTCP packet must be of version 2 and as long as it says.")
        packet = _packet(kind, first & 0x1F, datagram[position + _HEADER.size : end])
        if packet is not None:
            found.append(packet)
        position = end
    return tuple(found)


def _packet(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    try:
        match kind:
            case 200:
                ssrc, ntp_high, ntp_low, timestamp, packets, octets = struct.unpack_from("!IIIIII", body)
                return SenderReport(
                    ssrc=ssrc,
                    ntp=ntp_high << 32 | ntp_low,
                    timestamp=timestamp,
                    packets=packets,
                    octets=octets,
                    blocks=_blocks(body, _SSRC.size + _SENDER.size, count),
                )
            case 201:
                return ReceiverReport(
                    ssrc=_SSRC.unpack_from(body)[0], blocks=_blocks(body, _SSRC.size, count)
                )
            case 203:
                return Goodbye(ssrcs=struct.unpack_from(f"!{count}I", body))
            case _:
                return None
    except struct.error:
        raise BadPacket("An RTCP packet is shorter than its count says.") from None


def _blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    return tuple(_block(_BLOCK.unpack_from(body, start + index * _BLOCK.size)) for index in range(count))


def _block(words: tuple[int, ...]) -> ReportBlock:
    ssrc, loss, highest, jitter, last, delay = words
    lost = loss & 0xFFFFFF
    return ReportBlock(
        ssrc=ssrc,
        fraction_lost=loss >> 24,
        lost=lost - (1 << 24) if lost > _MAX_LOST else lost,
        highest_sequence=highest,
        jitter=jitter,
        last_report=last,
        delay=delay,
    )


def pack_report(report: SenderReport | ReceiverReport, cname: str) -> bytes:
    """Return a compound packet: the report and the CNAME (6.1)."""
    blocks = b"".join(map(_pack_block, report.blocks))
    body = _SSRC.pack(report.ssrc) + blocks
    kind = RECEIVER_REPORT
    if isinstance(report, SenderReport):
        kind = SENDER_REPORT
        sent = (report.ntp >> 32, report.ntp & 0xFFFFFFFF, report.timestamp, report.packets, report.octets)
        body = _SSRC.pack(report.ssrc) + _SENDER.pack(*sent) + blocks
    return _pack(kind, len(report.blocks), body) + _pack_cname(report.ssrc, cname)


def pack_goodbye(ssrc: int, cname: str) -> bytes:
    """Return a compound packet that says good-bye: a BYE never stands alone (6.1)."""
    return pack_report(ReceiverReport(ssrc=ssrc), cname) + _pack(BYE, 1, _SSRC.pack(ssrc))


def _pack_block(block: ReportBlock) -> bytes:
    lost = min(max(block.lost, -_MAX_LOST - 1), _MAX_LOST) & 0xFFFFFF
    loss = block.fraction_lost << 24 | lost
    return _BLOCK.pack(block.ssrc, loss, block.highest_sequence, block.jitter, block.last_report, block.delay)


def _pack_cname(ssrc: int, cname: str) -> bytes:
    text = cname.encode()[:_MAX_CNAME_BYTES]
    item = _SSRC.pack(ssrc) + bytes((1, len(text))) + text
    return _pack(SDES, 1, item + bytes(4 - len(item) % 4))  # at least one zero ends the list


def _pack(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def ntp_time(unix_seconds: float) -> int:
    """Return a wall-clock time as RTCP writes it (RFC 3550, 4)."""
    return int((unix_seconds + _NTP_EPOCH_SECONDS) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def round_trip_seconds(block: ReportBlock, ntp_now: int) -> float | None:
    """Return the round trip that a report about us shows (6.4.1); None without a sender report of ours."""
    if block.last_report == 0:
        return None
    passed = ((ntp_now >> 16 & 0xFFFFFFFF) - block.last_report - block.delay) & 0xFFFFFFFF
    return passed / 65536 if passed < 1 << 31 else 0.0
