"""`paceline delivery …`: which results arrived, which did not and why, and once more."""

from typing import Annotated

import typer

from services.cli.running import run
from shared.domain.errors import Invalid

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

CallId = Annotated[int, typer.Argument(metavar="CALL_ID", help="The call_id of the result.", min=1)]
State = Annotated[
    str | None, typer.Option(help="QUEUED, SENDING, RETRY, DELIVERED, FAILED or PARKED.", metavar="STATE")
]
Campaign = Annotated[int | None, typer.Option("--campaign", min=1, help="Only results of this campaign.")]


@app.command("list")
def list_command(
    state: State = None,
    campaign: Campaign = None,
    after: Annotated[int, typer.Option(min=0, help="Go on behind this call_id.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")] = 100,
) -> None:
    """Show deliveries; on a pipe one per line, tab-separated: call, campaign, state, tries, next try, receiver.

    **Example:** `paceline delivery list --state failed --campaign 12`
    """
    from services.cli.deliveries.actions import list_deliveries  # noqa: PLC0415 - the help must answer at once

    wanted = {
        "state": state,
        "campaign_id": None if campaign is None else str(campaign),
        "after": str(after),
        "limit": str(limit),
    }
    run(list_deliveries(wanted))


@app.command("show")
def show_command(call_id: CallId) -> None:
    """Show one delivery: what it carries, where it stands, and every try with the receiver's answer."""
    from services.cli.deliveries.actions import show_delivery  # noqa: PLC0415 - the help must answer at once

    run(show_delivery(call_id))


@app.command("replay")
def replay_command(
    call_id: Annotated[
        int | None, typer.Argument(metavar="[CALL_ID]", help="One result; or choose many below.", min=1)
    ] = None,
    *,
    campaign: Campaign = None,
    made_from: Annotated[
        str | None, typer.Option("--from", help="Made at this instant or later: 2026-11-21T08:00:00Z.")
    ] = None,
    made_before: Annotated[str | None, typer.Option("--to", help="Made before this instant.")] = None,
    state: Annotated[
        str | None, typer.Option(help="FAILED (if you say nothing), DELIVERED or PARKED.", metavar="STATE")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
) -> None:
    """Send results again, one or many, with the same webhook-id and the same bytes as before.

    **Example:** `paceline delivery replay --campaign 12 --from 2026-11-21T08:00:00Z --dry-run`
    """
    from services.cli.deliveries import actions  # noqa: PLC0415 - the help must answer at once

    wanted = {
        "campaign_id": None if campaign is None else str(campaign),
        "from": made_from,
        "to": made_before,
        "state": state,
    }
    if call_id is None:
        run(actions.replay_deliveries(wanted, dry_run=dry_run))
    elif dry_run or any(wanted.values()):
        raise Invalid("call_id", "Give one call_id, or choose many by options, but not both.")
    else:
        run(actions.replay_delivery(call_id))


@app.command("enable")
def enable_command(
    url: Annotated[str | None, typer.Argument(help="The receiver, as the campaign has it.")] = None,
) -> None:
    """Send results again to a receiver that answered 410 Gone, what is parked first; without a URL, list such ones."""
    from services.cli.deliveries.actions import enable_receiver  # noqa: PLC0415 - the help must answer at once

    run(enable_receiver(url))
