"""The one clock of all audio."""

import asyncio
from dataclasses import dataclass, field

from typing_extensions import override

from shared.adapters.sip_trunk.ticker import PHASES, Ticked, Ticker
from shared.clock import monotonic_seconds

FRAME_SECONDS = 0.004


@dataclass(eq=False)
class Turns(Ticked):
    """Counts its turns."""

    at: list[float] = field(default_factory=list)
    breaks: bool = False

    @override
    def tick(self) -> None:
        """Note a turn."""
        self.at.append(monotonic_seconds())
        if self.breaks:
            raise RuntimeError("a mistake of ours")


async def ticks(turns: Turns, count: int) -> None:
    """Wait for so many turns."""
    async with asyncio.timeout(60):
        while len(turns.at) < count:
            await asyncio.sleep(FRAME_SECONDS)


async def test_everybody_gets_a_turn_per_frame() -> None:
    """Over many frames the number of turns is that of the clock, whatever the phase."""
    ticker = Ticker(frame_seconds=FRAME_SECONDS)
    calls = [Turns() for _ in range(6)]
    began = monotonic_seconds()
    for call in calls:
        ticker.add(call)
    await ticks(calls[0], 50)
    passed = (monotonic_seconds() - began) / FRAME_SECONDS
    ticker.close()
    for call in calls:
        assert len(call.at) <= passed + 1
        assert abs(len(call.at) - len(calls[0].at)) <= 1


async def test_turns_that_were_missed_are_caught_up_to_a_limit() -> None:
    """A short freeze is made good at once; of a long one only five frames are."""
    ticker = Ticker(frame_seconds=FRAME_SECONDS)
    call = Turns()
    ticker.add(call)
    await ticks(call, 3)
    before = len(call.at)
    frozen_until = monotonic_seconds() + 50 * FRAME_SECONDS
    while monotonic_seconds() < frozen_until:
        pass
    await asyncio.sleep(0)
    await asyncio.sleep(FRAME_SECONDS / 4)
    caught_up = len(call.at) - before
    passed = (monotonic_seconds() - frozen_until) / FRAME_SECONDS  # for a busy machine, some frames more
    ticker.close()
    assert 5 <= caught_up <= 5 + passed + 1
    assert ticker.worst_lateness_seconds() >= 40 * FRAME_SECONDS
    assert ticker.worst_lateness_seconds() == 0


async def test_a_clock_that_is_always_late_says_so_and_is_believed_again_without_calls() -> None:
    """More calls are refused before those that there are suffer; when all have ended, the slate is clean."""
    ticker = Ticker(frame_seconds=FRAME_SECONDS)

    class Slow(Turns):
        @override
        def tick(self) -> None:
            super().tick()
            until = monotonic_seconds() + 0.9 * FRAME_SECONDS
            while monotonic_seconds() < until:
                pass

    call = Slow()
    ticker.add(call)
    async with asyncio.timeout(60):
        while ticker.in_time:
            await asyncio.sleep(FRAME_SECONDS)
    ticker.remove(call)
    async with asyncio.timeout(60):
        while not ticker.in_time:
            await asyncio.sleep(FRAME_SECONDS)


async def test_one_that_breaks_silences_nobody_else() -> None:
    """It gets no more turns, the others do."""
    ticker = Ticker(frame_seconds=FRAME_SECONDS)
    broken, sound = Turns(breaks=True), Turns()
    ticker.add(broken)
    ticker.add(sound)
    await ticks(sound, 5)
    ticker.close()
    assert len(broken.at) == 1


async def test_one_that_was_removed_has_no_more_turns() -> None:
    """And without anybody the clock stands still, until somebody comes."""
    ticker = Ticker(frame_seconds=FRAME_SECONDS)
    call = Turns()
    ticker.add(call)
    await ticks(call, 2)
    ticker.remove(call)
    had = len(call.at)
    await asyncio.sleep(4 * FRAME_SECONDS)
    assert len(call.at) == had
    ticker.add(call)
    await ticks(call, had + 2)
    ticker.close()


async def test_who_is_removed_by_another_has_not_even_the_turn_that_was_due() -> None:
    """Two calls share a phase and each would end the other: the one that comes first does."""
    ticker = Ticker(frame_seconds=FRAME_SECONDS)
    ended: list[int] = []

    class Ending(Ticked):
        """Ends the call that is in its phase, too."""

        def __init__(self, number: int) -> None:
            self.number = number

        @override
        def tick(self) -> None:
            ended.append(self.number)
            ticker.remove(calls[(self.number + PHASES) % len(calls)])

    calls = [Ending(number) for number in range(2 * PHASES)]
    for call in calls:
        ticker.add(call)
    witness = Turns()
    ticker.add(witness)
    await ticks(witness, 3)
    ticker.close()
    assert set(ended) == set(range(PHASES))


async def test_a_long_freeze_counts_every_turn_that_it_cost() -> None:
    """One freeze of more than a twentieth of what is judged at a time is enough for no more calls to be taken."""
    ticker = Ticker(frame_seconds=FRAME_SECONDS)
    call = Turns()
    ticker.add(call)
    await ticks(call, 3)
    frozen_until = monotonic_seconds() + 90 * FRAME_SECONDS
    while monotonic_seconds() < frozen_until:
        pass
    async with asyncio.timeout(60):
        while ticker.in_time:
            await asyncio.sleep(FRAME_SECONDS)
    ticker.close()
