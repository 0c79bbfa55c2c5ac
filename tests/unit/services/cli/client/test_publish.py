"""A campaign with what it needs."""

from datetime import date
from typing import TYPE_CHECKING

from services.cli.client.api import PacelineApi
from services.cli.client.new_campaign import NewCampaign, Pace
from services.cli.client.publish import publish

if TYPE_CHECKING:
    from tests.unit.services.cli.conftest import SmallApi

CAMPAIGN = NewCampaign(
    name=None,
    start=date(2026, 3, 1),
    end=date(2026, 3, 7),
    days=("mon", "wed"),
    windows=(("08:00", "12:00"),),
    pace=Pace(period=30, amount=100, gap=0),
    start_url="https://example.com/a.vxml",
    result_url=None,
    time_zone="America/New_York",
)


async def test_the_second_campaign_finds_the_first_ones_schedule(
    small_api: "SmallApi", client: PacelineApi
) -> None:
    """Two campaigns with the same days and pace share one schedule and one profile."""
    for _ in range(2):
        await publish(client, CAMPAIGN, None, lambda _size: None)
    assert [schedule["days"] for schedule in small_api.schedules] == [["mon", "wed"]]
    assert [profile["amount_per_period"] for profile in small_api.profiles] == [100]
    assert len(small_api.campaigns) == 2
    assert small_api.forms[-1]["schedule_id"] == "1"
    assert small_api.profiles[0]["nickname"] in small_api.forms[-1]["profiles"]


async def test_a_taken_name_is_no_obstacle(small_api: "SmallApi", client: PacelineApi) -> None:
    """Where somebody else has the name for other days, another name is made."""
    small_api.schedules.append({"schedule_id": 9, "nickname": "mon wed", "days": ["sun"]})
    await publish(client, CAMPAIGN, None, lambda _size: None)
    assert small_api.schedules[-1]["nickname"] == "mon wed (2)"
