"""A pool of interpreter processes, and sessions that survive them.

A session is a function of its events, so the pool keeps each one's, and when a process dies or overstays an
answer it is replaced and its sessions are played back in the new one, each when something next happens to it: thousands
of them at once would keep each other waiting. Given up is the session that was worked
on when the time was over, and the one that was worked on when a process died for the second time: the first
time it may have been anything (the kernel short of memory, an operator), so it is played back like the others.

Answers are compared while playing back. A session that does not come to the same effects (a script that was
stopped for its processor time once and not the second time) is given up as well: its caller has heard
something that the new session knows nothing of.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self

import orjson
import structlog

from shared.adapters.interpreter.allowance import SPARE_SECONDS, Allowance
from shared.adapters.interpreter.frames import FrameError, Refusal
from shared.adapters.interpreter.process import InterpreterProcess, ProcessGone
from shared.domain.errors import PacelineError, Unavailable
from shared.ports.interpreting import ApplicationLost
from shared.voicexml.codec import decode_effect, encode
from shared.voicexml.effects import Effect, Exit
from shared.voicexml.errors import CodecError
from shared.voicexml.events import Event, Start

_log = structlog.get_logger()

#: What is kept to play a session back: an hour of a talkative call. Beyond it the session goes on, and is
#: lost with its process.
MAX_LOGGED_REQUESTS = 2_000
MAX_LOGGED_BYTES = 4 * 1024 * 1024

#: How often in a row a process may fail to start before the pool says that it cannot have one.
_MAX_SPAWNS = 3


class SessionLost(ApplicationLost):
    """The interpreter gave this session up; the call has no application any more."""


class InterpreterUnavailable(Unavailable):
    """No interpreter process can be started; look at the standard error of this process."""


class RequestRefused(PacelineError):
    """The interpreter did not understand a request; the session is as it was before."""


class Journal:
    """What a session was asked, with a fingerprint of what it answered, to play it back."""

    def __init__(self) -> None:
        #: Whether nothing is missing.
        self.complete = True
        self.entries: list[tuple[dict[str, Any], bytes]] = []
        self._size_bytes = 0

    def add(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Note an exchange; past the limits the journal is given up."""
        if not self.complete:
            return
        self.entries.append((request, fingerprint(answer)))
        self._size_bytes += len(orjson.dumps(request))
        if len(self.entries) > MAX_LOGGED_REQUESTS or self._size_bytes > MAX_LOGGED_BYTES:
            self.complete = False
            self.entries.clear()


def fingerprint(answer: dict[str, Any]) -> bytes:
    """Digest the effects of an answer."""
    return blake2b(orjson.dumps(answer.get("effects")), digest_size=8).digest()


