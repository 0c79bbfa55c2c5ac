"""What callees say, as raw µ-law for SIPp to play."""

import math
from pathlib import Path
from typing import Final

from shared.adapters.sip_trunk.espeak import speak
from shared.rtp.g711 import PCMU

RATE: Final = 8000


def tones(*hz: float, seconds: float, level: float = 5000) -> bytes:
    """Return tones that sound together, as µ-law."""
    samples = (
        round(sum(level * math.sin(2 * math.pi * tone * index / RATE) for tone in hz))
        for index in range(int(seconds * RATE))
    )
    return bytes(PCMU.coded[sample] for sample in samples)


def quiet(seconds: float) -> bytes:
    """Return silence, as µ-law."""
    return bytes([PCMU.silence]) * int(seconds * RATE)


GREETING: Final = "You have reached the mailbox of the Miller family please speak after the tone"


def write_voices(folder: Path) -> None:
    """Write the voices of the callees of the conformance suite."""
    (folder / "machine.ul").write_bytes(quiet(0.2) + speak(GREETING, "en-US"))
    (folder / "fax.ul").write_bytes(quiet(0.2) + tones(1100, seconds=0.5, level=9000) + quiet(2))
