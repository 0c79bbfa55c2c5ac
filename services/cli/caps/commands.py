"""`paceline cap …`: how many calls a tenant may have at once."""

from typing import Annotated

import typer

from services.cli.running import run
from services.cli.screen import screen_on

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

MOST_CALLS_AT_ONCE = 1_000_000


@app.command("set")
def set_command(
    tenant: Annotated[str, typer.Option(help="Whose campaigns it holds for, all together.")],
    calls_at_once: Annotated[int, typer.Option(min=1, max=MOST_CALLS_AT_ONCE, help="Calls at a time.")],
) -> None:
    """Let a tenant's campaigns together have no more than so many calls at once; calls under way go on.

    **Example:** `paceline cap set --tenant acme --calls-at-once 200`
    """
    from services.cli.caps.actions import set_cap  # noqa: PLC0415 - the help must answer at once

    run(set_cap(screen_on(), tenant=tenant, calls_at_once=calls_at_once))


@app.command("remove")
def remove_command(tenant: Annotated[str, typer.Option(help="Whose cap is taken away.")]) -> None:
    """Let a tenant have as many calls as there is room for."""
    from services.cli.caps.actions import set_cap  # noqa: PLC0415 - the help must answer at once

    run(set_cap(screen_on(), tenant=tenant, calls_at_once=None))


@app.command("list")
def list_command() -> None:
    """Show the tenants that have a cap, and how many calls count against it now."""
    from services.cli.caps.actions import list_caps  # noqa: PLC0415 - the help must answer at once

    run(list_caps(screen_on()))
