"""Hostile applications beside honest ones in the same interpreter process: each ends itself and nobody else.

The promise is one second on a machine that is not overloaded: the pool's patience is less. The machine that runs the
tests may be overloaded, so each test measures that as well: how long its processes stood in line for a processor, as
the kernel counts it, and how long a sound session took to begin in the same minute. Both are allowed on top.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from services.dialer.application import DOCUMENT_BYTES
from services.dialer.wiring import INTERPRETER_ANSWER_SECONDS
from shared.adapters.egress.caching import CachingFetcher
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.interpreter.pool import HostedSession, InterpreterPool, SessionLost
from shared.clock import monotonic_seconds
from shared.domain.egress import EgressPolicy
from shared.ports.fetching import FetchFailed
from shared.voicexml.effects import Effect, Exit, Fetch, Play, Speech, StartTimer
from shared.voicexml.events import (
    Digit,
    Event,
    Fetched,
    PlayEnded,
    SessionVariables,
    Start,
    TimerFired,
)
from shared.voicexml.events import FetchFailed as NotFetched

#: After which a test has failed, whatever the machine does.
PATIENCE_SECONDS: Final = 480.0

#: What a hostile document may take until its session is over, and each of its steps.
PROMISED_SECONDS: Final = 1.0

#: When a session is given up here: later than by a dialer, so that no honest one is where the machine is busy.
ANSWER_SECONDS: Final = 2.0

#: What a machine does meanwhile is not all counted: it spoils a measurement, and does not spoil three.
MEASUREMENTS: Final = 3

#: How often it is looked how long a process stood in line; one that is ended takes its number along.
_LOOK_SECONDS: Final = 0.02

#: No process id: what all wait for.
_EVERY_PROCESS: Final = 0

#: Of one hostile call: a loop that waits for the caller each time would go on for ever, and may.
MOST_EVENTS: Final = 400

#: What may go on: they wait for their caller, each key costs a bounded time, and the caller may hang up.
HARMLESS: Final = frozenset({"grammar of repeats", "a thousand ambiguous grammars"})

URL: Final = "http://app.example/start"

ECHO: Final = """<form><field name="n" type="digits?length=1"><prompt>Number?</prompt>
<filled><prompt>You said <value expr="n"/></prompt><clear namelist="n"/></filled></field></form>"""


def vxml(content: str) -> bytes:
    """Wrap dialogs into a document."""
    return f'<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">{content}</vxml>'.encode()


def script(source: str) -> bytes:
    """Run a script again and again, whatever becomes of it."""
    return vxml(
        f"<form id='a'><block><script><![CDATA[{source}]]></script></block>"
        "<catch event='error'><goto next='#a'/></catch></form>"
    )


def grammar(rules: str) -> bytes:
    """Listen for a grammar."""
    return vxml(
        f"<form><field name='f'><grammar mode='dtmf' version='1.0' root='r'>{rules}</grammar></field></form>"
    )


HOSTILE: Final[Mapping[str, bytes]] = {
    "endless loop": script("while (true);"),
    "regular expression bomb": script("/(a+)+$/.test('a'.repeat(60) + 'b');"),
    "heap bomb": script("var a = []; while (true) a.push('x'.repeat(1000) + a.length);"),
    "search that no limit of the engine interrupts": script(
        "'a'.repeat(7e6).indexOf('a'.repeat(3e6) + 'b');"
    ),
    "recursion": script("(function f() { f(); })();"),
    "promise of more": script("var f = () => Promise.resolve().then(f); f(); while (true) f();"),
    "entity bomb": b"<!DOCTYPE vxml [<!ENTITY a 'aaaaaaaaaa'>"
    + b"".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>".encode() for n in range(20))
    + b"]><vxml version='2.1'><form><block>&u;</block></form></vxml>",
    "external entity": b"<!DOCTYPE vxml [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
    b"<vxml version='2.1'><form><block>&a;</block></form></vxml>",
    "as large as may be": b"<vxml version='2.1'><form><block>"
    + b"<log/>" * 340_000
    + b"</block></form></vxml>",
    "deep": b"<vxml version='2.1'>" + b"<form>" * 200_000 + b"</form>" * 200_000 + b"</vxml>",
    "recursive grammar": grammar("<rule id='r'><ruleref uri='#r'/>1</rule>"),
    "grammar of repeats": grammar(
        "<rule id='r'>" + "<item repeat='0-'>" * 20 + "1" + "</item>" * 20 + "</rule>"
    ),
    "a thousand ambiguous grammars": vxml(
        "<form><field name='f'>"
        + (
            "<grammar mode='dtmf' version='1.0' root='r'><rule id='r'><item repeat='1-50'><one-of>"
            + "<item repeat='0-9'>1</item>" * 20
            + "</one-of></item>2</rule></grammar>"
        )
        * 300
        + "</field></form>"
    ),
    "goto loop": vxml("<form id='a'><block><goto next='#a'/></block></form>"),
    "goto loop by documents": vxml("<form><block><goto next='start'/></block></form>"),
    "subdialog recursion": vxml("<form id='a'><subdialog src='#a'/></form>"),
    "event loop": vxml(
        "<catch event='x'><throw event='x'/></catch><form><block><throw event='x'/></block></form>"
    ),
    "guard that is never done": vxml("<form><block name='b'><clear namelist='b'/></block></form>"),
    "much to say": vxml(
        "<form><var name='l' expr='new Array(100000)'/><block><foreach item='i' array='l'>"
        "<prompt>0123456789012345678901234567890123456789</prompt></foreach></block></form>"
    ),
}


class Hostile:
    """A call with a hostile document, whose caller presses 1 whenever there is time for a key."""

    def __init__(self, session: HostedSession, document: bytes) -> None:
        self._session = session
        self._document = document
        self.took_seconds = 0.0
        self.slowest_step_seconds = 0.0

    async def run(self) -> str:
        """Run the call to its end; returns how it ended."""
        began = monotonic_seconds()
        try:
            return await self._converse()
        except SessionLost:
            return "given up"
        finally:
            self.took_seconds = monotonic_seconds() - began

    async def _converse(self) -> str:
        pending: list[Event] = []
        effects = await self._step(self._session.begin())
        for _ in range(MOST_EVENTS):
            for effect in effects:
                if isinstance(effect, Exit):
                    return effect.event or effect.reason
                pending.extend(_answers(effect, self._document))
            if not pending:
                return "waits"
            effects = await self._step(self._session.handle(pending.pop(0)))
        return "goes on"

    async def _step(self, step: Awaitable[tuple[Effect, ...]]) -> tuple[Effect, ...]:
        began = monotonic_seconds()
        try:
            return await step
        finally:
            self.slowest_step_seconds = max(self.slowest_step_seconds, monotonic_seconds() - began)


class Queueing:
    """How long this process and the pool's stood in line for a processor, and for how long this one was stopped."""

    def __init__(self, pool: InterpreterPool) -> None:
        self._pool = pool
        self._before = self._look()
        self._latest = dict(self._before)
        self._stopped_seconds = 0.0

    async def watch(self) -> None:
        """Look again and again, because a process may be gone at the end."""
        while True:
            self._latest |= self._look()
            began, accounted = monotonic_seconds(), sum(_accounted_seconds(os.getpid()))
            await asyncio.sleep(_LOOK_SECONDS)
            accounted = sum(_accounted_seconds(os.getpid())) - accounted
            self._stopped_seconds += max(0.0, monotonic_seconds() - began - _LOOK_SECONDS - accounted)

    def seconds(self) -> float:
        """Return the sum since the beginning."""
        self._latest |= self._look()
        queued = sum(seconds - self._before.get(pid, 0.0) for pid, seconds in self._latest.items())
        return queued + self._stopped_seconds

    def _look(self) -> dict[int, float]:
        waited = {pid: _accounted_seconds(pid)[1] for pid in (os.getpid(), *self._pool.pids)}
        return waited | {_EVERY_PROCESS: _stolen_seconds()}


