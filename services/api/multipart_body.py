"""Multipart bodies (RFC 2046 section 5.1, RFC 7578), bytes in, events out.

Our own engine, since what is read here lies: the documented curl sends `Content-Type: application/json` and
parts with `Content-Disposition: attachment`, and a ready-made reader finds no field in that. It touches no
socket, holds at most one header block or one delimiter's length back, and refuses whatever is not exactly a
multipart, so that no part is read differently here than by whoever logs or filters the same bytes.

    preamble -> --boundary CRLF -> headers -> content -> CRLF --boundary CRLF -> ... -> CRLF --boundary-- epilogue
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import unquote

from services.api.body_errors import BodyTooLarge, UnreadableBody
from services.api.header_values import HeaderValue, header_value

MAX_PARTS: Final = 1_000  # as aiohttp and PHP
MAX_PART_HEADER_BYTES: Final = 8 * 1024  # as aiohttp allows a request's header line
MAX_AROUND_BYTES: Final = 64 * 1024  # before the first and after the last part nothing is to be read
MAX_NAME_CHARS: Final = 256
MAX_FILE_NAME_CHARS: Final = 255  # what file systems take; it is shown, never opened

_BOUNDARY_CHARS = r"-0-9A-Za-z'()+_,./:=?"  # RFC 2046 section 5.1.1
_BOUNDARY = re.compile(rf"[{_BOUNDARY_CHARS} ]{{0,69}}[{_BOUNDARY_CHARS}]")
_OPENING = re.compile(rf"--([{_BOUNDARY_CHARS} ]{{0,69}}[{_BOUNDARY_CHARS}])\r\n(?i:content-)".encode())
#: So many first bytes of a body tell whether it is a multipart: the longest opening that is looked for.
OPENING_BYTES: Final = len("--") + 70 + len("\r\nContent-")
_MAX_PADDING_BYTES = 64  # RFC 2046 allows blanks after a boundary; nobody sends any
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_IDENTITIES = frozenset({"7bit", "8bit", "binary"})  # RFC 2045 section 6.2: the bytes as they are
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.1
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_ESCAPED = re.compile("[\ud800-\udfff]")  # bytes of a header that are not UTF-8


class PartBegun(NamedTuple):
    """A part's headers are read."""

    name: str
    #: The last component of the name that was sent; '' where a form's file was left out; None for a field.
    file_name: str | None
    #: In lower case and without parameters; '' where the part has none.
    content_type: str


class PartData(NamedTuple):
    """Some bytes of the part that has begun."""

    data: bytes


class PartEnded(NamedTuple):
    """The part that has begun is complete."""


Event = PartBegun | PartData | PartEnded


def is_boundary(text: str) -> bool:
    """Say whether a text may be a boundary."""
    return _BOUNDARY.fullmatch(text) is not None


def opening_boundary(head: bytes) -> str | None:
    """Return the boundary that a body opens with, told by its first OPENING_BYTES, or None."""
    match = _OPENING.match(head)
    return match[1].decode("ascii") if match else None


