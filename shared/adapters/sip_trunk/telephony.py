"""The telephony that rings real phones: calls over SIP trunks.

At most one INVITE per attempt may ring. A call goes to the first trunk that its number's route names; another trunk is
tried only when the last has refused it with 503 or was not there, before anything rang, and never later than the
call's latest instant. `place` therefore waits for the first word on a call, for a bounded while: once it has returned,
nobody can take the call back. Silence proves nothing, and stays with the trunk that it came from.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from typing_extensions import override

from shared.adapters.sip_trunk.agent import SipAgent
from shared.adapters.sip_trunk.places import wait_for_place
from shared.adapters.sip_trunk.prompts import Prompts
from shared.adapters.sip_trunk.report_line import Quality
from shared.adapters.sip_trunk.rtp_ports import NoPort, RtpPorts
from shared.adapters.sip_trunk.sip_call import SipCall
from shared.adapters.sip_trunk.ticker import FRAME_SECONDS, LATE_SHARE, Ticker
from shared.adapters.sip_trunk.trunk import Trunk, TrunkLine
from shared.adapters.sip_trunk.watch import TrunkWatch, WatchTimes
from shared.clock import monotonic_seconds
from shared.domain.routing import in_order
from shared.domain.trunk_places import TrunkFull
from shared.ports.recordings import Recordings
from shared.ports.trunk_places import TrunkPlaces
from shared.sip import effects as sip
from shared.sip.errors import BadArgument
from shared.sip.headers import NameAddr
from shared.sip.order import Order
from shared.sip.sdp import LocalMedia
from shared.sip.uri import SipUri, dialled_uri, uri_host
from shared.sip.user_agent import TooManyCalls
from shared.telephony.port import LiveCall, NoTrunk, OutboundCall, Telephony, TooLate

_log = structlog.get_logger()

_UNAVAILABLE: Final = 503
#: RFC 3323, 4.1: who calls without a number.
_ANONYMOUS: Final = NameAddr(uri=SipUri(user="anonymous", host="anonymous.invalid"))
#: The good-byes of a closing process: a round trip and a retransmission.
_CLOSE_SECONDS: Final = 2.0
_CLOSE_STEP_SECONDS: Final = 0.02
_LATENESS_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What can be decided about calls."""

    #: Where the far end is to send audio, as it sees us.
    advertised_host: str
    #: How long `place` waits for the first word on a call; most trunks have said by then whether they take it.
    patience_seconds: float = 2.0
    #: Call time per second of the clock: more than 1 only in a test.
    pace_of_time: float = 1.0
    watch: WatchTimes = WatchTimes()  # noqa: RUF009 - frozen
    #: Of the turns of the clock so many may be late before no more calls are taken.
    late_share: float = LATE_SHARE
    #: Told about once a second how late the clock of all audio was at its worst since, in seconds.
    note_lateness: Callable[[float], None] = lambda _: None
    #: Told at the end of each answered call how its audio fared.
    note_quality: Callable[[Quality], None] = lambda _: None


