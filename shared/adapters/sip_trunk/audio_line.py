"""The audio of one call: an RTP socket, a turn each 20 ms, and what happens to packets on either side.

Sent: the prompt's next frame or silence, always something, since a stream that stops is taken for a dead line and
closes the way through address translation. It is sent now or never: what a queue held up would only come late.
Received: keys by RFC 4733 at once; the voice is put in order only while somebody listens to it: a recording, or the
tone receiver where the far end knows no other keys.

A hundred packets a second of each call pass through here, so that what is always the same takes a short way: what was
agreed is noted once, and voice that nobody listens to is only counted, but for every eighth packet. A callee who talks
from where it said that it is, is heard alone, and the kernel sees to that.
"""

import random
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Final, Protocol

from shared.adapters.sip_trunk.analysis import CallAnalysis
from shared.adapters.sip_trunk.datagrams import Address
from shared.adapters.sip_trunk.dialling import Dialling
from shared.adapters.sip_trunk.one_peer import SocketName, hear_everybody, hear_one
from shared.adapters.sip_trunk.player import SILENT_FRAME, Player
from shared.adapters.sip_trunk.recorder import Recorder
from shared.adapters.sip_trunk.report_line import SAMPLED, ReportLine
from shared.adapters.sip_trunk.ticker import Ticker
from shared.domain.disposition import CalleeType
from shared.rtp.errors import BadPacket
from shared.rtp.g711 import PCMU, a_to_mu, mu_to_a
from shared.rtp.inband import ToneReceiver
from shared.rtp.jitter_buffer import JitterBuffer
from shared.rtp.keys import KeyReceiver
from shared.rtp.latch import SILENCE_TO_MOVE_SECONDS, Latch, described_anew, heard
from shared.rtp.outgoing import Outgoing
from shared.rtp.packet import HEADER_BYTES, MAX_PACKET_BYTES, PLAIN, RtpPacket, is_rtcp, numbers_of, parse_rtp
from shared.sip.offer_answer import Media
from shared.sip.sdp import Codec

#: One byte more than a packet may have shows one that is too long.
_READ_BYTES: Final = MAX_PACKET_BYTES + 1
#: What lies on a socket before its call is connected: more than its buffer holds.
_MOST_EARLY: Final = 2000
#: A callee who says nothing for so long may be heard from another address in as long again, as the latch has it.
_ALONE_SECONDS: Final = SILENCE_TO_MOVE_SECONDS / 2
#: Where what comes is put while it is looked at: one at a time, of all calls.
_desk: Final = bytearray(_READ_BYTES)


class AudioEvents(Protocol):
    """Who hears of what happens in the audio."""

    def key_heard(self, key: str) -> None:
        """Hear a key that the callee pressed."""

    def recording_full(self) -> None:
        """Hear that a recording has reached its longest."""

    def callee_known(self, callee_type: CalleeType) -> None:
        """Hear who answered."""


