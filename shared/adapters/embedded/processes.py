"""Starting, watching and ending the servers' processes.

`subprocess` and not asyncio's: an asyncio transport kills its process when its loop closes, and a server may
outlive a loop. Servers are started from the thread of the loop on purpose: Linux ties a death signal to the
*thread* that forked, so what a pool thread starts would die with the pool. What any thread but the main one
starts is therefore not tied, and the next start on the same folder stops it if its owner was killed.

Each server has a session of its own: a Ctrl-C in the terminal reaches Paceline, which lets calls end before
it stops the servers under them.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

from shared.adapters.embedded.failures import CannotStop
from shared.adapters.embedded.system_user import Account

LAUNCHER = Path(__file__).with_name("launch.py")
#: How often a condition outside is looked at: short beside the 100 ms that a start takes.
POLL_SECONDS = 0.01
#: For a program that should be done in a second; a machine may be slow, but not for ever.
RUN_SECONDS = 120
#: A log is put aside at a start when it has grown to this; one old log is kept.
LOG_LIMIT_BYTES = 10 * 1024 * 1024
#: launch.py's word for "as whoever runs Paceline".
SAME_IDENTITY = -1

#: Signals in the order of their severity, each with the seconds it is given to work.
Steps = Sequence[tuple[signal.Signals, float]]
Result = TypeVar("Result")


def launch(
    command: Sequence[str | Path],
    *,
    folder: Path,
    account: Account | None,
    output: IO[bytes],
    standard_input: IO[bytes] | int = subprocess.DEVNULL,
    death_signal: signal.Signals | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in `folder` as `account`; it gets `death_signal` when our process is killed."""
    tied = threading.current_thread() is threading.main_thread()
    uid, gid = (account.uid, account.gid) if account else (SAME_IDENTITY, SAME_IDENTITY)
    orders = (uid, gid, int(death_signal or 0) if tied else 0, os.getpid())
    return subprocess.Popen(  # noqa: S603 - programs that we found ourselves, with arguments of our own
        [sys.executable, "-I", "-S", LAUNCHER, *map(str, orders), folder, *command],
        stdin=standard_input,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=_plain_environment() | dict(environment or {}),
        start_new_session=True,
    )


def run(
    command: Sequence[str | Path], *, folder: Path, account: Account | None, log: Path, typed: bytes = b""
) -> bool:
    """Run `command` to its end with `typed` as its input; tell whether it was content."""
    with open_log(log) as output:
        process = launch(
            command, folder=folder, account=account, output=output, standard_input=subprocess.PIPE
        )
    try:
        process.communicate(typed, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return process.returncode == 0


async def end(pid: int, steps: Steps, *, is_gone: Callable[[], bool]) -> None:
    """Send each signal of `steps` and wait its seconds, until the process is gone; raise if it never goes."""
    for step, seconds in steps:
        if is_gone():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, step)
        if await happens(is_gone, within_seconds=seconds):
            return
    raise CannotStop(f"The embedded server with process id {pid} does not stop: run `kill -9 {pid}`.")


async def happens(condition: Callable[[], bool], *, within_seconds: float) -> bool:
    """Wait until `condition` holds, at most so long; tell whether it does."""
    try:
        async with asyncio.timeout(within_seconds):
            while not condition():  # noqa: ASYNC110 - it is about another process, which sets no event of ours
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        return False
    return True


async def in_thread(work: Callable[[], Result]) -> Result:
    """Do blocking `work` beside the loop; a cancellation waits for its end: no lock is given up under it."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def is_at_work(pid: int, program: str, folder: Path) -> bool:
    """Tell whether process `pid` is a `program` in `folder`.

    A pid file may be old, and its number a stranger's by now, who must not be sent a signal.
    """
    if sys.platform != "linux":
        command = _command_line(pid)
        return program in command and str(folder) in command
    try:
        executable = Path(f"/proc/{pid}/exe").readlink().name
        return executable.startswith(program) and Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:  # it ended, is a zombie, or is another user's: in each case not ours
        return False


def open_log(log: Path) -> IO[bytes]:
    """Open a log to write on at its end; only its owner may read it, as statements with numbers end up in it."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab")


def put_aside(log: Path) -> None:
    """Keep a log that has grown too long under another name and begin a new one."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".old.log"))


def _plain_environment() -> dict[str, str]:
    """Leave the caller's PG* variables, locale and secrets out; keep what finds programs and libraries."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {"LC_ALL": "C"} | kept


def _command_line(pid: int) -> str:
    ended = subprocess.run(  # noqa: S603 - only the number varies
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return ended.stdout
