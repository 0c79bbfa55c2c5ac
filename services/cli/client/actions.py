"""What `paceline campaign …` does; apart from the commands so that `--help` need not load an HTTP client."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from services.cli.client.api import PacelineApi
from services.cli.client.follow import Interest, follow, looks
from services.cli.client.new_campaign import NewCampaign, summary
from services.cli.client.publish import publish
from services.cli.client.upload import Counter
from services.cli.client.view import campaign_lines, campaign_rows, campaign_table, upload_lines
from services.cli.screen import screen_on


async def create_campaign(campaign: NewCampaign, numbers: Path | None, *, start: bool) -> None:
    """Make a campaign, say what became of its list, and start it if asked to."""
    screen = screen_on()
    async with PacelineApi.from_environment() as api:
        with upload_bar(numbers) as count:
            created = await publish(api, campaign, numbers, count)
        screen.say(f"Campaign {created.id} is made: {summary(campaign)}.")
        if numbers:
            screen.say(upload_lines(created))
        if start:
            await api.start(created.id)
            screen.say("It is started.")
        else:
            screen.say(f"Start it with `paceline campaign start {created.id}`.")


async def list_campaigns() -> None:
    """Show all campaigns: a table for people, tab-separated lines for programs."""
    screen = screen_on()
    async with PacelineApi.from_environment() as api:
        campaigns = await api.campaigns()
    if not screen.console.is_terminal:
        if campaigns:
            screen.write(campaign_rows(campaigns))
    elif campaigns:
        screen.console.print(campaign_table(campaigns))
    else:
        screen.say("There are no campaigns yet: make one with `paceline campaign create`.")


async def start_campaign(campaign_id: int) -> None:
    """Start a campaign."""
    async with PacelineApi.from_environment() as api:
        await api.start(campaign_id)
    screen_on().say(f"Campaign {campaign_id} is started.")


async def stop_campaign(campaign_id: int) -> None:
    """Stop a campaign."""
    async with PacelineApi.from_environment() as api:
        await api.stop(campaign_id)
    screen_on().say(f"Campaign {campaign_id} is stopped.")


async def status_campaign(campaign_id: int, *, watch: bool) -> None:
    """Show a campaign, after following it to its end if asked to."""
    screen = screen_on()
    async with PacelineApi.from_environment() as api:
        campaign = await api.campaign(campaign_id)
        if watch and not campaign.is_over:
            interest = Interest(until=lambda look: look.is_over)
            campaign = await follow(screen, looks(api, campaign_id), interest) or campaign
        screen.say(campaign_lines(campaign))


async def add_numbers(campaign_id: int, numbers: Path) -> None:
    """Add a phone list to a campaign."""
    async with PacelineApi.from_environment() as api:
        # Asked first: a campaign that does not exist is better told before a long upload than after it.
        await api.campaign(campaign_id)
        with upload_bar(numbers) as count:
            added = await api.add_calls(campaign_id, numbers, count)
    screen_on().say(upload_lines(added))


@contextlib.contextmanager
def upload_bar(file: Path | None) -> Iterator[Counter]:
    """Show on a terminal how much of `file` has been sent, and yield what counts the bytes."""
    if file is None or not file.is_file():
        yield lambda _size: None
        return
    # On standard error, so that the command's answer alone is on standard output.
    bar = Progress(
        TextColumn("Uploading {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(file.name, total=file.stat().st_size)
        yield lambda size: bar.advance(task, size)
