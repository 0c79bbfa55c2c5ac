"""A simulated recording with a beep."""

import asyncio
from typing import Final

import pytest

from shared.adapters.simulator.telephony import BEEP_SECONDS, Simulator
from shared.telephony.port import Answered, OutboundCall, RecordingEnded

#: Ten seconds of call time in one.
SPEED: Final = 10.0
LONGEST_SECONDS: Final = 0.5

CALL: Final = OutboundCall(
    e164="+12025550100",
    caller_id=None,
    post_dial=None,
    fence="fence",
    ring_seconds=60,
    longest_call_seconds=600,
)


@pytest.mark.parametrize(("beep", "lead_seconds"), [(False, 0.0), (True, BEEP_SECONDS)])
async def test_a_beep_comes_before_a_recording_and_is_no_part_of_it(
    *, beep: bool, lead_seconds: float
) -> None:
    """It ends later by the length of the tone, and is no longer for it."""
    loop = asyncio.get_running_loop()
    simulator = Simulator(speed=SPEED, seed=1)
    live = await simulator.place(CALL, not_before=loop.time(), send_by=loop.time() + 60)
    began_at = took_seconds = 0.0
    async with asyncio.timeout(60):
        async for event in live.events():
            if isinstance(event, Answered):
                began_at = loop.time()
                await live.record("message", longest_seconds=LONGEST_SECONDS, stop_keys="", beep=beep)
            if isinstance(event, RecordingEnded):
                took_seconds = (loop.time() - began_at) * SPEED
                assert event.duration_seconds <= LONGEST_SECONDS
                await live.hang_up()
    # A timer may fire within the last millisecond before its time.
    assert took_seconds >= LONGEST_SECONDS + lead_seconds - 0.001 * SPEED
    await simulator.close()
