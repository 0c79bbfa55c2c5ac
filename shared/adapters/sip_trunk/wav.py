"""Reads and writes WAV: what prompts come in, and what recordings become.

Written by strangers and by programs that stream (espeak-ng says 2 GiB where it does not know): lengths are believed
only as far as there are bytes.
"""

import struct
from dataclasses import dataclass
from typing import Final

from shared.domain.errors import PacelineError

_CHUNK: Final = struct.Struct("<4sI")
_FORMAT: Final = struct.Struct("<HHIIHH")
#: What the G.711 laws are called in WAV (RFC 2361), and linear samples.
LINEAR: Final = 1
A_LAW: Final = 6
MU_LAW: Final = 7
#: Of the extensible form the first two bytes of the sub-format are one of the above.
_EXTENSIBLE: Final = 0xFFFE
_SUB_FORMAT_AT: Final = 24
#: What a microphone or an editor writes.
_RATES_HZ: Final = range(4000, 192_001)
_MOST_CHANNELS: Final = 8
_MOST_CHUNKS: Final = 64
_SIZES: Final = {(LINEAR, 8), (LINEAR, 16), (LINEAR, 24), (A_LAW, 8), (MU_LAW, 8)}


class UnusableAudio(PacelineError):
    """The audio is in no form that can be played: give WAV in 8, 16 or 24 bits or G.711, or raw µ-law at 8 kHz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A WAV file, taken apart."""

    encoding: int
    channels: int
    rate_hz: int
    bits: int
    data: bytes


def is_wav(body: bytes) -> bool:
    """Whether a file says that it is WAV."""
    return body[:4] == b"RIFF" and body[8:12] == b"WAVE"


def read_wav(body: bytes) -> Wave:
    """Take a WAV file apart; raises UnusableAudio."""
    if not is_wav(body):
        raise UnusableAudio
    form: tuple[int, int, int, int] | None = None
    position = 12
    for _ in range(_MOST_CHUNKS):
        if position + _CHUNK.size > len(body):
            break
        name, size = _CHUNK.unpack_from(body, position)
        start = position + _CHUNK.size
        if name == b"fmt ":
            form = _form(body[start : start + size])
        elif name == b"data" and form is not None:
            return _wave(form, body[start : start + size])
        position = start + size + size % 2
    raise UnusableAudio


def _form(chunk: bytes) -> tuple[int, int, int, int]:
    if len(chunk) < _FORMAT.size:
        raise UnusableAudio
    encoding, channels, rate_hz, _, _, bits = _FORMAT.unpack_from(chunk)
    if encoding == _EXTENSIBLE and len(chunk) >= _SUB_FORMAT_AT + 2:
        encoding = int.from_bytes(chunk[_SUB_FORMAT_AT : _SUB_FORMAT_AT + 2], "little")
    return encoding, channels, rate_hz, bits


def _wave(form: tuple[int, int, int, int], data: bytes) -> Wave:
    encoding, channels, rate_hz, bits = form
    if (encoding, bits) not in _SIZES or not 0 < channels <= _MOST_CHANNELS or rate_hz not in _RATES_HZ:
        raise UnusableAudio
    return Wave(encoding=encoding, channels=channels, rate_hz=rate_hz, bits=bits, data=data)


def write_mu_law_wav(samples: bytes) -> bytes:
    """Return µ-law at 8 kHz as a WAV file."""
    form = _FORMAT.pack(MU_LAW, 1, 8000, 8000, 1, 8) + b"\x00\x00"
    fact = struct.pack("<I", len(samples))
    chunks = b"".join(
        _CHUNK.pack(name, len(chunk)) + chunk + b"\x00" * (len(chunk) % 2)
        for name, chunk in ((b"fmt ", form), (b"fact", fact), (b"data", samples))
    )
    return _CHUNK.pack(b"RIFF", 4 + len(chunks)) + b"WAVE" + chunks
