"""Insisting on a write in virtual time: how often, how long, and what is no reason to insist."""

import asyncio

import pytest

from services.dialer.persistence import PAUSES_SECONDS, insist
from shared.domain.errors import IllegalTransition, Unavailable
from tests.unit.services.pacer.virtual_time import now, run


class Desk:
    """A write that finds Postgres away so many times, and notes when it was tried."""

    def __init__(self, away: int, error: Exception | None = None) -> None:
        self._away = away
        self._error = error or Unavailable()
        self.tried_at: list[float] = []

    async def write(self) -> str:
        """Write, if it can be."""
        self.tried_at.append(round(now(), 3))
        if len(self.tried_at) <= self._away:
            raise self._error
        return "written"


def test_a_write_that_succeeds_is_done_once() -> None:
    """And its answer is handed on."""
    desk = Desk(away=0)
    assert run(insist(desk.write, 60)) == "written"
    assert desk.tried_at == [0]


def test_the_pauses_grow_and_then_stay() -> None:
    """Quick at first for a lost connection, then patient for a restart."""
    desk = Desk(away=8)
    assert run(insist(desk.write, 3600)) == "written"
    pauses = [
        round(later - earlier, 3) for earlier, later in zip(desk.tried_at, desk.tried_at[1:], strict=False)
    ]
    assert pauses == [*PAUSES_SECONDS, *[PAUSES_SECONDS[-1]] * 3]


@pytest.mark.parametrize(
    ("patience", "tried_at"), [(0, [0]), (0.05, [0]), (0.1, [0, 0.1]), (2, [0, 0.1, 0.6, 1.6])]
)
def test_patience_ends_where_the_write_would_mean_nothing_any_more(
    patience: float, tried_at: list[float]
) -> None:
    """The last try lies within it; then whoever wrote is told that Postgres is away."""
    desk = Desk(away=1000)
    with pytest.raises(Unavailable):
        run(insist(desk.write, patience))
    assert desk.tried_at == tried_at


def test_a_refusal_is_no_reason_to_insist() -> None:
    """What Postgres has judged is not asked again."""
    desk = Desk(away=1000, error=IllegalTransition("number", "7", "conclude"))
    with pytest.raises(IllegalTransition):
        run(insist(desk.write, 3600))
    assert desk.tried_at == [0]


def test_insisting_ends_with_its_task() -> None:
    """A process that must go does not hang on a pause."""
    desk = Desk(away=1000)

    async def story() -> None:
        task = asyncio.create_task(insist(desk.write, 3600))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(story())
    assert desk.tried_at == [0, 0.1, 0.6]
