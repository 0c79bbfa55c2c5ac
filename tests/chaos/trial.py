"""One trial: load, hurt, let come to rest, judge.

Two customers load numbers into four campaigns while dialers, pacers and the API are killed and frozen, Redis is
flushed and restarted, and Postgres crashed. One campaign tries a number up to three times; two of the same customer
share numbers, so that their calls get into each other's way. Then nothing is hurt any more until all is quiet.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.customer import ChaosCampaign, Customer, Line
from tests.chaos.evidence import Evidence
from tests.chaos.faults import Injected, Saboteur
from tests.chaos.instants import now
from tests.chaos.judge import Charge, charges
from tests.chaos.observer import Observer
from tests.chaos.report import Report, report_of
from tests.chaos.stage import QUARANTINE_SECONDS, Stage, numbers_by_state, stage

SERVICES: Final = {"api": 1, "pacer": 2, "dialer": 3}
#: The pace is such that calls go on for this share of the faults' time, if none of them hurt.
CALLING_SHARE: Final = 0.75
#: Lists go on arriving for this share of it.
UPLOADING_SHARE: Final = 0.6
UPLOADS_PER_CAMPAIGN: Final = 6
#: Results that the receiver takes without an answer.
DROPPED_SHARE: Final = 0.02
#: Longer than a quarantine, the pause after a call elsewhere, and all that a lost dialer holds.
REST_SECONDS: Final = QUARANTINE_SECONDS + 150
TELL_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is asked of a trial."""

    numbers: int
    #: How long the faults go on.
    seconds: float
    seed: int
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One campaign to be."""

    tenant: str
    name: str
    lines: Sequence[Line]
    tries: int = 1


def loads(numbers: int) -> list[Load]:
    """Share the numbers out; two customers never have the same one, since each may call it when it likes."""
    first, second, third = numbers * 40 // 100, numbers * 20 // 100, numbers * 25 // 100
    fourth = numbers - first - second - third
    shared = second // 4
    return [
        Load(tenant="north", name="reminders", lines=_lines("reminder", first, 2_012_000_000)),
        # The numbers of the first campaign's end come first in this one: some meet, most do not.
        Load(
            tenant="north",
            name="invoices",
            lines=_lines("invoice", second, 2_012_000_000 + first - shared),
        ),
        Load(tenant="south", name="persistent", lines=_lines("persistent", third, 2_022_000_000), tries=3),
        Load(tenant="south", name="short", lines=_lines("short", fourth, 2_032_000_000)),
    ]


def _lines(kind: str, count: int, first: int) -> list[Line]:
    return [Line(e164=f"+1{first + place}", reference=f"{kind}-{place}") for place in range(count)]


async def run_trial(trial: Trial, folder: Path) -> Report:
    """Run it in an empty folder, print how it goes, and return the verdict."""
    began = now()
    rng = random.Random(trial.seed)
    trial.tell(f"seed {trial.seed}: {trial.numbers} numbers, {trial.seconds:g} s of faults")
    async with stage(
        folder, services=SERVICES, rng=random.Random(trial.seed), dropped_share=DROPPED_SHARE
    ) as platform:
        observer = Observer(stage=platform)
        saboteur = Saboteur(stage=platform, tell=trial.tell)
        watching = [
            asyncio.create_task(observer.watch()),
            asyncio.create_task(_tell(platform, saboteur, trial)),
        ]
        try:
            campaigns = [await _make(platform, load, trial) for load in loads(trial.numbers)]
            uploads = zip(campaigns, loads(trial.numbers), strict=True)
            await asyncio.gather(
                saboteur.work(rng, trial.seconds),
                *(_upload(campaign, load, trial) for campaign, load in uploads),
            )
            hurt_until = now()
            await _rest(platform)
        finally:
            for task in watching:
                task.cancel()
        await observer.look_at_api()
        await observer.look_at_postgres()
        evidence = await Evidence.of(platform, saboteur.injected)
        verdict = [
            *charges(evidence),
            Charge(name="looks at which numbers did not add up", cases=observer.broken),
        ]
    verdict.append(Charge(name="processes left behind", cases=platform.left_over))
    return report_of(
        evidence, verdict, observer, seed=trial.seed, seconds=now() - began, rest_seconds=now() - hurt_until
    )


async def _make(platform: Stage, load: Load, trial: Trial) -> ChaosCampaign:
    """Make a campaign with the first part of its list, and start it."""
    customer: Customer = platform.customers[load.tenant]
    per_minute = max(1, round(60 * len(load.lines) / (trial.seconds * CALLING_SHARE)))
    campaign = await customer.create(
        _parts(load.lines)[0], per_minute=per_minute * load.tries, name=load.name
    )
    campaign.tries = load.tries
    if load.tries > 1:
        # The published API has no retry policy; an operator sets it.
        await platform.sql(
            "UPDATE campaign SET tries_allowed = $2, retry_seconds = '{2}' WHERE campaign_id = $1",
            campaign.campaign_id, load.tries,
        )  # fmt: skip
    await customer.start(campaign)
    return campaign


async def _upload(campaign: ChaosCampaign, load: Load, trial: Trial) -> None:
    for part in _parts(load.lines)[1:]:
        await asyncio.sleep(trial.seconds * UPLOADING_SHARE / UPLOADS_PER_CAMPAIGN)
        await campaign.customer.add(campaign, part)


def _parts(lines: Sequence[Line]) -> list[Sequence[Line]]:
    size = -(-len(lines) // UPLOADS_PER_CAMPAIGN)
    return [lines[start : start + size] for start in range(0, len(lines), size)]


async def _rest(platform: Stage) -> None:
    """Wait until all is quiet, or for longer than that can take."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REST_SECONDS):
            while not await platform.is_quiet():
                await asyncio.sleep(0.5)


async def _tell(platform: Stage, saboteur: Saboteur, trial: Trial) -> None:
    while True:
        await asyncio.sleep(TELL_SECONDS)
        with contextlib.suppress(Exception):  # Postgres may be away: the next line says more
            states = await numbers_by_state(platform)
            trial.tell(
                f"{now() - saboteur.began_at:8.1f} s: {states}, {len(platform.telephony.look())} calls"
            )


__all__ = ["Injected", "Load", "Trial", "loads", "run_trial"]
