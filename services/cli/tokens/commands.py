"""`paceline token …`: who may use the API, for the operator who has the database.

A tenant's own admins do the same by HTTP, at /api/tokens; the first token of all has to come from here.
"""

from typing import Annotated

import typer

from services.cli.running import run
from services.cli.screen import screen_on
from shared.domain.access import Role

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

Tenant = Annotated[str, typer.Option(help="Whose tokens they are.")]

#: Ten years, as by HTTP: whoever wants more wants a token that does not expire.
MOST_DAYS = 3_650


@app.command("create")
def create_command(
    tenant: Annotated[
        str, typer.Option(help="Whose campaigns it opens; made if there is none of that name.")
    ],
    name: Annotated[str, typer.Option(help="What you call the token.")] = "default",
    role: Annotated[
        Role, typer.Option(help="reader looks, operator runs campaigns, admin makes tokens, too.")
    ] = Role.ADMIN,
    days: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_DAYS, show_default="until it is revoked", help="How long it is good for."
        ),
    ] = None,
) -> None:
    """Make a token and print it, alone and only this once: it is stored hashed.

    **Example:** `export PACELINE_TOKEN=$(paceline token create --tenant acme)`
    """
    from services.cli.tokens.actions import create  # noqa: PLC0415 - the help must answer at once

    run(create(screen_on(), tenant=tenant, name=name, role=role, days=days))


@app.command("list")
def list_command(tenant: Tenant) -> None:
    """List a tenant's tokens that are not revoked: id, role, name, when it expires and when it was used last.

    **Example:** `paceline token list --tenant acme`
    """
    from services.cli.tokens.actions import show  # noqa: PLC0415 - the help must answer at once

    run(show(screen_on(), tenant=tenant))


@app.command("revoke")
def revoke_command(
    token_id: Annotated[int, typer.Argument(min=1, help="Its id, as `paceline token list` shows it.")],
    tenant: Tenant,
) -> None:
    """End a token, from the next request on.

    **Example:** `paceline token revoke 7 --tenant acme`
    """
    from services.cli.tokens.actions import revoke  # noqa: PLC0415 - the help must answer at once

    run(revoke(screen_on(), tenant=tenant, token_id=token_id))
