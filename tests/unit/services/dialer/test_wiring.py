"""What a dialer notes about the audio of its calls."""

import pytest

from services.dialer.wiring import note_quality
from shared.adapters.sip_trunk.report_line import Quality
from shared.rtp.reporting import HeardThere
from tests.unit.services.dialer.fakes import MemoryScoreboard


@pytest.mark.parametrize(
    ("quality", "observed"),
    [
        (Quality(loss_here=None, there=None), {}),
        (Quality(loss_here=0.25, there=None), {"audio_lost_here": 250}),
        (
            Quality(loss_here=0.0, there=HeardThere(loss=0.5, jitter_seconds=0.01, round_trip_seconds=None)),
            {"audio_lost_here": 0, "audio_lost_there": 500, "audio_jitter_ms": 10},
        ),
        (
            Quality(loss_here=None, there=HeardThere(loss=0, jitter_seconds=0, round_trip_seconds=0.125)),
            {"audio_lost_there": 0, "audio_jitter_ms": 0, "audio_round_trip_ms": 125},
        ),
    ],
)
def test_what_is_known_of_a_calls_audio_is_counted_and_nothing_else(
    quality: Quality, observed: dict[str, float]
) -> None:
    """Per thousand packets and in milliseconds; a far end that reports nothing makes no zeros."""
    scoreboard = MemoryScoreboard()
    note_quality(scoreboard, quality)
    assert dict(scoreboard.observed) == observed
