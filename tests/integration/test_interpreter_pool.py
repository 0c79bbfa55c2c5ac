"""The interpreter pool, with real processes: what survives what, and who is given up."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.adapters.interpreter.document_cache import DocumentCache
from shared.adapters.interpreter.pool import (
    HostedSession,
    InterpreterPool,
    InterpreterUnavailable,
    RequestRefused,
    SessionLost,
)
from shared.voicexml.codec import encode
from shared.voicexml.effects import Effect, Exit, Fetch, Listen, Play, Speech
from shared.voicexml.events import Digit, Event, Fetched, HungUp, PlayEnded, SessionVariables, Start

#: Nothing is waited for so long: a busy machine is no guilty session.
ANSWER_TIMEOUT_S = 60.0
#: Where a guilty one is: processor time, of which an honest event takes milliseconds.
GUILTY_AFTER_S = 0.8

#: Asks for a number, says it back with a random one, and asks again.
ECHO = """
<form>
  <field name="number" type="digits?length=1">
    <prompt>Number?</prompt>
    <filled>
      <prompt>You said <value expr="number"/> <value expr="Math.random()"/></prompt>
      <clear namelist="number"/>
    </filled>
  </field>
</form>
"""

#: Interrupted by the engine's own limit.
ENDLESS_SCRIPT = '<form><block><value expr="(function() { while (true); })()"/></block></form>'

#: A search in native code, which no limit of the engine interrupts; it would take hours.
ENDLESS_SEARCH = """
<form><block><value expr="'a'.repeat(7e6).indexOf('a'.repeat(3e6) + 'b')"/></block></form>
"""


def start(seed: int = 1) -> Start:
    """Make a Start."""
    variables = SessionVariables(session_id="s", ani="+12125550100", dnis="+12125550109")
    return Start(url="http://app.example/", session_variables=variables, seed=seed, now=1_800_000_000.0)


def document(content: str, fetch_id: int = 1) -> Fetched:
    """Answer the first fetch of a session."""
    body = f'<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">{content}</vxml>'
    return Fetched(
        fetch_id=fetch_id, url="http://app.example/", status=200, content_type="", body=body.encode()
    )


async def begun(pool: InterpreterPool, content: str = ECHO, seed: int = 1) -> HostedSession:
    """Open a session and bring it to its first wait in the document."""
    session = await pool.open(start(seed))
    await session.begin()
    await session.handle(document(content))
    return session


def spoken(effects: tuple[Effect, ...]) -> list[str]:
    """List the texts that are to be played."""
    plays = [effect for effect in effects if isinstance(effect, Play)]
    return [part.text for play in plays for part in play.segments if isinstance(part, Speech)]


async def killed(pool: InterpreterPool) -> None:
    """Kill the pool's process, as the system would, and wait until the pool has noticed."""
    process = pool._lanes[0]._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    await process._reading


def is_running(pid: int) -> bool:
    """Tell whether there is such a process, or what is left of one that nobody waited for."""
    return Path(f"/proc/{pid}").exists()


@pytest.fixture
async def pool() -> AsyncIterator[InterpreterPool]:
    """Give a pool of one process, so that the sessions of a test share it."""
    async with InterpreterPool(processes=1, answer_timeout_s=ANSWER_TIMEOUT_S) as started:
        yield started


@pytest.fixture
async def quick_pool() -> AsyncIterator[InterpreterPool]:
    """Give a pool of one process that soon gives up a session that holds it."""
    async with InterpreterPool(processes=1, answer_timeout_s=GUILTY_AFTER_S) as started:
        yield started


async def test_a_session_answers_from_its_process_as_it_would_in_ours(pool: InterpreterPool) -> None:
    """Effects cross the process border unchanged: a fetch, a prompt, a listening session, an exit."""
    session = await pool.open(start())
    (fetch,) = await session.begin()
    assert isinstance(fetch, Fetch)
    assert (fetch.method, fetch.url) == ("POST", "http://app.example/")
    play, listen = await session.handle(document(ECHO, fetch.fetch_id))
    assert spoken((play,)) == ["Number?"]
    assert isinstance(listen, Listen)
    effects = await session.handle(HungUp())
    assert isinstance(effects[-1], Exit)
    assert effects[-1].reason == "hangup"
    assert pool.sessions == 0


async def test_a_session_that_has_ended_has_no_effects_any_more(pool: InterpreterPool) -> None:
    """Events that arrive after Exit are answered with nothing, and closing it again is harmless."""
    session = await begun(pool)
    await session.handle(HungUp())
    assert await session.handle(Digit(key="1")) == ()
    await session.close()


