"""The prompts of one call: a queue of many neither makes others wait nor outlives the key that silences it."""

import asyncio

from shared.adapters.sip_trunk.prompts import LONGEST_PROMPT_BYTES, Prompts
from shared.adapters.sip_trunk.second_leg import Joinable
from shared.adapters.sip_trunk.sip_call import SipCall
from shared.adapters.sip_trunk.sound_maker import SoundMaker
from shared.sip.effects import KeyByInfo
from shared.telephony.port import OutboundCall, Silence, Speech
from tests.sip.caller import Drawer, Shelf, call_to
from tests.unit.shared.adapters.sip_trunk.workshop import Workshop


async def nowhere(_: OutboundCall) -> Joinable:
    """Stand for the placing of a second leg, which nobody asks for here."""
    raise AssertionError


def a_call(maker: SoundMaker) -> SipCall:
    """Return a call whose INVITE has left."""
    return SipCall(
        call_to(),
        prompts=Prompts(maker, Shelf()),
        recordings=Drawer(),
        pace_of_time=1.0,
        place=nowhere,
        hang_up=lambda: None,
        unheard=lambda: None,
    )


async def turns() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_of_many_prompts_a_few_are_made_and_a_silenced_one_makes_room() -> None:
    """Two hundred in a queue must not stand before other calls' prompts, nor before what is said after a key."""
    workshop = Workshop()
    workshop.leave.clear()
    call = a_call(workshop)
    for number in range(50):
        await call.play(number, (Speech(f"n{number}"),), bargein=True)
    await turns()
    assert workshop.spoken == [f"en-US:n{number}" for number in range(4)]
    call.hear(KeyByInfo(key="1"))
    await call.play(50, (Speech("after the key"),), bargein=True)
    await turns()
    assert workshop.spoken[4:] == ["en-US:after the key"]


async def test_what_waits_to_be_heard_is_bounded() -> None:
    """Prompts beyond half an hour of sound are empty: they end at once, and the application goes on."""
    call = a_call(Workshop())
    for number in range(4):
        await call.play(number, (Silence(60_000),) * 20, bargein=False)
        await turns()
    assert call._player.sound_bytes == LONGEST_PROMPT_BYTES
