"""What the cap commands do."""

from services.cli import wiring
from services.cli.screen import Screen
from shared.settings import Settings


async def set_cap(screen: Screen, *, tenant: str, calls_at_once: int | None) -> None:
    """Set a tenant's cap, or take it away; raises NotFound."""
    async with wiring.tenant_caps(Settings().required_database_url()) as caps:
        await caps.set(tenant, calls_at_once)
    screen.say(
        f"{tenant} has no cap: as many calls as there is room for."
        if calls_at_once is None
        else f"{tenant}: no more than {calls_at_once} calls at once, from the next claim on."
    )


async def list_caps(screen: Screen) -> None:
    """Show every cap with what counts against it."""
    async with wiring.tenant_caps(Settings().required_database_url()) as caps:
        standing = await caps.standing()
    if not standing:
        screen.say("No tenant has a cap: `paceline cap set` makes one.")
    for cap in standing:
        screen.say(f"{cap.tenant}: {cap.under_way} of {cap.calls_at_once} calls")
