"""The parameters of a request, whatever the client sent them as.

The published documents show form parts under `Content-Type: application/json` (PLUM-07), call any content type
good (PLUM-08), and put raw JSON into query strings (PLUM-28); `curl -d '{...}'` calls its JSON a form. So the
first bytes of the body say what it is, and the header only where they leave it open:

    {  or  [                              JSON
    --boundary CRLF Content-              multipart, by this boundary
    anything, under multipart/...         multipart, by the header's boundary
    name=                                 a form
    anything else                         what the header says, if it says form or JSON

None of these can begin like another. Query and body are both read; the body wins where both have a name.

A compressed body is refused: the server's reader does not notice where one is cut short, and no client of the
three APIs sends one.

Everything is bounded: the fields together, the file, the parts, and the time that we wait for bytes. A file is
never held: its bytes go to `on_file` as they arrive, which may be before the fields that say what it is for.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote_to_bytes

from aiohttp import web

from services.api import strict_json
from services.api.body_errors import BodyTooLarge, BodyTooSlow, UnreadableBody, UnsupportedBody
from services.api.body_fingerprint import FINGERPRINT, BodyFingerprint
from services.api.body_source import WAIT_SECONDS, BodySource, too_long
from services.api.header_values import HeaderValue, header_value
from services.api.multipart_body import (
    MAX_PARTS,
    OPENING_BYTES,
    Event,
    MultipartParser,
    PartBegun,
    PartData,
    check_charset,
    is_boundary,
    opening_boundary,
)
from services.api.request_fields import Fields, written_fields

__all__ = [
    "BodyLimits",
    "BodyTooLarge",
    "BodyTooSlow",
    "Fields",
    "FilePart",
    "OnFile",
    "UnreadableBody",
    "UnsupportedBody",
    "read_body",
    "read_fields",
]

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_FORM = re.compile(rb"[A-Za-z_][A-Za-z0-9_.%\[\]-]*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """What one request may cost."""

    #: All fields together, names and values; a JSON body. A thousand times the documented examples.
    field_bytes: int = 1024 * 1024
    #: All files together.
    file_bytes: int = 64 * 1024 * 1024
    wait_seconds: float = WAIT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A file on its way in."""

    name: str
    #: For show only: the last component of what the client called it.
    file_name: str
    content_type: str
    #: The bytes as they arrive, to be read before `on_file` returns; what it leaves is dropped.
    #: May raise UnreadableBody, BodyTooLarge or BodyTooSlow.
    chunks: AsyncIterator[bytes]


OnFile = Callable[[FilePart], Awaitable[None]]


async def read_body(
    request: web.BaseRequest,
    *,
    limits: BodyLimits,
    on_file: OnFile | None = None,
    separators: str = "&",
) -> Fields:
    """Read query and body of a request; each file is handed to `on_file`, or refused where that is None.

    `separators` holds the characters that part the pairs of a query or form; one of the dialects adds `;`.
    Raises UnreadableBody, BodyTooLarge, BodyTooSlow, and whatever `on_file` raises.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedBody("The body is compressed; send it as it is.")
    query = _pairs(request.rel_url.raw_query_string.encode("utf-8", "surrogateescape"), separators)
    fingerprint = request.get(FINGERPRINT)
    if fingerprint is not None:
        fingerprint.begin()
    source = BodySource(request, limits.wait_seconds)
    body = await _read(source, _declared(request), limits, on_file, separators, fingerprint)
    if fingerprint is not None:
        fingerprint.end()
    return body.over(query)


async def read_fields(request: web.BaseRequest, *, separators: str = "&") -> Fields:
    """Read query and body of a request that takes no file."""
    return await read_body(request, limits=BodyLimits(), separators=separators)


def _declared(request: web.BaseRequest) -> HeaderValue:
    """Return the Content-Type; one that is not well-formed says as little as none."""
    return header_value(request.headers.get("Content-Type", "")) or HeaderValue("", {})


async def _read(
    source: BodySource,
    declared: HeaderValue,
    limits: BodyLimits,
    on_file: OnFile | None,
    separators: str,
    fingerprint: BodyFingerprint | None,
) -> Fields:
    head = await source.peek(OPENING_BYTES)
    if head.startswith(_MARKS):
        raise UnreadableBody("The body begins with a byte order mark; send UTF-8 without one.")
    check_charset(declared, "body")
    start = head.lstrip(b" \t\r\n")
    if start.startswith((b"{", b"[")):
        return _json_fields(await _whole(source, limits, fingerprint))
    boundary = _boundary(declared, head)
    if boundary is not None:
        return await _Multipart(source, boundary, limits, on_file, fingerprint).fields()
    body = await _whole(source, limits, fingerprint)
    if not body.strip():
        return Fields({})
    if declared.value == "application/x-www-form-urlencoded" or _FORM.match(start):
        return _pairs(body, separators)
    return _json_fields_if(declared, body)


async def _whole(source: BodySource, limits: BodyLimits, fingerprint: BodyFingerprint | None) -> bytes:
    """Return a body that is no more than fields."""
    body = await source.all(limits.field_bytes)
    if fingerprint is not None:
        fingerprint.data(body)
    return body


def _boundary(declared: HeaderValue, head: bytes) -> str | None:
    """Return the boundary of a multipart body, None where it is none."""
    if not declared.value.startswith("multipart/"):
        return opening_boundary(head)
    boundary = declared.parameters.get("boundary") or opening_boundary(head)
    if boundary is None or not is_boundary(boundary):
        raise UnreadableBody("The multipart body has no boundary, in its Content-Type or at its beginning.")
    return boundary


def _json_fields_if(declared: HeaderValue, body: bytes) -> Fields:
    """Read as JSON what is declared as such, for the sake of the sentence."""
    if "json" not in declared.value:
        raise UnsupportedBody(
            "The body is neither a form nor a multipart form nor a JSON object: send parameters as one of these, and a "
            "phone list as the file phone_numbers of a multipart form."
        )
    return _json_fields(body)


def _json_fields(body: bytes) -> Fields:
    try:
        value = strict_json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise UnreadableBody("The JSON body is not UTF-8; send it as UTF-8.") from None
    except strict_json.MalformedJson as error:
        raise UnreadableBody(error.message) from None
    if not isinstance(value, dict):
        raise UnreadableBody("The JSON body must be an object that holds the parameters by name.")
    return Fields(value)


def _pairs(data: bytes, separators: str) -> Fields:
    """Read a form or query: `+` is a space, `%2B` a plus, and what has no `=` is a name without value."""
    texts = re.split(f"[{re.escape(separators)}]".encode(), data, maxsplit=MAX_PARTS)
    if len(texts) > MAX_PARTS:
        raise BodyTooLarge(f"The request has more than {MAX_PARTS} parameters.")
    pairs = (text.partition(b"=") for text in texts if text)
    return written_fields((_decoded(name), _decoded(value)) for name, _, value in pairs)


def _decoded(data: bytes) -> str:
    return _text_of(unquote_to_bytes(data.replace(b"+", b" ")))


def _text_of(data: bytes) -> str:
    """Return a field's text, or raise UnreadableBody where it is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableBody("A parameter is not UTF-8; send it as UTF-8.") from None
    if "\0" in text:
        raise UnreadableBody("A parameter holds a NUL character; take it out.")
    return text


