"""The caller of the SIP bench: a process with our telephony and nothing else, whose processor time is what is measured.

`sip_caller.py media PORT CALLS RATE SECONDS` holds so many calls at once, each playing a prompt without end, and looks
at so many seconds in the middle; `sip_caller.py setup PORT CALLS RATE` places calls that end with their answer, at a
rate, or as fast as they can be at 0; `sip_caller.py soak PORT CALLS ROUNDS` does so in rounds, and looks after each at
what is left when the last call was forgotten. The last line, in JSON, tells what was seen; with `media` a line before
it says when looking begins, and one when it is over.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
import uvloop
from typing_extensions import override

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script's folder is on the path, the project's is not

from shared.adapters.sip_trunk.audio_line import AudioLine
from shared.adapters.sip_trunk.opening import SipSettings, open_sip_telephony
from shared.adapters.sip_trunk.rtp_ports import PortRange
from shared.adapters.sip_trunk.sip_call import SipCall
from shared.adapters.sip_trunk.telephony import SipTelephony
from shared.adapters.sip_trunk.ticker import FRAME_SECONDS, Ticked
from shared.adapters.sip_trunk.trunk import Trunk
from shared.domain.routing import Route
from shared.ports.fetching import DocumentFetcher, FetchedDocument, FetchFailed
from shared.ports.recordings import Recordings
from shared.process import spare_the_collector
from shared.telephony.port import Answered, Ended, OutboundCall, PlayEnded, Speech

PROMPT: Final = (
    Speech("This is a prompt of the usual length, which is played to the callee over and over again."),
)
#: Call analysis has made up its mind about an echo by then, and the last call's first prompt is made.
SETTLE_SECONDS: Final = 3.0
#: Calls that end with their answer: so many may be on their way at once.
IN_FLIGHT: Final = 50
#: Below the ports that the kernel gives to SIPp.
RTP_PORTS: Final = PortRange(10_000, 32_766)


class NoDocuments(DocumentFetcher):
    """Prompts are spoken."""

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
        raise FetchFailed("There is nothing to fetch.", sent=False)


class NoRecordings(Recordings):
    """Nothing is recorded."""

    @override
    async def keep(self, name: str, wav: bytes) -> None:
        """Forget it."""


class Turns(Ticked):
    """When its turns came: a call's turns, seen by one that does nothing in them."""

    def __init__(self) -> None:
        self.at: list[float] = []

    @override
    def tick(self) -> None:
        self.at.append(time.perf_counter())

    def lateness_ms(self) -> list[float]:
        """Return how late each turn was, against a clock that was never late in its earliest turn."""
        offsets = [at - index * FRAME_SECONDS for index, at in enumerate(self.at)]
        earliest = min(offsets)
        return sorted((offset - earliest) * 1000 for offset in offsets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """Of all live calls."""

    sent: int
    received: int
    #: By the sequence numbers of those that came.
    missing: int


@dataclass
class Calls:
    """What became of the calls."""

    telephony: SipTelephony
    holds: bool
    live: list[SipCall] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    answered: int = 0
    ended_well: int = 0
    not_placed: int = 0
    call_seconds: float = 0.0

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run a call beside the others."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def run(self, number: int) -> None:
        """Place one call and follow it to its end."""
        now = asyncio.get_running_loop().time()
        call = OutboundCall(
            e164=f"+1202555{number % 10_000:04}",
            caller_id=None,
            post_dial=None,
            fence=f"call{number}-{now:.6f}",
            ring_seconds=30,
            longest_call_seconds=3600,
        )
        try:
            live = await self.telephony.place(call, not_before=now, send_by=now + 30)
        except Exception as error:  # noqa: BLE001 - counted: the bench tells how many calls failed
            print(error, file=sys.stderr)
            self.not_placed += 1
            return
        assert isinstance(live, SipCall)
        await self._follow(live)

    async def _follow(self, live: SipCall) -> None:
        answered_at = 0.0
        async for event in live.events():
            match event:
                case Answered():
                    self.answered += 1
                    answered_at = time.perf_counter()
                    if not self.holds:
                        await live.hang_up()
                        continue
                    self.live.append(live)
                    await live.play(1, PROMPT, bargein=False)
                case PlayEnded():
                    await live.play(1, PROMPT, bargein=False)
                case Ended(ending):
                    self.call_seconds += time.perf_counter() - answered_at
                    self.ended_well += ending.sip_status == 200
                case _:
                    pass

    def packets(self) -> Packets:
        """Return what all live calls have sent and received."""
        lines = [line for call in self.live if isinstance(line := call._line, AudioLine)]
        receptions = [line._reports._reporting.reception for line in lines if line._reports._reporting]
        return Packets(
            sent=sum(line._out.packets for line in lines if line._out),
            received=sum(line.received for line in lines),
            missing=sum(reception.lost for reception in receptions),
        )


async def hold(calls: Calls, count: int, rate: float) -> None:
    """Place calls at a rate, and wait until all have been answered and listened to."""
    for number in range(count):
        calls.start(calls.run(number))
        await asyncio.sleep(1 / rate)
    async with asyncio.timeout(60):
        while calls.answered + calls.not_placed < count:
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE_SECONDS)


