"""`paceline webhook …`: try a receiver, and look after the secret that proves where results come from."""

from typing import Annotated

import typer

from services.cli.running import run
from services.cli.screen import screen_on

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

Tenant = Annotated[str, typer.Option(help="Whose results it signs.")]


@app.command("test")
def try_command(
    url: Annotated[str, typer.Argument(help="Where results are to be posted.")],
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="PACELINE_WEBHOOK_SECRET", help="What to sign with; one is made up if there is none."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Post JSON and not a form.")] = False,
) -> None:
    """Post a signed sample result, as a campaign would, and say in words what the receiver answered.

    It goes through the same guard as every result: a private address is refused unless PACELINE_EGRESS_ALLOW has it.

    **Example:** `paceline webhook test https://example.com/results`
    """
    from services.cli.webhooks.actions import try_receiver  # noqa: PLC0415 - the help must answer at once

    run(try_receiver(screen_on(), url, secret=secret, as_json=as_json))


@app.command("secret")
def secret_command(tenant: Tenant) -> None:
    """Print the secret with which a tenant's results are signed, the newest one, and nothing else.

    It needs DATABASE_URL, and PACELINE_SECRET_KEY_FILE to open it with.
    """
    from services.cli.webhooks.actions import show_secret  # noqa: PLC0415 - the help must answer at once

    run(show_secret(screen_on(), tenant=tenant))


@app.command("rotate")
def rotate_command(
    tenant: Tenant,
    finish: Annotated[
        bool,
        typer.Option("--finish", help="Stop signing with the old secret; its receivers know the new one."),
    ] = False,
) -> None:
    """Replace the secret: print a new one and sign with both, so that receivers can change over one by one.

    When all of them know the new one, end it with `--finish`.
    """
    from services.cli.webhooks import actions  # noqa: PLC0415 - the help must answer at once

    run(
        actions.finish_rotation(screen_on(), tenant=tenant)
        if finish
        else actions.rotate_secret(screen_on(), tenant=tenant)
    )
