"""Campaigns as people read them."""

import io

import pytest

from services.cli.client.shapes import Campaign, Numbers, RefusedLine, Upload
from services.cli.client.view import (
    campaign_lines,
    campaign_rows,
    campaign_table,
    outcome_table,
    progress_line,
    upload_lines,
)
from services.cli.screen import screen_on

CAMPAIGN = Campaign(
    campaign_id=12,
    name="March",
    status="RUNNING",
    start_date="2026-03-01 00:00:00",
    end_date="2026-03-07 00:00:00",
    time_zone="America/New_York",
    numbers=Numbers(accepted=60, ready=10, in_attempt=3, final=47, refused=1),
    calls_in_progress=3,
    outcomes={"Busy": 5, "Answered": 42, "Fax": 0},
)


def _printed(what: object) -> str:
    written = io.StringIO()
    screen_on(written).console.print(what)
    return written.getvalue()


def test_progress_is_one_line() -> None:
    """How far a campaign is stands in one line, the most frequent outcome first and none that did not happen."""
    assert progress_line(CAMPAIGN) == ("47 of 60 numbers final; calls in progress: 3; Answered 42, Busy 5")


def test_a_held_campaign_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks why nothing is dialed reads the reason."""
    monkeypatch.setenv("COLUMNS", "200")
    held = CAMPAIGN.model_copy(update={"held": "The trunk is down."})
    assert "running, held: The trunk is down." in campaign_lines(held)
    assert "running, held: The trunk is down." in _printed(campaign_table([held]))


def test_a_status_has_every_count() -> None:
    """The status shows all places where a number can be."""
    lines = campaign_lines(CAMPAIGN)
    assert "60 accepted, 1 refused, 0 duplicates" in lines
    assert "10 ready, 0 waiting, 3 in an attempt, 47 final" in lines


def test_rows_are_for_programs() -> None:
    """On a pipe a campaign is a line of tab-separated fields."""
    assert campaign_rows([CAMPAIGN]) == "12\tMarch\tRUNNING\t60\t47\t3"


def test_refused_lines_have_their_reasons() -> None:
    """Each line that the API names is told, and how many more there are: it names refused ones and duplicates."""
    line = RefusedLine(line=3, text="tel:nobody", reason="There is no number in it.")
    assert upload_lines(Upload(accepted=59, refused=41, duplicates=2, refused_lines=[line])) == (
        "59 numbers accepted, 41 refused, 2 duplicates.\n"
        "  line 3: There is no number in it. (tel:nobody)\n"
        "  and 42 more lines that were not taken"
    )


def test_the_outcome_table_adds_up() -> None:
    """The last row is the sum of the others."""
    table = _printed(outcome_table(CAMPAIGN))
    assert "Answered  42       89%" in table
    assert "all       47" in table


def test_a_campaign_is_over_when_every_number_is_final() -> None:
    """A campaign without numbers is not over, one whose numbers are all final is."""
    full = Numbers(accepted=2, final=2)
    assert not CAMPAIGN.is_over
    assert CAMPAIGN.model_copy(update={"numbers": full}).is_over
    assert not CAMPAIGN.model_copy(update={"numbers": Numbers()}).is_over
    assert CAMPAIGN.model_copy(update={"status": "DONE"}).is_over


def test_the_clocks_that_keep_numbers_back_are_shown() -> None:
    """One line for each, below everything else."""
    why = "20:05 America/New_York, allowed until 20:00"
    assert campaign_lines(CAMPAIGN.model_copy(update={"withheld": [why]})).endswith(f"\nWithheld  {why}")
