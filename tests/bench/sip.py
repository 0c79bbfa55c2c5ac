"""What real calls cost: Paceline as the caller beside SIPp as the caller, both of the same SIPp callee on the loopback.

The callee returns every packet of audio to its sender, so that audio goes both ways, and what a caller does not get
back was lost. A caller's processor time is its process's own; the callee's is another column: where it comes near the
cores that there are, the callee and not the caller is what was measured. Losses are told twice: by the callee's kernel,
which counts what its socket had no room for, and by the sequence numbers of what came back.

Beside both stands what the bare system calls of the same packets cost a Python process: where that comes near the aim,
it is the machine that misses it.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rows import Table

from tests.sip.callee import SCENARIOS, free_port

HERE: Final = Path(__file__).parent
CALLER: Final = HERE / "sip_caller.py"
BARE: Final = HERE / "sip_bare.py"
#: A caller that is not done by then has gone wrong.
PATIENCE_SECONDS: Final = 180
AT_ONCE: Final = (200, 500, 1000)
#: Calls a second while they are started, and while they are ended.
RATE: Final = 100
HELD_SECONDS: Final = 10.0
#: Until the first look at SIPp's calls, as our own caller waits.
SETTLE_SECONDS: Final = 3.0
#: Calls that end with their answer: at a rate that a busy dialer has, and at one beyond what it can do.
SETUPS: Final = ((1_000, 100), (4_000, 2_000))
#: Two rounds: what the first leaves may be what any work leaves, what the second adds is a leak.
SOAK_ROUND: Final = 5_000
SOAK_ROUNDS: Final = 2
_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Eleven seconds of something that is no silence.
PROMPT: Final = bytes(range(256)) * 344


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A SIPp that answers and returns what it hears."""

    process: asyncio.subprocess.Process
    port: int
    audio_port: int

    def cpu_seconds(self) -> float:
        """Return how much processor time it has had."""
        return cpu_seconds(self.process.pid)

    def dropped(self) -> int:
        """Return how many packets of audio its socket had no room for."""
        place = f":{self.audio_port:04X}"
        lines = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[-1]) for line in lines if line.split()[1].endswith(place))


def cpu_seconds(process: int) -> float:
    """Return how much processor time a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@asynccontextmanager
async def callee(folder: Path, calls: int) -> AsyncIterator[Callee]:
    """Run a callee for so many calls."""
    port, audio_port = free_port(), free_port(even=True)
    process = await start_sipp(
        folder,
        SCENARIOS / "answer.xml",
        "-p",
        str(port),
        "-mp",
        str(audio_port),
        "-rtp_echo",
        "-m",
        str(calls),
    )
    await asyncio.sleep(0.5)  # it opens its sockets
    try:
        yield Callee(process=process, port=port, audio_port=audio_port)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def start_sipp(folder: Path, scenario: Path, *options: str) -> asyncio.subprocess.Process:
    """Start a SIPp on the loopback."""
    command = ["sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin", *options]
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=folder)


@asynccontextmanager
async def our_caller(kind: str, port: int, *numbers: float) -> AsyncIterator[asyncio.StreamReader]:
    """Run our caller for the block, which hears what it says, to its end; raises RuntimeError when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(CALLER), kind, str(port), *(f"{number:g}" for number in numbers),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield process.stdout
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"The caller of the SIP bench ended with {process.returncode}.")


async def seen_by(caller: asyncio.StreamReader) -> list[dict[str, float]]:
    """Return what our caller saw."""
    found: list[dict[str, float]] = json.loads(await caller.read())
    return found


async def ours(kind: str, port: int, *numbers: float) -> list[dict[str, float]]:
    """Run our caller and return what it saw."""
    async with our_caller(kind, port, *numbers) as caller:
        return await seen_by(caller)


# Set-up.


