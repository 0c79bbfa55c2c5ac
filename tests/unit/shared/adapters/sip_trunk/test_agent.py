"""The user agent on a socket: its clock is that of all calls."""

import asyncio
import random
from typing import Any

from shared.adapters.sip_trunk.agent import SipAgent
from shared.adapters.sip_trunk.datagrams import Datagrams, open_socket
from shared.sip.effects import Pinged
from shared.sip.exchanges import Endpoint
from shared.sip.timing import Timings
from shared.sip.uri import SipUri
from shared.sip.user_agent import UserAgent


async def test_a_mistake_with_one_call_does_not_stop_the_clock_of_the_others() -> None:
    """Two alarms are due at once; whoever hears of the first breaks, and the second is told all the same."""
    broken: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    mute = open_socket("127.0.0.1", 0)
    to = ("127.0.0.1", int(mute.getsockname()[1]))
    user_agent = UserAgent(
        endpoint=Endpoint(host="127.0.0.1", port=5060),
        dice=random.Random(1),
        timings=Timings(t1_seconds=0.002, t2_seconds=0.01),
    )
    agent = SipAgent(user_agent)
    agent.open(Datagrams(open_socket("127.0.0.1", 0), received=agent.received, refused=agent.refused))
    told: asyncio.Future[Pinged | None] = asyncio.get_running_loop().create_future()

    def break_down(_: Pinged | None) -> None:
        raise ZeroDivisionError

    agent.ping(SipUri(host="mute"), to, break_down)
    agent.ping(SipUri(host="mute"), to, told.set_result)
    async with asyncio.timeout(60):
        pinged = await told
    agent.close()
    mute.close()
    assert pinged is not None
    assert pinged.status is None
    assert [type(context["exception"]) for context in broken] == [ZeroDivisionError]
