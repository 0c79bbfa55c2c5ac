"""Keys by RFC 4733: sent as events with a repeated end, received once however often they come.

A key is one event with one timestamp. While it lasts its duration grows; its last packet is sent three times (2.5.1.4),
so that the loss of two costs nothing. The receiver tells a key apart by its timestamp and tells it at its first packet:
barge-in must be quick, and who waits for the end may wait for a packet that is lost.
"""

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from shared.rtp.errors import BadTone
from shared.rtp.packet import RtpPacket
from shared.rtp.serial import sequence_after, timestamp_distance

#: RFC 4733, 3.2, table 3: events 0 to 15.
KEYS: Final = "0123456789*#ABCD"
_EVENT: Final = struct.Struct("!BBH")
_END: Final = 0x80
#: 10 dB below full scale: what everybody sends (2.3.4).
_VOLUME_DBM0: Final = 10
_REPEATED_END: Final = 3
_MAX_DURATION: Final = 0xFFFF
#: ITU-T Q.24: a key shorter than 40 ms need not be recognised; carriers want 70 and more.
_SHORTEST_MS: Final = 40
_LONGEST_MS: Final = 6000


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """The payload of one packet."""

    event: int
    #: In samples since the key went down.
    duration: int
    end: bool

    def pack(self) -> bytes:
        """Return the payload as it is sent."""
        return _EVENT.pack(self.event, _VOLUME_DBM0 | (_END if self.end else 0), self.duration)


def parse_key_event(payload: bytes) -> KeyEvent | None:
    """Read a payload; None for one that is too short, or no key (flash, fax and modem tones).

    Of several blocks (2.5.2 allows no such thing for keys) the first counts.
    """
    if len(payload) < _EVENT.size:
        return None
    event, flags, duration = _EVENT.unpack_from(payload)
    return KeyEvent(event, duration, bool(flags & _END)) if event < len(KEYS) else None


def key_packets(
    key: str,
    *,
    payload_type: int,
    ssrc: int,
    sequence: int,
    timestamp: int,
    length_ms: int = 100,
    packet_samples: int = 160,
) -> Iterator[RtpPacket]:
    """Yield the packets of one key, one per 20 ms tick but for the last three, which may leave together.

    All carry the timestamp at which the key went down. Raises BadTone for another key or length.
    """
    if len(key) != 1 or key not in KEYS or not _SHORTEST_MS <= length_ms <= _LONGEST_MS:
        raise BadTone(f"A key must be one of {KEYS}, held for {_SHORTEST_MS} to {_LONGEST_MS} ms.")
    steps = max(1, length_ms * 8 // packet_samples)
    for index in range(steps + _REPEATED_END - 1):
        duration = min((index + 1) * packet_samples, steps * packet_samples, _MAX_DURATION)
        event = KeyEvent(KEYS.index(key), duration, end=index >= steps - 1)
        yield RtpPacket(
            payload_type, sequence_after(sequence, index), timestamp, ssrc, event.pack(), marker=index == 0
        )


@dataclass(slots=True)
class KeyReceiver:
    """Tells each key once."""

    #: Timestamps of the keys told lately, by source: packets of an old key may come late.
    _told: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=16))
    _last: int | None = None

    def take(self, packet: RtpPacket) -> str | None:
        """Take a packet of the telephone-event payload type; return a key that just went down."""
        event = parse_key_event(packet.payload)
        if event is None or self._known(packet):
            return None
        held = self._last == event.event and self._continues(packet)
        self._told.append((packet.ssrc, packet.timestamp))
        self._last = event.event
        return None if held else KEYS[event.event]

    def _continues(self, packet: RtpPacket) -> bool:
        """Whether this is the next segment of a key held longer than a duration can say (2.5.1.3)."""
        ssrc, timestamp = self._told[-1]
        return ssrc == packet.ssrc and timestamp_distance(timestamp, packet.timestamp) == _MAX_DURATION

    def _known(self, packet: RtpPacket) -> bool:
        """Whether this is a packet of a key already told, or one older than the last."""
        if (packet.ssrc, packet.timestamp) in self._told:
            return True
        last = self._told[-1] if self._told else None
        if last is None or last[0] != packet.ssrc:
            return False
        behind = timestamp_distance(last[1], packet.timestamp)
        return -_STALE_SAMPLES < behind < 0


#: A packet up to so much older than the last key is a straggler; beyond, the source has started anew: 2 s.
_STALE_SAMPLES: Final = 16000
