"""`paceline number …`: the answer to a complaint."""

from typing import Annotated

import typer

from services.cli.running import run

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def number() -> None:
    """Say what was done with a phone number."""


@app.command("history")
def history_command(
    phone_number: Annotated[
        str, typer.Argument(metavar="NUMBER", help="The number, written as in a phone list.")
    ],
    limit: Annotated[int, typer.Option(min=1, max=100, help="So many lines of uploads at most.")] = 20,
    cursor: Annotated[
        str | None, typer.Option(help="Go on with older lines: what the last page named.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
) -> None:
    """Show every line it stood on, every verdict and call with its Call-ID, the deliveries and the opt-outs.

    The newest comes first, and campaigns that were deleted are in it.

    **Example:** `paceline number history +12025550100`
    """
    from services.cli.numbers.actions import show_history  # noqa: PLC0415 - the help must answer at once

    run(show_history(phone_number, limit=limit, cursor=cursor, as_json=as_json))
