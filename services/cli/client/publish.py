"""Makes a campaign through the public API: its schedule and profile where they are not made yet, then itself."""

from pathlib import Path

from services.cli.client.api import PacelineApi
from services.cli.client.new_campaign import (
    NewCampaign,
    free_nickname,
    profile_made_before,
    schedule_made_before,
    schedule_nickname,
)
from services.cli.client.shapes import CreatedCampaign
from services.cli.client.upload import Counter


async def publish(
    api: PacelineApi, campaign: NewCampaign, numbers: Path | None, count: Counter
) -> CreatedCampaign:
    """Make the campaign with its phone list; `count` hears of the bytes that were sent."""
    schedule = await _schedule_id(api, campaign)
    profile = await _profile_nickname(api, campaign)
    return await api.create_campaign(campaign.fields(str(schedule), profile), numbers, count)


async def _schedule_id(api: PacelineApi, campaign: NewCampaign) -> int:
    schedules = await api.schedules()
    if made := schedule_made_before(campaign.days, schedules):
        return made.schedule_id
    nickname = free_nickname(schedule_nickname(campaign.days), [schedule.nickname for schedule in schedules])
    created = await api.create_schedule(nickname, list(campaign.days))
    return created.id


async def _profile_nickname(api: PacelineApi, campaign: NewCampaign) -> str:
    profiles = await api.profiles()
    if (made := profile_made_before(campaign.pace, profiles)) and made.nickname:
        return made.nickname
    nickname = free_nickname(campaign.pace.nickname, [profile.nickname for profile in profiles])
    pace = campaign.pace
    created = await api.create_profile(nickname, period=pace.period, amount=pace.amount, gap=pace.gap)
    return created.nickname
