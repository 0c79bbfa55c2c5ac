"""Session descriptions (RFC 8866), read no further than a telephone call needs, and written.

One audio stream of G.711 with telephone events. Hostnames in `c=` are refused: resolving what a stranger writes is
a look-up that he commands, and carriers write addresses. Unknown lines are skipped, as section 5 demands.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from shared.sip.errors import BadBody
from shared.sip.limits import MAX_REMEMBERED, MAX_SDP_BYTES, MAX_SDP_FORMATS, MAX_SDP_LINES, MAX_SDP_MEDIA

_MEDIA: Final = re.compile(
    r"([A-Za-z0-9\-]{1,32}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/\-]{1,64})((?: \S+)*)"
)
_CONNECTION: Final = re.compile(r"IN IP[46] ([0-9A-Fa-f.:]{2,45})(?:/[0-9/]+)?")
_RTPMAP: Final = re.compile(r"rtpmap:([0-9]{1,3}) ([A-Za-z0-9\-_.]{1,64})/([0-9]{1,6})(?:/([0-9]{1,2}))?")
_FORMAT: Final = re.compile(r"[0-9]{1,3}")
_PTIME: Final = re.compile(r"ptime:([0-9]{1,3})")
MAX_PAYLOAD_TYPE: Final = 127  # seven bits in the RTP header
#: RFC 3264, 8.4: the older way to say "send me nothing".
_UNSPECIFIED: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, never bound
#: Everybody on the network (RFC 919).
_EVERYBODY: Final = "255.255.255.255"


class Direction(StrEnum):
    """Who sends, as its writer sees it (RFC 8866, 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def mirrored(self) -> "Direction":
        """The same stream as the other side sees it (RFC 3264, 6.1)."""
        return _MIRRORED.get(self, self)


_MIRRORED: Final = {Direction.SENDONLY: Direction.RECVONLY, Direction.RECVONLY: Direction.SENDONLY}


class Codec(StrEnum):
    """The codecs that we speak, by their encoding names."""

    PCMU = "PCMU"
    PCMA = "PCMA"
    TELEPHONE_EVENT = "telephone-event"


#: RFC 3551, table 4: these need no rtpmap.
_STATIC: Final = {0: Codec.PCMU, 8: Codec.PCMA}
_BY_NAME: Final = {codec.value.lower(): codec for codec in Codec}
_CLOCK_HZ: Final = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLine:
    """One `m=` block."""

    kind: str
    #: 0 where the stream is refused.
    port: int
    profile: str
    #: As written, for an answer that must repeat it.
    formats: tuple[str, ...]
    #: The formats that we know, in their writer's order: codec and payload type.
    codecs: tuple[tuple[Codec, int], ...] = ()
    #: The address for this stream; None where none was given.
    host: str | None = None
    direction: Direction = Direction.SENDRECV
    ptime_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDescription:
    """What one side says about its media."""

    media: tuple[MediaLine, ...]
    #: The `o=` line without its prefix: a changed one announces a changed description.
    origin: str = ""


def parse_sdp(body: bytes) -> SessionDescription:
    """Read a description; raises BadBody."""
    if len(body) > MAX_SDP_BYTES:
        raise BadBody(f"A session description must be at most {MAX_SDP_BYTES} bytes.")
    # Some gateways end lines in a blank: a hold that is not understood would be worse than one that is written badly.
    lines = [line.rstrip(" \t\r") for line in body.decode("latin-1").rstrip("\r\n").split("\n")]
    if len(lines) > MAX_SDP_LINES or lines[0] != "v=0":
        raise BadBody("A session description must begin with v=0 and have a bounded number of lines.")
    origin = next((line[2:] for line in lines if line.startswith("o=")), "")
    session, *blocks = _blocks(lines)
    if len(blocks) > MAX_SDP_MEDIA:
        raise BadBody(f"A session description must have at most {MAX_SDP_MEDIA} media lines.")
    common = _Attributes.read(session)
    return SessionDescription(media=tuple(_media(block, common) for block in blocks), origin=origin)


def _blocks(lines: list[str]) -> list[list[str]]:
    """Split into the session's lines and those of each stream."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


@dataclass(frozen=True, slots=True)
class _Attributes:
    """What may stand at the session and be overruled by a stream."""

    host: str | None = None
    direction: Direction | None = None

    @classmethod
    def read(cls, lines: list[str]) -> "_Attributes":
        host, direction = None, None
        for line in lines:
            if line.startswith("c="):
                host = _host(line[2:])
            elif line.startswith("a=") and line[2:] in _DIRECTIONS:
                direction = Direction(line[2:])
        return cls(host, direction)


_DIRECTIONS: Final = frozenset(direction.value for direction in Direction)


@lru_cache(maxsize=MAX_REMEMBERED)
def _host(text: str) -> str:
    """Read a connection line; remembered, since few gateways occur and an address is slow to read."""
    found = _CONNECTION.fullmatch(text)
    if found is None:
        raise BadBody("A connection line must give an IP address.")
    try:
        address = ipaddress.ip_address(found[1])
    except ValueError:
        raise BadBody("A connection line must give an IP address.") from None
    if address.is_multicast or str(address) == _EVERYBODY:
        raise BadBody("A connection line must give one callee's address, not a group's.")
    return str(address)


def _media(block: list[str], common: _Attributes) -> MediaLine:
    found = _MEDIA.fullmatch(block[0][2:])
    formats = tuple(found[4].split()) if found else ()
    if found is None or int(found[2]) > 65535 or not 0 < len(formats) <= MAX_SDP_FORMATS:  # noqa: PLR2004 - a port
        raise BadBody("A media line must give a kind, a port, a profile and formats.")
    own = _Attributes.read(block)
    host = own.host or common.host
    direction = own.direction or common.direction or Direction.SENDRECV
    return MediaLine(
        kind=found[1].lower(),
        port=int(found[2]),
        profile=found[3],
        formats=formats,
        codecs=_codecs(formats, _rtpmaps(block)),
        host=host,
        direction=_held(direction) if host in _UNSPECIFIED else direction,
        ptime_ms=_ptime(block),
    )


def _held(direction: Direction) -> Direction:
    """Return what 0.0.0.0 makes of a direction: its writer receives nothing (RFC 3264, 8.4)."""
    return Direction.SENDONLY if direction in {Direction.SENDRECV, Direction.SENDONLY} else Direction.INACTIVE


def _rtpmaps(block: list[str]) -> dict[int, Codec | None]:
    """Return what each payload type is said to be; None for a codec or rate that is not ours."""
    maps: dict[int, Codec | None] = {}
    for line in block:
        found = _RTPMAP.fullmatch(line.removeprefix("a=").rstrip()) if line.startswith("a=rtpmap:") else None
        if found:
            ours = int(found[3]) == _CLOCK_HZ and found[4] in {None, "1"}
            maps[int(found[1])] = _BY_NAME.get(found[2].lower()) if ours else None
    return maps


def _codecs(formats: tuple[str, ...], maps: dict[int, Codec | None]) -> tuple[tuple[Codec, int], ...]:
    known: list[tuple[Codec, int]] = []
    for text in formats:
        if _FORMAT.fullmatch(text) is None or int(text) > MAX_PAYLOAD_TYPE:
            continue
        codec = maps.get(int(text), _STATIC.get(int(text)))
        if codec is not None:
            known.append((codec, int(text)))
    return tuple(known)


def _ptime(block: list[str]) -> int | None:
    found = (_PTIME.fullmatch(line[2:].strip()) for line in block if line.startswith("a=ptime:"))
    return next((int(match[1]) for match in found if match and int(match[1])), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMedia:
    """Where and how we take audio: the material of our offers and answers."""

    #: The advertised IP address.
    host: str
    port: int
    #: Names the session in `o=`; any number that is ours for the length of the call.
    session_id: int
    #: Goes up by one with each change of what we say (RFC 3264, 8).
    version: int = 1
    codecs: tuple[Codec, ...] = (Codec.PCMU, Codec.PCMA)
    #: RFC 4733; 101 is what everybody writes, and what SIPp's recordings use.
    event_payload_type: int = 101
    ptime_ms: int = 20

    def changed(self) -> "LocalMedia":
        """Return the same with the next version."""
        return replace(self, version=self.version + 1)


_PAYLOAD_TYPES: Final = {codec: number for number, codec in _STATIC.items()}


def write_offer(local: LocalMedia, direction: Direction = Direction.SENDRECV) -> bytes:
    """Return our offer: every codec, best first, and telephone events."""
    codecs = [(codec, _PAYLOAD_TYPES[codec]) for codec in local.codecs]
    return _write(
        local, [_stream(local, [*codecs, (Codec.TELEPHONE_EVENT, local.event_payload_type)], direction)]
    )


def write_answer(local: LocalMedia, offer: SessionDescription, chosen: "ChosenStream") -> bytes:
    """Return our answer: the chosen stream, and every other one refused by port 0 (RFC 3264, 6)."""
    streams = [
        _stream(local, list(chosen.codecs), chosen.direction)
        if index == chosen.index
        else [f"m={line.kind} 0 {line.profile} {' '.join(line.formats)}"]
        for index, line in enumerate(offer.media)
    ]
    return _write(local, streams)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenStream:
    """Which stream of an offer we take, and how."""

    index: int
    codecs: tuple[tuple[Codec, int], ...]
    #: As we see it.
    direction: Direction


def _stream(local: LocalMedia, codecs: list[tuple[Codec, int]], direction: Direction) -> list[str]:
    types = " ".join(str(payload_type) for _, payload_type in codecs)
    lines = [f"m=audio {local.port} RTP/AVP {types}"]
    lines += [f"a=rtpmap:{payload_type} {codec}/{_CLOCK_HZ}" for codec, payload_type in codecs]
    # 0-15 are the keys (RFC 4733, 7.1.1): we take no flash and no tones.
    lines += [f"a=fmtp:{number} 0-15" for codec, number in codecs if codec is Codec.TELEPHONE_EVENT]
    return [*lines, f"a=ptime:{local.ptime_ms}", f"a={direction}"]


def _write(local: LocalMedia, streams: list[list[str]]) -> bytes:
    family = "IP6" if ":" in local.host else "IP4"
    lines = [
        "v=0",
        f"o=- {local.session_id} {local.version} IN {family} {local.host}",
        "s=-",
        f"c=IN {family} {local.host}",
        "t=0 0",
        *(line for stream in streams for line in stream),
    ]
    return ("\r\n".join(lines) + "\r\n").encode()
