"""Asks one trunk, once, whether it is there: what `paceline trunk test` does."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Final

from shared.adapters.sip_trunk.agent import SipAgent
from shared.adapters.sip_trunk.datagrams import Datagrams, open_socket
from shared.adapters.sip_trunk.trunk import address_towards
from shared.sip.effects import Pinged
from shared.sip.exchanges import Endpoint
from shared.sip.uri import SipUri, uri_host
from shared.sip.user_agent import UserAgent

#: Three retransmissions have left by then.
PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class TrunkAnswer:
    """What became of the question."""

    there: bool
    #: As people read it.
    words: str


async def ask(host: str, port: int, *, patience_seconds: float = PATIENCE_SECONDS) -> TrunkAnswer:
    """Send an OPTIONS and wait for the answer; never raises for what the network says."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port)
        address = (str(found[0][4][0]), port)
        bound = open_socket(address_towards(address), 0)
    except OSError as error:
        return TrunkAnswer(
            there=False, words=f"there is no way to it: {(error.strerror or 'no reason is known').lower()}."
        )
    except UnicodeError:
        return TrunkAnswer(
            there=False, words=f"there is no way to it: {host} is no name that can be looked up."
        )
    own_host, own_port = bound.getsockname()[:2]
    agent = SipAgent(
        UserAgent(
            endpoint=Endpoint(host=uri_host(str(own_host)), port=int(own_port)), dice=secrets.SystemRandom()
        )
    )
    agent.open(Datagrams(bound, received=agent.received, refused=agent.refused))
    answer: asyncio.Future[Pinged | None] = loop.create_future()
    try:
        agent.ping(SipUri(host=uri_host(host), port=port), address, answer.set_result)
        async with asyncio.timeout(patience_seconds):
            return _words(await answer)
    except TimeoutError:
        return TrunkAnswer(there=False, words=f"no answer within {patience_seconds:g} seconds.")
    finally:
        agent.close()


def _words(pinged: Pinged | None) -> TrunkAnswer:
    if pinged is None:
        return TrunkAnswer(there=False, words="nobody listens there.")
    if pinged.status is None:
        return TrunkAnswer(there=False, words="no answer.")
    return TrunkAnswer(
        there=True, words=f"it answered {pinged.status} within {pinged.seconds * 1000:.0f} ms."
    )
