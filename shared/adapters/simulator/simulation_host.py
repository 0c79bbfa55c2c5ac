"""The process in which one simulation runs: the order and the line come in, lines of JSON go out, and it ends.

A simulation computes for as long as its campaign has calls: in the API's own process it would hold up everybody. Here
it may use so much memory, so much processor time, at the lowest urgency, and be killed at any moment.

What comes in was written by the process that started this one; nobody else can write to it.
"""

import os
import pickle
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

import orjson

from shared.adapters.simulator.foresight import foreseen
from shared.contracts.campaign_plan import call_line, simulation_fields
from shared.domain.campaign_line import NumberInLine
from shared.domain.campaign_simulation import Callees as Callee
from shared.domain.campaign_simulation import Simulation, everybody_answers
from shared.domain.retry import RetryPolicy
from shared.domain.simulation_summary import SimulationSummary
from shared.ports.campaign_plans import Callees, SimulationOrder

#: Twice as many as the longest line that is taken: a list is tried twice through, or it is told that there is more.
MOST_CALLS: Final = 2_000_000
#: A million calls take a minute where nobody is called again, and two or three where many are.
PROCESSOR_SECONDS: Final = 240
#: A million numbers with all that belongs to them need a third of it.
MEMORY_BYTES: Final = 1024**3
#: Behind everything that places calls.
_NICENESS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Whom the simulated network will call, and how; see `foreseen`."""

    seed: int
    speed: float
    ring_seconds: float


class _Budget:
    """Says when enough has been computed."""

    def __init__(self) -> None:
        self.stopped_because: str | None = None

    def overrun(self, _signal: int, _frame: FrameType | None) -> None:
        """Hear that the processor time is used up."""
        self.stopped_because = f"it had computed for {PROCESSOR_SECONDS} seconds"

    def allows(self, calls: int) -> bool:
        """Tell whether one more call may be simulated after so many."""
        if calls >= MOST_CALLS:
            self.stopped_because = f"it had come to {MOST_CALLS} calls"
        return self.stopped_because is None


def run(order: SimulationOrder, foresight: Foresight, line: Iterator[NumberInLine], output: BinaryIO) -> None:
    """Simulate, and write every call if asked to, and the summary."""
    budget = _Budget()
    signal.signal(signal.SIGXCPU, budget.overrun)
    scenario = order.scenario
    if order.callees is Callees.ANSWER:
        # Nobody who answers is called again; said beforehand, it spares the simulation half of its work.
        scenario = replace(scenario, policy=RetryPolicy())
    zone = ZoneInfo(scenario.calendar.zone)
    summary = SimulationSummary(zone=zone.key, most_days=order.most_days)
    simulation = Simulation(scenario, line, _callees(order.callees, foresight))
    for call in simulation.calls():
        summary.see(call)
        if order.lists_calls:
            output.write(call_line(call, zone))
        if not budget.allows(summary.calls):
            break
    summary.finish()
    fields = simulation_fields(
        summary, zone.key, left_over=simulation.left_over, stopped_because=budget.stopped_because
    )
    output.write(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
    output.flush()


def main() -> None:
    """Take the order from standard input and write to standard output."""
    os.nice(_NICENESS)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, PROCESSOR_SECONDS, PROCESSOR_SECONDS + 30)
    order, foresight = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent, see above
    with suppress(BrokenPipeError):  # nobody waits for the answer any more
        run(order, foresight, _line(sys.stdin.buffer), sys.stdout.buffer)


def _line(stream: BinaryIO) -> Iterator[NumberInLine]:
    while numbers := pickle.load(stream):  # noqa: S301 - as above; an empty piece ends the line
        yield from numbers


def _callees(callees: Callees, foresight: Foresight) -> Callee:
    if callees is Callees.ANSWER:
        return everybody_answers
    return partial(foreseen, seed=foresight.seed, speed=foresight.speed, ring_seconds=foresight.ring_seconds)


def _limit(what: int, soft: int, hard: int) -> None:
    # Not every system has every limit; where one is missing the parent's deadline still holds.
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (soft, hard))


if __name__ == "__main__":
    main()
