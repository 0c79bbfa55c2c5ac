"""`paceline campaign …`: a person's campaigns on a running platform."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client.new_campaign import (
    DEFAULT_DAYS,
    DEFAULT_LENGTH,
    DEFAULT_WINDOW,
    DEFAULT_ZONE,
    NewCampaign,
    Pace,
    parse_days,
    parse_minutes,
    parse_window,
    today_in,
)
from services.cli.running import run
from shared.clock import utc_now

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

CampaignId = Annotated[
    int, typer.Argument(metavar="ID", help="The campaign's id, as `list` shows it.", min=1)
]
PhoneList = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="A phone list: one `tel:+12025550100;ani=+12025550199,invoice-1001` per line."
    ),
]
Attempts = Annotated[int | None, typer.Option(min=1, max=100, help="Calls to a number in all.  [default: 1]")]
RetryMinutes = Annotated[
    str | None, typer.Option(help="Minutes between its calls: 30,120; the last repeats.  [default: 60]")
]
CalleeHours = Annotated[
    str | None,
    typer.Option(help="Keep to the callee's own clock: off, on (08:00-21:00) or hours as 09:00-20:00."),
]
DATE = ["%Y-%m-%d"]


class PlanCallees(StrEnum):
    """Whom a simulation calls."""

    POPULATION = "population"
    ANSWER = "answer"


@app.command("create")
def create_command(
    name: Annotated[str | None, typer.Argument(help="What you call the campaign.")] = None,
    *,
    start_url: Annotated[str, typer.Option(help="The VoiceXML application that each answered call runs.")],
    numbers: Annotated[Path | None, typer.Option(help="The phone list; more can be added later.")] = None,
    result_url: Annotated[str | None, typer.Option(help="Where the result of each number is posted.")] = None,
    start_date: Annotated[
        datetime | None, typer.Option(formats=DATE, help="First day.  [default: today]")
    ] = None,
    end_date: Annotated[
        datetime | None, typer.Option(formats=DATE, help="Last day, included.  [default: a week in all]")
    ] = None,
    days: Annotated[str, typer.Option(help="Days of the week.")] = DEFAULT_DAYS,
    window: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Calling hours, 24:00 allowed as an end; may be repeated.  [default: {DEFAULT_WINDOW}]"
        ),
    ] = None,
    period: Annotated[int, typer.Option(min=1, help="Length of a period in minutes.")] = 30,
    amount: Annotated[int, typer.Option(min=1, help="Calls in each period, spread evenly.")] = 100,
    gap: Annotated[int, typer.Option(min=0, help="Minutes without calls after each period.")] = 0,
    time_zone: Annotated[str, typer.Option(help="The zone of dates and hours.")] = DEFAULT_ZONE,
    attempts: Attempts = None,
    retry_minutes: RetryMinutes = None,
    callee_hours: CalleeHours = None,
    start: Annotated[bool, typer.Option("--start", help="Start it at once.")] = False,
) -> None:
    """Make a campaign and upload its phone list.

    The list is one number per line, with the caller id to show and a reference of yours that comes back with the
    result: `tel:+12025550100;ani=+12025550199,invoice-1001`

    **Example:** `paceline campaign create "March invoices" --start-url https://example.com/reminder.vxml
    --result-url https://example.com/results --numbers march.csv --window 08:00-12:00 --window 13:00-20:00
    --days mon,tue,wed --period 30 --amount 100 --start`
    """
    first = start_date.date() if start_date else today_in(time_zone, utc_now())
    campaign = NewCampaign(
        name=name,
        start=first,
        end=end_date.date() if end_date else first + DEFAULT_LENGTH,
        days=parse_days(days),
        windows=tuple(parse_window(text) for text in window or [DEFAULT_WINDOW]),
        pace=Pace(period=period, amount=amount, gap=gap),
        start_url=start_url,
        result_url=result_url,
        time_zone=time_zone,
        attempts=attempts,
        retry_minutes=() if retry_minutes is None else parse_minutes(retry_minutes),
        callee_hours=callee_hours,
    )
    from services.cli.client.actions import create_campaign  # noqa: PLC0415 - the help must answer at once

    run(create_campaign(campaign, numbers, start=start))


@app.command("list")
def list_command() -> None:
    """Show all campaigns; on a pipe one per line, separated by tabs: id, name, state, accepted, final, in progress."""
    from services.cli.client.actions import list_campaigns  # noqa: PLC0415 - the help must answer at once

    run(list_campaigns())


@app.command("start")
def start_command(campaign_id: CampaignId) -> None:
    """Start a campaign, or go on with one that was stopped."""
    from services.cli.client.actions import start_campaign  # noqa: PLC0415 - the help must answer at once

    run(start_campaign(campaign_id))


@app.command("stop")
def stop_command(campaign_id: CampaignId) -> None:
    """Stop a campaign: nothing is dialed any more, calls that are on go on, no number is lost."""
    from services.cli.client.actions import stop_campaign  # noqa: PLC0415 - the help must answer at once

    run(stop_campaign(campaign_id))


@app.command("status")
def status_command(
    campaign_id: CampaignId,
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay and follow it until every number is final.")
    ] = False,
) -> None:
    """Show where a campaign stands."""
    from services.cli.client.actions import status_campaign  # noqa: PLC0415 - the help must answer at once

    run(status_campaign(campaign_id, watch=watch))


@app.command("plan")
def plan_command(
    campaign_id: CampaignId,
    *,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days are listed.")] = 14,
    simulate: Annotated[
        bool,
        typer.Option("--simulate", help="Run its real list through the real pacing, on a virtual clock."),
    ] = False,
    callees: Annotated[
        PlanCallees,
        typer.Option(help="Who is simulated: the simulator's population, or everybody answers."),
    ] = PlanCallees.POPULATION,
    calls: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Simulate, and write every call into this file, as CSV."),
    ] = None,
) -> None:
    """Show what a campaign will do before anybody's phone rings: its windows, the calls of their periods, its end.

    **Example:** `paceline campaign plan 12 --simulate`, or `paceline campaign plan 12 --calls calls.csv`
    """
    from services.cli.client.plan import plan_campaign  # noqa: PLC0415 - the help must answer at once

    run(plan_campaign(campaign_id, days=days, simulate=simulate, callees=callees.value, calls_file=calls))


@app.command("add")
def add_command(campaign_id: CampaignId, numbers: PhoneList) -> None:
    """Add a phone list to a campaign, running or not; its numbers come after those that are there.

    **Example:** `paceline campaign add 12 late-entries.csv`
    """
    from services.cli.client.actions import add_numbers  # noqa: PLC0415 - the help must answer at once

    run(add_numbers(campaign_id, numbers))
