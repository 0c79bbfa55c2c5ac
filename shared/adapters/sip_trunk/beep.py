"""The tone before a recording (VoiceXML 2.0, 2.3.6): whoever hears it speaks, and nothing of it is recorded."""

import math
from functools import lru_cache
from typing import Final

from shared.rtp.g711 import PCMU

_RATE_HZ: Final = 8000
#: As answering machines have it; as many whole waves as there are frames, so that it ends without a click.
_TONE_HZ: Final = 1000
#: Long enough to be taken for a signal, short enough that nobody speaks into it.
BEEP_SECONDS: Final = 0.24
#: 12 dB below full scale: no louder than speech.
_LEVEL: Final = 8_000


@lru_cache(maxsize=1)
def beep() -> bytes:
    """Return the tone as µ-law at 8 kHz."""
    samples = range(round(BEEP_SECONDS * _RATE_HZ))
    return bytes(
        PCMU.coded[round(_LEVEL * math.sin(2 * math.pi * _TONE_HZ * at / _RATE_HZ))] for at in samples
    )
