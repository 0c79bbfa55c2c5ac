"""Simulations from the outside: a process for each, a few at a time, and a deadline."""

import asyncio
import os
import pickle
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from typing_extensions import override

import shared
from shared.adapters.simulator.simulation_host import MEMORY_BYTES, Foresight
from shared.domain.campaign_line import NumberInLine
from shared.ports.campaign_plans import (
    RunningSimulation,
    SimulationBusy,
    SimulationLost,
    SimulationOrder,
    Simulations,
)

#: One fills a core; the machine has calls to place.
MOST_AT_A_TIME: Final = 2
#: From its place to its last byte, the time in which a client reads included.
LONGEST_SECONDS: Final = 420.0
#: A piece of the answer, as a pipe holds it.
_PIECE_BYTES: Final = 64 * 1024
#: What the process needs of our environment: nothing that is secret.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
_GIB: Final = 1024**3


class ProcessSimulations(Simulations):
    """Runs each simulation in a process of its own, on the simulator's population."""

    most_numbers = 1_000_000

    def __init__(self, foresight: Foresight, *, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._foresight = foresight
        self._longest_seconds = longest_seconds
        self._running = 0

    @override
    @asynccontextmanager
    async def place(self) -> AsyncIterator[RunningSimulation]:
        if self._running >= MOST_AT_A_TIME:
            raise SimulationBusy
        self._running += 1
        try:
            process = await _spawn()
            simulation = SimulationProcess(process, self._foresight, self._longest_seconds)
            try:
                yield simulation
            finally:
                await simulation.end()
        finally:
            self._running -= 1


class SimulationProcess(RunningSimulation):
    """One process; it is killed when its time is over."""

    def __init__(
        self, process: asyncio.subprocess.Process, foresight: Foresight, longest_seconds: float
    ) -> None:
        self._process = process
        self._foresight = foresight
        self._longest_seconds = longest_seconds
        self._overdue = False
        self._deadline = asyncio.get_running_loop().call_later(longest_seconds, self._expire)

    @override
    async def begin(self, order: SimulationOrder) -> None:
        await self._write((order, self._foresight))

    @override
    async def feed(self, numbers: Sequence[NumberInLine]) -> None:
        if numbers:
            await self._write(list(numbers))

    @override
    async def output(self) -> AsyncIterator[bytes]:
        await self._write([])
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        while piece := await self._process.stdout.read(_PIECE_BYTES):
            yield piece
        if await self._process.wait() != 0:
            raise self._lost()

    async def end(self) -> None:
        """Leave nothing of it behind."""
        self._deadline.cancel()
        self._kill()
        # Its pipes are read to their end with it: a transport that is left open would outlive the loop.
        await self._process.communicate()

    async def _write(self, value: object) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        try:
            self._process.stdin.write(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise self._lost() from error

    def _expire(self) -> None:
        self._overdue = True
        self._kill()

    def _kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    def _lost(self) -> SimulationLost:
        if self._overdue:
            return SimulationLost(f"The simulation was given up after {self._longest_seconds:.0f} seconds.")
        return SimulationLost(
            f"The simulation ended before its time; it may have needed more than {MEMORY_BYTES // _GIB} GiB of memory."
        )


async def _spawn() -> asyncio.subprocess.Process:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # The package is found wherever this process found it, installed or not.
    environment["PYTHONPATH"] = str(Path(shared.__path__[0]).parent)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.adapters.simulator.simulation_host",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
