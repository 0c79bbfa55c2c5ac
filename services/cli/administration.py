"""What an operator does once: the database's tables, the key, the holds."""

from pathlib import Path

from services.cli import wiring
from services.cli.screen import Screen
from shared.ports.holds import PLATFORM
from shared.settings import Settings


async def migrate(screen: Screen) -> None:
    """Apply what is missing and say what that was."""
    applied = await wiring.migrate(Settings().required_database_url())
    screen.say("\n".join(applied) if applied else "The database is up to date.")


def create_key(screen: Screen, file: Path) -> None:
    """Make a key file and say how it is used."""
    wiring.create_key(file)
    screen.say(f"The key is in {file}: set PACELINE_SECRET_KEY_FILE={file.absolute()} for every process.")


async def place_hold(screen: Screen, *, tenant: str | None, reason: str, hang_up: bool) -> None:
    """Hold a tenant, or the platform where none is named."""
    url = Settings().required_database_url()
    async with wiring.holds(url) as holds:
        hold = await holds.place(await _holder(url, tenant), reason, hang_up=hang_up)
    whom, which = ("the whole platform", "--all") if tenant is None else (tenant, f"--tenant {tenant}")
    screen.say(f"Hold {hold.hold_id} stands: {whom} dials nobody until `paceline release {which}`.")


async def release_holds(screen: Screen, *, tenant: str | None) -> None:
    """Release the holds of a tenant, or the platform's own where none is named."""
    url = Settings().required_database_url()
    async with wiring.holds(url) as holds:
        released = await holds.release(await _holder(url, tenant))
    screen.say(f"{released} {'hold' if released == 1 else 'holds'} released.")


async def _holder(url: str, tenant: str | None) -> int:
    return PLATFORM if tenant is None else await wiring.tenant_id_of(url, tenant)
