"""A jitter buffer: packets in as they come, 20 ms of audio out at each tick.

It waits until `depth` frames are there, then hands out one per tick. A frame that is missing at its turn is a gap (the
listener conceals it; a recorder writes silence), and one that comes after its turn is late and dropped. When the
buffer runs dry it waits anew, and when it grows beyond its limit (the far end's clock is faster than ours, or it sent
what it had held back) the oldest frames go, so that the delay cannot creep up.

Order goes by timestamp, not by sequence number: silence suppression leaves holes in time that are no loss.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from shared.rtp.packet import RtpPacket
from shared.rtp.serial import timestamp_after, timestamp_distance

#: A jump beyond this is another stream (a transfer, a restart): what was buffered belongs to the past.
_MAX_JUMP_SECONDS: Final = 2.0
#: Packets of G.711 longer than this are cut: nobody sends them, and they would all have to be kept.
_MAX_FRAMES_PER_PACKET: Final = 10


class Fate(StrEnum):
    """What became of a packet."""

    KEPT = "kept"
    LATE = "late"
    DOUBLE = "double"
    RESTARTED = "restarted"


@dataclass(slots=True, kw_only=True)
class JitterBuffer:
    """Buffer of one stream of one-byte samples."""

    #: Samples per tick; also bytes, since G.711 has one byte per sample.
    frame_samples: int = 160
    clock_hz: int = 8000
    #: Frames to gather before the first is handed out: 60 ms rides out ordinary jitter.
    depth: int = 3
    #: Frames kept at most: 400 ms is more delay than a conversation bears.
    limit: int = 20
    late: int = 0
    doubles: int = 0
    gaps: int = 0
    dropped: int = 0
    _frames: dict[int, bytes] = field(default_factory=dict)
    #: The timestamp of the frame whose turn is next; None while gathering.
    _turn: int | None = None
    _ssrc: int | None = None
    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=64))

    def put(self, packet: RtpPacket) -> Fate:
        """Take an audio packet."""
        restarted = self._restart_if_other(packet)
        fates = [self._put_frame(timestamp, frame) for timestamp, frame in self._cut(packet)]
        self._trim()
        if restarted:
            return Fate.RESTARTED
        return Fate.KEPT if not fates or Fate.KEPT in fates else fates[0]

    def _restart_if_other(self, packet: RtpPacket) -> bool:
        known = self._turn if self._turn is not None else next(iter(self._frames), None)
        far = (
            known is not None
            and abs(timestamp_distance(known, packet.timestamp)) > _MAX_JUMP_SECONDS * self.clock_hz
        )
        other = self._ssrc is not None and packet.ssrc != self._ssrc
        self._ssrc = packet.ssrc
        if far or other:
            self._frames.clear()
            self._recent.clear()
            self._turn = None
        return far or other

    def _cut(self, packet: RtpPacket) -> list[tuple[int, bytes]]:
        """Split a packet into frames; a rest shorter than a frame is filled up by its last byte."""
        size, payload = self.frame_samples, packet.payload
        count = min(-(-len(payload) // size), _MAX_FRAMES_PER_PACKET)
        pieces = (payload[index * size : (index + 1) * size] for index in range(count))
        return [
            (timestamp_after(packet.timestamp, index * size), piece + piece[-1:] * (size - len(piece)))
            for index, piece in enumerate(pieces)
        ]

    def _put_frame(self, timestamp: int, frame: bytes) -> Fate:
        if timestamp in self._frames or timestamp in self._recent:
            self.doubles += 1
            return Fate.DOUBLE
        if self._turn is not None and timestamp_distance(self._turn, timestamp) < 0:
            self.late += 1
            return Fate.LATE
        self._frames[timestamp] = frame
        return Fate.KEPT

    def _trim(self) -> None:
        """Drop the oldest frames beyond the limit, and move on to those that stay."""
        while len(self._frames) > self.limit:
            oldest = self._oldest()
            del self._frames[oldest]
            self.dropped += 1
            if self._turn is not None:
                self._turn = self._oldest()

    def _oldest(self) -> int:
        """Return the timestamp that comes first; all lie within a fraction of the circle."""
        first = next(iter(self._frames))
        return min(self._frames, key=lambda timestamp: timestamp_distance(first, timestamp))

    def tick(self) -> bytes | None:
        """Return the frame whose turn it is; None for a gap, and while frames are being gathered."""
        if self._turn is None:
            if len(self._frames) < self.depth:
                return None
            self._turn = self._oldest()
        turn = self._turn
        self._turn = timestamp_after(turn, self.frame_samples)
        frame = self._frames.pop(turn, None)
        if frame is not None:
            self._recent.append(turn)
            return frame
        return self._gap(turn)

    def _gap(self, turn: int) -> bytes | None:
        """Deal with a frame that is not there: wait anew when nothing is, or move to frames off the grid."""
        self.gaps += 1
        if not self._frames:
            self._turn = None
            return None
        oldest = self._oldest()
        if 0 < timestamp_distance(turn, oldest) < self.frame_samples:
            self._turn = oldest  # the sender's clock jumped by a part of a frame
        return None