def _accounted_seconds(pid: int) -> tuple[float, float]:
    """Read the kernel's count of the time on a processor and in line for one; without one nothing is allowed for."""
    try:
        ran, queued, _ = map(int, Path(f"/proc/{pid}/schedstat").read_text().split())
    except (OSError, ValueError):
        return 0.0, 0.0
    return ran / 1e9, queued / 1e9


def _stolen_seconds() -> float:
    """Read for how long this machine, where it is a virtual one, stood in line for all of its processors."""
    # Since the start: user, nice, system, idle, iowait, irq, softirq, steal.
    ticks = Path("/proc/stat").read_text().split(maxsplit=9)[8]
    return int(ticks) / os.sysconf("SC_CLK_TCK")


def _answers(effect: Effect, document: bytes) -> list[Event]:
    match effect:
        case Fetch(fetch_id=fetch_id):
            return [Fetched(fetch_id=fetch_id, url=URL, status=200, content_type="text/xml", body=document)]
        case Play(play_id=play_id):
            return [PlayEnded(play_id=play_id)]
        case StartTimer(timer_id=timer_id, after_ms=after_ms) if after_ms <= 5_000:
            return [Digit(key="1"), Digit(key="1"), TimerFired(timer_id=timer_id)]
        case _:
            return []


def start() -> Start:
    """Make a Start."""
    variables = SessionVariables(session_id="s", ani="+12125550100", dnis="+12125550109")
    return Start(url=URL, session_variables=variables, seed=1, now=1_800_000_000.0)


