"""VoiceXML sessions: what one weighs, how many calls a core completes, and what they do to somebody else's clock.

The reference call is a small application of every kind of thing: a root document with a script, a greeting, a question
answered by a key, a subdialog with a parameter, and an exit with values. Documents come from memory; nothing is played.
"""

import asyncio
import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rows import Row, Table

from shared.adapters.interpreter.document_cache import DocumentCache
from shared.adapters.interpreter.pool import HostedSession, InterpreterPool
from shared.voicexml.effects import Effect, Exit, Fetch, Listen, Play
from shared.voicexml.events import Digit, Event, Fetched, PlayEnded, SessionVariables, Start
from shared.voicexml.session import Session

LIVE_SESSIONS: Final = 2_000
CALLS: Final = 1_000
ANSWERS_PER_SECOND: Final = 50
TICKER_SECONDS: Final = 10.0
TICK_SECONDS: Final = 0.020
#: Far above anything that happens here; a machine that is busy with other things is not what is measured.
ANSWER_TIMEOUT_SECONDS: Final = 10.0

BASE: Final = "http://app.example/"
_HEAD: Final = '<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml"'
DOCUMENTS: Final[Mapping[str, bytes]] = {
    BASE + "start": f"""{_HEAD} application="root"><var name="answer"/>
<form id="reminder"><block><prompt>Hello. <value expr="greeting('you')"/></prompt></block>
<field name="choice" type="digits?length=1"><prompt>Press 1 to confirm, or 2 if you cannot come.</prompt>
<noinput><reprompt/></noinput>
<filled><if cond="choice == '1'"><assign name="answer" expr="'confirmed'"/><else/>
<assign name="answer" expr="'cannot come'"/></if></filled></field>
<subdialog name="thanks" src="sub"><param name="what" expr="answer"/></subdialog>
<block><exit namelist="answer thanks.said"/></block></form></vxml>""".encode(),
    BASE + "root": f"""{_HEAD}><var name="calls" expr="0"/>
<script>function greeting(name) {{ calls = calls + 1; return 'Good day to ' + name + '.'; }}</script>
<catch event="connection.disconnect"><exit/></catch></vxml>""".encode(),
    BASE + "sub": f"""{_HEAD}><form><var name="what"/><var name="said"/>
<block><prompt>Your answer is <value expr="what"/>.</prompt><assign name="said" expr="what.length"/>
<return namelist="said"/></block></form></vxml>""".encode(),
}


async def measure() -> Sequence[Row | Table]:
    """Measure one host process, one core, and a ticker beside it."""
    weight = await _weigh()
    alone, hosted = _calls_in_this_process(), await _calls_in_a_host()
    quiet = await _lateness(answers_per_second=0)
    busy = await _lateness(answers_per_second=ANSWERS_PER_SECOND)
    lines = [("no calls", *_shown(quiet)), (f"{ANSWERS_PER_SECOND} answers a second", *_shown(busy))]
    return [
        weight,
        Row("reference calls, of processor time of this process", alone),
        Row("reference calls, through one host process", hosted),
        Table("lateness of a 20 ms ticker, ms", ["beside", "p50", "p99", "longest"], lines),
    ]


class _Conversation:
    """The reference caller: hears everything, presses 1."""

    def __init__(self) -> None:
        self.waits = False
        self.exited = False

    def answers(self, effects: Sequence[Effect]) -> Iterator[Event]:
        for effect in effects:
            match effect:
                case Fetch(fetch_id=fetch_id, url=url):
                    yield Fetched(
                        fetch_id=fetch_id, url=url, status=200, content_type="text/xml", body=DOCUMENTS[url]
                    )
                case Play(play_id=play_id) if not effect.bargein:
                    yield PlayEnded(play_id=play_id)
                case Listen():
                    self.waits = True
                case Exit(reason=reason):
                    assert reason == "exit", effect
                    self.exited = True
                case _:
                    pass


def _start(number: int) -> Start:
    variables = SessionVariables(session_id=str(number), ani="+12125550100", dnis="+12125550109")
    return Start(url=BASE + "start", session_variables=variables, seed=number, now=1_800_000_000.0)


