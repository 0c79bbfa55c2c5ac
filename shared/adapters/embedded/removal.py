"""Deleting what a server keeps, wherever that is, and only while nothing runs on it."""

import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from shared.adapters.embedded.failures import told_as_a_sentence
from shared.adapters.embedded.folder_lock import take_lock
from shared.adapters.embedded.processes import in_thread
from shared.adapters.embedded.storage import storages_of, tidy_up


async def remove_server(
    server: str, data_dir: Path, end_left_behind: Callable[[Path], Awaitable[None]]
) -> None:
    """Remove the folder, logs and settings of `server` from every storage folder of `data_dir`.

    Raises `DataInUse` while somebody holds its lock; a server whose owner was killed is stopped first.
    """
    with told_as_a_sentence(data_dir):
        for storage in storages_of(data_dir):
            lock = take_lock(server, storage, data_dir)
            try:
                await end_left_behind(storage)
                await in_thread(partial(_remove, server, storage))
            finally:
                lock.release(remove=True)
        tidy_up(data_dir)


def _remove(server: str, storage: Path) -> None:
    folder = storage / server
    if folder.is_dir():
        shutil.rmtree(folder)
    for suffix in (".log", ".old.log", ".conf"):
        (storage / f"{server}{suffix}").unlink(missing_ok=True)
