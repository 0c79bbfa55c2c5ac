"""A Redis of our own, on the loopback interface.

It keeps nothing: Redis is a doorbell and a scoreboard, both are rebuilt from Postgres, and a file that nobody
reads is only a way to fill a disk. Its settings, with a password that is new at each start, are read from its
standard input, as any user of the machine can see a command line and the user it runs as need not be able to
read our files. The same password is the proof by which a server that a killed run left is known for ours.
"""

import asyncio
import contextlib
import re
import secrets
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.adapters.embedded.binaries import RedisProgram, redis_program
from shared.adapters.embedded.failures import CannotStart, did_not_start, told_as_a_sentence
from shared.adapters.embedded.folder_lock import FolderLock, take_lock
from shared.adapters.embedded.ports import LOOPBACK, free_port, is_taken
from shared.adapters.embedded.processes import (
    POLL_SECONDS,
    Steps,
    end,
    in_thread,
    launch,
    open_log,
    put_aside,
)
from shared.adapters.embedded.removal import remove_server
from shared.adapters.embedded.storage import Storage, open_storage

SERVER = "redis"
PASSWORD_BYTES = 32  # beyond guessing, at any speed at which Redis answers
START_TRIES = 5  # another port each time
READY_SECONDS = 60.0  # it starts in some 20 ms, having nothing to load; a machine may be busy
ANSWER_SECONDS = 2.0  # a server that does not answer a ping on the loopback interface in this time is not one
ANSWER_LINES = 2  # one to the password, one to the command
ANSWER_BYTES = 512  # both are short
STOP_STEPS: Final[Steps] = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))

SETTINGS: Final = f"""\
bind {LOOPBACK}
port {{port}}
requirepass {{password}}
daemonize no
save ""
appendonly no
"""
_WRITTEN = re.compile(r"port ([0-9]{1,5})\nrequirepass ([0-9a-f]+)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a server is reached and how it knows us."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """The REDIS_URL."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"


class EmbeddedRedis:
    """A Redis server without persistence; one per data folder on a machine."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve()
        self._lock: FolderLock | None = None
        self._process: subprocess.Popen[bytes] | None = None
        #: What it was started with, to be started so again.
        self._last: tuple[Storage, RedisProgram, Door] | None = None

    async def start(self) -> str:
        """Start the server and return its REDIS_URL; raises `DataInUse` or `CannotStart`.

        Call it on the main thread: then the server ends with this process, however that ends (on Linux).
        """
        with told_as_a_sentence(self._data_dir):
            storage = await in_thread(lambda: open_storage(self._data_dir))
            self._lock = take_lock(SERVER, storage.folder, self._data_dir)
            try:
                program = await in_thread(lambda: redis_program(as_other_user=storage.account is not None))
                door = await self._serve(storage, program)
            except BaseException:
                await self.stop()
                raise
        return door.url

    async def restart(self) -> None:
        """Start the server again at the address that it had, be it dead or mute; raises `CannotStart`."""
        if self._last is None:
            raise CannotStart("The embedded Redis was not started yet.")
        storage, program, door = self._last
        with told_as_a_sentence(self._data_dir):
            await self._end()
            put_aside(_log(storage.folder))
            self._process = process = _launch(storage, program, door)
            if not await _is_ready(process, door):
                raise did_not_start("Redis", _log(storage.folder))

    async def stop(self) -> None:
        """Stop the server; harmless when it does not run."""
        await self._end()
        self._last = None
        if self._lock:
            self._lock.release()
            self._lock = None

    async def remove_data(self) -> None:
        """Delete the settings and the log; raises `DataInUse` while a server runs."""
        await remove_server(SERVER, self._data_dir, lambda storage: end_left_behind(_settings_file(storage)))

    async def _end(self) -> None:
        process = self._process
        if process:
            await end(process.pid, STOP_STEPS, is_gone=lambda: process.poll() is not None)
            self._process = None

    async def _serve(self, storage: Storage, program: RedisProgram) -> Door:
        """Start the server on some port and return where it is."""
        await end_left_behind(_settings_file(storage.folder))
        put_aside(_log(storage.folder))
        for _ in range(START_TRIES):
            door = Door(port=free_port(), password=secrets.token_hex(PASSWORD_BYTES))
            self._process = process = _launch(storage, program, door)
            if await _is_ready(process, door):
                self._last = storage, program, door
                return door
            if not is_taken(door.port):
                break
        raise did_not_start("Redis", _log(storage.folder))


async def end_left_behind(settings: Path) -> None:
    """Stop the server that was started with these settings, if one still answers to their password."""
    if door := _written_door(settings):
        await _say("SHUTDOWN NOSAVE", door)


def _launch(storage: Storage, program: RedisProgram, door: Door) -> subprocess.Popen[bytes]:
    file = _settings_file(storage.folder)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(SETTINGS.format(port=door.port, password=door.password))
    with file.open("rb") as settings, open_log(_log(storage.folder)) as output:
        return launch(
            [program.path, "-"],
            folder=storage.server_folder(SERVER),
            account=storage.account,
            output=output,
            standard_input=settings,
            death_signal=signal.SIGKILL,  # it has nothing to save
            environment=program.environment,
        )


async def _is_ready(process: subprocess.Popen[bytes], door: Door) -> bool:
    """Wait until the server answers (true) or has ended (false)."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            while process.poll() is None:
                if "+PONG" in await _say("PING", door):
                    break
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise CannotStart(f"The embedded Redis did not answer within {READY_SECONDS:.0f} seconds.") from None
    return process.poll() is None  # else it was somebody else at that port


def _written_door(settings: Path) -> Door | None:
    with contextlib.suppress(FileNotFoundError):
        if written := _WRITTEN.search(settings.read_text()):
            return Door(port=int(written[1]), password=written[2])
    return None


async def _say(command: str, door: Door) -> str:
    """Give one command to the server at `door`; return what it answered until then, "" if it is not there."""
    answer = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, door.port)
            try:
                writer.write(f"AUTH {door.password}\r\n{command}\r\n".encode())
                while answer.count(b"\n") < ANSWER_LINES and (heard := await reader.read(ANSWER_BYTES)):
                    answer += heard
            finally:
                writer.close()
    return answer.decode(errors="replace")


def _settings_file(storage: Path) -> Path:
    return storage / f"{SERVER}.conf"


def _log(storage: Path) -> Path:
    return storage / f"{SERVER}.log"
