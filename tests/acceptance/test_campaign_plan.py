"""The plan's simulated calls and a real run of the same campaign agree, call by call.

The campaign is planned from the command line before it is started, and then runs for real: the real pacer and dialer,
real time, and the simulated network, whose own record (PACELINE_SIMULATOR_WITNESS) says when each INVITE left. It has
numbers that are busy or do not answer: some are called again as soon as may be, amid the rest of the list, others a
minute later, when nobody else is left.

What agrees, and how closely:

* Every call of the simulation is made, and no other: the same numbers, the same tries, the same outcomes.
* Every call was due when the simulation has it, to 100 ms, and to the microsecond where its slot alone decides.
* Every INVITE left at its due instant or after it; the promise is 100 ms. This machine may be busy with anything, and a
  call that is later would be withheld and planned anew, which no plan can foresee. So the dialer is allowed a second
  here: what comes late is late, and nothing else changes. Four calls in five must be within the 100 ms all the same.

Whose call ends in the very moment in which the pacer looks may be seen by this look or by the next: the list has nobody
whose foreseen end is so near to one.
"""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from shared.adapters.simulator.foresight import foreseen
from shared.clock import utc_now
from shared.domain.disposition import Outcome
from tests.area_codes import AREAS

pytestmark = [pytest.mark.acceptance, pytest.mark.drill]

SPEED: Final = 10.0
RING_SECONDS: Final = 15.0
SEED: Final = 1
#: Eighty calls in the shortest period, one every 750 ms. The pacer looks two seconds before each of them, so that it
#: looks 250 ms after each call.
PER_MINUTE: Final = 80
SPACING_SECONDS: Final = 0.75
LOOK_SECONDS: Final = 0.25
#: Platform, list and plan must be there before the window opens.
PREPARE_SECONDS: Final = 20
TOLERANCE: Final = timedelta(milliseconds=100)
ALLOWED_HERE: Final = timedelta(seconds=1)
#: The clocks of Postgres and of Python are one, read one after the other.
CLOCK: Final = timedelta(milliseconds=2)
MESSAGE: Final = "<vxml version='2.1'><form><block>" + "Please call us. " * 8 + "</block></form></vxml>"
#: The last two digits of numbers for fiction: answers, busy, no answer, unobtainable, network failure.
ANSWERS, BUSY, NO_ANSWER, UNOBTAINABLE, FAILURE = "00", "01", "02", "05", "06"
LIST: Final = [
    NO_ANSWER, ANSWERS, BUSY, ANSWERS, UNOBTAINABLE, BUSY, NO_ANSWER, FAILURE, ANSWERS, BUSY, NO_ANSWER, ANSWERS,
    FAILURE, ANSWERS, BUSY, ANSWERS, ANSWERS, ANSWERS, ANSWERS, ANSWERS,
]  # fmt: skip


@pytest.fixture
async def application() -> AsyncIterator[str]:
    """The customer's application, which leaves a short message."""

    async def message(_request: web.Request) -> web.Response:
        return web.Response(text=MESSAGE, content_type="text/xml")

    app = web.Application()
    app.router.add_route("*", "/message.vxml", message)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/message.vxml"
    await runner.cleanup()


def numbers() -> list[str]:
    """Return a number for each place of the list; nobody's call ends as the pacer looks."""
    found: list[str] = []
    for place, last_two in enumerate(LIST):
        candidates = (f"+1{area}55501{last_two}" for area in AREAS[35 * place : 35 * (place + 1)])
        found.append(next(number for number in candidates if ends_apart_from_a_look(number)))
    return found


def ends_apart_from_a_look(number: str) -> bool:
    """Tell whether a call to a number is foreseen to end at least 100 ms before the pacer looks, or after it."""
    seconds = foreseen(number, seed=SEED, speed=SPEED, ring_seconds=RING_SECONDS).seconds % SPACING_SECONDS
    return seconds <= LOOK_SECONDS - 0.1 or seconds >= LOOK_SECONDS + 0.1


def next_opening() -> datetime:
    """Return the first whole minute for which there is time."""
    return (utc_now() + timedelta(seconds=PREPARE_SECONDS + 60)).replace(second=0, microsecond=0)


def zone_of_morning(at: datetime) -> tuple[str, int]:
    """Return a zone, and its hours ahead of UTC, in which it is not late: the window must not go over midnight."""
    return ("UTC", 0) if at.hour < 12 else ("Etc/GMT+12", -12)


async def make_campaign(session: aiohttp.ClientSession, start_url: str, opening: datetime) -> int:
    """Make the campaign, with its window from the opening on, and return its id."""
    zone, hours_ahead = zone_of_morning(opening)
    opens = opening + timedelta(hours=hours_ahead)
    hours = {"start_time": f"{opens:%H:%M}", "end_time": f"{opens + timedelta(minutes=30):%H:%M}"}
    await post(session, "/api/schedules", nickname="s", days='["mon","tue","wed","thu","fri","sat","sun"]')
    await post(
        session, "/api/profiles", nickname="p", period="1", amount_per_period=str(PER_MINUTE), time_between_periods="0"
    )  # fmt: skip
    made = await post(
        session, "/api/campaigns", name="planned", start_date=f"{opens:%Y-%m-%d}", end_date=f"{opens:%Y-%m-%d}",
        time_zone=zone, schedule="s", profiles=json.dumps([{"profile": "p", **hours}]), start_url=start_url,
        attempts="2", retry_minutes="[0]", retry_minutes_by_outcome='{"NoAnswer": 1}',
        phone_numbers=json.dumps(numbers()),
    )  # fmt: skip
    assert made["response"]["accepted"] == len(LIST), made
    return int(made["response"]["id"])