class HostedSession:
    """A session in one of the pool's processes. Not made directly: see `InterpreterPool.open`."""

    def __init__(self, number: int, lane: "Lane") -> None:
        self._number = number
        self._lane = lane
        self._journal = Journal()
        self._one_at_a_time = asyncio.Lock()
        self._ended = False
        #: Why it was given up.
        self._lost: str | None = None
        #: A process died while it worked on this session, and it may not have been the session's fault.
        self._suspected = False
        #: The process that it lives in; another one has to be told first what happened so far.
        self._home: InterpreterProcess | None = None
        self._allowance = Allowance(lane.spare_seconds, asyncio.get_running_loop().time())

    async def open(self, start: Start) -> None:
        """Make the session in its process."""
        await self._exchange({"do": "open", "start": orjson.Fragment(orjson.dumps(encode(start)))})

    async def begin(self) -> tuple[Effect, ...]:
        """Start the session: as `Session.begin`. Raises SessionLost."""
        return await self._exchange({"do": "begin"})

    async def handle(self, event: Event) -> tuple[Effect, ...]:
        """Give the session an event: as `Session.handle`.

        Raises SessionLost; after the session's Exit there are no effects. A call that is cancelled gives the
        session up, because nobody can tell any more what it has answered.
        """
        return await self._exchange({"do": "handle", "event": orjson.Fragment(orjson.dumps(encode(event)))})

    async def close(self) -> None:
        """Forget the session, wherever it is; harmless when it has ended."""
        if not self._ended and self._lost is None:
            self._end()
            await self._lane.forget(self._number)

    def suspect(self, *, certain: bool) -> None:
        """Hear that the process went while it worked on this session."""
        if certain or self._suspected:
            self.lose("it held its interpreter process for too long, or ended it")
        self._suspected = True

    def lose(self, why: str) -> None:
        """Give the session up: every request raises SessionLost from now on."""
        if not self._ended and self._lost is None:
            self._lost = f"The VoiceXML session was given up: {why}."
            self._leave_lane()
            _log.warning("session_lost", session=self._number, why=why)

    async def _play_back(self, process: InterpreterProcess) -> None:
        """Bring the session to where it was, in another process; raises ProcessGone."""
        if not self._journal.complete:
            self.lose("its process went, and it was too long to play back")
            return
        for request, expected in tuple(self._journal.entries):
            answer = await process.ask(request)
            if self._lost is None and fingerprint(answer) != expected:
                self.lose("its process went, and it did not play back alike")
            if self._ended or self._lost is not None:
                await process.ask({"do": "close", "session": self._number})
                return

    async def _exchange(self, request: dict[str, Any]) -> tuple[Effect, ...]:
        async with self._one_at_a_time:
            if self._ended:
                return ()
            request["session"] = self._number
            try:
                answer = await self._ask(request)
            except asyncio.CancelledError:
                self._abandon("a request to it was cancelled")
                raise
            return self._accept(request, answer)

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask until there is an answer: as often as the process goes without this session's fault."""
        while self._lost is None:
            process = await self._lane.current()
            # Who it was that ended the last process is known only now.
            if self._lost is not None:
                break
            try:
                if self._home is not process:
                    await self._play_back(process)
                    self._home = process
                    continue
                return await process.ask(request)
            except ProcessGone:
                continue
            except FrameError as error:
                raise RequestRefused(str(error)) from None
        raise SessionLost(self._lost)

    def _accept(self, request: dict[str, Any], answer: dict[str, Any]) -> tuple[Effect, ...]:
        if "error" in answer:
            raise self._refusal(Refusal(answer["error"]), str(answer.get("message")))
        try:
            effects = tuple(decode_effect(effect) for effect in answer["effects"])
        except (CodecError, KeyError, TypeError) as error:
            self._abandon(f"its process answered what is no answer: {error}")
            raise SessionLost(self._lost) from None
        self._suspected = False
        if effects and isinstance(effects[-1], Exit):
            self._end()
        else:
            self._journal.add(request, answer)
            self._count_time(answer)
        return effects

    def _count_time(self, answer: dict[str, Any]) -> None:
        """Give the session up if it keeps its process from the others; raises SessionLost."""
        spent_seconds = float(answer.get("spent_ms", 0.0)) / 1_000
        if not self._allowance.spend(spent_seconds, asyncio.get_running_loop().time()):
            self._abandon("it used more than its share of the processor, and waited for nobody")
            raise SessionLost(self._lost)

    def _abandon(self, why: str) -> None:
        """Lose the session, and have its process forget it: that one still lives."""
        self.lose(why)
        self._lane.forget_later(self._number)

    def _refusal(self, refusal: Refusal, message: str) -> PacelineError:
        if refusal is Refusal.BAD_REQUEST:
            return RequestRefused(message)
        self.lose(message)
        return SessionLost(self._lost)

    def _end(self) -> None:
        self._ended = True
        self._leave_lane()

    def _leave_lane(self) -> None:
        self._journal = Journal()
        self._lane.sessions.pop(self._number, None)


