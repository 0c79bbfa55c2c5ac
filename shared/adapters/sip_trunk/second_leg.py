"""The second leg of a transfer: another call, placed like any other, whose audio is joined with the first one's.

A blind transfer is joined by us as well: few trunks take a REFER, all of them take a second call. What distinguishes
it is that the application has done once the two talk, and that the end of one leg is the end of both.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from shared.clock import monotonic_seconds
from shared.domain.disposition import CallEnding, Outcome, disposition_of
from shared.telephony.port import (
    Answered,
    DigitPressed,
    Ended,
    LiveCall,
    NoTrunk,
    OutboundCall,
    TransferAnswered,
    TransferEnded,
)

#: What a leg that was not answered means to the application (VoiceXML 2.0, 2.3.7.2.2); else nobody is there.
_REASONS: Final = {
    Outcome.BUSY: "busy",
    Outcome.NO_ANSWER: "noanswer",
    Outcome.OVERFLOW: "network_busy",
    Outcome.NO_CONNECTION: "network_busy",
}

#: Frames that wait between the two lines: their turns are up to one frame apart, and one may be caught up.
_FRAMES_BETWEEN: Final = 3


class Joinable(LiveCall, Protocol):
    """A call whose audio can be joined with another's."""

    def join(self, hears: deque[bytes] | None, tells: deque[bytes] | None) -> None:
        """Let this callee hear the frames of one queue and speak into another; None: our prompts, and nobody."""

    def press(self, key: str) -> None:
        """Send a key."""


Place = Callable[[OutboundCall], Awaitable[Joinable]]


class SecondLeg:
    """One transfer, from its INVITE to its end."""

    def __init__(
        self,
        first: Joinable,
        place: Place,
        tell: Callable[[TransferAnswered | TransferEnded], None],
        *,
        bridge: bool,
        pace_of_time: float,
    ) -> None:
        self._first = first
        self._place = place
        self._tell = tell
        self._bridge = bridge
        self._pace_of_time = pace_of_time
        #: The placing, until the trunk's first word: given up, it takes its INVITE back.
        self._placing: asyncio.Task[Joinable] | None = None
        self._leg: Joinable | None = None
        self._joined_at: float | None = None
        self._given_up = False

    async def run(self, call: OutboundCall) -> None:
        """Place the call and see it through; TransferEnded is told once."""
        if self._given_up:  # before anything was sent
            self._tell(TransferEnded(self._unplaced()))
            return
        self._leg = await self._placed(call)
        if self._leg is None:
            self._tell(TransferEnded(self._unplaced()))
            return
        try:
            await self._follow(self._leg)
        except asyncio.CancelledError:
            await self._leg.hang_up()
            raise

    async def _placed(self, call: OutboundCall) -> Joinable | None:
        """Return the leg; None where no trunk took it, or it was given up before one said a word."""
        self._placing = asyncio.ensure_future(self._place(call))
        try:
            await asyncio.wait({self._placing})
        except asyncio.CancelledError:
            if self._placing.cancel():
                await asyncio.wait({self._placing})  # it takes its INVITE back
            elif not self._placing.cancelled() and self._placing.exception() is None:
                await self._placing.result().hang_up()
            raise
        if self._placing.cancelled():
            return None
        try:
            return self._placing.result()
        except NoTrunk:
            return None

    async def give_up(self) -> None:
        """End the leg, on its way, ringing or talking."""
        self._given_up = True
        self._first.join(None, None)
        if self._placing is not None:
            self._placing.cancel()  # nothing where the leg is there
        if self._leg is not None:
            await self._leg.hang_up()

    def press(self, key: str) -> None:
        """Pass on a key of the first callee."""
        if self._joined_at is not None and self._leg is not None:
            self._leg.press(key)

    async def _follow(self, leg: Joinable) -> None:
        if self._given_up:
            await leg.hang_up()
        async for event in leg.events():
            match event:
                case Answered() if not self._given_up:
                    self._join(leg)
                case DigitPressed(key) if self._joined_at is not None:
                    self._first.press(key)
                case Ended(ending):
                    await self._over(ending)
                case _:
                    pass

    def _join(self, leg: Joinable) -> None:
        self._joined_at = monotonic_seconds()
        to_first = deque[bytes](maxlen=_FRAMES_BETWEEN)
        to_second = deque[bytes](maxlen=_FRAMES_BETWEEN)
        self._first.join(to_first, to_second)
        leg.join(to_second, to_first)
        self._tell(TransferAnswered() if self._bridge else TransferEnded("transferred"))

    async def _over(self, ending: CallEnding) -> None:
        self._first.join(None, None)
        if self._joined_at is not None and not self._bridge:
            await self._first.hang_up()
            return
        self._tell(TransferEnded(self._reason(ending), self._talk_seconds()))

    def _unplaced(self) -> str:
        return "near_end_disconnect" if self._given_up else "network_busy"

    def _reason(self, ending: CallEnding) -> str:
        if self._given_up:
            return "near_end_disconnect"
        if self._joined_at is not None:
            return "far_end_disconnect"
        return _REASONS.get(disposition_of(ending).outcome, "noroute")

    def _talk_seconds(self) -> float:
        if self._joined_at is None:
            return 0.0
        return (monotonic_seconds() - self._joined_at) * self._pace_of_time