class AudioLine:
    """The audio of one call; silent until it is connected.

    It has no more than thirty attributes: with one more CPython 3.11 to 3.13 keeps them in a dictionary of its own and
    looks each of them up anew, which makes all audio a fifth dearer.
    """

    def __init__(
        self,
        bound: socket.socket,
        ticker: Ticker,
        player: Player,
        events: AudioEvents,
        *,
        reports: ReportLine,
        released: Callable[[int], None],
        home: str = "",
    ) -> None:
        """Speak and hear through a bound socket; `home` is the address at which the far end reaches it."""
        # First what every packet needs, side by side in memory: of hundreds of calls little is in the processor's cache
        # when its turn comes, and to fetch it takes longer than to work with it.
        self._listens = False
        #: Whether a turn sends the next frame of a prompt, as nearly all do, and may do so without a further look.
        self._only_prompts = False
        self._in_a_law = False
        self._out: Outgoing | None = None
        self._player = player
        self._socket = bound
        #: Who alone is heard; None: whoever sends.
        self._peer: SocketName | None = None
        #: Where to send; None: nowhere.
        self._target: Address | None = None
        #: How a packet of theirs begins, and from where the last one came.
        self._usual = b""
        self._usual_source: SocketName | None = None
        #: When the last of them came, to within SAMPLED packets.
        self._heard_at = 0.0
        #: Packets that were the callee's, and packets of ours that the machine did not take.
        self.received = 0
        self.unsent = 0
        self.port = int(bound.getsockname()[1])
        self._ticker = ticker
        self._events = events
        self._reports = reports
        self._released = released
        #: None once it is known that the far end cannot be heard alone.
        self._home: str | None = home
        self._media: Media | None = None
        self._latch: Latch | None = None
        self._keys = KeyReceiver()
        self._tones: ToneReceiver | None = None
        self._buffer = JitterBuffer()
        self._recorder: Recorder | None = None
        self._analysis: CallAnalysis | None = None
        #: Frames from and for the other line of a transfer, as µ-law.
        self._hears: deque[bytes] | None = None
        self._tells: deque[bytes] | None = None
        self._dialling = Dialling()

    def connect(self, media: Media) -> None:
        """Send and hear from now on as agreed; again when something else was agreed; nothing once closed."""
        if self._socket.fileno() < 0:
            return
        address = (media.host, media.port)
        self._follow(
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
            self._drop_early()
            self._ticker.arrivals.add(self._socket.fileno(), self._readable)
            self._ticker.add(self)
            self._reports.begin(self._out, self._audio_at)
        self._out.payload_type, self._out.event_payload_type = media.payload_type, media.event_payload_type
        self._tones = (self._tones or ToneReceiver()) if media.event_payload_type is None else None
        self._media = media
        self._in_a_law = media.codec is not Codec.PCMU
        self._usual = _beginning(media.payload_type)
        self._note_work()

    def _audio_at(self) -> Address:
        return self._target or ("", 0)

    def _follow(self, latch: Latch) -> None:
        self._latch, self._usual_source = latch, None
        self._target = latch.target if latch.target[1] else None
        if latch.latched != latch.described:
            self._hear_everybody()

    def _note_work(self) -> None:
        """Note what follows from all else for every packet: whether somebody hears the voice, and what is sent."""
        listeners = (self._recorder, self._tones, self._analysis, self._tells)
        self._listens = any(listener is not None for listener in listeners)
        self._only_prompts = (
            self._media is not None and self._media.sends and self._hears is None and not self._dialling.busy
        )

    def dial(self, keys: str) -> None:
        """Send keys, with their pauses, after those that wait."""
        self._dialling.add(keys)
        self._note_work()

    def record(self, recorder: Recorder | None) -> None:
        """Keep what the callee says from now on; None ends it."""
        if not self._listens:
            self._buffer = JitterBuffer()  # what it last held is long past
        self._recorder = recorder
        self._note_work()

    def analyse(self, analysis: CallAnalysis) -> None:
        """Let call analysis listen until it has made up its mind."""
        self._analysis = analysis
        self._note_work()

    def join(self, hears: deque[bytes] | None, tells: deque[bytes] | None) -> None:
        """Send the frames of one queue instead of prompts, and put what the callee says into another; None ends it."""
        if not self._listens:
            self._buffer = JitterBuffer()  # what it last held is long past
        self._hears, self._tells = hears, tells
        self._note_work()

    def close(self) -> None:
        """Send and hear nothing more."""
        if self._socket.fileno() < 0:
            return  # closed already
        self._out = None
        self._ticker.remove(self)
        self._ticker.arrivals.remove(self._socket.fileno())
        self._socket.close()
        self._reports.close()
        self._released(self.port)

    # A turn.

    def tick(self) -> None:
        """Send a frame, and hear one if somebody listens."""
        if self._listens:
            self._listen()
        out = self._out
        if out is None:
            return  # not connected yet, or closed by what was just heard
        frame = self._player.frame() or SILENT_FRAME if self._only_prompts else self._other_frame(out)
        packet = out.frame(mu_to_a(frame) if self._in_a_law and frame is not None else frame)
        if self._peer is not None and self._ticker.now - self._heard_at > _ALONE_SECONDS:
            self._hear_everybody()
        if packet is not None and self._target is not None:
            try:
                if self._peer is None:
                    self._socket.sendto(packet, self._target)
                else:
                    self._socket.send(packet)
            except OSError:
                self._send_again(packet, self._target)

    def _send_again(self, packet: bytes, target: Address) -> None:
        """Send what was not taken: who hears a single peer may have been told, instead, of an earlier packet."""
        try:
            self._socket.sendto(packet, target)
        except OSError:
            self.unsent += 1

    def _other_frame(self, out: Outgoing) -> bytes | None:
        """Return the frame of a turn that is not like nearly all; None where nothing may be sent."""
        if self._dialling.busy:
            self._dialling.take_turn(out)
            self._note_work()
        if self._media is None or not self._media.sends:
            return None  # on hold: the prompt goes on when somebody listens again
        if self._dialling.busy and (key := self._dialling.frame(out)) is not None:
            return key
        if self._hears is not None:
            return self._hears.popleft() if self._hears else SILENT_FRAME
        return self._player.frame() or SILENT_FRAME

    def _listen(self) -> None:
        frame = self._buffer.tick()
        if self._tells is not None and frame is not None:
            self._tells.append(frame)
        if self._analysis is not None and (verdict := self._analysis.take(frame)) is not None:
            self._analysis = None
            self._note_work()
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

    def _readable(self) -> None:
        datagram: bytes | bytearray
        source = self._peer
        try:
            if source is None:
                datagram, source = self._socket.recvfrom(_READ_BYTES)
                size = len(datagram)
            else:
                datagram, size = _desk, self._socket.recv_into(_desk)
        except OSError:
            return  # nothing there after all, or word that a packet of ours was refused
        if (
            not self._listens
            and (source is self._peer or source == self._usual_source)
            and datagram.startswith(self._usual)
            and HEADER_BYTES <= size <= MAX_PACKET_BYTES
        ):
            count = self.received
            self.received = count + 1
            if count % SAMPLED == 0:
                self._heard_at = self._ticker.now
                self._reports.look(numbers_of(datagram), timed=True)
        else:
            self._receive(bytes(datagram[:size]), source)

    # From whom.

    def _hear_one(self, name: SocketName) -> None:
        """Hear the callee alone from now on, once what others have sent before is read."""
        if self._home is None or not hear_one(self._socket, name, home=self._home):
            self._home = None
            return
        self._peer = name
        for _ in range(_MOST_EARLY):
            try:
                datagram, source = self._socket.recvfrom(_READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue  # word that a packet of ours was refused: what lies behind it may be anybody's
            self._receive(datagram, source)

    def _hear_everybody(self) -> None:
        if self._peer is not None:
            self._peer = self._usual_source = None
            hear_everybody(self._socket)

    def _drop_early(self) -> None:
        """Drop what came before the answer: it is not of this call's time."""
        for _ in range(_MOST_EARLY):
            try:
                self._socket.recvfrom(_READ_BYTES)
            except OSError:
                return

    def _receive(self, datagram: bytes, name: SocketName) -> None:
        media, latch, source = self._media, self._latch, (name[0], name[1])
        if media is None or latch is None:
            return
        if is_rtcp(datagram):
            self._reports.hear(datagram, source)
            return
        try:
            packet = parse_rtp(datagram)
        except BadPacket:
            return
        of_key = packet.payload_type in (media.event_payload_type, media.other_event_payload_type)
        agreed = of_key or packet.payload_type == media.payload_type
        now = self._ticker.now
        if not agreed or source != latch.latched:
            latch, ours = heard(replace(latch, heard_at=self._heard_at), source, now, agreed=agreed)
            self._follow(latch)
            if not ours:
                return
        self._usual_source, self._heard_at = name, now
        if self.received % SAMPLED == 0:
            self._reports.look(packet.numbers, timed=not of_key)
        self.received += 1
        self._hear(packet, media, of_key=of_key)
        if self._peer is None and self._home is not None and source == latch.described:
            self._hear_one(name)

    def _hear(self, packet: RtpPacket, media: Media, *, of_key: bool) -> None:
        if of_key:
            key = self._keys.take(packet)
            if key is not None:
                self._events.key_heard(key)
        elif self._listens:
            self._buffer.put(_as_mu_law(packet, media.codec))


@lru_cache(maxsize=128)  # as many as there are payload types: all calls of a type share one
def _beginning(payload_type: int) -> bytes:
    """Return how a packet of ordinary talk begins."""
    return bytes((PLAIN, payload_type))


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