class Lane:
    """One process after another, and the sessions that live there."""

    def __init__(self, answer_timeout_s: float, spare_seconds: float) -> None:
        self.sessions: dict[int, HostedSession] = {}
        self.spare_seconds = spare_seconds
        self._answer_timeout_s = answer_timeout_s
        self._process: InterpreterProcess | None = None
        self._renewing = asyncio.Lock()
        #: What goes on by itself; kept, because the loop keeps no task alive.
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def current(self) -> InterpreterProcess:
        """Return the process; raises InterpreterUnavailable."""
        async with self._renewing:
            while self._process is None or self._process.gone:
                self._blame()
                self._process = await self._spawn()
            return self._process

    @property
    def pid(self) -> int | None:
        """The present process, for whoever watches processes."""
        return None if self._process is None or self._process.gone else self._process.pid

    async def forget(self, number: int) -> None:
        """Tell the process that a session is over."""
        if self._process is None:
            return
        try:
            await self._process.ask({"do": "close", "session": number})
        except ProcessGone:
            return

    def forget_later(self, number: int) -> None:
        """Tell the process that a session is over, for one who cannot wait."""
        self._in_background(self.forget(number))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End the process and give up its sessions."""
        self._closed = True
        for session in tuple(self.sessions.values()):
            session.lose("the interpreter pool was closed")
        async with self._renewing:
            if self._process is not None:
                await self._process.stop()
        await asyncio.gather(*self._tasks)

    def _blame(self) -> None:
        gone = self._process
        suspect = None if gone is None or gone.suspect is None else self.sessions.get(gone.suspect)
        if gone is not None and suspect is not None:
            suspect.suspect(certain=gone.overdue)

    async def _spawn(self) -> InterpreterProcess:
        for _ in range(_MAX_SPAWNS):
            if self._closed:
                break
            try:
                return await InterpreterProcess.spawn(self._answer_timeout_s, self._revive)
            except (OSError, ProcessGone) as error:
                _log.error("interpreter_not_started", error=repr(error))
        for session in tuple(self.sessions.values()):
            session.lose("no interpreter process can be started")
        raise InterpreterUnavailable

    def _revive(self) -> None:
        """Replace a process as soon as it has gone, so that its callers do not wait for it later."""
        if self._closed:
            return
        _log.warning("interpreter_gone", sessions=len(self.sessions))
        self._in_background(self._renew())

    async def _renew(self) -> None:
        try:
            await self.current()
        except InterpreterUnavailable:
            # Logged, and whoever asks next is told.
            return


class InterpreterPool:
    """Interpreter processes for all the calls of one dialer.

    `answer_timeout_s` is the processor time that one event of one session may take: well above the 0.15 s that a
    script has. By the clock a process may take longer, because others want the processors too (`process.py`). Of
    `spare_seconds`, processor time too, all events of one session together may take more than their share
    (`allowance.py`).
    """

    def __init__(
        self, processes: int, answer_timeout_s: float, *, spare_seconds: float = SPARE_SECONDS
    ) -> None:
        self._lanes = [Lane(answer_timeout_s, spare_seconds) for _ in range(processes)]
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Start the processes; raises InterpreterUnavailable."""
        try:
            await asyncio.gather(*(lane.current() for lane in self._lanes))
        except InterpreterUnavailable:
            await self.close()
            raise

    async def close(self) -> None:
        """End the processes; sessions that live are lost."""
        await asyncio.gather(*(lane.close() for lane in self._lanes))

    async def open(self, start: Start) -> HostedSession:
        """Make a session where there are the fewest; raises InterpreterUnavailable or SessionLost."""
        lane = min(self._lanes, key=lambda lane: len(lane.sessions))
        number = next(self._numbers)
        session = lane.sessions[number] = HostedSession(number, lane)
        try:
            await session.open(start)
        except BaseException:
            lane.sessions.pop(number, None)
            raise
        return session

    @property
    def sessions(self) -> int:
        """How many sessions live."""
        return sum(len(lane.sessions) for lane in self._lanes)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes, for whoever watches them."""
        return tuple(lane.pid for lane in self._lanes if lane.pid is not None)