async def test_an_endless_script_ends_only_its_own_session(pool: InterpreterPool) -> None:
    """The engine's limit stops `while(true)`, the neighbour goes on in the same process."""
    pids = pool.pids
    neighbour = await begun(pool)
    session = await pool.open(start())
    await session.begin()
    effects = await session.handle(document(ENDLESS_SCRIPT))
    assert isinstance(effects[-1], Exit)
    assert (effects[-1].reason, effects[-1].event) == ("error", "error.semantic")
    assert spoken(await neighbour.handle(Digit(key="4")))[:2] == ["You said", "4"]
    assert pool.pids == pids


async def test_a_session_that_holds_its_process_is_lost_and_its_neighbours_are_played_back(
    quick_pool: InterpreterPool,
) -> None:
    """What no limit interrupts is ended when its processor time is over, and costs its neighbours nothing but time."""
    pool = quick_pool
    pids = pool.pids
    neighbour = await begun(pool)
    session = await pool.open(start())
    await session.begin()
    with pytest.raises(SessionLost, match="held its interpreter process"):
        await session.handle(document(ENDLESS_SEARCH))
    assert spoken(await neighbour.handle(Digit(key="4")))[:2] == ["You said", "4"]
    assert not set(pool.pids) & set(pids)
    assert pool.sessions == 1


async def test_a_process_that_gets_no_processor_is_not_guilty() -> None:
    """What counts is processor time: a process that stands still for longer than its sessions have keeps them all."""
    async with InterpreterPool(processes=1, answer_timeout_s=0.1) as pool:
        (pid,) = pool.pids
        session = await begun(pool)
        os.kill(pid, signal.SIGSTOP)
        request = asyncio.create_task(session.handle(Digit(key="7")))
        await asyncio.sleep(0.5)  # five times what its answer may take
        os.kill(pid, signal.SIGCONT)
        assert spoken(await request)[:2] == ["You said", "7"]
        assert pool.pids == (pid,)


async def test_a_process_that_never_goes_on_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes no processor time at all is given up by the clock, and its session with it."""
    monkeypatch.setattr("shared.adapters.interpreter.process.HANG_SECONDS", 0.5)
    async with InterpreterPool(processes=1, answer_timeout_s=0.1) as pool:
        session = await begun(pool)
        os.kill(pool.pids[0], signal.SIGSTOP)
        with pytest.raises(SessionLost, match="held its interpreter process"):
            await session.handle(Digit(key="7"))


async def test_a_session_beyond_its_share_of_the_processor_is_lost() -> None:
    """The process goes on: where nothing may be spared, the first answer of a session is its last."""
    async with InterpreterPool(processes=1, answer_timeout_s=ANSWER_TIMEOUT_S, spare_seconds=0.0) as pool:
        (pid,) = pool.pids
        with pytest.raises(SessionLost, match="share of the processor"):
            await pool.open(start())
        assert (pool.sessions, pool.pids) == (0, (pid,))


async def test_a_request_behind_a_guilty_one_is_answered_by_the_next_process(
    quick_pool: InterpreterPool,
) -> None:
    """A neighbour whose event was waiting when the process was ended gets its answer, only later."""
    pool = quick_pool
    neighbour = await begun(pool)
    session = await pool.open(start())
    await session.begin()
    guilty = asyncio.create_task(session.handle(document(ENDLESS_SEARCH)))
    await asyncio.sleep(0)  # the guilty request goes first
    assert spoken(await neighbour.handle(Digit(key="7")))[:2] == ["You said", "7"]
    with pytest.raises(SessionLost):
        await guilty


async def test_sessions_of_a_killed_process_are_played_back_alike(pool: InterpreterPool) -> None:
    """After SIGKILL every session is where it was: same variables, same dice, same numbers for its plays."""
    twin = await begun(pool, seed=5)
    session = await begun(pool, seed=5)
    others = [await begun(pool, seed=number) for number in range(5)]
    await twin.handle(Digit(key="1"))
    await session.handle(Digit(key="1"))
    expected = await twin.handle(Digit(key="2"))
    await killed(pool)
    assert await session.handle(Digit(key="2")) == expected
    for other in others:
        assert spoken(await other.handle(Digit(key="3")))[:2] == ["You said", "3"]


async def test_an_event_in_the_moment_of_a_kill_is_not_blamed_for_it(pool: InterpreterPool) -> None:
    """A process that dies for the first time may have died of anything: its session is tried again."""
    session = await begun(pool)
    os.kill(pool.pids[0], signal.SIGKILL)
    assert spoken(await session.handle(Digit(key="1")))[:2] == ["You said", "1"]


async def test_a_session_with_which_a_process_dies_twice_is_lost(pool: InterpreterPool) -> None:
    """Once may be chance; the second time its neighbours are worth more."""
    await killed(pool)
    neighbour = await begun(pool)
    session = await pool.open(start())
    await session.begin()
    request = asyncio.create_task(session.handle(document(ENDLESS_SEARCH)))
    await asyncio.sleep(0)  # let it be sent
    await killed(pool)
    await pool._lanes[0].current()  # the session was before us in this queue: its request is sent again
    assert not request.done()
    await killed(pool)
    with pytest.raises(SessionLost, match="ended it"):
        await request
    assert spoken(await neighbour.handle(Digit(key="3")))[:2] == ["You said", "3"]


async def test_a_session_that_does_not_play_back_alike_is_lost(pool: InterpreterPool) -> None:
    """Its caller has heard something else than the new process would go on from."""
    session, neighbour = await begun(pool), await begun(pool)
    request, _ = session._journal.entries[-1]
    session._journal.entries[-1] = request, b"another answer"
    await killed(pool)
    with pytest.raises(SessionLost, match="play back alike"):
        await session.handle(Digit(key="1"))
    assert spoken(await neighbour.handle(Digit(key="3")))[:2] == ["You said", "3"]


async def test_a_session_too_long_to_play_back_lives_as_long_as_its_process(
    pool: InterpreterPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of a session is bounded; it goes on, and is lost with its process."""
    monkeypatch.setattr("shared.adapters.interpreter.pool.MAX_LOGGED_BYTES", 1_000)
    session = await begun(pool)
    for key in "12345":
        assert spoken(await session.handle(Digit(key=key)))[1] == key
    assert session._journal.entries == []
    await killed(pool)
    with pytest.raises(SessionLost, match="too long to play back"):
        await session.handle(Digit(key="1"))


