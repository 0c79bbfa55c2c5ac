"""What is known of one source by its packets: loss, order and jitter, for reports and metrics (RFC 3550, A.1-A.8).

Not every packet need be looked at: the numbers of any two say how many were sent between them, and their timestamps
how much later the one came than the other. Who counts the packets and shows every eighth learns the same, for less.
"""

from dataclasses import dataclass, field
from typing import Final

from shared.rtp.packet import Numbers
from shared.rtp.rtcp import ReportBlock
from shared.rtp.serial import sequence_distance, timestamp_distance

#: RFC 3550, A.1: a jump beyond these is a restart of the source, not loss.
_MAX_DROPOUT: Final = 3000
_MAX_MISORDER: Final = 100


@dataclass(slots=True)
class Reception:
    """The statistics of one source."""

    clock_hz: int = 8000
    ssrc: int | None = None
    received: int = 0
    #: In samples, smoothed (6.4.1).
    jitter: float = 0.0
    _base: int = 0
    _highest: int = 0
    _transit: int | None = None
    _reported: tuple[int, int] = field(default=(0, 0))

    def take(self, numbers: Numbers, now: float, *, count: int = 1, timed: bool = True) -> None:
        """Look at a packet that arrived at this instant (seconds); another SSRC begins anew.

        `count`: so many packets have arrived since the last that was looked at, this one included. `timed`: its
        timestamp is that of its first sample, as that of a key (RFC 4733, 2.1) is not.
        """
        sequence, timestamp, ssrc = numbers
        step = sequence_distance(self._highest & 0xFFFF, sequence)
        if self.ssrc != ssrc or not -_MAX_MISORDER < step < _MAX_DROPOUT:
            self._restart(sequence, ssrc)
        else:
            self.received += count
            if step > 0:
                self._highest += step
        if timed:
            self._note_transit(timestamp, now)

    def _restart(self, sequence: int, ssrc: int) -> None:
        self.ssrc, self.received, self._transit = ssrc, 1, None
        self._base = self._highest = sequence
        self._reported = (0, 0)

    def _note_transit(self, timestamp: int, now: float) -> None:
        transit = timestamp_distance(timestamp, int(now * self.clock_hz) & 0xFFFFFFFF)
        if self._transit is not None:
            change = abs(timestamp_distance(self._transit & 0xFFFFFFFF, transit & 0xFFFFFFFF))
            self.jitter += (change - self.jitter) / 16
        self._transit = transit

    @property
    def expected(self) -> int:
        """How many packets the numbers say were sent."""
        return 0 if self.ssrc is None else self._highest - self._base + 1

    @property
    def lost(self) -> int:
        """How many are missing; negative when packets were doubled."""
        return self.expected - self.received

    def report(self, *, last_report: int = 0, delay: int = 0) -> ReportBlock | None:
        """Return what to report, and begin the next interval; None before the first packet."""
        if self.ssrc is None:
            return None
        expected, received = self.expected - self._reported[0], self.received - self._reported[1]
        self._reported = (self.expected, self.received)
        missing = max(0, expected - received)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, 256 * missing // expected) if expected > 0 else 0,
            lost=self.lost,
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self.jitter),
            last_report=last_report,
            delay=delay,
        )
