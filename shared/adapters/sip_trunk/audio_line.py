"""The audio of one call: an RTP socket, a turn each 20 ms, and what happens to packets on either side.

Sent: the prompt's next frame or silence, always something, since a stream that stops is taken for a dead line and
closes the way through address translation. Received: keys by RFC 4733 at once; the voice is put in order only while
somebody listens to it: a recording, or the tone receiver where the far end knows no other keys.
"""

import random
import socket
from collections.abc import Callable
from typing import Final, Protocol

from shared.adapters.sip_trunk.analysis import CallAnalysis
from shared.adapters.sip_trunk.datagrams import Address, Datagrams
from shared.adapters.sip_trunk.key_tones import key_tone
from shared.adapters.sip_trunk.player import SILENT_FRAME, Player
from shared.adapters.sip_trunk.recorder import Recorder
from shared.adapters.sip_trunk.ticker import Ticker
from shared.clock import monotonic_seconds
from shared.domain.disposition import CalleeType
from shared.rtp.errors import BadPacket
from shared.rtp.g711 import PCMU, a_to_mu, mu_to_a
from shared.rtp.inband import ToneReceiver
from shared.rtp.jitter_buffer import JitterBuffer
from shared.rtp.keys import KEYS, KeyReceiver
from shared.rtp.latch import Latch, described_anew, heard
from shared.rtp.outgoing import Outgoing
from shared.rtp.packet import RtpPacket, is_rtcp, parse_rtp
from shared.sip.offer_answer import Media
from shared.sip.sdp import Codec

#: A pause in digits that are dialled after the answer, as modems made it: `,` is two seconds, `w` one.
_PAUSES_SECONDS: Final = {",": 2.0, "w": 1.0, "W": 1.0}
_FRAMES_PER_SECOND: Final = 50
_KEY_MS: Final = 100
#: How exactly it is known when the callee was last heard: to the packet would cost a value per packet.
_NOTE_SECONDS: Final = 0.25


class AudioEvents(Protocol):
    """Who hears of what happens in the audio."""

    def key_heard(self, key: str) -> None:
        """Hear a key that the callee pressed."""

    def recording_full(self) -> None:
        """Hear that a recording has reached its longest."""

    def callee_known(self, callee_type: CalleeType) -> None:
        """Hear who answered."""


