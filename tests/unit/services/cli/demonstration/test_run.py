"""What the demonstration ships, plans, and does when its results do not come."""

import asyncio
import io
import re
from collections import Counter
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from services.cli.client import follow
from services.cli.client.shapes import Campaign, Numbers
from services.cli.demonstration import run
from services.cli.demonstration.run import (
    APPLICATION,
    DEADLINE_SECONDS,
    PHONE_LIST,
    campaign_plan,
    demonstrate,
    explanation,
    interest_in,
    port_of_last_time,
)
from services.cli.demonstration.tally import Tally, references_in
from services.cli.screen import screen_on
from services.cli.supervision.data_folder import DataFolder
from services.cli.supervision.up import RunningPlatform

if TYPE_CHECKING:
    from tests.unit.services.cli.conftest import SmallApi

LINE = re.compile(r"tel:\+1([2-9][0-9]{2})55501([0-9]{2});ani=\+1[2-9][0-9]{2}55501[0-9]{2},(invoice-[0-9]+)")
ELEMENTS = {
    "vxml", "form", "block", "prompt", "audio", "break", "field", "noinput", "nomatch", "filled", "if", "goto",
    "exit", "disconnect", "var", "assign", "value",
}  # fmt: skip


def test_the_shipped_list_has_every_simulated_callee() -> None:
    """At least 60 numbers reserved for fiction, each callee in several areas, no number or reference twice."""
    matches = [LINE.fullmatch(line) for line in PHONE_LIST.read_text().splitlines()]
    assert all(matches)
    lines = [match.groups() for match in matches if match]
    assert len(lines) >= 60
    assert len({(area, last) for area, last, _ in lines}) == len(lines)
    assert len({reference for _, _, reference in lines}) == len(lines)
    callees = Counter(last for _, last, _ in lines)
    assert set(callees) == {f"0{digit}" for digit in range(10)}
    assert min(callees.values()) >= 3
    assert references_in(PHONE_LIST.read_text()) == [reference for _, _, reference in lines]


def test_the_application_uses_only_what_the_interpreter_has() -> None:
    """The shipped document is well-formed and keeps to the elements of the first VoiceXML slice."""
    root = etree.parse(APPLICATION).getroot()
    used = {etree.QName(element).localname for element in root.iter(tag=etree.Element)}
    assert used <= ELEMENTS
    assert {"field", "noinput", "nomatch", "filled", "if", "exit"} <= used


def test_the_plan_works_at_any_hour() -> None:
    """The demonstration may be started at any time of any day."""
    plan = campaign_plan("Demonstration 1", "http://127.0.0.1:5000", date(2026, 11, 21))
    assert len(plan.days) == 7
    assert plan.windows == (("00:00", "24:00"),)
    assert (plan.start, plan.end) == (date(2026, 11, 21), date(2027, 11, 21))
    assert plan.start_url == "http://127.0.0.1:5000/reminder.vxml"


def _campaign(final: int) -> Campaign:
    return Campaign(
        campaign_id=1,
        status="RUNNING",
        start_date="",
        end_date="",
        time_zone="UTC",
        numbers=Numbers(accepted=1, final=final),
    )


def test_missing_results_are_not_waited_for_for_ever() -> None:
    """The demonstration is followed until its deadline at most."""
    clock = count(0.0, DEADLINE_SECONDS / 2)
    interest = interest_in(Tally(["a"]), lambda: next(clock))
    assert [interest.until(_campaign(0)) for _ in range(3)] == [False, False, True]
    assert interest.line(_campaign(0)).startswith("0 results received; 0 of 1 numbers final")


@pytest.mark.parametrize(
    ("kept", "ports"), [(None, []), ("4711", [4711]), ("", []), ("65536", []), ("port", []), ("\u0661", [])]
)
def test_a_demonstration_is_served_where_the_last_one_was(
    tmp_path: Path, kept: str | None, ports: list[int]
) -> None:
    """The port of the last demonstration is tried first, if a sensible one was kept."""
    port_file = tmp_path / "port"
    if kept is not None:
        port_file.write_text(kept)
    assert port_of_last_time(port_file) == ports


def test_what_is_changed_is_said() -> None:
    """A person reads which settings the demonstration sets."""
    said = explanation({"PACELINE_EGRESS_ALLOW": '["127.0.0.0/8"]', "PACELINE_SIMULATOR_SPEED": "20"})
    assert 'PACELINE_EGRESS_ALLOW=["127.0.0.0/8"] and PACELINE_SIMULATOR_SPEED=20' in said
    assert "\n" not in said


async def test_missing_results_are_told_and_remembered(
    small_api: "SmallApi", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """When nothing arrives until the deadline, the demonstration says what is missing, concludes 1, and stays."""
    monkeypatch.setattr(run, "DEADLINE_SECONDS", 0.1)
    monkeypatch.setattr(follow, "LOOK_SECONDS", 0.01)
    platform = RunningPlatform(
        api=small_api.url,
        dashboard="http://127.0.0.1:8701",
        token="pl_test",
        webhook_secret="whsec_" + "A" * 43 + "=",
        folder=DataFolder(tmp_path),
    )
    concluded: asyncio.Queue[int] = asyncio.Queue()
    written = io.StringIO()
    work = asyncio.create_task(demonstrate(screen_on(written), platform, concluded.put_nowait))
    assert await asyncio.wait_for(concluded.get(), 60) == 1
    assert "Results received: 0 of 2 numbers accepted. Missing: invoice-1001, " in written.getvalue()
    assert "2 numbers are not final: 2 ready" in written.getvalue()
    assert small_api.events == ["start 1"]
    assert small_api.forms[-2]["name"] == "Demonstration 1"
    assert not work.done()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
