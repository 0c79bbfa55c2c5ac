"""Watches one trunk: resolves its name, asks by OPTIONS whether it is there, and hurries when there is doubt."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from shared.adapters.sip_trunk.agent import SipAgent
from shared.adapters.sip_trunk.trunk import TrunkLine
from shared.clock import monotonic_seconds
from shared.sip.effects import Pinged
from shared.sip.uri import SipUri, uri_host
from shared.sip.user_agent import TooManyCalls

_log = structlog.get_logger()

_UDP: Final = socket.SOCK_DGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTimes:
    """How often a trunk is asked, in seconds."""

    #: While all is well: often enough to keep a way through address translation open, where half a minute is common.
    period_seconds: float = 20.0
    #: While it is down or doubtful: a campaign waits.
    doubt_seconds: float = 5.0
    #: An answer that takes longer is none; a trunk is not on the moon.
    answer_seconds: float = 3.0


class TrunkWatch:
    """Keeps one trunk's state up to date."""

    def __init__(self, agent: SipAgent, line: TrunkLine, times: WatchTimes) -> None:
        self._agent = agent
        self._line = line
        self._times = times
        self._doubt = asyncio.Event()
        self._down_because: str | None = None

    def doubt(self) -> None:
        """Ask now rather than later."""
        self._doubt.set()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await self._resolve()
            await self._ping()
            self._note()
            self._doubt.clear()
            try:
                async with asyncio.timeout(self._pause_seconds()):
                    await self._doubt.wait()
            except TimeoutError:
                continue

    def _pause_seconds(self) -> float:
        doubtful = self._line.breaker.doubtful or self._line.address is None
        return self._times.doubt_seconds if doubtful else self._times.period_seconds

    async def _resolve(self) -> None:
        """Look the name up, where it is one and the address that is known does not answer."""
        trunk, line = self._line.trunk, self._line
        if line.address is not None and not line.breaker.doubtful:
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                trunk.host, trunk.port, family=self._agent.family, type=_UDP
            )
        except (OSError, UnicodeError) as error:  # the latter: no name at all
            _log.warning("trunk_not_resolved", trunk=trunk.route.name, reason=str(error))
            return
        # The first address, which the resolver chooses; a connection to several is a trunk each.
        line.address = (str(found[0][4][0]), trunk.port)

    async def _ping(self) -> None:
        line, loop = self._line, asyncio.get_running_loop()
        if line.address is None or not line.trunk.pings:
            return
        answer: asyncio.Future[Pinged | None] = loop.create_future()
        target = SipUri(host=uri_host(line.trunk.host), port=line.trunk.port)
        try:
            self._agent.ping(target, line.address, _setter(answer))
        except TooManyCalls:
            return
        try:
            async with asyncio.timeout(self._times.answer_seconds):
                pinged = await answer
        except TimeoutError:
            line.breaker.silent(monotonic_seconds(), ping=True)
            return
        if pinged is None:
            line.breaker.refused(monotonic_seconds())
        elif pinged.status is not None:
            line.breaker.answered(ping=True)

    def _note(self) -> None:
        """Log when the trunk goes and when it comes back."""
        before, self._down_because = self._down_because, self._line.trouble(monotonic_seconds())
        if self._down_because and not before:
            _log.warning("trunk_down", trunk=self._line.route.name, reason=self._down_because)
        elif before and not self._down_because:
            _log.info("trunk_is_back", trunk=self._line.route.name)


def _setter(answer: "asyncio.Future[Pinged | None]") -> Callable[[Pinged | None], None]:
    def take(pinged: Pinged | None) -> None:
        if not answer.done():
            answer.set_result(pinged)

    return take
