"""Sound of any kind as a telephone carries it."""

import array
import math

import pytest

from shared.adapters.sip_trunk.telephone_sound import RATE_HZ, from_wave, resample, telephone_sound
from shared.adapters.sip_trunk.wav import A_LAW, LINEAR, MU_LAW, UnusableAudio, Wave, write_mu_law_wav
from shared.rtp.g711 import PCMA, PCMU


def tone(hz: float, rate_hz: int, seconds: float = 0.5) -> list[int]:
    """Return a sine of a third of the full scale."""
    return [round(10_000 * math.sin(2 * math.pi * hz * n / rate_hz)) for n in range(int(seconds * rate_hz))]


def loudness(samples: list[int]) -> float:
    """Return the root mean square of the middle, as a share of the tone's."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return math.sqrt(sum(value * value for value in middle) / len(middle)) / (10_000 / math.sqrt(2))


@pytest.mark.parametrize("rate_hz", [11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize(("hz", "low", "high"), [(400, 0.98, 1.02), (2_000, 0.97, 1.03), (5_200, 0, 0.02)])
def test_what_a_telephone_carries_is_kept_and_nothing_folds_back(
    rate_hz: int, hz: float, low: float, high: float
) -> None:
    """Speech keeps its loudness; what lies above half our rate is gone, and does not come back as another tone."""
    assert low <= loudness(list(resample(tone(hz, rate_hz), rate_hz))) <= high


@pytest.mark.parametrize("rate_hz", [6_000, 8_000, 22_050])
def test_sound_lasts_as_long_as_before(rate_hz: int) -> None:
    """Half a second stays half a second, to the sample."""
    assert abs(len(resample(tone(400, rate_hz), rate_hz)) - RATE_HZ // 2) <= 1


def test_a_rate_of_no_simple_ratio_is_refused() -> None:
    """A table per sample would be the price."""
    with pytest.raises(UnusableAudio):
        resample([0] * 100, 7_919)


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_every_size_of_sample_gives_the_same_sound(bits: int) -> None:
    """Within what eight bits can say."""
    samples = tone(400, 8000, 0.1)
    data = {
        8: bytes((value >> 8) + 128 for value in samples),
        16: array.array("h", samples).tobytes(),
        24: b"".join((value * 256).to_bytes(3, "little", signed=True) for value in samples),
    }[bits]
    heard = from_wave(Wave(encoding=LINEAR, channels=1, rate_hz=8000, bits=bits, data=data))
    worst = max(abs(PCMU.linear[byte] - value) for byte, value in zip(heard, samples, strict=True))
    assert worst < (1000 if bits == 8 else 600)


def test_two_channels_become_one() -> None:
    """Their mean is played."""
    data = array.array("h", [1000, 3000] * 100).tobytes()
    heard = from_wave(Wave(encoding=LINEAR, channels=2, rate_hz=8000, bits=16, data=data))
    assert set(heard) == {PCMU.coded[2000]}


def test_a_law_and_mu_law_are_read_as_they_are() -> None:
    """Coded sound at our rate is not decoded for nothing, and the other law is translated."""
    mu = PCMU.encode(array.array("h", tone(400, 8000, 0.1)).tobytes())
    a = PCMA.encode(array.array("h", tone(400, 8000, 0.1)).tobytes())
    assert telephone_sound(write_mu_law_wav(mu), raw=False) == mu
    assert from_wave(Wave(encoding=MU_LAW, channels=1, rate_hz=8000, bits=8, data=mu)) == mu
    other = from_wave(Wave(encoding=A_LAW, channels=1, rate_hz=8000, bits=8, data=a))
    assert max(abs(PCMU.linear[one] - PCMU.linear[two]) for one, two in zip(mu, other, strict=True)) < 1100


def test_raw_sound_is_taken_only_where_it_was_announced() -> None:
    """A web page is not played as noise."""
    assert telephone_sound(b"\x80\x81", raw=True) == b"\x80\x81"
    with pytest.raises(UnusableAudio):
        telephone_sound(b"<html>", raw=False)
