"""`paceline trunk …`: the ways out, and whether somebody is at their other end."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.running import run
from services.cli.screen import screen_on

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

Name = Annotated[str, typer.Argument(help="What you call the trunk.")]


@app.command("add")
def add_command(
    name: Name,
    address: Annotated[str, typer.Argument(help="sip:HOST or sip:HOST:PORT.")],
    user: Annotated[str | None, typer.Option(help="The user by whom the trunk knows us.")] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="A file with the password; it is sealed and never shown again.")
    ] = None,
    cps: Annotated[int | None, typer.Option(min=1, help="Calls a second that it takes.")] = None,
    channels: Annotated[int | None, typer.Option(min=1, help="Calls at a time that it takes.")] = None,
    prefix: Annotated[str, typer.Option(help="The first digits of the numbers that it takes.")] = "",
    priority: Annotated[
        int, typer.Option(min=0, help="Of trunks with the same prefix, the smaller goes first.")
    ] = 100,
    caller_id: Annotated[
        str | None, typer.Option(help="The number that is shown where neither number nor campaign has one.")
    ] = None,
    pings: Annotated[bool, typer.Option(help="Ask by OPTIONS whether it is there.")] = True,
    asserted_identity: Annotated[
        bool, typer.Option(help="Tell it the caller id in P-Asserted-Identity as well.")
    ] = False,
) -> None:
    """Add a trunk; dialers use it within seconds.

    A number goes to the trunk with the longest prefix that fits it, then the smallest priority. The next one is tried
    only where the first is not there or refuses with 503 before anything rang.

    **Example:** `paceline trunk add carrier sip:sip.example.net --user acme --secret-file acme.secret --cps 20`
    """
    from services.cli.trunks.actions import NewTrunk, add  # noqa: PLC0415 - the help must answer at once

    wanted = NewTrunk(
        name=name,
        address=address,
        user=user,
        secret_file=secret_file,
        calls_per_second=cps,
        channels=channels,
        prefix=prefix,
        priority=priority,
        caller_id=caller_id,
        pings=pings,
        asserted_identity=asserted_identity,
    )
    run(add(screen_on(), wanted))


@app.command("list")
def list_command() -> None:
    """List the trunks in the order in which they are tried, without their secrets."""
    from services.cli.trunks.actions import show  # noqa: PLC0415 - as above

    run(show(screen_on()))


@app.command("test")
def test_command(name: Name) -> None:
    """Ask a trunk by OPTIONS whether it is there, from this machine; nobody is rung."""
    from services.cli.trunks.actions import ask  # noqa: PLC0415 - as above

    if not run(ask(screen_on(), name)):
        raise typer.Exit(1)


@app.command("disable")
def disable_command(name: Name) -> None:
    """Take a trunk out of use within seconds; calls under way go on."""
    from services.cli.trunks.actions import switch  # noqa: PLC0415 - as above

    run(switch(screen_on(), name, disabled=True))


@app.command("enable")
def enable_command(name: Name) -> None:
    """Take a trunk back into use within seconds."""
    from services.cli.trunks.actions import switch  # noqa: PLC0415 - as above

    run(switch(screen_on(), name, disabled=False))
