"""SIPp as the far end: a program of its own, with its own idea of what SIP is, whose exit status is a verdict."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

SCENARIOS: Final = Path(__file__).parents[1] / "sipp"
#: Where Debian's sip-tester keeps its recordings of keys.
RECORDINGS: Final = Path("/usr/share/sip-tester")
#: A scenario that is not over by then has gone wrong, whatever the machine does.
PATIENCE_SECONDS: Final = 60
#: SIPp ends by itself, should nobody end it: long after the start of a platform on a busy machine, and its test.
_LIFE_SECONDS: Final = 900
#: What SIPp has no time to read waits; of its own 64 KiB fifty calls at once would lose some on a busy machine.
_BUFFER_BYTES: Final = 4 * 1024 * 1024
#: Ports are chosen before SIPp can take them.
TRIES: Final = 5


def need(program: str, package: str) -> None:
    """Skip, or fail where CI has promised to have it, unless a program of the system is there."""
    if shutil.which(program) is not None:
        return
    words = f"{program} is not on PATH, so this is not tested: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


def need_key_recordings() -> None:
    """Skip unless SIPp can play its recordings of keys: they come with it, and it sends them through a raw socket."""
    need("sipp", "sip-tester")
    if not RECORDINGS.is_dir() or os.geteuid() != 0:
        pytest.skip(
            f"SIPp's recordings of keys need {RECORDINGS} and root for a raw socket: this is not tested"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a program runs: its address, and the words before its command that bring it there."""

    host: str = "127.0.0.1"
    command: tuple[str, ...] = ()


LOOPBACK: Final = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A SIPp that waits for calls."""

    process: asyncio.subprocess.Process
    port: int
    folder: Path

    async def verdict(self) -> int:
        """Return its exit status: 0 when every call went as the scenario says."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()

    def messages(self) -> str:
        """Return every message that it received and sent."""
        return "".join(file.read_text(errors="replace") for file in self.folder.glob("messages.log"))

    def log(self) -> str:
        """Return what it says of itself, for whoever reads why a test failed."""
        return (self.folder / "sipp.log").read_text(errors="replace")


@asynccontextmanager
async def callee(
    folder: Path,
    scenario: str,
    *,
    calls: int = 1,
    options: Sequence[str] = (),
    port: int | None = None,
    place: Place = LOOPBACK,
) -> AsyncIterator[Callee]:
    """Start a SIPp with a scenario on a port, one that is free on the loopback if none is given, for so many calls."""
    need("sipp", "sip-tester")
    process, taken = await _start(folder, SCENARIOS / f"{scenario}.xml", calls, options, port, place)
    try:
        yield Callee(process=process, port=taken, folder=folder)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _start(
    folder: Path, scenario: Path, calls: int, options: Sequence[str], port: int | None, place: Place
) -> tuple[asyncio.subprocess.Process, int]:
    """Start SIPp; again with other ports where somebody took one in the moment before it could."""
    for _ in range(TRIES):
        chosen = port or free_port()
        command = [
            *place.command, "sipp", "-sf", str(scenario), "-i", place.host, "-p", str(chosen), "-mi", place.host,
            "-mp", str(free_port(even=True)), "-m", str(calls), "-nostdin", "-timeout", f"{_LIFE_SECONDS}s",
            "-timeout_error", "-buff_size", str(_BUFFER_BYTES), "-trace_msg",
            "-message_file", str(folder / "messages.log"), *options,
        ]  # fmt: skip
        with (folder / "sipp.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
            )
        if await _listens(process, chosen):
            return process, chosen
    pytest.fail(f"SIPp did not start: {(folder / 'sipp.log').read_text(errors='replace')}")


def free_port(*, even: bool = False) -> int:
    """Return a UDP port of the loopback that nobody has now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if not even or port % 2 == 0:
            return port


async def _listens(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until SIPp has the port; False when it has ended instead, as it does where somebody else has it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while process.returncode is None:
            if _has_port(process.pid, port):
                return True
            await asyncio.sleep(0.01)
    return False


def _has_port(pid: int, port: int) -> bool:
    """Tell whether a process has a UDP port, by the kernel's tables: of its network's sockets, and of its files."""
    try:
        rows = [row.split() for row in Path(f"/proc/{pid}/net/udp").read_text(encoding="ascii").splitlines()]
        files = {file.readlink().name for file in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return False  # it is gone, or has just closed what was looked at
    # The second field is the local address, the tenth the socket's number.
    return any(row[1].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in files for row in rows[1:])
