"""Call analysis: who answered, judged by how the first seconds sound.

A person says a word or two and waits; a machine reads out a greeting; a fax beeps. The voice is judged by its energy
alone, frame by frame, in the manner of every answering-machine detector: a first spurt of talk that goes on for long is
a greeting, one that is followed by a wait is a person, and so is a callee who says nothing (who is told to be a person
until proven a machine: a person who is taken for a machine is hung up on). A fax announces itself by 1100 Hz for half a
second (ITU-T T.30, 4.2, CNG) or answers with 2100 Hz (CED), and is looked for first, since its tone is loud and long.

How often this errs with real callees cannot be said from a laboratory: the times are those that the detectors in
common use have by default.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

from shared.domain.disposition import CalleeType
from shared.rtp.g711 import PCMU

_FRAME_MS: Final = 20
#: Mean square above which a frame is talk: about -36 dBm0, above line noise and below a soft voice.
_LOUD: Final = (32768 * 10 ** (-36 / 20)) ** 2
#: Talk for so long without a pause is a greeting.
_GREETING_MS: Final = 1500
#: After talk, a wait of so long is that of a person who wants an answer.
_WAIT_MS: Final = 800
#: A breath between words ends no talk.
_BREATH_MS: Final = 240
#: Nobody said anything for so long: nothing speaks for a machine.
_SILENCE_MS: Final = 2500
#: Whatever was heard, the application wants to know.
_LONGEST_MS: Final = 5000
#: Of a fax tone so much in all is heard before it is believed.
_TONE_MS: Final = 300
_FAX_HZ: Final = (1100, 2100)
_COEFFICIENTS: Final = tuple(2 * math.cos(2 * math.pi * hz / 8000) for hz in _FAX_HZ)
#: Ten milliseconds tell the two from each other and from speech.
_WINDOW: Final = slice(40, 120)
#: Of a frame's energy a tone holds nearly all; speech never does for so long.
_PURITY: Final = 0.8
#: The lower tone rises through zero eleven times in the window; with a fifth of noise above it no less than this, and
#: most of speech more seldom: it need not be looked at closely.
_FEWEST_RISES: Final = 8
_IS_POSITIVE: Final = bytes(value >= 0 for value in PCMU.linear)
_RISE: Final = b"\x00\x01"
#: The square of each byte's sample in sixteenths of what is loud, so that a frame's energy is a sum of its bytes. What
#: is capped is so loud that ten samples of it make a loud frame.
_SCALE: Final = 16
_SQUARES: Final = bytes(min(255, round(_SCALE * value * value / _LOUD)) for value in PCMU.linear)


@dataclass(slots=True)
class CallAnalysis:
    """The first seconds of one answered call; fed with each frame once."""

    _heard_ms: int = 0
    #: Of the spurt of talk that goes on, breaths included.
    _talk_ms: int = 0
    #: Since the last loud frame.
    _quiet_ms: int = 0
    _tone_ms: int = 0
    _spoke: bool = False

    def take(self, frame: bytes | None) -> CalleeType | None:
        """Take 20 ms of µ-law, None for a gap; return the verdict when there is one, once."""
        self._heard_ms += _FRAME_MS
        loud = frame is not None and sum(frame.translate(_SQUARES)) >= _SCALE * len(frame) > 0
        if loud and frame and _is_fax_tone(frame):
            self._tone_ms += _FRAME_MS
            return CalleeType.FAX if self._tone_ms >= _TONE_MS else None
        self._count(loud=loud)
        return self._verdict()

    def _count(self, *, loud: bool) -> None:
        if loud:
            self._talk_ms += self._quiet_ms * (self._talk_ms > 0) + _FRAME_MS
            self._quiet_ms = 0
            self._spoke = True
            return
        self._quiet_ms += _FRAME_MS
        if self._quiet_ms > _BREATH_MS:
            self._talk_ms = 0

    def _verdict(self) -> CalleeType | None:
        if self._talk_ms >= _GREETING_MS:
            return CalleeType.ANSWERING_MACHINE
        if self._spoke and self._quiet_ms >= _WAIT_MS:
            return CalleeType.VOICE
        if not self._spoke and self._heard_ms >= _SILENCE_MS:
            return CalleeType.VOICE
        return CalleeType.UNKNOWN if self._heard_ms >= _LONGEST_MS else None


def _is_fax_tone(frame: bytes) -> bool:
    middle = frame[_WINDOW]
    if middle.translate(_IS_POSITIVE).count(_RISE) < _FEWEST_RISES:
        return False
    samples = [PCMU.linear[byte] for byte in middle]
    energy = sum(map(mul, samples, samples)) / len(samples)
    return any(_power(samples, coefficient) >= _PURITY * energy for coefficient in _COEFFICIENTS)


def _power(samples: Sequence[int], coefficient: float) -> float:
    """Return the mean square of one tone (Goertzel)."""
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    return 2 * (before * before + last * last - coefficient * before * last) / (len(samples) * len(samples))
