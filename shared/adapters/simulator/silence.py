"""What a simulated callee says when recorded: nothing, for as long as it takes, as a WAV file."""

import io
import wave
from typing import Final

_SAMPLES_PER_SECOND: Final = 8_000
_BYTES_PER_SAMPLE: Final = 2


def silent_wav(seconds: float) -> bytes:
    """Make a WAV file of 16-bit samples at 8 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(_BYTES_PER_SAMPLE)
        sound.setframerate(_SAMPLES_PER_SECOND)
        sound.writeframes(bytes(int(seconds * _SAMPLES_PER_SECOND) * _BYTES_PER_SAMPLE))
    return file.getvalue()
