"""Audio in real time, on a machine that may have no time."""

from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar, cast

Test = TypeVar("Test", bound=Callable[..., Coroutine[Any, Any, None]])

#: Whoever is kept from the processor in so many calls in a row is not kept from it by chance.
CALLS: Final = 3


def in_real_time(test: Test) -> Test:
    """Let a test that listens to a call listen to another one where a busy machine tore a hole into its audio.

    A process that gets no processor for longer than the far end's buffer holds loses what would have been heard
    meanwhile: that is no defect, and none of the calls after it need suffer it. Each is a whole test of its own, in a
    folder of its own; the last one's failure is the test's.
    """

    @wraps(test)
    async def again(tmp_path: Path, **named: object) -> None:
        for turn in range(1, CALLS):
            try:
                return await test(_folder(tmp_path, turn), **named)
            except (AssertionError, TimeoutError) as error:
                print(f"Call {turn} did not go as it should: {error!r}")  # noqa: T201 - for who reads why a test failed
        return await test(_folder(tmp_path, CALLS), **named)

    return cast("Test", again)


def _folder(parent: Path, turn: int) -> Path:
    made = parent / f"call-{turn}"
    made.mkdir()
    return made
