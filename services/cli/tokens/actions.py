"""What `paceline token …` does."""

from datetime import datetime

from rich.table import Table
from rich.text import Text

from services.cli import wiring
from services.cli.screen import Screen
from shared.domain.access import Role
from shared.settings import Settings


async def create(screen: Screen, *, tenant: str, name: str, role: Role, days: int | None) -> None:
    """Print a new token and nothing else, so that a script can take it."""
    settings = Settings()
    token = await wiring.create_token(
        settings.required_database_url(),
        settings.required_secret_key_file(),
        tenant=tenant,
        name=name,
        role=role,
        days=days,
    )
    screen.say(token)


async def show(screen: Screen, *, tenant: str) -> None:
    """Print a tenant's tokens: a table for people, tab-separated lines for programs."""
    url = Settings().required_database_url()
    tenant_id = await wiring.tenant_id_of(url, tenant)
    async with wiring.tokens(url) as tokens:
        rows = [
            (str(t.token_id), t.role.value, t.name, _written(t.expires_at), _written(t.last_used_at))
            for t in await tokens.tokens(tenant_id)
        ]
    if not screen.moves:
        screen.write("\n".join("\t".join(row) for row in rows))
        return
    table = Table("id", "role", "name", "expires", "last used", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    screen.console.print(table)


async def revoke(screen: Screen, *, tenant: str, token_id: int) -> None:
    """End a token and say so."""
    url = Settings().required_database_url()
    tenant_id = await wiring.tenant_id_of(url, tenant)
    async with wiring.tokens(url) as tokens:
        await tokens.revoke(tenant_id, token_id)
    screen.say(f"Token {token_id} of {tenant} opens nothing from now on.")


def _written(instant: datetime | None) -> str:
    return "never" if instant is None else instant.isoformat(timespec="minutes")
