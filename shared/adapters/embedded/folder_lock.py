"""One owner per folder: a lock file that names its owner and frees itself when the owner dies.

`flock` and not a mere pid file: a pid file outlives a killed process and, in a container where pids repeat,
even names a stranger. The lock belongs to the open file, so a second owner in one process is refused too.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from shared.adapters.embedded.failures import DataInUse

#: Digits of the largest pid of any platform, and some room; a hostile file is not read further.
PID_BYTES = 32


class FolderLock:
    """The exclusive right to `folder`, as people know it, held in a lock file at `path`."""

    def __init__(self, path: Path, *, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the right or raise `DataInUse`, naming the process that has it, be it this one."""
        if self._descriptor is not None:
            raise DataInUse(self._folder, os.getpid())
        while self._descriptor is None:
            descriptor = _open(self._path)
            self._lock(descriptor)
            if self._is_still_there(descriptor):
                os.truncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                self._descriptor = descriptor
            else:
                os.close(descriptor)

    def release(self, *, remove: bool = False) -> None:
        """Give the right back, and with `remove` take the lock file away; harmless when it is not held."""
        if self._descriptor is None:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, PID_BYTES)
            os.close(descriptor)
            raise DataInUse(self._folder, int(owner) if owner.isdigit() else None) from None

    def _is_still_there(self, descriptor: int) -> bool:
        """Tell whether the locked file is still the one at the path: its last owner may have removed it."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def take_lock(server: str, storage: Path, data_dir: Path) -> FolderLock:
    """Take the right to run or remove `server` in `storage`; a refusal names the `data_dir`."""
    lock = FolderLock(storage / f"{server}.lock", folder=data_dir)
    lock.acquire()
    return lock


@contextlib.contextmanager
def turn_taking(path: Path) -> Iterator[None]:
    """Let only one process (and thread) at a time into the block; for short work, as the others wait."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
