"""What a plan is made of, and who runs a simulation."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.domain.callee_hours import CalleeHours
from shared.domain.calling_window import Calendar
from shared.domain.campaign import CampaignState, Dialect
from shared.domain.campaign_line import NumberInLine
from shared.domain.campaign_plan import Start
from shared.domain.campaign_simulation import CallUnderWay, Scenario
from shared.domain.errors import Unavailable
from shared.domain.retry import RetryPolicy


class SimulationBusy(Unavailable):
    """As many simulations as are let run at a time are running: try again in a minute."""


class SimulationLost(Unavailable):
    """The simulation ended before its time."""


class Callees(StrEnum):
    """Who a simulation calls."""

    POPULATION = "population"  # the simulator's own: some are busy, some do not answer
    ANSWER = "answer"  # everybody answers at once


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """Where a campaign stands, of one instant."""

    campaign_id: int
    name: str | None
    state: CampaignState
    #: Why nothing is dialed at present; None while calls may leave.
    held_because: str | None
    calendar: Calendar
    #: From where it goes on: as if it were started now, if it does not run.
    start: Start
    retry: RetryPolicy
    callee_hours: CalleeHours | None
    #: Which time zones each set of them holds, where it keeps to callees' hours.
    zones: Mapping[int, tuple[str, ...]]
    #: In line, and waiting for another try.
    ready: int
    waiting: int
    #: Attempts whose due instant is still to come, and calls that have left.
    under_way: tuple[CallUnderWay, ...]
    #: Numbers of attempts that will be withheld: they are the first in line again.
    returning: tuple[NumberInLine, ...]

    @property
    def numbers(self) -> int:
        """How many numbers are to be called; those of calls that have left are not among them."""
        planned = sum(not attempt.left for attempt in self.under_way)
        return self.ready + self.waiting + planned + len(self.returning)


class PlanSnapshot(Protocol):
    """One campaign at one instant."""

    facts: PlanFacts

    async def recent_dues(self, most: int) -> Mapping[int, datetime]:
        """Return the due instants, by emission number, that may lie in one period with the next `most` calls."""

    def numbers(self) -> AsyncIterator[Sequence[NumberInLine]]:
        """Yield who is to be called and is in no attempt: who waits, and then the line, by batch and line."""


class CampaignPlans(Protocol):
    """The store of whoever makes plans. Everything of another tenant answers as unknown."""

    def snapshot(
        self, tenant_id: int, dialect: Dialect, campaign_id: int
    ) -> AbstractAsyncContextManager[PlanSnapshot]:
        """Hold on to a campaign as it is now; raises NotFound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOrder:
    """What is to be simulated, and what is wanted of it."""

    scenario: Scenario
    callees: Callees
    #: How many days of the summary are listed.
    most_days: int
    #: Whether each call is written, in a line before the summary's.
    lists_calls: bool


class RunningSimulation(Protocol):
    """A simulation that has been given a place; raises SimulationLost when it is gone."""

    async def begin(self, order: SimulationOrder) -> None:
        """Tell what is to be simulated."""

    async def feed(self, numbers: Sequence[NumberInLine]) -> None:
        """Add to the line."""

    def output(self) -> AsyncIterator[bytes]:
        """Let it run, and yield the pieces of what it writes: lines of JSON (`shared.contracts.campaign_plan`)."""


class Simulations(Protocol):
    """Runs simulations apart from everything else: none may cost more than its share of time and memory."""

    #: The longest line that is taken.
    most_numbers: int

    def place(self) -> AbstractAsyncContextManager[RunningSimulation]:
        """Make room for one simulation, for the block; raises SimulationBusy."""
