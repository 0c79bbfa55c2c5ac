"""Watching and ending processes."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.adapters.embedded.failures import CannotStop
from shared.adapters.embedded.processes import (
    LOG_LIMIT_BYTES,
    end,
    happens,
    in_thread,
    is_at_work,
    launch,
    put_aside,
    run,
)

STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
)


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that does not end when it is asked to."""
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        with ending(process):
            yield process


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let no failure wait for a process that never ends."""
    try:
        yield
    finally:
        process.kill()


async def test_a_process_is_ended_by_the_mildest_signal_that_works(stubborn: subprocess.Popen[bytes]) -> None:
    """Each signal gets its time, and only then the next one comes."""
    steps = ((signal.SIGTERM, 0.05), (signal.SIGINT, 20.0), (signal.SIGKILL, 20.0))
    await end(stubborn.pid, steps, is_gone=lambda: stubborn.poll() is not None)
    assert stubborn.returncode in {-signal.SIGINT, 1}


async def test_a_process_that_never_ends_is_told(stubborn: subprocess.Popen[bytes]) -> None:
    """The sentence names the process, as nothing else is left to do from here."""
    with pytest.raises(CannotStop, match=f"kill -9 {stubborn.pid}"):
        await end(stubborn.pid, [(signal.SIGTERM, 0.05)], is_gone=lambda: stubborn.poll() is not None)


async def test_what_has_ended_gets_no_signal() -> None:
    """A number that was given free may be a stranger's."""
    await end(-1, [(signal.SIGKILL, 1.0)], is_gone=lambda: True)


async def test_a_condition_is_waited_for_but_not_for_ever() -> None:
    """Waiting tells whether it came true."""
    looks = iter([False, False, True])
    assert await happens(lambda: next(looks), within_seconds=60)
    assert not await happens(lambda: False, within_seconds=0.02)


async def test_a_cancelled_start_waits_for_the_work_it_began() -> None:
    """Nothing is still written when the one who was cancelled gives its lock back."""
    begun, allowed, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        allowed.wait(60)
        done.set()

    task = asyncio.create_task(in_thread(work))
    assert await happens(begun.is_set, within_seconds=60)
    task.cancel()
    asyncio.get_running_loop().call_soon(allowed.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


@pytest.mark.parametrize(
    ("command", "content"), [("read line && test $line = word", True), ("exit 3", False)]
)
def test_a_program_is_run_to_its_end(tmp_path: Path, command: str, content: bool) -> None:
    """It reads what is typed, and its exit status says whether it was content."""
    log = tmp_path / "log"
    assert run(["/bin/sh", "-c", command], folder=tmp_path, account=None, log=log, typed=b"word\n") is content


def test_a_program_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No start waits for ever, and nothing is left of what was waited for."""
    monkeypatch.setattr("shared.adapters.embedded.processes.RUN_SECONDS", 0.2)
    command = ["/bin/sh", "-c", "echo $$; exec sleep 600"]
    assert not run(command, folder=tmp_path, account=None, log=tmp_path / "log")
    pid = (tmp_path / "log").read_text().strip()
    assert pid == "" or not is_at_work(int(pid), "sleep", tmp_path)


def test_a_server_gets_nothing_of_the_caller_s_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PGPORT, a locale or a secret of the caller's environment do not reach a server."""
    for name in ("PGPORT", "PGDATA", "LC_ALL", "LANG", "PACELINE_SECRET"):
        monkeypatch.setenv(name, "from the caller")
    run(["/usr/bin/env"], folder=tmp_path, account=None, log=tmp_path / "log")
    said = (tmp_path / "log").read_text()
    assert "from the caller" not in said
    assert "LC_ALL=C\n" in said


def test_only_the_right_program_in_the_right_folder_is_at_work(tmp_path: Path) -> None:
    """A number from an old pid file is believed only if both agree."""
    (tmp_path / "elsewhere").mkdir()
    with (tmp_path / "log").open("ab") as output:
        process = launch(["/bin/sleep", "600"], folder=tmp_path, account=None, output=output)
    with process, ending(process):
        while process.poll() is None and not is_at_work(process.pid, "sleep", tmp_path):
            pass  # the launcher becomes the program in a moment
        assert process.poll() is None
        assert not is_at_work(process.pid, "postgres", tmp_path)
        assert not is_at_work(process.pid, "sleep", tmp_path / "elsewhere")
    assert not is_at_work(process.pid, "sleep", tmp_path)


def test_a_log_is_put_aside_when_it_has_grown(tmp_path: Path) -> None:
    """A platform that is started for years fills no disk with its logs."""
    log = tmp_path / "postgres.log"
    put_aside(log)
    log.write_text("short")
    put_aside(log)
    assert log.exists()
    with log.open("r+b") as file:
        file.truncate(LOG_LIMIT_BYTES + 1)
    put_aside(log)
    assert [path.name for path in tmp_path.iterdir()] == ["postgres.old.log"]