async def post(session: aiohttp.ClientSession, path: str, **fields: str) -> Any:  # noqa: ANN401 - JSON
    """Post a form that is taken."""
    async with session.post(path, data=fields) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


def foretold(path: Path) -> dict[tuple[str, int], tuple[datetime, str]]:
    """Return due instant and outcome of each simulated call, by number and try."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["phone_number"], int(row["try"])): (datetime.fromisoformat(row["due_at"]), row["outcome"])
        for row in rows
    }


def witnessed(path: Path) -> dict[tuple[str, int], datetime]:
    """Return when each INVITE left, by number and try, as the network saw it."""
    tries: Counter[str] = Counter()
    found = {}
    for line in path.read_text().splitlines():
        sight = json.loads(line)
        if sight["sight"] == "INVITE":
            tries[sight["e164"]] += 1
            found[sight["e164"], tries[sight["e164"]]] = datetime.fromtimestamp(sight["epoch_seconds"], UTC)
    return found


async def placed(database_url: str) -> dict[tuple[str, int], tuple[datetime, str]]:
    """Return due instant and outcome of each call, by number and try, as Paceline wrote it down."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT e164, row_number() OVER (PARTITION BY number_id ORDER BY ordinal) AS try, due_at, outcome"
            " FROM attempt JOIN number USING (tenant_id, campaign_id, number_id) WHERE attempt.state = 'DONE'"
        )
    finally:
        await connection.close()
    return {(row["e164"], row["try"]): (row["due_at"], Outcome(row["outcome"]).title) for row in rows}


async def until_all_final(session: aiohttp.ClientSession, campaign_id: int) -> None:
    """Wait until every number has its result."""
    async with asyncio.timeout(240):
        while True:
            async with session.get(f"/api/campaigns/{campaign_id}") as answer:
                if (await answer.json())["numbers"]["final"] == len(LIST):
                    return
            await asyncio.sleep(0.5)


async def test_a_simulation_and_the_real_run_agree_call_by_call(
    start_platform: Callable[..., Any], paceline: Callable[..., Any], application: str, tmp_path: Path
) -> None:
    """See the top of the file: the same calls, due at the same instants, and the INVITEs at or soon after them."""
    witness, table = tmp_path / "witness", tmp_path / "calls.csv"
    platform = start_platform(
        tmp_path / "data",
        environment={
            "PACELINE_SIMULATOR_SPEED": str(SPEED), "PACELINE_SIMULATOR_SEED": str(SEED),
            "PACELINE_RING_SECONDS": str(RING_SECONDS), "PACELINE_SIMULATOR_WITNESS": str(witness),
            "PACELINE_SEND_TOLERANCE_MS": str(ALLOWED_HERE // timedelta(milliseconds=1)),
        },
    ).wait_ready()  # fmt: skip
    headers = {"Authorization": f"Bearer {platform.token}"}
    async with aiohttp.ClientSession(platform.api, headers=headers) as session:
        opening = next_opening()
        campaign_id = await make_campaign(session, application, opening)
        environment = {"PACELINE_API": platform.api, "PACELINE_TOKEN": platform.token}
        told = await asyncio.to_thread(
            paceline, "campaign", "plan", str(campaign_id), "--calls", table, **environment
        )
        assert (told.returncode, told.stderr) == (0, "")
        await post(session, "/api/campaigns/start", campaign_id=str(campaign_id))
        assert utc_now() < opening - timedelta(seconds=3), "The machine was too slow to prepare in time."
        await until_all_final(session, campaign_id)
    plan, calls, invites = foretold(table), await placed(platform.database_url), witnessed(witness)
    # Twenty numbers, of which nine are called again: a plan of nothing, or of the first tries alone, is none.
    assert len(plan) == 29
    assert min(due for due, _ in plan.values()) == opening
    assert plan.keys() == calls.keys() == invites.keys()
    assert {key: outcome for key, (_, outcome) in plan.items()} == {
        key: outcome for key, (_, outcome) in calls.items()
    }
    drifts = {key: calls[key][0] - plan[key][0] for key in plan}
    assert all(abs(drift) <= TOLERANCE for drift in drifts.values()), drifts
    assert all(drift == timedelta() for (_, try_no), drift in drifts.items() if try_no == 1), drifts
    lateness = {key: invites[key] - calls[key][0] for key in plan}
    assert all(-CLOCK <= late <= ALLOWED_HERE + CLOCK for late in lateness.values()), lateness
    on_time = [late for late in lateness.values() if late <= TOLERANCE]
    assert len(on_time) >= 4 * len(plan) / 5, lateness