class MultipartParser:
    """Cuts a multipart body into parts as its bytes arrive.

    `feed` and `finish` raise UnreadableBody or BodyTooLarge; after that the parser is spent.
    """

    def __init__(self, boundary: str) -> None:
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        #: Before the first delimiter there may be nothing, not even the line end that belongs to it.
        self._buffer = bytearray(b"\r\n")
        self._events: list[Event] = []
        self._parts = 0
        self._around_bytes = 0
        #: What reads next; returns False where it needs more bytes.
        self._step: Callable[[], bool] = self._preamble
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """Return what these bytes complete."""
        self._buffer += data
        while self._step():
            pass
        events, self._events = self._events, []
        return events

    def finish(self) -> None:
        """Check that the body that ends here is complete."""
        if not self._done:
            raise UnreadableBody("The multipart body ends before its closing boundary.")

    def _preamble(self) -> bool:
        if self._skip_to_delimiter():
            self._step = self._after_delimiter
            return True
        return False

    def _skip_to_delimiter(self) -> bool:
        """Drop bytes up to and with the next delimiter; say whether it was there."""
        at = self._buffer.find(self._delimiter)
        dropped = at if at >= 0 else max(0, len(self._buffer) - len(self._delimiter) + 1)
        self._around_bytes += dropped
        if self._around_bytes > MAX_AROUND_BYTES:
            raise UnreadableBody("The multipart body does not begin with its boundary.")
        del self._buffer[: dropped + (len(self._delimiter) if at >= 0 else 0)]
        return at >= 0

    def _after_delimiter(self) -> bool:
        if len(self._buffer) < len("--"):
            return False
        if self._buffer.startswith(b"--"):
            self._done = True
            self._step = self._epilogue
            return True
        end = self._buffer.find(b"\r\n", 0, _MAX_PADDING_BYTES)
        padding = self._buffer[: end if end >= 0 else -1]  # a CR whose LF has not come may be the last byte
        if padding.strip(b" \t") or len(padding) >= _MAX_PADDING_BYTES:
            raise UnreadableBody("A boundary of the multipart body is not followed by a line end.")
        if end < 0:
            return False
        del self._buffer[:end]
        self._step = self._headers
        return True

    def _headers(self) -> bool:
        """Read a header block; the line end of the delimiter stands before it, so that none may be empty."""
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_PART_HEADER_BYTES)
        if end < 0:
            if len(self._buffer) >= MAX_PART_HEADER_BYTES:
                raise BodyTooLarge("The headers of a part of the multipart body are too long.")
            return False
        lines = bytes(self._buffer[:end]).split(b"\r\n")[1:]
        del self._buffer[: end + len(b"\r\n\r\n")]
        self._begin(lines)
        self._step = self._content
        return True

    def _begin(self, lines: list[bytes]) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BodyTooLarge(f"The multipart body has more than {MAX_PARTS} parts.")
        self._events.append(_part_of(_header_fields(lines)))

    def _content(self) -> bool:
        at = self._buffer.find(self._delimiter)
        ready = at if at >= 0 else max(0, len(self._buffer) - len(self._delimiter) + 1)
        if ready:
            self._events.append(PartData(bytes(self._buffer[:ready])))
        if at < 0:
            del self._buffer[:ready]
            return False
        del self._buffer[: at + len(self._delimiter)]
        self._events.append(PartEnded())
        self._step = self._after_delimiter
        return True

    def _epilogue(self) -> bool:
        self._around_bytes += len(self._buffer)
        self._buffer.clear()
        if self._around_bytes > MAX_AROUND_BYTES:
            raise UnreadableBody("The multipart body goes on after its closing boundary.")
        return False


def _header_fields(lines: list[bytes]) -> dict[str, str]:
    """Return the headers of a part by their names in lower case."""
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("utf-8", "surrogateescape").partition(":")
        if not colon or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise UnreadableBody("A part of the multipart body has a header that is none.")
        if name.lower() in fields:
            raise UnreadableBody(f"A part of the multipart body has two headers {name}.")
        fields[name.lower()] = value.strip(" \t")
    return fields


def _part_of(headers: dict[str, str]) -> PartBegun:
    """Read a part's headers; the disposition may call itself form-data or attachment, what counts is the name."""
    disposition = header_value(headers.get("content-disposition", ""))
    name = disposition.parameters.get("name", "") if disposition else ""
    if disposition is None or not 0 < len(name) <= MAX_NAME_CHARS or _ESCAPED.search(name):
        raise UnreadableBody(
            f'Each part needs `Content-Disposition: form-data; name="..."`, with at most {MAX_NAME_CHARS} '
            "characters of UTF-8 in the name."
        )
    if headers.get("content-transfer-encoding", "binary").lower() not in _IDENTITIES:
        raise UnreadableBody(f"The part {name} has a transfer encoding; send its bytes as they are.")
    content_type = header_value(headers.get("content-type", ""))
    check_charset(content_type, f"part {name}")
    return PartBegun(name, _file_name(disposition), content_type.value if content_type else "")


def check_charset(content_type: HeaderValue | None, what: str) -> None:
    """Raise UnreadableBody where a content type names another encoding than UTF-8."""
    charset = content_type.parameters.get("charset", "utf-8") if content_type else "utf-8"
    if charset.lower() not in _UTF8:
        raise UnreadableBody(f"The {what} is not in UTF-8, by its own charset; send UTF-8.")


def _file_name(disposition: HeaderValue) -> str | None:
    """Return the last component of the file's name, fit to be shown; it is never opened."""
    name = disposition.parameters.get("filename")
    if name is None and "filename*" in disposition.parameters:  # RFC 8187: UTF-8'en'...
        name = unquote(disposition.parameters["filename*"].rpartition("'")[2])
    if not name:
        return name
    last = _CONTROL.sub("", re.split(r"[/\\]", name)[-1])
    return _ESCAPED.sub("\N{REPLACEMENT CHARACTER}", last)[:MAX_FILE_NAME_CHARS] or "unnamed"
