"""A Postgres of our own, on the loopback interface, with the programs of an installed wheel.

The server is our direct child and not pg_ctl's, which would put itself in between and end: only a child can
be tied to our life and waited for. Whatever an earlier run left on the data folder, because it was killed
where nothing ties the two, is stopped first; then the server always starts anew.
"""

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Final, Literal

from shared.adapters.embedded.cluster import (
    DATABASE,
    SERVER,
    SUPERUSER,
    Cluster,
    cluster_folder,
    data_folder,
    forget_stranger,
    is_ready,
    open_cluster,
    postmaster_pid,
)
from shared.adapters.embedded.failures import CannotStart, did_not_start, told_as_a_sentence
from shared.adapters.embedded.folder_lock import FolderLock, take_lock
from shared.adapters.embedded.ports import LOOPBACK, free_port, is_taken
from shared.adapters.embedded.processes import Steps, end, happens, in_thread, is_at_work, launch, open_log
from shared.adapters.embedded.removal import remove_server
from shared.adapters.embedded.storage import open_storage

StopMode = Literal["smart", "fast", "immediate"]

SETTINGS: Final = {
    "listen_addresses": LOOPBACK,
    # None at all: its path may have 107 bytes only, and a data folder may lie deeper.
    "unix_socket_directories": "",
    # Four kinds of process with pools of ten, each twice on a machine, and room for a person with psql.
    "max_connections": "100",
    # The defaults, said aloud: Postgres is the truth, and what it acknowledged survives a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    # Nobody replicates an embedded server; uploads into new tables are then not written twice.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

#: Another port, or a moment for the orphans of a killed server: they let go of its memory within a second.
START_TRIES = 5
PAUSE_SECONDS = 0.3
#: A server that was killed replays at most 1 GB of log (max_wal_size) before it is ready.
READY_SECONDS = 120.0

_FORCE = ((signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
#: Postgres' own meaning of the signals; a fast stop writes a checkpoint, which on a slow disk takes its time.
STOP_STEPS: Final[dict[StopMode, Steps]] = {
    "smart": ((signal.SIGTERM, 60.0), (signal.SIGINT, 30.0), *_FORCE),
    "fast": ((signal.SIGINT, 30.0), *_FORCE),
    "immediate": _FORCE,
}


class EmbeddedPostgres:
    """A Postgres server on the data in `data_dir`; one per folder on a machine."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve()
        self._lock: FolderLock | None = None
        self._process: subprocess.Popen[bytes] | None = None
        #: What it was started on and where it listened, to be started so again.
        self._last: tuple[Cluster, int] | None = None

    async def start(self) -> str:
        """Start the server and return its DATABASE_URL; raises `DataInUse` or `CannotStart`.

        Call it on the main thread: then the server ends with this process, however that ends (on Linux).
        """
        with told_as_a_sentence(self._data_dir):
            storage = await in_thread(lambda: open_storage(self._data_dir))
            self._lock = take_lock(SERVER, storage.folder, self._data_dir)
            try:
                cluster = await in_thread(lambda: open_cluster(storage))
                port = await self._serve(cluster)
            except BaseException:
                await self.stop("immediate")
                raise
        return f"postgresql://{SUPERUSER}:{cluster.password}@{LOOPBACK}:{port}/{DATABASE}"

    async def restart(self) -> None:
        """Start the server again at the address that it had, be it dead or mute; raises `CannotStart`."""
        if self._last is None:
            raise CannotStart("The embedded Postgres was not started yet.")
        cluster, port = self._last
        with told_as_a_sentence(self._data_dir):
            await self._end("immediate")
            await self._serve(cluster, at_port=port)

    async def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server, with Postgres' own three modes; harmless when it does not run."""
        await self._end(mode)
        self._last = None
        if self._lock:
            self._lock.release()
            self._lock = None

    async def remove_data(self) -> None:
        """Delete the database and everything that belongs to it; raises `DataInUse` while a server runs."""
        await remove_server(SERVER, self._data_dir, lambda storage: end_left_behind(_data_of(storage)))

    async def _end(self, mode: StopMode) -> None:
        process = self._process
        if process:
            await end(process.pid, STOP_STEPS[mode], is_gone=lambda: process.poll() is not None)
            self._process = None

    async def _serve(self, cluster: Cluster, *, at_port: int | None = None) -> int:
        """Start the server on this port or on some port, and return it."""
        for _ in range(START_TRIES):
            await end_left_behind(cluster.data)
            port = at_port or free_port()
            self._process = process = _launch(cluster, port)
            if await _is_ready(process, cluster.data, cluster.log):
                self._last = cluster, port
                return port
            if at_port or not is_taken(port):
                await asyncio.sleep(PAUSE_SECONDS)
        raise did_not_start("Postgres", cluster.log)


async def end_left_behind(data: Path) -> None:
    """Stop the server of a run that was killed, so that `data` are free; call it with the lock held."""
    pid = postmaster_pid(data)
    if pid:
        await end(pid, STOP_STEPS["fast"], is_gone=lambda: not is_at_work(pid, "postgres", data))
        forget_stranger(data)


def _data_of(storage: Path) -> Path:
    return data_folder(cluster_folder(storage))


def _launch(cluster: Cluster, port: int) -> subprocess.Popen[bytes]:
    settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(port)}.items()]
    with open_log(cluster.log) as output:
        return launch(
            [cluster.programs / "postgres", "-D", cluster.data, *settings],
            folder=cluster.data,
            account=cluster.account,
            output=output,
            death_signal=signal.SIGINT,  # a fast stop: no client of ours is left, and the data end tidy
        )


async def _is_ready(process: subprocess.Popen[bytes], data: Path, log: Path) -> bool:
    """Wait until the server takes connections (true) or has ended (false)."""
    if not await happens(
        lambda: process.poll() is not None or is_ready(data, process.pid), within_seconds=READY_SECONDS
    ):
        raise CannotStart(
            f"The embedded Postgres was not ready within {READY_SECONDS:.0f} seconds: read {log}."
        )
    return process.poll() is None
