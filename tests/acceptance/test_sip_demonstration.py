"""`make run TELEPHONY=sip`: the demonstration over real SIP, to callees on this machine."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sip.callee import need

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

pytestmark = [pytest.mark.acceptance, pytest.mark.drill]

#: Half a minute of dialing, half a minute of ringing in vain, and a machine with more to do.
VERDICT_SECONDS = 170


def test_the_demonstration_by_sip_holds_results_against_numbers(
    start_platform: Callable[..., "Platform"], tmp_path: Path
) -> None:
    """Every number of the list is rung by SIP and has its signed result, with the outcome that its callee made."""
    need("sipp", "sip-tester")
    need("espeak-ng", "espeak-ng")
    own = {"PACELINE_EGRESS_ALLOW": "", "PACELINE_SIMULATOR_SPEED": "", "PACELINE_SIP_TRUNK": "sip:192.0.2.1"}
    platform = start_platform(
        tmp_path / "data", environment=own, options=["--demo", "--telephony", "sip"]
    ).wait_ready()
    assert "Nobody is rung" in platform.output.splitlines()[0]
    assert "PACELINE_SIP_TRUNK=sip:127.0.0.1:" in platform.output.splitlines()[0]
    platform.until(
        lambda: "Everything stays up" in platform.output, "the end", within_seconds=VERDICT_SECONDS
    )
    told = platform.output
    assert "Results received: 60 of 60 numbers accepted" in told
    assert "confirmed 6" in told
    table = {name: int(count) for name, count in re.findall(r"^(\w+) +([0-9]+)  ", told, flags=re.MULTILINE)}
    assert table["Fax"] == table["Busy"] == table["Unobtainable"] == table["NoConnection"] == 6
    assert table["NoAnswer"] == 12
    assert platform.stop() == 0
