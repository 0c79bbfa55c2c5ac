"""`paceline campaign plan`: what it asks for, what people read, and the table of calls that it writes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from typer.testing import CliRunner

from services.cli.client.api import CutOff, NotPaceline
from services.cli.client.plan import lines_of, write_calls
from services.cli.client.plan_shapes import CampaignPlan
from services.cli.client.plan_view import plan_lines, time_words
from services.cli.main import app
from shared.contracts.campaign_plan import call_line, plan_fields, simulation_fields
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.campaign import CampaignState
from shared.domain.campaign_line import NumberInLine
from shared.domain.campaign_plan import Start, campaign_plan, start_of
from shared.domain.campaign_simulation import Scenario, Simulation, everybody_answers
from shared.domain.pace import Pace
from shared.domain.pacing import PacingState
from shared.domain.simulation_summary import SimulationSummary
from shared.domain.wall_clock import WEEK

if TYPE_CHECKING:
    from tests.unit.services.cli.conftest import SmallApi

ZONE = "America/New_York"
#: The night in which the clocks are set back comes next.
HALLOWEEN = datetime(2026, 10, 31, 12, tzinfo=UTC)
URL = "http://127.0.0.1:8700"


def calendar(last: date = date(2026, 11, 1)) -> Calendar:
    """Return a window from a quarter past one to a quarter to two in the morning, from the first of November on."""
    window = CallingWindow(opens_minute=75, closes_minute=105, pace=Pace(period_minutes=20, amount=10))
    return Calendar(
        first_date=date(2026, 11, 1), last_date=last, weekdays=frozenset(WEEK), zone=ZONE, windows=(window,)
    )  # fmt: skip


def start() -> Start:
    """Return the start of a campaign that was never started."""
    return start_of(CampaignState.READY, started_at=None, pacing=PacingState(), now=HALLOWEEN)


def answer(numbers: int, of: Calendar | None = None, days: int = 14, **more: object) -> dict[str, Any]:
    """Return what the API answers, made as the API makes it."""
    plan = campaign_plan(of or calendar(), start(), numbers=numbers, most_days=days)
    return {
        "campaign_id": 7, "name": "March", "status": "READY", "held": None, "time_zone": ZONE,
        "planned_at": "2026-10-31T08:00:00.123456-04:00[America/New_York]",
        "basis": "The campaign is READY: this is what it would do if it were started now.",
        "attempts": 1, "callee_hours": None, "calls_in_progress": 0, **plan_fields(plan, ZONE), "simulation": None,
    } | more  # fmt: skip


def simulated(numbers: int) -> tuple[list[bytes], bytes]:
    """Return the lines of a simulation, made as the API makes them: the calls, and the summary."""
    line = [NumberInLine(number, f"+1202555{number:04}", 0) for number in range(numbers)]
    simulation = Simulation(Scenario(calendar=calendar(), start=start()), line, everybody_answers)
    summary = SimulationSummary(zone=ZONE, most_days=14)
    calls = []
    for call in simulation.calls():
        summary.see(call)
        calls.append(call_line(call, ZoneInfo(ZONE)))
    summary.finish()
    fields = simulation_fields(summary, ZONE, left_over=simulation.left_over, stopped_because=None)
    return calls, orjson.dumps(fields) + b"\n"


def shown(**more: Any) -> str:  # noqa: ANN401 - what `answer` takes
    """Return what people read of a plan."""
    return plan_lines(CampaignPlan.model_validate(answer(**more)))


async def pieces_of(data: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield data in pieces."""
    for begins in range(0, len(data), size):
        yield data[begins : begins + size]


