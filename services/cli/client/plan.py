"""What `paceline campaign plan` does: asks for the plan, has it simulated, and writes every call into a table."""

import contextlib
import csv
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from rich.console import Console

from services.cli.client.api import CutOff, NotPaceline, PacelineApi
from services.cli.client.plan_shapes import SimulatedCampaign
from services.cli.client.plan_view import plan_lines, simulation_lines
from services.cli.screen import screen_on

COLUMNS: Final = ("due_at", "time_zone", "call_id", "phone_number", "try", "outcome")


async def plan_campaign(
    campaign_id: int, *, days: int, simulate: bool, callees: str, calls_file: Path | None
) -> None:
    """Show a campaign's plan, simulated if asked to; with a file, every simulated call is written into it."""
    screen = screen_on()
    async with PacelineApi.from_environment() as api:
        with _waiting(simulate=simulate or calls_file is not None):
            plan = await api.plan(
                campaign_id, days=days, simulate=simulate and calls_file is None, callees=callees
            )
            simulation = plan.simulation
            if calls_file is not None:
                pieces = api.plan_calls(campaign_id, days=days, callees=callees)
                simulation = await write_calls(pieces, calls_file, api.url)
    screen.say(plan_lines(plan))
    if simulation is not None:
        screen.say("\n" + simulation_lines(simulation, plan.time_zone))
    if calls_file is not None and simulation is not None:
        screen.say(f"\n{simulation.calls} calls are written to {calls_file}.")


async def write_calls(pieces: AsyncIterator[bytes], path: Path, url: str) -> SimulatedCampaign:
    """Write the calls as they come, and return the summary behind them; raises CutOff, and leaves no half a file."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            summary = None
            async for line in lines_of(pieces):
                fields = _object(line, url)
                if "due_at" in fields:
                    writer.writerow(_row(fields))
                else:
                    summary = fields
        if summary is None:
            raise CutOff
        simulated = SimulatedCampaign.model_validate(summary)
        partial.replace(path)
    except ValidationError as error:
        raise NotPaceline(url) from error
    finally:
        partial.unlink(missing_ok=True)
    return simulated


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield whole lines, however the pieces are cut; what lacks its end is none."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line


def _object(line: bytes, url: str) -> dict[str, object]:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise NotPaceline(url) from error
    if not isinstance(fields, dict):
        raise NotPaceline(url)
    return fields


def _row(fields: dict[str, object]) -> tuple[object, ...]:
    due_at, _, zone = str(fields["due_at"]).partition("[")
    others = (fields.get(name, "") for name in COLUMNS[2:])
    return due_at, zone.removesuffix("]"), *others


@contextlib.contextmanager
def _waiting(*, simulate: bool) -> Iterator[None]:
    """Show on a terminal that something is going on: a long campaign is simulated for a minute or more."""
    console = Console(stderr=True)
    if not simulate or not console.is_terminal:
        yield
        return
    with console.status("Simulating every call"):
        yield