def _calls_in_this_process() -> float:
    """Return complete calls per second of processor time."""
    cache = DocumentCache()
    began = time.process_time()
    for number in range(CALLS):
        session, caller = Session(_start(number), cache.load), _Conversation()
        pending = list(caller.answers(session.begin()))
        while not caller.exited:
            if not pending:
                pending.append(Digit(key="1"))
            pending.extend(caller.answers(session.handle(pending.pop(0))))
    return CALLS / (time.process_time() - began)


async def _until_it_waits(session: HostedSession, caller: _Conversation) -> None:
    pending = list(caller.answers(await session.begin()))
    while pending:
        pending.extend(caller.answers(await session.handle(pending.pop(0))))
    assert caller.waits


async def _to_its_end(session: HostedSession, caller: _Conversation) -> None:
    pending: list[Event] = [Digit(key="1")]
    while not caller.exited:
        pending.extend(caller.answers(await session.handle(pending.pop(0))))


async def _calls_in_a_host() -> float:
    async with InterpreterPool(processes=1, answer_timeout_s=ANSWER_TIMEOUT_SECONDS) as pool:

        async def some(first: int) -> None:
            for number in range(first, CALLS, 20):
                session, caller = await pool.open(_start(number)), _Conversation()
                await _until_it_waits(session, caller)
                await _to_its_end(session, caller)

        began = time.perf_counter()
        await asyncio.gather(*(some(first) for first in range(20)))
        return CALLS / (time.perf_counter() - began)


async def _weigh() -> Table:
    async with InterpreterPool(processes=1, answer_timeout_s=ANSWER_TIMEOUT_SECONDS) as pool:
        warm = await pool.open(_start(0))
        await _until_it_waits(warm, _Conversation())
        (pid,) = pool.pids
        before = _resident_kib(pid)
        callers = []
        for number in range(LIVE_SESSIONS):
            session, caller = await pool.open(_start(number)), _Conversation()
            await _until_it_waits(session, caller)
            callers.append((session, caller))
        live = _resident_kib(pid)
        for session, caller in callers:
            await _to_its_end(session, caller)
        after = _resident_kib(pid)
        await warm.close()
    return Table(
        f"{LIVE_SESSIONS:,} live sessions in one host process",
        ["", "resident MiB", "KiB a session"],
        [
            ("before", f"{before / 1024:.0f}", ""),
            ("live, each at its question", f"{live / 1024:.0f}", f"{(live - before) / LIVE_SESSIONS:.0f}"),
            ("ended", f"{after / 1024:.0f}", ""),
        ],
    )


def _resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("Linux names the resident memory of a process.")


async def _lateness(*, answers_per_second: int) -> list[float]:
    """Return how late each tick came, in seconds, while calls are answered and ended at that rate."""
    gc.collect()
    async with InterpreterPool(processes=1, answer_timeout_s=ANSWER_TIMEOUT_SECONDS) as pool:
        calls: set[asyncio.Task[None]] = set()

        async def answer(number: int) -> None:
            session, caller = await pool.open(_start(number)), _Conversation()
            await _until_it_waits(session, caller)
            await _to_its_end(session, caller)

        loop = asyncio.get_running_loop()
        began, late, answered = loop.time(), [], 0
        for tick in range(1, int(TICKER_SECONDS / TICK_SECONDS) + 1):
            due = began + tick * TICK_SECONDS
            await asyncio.sleep(max(0.0, due - loop.time()))
            late.append(loop.time() - due)
            while answered < (due - began) * answers_per_second:
                task = asyncio.create_task(answer(answered))
                calls.add(task)
                task.add_done_callback(calls.discard)
                answered += 1
        await asyncio.gather(*calls)
        return late


def _shown(late: list[float]) -> tuple[str, str, str]:
    ordered = sorted(late)
    return (
        f"{ordered[len(ordered) // 2] * 1_000:.2f}",
        f"{ordered[len(ordered) * 99 // 100] * 1_000:.2f}",
        f"{ordered[-1] * 1_000:.2f}",
    )
