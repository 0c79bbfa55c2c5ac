"""The API's list of campaigns, read by the dashboard."""

from typing import Any

import orjson
import pytest

from services.dashboard.campaigns import LONGEST_TEXT, MOST_SHOWN, NotCampaigns, read_campaigns


def campaign(campaign_id: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the JSON
    """A campaign as the API documents it."""
    return {
        "campaign_id": campaign_id,
        "start_date": "2026-11-16 00:00:00",
        "end_date": "2026-12-05 00:00:00",
        "start_url": "https://apps.example/start.vxml",
        "result_url": "https://apps.example/results",
        "schedule_nickname": "3wkdays",
        "profiles": [
            {"profile_id": 5, "nickname": "MorningPace", "start_time": "08:00", "end_time": "23:00"}
        ],
        "name": None,
        "time_zone": "America/New_York",
        "status": "DONE",
        "held": None,
        "numbers": {
            "accepted": 60,
            "ready": 10,
            "waiting": 0,
            "in_attempt": 3,
            "final": 47,
            "refused": 1,
            "duplicates": 0,
        },
        "calls_in_progress": 0,
        "outcomes": {"Answered": 42, "Busy": 5},
        "results": {"completed": 42, "failed": 5},
        **changes,
    }


def test_a_documented_campaign_is_read() -> None:
    """What the page shows is there, and what it has no use for is not."""
    (shown,) = read_campaigns(orjson.dumps([campaign(12)])).shown
    assert shown.numbers.final == 47
    assert shown.outcomes == {"Answered": 42, "Busy": 5}
    assert "url" not in shown.model_dump_json()


def test_the_newest_are_shown_when_there_are_too_many() -> None:
    """A hundred campaigns fill the page; the page is told how many there are."""
    listed = read_campaigns(orjson.dumps([campaign(number) for number in range(1, 151)]))
    assert [shown.campaign_id for shown in listed.shown] == list(range(150, 50, -1))
    assert listed.campaigns == 150


@pytest.mark.parametrize("changes", [{"status": "RUNNING"}, {"status": "STOPPED", "calls_in_progress": 1}])
def test_an_old_campaign_that_is_live_is_shown_before_newer_ones_that_are_not(
    changes: dict[str, Any],
) -> None:
    """What calls people now is not hidden by a hundred campaigns that are over."""
    listed = read_campaigns(orjson.dumps([campaign(1, **changes), *(campaign(n) for n in range(2, 200))]))
    assert listed.shown[0].campaign_id == 1
    assert len(listed.shown) == MOST_SHOWN


def test_calls_in_progress_are_those_of_all_campaigns() -> None:
    """The big number counts what the list has no room for."""
    running = [campaign(n, status="RUNNING", calls_in_progress=2) for n in range(1, 151)]
    assert read_campaigns(orjson.dumps(running)).calls_in_progress == 300


def test_endless_texts_are_cut() -> None:
    """A name that fills the screen does not."""
    (shown,) = read_campaigns(orjson.dumps([campaign(1, name="x" * 100_000)])).shown
    assert shown.name == "x" * LONGEST_TEXT


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b"null",
        b'{"status":"success"}',
        b"[1]",
        b"[{}]",
        orjson.dumps([campaign(1, numbers={})]),
        orjson.dumps([campaign(1, calls_in_progress=-1)]),
        orjson.dumps([campaign(1, outcomes={str(n): 1 for n in range(1000)})]),
        orjson.dumps([campaign(1, profiles=None)]),
    ],
)
def test_anything_else_is_no_list_of_campaigns(answer: bytes) -> None:
    """An answer that does not fit is one clear fact, never half a page."""
    with pytest.raises(NotCampaigns):
        read_campaigns(answer)
