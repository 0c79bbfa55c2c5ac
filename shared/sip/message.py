"""SIP messages over UDP: bytes in, a frozen Request or Response out, and back (RFC 3261, 7 and 18.3).

Why our own parser: the package `sipmessage` 0.7.1 was measured first. It refuses `qop="auth,auth-int"` (RFC 3261's
own example), folded lines and hosts with an underscore, rewrites a tag that holds `%41`, raises TypeError for a
parameter named `self`, and takes a third of a second for one `tel:` of 4 KB. An engine that must echo what it was
sent, byte for byte, and that strangers can write to, cannot stand on that.

The size is checked before anything is parsed. Headers that every message must have are read at once; the rest
stays text until somebody asks. Header names compare without case; compact forms are known by their long names.
"""

import re
from dataclasses import dataclass, field
from typing import Final, TypedDict

from shared.sip.errors import BadArgument, BadMessage
from shared.sip.grammar import is_token, number, split_list
from shared.sip.headers import CSeq, NameAddr, Via
from shared.sip.limits import MAX_DATAGRAM_BYTES, MAX_HEADER_CHARS, MAX_HEADERS, MAX_LIST
from shared.sip.uri import Uri, parse_uri

#: RFC 3261, 7.3.3, and the extensions that carriers use.
_COMPACT: Final = {
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}
_ONCE: Final = ("from", "to", "call-id", "cseq", "max-forwards", "content-length")
_FOLD: Final = re.compile(r"\r\n[ \t]+")
#: Everything below space but the tab, and DEL: none may stand raw in a header (25.1).
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_STATUS: Final = re.compile(r"[1-6][0-9]{2}")
_CALL_ID: Final = re.compile(r"[^\s,;]{1,256}")

#: Pairs of name and value, in order; names as they are to be written.
HeaderList = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What every message has already read, request or response."""

    #: Topmost first.
    vias: tuple[Via, ...]
    sender: NameAddr
    to: NameAddr
    call_id: str
    cseq: CSeq
    #: Every other header.
    headers: HeaderList = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(_Parts):
    """A request."""

    method: str
    uri: Uri

    def __bytes__(self) -> bytes:
        return _write(f"{self.method} {self.uri} SIP/2.0", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(_Parts):
    """A response."""

    status: int
    reason: str

    def __bytes__(self) -> bytes:
        return _write(f"SIP/2.0 {self.status} {self.reason}", self)


Message = Request | Response


def header_values(message: Message, name: str) -> tuple[str, ...]:
    """Return every value of a header, in order, one per line of the message."""
    wanted = name.lower()
    return tuple(value for key, value in message.headers if key.lower() == wanted)


def header(message: Message, name: str) -> str | None:
    """Return the first value of a header, None where it is absent."""
    return next(iter(header_values(message, name)), None)


def header_list(message: Message, name: str) -> tuple[str, ...]:
    """Return the entries of a comma-separated header; raises BadMessage."""
    entries = (entry for value in header_values(message, name) for entry in split_list(value, ","))
    return tuple(entry for entry in entries if entry)


def option_tags(message: Message, name: str) -> frozenset[str]:
    """Return the tokens of Supported, Require or Allow, in lower case; raises BadMessage."""
    return frozenset(entry.lower() for entry in header_list(message, name))


def _write(first_line: str, message: Message) -> bytes:
    """Serialise; Content-Length is always ours (20.14)."""
    lines = [
        first_line,
        *(f"Via: {via}" for via in message.vias),
        f"From: {message.sender}",
        f"To: {message.to}",
        f"Call-ID: {message.call_id}",
        f"CSeq: {message.cseq}",
        *(f"{name}: {value}" for name, value in message.headers),
        f"Content-Length: {len(message.body)}",
    ]
    if _CONTROL.search("".join(lines)):
        raise BadArgument("A header must not hold a line break or another control character.")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + message.body


@dataclass(slots=True)
class _Fields:
    """The header lines of one message, by lower-case name, while it is being read."""

    by_name: dict[str, list[str]] = field(default_factory=dict)
    rest: list[tuple[str, str]] = field(default_factory=list)

    def one(self, name: str) -> str:
        """Return the only value; raises BadMessage where there is none."""
        values = self.by_name.get(name)
        if not values:
            raise BadMessage(f"The header {name} is missing.")
        return values[0]


def parse_message(datagram: bytes) -> Message:
    """Read one datagram; raises BadMessage."""
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise BadMessage(f"A message must be at most {MAX_DATAGRAM_BYTES} bytes.", status=513)
    head, blank, body = datagram.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not blank:
        raise BadMessage("The headers do not end with an empty line.")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        raise BadMessage("The headers are not UTF-8.") from None
    first_line, _, lines = text.partition("\r\n")
    fields = _fields(_FOLD.sub(" ", lines))
    return _message(first_line, fields, _body(fields, body))


def _fields(text: str) -> _Fields:
    lines = text.split("\r\n") if text else []
    if len(lines) > MAX_HEADERS:
        raise BadMessage(f"A message must have at most {MAX_HEADERS} headers.")
    fields = _Fields()
    # Of all lines at once: beginning a search costs more than what it reads.
    broken = _CONTROL.search("".join(lines)) is not None
    for line in lines:
        name, colon, value = line.partition(":")
        key, title = _NAMES.get(name) or _read_name(name)
        value = value.strip(" \t")
        if broken or not colon or len(value) > MAX_HEADER_CHARS:
            raise BadMessage(_BAD_LINE)
        fields.by_name.setdefault(key, []).append(value)
        if key not in _READ:
            fields.rest.append((title, value))
    for name in _ONCE:
        if len(fields.by_name.get(name, ())) > 1:
            raise BadMessage(f"The header {name} must occur once.")
    return fields


def _read_name(name: str) -> tuple[str, str]:
    """Return a header's name as it is compared, and as it is written; raises BadMessage."""
    name = name.rstrip(" \t")
    if not is_token(name):
        raise BadMessage(_BAD_LINE)
    key = _COMPACT.get(name.lower(), name.lower())
    return key, _PRETTY.get(key, name)


