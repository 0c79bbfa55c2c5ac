"""One process of the platform: started, waited for until it answers, and stopped.

Every process has a session of its own, so that a Ctrl-C in the terminal reaches only the owner, which lets calls
end before it stops anything else; and so that what a process has started itself can be cleared away with it.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import services
from services.cli.supervision.data_folder import DataFolder
from services.cli.supervision.lifeline import Lifeline
from services.cli.supervision.log_file import last_lines, open_log, put_aside_when_long, size_of
from services.cli.supervision.stop_signals import StopSignals
from shared.domain.errors import Unavailable

#: Starting takes about a second; a machine may be busy, but not for ever.
READY_SECONDS = 60.0
#: How often the readiness file is looked for: short beside the second that a start takes.
POLL_SECONDS = 0.02
#: How long a process without calls that was told to hurry may take before it is killed.
HURRY_SECONDS = 5.0
#: Nobody waits any more: for the goodbyes that take no time.
LAST_SECONDS = 2.0


class ChildFailed(Unavailable):
    """A process of the platform did not come up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a process is there for."""

    #: Unique; names its log.
    name: str
    service: str
    #: What is run; nothing secret, as any user can read a command line.
    command: tuple[str, ...]
    environment: Mapping[str, str]
    #: How long it may take to end after it was asked to.
    stop_seconds: float
    #: And how long after it was told to hurry.
    hurry_seconds: float = HURRY_SECONDS
    #: The setting of its port, if it has one: a restarted process must be found where its predecessor was.
    port_setting: str | None = None


class Child:
    """The process of a role, and after its death the next one."""

    def __init__(self, role: Role, folder: DataFolder, lifeline: Lifeline) -> None:
        self.role = role
        self.log = folder.log_file(role.name)
        self.port: int | None = None
        self.started_at = 0.0  # by the loop's clock
        self._readiness = folder.readiness_file(role.name)
        self._lifeline = lifeline
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None while nothing runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        """Start the process and return when it answers; raises `ChildFailed` with its last words."""
        self._readiness.unlink(missing_ok=True)
        put_aside_when_long(self.log)
        log_start = size_of(self.log)
        self._process = await self._spawn()
        self.started_at = asyncio.get_running_loop().time()
        if problem := await self._problem_at_start(self._process):
            raise ChildFailed(_failure_sentence(self.role.name, problem, self.log, log_start))
        port = json.loads(self._readiness.read_text(encoding="utf-8"))["port"]
        self.port = None if port is None else int(port)

    async def ended(self) -> int:
        """Wait for the end of the process, clear away what it left, and return its status."""
        process = self._process
        if process is None:
            return 0
        status = await process.wait()
        _clear_session(process.pid)
        return status

    async def stop(self, signals: StopSignals) -> None:
        """Ask the process to end and wait for it; once somebody hurries, or its time is over, insist.

        It is killed when that has not helped in its time, or when nobody wants to wait.
        """
        process = self._process
        if process is None:
            return
        ending = asyncio.create_task(self.ended())
        for patience, seconds in (
            (signals.hurried, self.role.stop_seconds),
            (signals.impatient, self.role.hurry_seconds),
        ):
            if not ending.done():
                _signal(process, signal.SIGTERM)
                await _first(ending, patience, seconds)
        await asyncio.wait({ending}, timeout=LAST_SECONDS)
        await self._kill(process)
        await ending

    async def _spawn(self) -> asyncio.subprocess.Process:
        output = open_log(self.log)
        try:
            return await asyncio.create_subprocess_exec(
                *self.role.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment(),
                pass_fds=(self._lifeline.reading_end,),
                start_new_session=True,
            )
        finally:
            os.close(output)

    def _environment(self) -> dict[str, str]:
        """Our own environment with the role's; secrets travel in it, as any user can read a command line."""
        environment = os.environ | dict(self.role.environment) | self._lifeline.environment | python_path()
        environment["PACELINE_READY_FILE"] = str(self._readiness)
        if self.role.port_setting and self.port:
            environment[self.role.port_setting] = str(self.port)
        return environment

    async def _problem_at_start(self, process: asyncio.subprocess.Process) -> str | None:
        """Wait until the process answers, and return None; or say what happened instead."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not self._readiness.exists():
                    if process.returncode is not None:
                        return f"ended at its start ({how_it_ended(process.returncode)})"
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            await self._kill(process)
            return f"did not answer within {READY_SECONDS:.0f} seconds"
        return None

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        _clear_session(process.pid)


def service_command(service: str) -> tuple[str, ...]:
    """Return the command that runs a service of this very Paceline."""
    # -P: a folder named `services` where the person stands is not ours.
    return (sys.executable, "-P", "-m", "services.cli.main", service)


def how_it_ended(status: int | None) -> str:
    """Say a process's status in words: `status 1`, `SIGKILL`."""
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return f"status {status}"


def python_path() -> dict[str, str]:
    """Where a new Python finds this very Paceline: nothing to say for an installed one."""
    root = Path(services.__file__ or "").parents[1]
    if root.name in {"site-packages", "dist-packages"}:
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))}


def _failure_sentence(name: str, problem: str, log: Path, log_start: int) -> str:
    words = last_lines(log, since_byte=log_start)
    return f"The {name} {problem}; its log is {log}." + (f" Its last words:\n{words}" if words else "")


async def _first(ending: "asyncio.Task[int]", patience: asyncio.Event, seconds: float) -> None:
    """Wait for the end of a process, until somebody's patience ends or its time is over."""
    lost = asyncio.create_task(patience.wait())
    await asyncio.wait({ending, lost}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    lost.cancel()


def _signal(process: asyncio.subprocess.Process, kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(kind)


def _clear_session(leader_pid: int) -> None:
    """End what a dead process has left in its group; its number cannot be a stranger's while that exists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader_pid, signal.SIGKILL)
