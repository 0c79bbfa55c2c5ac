"""A program for a network of its own: places one call, speaks, waits for keys, and prints which it heard as JSON."""

import asyncio
import json
import sys
from typing import Any

import uvloop

from shared.adapters.sip_trunk.opening import SipSettings, open_sip_telephony
from shared.adapters.sip_trunk.rtp_ports import PortRange
from shared.adapters.sip_trunk.trunk import Trunk
from shared.domain.routing import Route
from shared.telephony.port import Answered, DigitPressed, Ended, LiveCall, PlayEnded, Speech
from tests.sip.callee import PATIENCE_SECONDS
from tests.sip.caller import STEADY, Drawer, Shelf, call_to, place


async def call(order: dict[str, Any]) -> dict[str, Any]:
    """Place the call that is ordered, from the address that leads to its trunk."""
    settings = SipSettings(
        port=order["port"],
        advertised_host=order["advertised_host"],
        advertised_port=order["advertised_port"],
        rtp_ports=PortRange.parse(order["audio_ports"], field="audio_ports"),
        max_calls=1,
        late_share=1.0,
        timings=STEADY,
        patience_seconds=PATIENCE_SECONDS,
        sound_patience_seconds=PATIENCE_SECONDS,
    )
    way = Trunk(route=Route(name="outside"), host=order["host"], port=order["trunk_port"], pings=False)
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        open_sip_telephony(settings, [way], fetcher=Shelf(), recordings=Drawer()) as telephony,
    ):
        return await _talk(await place(telephony, call_to()), order["prompt"], order["keys"])


async def _talk(live: LiveCall, prompt: str, keys: int) -> dict[str, Any]:
    """Speak to the end and wait for so many keys; then hang up."""
    heard, said = "", False
    async for event in live.events():
        match event:
            case Answered():
                await live.play(1, (Speech(prompt),), bargein=False)
            case PlayEnded(_, whole):
                said = whole
            case DigitPressed(key):
                heard += key
            case Ended(ending):
                return {"keys": heard, "said": said, "status": ending.sip_status}
            case _:
                pass
        if said and len(heard) >= keys:
            await live.hang_up()
    raise AssertionError("A call ends with Ended.")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(call(json.loads(sys.argv[1])))))
