"""The file in which a running Postgres describes itself, and what is read from it."""

import os
import subprocess
from pathlib import Path

import pytest

from shared.adapters.embedded.cluster import forget_stranger, is_ready, postmaster_pid

RUNNING = "{pid}\n/data\n1700000000\n5433\n\n127.0.0.1\n  1234  5\n{state}\n"


@pytest.mark.parametrize(
    ("content", "pid"),
    [
        (RUNNING.format(pid=77, state="ready   "), 77),
        ("-77\n/data\n", 77),
        ("", None),
        ("seven\n", None),
        ("\u0667\u0667\n", None),
    ],
)
def test_the_pid_is_read_from_the_first_line(tmp_path: Path, content: str, pid: int | None) -> None:
    """A server that works alone writes it negative; what is no number is nobody's."""
    (tmp_path / "postmaster.pid").write_text(content)
    assert postmaster_pid(tmp_path) == pid


def test_without_the_file_nobody_runs(tmp_path: Path) -> None:
    """A server that ended in peace has removed it."""
    assert postmaster_pid(tmp_path) is None
    assert not is_ready(tmp_path, 77)


@pytest.mark.parametrize(
    ("pid", "state", "ready"),
    [(77, "ready   ", True), (77, "starting", False), (77, "stopping", False), (78, "ready   ", False)],
)
def test_a_server_is_ready_when_it_says_so_itself(tmp_path: Path, pid: int, state: str, ready: bool) -> None:
    """The word of the server before it, whose file was left, does not count."""
    (tmp_path / "postmaster.pid").write_text(RUNNING.format(pid=pid, state=state))
    assert is_ready(tmp_path, 77) is ready


def test_a_stranger_s_number_is_forgotten(tmp_path: Path) -> None:
    """Postgres would refuse to start because a process of that number lives."""
    (tmp_path / "postmaster.pid").write_text(RUNNING.format(pid=os.getpid(), state="ready   "))
    forget_stranger(tmp_path)
    assert not (tmp_path / "postmaster.pid").exists()


def test_a_dead_number_is_left_to_postgres(tmp_path: Path) -> None:
    """Its file also says which shared memory may still be in use, which Postgres looks at."""
    with subprocess.Popen(["/bin/true"]) as ended:
        pass
    (tmp_path / "postmaster.pid").write_text(RUNNING.format(pid=ended.pid, state="ready   "))
    forget_stranger(tmp_path)
    assert (tmp_path / "postmaster.pid").exists()
