"""What both ends of a call tell each other about its audio (RFC 3550, 6): when, what, and what the other end said.

A conversation of two is always within RTCP's share of the bandwidth, so that the interval is the least one (6.2): five
seconds, half of it before the first report, drawn anew each time so that no two calls keep step (6.3.1). What comes in
is believed only as far as it can be checked: a round trip needs a report of ours that was really sent, and a flood is
not read to its end.

Time is the caller's: `now` in seconds of a clock that only goes forward. The wall clock is asked for once.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from shared.rtp.errors import BadPacket
from shared.rtp.outgoing import Outgoing
from shared.rtp.reception import Reception
from shared.rtp.rtcp import (
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    ntp_time,
    pack_goodbye,
    pack_report,
    parse_rtcp,
    round_trip_seconds,
)

_LEAST_SECONDS: Final = 5.0
#: Drawn from half to one and a half of the interval; divided by e - 3/2, for which timers make up (6.3.1).
_SPREAD: Final = (0.5, 1.5)
_COMPENSATION: Final = 2.71828 - 1.5
#: The far end may answer the report before the last.
_REMEMBERED_REPORTS: Final = 4
#: Datagrams read between two reports of ours: an honest end sends one, and one more when it leaves.
_MOST_READ: Final = 8
#: A report that took longer has been lying about somewhere.
_LONGEST_ROUND_TRIP_SECONDS: Final = 60.0
_CLOCK_HZ: Final = 8000


class Dice(Protocol):
    """What is drawn from: `random.Random` is one."""

    def random(self) -> float:
        """Return a number from 0 to below 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardThere:
    """How the far end says that it receives us."""

    #: Of our packets, since the beginning, from 0 to 1.
    loss: float
    jitter_seconds: float
    #: None as long as it has answered no report of ours.
    round_trip_seconds: float | None


class Reporting:
    """The reports of one call."""

    def __init__(self, out: Outgoing, *, cname: str, rng: Dice, now: float, unix_now: float) -> None:
        """`cname` names the call to its far end, and should name nobody (RFC 7022)."""
        self.reception = Reception()
        self.heard_there: HeardThere | None = None
        self._out = out
        self._cname = cname
        self._rng = rng
        self._unix_at_zero = unix_now - now
        self._packets_told = 0
        self._begun = False
        #: The middle of the NTP time of reports that we sent.
        self._sent: deque[int] = deque(maxlen=_REMEMBERED_REPORTS)
        #: The same of the far end's last one, and when it came.
        self._last_report: tuple[int, float] | None = None
        self._read = 0

    def pause_seconds(self) -> float:
        """Draw the time until the next report."""
        least = _LEAST_SECONDS if self._begun else _LEAST_SECONDS / 2
        low, high = _SPREAD
        return least * (low + (high - low) * self._rng.random()) / _COMPENSATION

    def report(self, now: float) -> bytes:
        """Return what is to be sent now: a sender's report if audio was sent since the last one (6.4)."""
        self._begun, self._read = True, 0
        ntp = ntp_time(self._unix_at_zero + now)
        blocks = self._blocks(now)
        out = self._out
        if out.packets == self._packets_told:
            return pack_report(ReceiverReport(ssrc=out.ssrc, blocks=blocks), self._cname)
        self._packets_told = out.packets
        self._sent.append(ntp >> 16 & 0xFFFFFFFF)
        report = SenderReport(
            ssrc=out.ssrc,
            ntp=ntp,
            timestamp=out.timestamp,
            packets=out.packets & 0xFFFFFFFF,
            octets=out.octets & 0xFFFFFFFF,
            blocks=blocks,
        )
        return pack_report(report, self._cname)

    def _blocks(self, now: float) -> tuple[ReportBlock, ...]:
        last, came = self._last_report or (0, now)
        block = self.reception.report(
            last_report=last, delay=min(int((now - came) * 65536), 0xFFFFFFFF) if last else 0
        )
        return () if block is None else (block,)

    def goodbye(self) -> bytes:
        """Return what is to be sent at the end (6.3.7)."""
        return pack_goodbye(self._out.ssrc, self._cname)

    def take(self, datagram: bytes, now: float) -> None:
        """Take what the far end sent; whatever is wrong with it is passed over."""
        self._read += 1
        if self._read > _MOST_READ:
            return
        try:
            packets = parse_rtcp(datagram)
        except BadPacket:
            return
        for packet in packets:
            self._take(packet, now)

    def _take(self, packet: RtcpPacket, now: float) -> None:
        if isinstance(packet, SenderReport):
            self._last_report = (packet.ntp >> 16 & 0xFFFFFFFF, now)
        if isinstance(packet, SenderReport | ReceiverReport):
            for block in packet.blocks:
                if block.ssrc == self._out.ssrc:
                    self._heard(block, now)

    def _heard(self, block: ReportBlock, now: float) -> None:
        before = self.heard_there.round_trip_seconds if self.heard_there else None
        trip = self._round_trip(block, now)
        self.heard_there = HeardThere(
            loss=min(max(block.lost, 0) / max(self._out.packets, 1), 1.0),
            jitter_seconds=block.jitter / _CLOCK_HZ,
            round_trip_seconds=before if trip is None else trip,
        )

    def _round_trip(self, block: ReportBlock, now: float) -> float | None:
        if block.last_report not in self._sent:
            return None  # never sent, or long ago
        seconds = round_trip_seconds(block, ntp_time(self._unix_at_zero + now))
        return seconds if seconds is not None and seconds <= _LONGEST_ROUND_TRIP_SECONDS else None
