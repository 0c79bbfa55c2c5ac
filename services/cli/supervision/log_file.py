"""The log of one process: appended to, bounded, and quoted when the process fails.

The process writes by itself to an inherited descriptor, so that its last words before a crash are there and
no reader can hold it up. That descriptor is opened for appending: the file may be cut under it, and what is
written next stands at the new end.
"""

import os
import shutil
from pathlib import Path

from services.cli.supervision.data_folder import PRIVATE_FILE

#: A log is put aside at this size and one old log is kept: a platform's logs stay below 20 MB per process.
LOG_LIMIT_BYTES = 10 * 1024 * 1024
#: The end of a log that is looked at for the reason of a failure.
TAIL_BYTES = 4096
TAIL_LINES = 5
#: How the lines of a traceback begin, which are for the log; what it ends with is for people.
_FRAMES = (" ", "Traceback (most recent", "During handling of", "The above exception")


def open_log(path: Path) -> int:
    """Open the log for a new process, after the old content was put aside if it is long; return a descriptor."""
    put_aside_when_long(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)


def put_aside_when_long(path: Path) -> None:
    """Move the content of a long log to `<name>.old.log`; its writer, if there is one, goes on in the emptied file."""
    try:
        if path.stat().st_size <= LOG_LIMIT_BYTES:
            return
    except FileNotFoundError:
        return
    # Copied and cut, not renamed: the writer's descriptor would follow the renamed file. Lines that are written
    # between the two steps are lost, which for a log of 10 MB is a fair price.
    shutil.copyfile(path, path.with_suffix(".old.log"))
    os.truncate(path, 0)


def size_of(path: Path) -> int:
    """Return the log's length in bytes, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def last_lines(path: Path, *, since_byte: int = 0) -> str:
    """Return the last lines for people that were written after `since_byte`; "" if there are none."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(since_byte, end - TAIL_BYTES))
            text = file.read(TAIL_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith(_FRAMES)]
    return "\n".join(lines[-TAIL_LINES:])
