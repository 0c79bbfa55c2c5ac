"""What passes between the pool and an interpreter process: a length, then JSON.

A frame is its length in four bytes, big-endian, and that many bytes of JSON. The pool asks and the process
answers, strictly in order:

    {"id": 7, "do": "open", "session": 3, "start": {...}}     a Start of the session's codec
    {"id": 8, "do": "begin", "session": 3}
    {"id": 9, "do": "handle", "session": 3, "event": {...}}
    {"id": 10, "do": "close", "session": 3}

    {"id": 9, "effects": [{...}, ...], "spent_ms": 1.5}       processor time, for `allowance.py`
    {"id": 9, "error": "unknown_session", "message": "..."}   see `Refusal`

The first frame of all comes from the process, `{"id": 0}`, when it is ready. An answer to something that is
not even a request has the id null. Nothing in here is meant to outlive the two
processes, which always run the same release.
"""

import struct
from enum import StrEnum
from typing import Any

import orjson

#: One document of 2 MiB becomes 2.7 MiB of base64; a form and a header come on top.
MAX_FRAME_BYTES = 8 * 1024 * 1024

_LENGTH = struct.Struct(">I")

LENGTH_BYTES = _LENGTH.size


class Refusal(StrEnum):
    """Why the process did not do what it was asked."""

    #: The frame is not a request of this protocol.
    BAD_REQUEST = "bad_request"
    #: There is no such session, or it has ended.
    UNKNOWN_SESSION = "unknown_session"
    #: The session failed through a fault of ours; it is gone.
    SESSION_FAILED = "session_failed"


class FrameError(Exception):
    """The other side does not speak this protocol."""


def frame(content: object) -> bytes:
    """Make a frame; raises FrameError if it is longer than the other side takes."""
    payload = orjson.dumps(content)
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError(f"A frame of {len(payload)} bytes is longer than {MAX_FRAME_BYTES}.")
    return _LENGTH.pack(len(payload)) + payload


def payload_length(head: bytes) -> int:
    """Read a frame's length; raises FrameError if it is more than is ever sent."""
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"A frame of {length} bytes is longer than {MAX_FRAME_BYTES}; this is no frame.")
    return int(length)


def content(payload: bytes) -> dict[str, Any]:
    """Read a frame's content; raises FrameError if it is not a JSON object."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise FrameError(f"A frame does not hold JSON: {error}.") from None
    if not isinstance(value, dict):
        raise FrameError("A frame does not hold a JSON object.")
    return value
