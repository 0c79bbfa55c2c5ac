"""Calls on time, with real processes: five equal campaigns, fifty calls a second, for a minute, on the simulator.

When an INVITE left is what the simulated network noted; when it was due is what Postgres has. Beside it stands the
lateness of a bare timer that was waiting in a process of its own meanwhile: nobody can be more punctual than that.
"""

import asyncio
import json
import os
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rows import Table
from stage import Stage

from shared.clock import epoch_seconds
from shared.domain.campaign import Dialect

CAMPAIGNS = 5
PER_MINUTE = 600
MEASURED_SECONDS = 60
#: Until the dialer has said that it lives, and the first calls have been rung ahead.
WARM_UP_SECONDS = 5
PER_SECOND = CAMPAIGNS * PER_MINUTE / 60
NUMBERS = int((MEASURED_SECONDS + 3 * WARM_UP_SECONDS) * PER_MINUTE / 60)
HERE = Path(__file__).parent


#: Half of what is asked of it: a busy callee takes about a second, and is rung up to two seconds ahead.
SCARCE_CALLS = 50
#: Calls that are under way when the campaigns are stopped must still be recorded.
SETTLING_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """One INVITE and when it was due, in seconds since 1970."""

    campaign_id: int
    at: float
    due: float


@dataclass(frozen=True, slots=True)
class Minute:
    """What was seen of a minute."""

    campaigns: Sequence[int]
    sent: Sequence[Sent]
    withheld: int
    #: How late the bare timers were.
    timers_ms: Sequence[float]
    load: str

    @property
    def lateness_ms(self) -> list[float]:
        """How long after its due instant each INVITE left, in order."""
        return sorted((call.at - call.due) * 1000 for call in self.sent)


async def measure(stage: Stage) -> list[Table]:
    """Return how late the calls were and how they were shared out, with room for all and with room for half of them."""
    enough = await _minute(stage, first_number=0)
    scarce = await _minute(
        stage, first_number=CAMPAIGNS * NUMBERS,
        PACELINE_SIMULATOR_SPEED="1", PACELINE_CALLS_PER_DIALER=str(SCARCE_CALLS),
    )  # fmt: skip
    lateness, timers = enough.lateness_ms, sorted(enough.timers_ms)
    return [
        Table(
            f"{PER_SECOND:.0f} calls/s for {MEASURED_SECONDS} s; load of the machine {enough.load}",
            ("lateness in ms", "number", "before its instant", "p50", "p99", "largest"),
            [_line("INVITEs", lateness), _line("bare timers", timers)],
        ),
        Table(
            f"{CAMPAIGNS} equal campaigns, {PER_MINUTE * MEASURED_SECONDS // 60} slots each",
            ("", "calls of each", "withheld", "Jain's fairness"),
            [
                ("room for all", *_shares(enough)),
                (f"room for {SCARCE_CALLS} calls at a time", *_shares(scarce)),
            ],
        ),
    ]


async def _minute(stage: Stage, *, first_number: int, **settings: str) -> Minute:
    """Let the campaigns call for a minute, each its own callees from the given one on."""
    witness = stage.folder / f"timing.{first_number}.witness"
    campaigns = [
        await stage.campaign(NUMBERS, per_minute=PER_MINUTE, skip=first_number + number * NUMBERS)
        for number in range(CAMPAIGNS)
    ]
    environment = {
        "PACELINE_SIMULATOR_SPEED": "1000", "PACELINE_SIMULATOR_WITNESS": str(witness), **settings
    }  # fmt: skip
    with stage.process("pacer", **environment), stage.process("dialer", **environment):
        await asyncio.sleep(WARM_UP_SECONDS)
        for campaign_id in campaigns:
            await stage.store.start(stage.tenant_id, Dialect.PLUM, campaign_id)
        await asyncio.sleep(WARM_UP_SECONDS)
        load, began = f"{os.getloadavg()[0]:.1f} before", epoch_seconds()
        timers = await _timers()
        load, ended = f"{load}, {os.getloadavg()[0]:.1f} after", epoch_seconds()
        for campaign_id in campaigns:
            await stage.store.stop(stage.tenant_id, Dialect.PLUM, campaign_id)
        await asyncio.sleep(SETTLING_SECONDS)
    sent, withheld = await _sent(stage, witness, campaigns, began, ended)
    return Minute(campaigns, sent, withheld, timers, load)


def _line(what: str, late: Sequence[float]) -> tuple[str, ...]:
    early = bisect_left(late, 0.0)
    return (
        what,
        f"{len(late)}",
        f"{early}",
        *(f"{late[min(len(late) - 1, int(len(late) * share))]:.1f}" for share in (0.5, 0.99, 1)),
    )


def _shares(minute: Minute) -> tuple[str, str, str]:
    held = Counter(call.campaign_id for call in minute.sent)
    shares = [held[campaign_id] for campaign_id in minute.campaigns]
    jain = sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))
    return ", ".join(map(str, shares)), f"{minute.withheld}", f"{jain:.4f}"


async def _timers() -> list[float]:
    probe = await asyncio.create_subprocess_exec(
        sys.executable, HERE / "timer_probe.py", str(MEASURED_SECONDS), str(PER_SECOND),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await probe.communicate()
    late: list[float] = json.loads(output)
    return late


async def _sent(
    stage: Stage, witness: Path, campaigns: Sequence[int], began: float, ended: float
) -> tuple[list[Sent], int]:
    """Return the INVITEs of the measured time, by the witness, and how many attempts were withheld in it."""
    seen = {
        line["fence"]: line["epoch_seconds"]
        for line in map(json.loads, (await asyncio.to_thread(witness.read_bytes)).splitlines())
        if line["sight"] == "INVITE" and began <= line["epoch_seconds"] < ended
    }
    connection = await asyncpg.connect(stage.urls.database_url)
    try:
        rows = await connection.fetch(
            "SELECT campaign_id, fence, state, extract(epoch FROM due_at)::float8 AS due FROM attempt"
            " WHERE campaign_id = ANY($1)",
            campaigns,
        )
    finally:
        await connection.close()
    calls = [Sent(row["campaign_id"], seen[row["fence"]], row["due"]) for row in rows if row["fence"] in seen]
    assert len(calls) == len(seen), "an INVITE without an attempt"
    return calls, sum(row["state"] == "WITHHELD" and began <= row["due"] < ended for row in rows)
