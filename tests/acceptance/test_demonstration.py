"""`make run`'s demonstration, watched from its first line to its last."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

pytestmark = pytest.mark.acceptance

#: Half a minute of dialing, on a machine with more to do; the demonstration itself gives up after three minutes.
VERDICT_SECONDS = 240
OUTCOMES = ("Answered", "NoAnswer", "Busy", "Fax", "Unobtainable", "NoConnection", "AnswerphoneMessageLeft")
IN_PROGRESS = re.compile("calls in progress: ([5-9]|[1-9][0-9])")


def test_the_demonstration_holds_results_against_numbers(
    start_platform: Callable[..., "Platform"], tmp_path: Path
) -> None:
    """Every accepted number has its signed result; the data are kept, and the next start makes a further campaign.

    The second demonstration is interrupted with calls in progress: nothing remains, and it is no failure.
    """
    # The demonstration must bring the settings that it needs, and say which.
    own = {"PACELINE_EGRESS_ALLOW": "", "PACELINE_SIMULATOR_SPEED": ""}
    first = start_platform(tmp_path / "data", environment=own, options=["--demo"]).wait_ready()
    assert "PACELINE_EGRESS_ALLOW=" in first.output.splitlines()[0]
    assert "PACELINE_SIMULATOR_SPEED=20" in first.output.splitlines()[0]
    first.until(lambda: "Everything stays up" in first.output, "the end", within_seconds=VERDICT_SECONDS)
    told = first.output
    assert "Demonstration 1 is campaign 1: 60 numbers accepted, 0 refused, 0 duplicates." in told
    assert (
        "Results received: 60 of 60 numbers accepted, each with its own message_reference, "
        "every signature verified." in told
    )
    assert "confirmed 6" in told
    table = dict(re.findall(r"^(\w+) +([0-9]+)  ", told, flags=re.MULTILINE))
    assert sum(int(table[outcome]) for outcome in OUTCOMES) == int(table["all"]) == 60
    assert f"{first.dashboard}/#token={first.token}" in told
    assert first.stop() == 0

    slow = {"PACELINE_EGRESS_ALLOW": "", "PACELINE_SIMULATOR_SPEED": "2", "PACELINE_DRAIN_SECONDS": "5"}
    second = start_platform(tmp_path / "data", environment=slow, options=["--demo"]).wait_ready()
    second.until(
        lambda: IN_PROGRESS.search(second.output) is not None, "some calls", within_seconds=VERDICT_SECONDS
    )
    assert "Demonstration 2 is campaign 2" in second.output
    assert "The data folder has 1 earlier demonstration." in second.output
    assert second.stop() == 0
    # What calls need is served until the last of them has ended.
    assert "badfetch" not in second.log("dialer")
