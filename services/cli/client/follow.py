"""Follows a campaign while it is dialed: a moving bar on a terminal, a line per change on a pipe."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from rich.live import Live

from services.cli.client.api import NothingAnswers, PacelineApi
from services.cli.client.shapes import Campaign
from services.cli.client.view import dialing_bar, dialing_picture, progress_line
from services.cli.screen import Screen

#: Often enough to look alive, seldom enough to cost the API nothing.
LOOK_SECONDS = 0.5
#: On a pipe every change would be a line; this is as often as a person reads.
LINE_SECONDS = 2.0


def _final_numbers(campaign: Campaign) -> int:
    return campaign.numbers.final


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What the person who follows wants to see."""

    #: The campaign is followed until this holds.
    until: Callable[[Campaign], bool]
    #: How far the bar is, out of the accepted numbers.
    count: Callable[[Campaign], int] = _final_numbers
    #: What stands on a pipe in the bar's place.
    line: Callable[[Campaign], str] = progress_line


async def looks(api: PacelineApi, campaign_id: int) -> AsyncIterator[Campaign]:
    """Yield the campaign again and again.

    An API that is being restarted is waited for; one that was never there is not.
    """
    campaign = await api.campaign(campaign_id)
    while True:
        yield campaign
        await asyncio.sleep(LOOK_SECONDS)
        try:
            campaign = await api.campaign(campaign_id)
        except NothingAnswers:
            """Its last answer stands until it is back."""


async def follow(screen: Screen, campaigns: AsyncIterator[Campaign], interest: Interest) -> Campaign | None:
    """Show the campaign until the interest is satisfied; return the last look at it, None if there was none."""
    show = _with_a_bar if screen.moves else _with_lines
    return await show(screen, campaigns, interest)


async def _with_a_bar(
    screen: Screen, campaigns: AsyncIterator[Campaign], interest: Interest
) -> Campaign | None:
    campaign = None
    bar = dialing_bar()
    task = bar.add_task("")
    with Live("", console=screen.console) as live:
        async for campaign in campaigns:
            bar.update(task, total=campaign.numbers.accepted, completed=interest.count(campaign))
            live.update(dialing_picture(bar, campaign))
            if interest.until(campaign):
                break
    return campaign


async def _with_lines(
    screen: Screen, campaigns: AsyncIterator[Campaign], interest: Interest
) -> Campaign | None:
    campaign, said, may_speak_at = None, "", 0.0
    loop = asyncio.get_running_loop()
    async for campaign in campaigns:
        line, over = interest.line(campaign), interest.until(campaign)
        if line != said and (over or loop.time() >= may_speak_at):
            screen.say(line)
            said, may_speak_at = line, loop.time() + LINE_SECONDS
        if over:
            break
    return campaign
