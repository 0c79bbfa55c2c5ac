"""Processes end when their owner is killed, however that happens."""

import os
import select
import subprocess
import sys
from pathlib import Path

import services
from services.cli.supervision.lifeline import VARIABLE, Lifeline, end_with_owner

ROOT = Path(services.__file__ or "").parents[1]

#: Says that it watches, and then sleeps until something ends it.
OWNED = """
import signal, threading, time, sys
from services.cli.supervision import lifeline
lifeline.GRACE_SECONDS = 0.2
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
lifeline.end_with_owner()
print("watching", flush=True)
threading.Event().wait()
"""

#: Owns such a process, and is killed.
OWNER = """
import os, signal, subprocess, sys, time
from services.cli.supervision.lifeline import Lifeline
line = Lifeline()
owned = subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]], env=os.environ | line.environment,
                         pass_fds=(line.reading_end,), stdout=subprocess.PIPE, start_new_session=True)
owned.stdout.readline()
print(owned.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _owned_by_a_killed_process(kind: str) -> int | None:
    """Return a pidfd of a process whose owner has just killed itself; None if it was quicker than we are."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, kind, OWNED], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            descriptor = None
    assert owner.returncode < 0
    return descriptor


def _has_ended(descriptor: int | None) -> bool:
    if descriptor is None:
        return True
    ended, _, _ = select.select([descriptor], [], [], 60)
    os.close(descriptor)
    return bool(ended)


def test_a_process_ends_with_its_killed_owner() -> None:
    """SIGKILL of the owner ends what it owned, in order."""
    assert _has_ended(_owned_by_a_killed_process("willing"))


def test_a_process_that_does_not_end_is_killed() -> None:
    """What ignores the request is killed when its grace is over."""
    assert _has_ended(_owned_by_a_killed_process("stubborn"))


def test_nobody_owns_a_process_that_was_not_told_so() -> None:
    """A service that somebody starts by hand watches nothing."""
    assert VARIABLE not in os.environ
    end_with_owner()


def test_the_end_of_the_block_is_the_end_of_the_line() -> None:
    """When the owner ends its block, the reading end sees the end."""
    with Lifeline() as line:
        copy = os.dup(line.reading_end)
        assert select.select([copy], [], [], 0)[0] == []
    assert os.read(copy, 1) == b""
    os.close(copy)