class AudioLine:
    """The audio of one call; silent until it is connected."""

    def __init__(
        self,
        bound: socket.socket,
        ticker: Ticker,
        player: Player,
        events: AudioEvents,
        *,
        released: Callable[[int], None],
    ) -> None:
        self._datagrams = Datagrams(bound, received=self._receive, reads_per_turn=1)
        self.port = self._datagrams.address[1]
        self._ticker = ticker
        self._player = player
        self._events = events
        self._released = released
        self._media: Media | None = None
        self._latch: Latch | None = None
        self._out: Outgoing | None = None
        self._keys = KeyReceiver()
        self._tones: ToneReceiver | None = None
        self._buffer = JitterBuffer()
        self._recorder: Recorder | None = None
        self._analysis: CallAnalysis | None = None
        self._to_dial: list[str] = []
        self._tone: list[bytes] = []
        self._pause_frames = 0
        self._closed = False
        #: Packets that were the callee's.
        self.received = 0

    def connect(self, media: Media) -> None:
        """Send and hear from now on as agreed; again when something else was agreed."""
        address = (media.host, media.port)
        self._latch = (
            Latch(described=address) if self._latch is None else described_anew(self._latch, address)
        )
        if self._out is None:
            dice = random.SystemRandom()  # numbers that cannot be guessed, as RFC 3550, 5.1 asks
            self._out = Outgoing(
                ssrc=dice.getrandbits(32),
                sequence=dice.getrandbits(16),
                timestamp=dice.getrandbits(32),
                payload_type=media.payload_type,
                event_payload_type=media.event_payload_type,
            )
            self._ticker.add(self)
        self._out.payload_type, self._out.event_payload_type = media.payload_type, media.event_payload_type
        self._tones = (self._tones or ToneReceiver()) if media.event_payload_type is None else None
        self._media = media

    def dial(self, keys: str) -> None:
        """Send keys, with their pauses."""
        self._to_dial.extend(keys)

    def record(self, recorder: Recorder | None) -> None:
        """Keep what the callee says from now on; None ends it."""
        if not self._listens:
            self._buffer = JitterBuffer()  # what it last held is long past
        self._recorder = recorder

    def analyse(self, analysis: CallAnalysis) -> None:
        """Let call analysis listen until it has made up its mind."""
        self._analysis = analysis

    def close(self) -> None:
        """Send and hear nothing more."""
        self._ticker.remove(self)
        self._datagrams.close()
        if not self._closed:
            self._closed = True
            self._released(self.port)

    # A turn.

    def tick(self) -> None:
        """Send a frame, and hear one if somebody listens."""
        self._listen()
        media, out, latch = self._media, self._out, self._latch
        if media is None or out is None or latch is None:
            return
        self._dial_next(out)
        packet = out.tick(self._payload(media, out))
        if packet is not None and latch.target[1]:
            self._datagrams.send(packet.pack(), latch.target)

    def _payload(self, media: Media, out: Outgoing) -> bytes | None:
        if not media.sends:
            return None  # on hold: the prompt goes on when somebody listens again
        if self._tone:
            frame = self._tone.pop(0)
        else:
            frame = SILENT_FRAME if out.pressing else self._player.frame() or SILENT_FRAME
        return frame if media.codec is Codec.PCMU else mu_to_a(frame)

    def _dial_next(self, out: Outgoing) -> None:
        if self._pause_frames:
            self._pause_frames -= 1
        elif self._to_dial and not out.pressing and not self._tone:
            key = self._to_dial.pop(0)
            if key in _PAUSES_SECONDS:
                self._pause_frames = int(_PAUSES_SECONDS[key] * _FRAMES_PER_SECOND)
            elif out.event_payload_type is None:
                self._tone.extend(key_tone(key.upper()))
            elif key.upper() in KEYS:
                out.press(key.upper(), _KEY_MS)

    @property
    def _listens(self) -> bool:
        return self._recorder is not None or self._tones is not None or self._analysis is not None

    def _listen(self) -> None:
        if not self._listens:
            return
        frame = self._buffer.tick()
        if self._analysis is not None and (verdict := self._analysis.take(frame)) is not None:
            self._analysis = None
            self._events.callee_known(verdict)
        if self._tones is not None and frame is not None:
            key = self._tones.take([PCMU.linear[byte] for byte in frame])
            if key is not None:
                self._events.key_heard(key)
        if self._recorder is not None:
            self._recorder.take(frame)
            if self._recorder.full:
                self._events.recording_full()

    # A packet.

    def _receive(self, datagram: bytes, source: Address) -> None:
        media, latch = self._media, self._latch
        if media is None or latch is None or is_rtcp(datagram):
            return
        try:
            packet = parse_rtp(datagram)
        except BadPacket:
            return
        agreed = packet.payload_type in {media.payload_type, media.event_payload_type}
        now = monotonic_seconds()
        if not agreed or source != latch.latched or now - latch.heard_at > _NOTE_SECONDS:
            self._latch, ours = heard(latch, source, now, agreed=agreed)
            if not ours:
                return
        self.received += 1
        if packet.payload_type == media.event_payload_type:
            key = self._keys.take(packet)
            if key is not None:
                self._events.key_heard(key)
        elif self._listens:
            self._buffer.put(_as_mu_law(packet, media.codec))


def _as_mu_law(packet: RtpPacket, codec: Codec) -> RtpPacket:
    if codec is Codec.PCMU:
        return packet
    return RtpPacket(
        packet.payload_type,
        packet.sequence,
        packet.timestamp,
        packet.ssrc,
        a_to_mu(packet.payload),
        packet.marker,
    )
