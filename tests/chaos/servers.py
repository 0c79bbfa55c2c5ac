"""The two servers under test, so that a run may crash them and start them again where they were.

The embedded servers choose a new port at each start, which a platform that runs on fixed addresses would never
find again. These keep their ports, below those that the kernel hands out to clients: while a server is away, a
client that tries again and again could otherwise be given that very port and talk to itself.
"""

import asyncio
import secrets
import signal
import subprocess
from pathlib import Path
from typing import Final

import asyncpg
import redis.asyncio

from shared.adapters.embedded.binaries import redis_program
from shared.adapters.embedded.cluster import DATABASE, SUPERUSER, is_ready, open_cluster
from shared.adapters.embedded.ports import LOOPBACK, is_taken
from shared.adapters.embedded.postgres import SETTINGS as POSTGRES_SETTINGS
from shared.adapters.embedded.processes import happens, launch, open_log
from shared.adapters.embedded.redis import SETTINGS as REDIS_SETTINGS
from shared.adapters.embedded.servers import EmbeddedServers
from shared.adapters.embedded.storage import open_storage

#: Below 32768, where Linux begins to hand out ports to clients.
QUIET_PORTS: Final = range(20_000, 32_000)
#: A crashed Postgres replays its log first; a busy machine takes its time.
READY_SECONDS: Final = 60.0
#: As the platform's own, and able to wait for a standby: see `crash_after_commits`.
SETTINGS: Final = {**POSTGRES_SETTINGS, "wal_level": "replica", "max_wal_senders": "1"}
#: Commits of this long pile up, written and not acknowledged.
UNACKNOWLEDGED_SECONDS: Final = 0.3
#: Orphaned backends let go of the shared memory of a crashed server within this time.
START_TRIES: Final = 20
PAUSE_SECONDS: Final = 0.3


class ServerTrouble(Exception):
    """A server of the run did not start."""


def quiet_port() -> int:
    """Return a port that nobody has and that the kernel gives to nobody."""
    while is_taken(port := secrets.choice(QUIET_PORTS)):
        pass
    return port


class Postgres:
    """A Postgres that comes back on the same port and data."""

    def __init__(self, folder: Path) -> None:
        storage = open_storage(folder)
        self._cluster = open_cluster(storage)
        self._port = quiet_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The DATABASE_URL of a superuser."""
        return f"postgresql://{SUPERUSER}:{self._cluster.password}@{LOOPBACK}:{self._port}/{DATABASE}"

    @property
    def log(self) -> str:
        """What it has written."""
        return self._cluster.log.read_text()

    async def start(self) -> None:
        """Start it and return when it takes connections."""
        for _ in range(START_TRIES):
            self._process = process = self._launch()
            if await self._becomes_ready(process):
                return
            await asyncio.sleep(PAUSE_SECONDS)
        raise ServerTrouble(f"Postgres did not start: read {self._cluster.log}.")

    async def _becomes_ready(self, process: subprocess.Popen[bytes]) -> bool:
        await happens(
            lambda: process.poll() is not None or is_ready(self._cluster.data, process.pid),
            within_seconds=READY_SECONDS,
        )
        return process.poll() is None

    async def crash(self) -> None:
        """End it as `pg_ctl -m immediate` does: no checkpoint, no goodbye to anybody."""
        await self._end(signal.SIGQUIT)

    async def crash_after_commits(self) -> None:
        """Crash it so that every commit of the last moment is on disk, and its client will never hear of it.

        A commit that has to wait for a standby is written first; no standby of this name ever comes.
        """
        connection = await self.connect()
        try:
            await connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            await connection.execute("SELECT pg_reload_conf()")
        finally:
            connection.terminate()
        await asyncio.sleep(UNACKNOWLEDGED_SECONDS)
        await self.crash()
        (self._cluster.data / "postgresql.auto.conf").write_text("")

    async def stop(self) -> None:
        """End it in order."""
        await self._end(signal.SIGINT)

    async def connect(self) -> asyncpg.Connection:
        """Open a connection that sees every tenant."""
        return await asyncpg.connect(self.url)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            await asyncio.to_thread(self._process.wait)
            self._process = None

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {**SETTINGS, "port": str(self._port)}
        with open_log(self._cluster.log) as output:
            return launch(
                [self._cluster.programs / "postgres", "-D", self._cluster.data,
                 *(f"--{name}={value}" for name, value in settings.items())],
                folder=self._cluster.data, account=self._cluster.account, output=output,
                death_signal=signal.SIGINT,
            )  # fmt: skip


class Redis:
    """A Redis that comes back empty on the same port with the same password."""

    def __init__(self, folder: Path) -> None:
        self._storage = open_storage(folder)
        self._program = redis_program(as_other_user=self._storage.account is not None)
        self._port = quiet_port()
        self._password = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The REDIS_URL."""
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/0"

    async def start(self) -> None:
        """Start it and return when it answers."""
        settings = self._storage.folder / "chaos-redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(REDIS_SETTINGS.format(port=self._port, password=self._password))
        with settings.open("rb") as orders, open_log(self._storage.folder / "redis.log") as output:
            self._process = launch(
                [self._program.path, "-"], folder=self._storage.server_folder("redis"),
                account=self._storage.account, output=output, standard_input=orders,
                death_signal=signal.SIGKILL, environment=self._program.environment,
            )  # fmt: skip
        async with asyncio.timeout(READY_SECONDS):
            while not await self._answers():
                await asyncio.sleep(PAUSE_SECONDS / 10)
        settings.unlink()

    async def kill(self) -> None:
        """End it at once; all that it held is gone."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            self._process = None

    def freeze(self) -> None:
        """Let it hear and say nothing until it is thawed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    async def flush(self) -> None:
        """Forget everything."""
        async with redis.asyncio.Redis.from_url(self.url) as client:
            await client.flushall()

    async def _answers(self) -> bool:
        try:
            async with redis.asyncio.Redis.from_url(self.url) as client:
                return bool(await client.ping())
        except (redis.RedisError, OSError):
            return False


async def remove_data(folder: Path) -> None:
    """Remove what both kept, wherever that is."""
    await EmbeddedServers(folder).remove_data()
