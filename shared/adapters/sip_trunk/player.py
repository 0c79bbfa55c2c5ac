"""What a call hears: prompts one after the other, a frame at a time.

A prompt is made while others play, and takes its turn when it is made; until then the line is quiet. Everything here
happens within a turn of the ticker or of the loop, so that a key silences a prompt before the next frame leaves.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.rtp.g711 import PCMU

FRAME_BYTES: Final = 160
SILENT_FRAME: Final = bytes([PCMU.silence]) * FRAME_BYTES
#: An application queues a handful; one that queues without end is stopped.
MOST_PROMPTS: Final = 200

#: Told when a prompt is over: its id, and whether it was heard whole.
Over = Callable[[int, bool], None]


@dataclass(slots=True, eq=False)
class Prompt:
    """One prompt of one call."""

    play_id: int
    #: Whether a key silences it.
    bargein: bool
    #: µ-law at 8 kHz; None while it is being made.
    sound: bytes | None = None


class Player:
    """The prompts of one call."""

    __slots__ = ("_end", "_over", "_position", "_queue", "_sound")

    def __init__(self, over: Over) -> None:
        self._over = over
        self._queue: deque[Prompt] = deque()
        self._rewind()

    def _rewind(self) -> None:
        """Be at the beginning of the next prompt; of what plays its sound is noted, where it is, and where it ends."""
        self._sound, self._position, self._end = b"", 0, 0

    @property
    def busy(self) -> bool:
        """Whether anything plays or waits."""
        return bool(self._queue)

    @property
    def full(self) -> bool:
        """Whether no more prompts are taken."""
        return len(self._queue) >= MOST_PROMPTS

    @property
    def sound_bytes(self) -> int:
        """How much sound there is of the prompts that play and wait."""
        return sum(len(prompt.sound or b"") for prompt in self._queue)

    def add(self, prompt: Prompt) -> None:
        """Play a prompt after those that play and wait."""
        self._queue.append(prompt)

    def frame(self) -> bytes | None:
        """Return the next frame; None when there is nothing to play now."""
        start = self._position
        end = start + FRAME_BYTES
        if end < self._end:  # in the middle of a prompt, as in all turns but a few
            self._position = end
            return self._sound[start:end]
        return self._last_or_first()

    def _last_or_first(self) -> bytes | None:
        """Return the last frame of a prompt, or the first of the next."""
        while self._queue and (sound := self._queue[0].sound) is not None:
            start, end = self._position, self._position + FRAME_BYTES
            frame = sound[start:end]
            if end < len(sound):
                self._sound, self._position, self._end = sound, end, len(sound)
                return frame
            self._rewind()
            self._over(self._queue.popleft().play_id, True)
            if frame:
                return frame + SILENT_FRAME[len(frame) :]
        return None

    def key_pressed(self) -> None:
        """Silence what plays, and what waits behind it, up to the first prompt that goes on through keys."""
        while self._queue and self._queue[0].bargein:
            self._cut()

    def stop(self) -> None:
        """Cut everything short."""
        while self._queue:
            self._cut()

    def _cut(self) -> None:
        self._rewind()
        self._over(self._queue.popleft().play_id, False)

    def forget(self) -> None:
        """Drop everything without a word: the call is over."""
        self._rewind()
        self._queue.clear()
