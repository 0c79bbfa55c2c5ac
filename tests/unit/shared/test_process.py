"""How the endless loops of a service end."""

import asyncio

import pytest

from shared import process
from shared.process import run_until


class _BrokenError(Exception):
    """What a loop dies of."""


async def _for_ever() -> None:
    await asyncio.Event().wait()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel again without a pause."""
    monkeypatch.setattr(process, "_CANCEL_AGAIN_SECONDS", 0.01)


@pytest.mark.usefixtures("at_once")
async def test_a_loop_that_misses_a_cancellation_ends_all_the_same() -> None:
    """A library that loses a cancellation in a race, as the Redis client can, does not keep a service from its end."""
    cancelled = 0

    async def deaf_at_first() -> None:
        nonlocal cancelled
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled += 1
                if cancelled == 3:
                    raise

    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(60):
        await run_until(stop, deaf_at_first(), _for_ever())
    assert cancelled == 3


async def test_a_loop_may_say_its_last_word() -> None:
    """What a loop does when it is cancelled is waited for."""
    said = []

    async def with_a_last_word() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("gone")

    stop = asyncio.Event()
    running = asyncio.create_task(run_until(stop, with_a_last_word()))
    await asyncio.sleep(0)
    stop.set()
    await running
    assert said == ["gone"]


async def test_the_first_loop_that_fails_ends_all() -> None:
    """Its error is raised, nobody needs to ask for the stop, and no loop is left behind."""

    async def breaks() -> None:
        raise _BrokenError

    before = asyncio.all_tasks()
    with pytest.raises(_BrokenError):
        await run_until(asyncio.Event(), _for_ever(), breaks())
    assert asyncio.all_tasks() == before
