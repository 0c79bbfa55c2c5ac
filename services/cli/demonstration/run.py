"""The demonstration: what a customer would do with a new Paceline, done through the public API alone.

It serves a VoiceXML application and receives results on this machine, makes a campaign of a shipped phone list
whose numbers are reserved for fiction, starts it, and holds the results that arrive against the numbers sent.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

from services.cli.client.api import PacelineApi
from services.cli.client.follow import Interest, follow, looks
from services.cli.client.new_campaign import DEFAULT_ZONE, WEEKDAYS, NewCampaign, Pace, today_in
from services.cli.client.publish import publish
from services.cli.client.shapes import Campaign
from services.cli.client.view import outcome_table, progress_line, upload_lines
from services.cli.demonstration.tally import Tally, references_in, verdict
from services.cli.receiving.result import Verifier
from services.cli.receiving.server import receiver, served
from services.cli.screen import Screen
from services.cli.supervision.up import Conclude, RunningPlatform
from shared.clock import utc_now

PHONE_LIST = Path(__file__).with_name("numbers.csv")
APPLICATION = Path(__file__).with_name("reminder.vxml")
NAME = "Demonstration"
#: Two calls a second: the shipped list is dialed in half a minute, slowly enough to watch.
PACE = Pace(period=1, amount=120, gap=0)
#: It works at any hour of any day, and can be started again for as long as anybody tries it.
LENGTH = timedelta(days=365)
#: The half minute of dialing, the last call, and room for a slow machine; what is missing then is told.
DEADLINE_SECONDS = 180.0
LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65535


async def demonstrate(screen: Screen, platform: RunningPlatform, conclude: Conclude) -> None:
    """Run the demonstration and conclude 0 if every accepted number has its result, 1 if not; then keep serving.

    The servers stay, for results that come late and for the next campaign of whoever looks on.
    """
    tally = Tally(references_in(PHONE_LIST.read_text(encoding="utf-8")))
    documents = {"/reminder.vxml": APPLICATION.read_text(encoding="utf-8")}
    app = receiver(Verifier(platform.webhook_secret), tally.hear, documents)
    port_file = platform.folder.path / "demonstration-port"
    async with served(app, LOOPBACK, *port_of_last_time(port_file), 0) as own_url:
        port_file.write_text(own_url.rpartition(":")[2], encoding="ascii")
        async with PacelineApi(platform.api, platform.token) as api:
            campaign = await _run_campaign(api, own_url, tally, screen)
        screen.say("")
        screen.console.print(outcome_table(campaign))
        screen.say("\n" + verdict(tally, campaign))
        screen.say(_where_to_go_on(platform, campaign, own_url))
        conclude(0 if tally.is_complete(campaign) else 1)
        await asyncio.Event().wait()


async def _run_campaign(api: PacelineApi, own_url: str, tally: Tally, screen: Screen) -> Campaign:
    """Make the campaign, start it, and show it until its results are there or the deadline is over."""
    earlier = sum(1 for campaign in await api.campaigns() if (campaign.name or "").startswith(NAME))
    plan = campaign_plan(f"{NAME} {earlier + 1}", own_url, today_in(DEFAULT_ZONE, utc_now()))
    created = await publish(api, plan, PHONE_LIST, lambda _size: None)
    tally.belongs_to(created.id)
    screen.say(f"{plan.name} is campaign {created.id}: {upload_lines(created)}")
    if earlier:
        screen.say(f"The data folder has {earlier} earlier demonstration{'s' if earlier > 1 else ''}.")
    await api.start(created.id)
    await follow(screen, looks(api, created.id), interest_in(tally, asyncio.get_running_loop().time))
    return await api.campaign(created.id)


def campaign_plan(name: str, own_url: str, today: date) -> NewCampaign:
    """Return the campaign that the demonstration makes; any hour of any day is right for it."""
    return NewCampaign(
        name=name,
        start=today,
        end=today + LENGTH,
        days=WEEKDAYS,
        windows=(("00:00", "24:00"),),
        pace=PACE,
        start_url=f"{own_url}/reminder.vxml",
        result_url=f"{own_url}/results",
        time_zone=DEFAULT_ZONE,
    )


def interest_in(tally: Tally, clock: Callable[[], float]) -> Interest:
    """Follow the campaign until every result is there, at most so long; `clock` is monotonic, in seconds."""
    deadline = clock() + DEADLINE_SECONDS
    return Interest(
        until=lambda campaign: tally.is_complete(campaign) or clock() > deadline,
        count=lambda _campaign: len(tally.received),
        line=lambda campaign: f"{len(tally.received)} results received; {progress_line(campaign)}",
    )


def _where_to_go_on(platform: RunningPlatform, campaign: Campaign, own_url: str) -> str:
    return f"""
Look at it     {platform.dashboard_link}
Ask the API    {platform.api}/api/campaigns/{campaign.campaign_id}
The VoiceXML   {own_url}/reminder.vxml
Everything stays up until Ctrl-C; the data are kept for the next start."""


def port_of_last_time(port_file: Path) -> list[int]:
    """Return where the last demonstration was served: one that was interrupted goes on calling and posting there."""
    try:
        text = port_file.read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return []
    return [int(text)] if text.isdigit() and int(text) <= HIGHEST_PORT else []


def explanation(settings: Mapping[str, str]) -> str:
    """Say in one line what the demonstration changes, and that it rings nobody."""
    changes = " and ".join(f"{name}={value}" for name, value in settings.items())
    return (
        f"The demonstration sets {changes}: its results are posted to this machine, and its callees are "
        "simulated and quick. Nobody is rung."
    )


def explanation_of_callees(settings: Mapping[str, str]) -> str:
    """Say in one line what the demonstration changes when it calls by SIP, and that it rings nobody."""
    changes = " and ".join(
        f"{name}={value}" for name, value in settings.items() if not name.startswith("PACELINE_SIMULATOR_")
    )
    return (
        f"The demonstration sets {changes}: its results are posted to this machine, and its calls are real SIP, to "
        "callees that a SIPp on this machine plays. Nobody is rung."
    )
