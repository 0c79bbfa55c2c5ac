"""Any sound as telephones carry it: one channel of µ-law at 8 kHz.

Runs in the process that makes prompts and nowhere else: a second of sound takes some 20 ms of Python.

The rate is changed by a windowed sinc, one set of coefficients per phase (polyphase), that lets pass what a telephone
carries and stops what would fold back into it.
"""

import array
import math
import sys
from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from typing import Final

from shared.adapters.sip_trunk.wav import A_LAW, MU_LAW, UnusableAudio, Wave, is_wav, read_wav
from shared.rtp.g711 import PCMA, PCMU

RATE_HZ: Final = 8000
#: Zero crossings of the filter on each side: enough for G.711, whose own noise lies 38 dB below the sound.
_CROSSINGS: Final = 8
#: Pass up to this share of half the lower rate, so that the filter's slope ends where folding would begin.
_PASS: Final = 0.9
#: A rate with a strange ratio to ours would need a table per sample.
_MOST_PHASES: Final = 2000
#: Ten minutes: who plays more than that down a telephone has made a mistake.
LONGEST_SECONDS: Final = 600


def telephone_sound(body: bytes, *, raw: bool) -> bytes:
    """Return a WAV file, or raw µ-law where that is allowed, as µ-law; raises UnusableAudio."""
    if is_wav(body):
        return from_wave(read_wav(body))
    if raw:
        return body[: LONGEST_SECONDS * RATE_HZ]
    raise UnusableAudio


def from_wave(wave: Wave) -> bytes:
    """Return a sound as µ-law at 8 kHz; raises UnusableAudio."""
    if wave.encoding == MU_LAW and wave.channels == 1 and wave.rate_hz == RATE_HZ:
        return wave.data[: LONGEST_SECONDS * RATE_HZ]
    samples = _mono(_linear(wave), wave.channels)[: LONGEST_SECONDS * wave.rate_hz]
    return PCMU.encode(_as_bytes(resample(samples, wave.rate_hz)))


def _linear(wave: Wave) -> Sequence[int]:
    """Return the samples of all channels, -32768 to 32767."""
    if wave.encoding in {MU_LAW, A_LAW}:
        law = PCMU if wave.encoding == MU_LAW else PCMA
        return [law.linear[byte] for byte in wave.data]
    if wave.bits == 8:  # noqa: PLR2004 - unsigned in WAV, alone of all sizes
        return [(byte - 128) << 8 for byte in wave.data]
    data = wave.data
    if wave.bits == 24:  # noqa: PLR2004 - of three bytes the upper two
        whole = len(data) - len(data) % 3
        data = b"".join(data[index + 1 : index + 3] for index in range(0, whole, 3))
    samples = array.array("h", data[: len(data) & ~1])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _mono(samples: Sequence[int], channels: int) -> Sequence[int]:
    if channels == 1:
        return samples
    whole = len(samples) - len(samples) % channels
    return [sum(samples[index : index + channels]) // channels for index in range(0, whole, channels)]


def resample(samples: Sequence[int], rate_hz: int) -> Sequence[int]:
    """Return the samples at 8 kHz; raises UnusableAudio for a rate that has no simple ratio to it."""
    if rate_hz == RATE_HZ:
        return samples
    shared = math.gcd(rate_hz, RATE_HZ)
    phases, step = RATE_HZ // shared, rate_hz // shared
    if phases > _MOST_PHASES:
        raise UnusableAudio
    table = _filters(phases, step)
    half = len(table[0]) // 2
    padded = [0] * half + list(samples) + [0] * half
    out = []
    for index in range(len(samples) * phases // step):
        position, phase = divmod(index * step, phases)
        value = sum(map(mul, table[phase], padded[position + 1 : position + 1 + 2 * half]))
        out.append(max(-32768, min(32767, round(value))))
    return out


@lru_cache(maxsize=4)
def _filters(phases: int, step: int) -> list[list[float]]:
    """Return the coefficients of each phase, over the samples around its position."""
    # In units of input samples: the lower of both rates decides what may pass.
    cut = _PASS * min(1.0, phases / step)
    half = math.ceil(_CROSSINGS / cut)
    return [
        _normal([_tap(k - half + 1 - phase / phases, cut, half) for k in range(2 * half)])
        for phase in range(phases)
    ]


def _tap(distance: float, cut: float, half: int) -> float:
    if abs(distance) >= half:
        return 0.0
    window = 0.5 + 0.5 * math.cos(math.pi * distance / half)
    angle = math.pi * cut * distance
    return window * (math.sin(angle) / angle if angle else 1.0)


def _normal(taps: list[float]) -> list[float]:
    """Return the taps so that they keep the loudness."""
    total = sum(taps)
    return [tap / total for tap in taps]


def _as_bytes(samples: Sequence[int]) -> bytes:
    pcm = array.array("h", samples)
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm.tobytes()
