"""`paceline campaign …` from the words on the command line to the answer on the screen."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from shared.domain.errors import PacelineError

if TYPE_CHECKING:
    from tests.unit.services.cli.conftest import SmallApi

CREATE = ("create", "March", "--start-url", "https://example.com/a.vxml")


@pytest.fixture(autouse=True)
def _environment(small_api: "SmallApi", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACELINE_API", small_api.url)
    monkeypatch.setenv("PACELINE_TOKEN", "pl_test")


async def _campaign(*words: str | Path) -> str:
    """Run the command as a person would and return what it printed; raises what it failed with."""
    # In a thread: a command has a loop of its own, and the small API needs this one.
    arguments = ["campaign", *map(str, words)]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


async def test_a_campaign_is_created_with_its_list(small_api: "SmallApi", tmp_path: Path) -> None:
    """`create` makes everything that is needed, uploads the list, and tells which lines were refused."""
    numbers = tmp_path / "list.csv"
    numbers.write_text("tel:+12025550100\n")
    told = await _campaign(
        *CREATE, "--numbers", numbers, "--days", "mon,tue", "--window", "08:00-12:00", "--window", "13:00-24:00",
        "--start-date", "2026-12-01", "--end-date", "2026-12-31", "--amount", "5", "--period", "1",
        "--result-url", "https://example.com/results",
    )  # fmt: skip
    fields = small_api.forms[-1]
    assert (fields["name"], fields["start_date"], fields["end_date"]) == ("March", "2026-12-01", "2026-12-31")
    assert '"13:00", "end_time": "24:00"' in fields["profiles"]
    assert small_api.uploads == [b"tel:+12025550100\n"]
    assert "Campaign 1 is made: mon tue, 08:00-12:00 and 13:00-24:00" in told
    assert "2 numbers accepted, 1 refused" in told
    assert "line 2: There is no number in it. (tel:nobody)" in told
    assert "Start it with `paceline campaign start 1`." in told
    assert small_api.events == []


async def test_a_campaign_may_start_at_once(small_api: "SmallApi") -> None:
    """With `--start` the new campaign is started."""
    told = await _campaign(*CREATE, "--start")
    assert small_api.events == ["start 1"]
    assert "It is started." in told


async def test_a_campaign_lasts_a_week_unless_said_otherwise(small_api: "SmallApi") -> None:
    """Without dates a campaign has seven days, the first of them today."""
    await _campaign(*CREATE, "--start-date", "2026-12-29")
    assert small_api.forms[-1]["end_date"] == "2027-01-04"


async def test_the_list_is_for_programs_on_a_pipe(small_api: "SmallApi") -> None:
    """On a pipe `list` prints tab-separated lines, and nothing at all where there is no campaign."""
    assert await _campaign("list") == ""
    small_api.campaign(name="March")
    assert await _campaign("list") == "1\tMarch\tREADY\t2\t0\t0\n"


@pytest.mark.parametrize("verb", ["start", "stop"])
async def test_a_campaign_is_started_and_stopped(small_api: "SmallApi", verb: str) -> None:
    """`start` and `stop` name the campaign."""
    told = await _campaign(verb, "7")
    assert small_api.events == [f"{verb} 7"]
    assert told.startswith("Campaign 7 is st")


async def test_a_status_can_be_watched_to_the_end(small_api: "SmallApi") -> None:
    """`status --watch` of a campaign that is over shows it once and ends."""
    small_api.campaign(name="March", status="DONE")
    assert "State     done" in await _campaign("status", "1", "--watch")


async def test_an_unknown_campaign_is_told_before_the_upload(small_api: "SmallApi", tmp_path: Path) -> None:
    """`add` to a campaign that is not there sends no list."""
    numbers = tmp_path / "list.csv"
    numbers.write_text("tel:+12025550100\n")
    with pytest.raises(PacelineError, match="There is no campaign with id 99"):
        await _campaign("add", "99", numbers)
    assert small_api.uploads == []
    small_api.campaign()
    assert "3 numbers accepted, 0 refused, 1 duplicates." in await _campaign("add", "1", numbers)
