"""Keys that we dial after the answer (an extension, a choice in a menu): as events where they are taken, else as tones.

A key waits for the one before it, and pauses are part of what is dialled.
"""

from typing import Final

from shared.adapters.sip_trunk.key_tones import key_tone
from shared.adapters.sip_trunk.player import SILENT_FRAME
from shared.rtp.keys import KEYS
from shared.rtp.outgoing import MAX_WAITING_KEYS, Outgoing

#: A pause in digits that are dialled after the answer, as modems made it: `,` is two seconds, `w` one.
_PAUSES_SECONDS: Final = {",": 2.0, "w": 1.0, "W": 1.0}
_FRAMES_PER_SECOND: Final = 50
_KEY_MS: Final = 100


class Dialling:
    """The keys of one call."""

    def __init__(self) -> None:
        #: Whether anything is still to leave: asked in every turn of every call, and hardly ever so.
        self.busy = False
        self._waiting: list[str] = []
        self._tone: list[bytes] = []
        self._pause_frames = 0

    def add(self, keys: str) -> None:
        """Send keys, with their pauses; those for which there is no room are dropped, as an impatient flood must be."""
        self._waiting.extend(keys[: max(0, MAX_WAITING_KEYS - len(self._waiting))])
        self.busy = True

    def take_turn(self, out: Outgoing) -> None:
        """Begin the next key when the last one is over; once in a frame, while busy."""
        if self._pause_frames:
            self._pause_frames -= 1
        elif self._waiting and not out.pressing and not self._tone:
            self._begin(self._waiting.pop(0), out)
        self.busy = bool(self._waiting or self._tone or self._pause_frames) or out.pressing

    def _begin(self, key: str, out: Outgoing) -> None:
        if key in _PAUSES_SECONDS:
            self._pause_frames = int(_PAUSES_SECONDS[key] * _FRAMES_PER_SECOND)
        elif out.event_payload_type is None:
            self._tone.extend(key_tone(key.upper()))
        elif key.upper() in KEYS:
            out.press(key.upper(), _KEY_MS)

    def frame(self, out: Outgoing) -> bytes | None:
        """Return what is heard instead of a prompt: a tone, or silence while an event says it; None in a pause."""
        if self._tone:
            return self._tone.pop(0)
        return SILENT_FRAME if out.pressing else None
