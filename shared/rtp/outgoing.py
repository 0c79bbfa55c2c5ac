"""The stream that we send: one tick, at most one packet, with numbers that never contradict each other.

Time passes with each tick whether a packet leaves or not, so that the far end's buffer sees a pause as a pause. A key
takes the place of the audio while it lasts: with both at once some gateways render the key twice.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from shared.rtp.keys import key_packets
from shared.rtp.packet import HEADER, PLAIN, RtpPacket
from shared.rtp.serial import sequence_after, timestamp_after

#: Keys waiting to be sent: an extension and a PIN fit many times over.
MAX_WAITING_KEYS: Final = 64
#: Between two keys, beside the 40 ms in which the end is repeated: together what Q.24 wants between tones.
_PAUSE_TICKS: Final = 2


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """What the next packet will be."""

    ssrc: int
    sequence: int
    timestamp: int
    payload_type: int
    #: None where the far end takes no telephone events.
    event_payload_type: int | None = None
    #: Samples per tick.
    frame_samples: int = 160
    packets: int = 0
    #: Packets whose payload was not a byte per sample, and how many bytes they had.
    _odd_packets: int = 0
    _odd_octets: int = 0
    _talking: bool = False
    #: Whether the next frame can only be talk that goes on: no pause, and no key.
    _talks_on: bool = False
    _keys: deque[tuple[str, int]] = field(default_factory=deque)
    _key: Iterator[RtpPacket] | None = None
    _pause: int = 0

    def press(self, key: str, length_ms: int = 100) -> bool:
        """Send a key after those that wait; False where none can be sent. Raises BadTone for what is no key."""
        if self.event_payload_type is None or len(self._keys) >= MAX_WAITING_KEYS:
            return False
        self._packets_of(key, length_ms)  # refuses now what would fail at its turn
        self._keys.append((key, length_ms))
        self._talks_on = False
        return True

    @property
    def octets(self) -> int:
        """How many bytes of payload were sent."""
        return (self.packets - self._odd_packets) * self.frame_samples + self._odd_octets

    @property
    def pressing(self) -> bool:
        """Whether a key is being sent or waits."""
        return self._key is not None or bool(self._keys)

    def tick(self, payload: bytes | None) -> RtpPacket | None:
        """Return the packet of this tick; None in a pause. Audio that falls into a key is dropped."""
        packet = self._key_packet() or self._audio_packet(payload)
        self.timestamp = timestamp_after(self.timestamp, self.frame_samples)
        if packet is not None:
            self.sequence = sequence_after(packet.sequence)
            self.packets += 1
            if len(packet.payload) != self.frame_samples:
                self._odd_packets += 1
                self._odd_octets += len(packet.payload)
        self._talks_on = self._talking and not self._pause and not self._keys
        return packet

    def frame(self, payload: bytes | None) -> bytes | None:
        """Do as `tick` does, and return the packet as it is sent: what is in the middle of talk takes the short way."""
        if not self._talks_on or payload is None or len(payload) != self.frame_samples:
            packet = self.tick(payload)
            return None if packet is None else packet.pack()
        sequence, timestamp = self.sequence, self.timestamp
        self.sequence = sequence + 1 & 0xFFFF
        self.timestamp = timestamp + self.frame_samples & 0xFFFFFFFF
        self.packets += 1
        return HEADER.pack(PLAIN, self.payload_type, sequence, timestamp, self.ssrc) + payload

    def _audio_packet(self, payload: bytes | None) -> RtpPacket | None:
        if payload is None or self._key is not None:
            self._talking = False
            return None
        first = not self._talking
        self._talking = True
        return RtpPacket(self.payload_type, self.sequence, self.timestamp, self.ssrc, payload, marker=first)

    def _key_packet(self) -> RtpPacket | None:
        """Return the next packet of a key; None between keys and when none waits."""
        if self._pause:
            self._pause -= 1
            return None
        if self._key is None and self._keys:
            self._key = self._packets_of(*self._keys.popleft())
        packet = next(self._key, None) if self._key is not None else None
        if packet is None and self._key is not None:
            self._key, self._pause = None, _PAUSE_TICKS - 1
        if packet is not None:
            self._talking = False
        return packet

    def _packets_of(self, key: str, length_ms: int) -> Iterator[RtpPacket]:
        return iter(
            list(
                key_packets(
                    key,
                    payload_type=self.event_payload_type or 0,
                    ssrc=self.ssrc,
                    sequence=self.sequence,
                    timestamp=self.timestamp,
                    length_ms=length_ms,
                    packet_samples=self.frame_samples,
                )
            )
        )
