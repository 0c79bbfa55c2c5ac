"""The published API's own curl lines, run with real curl against a real platform."""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.clock import utc_now

pytestmark = pytest.mark.acceptance

SCRIPT = Path(__file__).with_name("documented_curl.sh")


def test_the_documented_lines_work_with_the_host_changed(
    start_platform: Callable[..., Any], tmp_path: Path
) -> None:
    """All fifteen methods answer in the documented shapes."""
    # The documented addresses are somebody's: nobody looks at them either.
    platform = start_platform(tmp_path / "data", environment={"PACELINE_PREFLIGHT": "off"}).wait_ready()
    phone_list = tmp_path / "api-test-1.csv"
    phone_list.write_text("tel:+12025550100;ani=+12025550199,invoice-1001\n")
    # In the future: nothing may be dialed.
    first_date = utc_now().date() + timedelta(days=2)
    environment = os.environ | {
        "BASE": platform.api, "TOKEN": platform.token, "LIST": str(phone_list),
        "START_DATE": str(first_date), "END_DATE": str(first_date + timedelta(days=30)),
    }  # fmt: skip
    finished = subprocess.run(
        [SCRIPT], env=environment, capture_output=True, text=True, timeout=240, check=True
    )
    answers = [json.loads(line) for line in finished.stdout.splitlines()]
    schedule, schedules, profile, profiles, campaign, campaigns, start, added, stop = answers[:9]
    assert schedule == {
        "status": "success",
        "response": {"id": schedule["response"]["id"], "nickname": "3wkdays"},
    }
    assert schedules == [
        {"schedule_id": schedule["response"]["id"], "nickname": "3wkdays", "days": ["mon", "wed", "fri"]}
    ]
    assert profile["response"]["nickname"] == "MorningPace"
    assert profiles[0]["profile_id"] == profile["response"]["id"]
    assert (campaign["status"], campaign["response"]["accepted"]) == ("success", 1)
    listed = campaigns[0]
    assert listed["campaign_id"] == campaign["response"]["id"]
    assert (listed["start_date"], listed["schedule_nickname"]) == (f"{first_date} 00:00:00", "3wkdays")
    assert listed["profiles"] == [
        {
            "profile_id": profile["response"]["id"],
            "nickname": "MorningPace",
            "start_time": "08:00",
            "end_time": "11:00",
        }
    ]
    assert start == stop == {"status": "success"}
    # The documentation's own numbers are possible and not valid: taken, and left to the network to judge.
    assert (added["status"], added["accepted"], added["refused"]) == ("success", 2, 0)
    _hold_the_second_half(
        answers[9:], schedule["response"]["id"], profile["response"]["id"], campaign["response"]["id"]
    )


def _hold_the_second_half(answers: list[Any], schedule_id: int, profile_id: int, campaign_id: int) -> None:
    """Hold the answers to updates and deletions against the documented ones."""
    days, pace, moved, listed, in_use, *gone = answers
    assert days["response"] == {"id": schedule_id, "days": '["mon","wed"]', "nickname": "3wkdays"}
    assert pace["response"] == {"id": profile_id, "nickname": "30-100-10"}
    assert moved == {"status": "success", "response": {"id": campaign_id}}
    assert [(each["campaign_id"], each["profiles"][0]["end_time"]) for each in listed] == [
        (campaign_id, "23:00")
    ]
    assert in_use == {
        "status": "error",
        "error": f"Schedule 3wkdays(id {schedule_id}) is being used with campaign id {campaign_id}.",
    }
    assert gone == [{"status": "success"}] * 3
