"""Keys as tones."""

import pytest

from shared.adapters.sip_trunk.key_tones import key_tone
from shared.rtp.g711 import PCMU
from shared.rtp.inband import ToneReceiver
from shared.rtp.keys import KEYS


@pytest.mark.parametrize("key", KEYS)
def test_a_receiver_of_tones_hears_each_key_once(key: str) -> None:
    """Twice when it is pressed twice: the silence between is long enough."""
    receiver = ToneReceiver()
    frames = key_tone(key) * 2
    heard = [receiver.take([PCMU.linear[byte] for byte in frame]) for frame in frames]
    assert [key for key in heard if key] == [key, key]


def test_what_is_no_key_has_no_tone() -> None:
    """It is passed over."""
    assert key_tone("x") == key_tone("") == key_tone("12") == ()
