"""The step between fork and exec."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.adapters.embedded.processes import LAUNCHER
from shared.adapters.embedded.system_user import server_account

IDENTITY = "PATH=/usr/bin:/bin; id -u; id -g; id -G; umask; pwd"


def launched(*orders: object, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run the launcher as the servers are."""
    arguments = [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, orders), *command]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)


def test_the_program_works_in_its_folder_and_keeps_its_files_private(tmp_path: Path) -> None:
    """An ordinary user's server is that user's, under a umask that leaves others out."""
    ended = launched(-1, -1, 0, os.getpid(), tmp_path, command=("/bin/sh", "-c", IDENTITY))
    assert ended.stdout.split("\n")[0] == str(os.getuid())
    assert ended.stdout.splitlines()[3:] == ["0077", str(tmp_path)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_is_given_up_with_all_its_groups() -> None:
    """Nothing of root's is left to a server: not its user, its group nor one of its other groups."""
    account = server_account()
    assert account
    ended = launched(account.uid, account.gid, 0, os.getpid(), "/", command=("/bin/sh", "-c", IDENTITY))
    assert ended.stdout.splitlines()[:3] == [str(account.uid), str(account.gid), str(account.gid)]


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux'")
def test_who_has_lost_its_parent_before_it_asked_for_the_signal_ends() -> None:
    """Nobody would send the signal any more, so the program is not started at all."""
    ended = launched(-1, -1, int(signal.SIGKILL), 1, "/", command=("/bin/echo", "started"))
    assert (ended.returncode, ended.stdout) == (0, "")


def test_a_program_that_cannot_be_run_is_told_in_one_line(tmp_path: Path) -> None:
    """The line ends up in the server's log, from where the error quotes it."""
    ended = launched(-1, -1, 0, os.getpid(), tmp_path, command=(str(tmp_path / "absent"),))
    assert ended.returncode == 126
    assert ended.stderr == f"FATAL: {tmp_path / 'absent'} cannot be run: No such file or directory\n"
