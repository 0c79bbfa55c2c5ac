"""The SIP telephony of a test: the real one, on the loopback, with timers that fit a test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import override

from shared.adapters.sip_trunk.opening import SipSettings, open_sip_telephony
from shared.adapters.sip_trunk.report_line import Quality
from shared.adapters.sip_trunk.rtp_ports import PortRange
from shared.adapters.sip_trunk.telephony import SipTelephony
from shared.adapters.sip_trunk.trunk import Trunk
from shared.adapters.sip_trunk.watch import WatchTimes
from shared.domain.routing import Route
from shared.ports.fetching import DocumentFetcher, FetchedDocument, FetchFailed
from shared.ports.recordings import Recordings
from shared.ports.trunk_places import TrunkPlaces
from shared.sip.digest import Credentials
from shared.sip.timing import Timings
from shared.telephony.port import Answered, CallEvent, Ended, LiveCall, OutboundCall, Telephony
from tests.sip.callee import PATIENCE_SECONDS, need

#: 64*T1 is three seconds: nothing is waited for in vain for long.
QUICK: Final = Timings(t1_seconds=0.05, t2_seconds=0.4, t4_seconds=0.1)
#: Slower than RFC 3261 has it: on the loopback nothing is lost, and SIPp gives a call up whose INVITE comes again
#: between its 200 and our ACK, as it does where a busy machine keeps either of us from its work for longer than T1.
STEADY: Final = Timings(t1_seconds=8.0, t2_seconds=0.5, t4_seconds=0.1)

MANY_PORTS: Final = PortRange(40_000, 49_999)


@dataclass
class Shelf(DocumentFetcher):
    """Documents by URL."""

    documents: dict[str, FetchedDocument] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    @override
    async def fetch(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
        max_bytes: int,
        follow_redirects: bool = False,
    ) -> FetchedDocument:
        self.fetched.append(url)
        if url not in self.documents:
            raise FetchFailed("Nobody is there.", sent=False)
        return self.documents[url]


@dataclass
class Drawer(Recordings):
    """Recordings by name."""

    kept: dict[str, bytes] = field(default_factory=dict)

    @override
    async def keep(self, name: str, wav: bytes) -> None:
        self.kept[name] = wav


def trunk(port: int, name: str = "sipp", *, pings: bool = False) -> Trunk:
    """Return a trunk to a port of the loopback, with a password that scenarios know."""
    return Trunk(
        route=Route(name=name),
        host="127.0.0.1",
        port=port,
        credentials=Credentials(username="alice", password="secret"),
        pings=pings,
    )


@asynccontextmanager
async def caller(
    *trunks: Trunk,
    pace_of_time: float = 1.0,
    shelf: Shelf | None = None,
    drawer: Drawer | None = None,
    timings: Timings = STEADY,
    patience_seconds: float = PATIENCE_SECONDS,
    note_quality: Callable[[Quality], None] = lambda _: None,
    places: TrunkPlaces | None = None,
    rtp_ports: PortRange = MANY_PORTS,
) -> AsyncIterator[SipTelephony]:
    """Open the telephony on a free port."""
    need("espeak-ng", "espeak-ng")
    settings = SipSettings(
        host="127.0.0.1",
        port=0,
        rtp_ports=rtp_ports,
        max_calls=1000,
        timings=timings,
        watch=WatchTimes(period_seconds=0.5, doubt_seconds=0.2, answer_seconds=0.2),
        patience_seconds=patience_seconds,
        sound_patience_seconds=PATIENCE_SECONDS,
        pace_of_time=pace_of_time,
        late_share=1.0,  # a busy machine is no defect
        note_quality=note_quality,
    )
    async with open_sip_telephony(
        settings, trunks, fetcher=shelf or Shelf(), recordings=drawer or Drawer(), places=places
    ) as telephony:
        yield telephony


def call_to(
    fence: str = "fence1",
    *,
    ring_seconds: float = PATIENCE_SECONDS,
    longest_call_seconds: float = PATIENCE_SECONDS,
    post_dial: str | None = None,
    caller_id: str | None = "+12025550199",
) -> OutboundCall:
    """Return a call; SIPp does not mind whom it is for."""
    return OutboundCall(
        e164="+12025550123",
        caller_id=caller_id,
        post_dial=post_dial,
        fence=fence,
        ring_seconds=ring_seconds,
        longest_call_seconds=longest_call_seconds,
    )


async def place(telephony: Telephony, call: OutboundCall) -> LiveCall:
    """Place a call now."""
    now = asyncio.get_running_loop().time()
    return await telephony.place(call, not_before=now, send_by=now + PATIENCE_SECONDS)


async def follow(live: LiveCall, *, talk_seconds: float | None = 0.2) -> list[CallEvent]:
    """Follow a call to its end; hang up so long after the answer, never where it is None."""
    events: list[CallEvent] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            events.append(event)
            if isinstance(event, Answered) and talk_seconds is not None:
                asyncio.get_running_loop().call_later(
                    talk_seconds, lambda: asyncio.ensure_future(live.hang_up())
                )
    return events


def the_end(events: list[CallEvent]) -> Ended:
    """Return the last event, which must be the only end."""
    assert sum(isinstance(event, Ended) for event in events) == 1
    end = events[-1]
    assert isinstance(end, Ended)
    return end
