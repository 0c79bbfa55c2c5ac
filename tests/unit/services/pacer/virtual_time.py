"""A loop whose clock jumps: what would sleep is over at once, and a test tells hours in milliseconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

from typing_extensions import override

Answer = TypeVar("Answer")


class _Selector(selectors.SelectSelector):
    """Waits for no socket: where a real one would wait, the clock goes on by as much."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("Nothing is due and nobody will ever wake anybody: this test hangs.")
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that lives in virtual time, from 0 on."""

    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.now


def run(story: Coroutine[object, object, Answer]) -> Answer:
    """Run a test's story in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


async def cancel(*tasks: "asyncio.Task[None]") -> None:
    """End endless tasks."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def now() -> float:
    """Return the virtual time in seconds."""
    return asyncio.get_running_loop().time()
