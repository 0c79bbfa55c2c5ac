"""One interpreter process, from the outside: requests in, answers out, and a deadline.

The process works on one request at a time, in order. So the request that it owes the longest is the one it is
working on, and when it does not answer in time or dies, that request's session is the suspect.

Its time is processor time, as the kernel counts it for the process: on a machine where processes stand in line for a
processor an honest session answers late, and is no suspect. Behind that stands a limit of the clock, for what waits
without working.
"""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import shared
from shared.adapters.interpreter.frames import LENGTH_BYTES, FrameError, content, frame, payload_length

#: What an interpreter needs of our environment: nothing that is secret. Without a TZ scripts are in UTC.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")

#: The alarm that a process sets for itself: only for when there is no parent left to end it.
_ALARM_FACTOR = 4.0

#: What nobody waits for any longer, however little the process has worked: no machine starves anybody so long, and
#: a caller who has heard nothing for so long has hung up.
HANG_SECONDS = 10.0

#: A process is not looked at more often than this while its processor time runs out.
_LOOK_SECONDS = 0.01

#: How long a process may take to start, on a machine that is starting everything else too.
_START_SECONDS = 20.0

#: How long a process may take to notice that its input has closed.
_STOP_SECONDS = 1.0


class ProcessGone(Exception):
    """The process died or was ended before it answered."""


class InterpreterProcess:
    """A running host.

    When it has `gone`, `suspect` is the session that it was working on, if any, and `overdue` tells whether it
    was ended for taking too long.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, answer_timeout_s: float, on_gone: Callable[[], None]
    ) -> None:
        self.gone = False
        self.suspect: int | None = None
        self.overdue = False
        self._process = process
        self._answer_timeout_s = answer_timeout_s
        # Where no kernel counts for others, the clock is all there is: who has started has worked.
        counted = _processor_seconds(process.pid) > 0
        self._patience_s = max(HANG_SECONDS, answer_timeout_s) if counted else answer_timeout_s
        self._on_gone = on_gone
        self._last_id = 0
        #: When the first request of those below became the first: on the loop's clock, and in processor time.
        self._first_since = 0.0
        self._first_since_spent = 0.0
        #: Requests without an answer: id, session, and who waits. The first is being worked on.
        self._owed: deque[tuple[int, int, asyncio.Future[dict[str, Any]]]] = deque()
        self._deadline: asyncio.TimerHandle | None = None
        self._reading = asyncio.create_task(self._read(), name="interpreter-answers")

    @classmethod
    async def spawn(cls, answer_timeout_s: float, on_gone: Callable[[], None]) -> "InterpreterProcess":
        """Start a process and wait until it is ready; raises OSError or ProcessGone."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "shared.adapters.interpreter.host",
            "--answer-within-seconds",
            str(answer_timeout_s * _ALARM_FACTOR),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        try:
            await asyncio.wait_for(_next_answer(process), _START_SECONDS)
        except BaseException as error:
            # Whatever came in between, cancellation too: nobody else would ever end it.
            _kill(process)
            await process.wait()
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError | FrameError):
                raise ProcessGone from None
            raise
        return cls(process, answer_timeout_s, on_gone)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer; raises ProcessGone, or FrameError for too long a one."""
        stdin = self._process.stdin
        if stdin is None or stdin.is_closing():
            # It went just now: what it leaves behind is settled first.
            _kill(self._process)
            await asyncio.shield(self._reading)
        if stdin is None or self.gone:
            raise ProcessGone
        self._last_id += 1
        data = frame({"id": self._last_id} | request)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._owed.append((self._last_id, request["session"], answer))
        if self._deadline is None:
            self._set_deadline()
        stdin.write(data)
        return await answer

    async def stop(self) -> None:
        """End the process: it goes by itself when its input closes, or is killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        except TimeoutError:
            _kill(self._process)
        await self._reading

    async def _read(self) -> None:
        try:
            while True:
                self._settle(await _next_answer(self._process))
        except (asyncio.IncompleteReadError, FrameError, ConnectionError):
            # It has gone, or it says what no interpreter says; there is no talking to it any more.
            _kill(self._process)
        await self._process.wait()
        self._bury()

    def _settle(self, answer: dict[str, Any]) -> None:
        if not self._owed or self._owed[0][0] != answer.get("id"):
            raise FrameError("An answer to nothing that was asked.")
        _, _, waiting = self._owed.popleft()
        self._set_deadline()
        if not waiting.done():
            waiting.set_result(answer)

    def _set_deadline(self) -> None:
        """Give the process its time for the request that is first now."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._owed:
            loop = asyncio.get_running_loop()
            self._first_since = loop.time()
            self._first_since_spent = _processor_seconds(self.pid)
            self._deadline = loop.call_later(self._answer_timeout_s, self._look)

    def _look(self) -> None:
        """End the process if its time is over; else look again when it may be."""
        loop = asyncio.get_running_loop()
        left_s = self._answer_timeout_s - (_processor_seconds(self.pid) - self._first_since_spent)
        patience_left_s = self._patience_s - (loop.time() - self._first_since)
        if left_s > 0 and patience_left_s > 0:
            # Processor time is no faster than the clock: there is no use in looking sooner.
            self._deadline = loop.call_later(max(_LOOK_SECONDS, min(left_s, patience_left_s)), self._look)
            return
        self.overdue = True
        _kill(self._process)

    def _bury(self) -> None:
        self.gone = True
        if self._deadline is not None:
            self._deadline.cancel()
        if self._owed:
            self.suspect = self._owed[0][1]
        for _, _, waiting in self._owed:
            if not waiting.done():
                waiting.set_exception(ProcessGone())
        self._owed.clear()
        self._on_gone()


async def _next_answer(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Read a frame; raises IncompleteReadError when the process has gone, FrameError if it is none."""
    if process.stdout is None:
        raise FrameError("The process was started without a pipe to read from.")
    length = payload_length(await process.stdout.readexactly(LENGTH_BYTES))
    return content(await process.stdout.readexactly(length))


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


def _processor_seconds(pid: int) -> float:
    """Return what a process has had of the processors since its start; 0 when it is gone, or nobody counts.

    The clock's name is that of clock_getcpuclockid(3), which Python has for threads alone: the process id with its
    bits turned over, before three bits that ask for what the scheduler has counted.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _environment() -> dict[str, str]:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # The package is found wherever this process found it, installed or not.
    environment["PYTHONPATH"] = str(Path(shared.__path__[0]).parent)
    return environment
