"""What the demonstration ships and plans."""

import re
from collections import Counter
from datetime import date
from itertools import count

from lxml import etree

from services.cli.client.shapes import Campaign, Numbers
from services.cli.demonstration.run import (
    APPLICATION,
    DEADLINE_SECONDS,
    PHONE_LIST,
    campaign_plan,
    explanation,
    interest_in,
)
from services.cli.demonstration.tally import Tally, references_in

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


def test_what_is_changed_is_said() -> None:
    """A person reads which settings the demonstration sets."""
    said = explanation({"PACELINE_EGRESS_ALLOW": '["127.0.0.0/8"]', "PACELINE_SIMULATOR_SPEED": "20"})
    assert 'PACELINE_EGRESS_ALLOW=["127.0.0.0/8"] and PACELINE_SIMULATOR_SPEED=20' in said
    assert "\n" not in said