async def measure_setup(folder: Path) -> Table:
    """Return what it costs to place calls that end with their answer."""
    lines = []
    for count, rate in SETUPS:
        lines += [await our_setup(folder, count, rate), await their_setup(folder, count, rate)]
    lines.append(await our_setup(folder, SETUPS[-1][0], 0))
    return Table(
        "calls that end with their answer",
        ("caller", "asked for", "calls/s", "CPU ms/call", "not well"),
        lines,
    )


async def our_setup(folder: Path, count: int, rate: int) -> Sequence[str]:
    """Return our line; a rate of 0 is as fast as possible with 50 calls on their way."""
    async with callee(folder, count) as far:
        seen = (await ours("setup", far.port, count, rate))[0]
    return (
        "Paceline",
        f"{rate:,} /s" if rate else "50 at a time",
        f"{seen['per_second']:,.0f}",
        f"{seen['cpu_ms']:.2f}",
        f"{count - seen['ended_well']:.0f}",
    )


async def their_setup(folder: Path, count: int, rate: int) -> Sequence[str]:
    """Return SIPp's line."""
    async with callee(folder, count) as far:
        command = [
            "sipp", f"127.0.0.1:{far.port}", "-sf", str(HERE / "sipp_setup.xml"), "-i", "127.0.0.1",
            "-mi", "127.0.0.1", "-p", str(free_port()), "-mp", str(free_port(even=True)), "-nostdin",
            "-m", str(count), "-r", str(rate), "-d", "1", "-timeout", f"{PATIENCE_SECONDS}s",
        ]  # fmt: skip
        began = time.perf_counter()
        well, cpu_seconds = await asyncio.to_thread(run_to_its_end, command, folder)
        passed = time.perf_counter() - began
    return (
        "SIPp",
        f"{rate:,} /s",
        f"{count / passed:,.0f}",
        f"{cpu_seconds * 1000 / count:.2f}",
        "0" if well else "some",
    )


