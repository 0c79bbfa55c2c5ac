"""Simulations in processes of their own: what they answer, how many there may be, and that nothing of them remains."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from shared.adapters.simulator.foresight import foreseen
from shared.adapters.simulator.simulation_host import Foresight
from shared.adapters.simulator.simulations import ProcessSimulations
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.campaign import CampaignState
from shared.domain.campaign_line import NumberInLine
from shared.domain.campaign_plan import start_of
from shared.domain.campaign_simulation import Scenario
from shared.domain.pace import Pace
from shared.domain.pacing import PacingState
from shared.domain.retry import RetryPolicy
from shared.domain.wall_clock import WEEK
from shared.ports.campaign_plans import (
    Callees,
    RunningSimulation,
    SimulationBusy,
    SimulationLost,
    SimulationOrder,
)

FORESIGHT = Foresight(seed=7, speed=1.0, ring_seconds=30.0)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def order(
    *, callees: Callees = Callees.POPULATION, tries: int = 1, lists_calls: bool = True, per_minute: int = 60
) -> SimulationOrder:
    """Order a campaign around the clock, until the end of the next year."""
    pace = Pace(period_minutes=1, amount=per_minute)
    calendar = Calendar(
        first_date=date(2026, 11, 21), last_date=date(2027, 12, 31), weekdays=frozenset(WEEK), zone="UTC",
        windows=(CallingWindow(opens_minute=0, closes_minute=1440, pace=pace),),
    )  # fmt: skip
    start = start_of(CampaignState.READY, started_at=None, pacing=PacingState(), now=NOON)
    scenario = Scenario(calendar=calendar, start=start, policy=RetryPolicy(tries=tries))
    return SimulationOrder(scenario=scenario, callees=callees, most_days=3, lists_calls=lists_calls)


def line_of(count: int) -> list[NumberInLine]:
    """Return numbers of the population."""
    return [NumberInLine(number, f"+1415{number:07}", 0) for number in range(count)]


async def lines(pieces: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    """Read all lines."""
    text = b"".join([piece async for piece in pieces])
    return [orjson.loads(line) for line in text.splitlines()]


async def run(
    running: RunningSimulation, what: SimulationOrder, numbers: list[NumberInLine]
) -> list[dict[str, Any]]:
    """Run a simulation to its end; its line comes in two pieces."""
    half = len(numbers) // 2
    await running.begin(what)
    await running.feed(numbers[:half])
    await running.feed(numbers[half:])
    return await lines(running.output())


async def test_a_simulation_writes_every_call_and_its_summary() -> None:
    """One line for each call, in order, with whom the simulated network would find; the summary adds them up."""
    async with ProcessSimulations(FORESIGHT).place() as running:
        *calls, summary = await run(running, order(tries=2), line_of(200))
    assert [call["due_at"] for call in calls] == sorted(call["due_at"] for call in calls)
    assert calls[1]["due_at"] == "2026-11-21T12:00:01.300000+00:00[UTC]"
    assert {call["call_id"] for call in calls} == set(range(200))
    for call in calls:
        conduct = foreseen(call["phone_number"], seed=7, speed=1.0, ring_seconds=30.0)
        assert call["outcome"] == conduct.disposition.outcome.title
    again = [call for call in calls if call["try"] == 2]
    assert 20 < len(again) < 100
    assert summary["calls"] == len(calls) == sum(summary["call_outcomes"].values())
    assert sum(summary["number_outcomes"].values()) == 200
    assert (summary["left_over"], summary["stopped_because"]) == (0, None)


async def test_a_summary_may_come_alone() -> None:
    """Where nobody asks for the calls, one line is all; where everybody answers, nobody is called again."""
    what = order(callees=Callees.ANSWER, tries=3, lists_calls=False)
    async with ProcessSimulations(FORESIGHT).place() as running:
        [summary] = await run(running, what, line_of(130))
    assert summary["call_outcomes"] == {"Answered": 130}
    [day] = summary["days"]
    assert [(run["periods"], run["calls_each"]) for run in day["windows"][0]["periods"]] == [(2, 60), (1, 10)]


async def test_only_so_many_run_at_a_time() -> None:
    """One more is told to come back; when one has ended there is a place again."""
    here = ProcessSimulations(FORESIGHT)
    async with here.place(), here.place():
        with pytest.raises(SimulationBusy):
            await here.place().__aenter__()
    async with here.place() as running:
        assert len(await run(running, order(), line_of(1))) == 2


async def test_a_simulation_that_takes_too_long_is_given_up() -> None:
    """After its time the process is killed, and whoever waits is told."""
    async with ProcessSimulations(FORESIGHT, longest_seconds=1.5).place() as running:
        with pytest.raises(SimulationLost, match="given up after"):
            await run(running, order(tries=100, per_minute=1, lists_calls=False), line_of(200_000))


async def test_a_simulation_that_died_is_told() -> None:
    """A process that cannot go on is a sentence, and not an answer that looks whole."""
    async with ProcessSimulations(FORESIGHT).place() as running:
        await running.begin("no order")  # type: ignore[arg-type]  # what makes it die
        with pytest.raises(SimulationLost, match="ended before its time"):
            await lines(running.output())


async def test_whoever_goes_leaves_nothing_behind() -> None:
    """A client that is gone after the first piece ends the process."""
    here = ProcessSimulations(FORESIGHT)
    async with here.place() as running:
        await running.begin(order(tries=100, per_minute=1))
        await running.feed(line_of(5000))
        async for piece in running.output():
            assert piece
            break
        process = running._process  # type: ignore[attr-defined]  # the test looks at the process itself
        assert process.returncode is None
    assert process.returncode is not None
