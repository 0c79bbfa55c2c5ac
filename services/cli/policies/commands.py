"""`paceline policy …` and `paceline caller-id …`: what a tenant may call, and as whom."""

from typing import Annotated

import typer

from services.cli.running import run
from services.cli.screen import screen_on

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
caller_id_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

Tenant = Annotated[str, typer.Option(help="Whose campaigns it holds for, all together.")]
Number = Annotated[str, typer.Argument(help="The number, as in +12025550100.")]


@app.command("set")
def set_command(
    tenant: Tenant,
    countries: Annotated[
        str | None, typer.Option(help="ISO codes, as in US,CA; an empty text allows every country.")
    ] = None,
    premium: Annotated[
        bool | None, typer.Option(help="Premium-rate, shared-cost and satellite numbers; refused by default.")
    ] = None,
    verified_only: Annotated[
        bool | None, typer.Option(help="Show only caller ids of `paceline caller-id`; any by default.")
    ] = None,
) -> None:
    """Say what a tenant may call, and as whom; what is left out stays. It holds from the next upload and call on.

    A line that is not allowed is refused with its upload; a number that was taken in before ends as ExcludedNumber.

    **Example:** `paceline policy set --tenant acme --countries US,CA --verified-only`
    """
    from services.cli.policies.actions import change  # noqa: PLC0415 - the help must answer at once

    run(change(screen_on(), tenant=tenant, countries=countries, premium=premium, verified_only=verified_only))


@app.command("show")
def show_command(tenant: Tenant) -> None:
    """Show what a tenant may call, and as whom."""
    from services.cli.policies.actions import show  # noqa: PLC0415 - as above

    run(show(screen_on(), tenant=tenant))


@caller_id_app.command("add")
def add_command(number: Number, tenant: Tenant) -> None:
    """Let a tenant show a number that it has proved to be its own.

    **Example:** `paceline caller-id add +12025550100 --tenant acme`
    """
    from services.cli.policies.actions import verify  # noqa: PLC0415 - as above

    run(verify(screen_on(), tenant=tenant, number=number))


@caller_id_app.command("remove")
def remove_command(number: Number, tenant: Tenant) -> None:
    """Take a number away: where only verified ones may be shown, no call shows it from now on."""
    from services.cli.policies.actions import forget  # noqa: PLC0415 - as above

    run(forget(screen_on(), tenant=tenant, number=number))


@caller_id_app.command("list")
def list_command(tenant: Tenant) -> None:
    """Show a tenant's verified caller ids."""
    from services.cli.policies.actions import listed  # noqa: PLC0415 - as above

    run(listed(screen_on(), tenant=tenant))
