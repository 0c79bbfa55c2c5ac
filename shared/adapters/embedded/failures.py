"""What can go wrong with an embedded server, each as one sentence that says how to mend it.

A person who typed `make run` reads these: never a traceback, never "command returned 1".
"""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from shared.domain.errors import Conflict, Unavailable

#: A new database takes 40 MB and its first write-ahead segments 16 MB each; with less than this free, a
#: server that would not start had no room.
ROOM_NEEDED_BYTES = 100 * 1024 * 1024
#: The end of a log that is searched for the reason of a failure.
LOG_TAIL_BYTES = 8 * 1024
#: Longest reason quoted in a sentence; the log holds the rest.
REASON_CHARACTERS = 300


class CannotStart(Unavailable):
    """An embedded server did not start; set DATABASE_URL and REDIS_URL to servers of your own, or mend it."""


class CannotStop(Unavailable):
    """An embedded server does not stop."""


class NotInstalled(CannotStart):
    """The programs of an embedded server are not installed; run `make setup`."""


class DataInUse(Conflict):
    """Another process works on the same data folder; nothing was changed.

    `pid` is that process, or None where it could not be read.
    """

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.folder = folder
        self.pid = pid
        owner = f"process {pid}" if pid else "another process"
        super().__init__(
            f"Paceline already runs on {folder} ({owner}): stop it, or choose another folder with --data-dir."
        )


@contextlib.contextmanager
def told_as_a_sentence(folder: Path) -> Iterator[None]:
    """Turn the operating system's errors inside the block into a `CannotStart` about `folder`."""
    try:
        yield
    except OSError as error:
        raise CannotStart(sentence_for(error, folder)) from error


def sentence_for(error: OSError, folder: Path) -> str:
    """Say what `error` means for somebody who only named a data folder."""
    where = error.filename or folder
    if error.errno in {errno.EACCES, errno.EPERM}:
        # The folder itself is named when it could not even be made.
        order = "install -d -o" if where == str(folder) else "chown -R"
        return (
            f"Paceline may not use {where}: make it yours with `sudo {order} $(id -un) {folder}`, "
            "or choose another folder with --data-dir."
        )
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return full_disk(folder)
    if error.errno == errno.EROFS:
        return f"{where} cannot be written to: choose another folder with --data-dir."
    reason = error.strerror or error
    return f"Paceline cannot use {where} ({reason}): mend it, or choose another folder with --data-dir."


def full_disk(folder: Path) -> str:
    """Say that a disk has no room."""
    room_mb = ROOM_NEEDED_BYTES // (1024 * 1024)
    return f"The disk of {folder} is full: free {room_mb} MB of it, or choose another folder with --data-dir."


def did_not_start(server: str, log: Path) -> CannotStart:
    """Make the error for a `server` that ended instead of starting; the reason comes from its `log`."""
    if shutil.disk_usage(log.parent).free < ROOM_NEEDED_BYTES:
        return CannotStart(full_disk(log.parent))
    return CannotStart(f"The embedded {server} did not start ({reason_in(log)}); its log is {log}.")


def reason_in(log: Path) -> str:
    """Return the last fatal line of `log`, or its last line; for people only, nothing is decided by it."""
    lines = [line.strip() for line in _tail(log).splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    reason = (fatal or lines or ["it gave no reason"])[-1]
    return reason.rstrip(".")[-REASON_CHARACTERS:]


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