class Neighbour:
    """An honest call: it is asked for a number, and hears it back, over and over."""

    def __init__(self, session: HostedSession) -> None:
        self._session = session
        self._play_id = 0
        self.answers = 0
        self.slowest_seconds = 0.0

    async def begin(self) -> None:
        """Come to the first question."""
        await self._session.begin()
        effects = await self._session.handle(
            _answers(Fetch(fetch_id=1, method="GET", url=URL, timeout_ms=1), vxml(ECHO))[0]
        )
        self._note(effects)

    async def press(self, key: str) -> None:
        """Press a key during the question, and hear it back."""
        began = monotonic_seconds()
        effects = await self._session.handle(Digit(key=key))
        said = [
            segment.text
            for effect in effects
            if isinstance(effect, Play)
            for segment in effect.segments
            if isinstance(segment, Speech)
        ]
        assert said == ["You said", key, "Number?"]
        self.slowest_seconds = max(self.slowest_seconds, monotonic_seconds() - began)
        self.answers += 1
        self._note(effects)

    def _note(self, effects: tuple[Effect, ...]) -> None:
        self._play_id = next(effect.play_id for effect in effects if isinstance(effect, Play))


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_ends_only_its_own_session(name: str) -> None:
    """It ends within a second, by an error or by being given up; its neighbour's prompts come on time meanwhile."""
    late: dict[str, float] = {}
    for _ in range(MEASUREMENTS):
        if not (late := await _late_beside(name)):
            return
    pytest.fail(f"More than a second, {MEASUREMENTS} times: {late}")


async def _late_beside(name: str) -> dict[str, float]:
    """Call with a hostile document beside an honest one; returns by how many seconds what took too long."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        began = monotonic_seconds()
        async with InterpreterPool(processes=1, answer_timeout_s=ANSWER_SECONDS) as pool:
            neighbour = Neighbour(await pool.open(start()))
            await neighbour.begin()
            sound_seconds = monotonic_seconds() - began
            hostile = Hostile(await pool.open(start()), HOSTILE[name])
            queueing = Queueing(pool)
            watching = asyncio.create_task(queueing.watch())
            running = asyncio.create_task(hostile.run())
            while not running.done():
                await neighbour.press("7")
                await asyncio.sleep(0.01)
            await neighbour.press("8")
            watching.cancel()
    ended = running.result()
    assert ended != "waits"
    assert ended != "goes on" or name in HARMLESS
    late_seconds = ANSWER_SECONDS - INTERPRETER_ANSWER_SECONDS if ended == "given up" else 0.0
    allowed_seconds = PROMISED_SECONDS + late_seconds + sound_seconds + queueing.seconds()
    beyond = {
        "a step": hostile.slowest_step_seconds - allowed_seconds,
        "the call": 0.0 if name in HARMLESS else hostile.took_seconds - allowed_seconds,
        # Whoever lives in a process that is ended waits for the next one to begin, and no longer.
        "its neighbour": neighbour.slowest_seconds - allowed_seconds - sound_seconds,
    }
    return {what: seconds for what, seconds in beyond.items() if seconds > 0}


@asynccontextmanager
async def _site(path: str, answer: web.StreamResponse | None = None) -> AsyncIterator[str]:
    async def respond(request: web.BaseRequest) -> web.StreamResponse:
        if answer is None:
            raise web.HTTPFound(path)
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except (ConnectionError, asyncio.CancelledError):
            return response

    async with RawTestServer(respond) as server:
        yield str(server.make_url(path))


@pytest.mark.parametrize(
    ("endless_answer", "reason"),
    [(False, "redirects"), (True, "larger than")],
    ids=["redirect loop", "no end"],
)
async def test_a_server_that_leads_nowhere_is_a_bad_fetch(*, endless_answer: bool, reason: str) -> None:
    """A redirect loop and an answer that never ends fail in a sentence, and the session ends with it."""
    policy = EgressPolicy(allow=(ip_network("127.0.0.1"),))
    answer = web.StreamResponse() if endless_answer else None
    async with (
        _site("/start", answer) as url,
        guarded_session(policy) as http,
        InterpreterPool(processes=1, answer_timeout_s=ANSWER_SECONDS) as pool,
    ):
        store = CachingFetcher(GuardedFetcher(http, policy), clock=monotonic_seconds)
        with pytest.raises(FetchFailed, match=reason) as failed:
            await store.fetch_stored(
                url, max_age_s=-1, max_stale_s=-1, timeout_s=PATIENCE_SECONDS, max_bytes=DOCUMENT_BYTES
            )
        session = await pool.open(start())
        await session.begin()
        effects = await session.handle(NotFetched(fetch_id=1, reason=failed.value.message))
    assert isinstance(effects[-1], Exit)
    assert effects[-1].event == "error.badfetch"
