"""Keys as tones in the audio, by Goertzel: the fallback where the far end sends no events (ITU-T Q.23, Q.24).

The middle 106 samples of each 20 ms are looked at: as many as tell neighbouring tones of a group apart, and few enough
that a tone 1.5 % off its frequency, which Q.24 allows, still counts. Two tones must stand out, one of each group,
within the twist that Q.24 allows, and together hold most of the energy; speech has its energy elsewhere and its
harmonics besides. A key must last two blocks, and be gone for two before the same one counts again.

A block that is not silent costs tens of microseconds of Python, a hundred times an event packet: listen this way only
where no telephone events were agreed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LOW_HZ: Final = (697, 770, 852, 941)
HIGH_HZ: Final = (1209, 1336, 1477, 1633)
_ROWS: Final = ("123A", "456B", "789C", "*0#D")
_RATE_HZ: Final = 8000
#: Mean square of the weakest tone pair that counts: -36 dBm0 per tone, a bit beyond what Q.24 asks of a receiver.
_WEAKEST: Final = 2 * (32768 * 10 ** (-36 / 20)) ** 2 / 2
#: High group above low by 4 dB, or below by 8 dB (Q.24), in power, with a margin of 2 dB for tones off their frequency.
_MAX_TWIST: Final = 10 ** (6 / 10)
_MAX_REVERSE_TWIST: Final = 10 ** (10 / 10)
#: Of the block's energy the two tones must hold so much; speech that fools the other rules holds less.
_PURITY: Final = 0.7
#: The winner of a group must stand above the next by 6 dB.
_DISTANCE: Final = 10 ** (6 / 10)
_COEFFICIENTS: Final = tuple(2 * math.cos(2 * math.pi * hz / _RATE_HZ) for hz in (*LOW_HZ, *HIGH_HZ))
#: Where the samples that are looked at begin, and how many there are: 75 Hz apart is what 106 of them tell apart.
_WINDOW_START: Final = 27
_WINDOW: Final = slice(_WINDOW_START, _WINDOW_START + 106)
_BLOCKS_ON: Final = 2
_BLOCKS_OFF: Final = 2


def _power(samples: Sequence[float], coefficient: float) -> float:
    """Return the mean square of one tone in the block (Goertzel's recurrence)."""
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    energy = before * before + last * last - coefficient * before * last
    return 2 * energy / (len(samples) * len(samples))


def key_in(samples: Sequence[float]) -> str | None:
    """Return the key whose two tones a block of 160 linear samples holds, None without one."""
    samples = samples[_WINDOW]
    if not samples:
        return None
    total = sum(sample * sample for sample in samples) / len(samples)
    if total < _WEAKEST:
        return None  # most blocks of a call: silence costs one pass, not eight
    powers = [_power(samples, coefficient) for coefficient in _COEFFICIENTS]
    low, high = _winner(powers[:4]), _winner(powers[4:])
    if low is None or high is None:
        return None
    low_power, high_power = powers[low], powers[4 + high]
    twisted = high_power > low_power * _MAX_TWIST or low_power > high_power * _MAX_REVERSE_TWIST
    impure = low_power + high_power < _PURITY * total
    return None if twisted or impure else _ROWS[low][high]


def _winner(powers: list[float]) -> int | None:
    """Return the strongest of a group, None when another comes near."""
    first, second = sorted(range(4), key=powers.__getitem__, reverse=True)[:2]
    return first if powers[first] > powers[second] * _DISTANCE else None


@dataclass(slots=True)
class ToneReceiver:
    """Tells each key once, block by block."""

    _candidate: str | None = None
    _seen: int = 0
    _pressed: str | None = None
    _quiet: int = 0

    def take(self, samples: Sequence[float]) -> str | None:
        """Take a block of 160 linear samples; return a key that has now lasted long enough."""
        key = key_in(samples)
        self._quiet = 0 if key is not None and key == self._pressed else self._quiet + 1
        if self._quiet >= _BLOCKS_OFF:
            self._pressed = None
        self._seen = self._seen + 1 if key is not None and key == self._candidate else 1
        self._candidate = key
        if key is None or key == self._pressed or self._seen < _BLOCKS_ON:
            return None
        self._pressed, self._quiet = key, 0
        return key