async def media(calls: Calls, count: int, rate: float, seconds: float) -> dict[str, float]:
    """Hold calls and look at them."""
    before = time.process_time()
    await hold(calls, count, rate)
    turns = Turns()
    calls.telephony.ticker.add(turns)
    earlier = calls.packets()
    print("begins", flush=True)
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    cpu, passed = time.process_time() - cpu, time.perf_counter() - began
    later = calls.packets()
    print("is over", flush=True)
    calls.telephony.ticker.remove(turns)
    held = len(calls.live)
    for live in calls.live:
        await live.hang_up()
        await asyncio.sleep(1 / rate)
    async with asyncio.timeout(30):
        while calls.tasks:
            await asyncio.sleep(0.1)
    late = turns.lateness_ms()
    return {
        "calls": held,
        "ended_well": calls.ended_well,
        "cpu_ms": cpu * 1000 / (held * passed),
        "cpu_ms_in_all": (time.process_time() - before) * 1000 / calls.call_seconds,
        "sent": later.sent - earlier.sent,
        "lost": later.sent - earlier.sent - later.received + earlier.received,
        "missing": later.missing - earlier.missing,
        "due": held * passed / FRAME_SECONDS,
        "late_p50_ms": late[len(late) // 2],
        "late_p99_ms": late[len(late) * 99 // 100],
        "late_max_ms": late[-1],
    }


async def setup(calls: Calls, count: int, rate: float) -> dict[str, float]:
    """Place calls that end with their answer."""
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        while len(calls.tasks) >= IN_FLIGHT and not rate:
            await asyncio.wait(calls.tasks, return_when=asyncio.FIRST_COMPLETED)
        calls.start(calls.run(number))
        if rate:
            await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.perf_counter()))
    while calls.tasks:
        await asyncio.wait(calls.tasks)
    passed = time.perf_counter() - began
    return {
        "calls": count,
        "ended_well": calls.ended_well,
        "per_second": count / passed,
        "cpu_ms": (time.process_time() - cpu) * 1000 / count,
    }


async def soak(calls: Calls, count: int, rounds: int) -> list[dict[str, float]]:
    """Place calls in rounds; return what is left after each, when the engine has forgotten the last of them."""
    telephony, found = calls.telephony, []
    for turn in range(rounds + 1):
        if turn:
            await setup(calls, count, 0)
        async with asyncio.timeout(60):
            while telephony._agent.calls or telephony._ports.free < len(RTP_PORTS.even):
                await asyncio.sleep(0.5)
        gc.collect()
        found.append(
            {
                "calls": turn * count,
                "ended_well": calls.ended_well,
                "rtp_ports": len(RTP_PORTS.even) - telephony._ports.free,
                "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names are all that is wanted
                "tasks": len(asyncio.all_tasks()),
                "alarms": len(telephony._agent._wakes),
                "objects": len(gc.get_objects()),
                "resident_mb": resident_bytes() / 1e6,
            }
        )
    return found


def resident_bytes() -> int:
    """Return how much memory this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def main(kind: str, port: int, count: int, rate: float, seconds: float = 0.0) -> None:
    """Do what the command line says; what was found is all of the standard output."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = SipSettings(
        host="127.0.0.1",
        port=0,
        rtp_ports=RTP_PORTS,
        max_calls=2000,
        late_share=1.0,  # more is asked for than a late clock would take: its lateness is among the figures
    )
    trunk = Trunk(route=Route(name="sipp"), host="127.0.0.1", port=port, pings=False)
    async with open_sip_telephony(
        settings, [trunk], fetcher=NoDocuments(), recordings=NoRecordings()
    ) as telephony:
        calls = Calls(telephony, holds=kind == "media")
        spare_the_collector()  # as a dialer does
        if kind == "media":
            found = [await media(calls, count, rate, seconds)]
        elif kind == "soak":
            found = await soak(calls, count, int(rate))
        else:
            found = [await setup(calls, count, rate)]
        print(json.dumps(found))


if __name__ == "__main__":
    _, kind, *numbers = sys.argv
    port, count, rate = int(numbers[0]), int(numbers[1]), float(numbers[2])
    uvloop.run(main(kind, port, count, rate, *map(float, numbers[3:])))
