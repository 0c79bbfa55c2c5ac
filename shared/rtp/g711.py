"""G.711 (ITU-T, 1988) by look-up: µ-law and A-law to 16-bit linear and back.

Decoding is a table of 256; encoding one of 65,536 bytes, made once from the segments of the Recommendation. A frame of
160 samples is then one `bytes.translate` or one pass of `map`, without a package that must be compiled.
"""

import array
import sys
from dataclasses import dataclass
from typing import Final

#: µ-law: the offset that makes the segments powers of two, and the largest 14-bit value, scaled to 16 bits.
_BIAS: Final = 0x84
_MU_CLIP: Final = 32635
_A_CLIP: Final = 32767
SILENCE_PCMU: Final = 0xFF
SILENCE_PCMA: Final = 0xD5


def _decode_mu(byte: int) -> int:
    value = ~byte & 0xFF
    magnitude = (((value & 0x0F) << 3) + _BIAS << (value >> 4 & 0x07)) - _BIAS
    return -magnitude if value & 0x80 else magnitude


def _decode_a(byte: int) -> int:
    value = byte ^ 0x55
    segment, step = value >> 4 & 0x07, (value & 0x0F) << 4
    magnitude = step + 8 if segment == 0 else step + 0x108 << segment - 1
    return magnitude if value & 0x80 else -magnitude


def _encode_mu(sample: int) -> int:
    magnitude = min(abs(sample), _MU_CLIP) + _BIAS
    segment = magnitude.bit_length() - 8
    value = segment << 4 | magnitude >> segment + 3 & 0x0F
    return ~(value | (0x80 if sample < 0 else 0)) & 0xFF


def _encode_a(sample: int) -> int:
    # Negative numbers are folded by complement, so that -1 lies in the first step below zero (G.711, table 1b).
    magnitude = min(sample if sample >= 0 else ~sample, _A_CLIP)
    segment = max(magnitude.bit_length() - 8, 0)
    step = magnitude >> (segment + 3 if segment else 4) & 0x0F
    return (segment << 4 | step | (0x80 if sample >= 0 else 0)) ^ 0x55


@dataclass(frozen=True, slots=True)
class Law:
    """One of G.711's two laws."""

    name: str
    #: Linear value of each byte, -32768 to 32767.
    linear: tuple[int, ...]
    #: Byte of each linear value, from 0 to 32767 and then from -32768 to -1.
    coded: bytes
    silence: int

    def decode(self, payload: bytes) -> bytes:
        """Return 16-bit little-endian samples."""
        samples = array.array("h", map(self.linear.__getitem__, payload))
        if sys.byteorder == "big":
            samples.byteswap()
        return samples.tobytes()

    def encode(self, pcm: bytes) -> bytes:
        """Return coded samples of 16-bit little-endian ones; a half sample at the end is left out."""
        samples = array.array("h")
        samples.frombytes(pcm[: len(pcm) & ~1])
        if sys.byteorder == "big":
            samples.byteswap()
        return bytes(
            map(self.coded.__getitem__, samples)
        )  # a negative index counts from the end, as it should


PCMU: Final = Law(
    "PCMU",
    tuple(map(_decode_mu, range(256))),
    bytes(map(_encode_mu, (*range(32768), *range(-32768, 0)))),
    SILENCE_PCMU,
)
PCMA: Final = Law(
    "PCMA",
    tuple(map(_decode_a, range(256))),
    bytes(map(_encode_a, (*range(32768), *range(-32768, 0)))),
    SILENCE_PCMA,
)
_MU_TO_A: Final = bytes(PCMA.coded[value] for value in PCMU.linear)
_A_TO_MU: Final = bytes(PCMU.coded[value] for value in PCMA.linear)


def mu_to_a(payload: bytes) -> bytes:
    """Return µ-law as A-law."""
    return payload.translate(_MU_TO_A)


def a_to_mu(payload: bytes) -> bytes:
    """Return A-law as µ-law."""
    return payload.translate(_A_TO_MU)
