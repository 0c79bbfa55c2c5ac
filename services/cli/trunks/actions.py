"""What `paceline trunk …` does."""

from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from services.cli import wiring
from services.cli.screen import Screen
from shared.domain.errors import NotFound
from shared.domain.routing import parse_prefix
from shared.ports.trunks import TrunkRecord
from shared.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrunk:
    """A trunk as the command line says it."""

    name: str
    address: str
    user: str | None
    secret_file: Path | None
    calls_per_second: int | None
    channels: int | None
    prefix: str
    priority: int
    caller_id: str | None
    pings: bool
    asserted_identity: bool


async def add(screen: Screen, wanted: NewTrunk) -> None:
    """Keep a new trunk; raises Invalid and Conflict."""
    settings = Settings()
    host, port = wiring.trunk_address(wanted.address)
    record = TrunkRecord(
        name=wanted.name,
        host=host,
        port=port,
        username=wanted.user,
        password=wiring.trunk_password(wanted.user, wanted.secret_file),
        caller_id=wanted.caller_id,
        prefix=parse_prefix(wanted.prefix),
        priority=wanted.priority,
        channels=wanted.channels,
        calls_per_second=wanted.calls_per_second,
        pings=wanted.pings,
        asserted_identity=wanted.asserted_identity,
    )
    async with wiring.trunks(settings.required_database_url(), settings.required_secret_key_file()) as trunks:
        await trunks.add(record)
    screen.say(f"The trunk {record.name} is in use: dialers send calls to {record.host}:{record.port}.")


async def show(screen: Screen) -> None:
    """List all trunks."""
    settings = Settings()
    async with wiring.trunks(settings.required_database_url(), settings.required_secret_key_file()) as trunks:
        listed = await trunks.listed()
    if not listed:
        screen.say("There is no trunk: add one with `paceline trunk add`.")
        return
    table = Table(
        "trunk",
        "address",
        "user",
        "prefix",
        "priority",
        "calls/s",
        "channels",
        "state",
        box=None,
        pad_edge=False,
    )
    for trunk in listed:
        table.add_row(
            trunk.name,
            f"{trunk.host}:{trunk.port}",
            trunk.username or "none",
            trunk.prefix or "any",
            str(trunk.priority),
            _limit(trunk.calls_per_second),
            _channels(trunk),
            "disabled" if trunk.disabled else "in use",
        )
    screen.console.print(table)


async def ask(screen: Screen, name: str) -> bool:
    """Ask a trunk by OPTIONS; returns whether somebody answered. Raises NotFound."""
    settings = Settings()
    async with wiring.trunks(settings.required_database_url(), settings.required_secret_key_file()) as trunks:
        found = next((trunk for trunk in await trunks.listed() if trunk.name == name), None)
    if found is None:
        raise NotFound(f"There is no trunk called {name}: `paceline trunk list` shows those that there are.")
    answer = await wiring.ask_trunk(found.host, found.port)
    screen.say(f"{name} ({found.host}:{found.port}): {answer.words}")
    return answer.there


async def switch(screen: Screen, name: str, *, disabled: bool) -> None:
    """Take a trunk out of use, or back into it; raises NotFound."""
    settings = Settings()
    async with wiring.trunks(settings.required_database_url(), settings.required_secret_key_file()) as trunks:
        await trunks.switch(name, disabled=disabled)
    screen.say(f"The trunk {name} is {'out of use' if disabled else 'in use'} within seconds.")


def _limit(number: int | None) -> str:
    return "no limit" if number is None else str(number)


def _channels(trunk: TrunkRecord) -> str:
    return "no limit" if trunk.channels is None else f"{trunk.in_use} of {trunk.channels}"