_BAD_LINE: Final = "A header line has no proper name, is too long, or holds a control character."
#: Headers that become fields of the message; the others are kept as text.
_READ: Final = frozenset({"via", "from", "to", "call-id", "cseq", "content-length"})
#: Long names for what came in compact form, so that it is found under one name.
_PRETTY: Final = {long: "-".join(word.capitalize() for word in long.split("-")) for long in _COMPACT.values()}
#: What nearly every line of nearly every message is named, as it is nearly always written.
_NAMES: Final = {
    name: _read_name(name)
    for name in (
        "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Route", "Record-Route", "Allow",
        "Supported", "Require", "Server", "User-Agent", "Session-Expires", "Reason", "Content-Type", "Content-Length",
    )
}  # fmt: skip


def _body(fields: _Fields, body: bytes) -> bytes:
    """Cut the body at Content-Length; what follows on UDP is dropped (18.3)."""
    if "content-length" not in fields.by_name:
        return body
    length = number(fields.one("content-length"), most=MAX_DATAGRAM_BYTES, what="Content-Length")
    if length > len(body):
        raise BadMessage("The body is shorter than Content-Length says.")
    return body[:length]


def _message(first_line: str, fields: _Fields, body: bytes) -> Message:
    if "max-forwards" in fields.by_name:
        number(fields.one("max-forwards"), most=255, what="Max-Forwards")
    vias = [part for value in fields.by_name.get("via", ()) for part in split_list(value, ",")]
    if not 0 < len(vias) <= MAX_LIST:
        raise BadMessage(f"A message must have 1 to {MAX_LIST} Vias.")
    shared = _Shared(
        vias=tuple(map(Via.parse, vias)),
        sender=NameAddr.parse(fields.one("from")),
        to=NameAddr.parse(fields.one("to")),
        call_id=_call_id(fields.one("call-id")),
        cseq=CSeq.parse(fields.one("cseq")),
        headers=tuple(fields.rest),
        body=body,
    )
    if first_line.startswith("SIP/"):
        return _response(first_line, shared)
    return _request(first_line, shared)


class _Shared(TypedDict):
    """The fields that requests and responses have in common."""

    vias: tuple[Via, ...]
    sender: NameAddr
    to: NameAddr
    call_id: str
    cseq: CSeq
    headers: HeaderList
    body: bytes


def _call_id(text: str) -> str:
    if _CALL_ID.fullmatch(text) is None:
        raise BadMessage("A Call-ID must be one word.")
    return text


def _response(first_line: str, shared: _Shared) -> Response:
    version, _, rest = first_line.partition(" ")
    status, _, reason = rest.partition(" ")
    if version != "SIP/2.0" or _STATUS.fullmatch(status) is None or _CONTROL.search(reason):
        raise BadMessage("A status line must be SIP/2.0, a status from 100 to 699 and a reason.")
    return Response(status=int(status), reason=reason, **shared)


def _request(first_line: str, shared: _Shared) -> Request:
    parts = first_line.split(" ")
    if len(parts) != 3 or not is_token(parts[0]):  # noqa: PLR2004 - method, URI, version
        raise BadMessage("A request line must be a method, a URI and a version, with one space between.")
    method, uri, version = parts
    if version != "SIP/2.0":
        raise BadMessage("Only SIP/2.0 is spoken here.", status=505 if version.startswith("SIP/") else 400)
    if method != shared["cseq"].method:
        raise BadMessage("The method of CSeq is not that of the request.")
    return Request(method=method, uri=parse_uri(uri), **shared)
