"""When a recording of a callee is over."""

import pytest

from shared.adapters.sip_trunk.player import SILENT_FRAME
from shared.adapters.sip_trunk.recorder import Recorder

#: A loud square wave, and the faint noise of a line, in µ-law.
LOUD = bytes([0x00, 0x80]) * 80
NOISE = bytes([0xFE, 0x7E]) * 80


def frames_until_full(recorder: Recorder, *frames: bytes | None) -> int:
    """Give frames, the last one over and over, and count those that it took."""
    for taken in range(10_000):
        if recorder.full:
            return taken
        recorder.take(frames[min(taken, len(frames) - 1)])
    return 10_000


@pytest.mark.parametrize("quiet", [SILENT_FRAME, NOISE, None])
def test_it_is_over_when_the_callee_has_been_silent_for_long_enough(quiet: bytes | None) -> None:
    """The silence counts from the last sound; a gap is silence too."""
    recorder = Recorder("r", longest_seconds=60, stop_keys="", final_silence_seconds=1, first_sound_seconds=5)
    speech = [LOUD] * 10 + [quiet] * 49 + [LOUD] * 5
    assert frames_until_full(recorder, *speech, quiet) == 64 + 50
    assert recorder.heard


def test_it_is_over_when_nobody_speaks_at_all() -> None:
    """And says that there is nothing to hear."""
    recorder = Recorder("r", longest_seconds=60, stop_keys="", final_silence_seconds=1, first_sound_seconds=5)
    assert frames_until_full(recorder, SILENT_FRAME) == 250
    assert not recorder.heard


def test_without_a_word_about_silence_it_goes_on_to_its_longest() -> None:
    """Silence is recorded like anything else."""
    recorder = Recorder("r", longest_seconds=2, stop_keys="")
    assert frames_until_full(recorder, SILENT_FRAME) == 100
    assert recorder.heard
    assert recorder.duration_seconds == 2
