"""Who answered, by the pattern of sound and silence in the first seconds."""

import pytest

from shared.adapters.sip_trunk.analysis import CallAnalysis
from shared.domain.disposition import CalleeType
from tests.sip.voices import quiet, tones


def verdict(*parts: bytes) -> tuple[CalleeType | None, int]:
    """Return what analysis says of a sound, and after how many milliseconds."""
    analysis, sound = CallAnalysis(), b"".join(parts)
    for index in range(0, len(sound), 160):
        said = analysis.take(sound[index : index + 160])
        if said is not None:
            return said, (index + 160) // 8
    return None, len(sound) // 8


def talk(seconds: float) -> bytes:
    """Return what has the energy of a voice and is no tone of a fax."""
    return tones(220, 660, 1500, seconds=seconds, level=2500)


@pytest.mark.parametrize(
    ("parts", "expected", "earliest_ms", "latest_ms"),
    [
        ((quiet(0.2), talk(0.6), quiet(3)), CalleeType.VOICE, 1500, 1800),
        ((talk(0.3), quiet(0.2), talk(0.3), quiet(3)), CalleeType.VOICE, 1500, 1800),
        ((quiet(4),), CalleeType.VOICE, 2500, 2600),
        ((quiet(0.2), talk(4)), CalleeType.ANSWERING_MACHINE, 1600, 1800),
        (
            (*(part for _ in range(5) for part in (talk(0.5), quiet(0.2))),),
            CalleeType.ANSWERING_MACHINE,
            1500,
            2000,
        ),
        ((*(part for _ in range(9) for part in (talk(0.3), quiet(0.5))),), CalleeType.UNKNOWN, 5000, 5000),
        ((quiet(0.5), tones(1100, seconds=0.5)), CalleeType.FAX, 800, 900),
        ((tones(2100, seconds=3),), CalleeType.FAX, 300, 400),
        ((talk(0.4), quiet(0.1), tones(1100, seconds=0.5)), CalleeType.FAX, 800, 900),
    ],
)
def test_a_greeting_a_wait_and_a_tone_are_told_apart(
    parts: tuple[bytes, ...], expected: CalleeType, earliest_ms: int, latest_ms: int
) -> None:
    """As soon as it is known, and once."""
    said, after_ms = verdict(*parts)
    assert said is expected
    assert earliest_ms <= after_ms <= latest_ms


def test_lost_packets_are_silence() -> None:
    """A callee of whom nothing arrives is a person until proven otherwise."""
    analysis = CallAnalysis()
    said = [analysis.take(None) for _ in range(125)]
    assert said == [None] * 124 + [CalleeType.VOICE]


@pytest.mark.parametrize("level", [40, 100])
def test_the_noise_of_a_line_is_no_talk(level: float) -> None:
    """A hum below the threshold leaves a silent callee silent."""
    assert verdict(tones(100, 300, seconds=4, level=level)) == (CalleeType.VOICE, 2500)