def names_in(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


# What people read ----------------------------------------------------------------------------------------------------


def test_every_time_names_its_zone() -> None:
    """Both openings of the night of the clocks are told apart by their offsets, and every line has the zone."""
    told = shown(numbers=25)
    assert "Now         2026-10-31 08:00:00-04:00 America/New_York" in told
    assert "First call  2026-11-01 01:15:00-04:00 America/New_York" in told
    assert "Last call   2026-11-01 01:33:00-05:00 America/New_York" in told
    first, second = [line for line in told.splitlines() if line.startswith("sun 2026-11-01")]
    assert first == (
        "sun 2026-11-01  01:15-04:00 to 01:45-04:00 America/New_York  "
        "15 of 15 calls: 1 period of 20 minutes, 10 calls; 1 period of 20 minutes, 5 calls"
    )
    assert (
        "01:15-05:00 to 01:45-05:00 America/New_York  10 of 15 calls: 1 period of 20 minutes, 10 calls"
        in second
    )


def test_what_does_not_fit_is_told() -> None:
    """The end says how many numbers no window is left for."""
    assert "End         2026-11-01 01:45:00-05:00 America/New_York, with 70 numbers left over" in shown(
        numbers=100
    )


def test_years_are_not_listed() -> None:
    """Days beyond those that are wanted are counted, as far as was looked."""
    told = shown(numbers=100, of=calendar(last=date(2199, 1, 1)), days=2)
    assert told.splitlines()[-1].startswith("and 1992 more days, as far as 2032-04-")
    assert told.splitlines()[-1].endswith("America/New_York, 4 of them with calls")
    endless = shown(numbers=10**6, of=calendar(last=date(2199, 1, 1)), days=2)
    assert "End         not before 2032-04-" in endless


def test_what_a_plan_leaves_out_is_told() -> None:
    """Retries and callees' hours are a simulation's matter, and the plan says so."""
    told = shown(numbers=5, attempts=3, callee_hours="08:00-21:00", held="carrier maintenance")
    assert "5 to call; up to 3 calls to each, of which the plan has the next one; callees' own hours" in told
    assert "a simulation has them" in told
    assert "Held        carrier maintenance" in told


def test_no_time_is_none() -> None:
    """A campaign without calls has no first one."""
    assert time_words(None) == "none"


# The command ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def campaign(small_api: "SmallApi", monkeypatch: pytest.MonkeyPatch) -> "SmallApi":
    """An API with a plan of 25 numbers, whose environment the command has."""
    monkeypatch.setenv("PACELINE_API", small_api.url)
    monkeypatch.setenv("PACELINE_TOKEN", "pl_test")
    small_api.plan = answer(25)
    calls, summary = simulated(25)
    small_api.plan_calls = b"".join([*calls, summary])
    return small_api


async def command(*words: str | Path) -> str:
    """Run `paceline campaign plan` as a person would and return what it printed; raises what it failed with."""
    arguments = ["campaign", "plan", *map(str, words)]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


async def test_a_plan_alone_asks_for_no_simulation(campaign: "SmallApi") -> None:
    """Without a word it is planned, two weeks of it."""
    told = await command("7")
    assert campaign.plan_queries == [{"days": "14", "callees": "population", "simulate": "0"}]
    assert "Simulated:" not in told


async def test_a_simulation_is_shown_below_the_plan(campaign: "SmallApi") -> None:
    """With `--simulate` what came of it follows, with its own windows."""
    _, summary = simulated(25)
    campaign.plan = answer(25, simulation=orjson.loads(summary))
    told = await command("7", "--simulate", "--callees", "answer", "--days", "3")
    assert campaign.plan_queries == [{"days": "3", "callees": "answer", "simulate": "1"}]
    assert "Calls       25: Answered 25" in told
    assert "10 calls: 1 period of 20 minutes, 10 calls" in told.partition("Simulated:")[2]


async def test_every_call_is_written_as_csv(campaign: "SmallApi", tmp_path: Path) -> None:
    """With `--calls` the table has a line for each call, and the same summary is shown."""
    file = tmp_path / "calls.csv"
    told = await command("7", "--calls", file)
    rows = file.read_text().splitlines()
    assert rows[0] == "due_at,time_zone,call_id,phone_number,try,outcome"
    assert rows[1] == "2026-11-01T01:15:00-04:00,America/New_York,0,+12025550000,1,Answered"
    assert rows[16] == "2026-11-01T01:15:00-05:00,America/New_York,15,+12025550015,1,Answered"
    assert len(rows) == 26
    assert "Calls       25: Answered 25" in told
    assert f"25 calls are written to {file}." in told
    assert campaign.plan_queries[0]["simulate"] == "0"  # once is enough


# The table -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_lines_are_whole_however_they_come(size: int) -> None:
    """The cuts of the network are nowhere to be seen."""
    calls, summary = simulated(3)
    data = b"".join([*calls, summary])
    assert [line + b"\n" async for line in lines_of(pieces_of(data, size))] == [*calls, summary]


@pytest.mark.parametrize("kept", [0, 1, 25])
async def test_a_list_that_was_cut_off_is_not_kept(tmp_path: Path, kept: int) -> None:
    """Without the summary behind them calls may be missing: nothing is written, and what was there stays."""
    file = tmp_path / "calls.csv"
    file.write_text("an earlier one\n")
    calls, _ = simulated(25)
    with pytest.raises(CutOff):
        await write_calls(pieces_of(b"".join(calls[:kept]), 64), file, URL)
    assert file.read_text() == "an earlier one\n"
    assert names_in(tmp_path) == ["calls.csv"]


@pytest.mark.parametrize("data", [b"<html>\n", b"[]\n", b'{"calls": "many"}\n'])
async def test_what_is_no_simulation_is_told(tmp_path: Path, data: bytes) -> None:
    """Something else than lines of objects, or an object that is no summary, is not Paceline."""
    with pytest.raises(NotPaceline):
        await write_calls(pieces_of(data, 64), tmp_path / "calls.csv", URL)
    assert names_in(tmp_path) == []
