"""The network's own record, on which every verdict rests."""

import asyncio
from pathlib import Path

import pytest

from shared.adapters.simulator.telephony import Simulator
from shared.adapters.simulator.witness import open_witness
from shared.domain.errors import Unavailable
from shared.telephony.port import Ended, OutboundCall, TooLate
from tests.chaos.witnesses import TelephonyWitness

CALL = OutboundCall(
    e164="+12025550101",
    caller_id=None,
    post_dial=None,
    fence="fence",
    ring_seconds=15,
    longest_call_seconds=60,
)


async def test_the_record_has_the_invite_at_once_and_the_end_when_it_comes(tmp_path: Path) -> None:
    """Before `place` returns the INVITE stands in the file; the END follows before anybody hears of it."""
    path = tmp_path / "record"
    witness = TelephonyWitness(path)
    simulator = Simulator(speed=1000, seed=1, witness=open_witness(path))
    due = asyncio.get_running_loop().time()
    live = await simulator.place(CALL, not_before=due, send_by=due + 60)
    (call,) = witness.look()
    assert (call.fence, call.e164, call.ended_at) == ("fence", "+12025550101", None)
    assert call.sent_at >= due
    async for event in live.events():
        if isinstance(event, Ended):
            assert witness.live() == []


async def test_what_is_too_late_leaves_no_trace(tmp_path: Path) -> None:
    """A call that was refused for its lateness was never seen by the network."""
    path = tmp_path / "record"
    simulator = Simulator(speed=1000, seed=1, witness=open_witness(path))
    now = asyncio.get_running_loop().time()
    with pytest.raises(TooLate):
        await simulator.place(CALL, not_before=now - 2, send_by=now - 1)
    assert TelephonyWitness(path).look() == []


def test_a_record_that_cannot_be_written_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """A dialer that was told to be witnessed does not dial unseen."""
    with pytest.raises(Unavailable, match="PACELINE_SIMULATOR_WITNESS"):
        open_witness(tmp_path / "no folder" / "record")
