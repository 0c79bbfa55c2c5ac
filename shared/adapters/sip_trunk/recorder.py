"""What is kept of the callee: the frames that came, silence for those that did not."""

from typing import Final

from shared.adapters.sip_trunk.player import SILENT_FRAME
from shared.rtp.g711 import PCMU

_FRAMES_PER_SECOND: Final = 50
#: Mean size of a sample from which on somebody speaks: 40 dB below the loudest, above the noise of any usual line.
_LOUD: Final = 330
#: The size of each byte's sample in sixteenths of that, so that a frame's loudness is a sum of its bytes. What is
#: capped is so loud that ten samples of it make a loud frame.
_SCALE: Final = 16
_LOUDNESS: Final = bytes(min(255, round(_SCALE * abs(sample) / _LOUD)) for sample in PCMU.linear)
#: 29 MB of µ-law; VoiceXML applications record a message and no meeting.
LONGEST_SECONDS: Final = 3600


class Recorder:
    """One recording."""

    def __init__(
        self,
        name: str,
        *,
        longest_seconds: float,
        stop_keys: str,
        final_silence_seconds: float = 0.0,
        first_sound_seconds: float = 0.0,
    ) -> None:
        self.name = name
        self.stop_keys = stop_keys
        self._most_frames = int(max(0.0, min(longest_seconds, LONGEST_SECONDS)) * _FRAMES_PER_SECOND)
        self._frames: list[bytes] = []
        #: Frames of silence after which it is over: behind what was said, or with nothing said at all; 0 is never.
        self._final_frames = int(final_silence_seconds * _FRAMES_PER_SECOND)
        self._first_frames = int(first_sound_seconds * _FRAMES_PER_SECOND)
        self._heard = False
        self._quiet_frames = 0

    @property
    def full(self) -> bool:
        """Whether the longest recording is reached, or the callee says no more."""
        patience = self._final_frames if self._heard else self._first_frames
        return len(self._frames) >= self._most_frames or 0 < patience <= self._quiet_frames

    @property
    def heard(self) -> bool:
        """Whether there is more than silence; unknown, and so taken for granted, where nobody waits for it."""
        return self._heard or not (self._first_frames or self._final_frames)

    @property
    def duration_seconds(self) -> float:
        """How long the recording is."""
        return len(self._frames) / _FRAMES_PER_SECOND

    def take(self, frame: bytes | None) -> None:
        """Take the frame of this tick, None for a gap."""
        if self.full:
            return
        self._frames.append(SILENT_FRAME if frame is None else frame)
        if frame is not None and _is_loud(frame):
            self._heard, self._quiet_frames = True, 0
        else:
            self._quiet_frames += 1

    def sound(self) -> bytes:
        """Return the recording as µ-law at 8 kHz."""
        return b"".join(self._frames)


def _is_loud(frame: bytes) -> bool:
    """Tell speech from the noise of a line, by how loud a frame is on the whole."""
    return sum(frame.translate(_LOUDNESS)) > _SCALE * len(frame)