def run_to_its_end(command: Sequence[str], folder: Path) -> tuple[bool, float]:
    """Run a program; return whether it went well, and its processor time: only who waits for it himself learns that."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=folder) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode == 0, used.ru_utime + used.ru_stime


# Media.


async def measure_media(folder: Path) -> Table:
    """Return what calls with audio cost."""
    (folder / "prompt.ul").write_bytes(PROMPT)
    lines = []
    for count in AT_ONCE:
        lines += [
            await our_media(folder, count),
            await bare_media(folder, count),
            await their_media(folder, count),
        ]
    return Table(
        f"calls with audio both ways, {HELD_SECONDS:g} s of all at once; aim 0.5 ms per call-second",
        (
            "caller",
            "calls",
            "CPU ms/call-s",
            "with set-up",
            "callee's cores",
            "sent of due",
            "not returned",
            "callee dropped",
            "by numbers",
            "late p50",
            "p99",
            "worst ms",
            "not well",
        ),
        lines,
    )


async def our_media(folder: Path, count: int) -> Sequence[str]:
    """Return our line."""
    async with (
        callee(folder, count) as far,
        our_caller("media", far.port, count, RATE, HELD_SECONDS) as caller,
    ):
        await caller.readline()  # it begins to look
        began, used, dropped = time.perf_counter(), far.cpu_seconds(), far.dropped()
        await caller.readline()  # it is over
        cores = (far.cpu_seconds() - used) / (time.perf_counter() - began)
        dropped = far.dropped() - dropped
        seen = (await seen_by(caller))[0]
    return (
        "Paceline",
        f"{seen['calls']:,.0f}",
        f"{seen['cpu_ms']:.2f}",
        f"{seen['cpu_ms_in_all']:.2f}",
        f"{cores:.2f}",
        f"{seen['sent'] / seen['due']:.2%}",
        f"{max(0, seen['lost']) / seen['sent']:.3%}",
        f"{dropped:,}",
        f"{seen['missing']:,.0f}",
        f"{seen['late_p50_ms']:.1f}",
        f"{seen['late_p99_ms']:.1f}",
        f"{seen['late_max_ms']:.1f}",
        f"{count - seen['ended_well']:.0f}",
    )


async def bare_media(folder: Path, count: int) -> Sequence[str]:
    """Return the line of bare system calls."""
    async with callee(folder, count) as far:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(BARE), str(far.audio_port), str(count), f"{HELD_SECONDS:g}",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        began, used, dropped = time.perf_counter(), far.cpu_seconds(), far.dropped()
        async with asyncio.timeout(PATIENCE_SECONDS):
            said, _ = await process.communicate()
        cores = (far.cpu_seconds() - used) / (time.perf_counter() - began)
        dropped = far.dropped() - dropped
    seen: dict[str, float] = json.loads(said)
    return (
        "bare system calls", f"{count:,}", f"{seen['cpu_ms']:.2f}", "-", f"{cores:.2f}",
        f"{seen['sent'] / seen['due']:.2%}", f"{max(0, seen['lost']) / seen['sent']:.3%}", f"{dropped:,}",
        "-", "-", "-", "-", "-",
    )  # fmt: skip


async def their_media(folder: Path, count: int) -> Sequence[str]:
    """Return SIPp's line: it tells of neither losses nor lateness."""
    held_ms = (count / RATE + SETTLE_SECONDS + HELD_SECONDS) * 1000
    async with callee(folder, count) as far:
        process = await start_sipp(
            folder, HERE / "sipp_media.xml", "-p", str(free_port()), "-mp", str(free_port(even=True)),
            "-m", str(count), "-r", str(RATE), "-d", f"{held_ms:.0f}", f"127.0.0.1:{far.port}",
        )  # fmt: skip
        await asyncio.sleep(count / RATE + SETTLE_SECONDS)
        began, used = time.perf_counter(), cpu_seconds(process.pid)
        others, dropped = far.cpu_seconds(), far.dropped()
        await asyncio.sleep(HELD_SECONDS)
        passed = time.perf_counter() - began
        used, others = cpu_seconds(process.pid) - used, far.cpu_seconds() - others
        dropped = far.dropped() - dropped
        async with asyncio.timeout(PATIENCE_SECONDS):
            well = await process.wait() == 0
    return (
        "SIPp", f"{count:,}", f"{used * 1000 / (count * passed):.2f}", "-", f"{others / passed:.2f}",
        "-", "-", f"{dropped:,}", "-", "-", "-", "-", "0" if well else "some",
    )  # fmt: skip


# The parts.


async def measure() -> list[Table]:
    """Return what calls cost, or why that is not known here."""
    if missing := absent():
        return [missing]
    with tempfile.TemporaryDirectory() as folder:
        return [await measure_setup(Path(folder)), await measure_media(Path(folder))]


async def measure_soak() -> list[Table]:
    """Return what ten thousand calls in a row leave behind."""
    if missing := absent():
        return [missing]
    count = SOAK_ROUND * SOAK_ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        # SIPp counts a BYE that comes again as one more call, and must not be gone before the last.
        async with callee(Path(folder), 2 * count) as far:
            rounds = await ours("soak", far.port, SOAK_ROUND, SOAK_ROUNDS)
    columns = ("calls", "ended well", "RTP ports", "files", "tasks", "alarms", "objects", "MB resident")
    return [
        Table(
            f"what is left when the last of {count:,} calls in a row was forgotten",
            columns,
            [[f"{value:,.0f}" for value in each.values()] for each in rounds],
        )
    ]


def absent() -> Table | None:
    """Return what to print where there is no callee."""
    needed = {"sipp": "sip-tester", "espeak-ng": "espeak-ng"}
    missing = [package for program, package in needed.items() if shutil.which(program) is None]
    return Table(f"not measured: apt-get install {' '.join(missing)}", ("",), []) if missing else None
