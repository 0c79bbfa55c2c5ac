"""`paceline check`: the command."""

from typing import Annotated

import typer

from services.cli.errors import tell
from services.cli.running import run
from services.cli.screen import screen_on

#: One invariant at least is broken.
BROKEN = 1
#: Nothing is known: the database could not be asked. As wrong usage, which is no verdict either.
UNKNOWN = 2

#: More ids than this are not read, but counted.
MOST_SHOWN = 10_000
#: A snapshot that is kept for hours would keep vacuum from its work.
LONGEST_SECONDS = 3600


def check(
    *,
    show: Annotated[
        int, typer.Option(min=1, max=MOST_SHOWN, help="Name so many offenders of each invariant at most.")
    ] = 20,
    timeout: Annotated[
        int, typer.Option(min=1, max=LONGEST_SECONDS, metavar="SECONDS", help="Give up after so long.")
    ] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Ask the database whether all that must be true of it is: nobody rung twice, no result lost, no number missing.

    One line per invariant says how many break it, then come their ids. It reads DATABASE_URL in a single snapshot
    while everything runs, and changes nothing.

    Status 0: all hold. 1: one is broken at least. 2: the database could not be asked.

    **Example:** `paceline check --json | jq '.invariants[] | select(.total > 0)'`
    """
    from services.cli.checking.actions import ask  # noqa: PLC0415 - the help must answer at once

    try:
        all_hold = run(ask(screen_on(), most=show, within_seconds=timeout, as_json=as_json))
    except typer.Exit:
        raise
    except Exception as error:  # whatever it is, it proves nothing broken
        tell(error)
        raise typer.Exit(UNKNOWN) from error
    if not all_hold:
        raise typer.Exit(BROKEN)
