"""How the processes of a platform learn that its owner was killed.

A killed owner can tell nobody. So each process holds the reading end of a pipe whose writing end is the owner's
alone: when the owner ends, however that happens, the kernel closes it and the reader sees the end of the pipe.
It needs no Linux and no extra program, and a process that never ran its first line cannot miss it.
"""

import os
import signal
import threading
import time
from types import TracebackType
from typing import Self

#: Names the descriptor; ours alone, and taken out of the environment by whoever reads it.
VARIABLE = "PACELINE_LIFELINE"
#: After the owner's death a process may still end in order; its servers are gone, so there is little to wait for.
GRACE_SECONDS = 5.0


class Lifeline:
    """The owner's side: open while the owner lives."""

    def __init__(self) -> None:
        # Python opens both ends so that no child inherits them unasked: the writing end stays with us.
        self.reading_end, self._writing_end = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._writing_end)
        os.close(self.reading_end)

    @property
    def environment(self) -> dict[str, str]:
        """What a process must be told; `reading_end` must be passed to it under its own number."""
        return {VARIABLE: str(self.reading_end)}


def end_with_owner() -> None:
    """Have this process end soon after its owner; nothing happens where nobody owns it."""
    descriptor = os.environ.pop(VARIABLE, "")
    if descriptor.isdecimal():
        watch = threading.Thread(target=_watch, args=(int(descriptor),), name="lifeline", daemon=True)
        watch.start()


def _watch(descriptor: int) -> None:
    os.set_inheritable(descriptor, False)
    while os.read(descriptor, 1):
        """Nobody writes: the first that comes is the end."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