class SipTelephony(Telephony):
    """Places calls over trunks."""

    def __init__(
        self,
        trunks: Sequence[Trunk],
        *,
        agent: SipAgent,
        ports: RtpPorts,
        prompts: Prompts,
        recordings: Recordings,
        places: TrunkPlaces,
        manners: Manners,
    ) -> None:
        self.pace_of_time = manners.pace_of_time
        self._lines: dict[str, TrunkLine] = {}
        self._agent = agent
        self._ports = ports
        self._prompts = prompts
        self._recordings = recordings
        self._places = places
        self._manners = manners
        self.ticker = Ticker(
            frame_seconds=FRAME_SECONDS / manners.pace_of_time, late_share=manners.late_share
        )
        #: By its Call-ID its place is given back.
        self._live: dict[SipCall, str] = {}
        self._watches: dict[str, TrunkWatch] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._lateness = asyncio.create_task(self._note_lateness(), name="audio lateness")
        self.use(trunks)

    def use(self, trunks: Sequence[Trunk]) -> None:
        """Send calls through these trunks from now on; one that stays as it was keeps what is known of it."""
        wanted = {trunk.route.name: trunk for trunk in trunks}
        for name, line in list(self._lines.items()):
            if wanted.get(name) != line.trunk:
                del self._lines[name], self._watches[name]
                self._watching.pop(name).cancel()
        for name in wanted.keys() - self._lines.keys():
            line = TrunkLine(trunk=wanted[name])
            watch = TrunkWatch(self._agent, line, self._manners.watch)
            self._lines[name], self._watches[name] = line, watch
            self._watching[name] = asyncio.create_task(watch.run(), name=f"trunk {name}")

    @override
    def trouble(self) -> str | None:
        if not self.ticker.in_time:
            return (
                "the dialer is late with the audio of the calls that it has: it takes more calls by itself when it is "
                "in time again"
            )
        now = monotonic_seconds()
        troubles = [line.trouble(now) for line in self._lines.values()]
        if not troubles:
            return "there is no trunk: add one with `paceline trunk add`, or set PACELINE_SIP_TRUNK"
        return None if None in troubles else troubles[0]

    @override
    async def place(self, call: OutboundCall, *, not_before: float, send_by: float) -> LiveCall:
        # A timer may fire within the last millisecond before its time.
        while (wait := not_before - monotonic_seconds()) > 0:  # noqa: ASYNC110 - the clock itself is what is waited for
            await asyncio.sleep(wait)
        if monotonic_seconds() > send_by:
            raise TooLate
        if not self.ticker.in_time:
            raise NoTrunk(self.trouble())
        return await self._place_somewhere(call, send_by)

    async def _place_second_leg(self, call: OutboundCall) -> SipCall:
        """Place the second leg of a transfer now; raises NoTrunk."""
        if not self.ticker.in_time:
            raise NoTrunk(self.trouble())
        return await self._place_somewhere(call, monotonic_seconds() + call.ring_seconds)

    async def _place_somewhere(self, call: OutboundCall, send_by: float) -> SipCall:
        """Try the trunks of a number's route in turn; raises NoTrunk when none took the call."""
        why: str | None = None
        said_by_network: SipCall | None = None
        for turn, line in enumerate(in_order(self._lines.values(), call.e164)):
            now = monotonic_seconds()
            if now > send_by:
                break
            why = line.trouble(now)
            if why is not None:
                continue
            leg = call.fence if turn == 0 else f"{call.fence}.{turn}"
            try:
                await wait_for_place(self._places, line.trunk, leg, until=send_by)
            except TrunkFull as full:
                why = full.message
                continue
            live = self._send(call, line, leg)
            word = await self._first_word(live)
            if word is None or not _may_move_on(word):
                return live
            why = f"the trunk {line.trunk.title} did not take the call"
            said_by_network = live if word.q850 is not None else None
        if said_by_network is not None:
            return said_by_network  # 503 with a cause is the network's word on this callee, and a result
        raise NoTrunk(why or "no trunk takes this number: its prefix has none")

    async def _first_word(self, live: SipCall) -> sip.Failed | None:
        """Wait until a call is taken or failed; None also when nothing was heard for long enough."""
        try:
            return await live.first_word(self._manners.patience_seconds)
        except TimeoutError:
            live.patience_over()
            return None
        except asyncio.CancelledError:
            await live.hang_up()
            raise

    def _send(self, call: OutboundCall, line: TrunkLine, call_id: str) -> SipCall:
        """Send the INVITE; raises NoTrunk where we cannot."""
        try:
            pair = self._ports.take()
        except NoPort as error:
            self._places.give_back(call_id)
            raise NoTrunk(error.message) from error
        live = SipCall(
            call,
            prompts=self._prompts,
            recordings=self._recordings,
            pace_of_time=self.pace_of_time,
            place=self._place_second_leg,
            hang_up=partial(self._agent.hang_up, call_id),
            unheard=partial(self._unheard, line, call_id),
        )
        manners = self._manners
        port = live.open_line(
            pair, self.ticker, self._ports.give_back, manners.note_quality, home=manners.advertised_host
        )
        try:
            order = self._order(call, line, call_id, port)
            line.breaker.tried(live.sent_at)
            self._live[live] = call_id
            self._agent.place(order, partial(self._hear, live, line))
        except (BadArgument, TooManyCalls) as error:
            self._live.pop(live, None)
            self._places.give_back(call_id)
            live.close_line()
            raise NoTrunk(error.message) from error
        return live

    def _order(self, call: OutboundCall, line: TrunkLine, call_id: str, port: int) -> Order:
        trunk = line.trunk
        if line.address is None:
            raise BadArgument("The trunk's name is not resolved.")
        caller = self._caller(call, trunk)
        return Order(
            call_id=call_id,
            callee=dialled_uri(call.e164, host=uri_host(trunk.host), port=trunk.port),
            caller=caller,
            # Nobody's number asserts nothing.
            asserted_identity=caller if trunk.asserted_identity and caller != _ANONYMOUS else None,
            trunk=line.address,
            local=LocalMedia(host=self._manners.advertised_host, port=port, session_id=secrets.randbits(31)),
            credentials=trunk.credentials,
            ring_seconds=call.ring_seconds / self.pace_of_time,
            longest_seconds=call.longest_call_seconds / self.pace_of_time,
        )

    def _caller(self, call: OutboundCall, trunk: Trunk) -> NameAddr:
        """Return whose number is shown: the call's, else the trunk's, else nobody's; what is no number is nobody's."""
        # A trunk that knows us by a password wants to see its own domain; others see where we are.
        host = uri_host(trunk.host if trunk.credentials else self._manners.advertised_host)
        for shown in (call.caller_id, trunk.caller_id):
            with suppress(BadArgument):
                if shown is not None:
                    return NameAddr(uri=dialled_uri(shown, host=host))
        return _ANONYMOUS

    # What is heard.

    def _hear(self, live: SipCall, line: TrunkLine, event: sip.CallEvent | None) -> None:
        now = monotonic_seconds()
        match event:
            case sip.Failed(cause=sip.Cause.UNROUTABLE):
                line.breaker.refused(now)
            case sip.Failed(cause=sip.Cause.TIMED_OUT):
                line.breaker.silent(now)
            case sip.Failed(status=status, q850=None, retry_after_seconds=pause) if status == _UNAVAILABLE:
                line.breaker.overloaded(now, pause_seconds=pause)
            case sip.Provisional() | sip.Answered() | sip.Failed(status=int()):
                line.breaker.took()
            case _:
                pass
        if isinstance(event, sip.Failed | sip.Ended):
            self._over(live)
        live.hear(event)
        if line.breaker.doubtful:
            self._doubt(line)

    def _unheard(self, line: TrunkLine, call_id: str) -> None:
        """Note that a call's patience is over, and what that says of its trunk."""
        if self._agent.unheard(call_id):
            line.breaker.silent(monotonic_seconds())
            self._doubt(line)

    def _doubt(self, line: TrunkLine) -> None:
        """Have a trunk asked now; one that was taken away meanwhile is asked no more."""
        if self._lines.get(line.route.name) is line:
            self._watches[line.route.name].doubt()

    async def _note_lateness(self) -> None:
        while True:
            await asyncio.sleep(_LATENESS_SECONDS)
            self._manners.note_lateness(self.ticker.worst_lateness_seconds())

    def _over(self, live: SipCall) -> None:
        if (leg := self._live.pop(live, None)) is not None:
            self._places.give_back(leg)

    @override
    async def close(self) -> None:
        tasks = [self._lateness, *self._watching.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = list(self._live)
        for live in left:
            await live.hang_up()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                while not self._agent.quiet:  # noqa: ASYNC110 - the engine has no event for that nothing is left to say
                    await asyncio.sleep(_CLOSE_STEP_SECONDS)
        except TimeoutError:
            _log.warning("calls_not_said_goodbye_to", calls=self._agent.calls)
        for live in left:
            live.abandon()
        self._agent.close()
        self.ticker.close()


def _may_move_on(word: sip.Failed) -> bool:
    """Whether another trunk may be tried: nothing rang, and the trunk itself is why."""
    return word.silence_proven and (word.cause is sip.Cause.UNROUTABLE or word.status == _UNAVAILABLE)