class _Multipart:
    """Reads a multipart body: fields are kept, files are handed on."""

    def __init__(
        self,
        source: BodySource,
        boundary: str,
        limits: BodyLimits,
        on_file: OnFile | None,
        fingerprint: BodyFingerprint | None,
    ) -> None:
        self._source = source
        self._fingerprint = fingerprint
        self._parser = MultipartParser(boundary)
        self._events: list[Event] = []  # the next one last
        self._ended = False
        self._limits = limits
        self._on_file = on_file
        self._field_bytes = 0
        self._file_bytes = 0

    async def fields(self) -> Fields:
        """Read the body to its end."""
        pairs = []
        while (event := await self._next()) is not None:
            if not isinstance(event, PartBegun):
                continue
            if event.file_name:
                await self._hand_on(event, event.file_name)
                continue
            text = await self._text(event.name)
            if event.file_name is None or text:  # a form's file that was left out is an empty part
                pairs.append((event.name, text))
        return written_fields(pairs)

    async def _next(self) -> Event | None:
        while not self._events and not self._ended:
            data = await self._source.read()
            if data:
                self._events = self._parser.feed(data)[::-1]
            else:
                self._parser.finish()
                self._ended = True
        event = self._events.pop() if self._events else None
        if self._fingerprint is not None and event is not None:
            _note(self._fingerprint, event)
        return event

    async def _text(self, name: str) -> str:
        """Return the text of the field that has begun."""
        chunks = []
        self._count_field(len(name.encode()))
        while isinstance(event := await self._next(), PartData):
            self._count_field(len(event.data))
            chunks.append(event.data)
        return _text_of(b"".join(chunks))

    def _count_field(self, size: int) -> None:
        self._field_bytes += size
        if self._field_bytes > self._limits.field_bytes:
            raise BodyTooLarge(too_long(self._limits.field_bytes))

    async def _hand_on(self, part: PartBegun, file_name: str) -> None:
        if self._on_file is None:
            raise UnreadableBody(f"This request takes no file, and {part.name} is one.")
        chunks = _FileChunks(self)
        await self._on_file(
            FilePart(name=part.name, file_name=file_name, content_type=part.content_type, chunks=chunks)
        )
        async for _ in chunks:  # what it left unread
            pass

    async def next_of_file(self) -> bytes | None:
        """Return the next bytes of the file that has begun, None at its end."""
        event = await self._next()
        if not isinstance(event, PartData):
            return None
        self._file_bytes += len(event.data)
        if self._file_bytes > self._limits.file_bytes:
            raise BodyTooLarge(f"A request's file has at most {self._limits.file_bytes} bytes.")
        return event.data


def _note(fingerprint: BodyFingerprint, event: Event) -> None:
    if isinstance(event, PartBegun):
        fingerprint.part(event.name, event.file_name)
    elif isinstance(event, PartData):
        fingerprint.data(event.data)


class _FileChunks:
    """The bytes of one file as they arrive.

    No generator: one that was closed or had raised would end quietly, and half a file would pass for a whole.
    """

    def __init__(self, body: _Multipart) -> None:
        self._body = body
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        data = None if self._ended else await self._body.next_of_file()
        if data is None:
            self._ended = True
            raise StopAsyncIteration
        return data
