"""The second leg of a transfer, where no network is needed to show it."""

import asyncio
from collections import deque
from collections.abc import Callable

from shared.adapters.sip_trunk.second_leg import Joinable, SecondLeg
from shared.telephony.port import OutboundCall, TransferAnswered, TransferEnded
from tests.sip.caller import call_to


class Near:
    """What the first leg is to the second: somewhere to be joined with."""

    def join(self, hears: deque[bytes] | None, tells: deque[bytes] | None) -> None:
        """Hear nothing."""


async def test_a_transfer_that_is_given_up_before_it_began_calls_nobody() -> None:
    """Its end is told once, as that of one who left by himself."""
    placed: list[OutboundCall] = []
    told: list[TransferAnswered | TransferEnded] = []

    async def place(call: OutboundCall) -> Joinable:
        placed.append(call)
        raise AssertionError

    tell: Callable[[TransferAnswered | TransferEnded], None] = told.append
    leg = SecondLeg(Near(), place, tell, bridge=True, pace_of_time=1.0)  # type: ignore[arg-type]
    await leg.give_up()
    await leg.run(call_to())
    assert placed == []
    assert told == [TransferEnded("near_end_disconnect")]


class Slow:
    """A trunk that says no word about a call until it is taken back."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.taken_back = asyncio.Event()

    async def place(self, _: OutboundCall) -> Joinable:
        """Wait for ever."""
        self.asked.set()
        word: asyncio.Future[Joinable] = asyncio.get_running_loop().create_future()
        try:
            return await word
        except asyncio.CancelledError:
            self.taken_back.set()
            raise


async def test_a_transfer_that_is_given_up_while_its_call_is_being_placed_ends_at_once() -> None:
    """Nobody waits for the trunk's first word: the INVITE is taken back, and the end is told once."""
    trunk = Slow()
    told: list[TransferAnswered | TransferEnded] = []
    leg = SecondLeg(Near(), trunk.place, told.append, bridge=True, pace_of_time=1.0)  # type: ignore[arg-type]
    running = asyncio.create_task(leg.run(call_to()))
    await trunk.asked.wait()
    await leg.give_up()
    async with asyncio.timeout(60):
        await running
    assert trunk.taken_back.is_set()
    assert told == [TransferEnded("near_end_disconnect")]


async def test_the_end_of_the_first_leg_takes_back_a_call_that_is_being_placed() -> None:
    """Then nobody is left to be told."""
    trunk = Slow()
    told: list[TransferAnswered | TransferEnded] = []
    leg = SecondLeg(Near(), trunk.place, told.append, bridge=True, pace_of_time=1.0)  # type: ignore[arg-type]
    running = asyncio.create_task(leg.run(call_to()))
    await trunk.asked.wait()
    running.cancel()
    await asyncio.wait({running}, timeout=60)
    assert running.cancelled()
    assert trunk.taken_back.is_set()
    assert told == []
