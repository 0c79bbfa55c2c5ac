"""Keys as tones: what is one, and what only sounds like one."""

import itertools
import math
import random

import pytest

from shared.rtp.g711 import PCMU
from shared.rtp.inband import HIGH_HZ, LOW_HZ, ToneReceiver, key_in

_KEYS = dict(zip("123A456B789C*0#D", itertools.product(LOW_HZ, HIGH_HZ), strict=True))
_FULL = 32767 * 10 ** (-16 / 20)


def _tones(
    *parts: tuple[float, float], samples: int = 160, start: int = 0, noise: float = 0.0, seed: int = 1
) -> list[float]:
    """Return a sum of tones (Hz, amplitude), as it comes out of µ-law."""
    dice = random.Random(seed)
    raw = (
        sum(level * math.sin(2 * math.pi * hz * (start + n) / 8000 + hz) for hz, level in parts)
        + dice.gauss(0, noise)
        for n in range(samples)
    )
    return [float(PCMU.linear[PCMU.coded[max(-32768, min(32767, round(value)))]]) for value in raw]


@pytest.mark.parametrize("key", _KEYS)
@pytest.mark.parametrize("level_db", [0, -10, -18])
def test_every_key_is_recognised_at_every_usual_level(key: str, level_db: int) -> None:
    """All sixteen, with any phase, through µ-law, 1.5 % off in frequency, and in noise 20 dB below."""
    low, high = _KEYS[key]
    level = _FULL * 10 ** (level_db / 20)
    for start, shift in itertools.product((0, 37, 101), (0.985, 1.0, 1.015)):
        block = _tones((low * shift, level), (high * shift, level), start=start, noise=level / 14, seed=start)
        assert key_in(block) == key


@pytest.mark.parametrize(
    ("low_db", "high_db", "heard"),
    [(0, 3, True), (0, -7, True), (-9, 0, False), (0, -13, False)],
)
def test_twist_beyond_what_telephones_do_is_refused(low_db: float, high_db: float, *, heard: bool) -> None:
    """The two tones may differ by some decibels, the low one by more, and no further (Q.24)."""
    block = _tones((770, _FULL * 10 ** (low_db / 20)), (1336, _FULL * 10 ** (high_db / 20)))
    assert (key_in(block) == "5") is heard


@pytest.mark.parametrize(
    "parts",
    [
        (),
        ((770, _FULL),),
        ((1336, _FULL),),
        ((350, _FULL), (440, _FULL)),
        ((480, _FULL), (620, _FULL)),
        ((1100, _FULL),),
        ((2100, _FULL),),
        ((770, _FULL), (852, _FULL), (1336, _FULL)),
        ((770, _FULL), (1336, _FULL), (400, 1.5 * _FULL)),
        ((770, _FULL / 200), (1336, _FULL / 200)),
        ((770, _FULL), (1540, _FULL / 2), (2310, _FULL / 2), (3080, _FULL / 2)),
    ],
    ids=[
        "silence",
        "low alone",
        "high alone",
        "dial tone",
        "busy",
        "fax",
        "answer tone",
        "three",
        "speech under",
        "faint",
        "voice",
    ],
)
def test_what_is_no_key_is_not_heard(parts: tuple[tuple[float, float], ...]) -> None:
    """Both tones and nothing much besides: call progress tones, fax and single tones are no keys."""
    assert key_in(_tones(*parts)) is None


def test_noise_is_no_key() -> None:
    """A minute of loud noise, and of noise with a moving voice in it, presses nothing."""
    dice = random.Random(2)
    receiver = ToneReceiver()
    for block in range(1500):
        pitch = dice.uniform(90, 250)
        voice = [(pitch * n, _FULL / n) for n in range(1, 15)]
        samples = _tones(*(voice if block % 2 else ()), noise=2000, seed=block)
        assert receiver.take(samples) is None
    assert key_in([]) is None


def test_a_key_is_told_once_however_long_it_is_held() -> None:
    """One press, one key; the same key after a pause is another; 20 ms are none; a drop-out is no pause."""
    receiver = ToneReceiver()
    five, quiet = _KEYS["5"], ()
    pressed = (
        [five] * 20
        + [quiet] * 3
        + [five] * 4
        + [quiet] * 3
        + [five]
        + [quiet] * 3
        + [five] * 3
        + [quiet]
        + [five] * 3
    )
    told = []
    for index, tones in enumerate(pressed):
        key = receiver.take(_tones(*((hz, _FULL) for hz in tones), start=index * 160))
        if key:
            told.append((index, key))
    assert told == [(1, "5"), (24, "5"), (35, "5")]
