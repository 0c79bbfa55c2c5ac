"""Keys as sound, for a far end that knows no telephone events (ITU-T Q.23)."""

import math
from functools import lru_cache
from typing import Final

from shared.adapters.sip_trunk.player import FRAME_BYTES, SILENT_FRAME
from shared.rtp.g711 import PCMU
from shared.rtp.inband import HIGH_HZ, LOW_HZ

_ROWS: Final = ("123A", "456B", "789C", "*0#D")
_RATE_HZ: Final = 8000
#: 100 ms of tone and 80 ms of silence: twice what Q.24 asks of a receiver.
_TONE_FRAMES: Final = 5
_SILENT_FRAMES: Final = 4
#: Each tone 9 dB below full scale, so that both together stay below it.
_LEVEL: Final = 11_600


@lru_cache(maxsize=16)
def key_tone(key: str) -> tuple[bytes, ...]:
    """Return a key as frames of µ-law; none for what is no key."""
    for low_hz, row in zip(LOW_HZ, _ROWS, strict=True):
        for high_hz, name in zip(HIGH_HZ, row, strict=True):
            if name == key:
                sound = bytes(
                    PCMU.coded[round(_LEVEL * (_wave(low_hz, at) + _wave(high_hz, at)))]
                    for at in range(_TONE_FRAMES * FRAME_BYTES)
                )
                frames = (sound[at : at + FRAME_BYTES] for at in range(0, len(sound), FRAME_BYTES))
                return (*frames, *(SILENT_FRAME,) * _SILENT_FRAMES)
    return ()


def _wave(hz: int, at: int) -> float:
    return math.sin(2 * math.pi * hz * at / _RATE_HZ)
