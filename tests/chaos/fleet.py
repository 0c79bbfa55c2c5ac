"""The platform's processes: started as an operator starts them, killed and frozen, and always brought back.

What ends is started again, as any supervisor would. A process that ends unasked after it was ready is a
defect.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.adapters.embedded.processes import launch
from tests.chaos.instants import now

ROOT: Final = Path(__file__).parents[2]
#: How often the processes are looked after.
POLL_SECONDS: Final = 0.05
#: Between the end of a process and its next start: what a supervisor takes at least.
RESTART_SECONDS: Final = 0.3
#: A first start loads all modules on a busy machine.
READY_SECONDS: Final = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a process."""

    name: str
    pid: int
    status: int
    at: float
    #: We killed it, or told it to stop.
    killed: bool
    #: It had told that it answers.
    was_ready: bool


@dataclass(slots=True, kw_only=True)
class Member:
    """One place in the fleet and the process that fills it now."""

    name: str
    service: str
    ready_file: Path
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    killed: bool = False
    frozen: bool = False
    ended_at: float = float("-inf")
    pids: list[int] = field(default_factory=list)

    @property
    def pid(self) -> int | None:
        """The process id, None while nothing runs."""
        return self.process.pid if self.process and self.process.poll() is None else None


class Fleet:
    """Every process of a platform but its two servers."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**environment, "PYTHONPATH": str(ROOT)}
        self._members: dict[str, Member] = {}
        self._keeper: asyncio.Task[None] | None = None
        self.ended: list[Ended] = []

    def names(self, service: str) -> list[str]:
        """Return the members that run a service."""
        return [member.name for member in self._members.values() if member.service == service]

    def service_of(self, name: str) -> str:
        """Return what a member runs."""
        return self._members[name].service

    def pid(self, name: str) -> int | None:
        """Return a member's process id, None while it is down."""
        return self._members[name].pid

    def is_frozen(self, name: str) -> bool:
        """Tell whether a member was frozen and not thawed."""
        return self._members[name].frozen

    def logs(self) -> dict[str, str]:
        """Return what each member has written."""
        return {member.name: member.log.read_text() for member in self._members.values()}

    async def start(self, services: Mapping[str, int]) -> None:
        """Start so many of each service and return when all answer."""
        new = [
            self._join(f"{service}-{number}", service)
            for service, wanted in services.items()
            for number in range(1, wanted + 1)
        ]
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="fleet keeper")
        async with asyncio.timeout(READY_SECONDS):
            while not all(member.ready_file.exists() for member in new):
                await asyncio.sleep(POLL_SECONDS)

    def kill(self, name: str) -> int | None:
        """SIGKILL a member; returns the id that it had."""
        member = self._members[name]
        member.killed, member.frozen = True, False
        return self._signal(member, signal.SIGKILL)

    def terminate(self, name: str) -> int | None:
        """SIGTERM a member, as a rolling restart does; returns its id."""
        member = self._members[name]
        member.killed = True
        return self._signal(member, signal.SIGTERM)

    def freeze(self, name: str) -> int | None:
        """SIGSTOP a member; returns its id."""
        member = self._members[name]
        member.frozen = member.pid is not None
        return self._signal(member, signal.SIGSTOP)

    def thaw(self, name: str) -> int | None:
        """SIGCONT a member; returns its id."""
        member = self._members[name]
        member.frozen = False
        return self._signal(member, signal.SIGCONT)

    async def close(self) -> list[str]:
        """End everything; returns what a killed process has left behind, which is nothing."""
        if self._keeper is not None:
            self._keeper.cancel()
        members = list(self._members.values())
        for member in members:
            self._signal(member, signal.SIGCONT)
            self._signal(member, signal.SIGTERM)
        await asyncio.gather(*(asyncio.to_thread(_wait, member) for member in members))
        sessions = {pid for member in members for pid in member.pids}
        left = await _left_of(sessions)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return [f"{pid} {command}" for pid, command in left.items()]

    def _join(self, name: str, service: str) -> Member:
        member = Member(
            name=name,
            service=service,
            ready_file=self._folder / f"{name}.ready",
            log=self._folder / f"{name}.log",
        )
        self._members[name] = member
        self._launch(member)
        return member

    async def _keep(self) -> None:
        while True:
            for member in self._members.values():
                self._look_after(member)
            await asyncio.sleep(POLL_SECONDS)

    def _look_after(self, member: Member) -> None:
        process = member.process
        if process is not None and (status := process.poll()) is not None:
            ended_at = now()
            self.ended.append(
                Ended(
                    name=member.name, pid=process.pid, status=status, at=ended_at,
                    killed=member.killed, was_ready=member.ready_file.exists(),
                )
            )  # fmt: skip
            member.process, member.ended_at = None, ended_at
        if member.process is None and self._may_start(member):
            self._launch(member)

    def _may_start(self, member: Member) -> bool:
        return now() - member.ended_at >= RESTART_SECONDS

    def _launch(self, member: Member) -> None:
        member.ready_file.unlink(missing_ok=True)
        member.killed = member.frozen = False
        with member.log.open("ab") as output:
            member.process = launch(
                [sys.executable, "-P", "-m", "services.cli.main", member.service],
                folder=ROOT, account=None, output=output, death_signal=signal.SIGKILL,
                environment={**self._environment, "PACELINE_READY_FILE": str(member.ready_file)},
            )  # fmt: skip
        member.pids.append(member.process.pid)

    def _signal(self, member: Member, how: signal.Signals) -> int | None:
        pid = member.pid
        if pid is not None:
            os.kill(pid, how)
        return pid


#: An orderly end: a dialer lets its calls end first.
STOP_SECONDS: Final = 120.0
#: The children of a killed process notice that they are alone.
ALONE_SECONDS: Final = 60.0


def _wait(member: Member) -> None:
    if member.process is None:
        return
    try:
        member.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        member.process.kill()
        member.process.wait()


async def _left_of(sessions: Iterable[int]) -> dict[int, str]:
    """Return the living processes of these sessions, after they had time to notice that they are alone."""
    wanted = set(sessions)
    deadline = now() + ALONE_SECONDS
    while (left := _of_sessions(wanted)) and now() < deadline:
        await asyncio.sleep(POLL_SECONDS)
    return left


def _of_sessions(sessions: set[int]) -> dict[int, str]:
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,sess=,stat=,command="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 3) for line in listed.stdout.splitlines())
    return {
        int(row[0]): row[3]
        for row in rows
        if len(row) == 4 and row[1].isdigit() and int(row[1]) in sessions and not row[2].startswith("Z")
    }
