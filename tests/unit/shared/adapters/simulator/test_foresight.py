"""What is foreseen of a simulated call, beside the call itself: the same callee, the same end, the same length."""

import asyncio
import math
from typing import Final

import pytest

from shared.adapters.simulator.foresight import foreseen
from shared.adapters.simulator.telephony import Simulator
from shared.domain.disposition import CallEnding, Outcome, disposition_of
from shared.telephony.port import Ended, LiveCall, OutboundCall
from tests.unit.services.pacer.virtual_time import now, run

SPEED: Final = 200.0
SEED: Final = 7
RING_SECONDS: Final = 20.0
#: Of a clock that stands still while anybody works; the shortest call lasts 1.5 ms.
TOLERANCE_SECONDS: Final = 1e-6
#: One of each behaviour, and some of the population.
NUMBERS: Final = [
    *(f"+120255501{last_two:02}" for last_two in range(10)),
    *(f"+1415555{n:04}" for n in range(2000, 2030)),
]


async def called(telephony: Simulator, e164: str) -> tuple[Outcome, float]:
    """Place a call and return what it came to, and how long it took."""
    call = OutboundCall(
        e164=e164, caller_id=None, post_dial=None, fence=e164, ring_seconds=RING_SECONDS, longest_call_seconds=600
    )  # fmt: skip
    began = now()
    live = await telephony.place(call, not_before=began, send_by=math.inf)
    return disposition_of(await ending_of(live)).outcome, now() - began


async def ending_of(live: LiveCall) -> CallEnding:
    """Follow a call to its end, without an application."""
    async for event in live.events():
        if isinstance(event, Ended):
            return event.ending
    raise AssertionError


async def all_called() -> list[tuple[Outcome, float]]:
    """Call everybody at once."""
    telephony = Simulator(speed=SPEED, seed=SEED)
    results = await asyncio.gather(*(called(telephony, e164) for e164 in NUMBERS))
    await telephony.close()
    return results


def test_a_call_is_what_was_foreseen() -> None:
    """Forty callees at once: each ends as was foreseen, after as long as was foreseen; machines may be left alone."""
    results = run(all_called())
    seen: set[Outcome] = set()
    for e164, (outcome, seconds) in zip(NUMBERS, results, strict=True):
        conduct = foreseen(e164, seed=SEED, speed=SPEED, ring_seconds=RING_SECONDS)
        expected = conduct.disposition.outcome
        if expected is Outcome.ANSWERPHONE_MESSAGE_LEFT:  # no application has left one here
            expected = Outcome.ANSWERPHONE_MESSAGE_NOT_LEFT
        assert (e164, outcome) == (e164, expected)
        assert seconds == pytest.approx(conduct.seconds, abs=TOLERANCE_SECONDS)
        seen.add(outcome)
    assert len(seen) >= 6