async def test_a_pool_that_can_start_no_process_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few tries, and nothing is left behind."""
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(InterpreterUnavailable):
        await InterpreterPool(processes=2, answer_timeout_s=1).start()


async def test_new_sessions_go_where_the_fewest_are() -> None:
    """Four sessions on two processes are two on each: one process less takes two sessions along."""
    async with InterpreterPool(processes=2, answer_timeout_s=ANSWER_TIMEOUT_S) as pool:
        sessions = [await begun(pool) for _ in range(4)]
        assert [len(lane.sessions) for lane in pool._lanes] == [2, 2]
        await sessions[0].close()
        await begun(pool)
        assert [len(lane.sessions) for lane in pool._lanes] == [2, 2]


async def test_a_session_does_not_begin_twice(pool: InterpreterPool) -> None:
    """What the session refuses is refused to the caller, and the session is as it was before."""
    session = await begun(pool)
    with pytest.raises(RequestRefused, match="begun already"):
        await session.begin()
    assert spoken(await session.handle(Digit(key="1")))[:2] == ["You said", "1"]


async def test_a_document_too_long_for_a_frame_is_refused(pool: InterpreterPool) -> None:
    """Nobody fetches that much; if somebody does, the session still lives."""
    session = await pool.open(start())
    await session.begin()
    with pytest.raises(RequestRefused, match="longer than"):
        await session.handle(document("x" * 9_000_000))
    assert spoken(await session.handle(document(ECHO))) == ["Number?"]


async def test_a_cancelled_request_gives_its_session_up(pool: InterpreterPool) -> None:
    """A session whose answer nobody waited for is lost, and its neighbour is not."""
    session, neighbour = await begun(pool), await begun(pool)
    request = asyncio.create_task(session.handle(Digit(key="1")))
    await asyncio.sleep(0)  # let it be sent
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    with pytest.raises(SessionLost, match="cancelled"):
        await session.handle(Digit(key="2"))
    assert spoken(await neighbour.handle(Digit(key="3")))[:2] == ["You said", "3"]


async def test_a_closed_session_is_forgotten(pool: InterpreterPool) -> None:
    """Closing frees the place of a session that has not ended, and later events say nothing."""
    session = await begun(pool)
    await session.close()
    assert pool.sessions == 0
    assert await session.handle(Digit(key="1")) == ()


async def test_close_leaves_no_process_and_no_session() -> None:
    """After close every process is gone, and a session that lived is lost in a sentence."""
    pool = InterpreterPool(processes=2, answer_timeout_s=ANSWER_TIMEOUT_S)
    await pool.start()
    pids = pool.pids
    session = await begun(pool)
    await pool.close()
    assert len(pids) == 2
    assert not any(is_running(pid) for pid in pids)
    with pytest.raises(SessionLost, match="pool was closed"):
        await session.handle(Digit(key="1"))


async def test_close_does_not_wait_for_a_script() -> None:
    """A process in the midst of an endless search is killed, not waited for."""
    pool = InterpreterPool(processes=1, answer_timeout_s=60)
    await pool.start()
    pids = pool.pids
    session = await pool.open(start())
    await session.begin()
    request = asyncio.create_task(session.handle(document(ENDLESS_SEARCH)))
    await asyncio.sleep(0)  # let it be sent
    async with asyncio.timeout(60):
        await pool.close()
    with pytest.raises(SessionLost):
        await request
    assert not any(is_running(pid) for pid in pids)


def test_the_document_cache_reads_a_document_once_and_forgets_the_oldest() -> None:
    """Equal bytes from one URL are one document; beyond its size the least recently used goes."""
    body = document(ECHO).body
    cache = DocumentCache(max_source_bytes=2 * len(body))
    first = cache.load(body, "http://a/")
    second = cache.load(body, "http://b/")
    assert cache.load(body, "http://a/") is first
    cache.load(body, "http://c/")
    assert cache.load(body, "http://a/") is first
    assert cache.load(body, "http://b/") is not second


# The process itself, spoken to without the pool


def frame(content: object) -> bytes:
    """Make a frame by hand."""
    payload = content if isinstance(content, bytes) else orjson.dumps(content)
    return struct.pack(">I", len(payload)) + payload


def answers(output: bytes) -> list[dict[str, Any]]:
    """Read the frames of an output."""
    found = []
    while output:
        (length,) = struct.unpack(">I", output[:4])
        found.append(orjson.loads(output[4 : 4 + length]))
        output = output[4 + length :]
    return found


def run_host(requests: bytes, answer_within_seconds: float = 5) -> subprocess.CompletedProcess[bytes]:
    """Run a host on some requests, then close its input."""
    root = Path(__file__).parents[2]
    arguments = ["--answer-within-seconds", str(answer_within_seconds)]
    return subprocess.run(
        [sys.executable, "-m", "shared.adapters.interpreter.host", *arguments],
        input=requests,
        capture_output=True,
        cwd=root,
        timeout=30,
        check=False,
    )


def open_request(number: int = 1) -> dict[str, object]:
    """Ask for a session."""
    return {"id": number, "do": "open", "session": number, "start": encode(start())}


def event_request(event: Event, number: int = 1) -> dict[str, object]:
    """Give a session an event."""
    return {"id": 99, "do": "handle", "session": number, "event": encode(event)}


def test_the_host_says_that_it_is_ready_and_ends_when_its_input_closes() -> None:
    """It cannot outlive a parent that was killed, because that closes its input."""
    done = run_host(b"")
    assert answers(done.stdout) == [{"id": 0}]
    assert done.returncode == 0


#: What a host may be asked that makes no sense, and how it is refused.
SENSELESS: list[tuple[object, str]] = [
    (b"not json", "bad_request"),
    (b"[]", "bad_request"),
    ({"id": 3}, "bad_request"),
    ({"id": 3, "do": "dance", "session": 1}, "bad_request"),
    ({"id": 3, "do": "begin", "session": "1"}, "bad_request"),
    ({"id": 3, "do": "open", "session": 1, "start": {"type": "start"}}, "bad_request"),
    ({"id": 3, "do": "open", "session": 1, "start": {"type": "hung_up"}}, "bad_request"),
    ({"id": 3, "do": "begin", "session": 1}, "unknown_session"),
    (event_request(PlayEnded(play_id=1)), "unknown_session"),
]


def test_the_host_answers_requests_that_make_no_sense_and_goes_on() -> None:
    """Each refusal names its kind and says why, and the next request is answered as usual."""
    requests = [request for request, _ in SENSELESS]
    done = run_host(b"".join(map(frame, [*requests, open_request(7)])))
    _, *refusals, opened = answers(done.stdout)
    assert [refusal["error"] for refusal in refusals] == [kind for _, kind in SENSELESS]
    assert all(refusal["message"] for refusal in refusals)
    assert opened.pop("spent_ms") > 0
    assert opened == {"id": 7, "effects": []}


def test_the_host_refuses_a_second_session_of_the_same_number() -> None:
    """Nothing replaces a session that is running."""
    done = run_host(frame(open_request(1)) + frame(open_request(1)))
    assert answers(done.stdout)[2]["error"] == "bad_request"


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\0\0"])
def test_the_host_ends_with_a_sentence_when_its_input_is_no_frames(garbage: bytes) -> None:
    """Without frames nothing can be answered any more; the reason stands on standard error."""
    done = run_host(garbage)
    assert done.returncode == 2
    assert done.stderr.startswith(b"interpreter: ")


def test_the_host_is_ended_by_its_own_alarm_when_nobody_else_does() -> None:
    """A hang in native code, with the parent gone, does not last for ever."""
    requests = [
        open_request(),
        {"id": 2, "do": "begin", "session": 1},
        event_request(document(ENDLESS_SEARCH)),
    ]
    done = run_host(b"".join(map(frame, requests)), answer_within_seconds=0.5)
    assert done.returncode == -signal.SIGPROF
