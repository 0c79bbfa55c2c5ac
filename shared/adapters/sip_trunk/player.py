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
    position: int = 0


class Player:
    """The prompts of one call."""

    def __init__(self, over: Over) -> None:
        self._over = over
        self._queue: deque[Prompt] = deque()

    @property
    def busy(self) -> bool:
        """Whether anything plays or waits."""
        return bool(self._queue)

    @property
    def full(self) -> bool:
        """Whether no more prompts are taken."""
        return len(self._queue) >= MOST_PROMPTS

    def add(self, prompt: Prompt) -> None:
        """Play a prompt after those that play and wait."""
        self._queue.append(prompt)

    def frame(self) -> bytes | None:
        """Return the next frame; None when there is nothing to play now."""
        while self._queue and (sound := (prompt := self._queue[0]).sound) is not None:
            start = prompt.position
            prompt.position = end = start + FRAME_BYTES
            frame = sound[start:end]
            if end < len(sound):
                return frame
            self._queue.popleft()
            self._over(prompt.play_id, True)
            if frame:
                return frame + SILENT_FRAME[len(frame) :]
        return None

    def key_pressed(self) -> None:
        """Silence what plays, and what waits behind it, up to the first prompt that goes on through keys."""
        while self._queue and self._queue[0].bargein:
            self._over(self._queue.popleft().play_id, False)

    def stop(self) -> None:
        """Cut everything short."""
        while self._queue:
            self._over(self._queue.popleft().play_id, False)

    def forget(self) -> None:
        """Drop everything without a word: the call is over."""
        self._queue.clear()
