"""Offer and answer (RFC 3264): what two descriptions come to, as pure functions.

Of G.711's two laws the one that stands first in the answer is used both ways. A stream without a G.711 codec, with
encryption or with port 0 is no stream for us.
"""

from dataclasses import dataclass, replace
from typing import Final

from shared.sip.errors import BadBody
from shared.sip.sdp import ChosenStream, Codec, Direction, LocalMedia, MediaLine, SessionDescription

_PROFILE: Final = "RTP/AVP"
_AUDIO: Final = frozenset({Codec.PCMU, Codec.PCMA})
#: Packets longer than this make a conversation a monologue; who asks for it gets 20 ms.
_LONGEST_PTIME_MS: Final = 60
_FRAME_MS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What both sides agreed on: where to send what."""

    host: str
    port: int
    codec: Codec
    payload_type: int
    #: The payload type for keys; None where the far end takes none: then keys go in-band.
    event_payload_type: int | None
    #: Ours, where the far end answered our offer with another: its keys may come as either (RFC 3264, 6.1).
    other_event_payload_type: int | None = None
    #: As we see it.
    direction: Direction
    #: The length of the packets that we send.
    ptime_ms: int

    @property
    def sends(self) -> bool:
        """Whether we may send audio; not while the far end holds the call."""
        return self.direction in {Direction.SENDRECV, Direction.SENDONLY}


def media_of_answer(local: LocalMedia, answer: SessionDescription) -> Media:
    """Return what the answer to our offer comes to; raises BadBody where no audio is left."""
    if not answer.media:
        raise BadBody("The answer has no media.")
    line = answer.media[0]  # an answer's streams stand in the offer's order (RFC 3264, 6)
    codecs = _common(local, line)
    if codecs is None:
        raise BadBody("The answer takes no audio that we offered.")
    media = _media(local, line, codecs, line.direction.mirrored)
    ours = local.event_payload_type
    if media.event_payload_type in {None, ours} or media.payload_type == ours:
        return media
    return replace(media, other_event_payload_type=ours)


def choose_stream(local: LocalMedia, offer: SessionDescription) -> tuple[ChosenStream, Media]:
    """Choose the first audio stream of an offer that we can take; raises BadBody where there is none."""
    for index, line in enumerate(offer.media):
        codecs = _common(local, line)
        if codecs is not None:
            direction = line.direction.mirrored
            chosen = ChosenStream(index=index, codecs=codecs, direction=direction)
            return chosen, _media(local, line, codecs, direction)
    raise BadBody("The offer has no audio stream in G.711 over RTP/AVP.")


def _common(local: LocalMedia, line: MediaLine) -> tuple[tuple[Codec, int], ...] | None:
    """Return one audio codec and, where offered, telephone events; None where the stream is not for us."""
    if line.kind != "audio" or line.port == 0 or line.profile != _PROFILE or line.host is None:
        return None
    audio = [pair for pair in line.codecs if pair[0] in _AUDIO and pair[0] in local.codecs]
    events = [pair for pair in line.codecs if pair[0] is Codec.TELEPHONE_EVENT]
    return (audio[0], *events[:1]) if audio else None


def _media(
    local: LocalMedia, line: MediaLine, codecs: tuple[tuple[Codec, int], ...], direction: Direction
) -> Media:
    (codec, payload_type), *events = codecs
    wanted = line.ptime_ms or local.ptime_ms
    usable = wanted <= _LONGEST_PTIME_MS and wanted % _FRAME_MS == 0
    return Media(
        host=line.host or "",
        port=line.port,
        codec=codec,
        payload_type=payload_type,
        event_payload_type=events[0][1] if events else None,
        direction=direction,
        ptime_ms=wanted if usable else local.ptime_ms,
    )
