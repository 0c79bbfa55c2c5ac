"""The tone before a recording."""

from itertools import pairwise

from shared.adapters.sip_trunk.beep import BEEP_SECONDS, beep
from shared.adapters.sip_trunk.player import FRAME_BYTES
from shared.rtp.g711 import PCMU


def test_it_is_a_tone_of_whole_frames() -> None:
    """A thousand waves a second, from silence to silence, as loud as speech and no louder."""
    sound = [PCMU.linear[byte] for byte in beep()]
    assert len(sound) == BEEP_SECONDS * 8_000
    assert len(sound) % FRAME_BYTES == 0
    rising = sum(1 for before, after in pairwise(sound) if before <= 0 < after)
    assert abs(rising - BEEP_SECONDS * 1_000) <= 1
    assert 6_000 < max(sound) < 9_000
