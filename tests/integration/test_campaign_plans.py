"""Plans by HTTP on a real Postgres: what is shown of campaigns in every state, and that nobody sees another's.

The plan that is asked for here is the whole way: the store's snapshot, the room, and a simulation in its own process.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from services.api.campaign_plan import PlanRoom
from services.api.server import application
from shared.adapters.postgres.campaign_plans import PostgresCampaignPlans
from shared.adapters.simulator.simulation_host import Foresight
from shared.adapters.simulator.simulations import ProcessSimulations
from shared.clock import utc_now
from shared.domain.callee_hours import USUAL_HOURS
from shared.domain.campaign import Dialect
from shared.domain.pace import Pace

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: One call a second.
STEADY = Pace(period_minutes=1, amount=60)
LINES = tuple(f"+1202555{number:04},ref-{number}" for number in range(200, 290))


@dataclass
class Api:
    """The plan room in front of a database, and a way to ask it as a tenant."""

    store: "Store"
    base: str
    session: aiohttp.ClientSession
    simulations: ProcessSimulations

    async def token(self, tenant_id: int) -> str:
        """Give a tenant a token."""
        token = f"pl_{tenant_id}"
        await self.store.sql(
            "INSERT INTO api_token (tenant_id, name, secret_hash) VALUES ($1, 'n', $2)",
            tenant_id, hashlib.sha256(token.encode()).digest(),
        )  # fmt: skip
        return token

    async def get(self, tenant_id: int, path: str) -> tuple[int, str]:
        """Return status and text."""
        headers = {"Authorization": f"Bearer pl_{tenant_id}"}
        async with self.session.get(self.base + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def plan(self, tenant_id: int, campaign_id: int, query: str = "") -> dict[str, Any]:
        """Return a plan."""
        status, text = await self.get(tenant_id, f"/api/campaigns/{campaign_id}/plan{query}")
        assert status == 200, text
        found: dict[str, Any] = orjson.loads(text)
        return found

    async def calls(self, tenant_id: int, campaign_id: int, query: str = "") -> list[dict[str, Any]]:
        """Return every call of a simulation, and its summary behind them."""
        status, text = await self.get(tenant_id, f"/api/campaigns/{campaign_id}/plan/calls{query}")
        assert status == 200, text
        return [orjson.loads(line) for line in text.splitlines()]

    async def owner(self) -> int:
        """Make a tenant with a token, and a dialer."""
        tenant_id = await self.store.tenant()
        await self.token(tenant_id)
        await self.store.dialer()
        return tenant_id


@pytest_asyncio.fixture(loop_scope="module")
async def api(store: "Store") -> AsyncIterator[Api]:
    """Serve the room as the API does."""
    simulations = ProcessSimulations(Foresight(seed=1, speed=1.0, ring_seconds=30.0))
    room = PlanRoom(
        plans=PostgresCampaignPlans(store.databases["api"]), simulations=simulations,
        ring_ahead=timedelta(seconds=2), callee_gap=timedelta(),
    )  # fmt: skip
    async with (
        TestServer(application(store.campaigns, room.routes())) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Api(store, str(server.make_url("")).rstrip("/"), session, simulations)


def at(text: str) -> datetime:
    """Read an instant that names its zone."""
    return datetime.fromisoformat(text.partition("[")[0]).astimezone(UTC)


async def test_a_campaign_is_planned_before_it_is_started(api: Api) -> None:
    """Its numbers, its calls and its end, with every time in the campaign's own zone, by name."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES, pace=STEADY, start=False)
    plan = await api.plan(owner, campaign_id, "?days=2")
    assert (plan["status"], plan["numbers"], plan["calls"], plan["left_over"]) == ("READY", 90, 90, 0)
    zone = plan["time_zone"]
    assert plan["basis"] == "The campaign is READY: this is what it would do if it were started now."
    times = [plan[name] for name in ("planned_at", "first_call_at", "last_call_at", "estimated_end_at")]
    today, tomorrow = plan["days"]
    times += [today["windows"][0][name] for name in ("opens_at", "closes_at")]
    assert all(time.endswith(f"[{zone}]") for time in times)
    assert abs(at(plan["planned_at"]) - utc_now()) < timedelta(minutes=1)
    assert at(plan["last_call_at"]) - at(plan["first_call_at"]) == timedelta(seconds=89)
    [window] = today["windows"]
    assert [(each["periods"], each["calls_each"]) for each in window["periods"]] == [(1, 60), (1, 30)]
    assert tomorrow["calls"] == 0
    assert plan["more_days"] > 1000
    assert plan["simulation"] is None


async def test_a_simulation_and_its_calls_agree(api: Api) -> None:
    """The summary is that of the calls, whoever is called; the calls name the numbers of the list in order."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES, pace=STEADY, start=False)
    await api.store.sql("UPDATE campaign SET tries_allowed = 3, retry_seconds = '{60}'")
    simulated = (await api.plan(owner, campaign_id, "?simulate=1"))["simulation"]
    *calls, summary = await api.calls(owner, campaign_id)
    assert simulated["calls"] == summary["calls"] == len(calls) > 100
    assert simulated["call_outcomes"] == summary["call_outcomes"]
    ids = await api.store.sql("SELECT number_id, e164 FROM number ORDER BY batch_no, line_no")
    assert [(call["call_id"], call["phone_number"]) for call in calls[:60]] == [
        tuple(row) for row in ids[:60]
    ]
    assert sum(summary["number_outcomes"].values()) == 90
    everybody = (await api.plan(owner, campaign_id, "?simulate=1&callees=answer"))["simulation"]
    assert everybody["call_outcomes"] == {"Answered": 90}


async def test_a_running_campaign_is_planned_from_now_on(api: Api) -> None:
    """What was called is over, what is planned is to come, who waits for another try waits; a period goes on."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES, pace=Pace(period_minutes=1, amount=600))
    jobs = await api.store.tick(campaign_id)
    assert len(jobs) > 5
    done, tried, called = [await api.store.dialing(job) for job in jobs[:3]]
    await api.store.end(done)
    later = utc_now() + timedelta(minutes=3)
    await api.store.postpone(tried, later)
    plan = await api.plan(owner, campaign_id, "?simulate=1&callees=answer")
    # One is over; one that is being called is not to be called.
    assert (plan["status"], plan["numbers"], plan["calls_in_progress"]) == ("RUNNING", 88, 1)
    *calls, summary = await api.calls(owner, campaign_id, "?callees=answer")
    assert plan["simulation"]["calls"] == len(calls) == summary["calls"] == 88
    assert called.number_id not in {call["call_id"] for call in calls}
    planned = {
        row["number_id"]: row["due_at"]
        for row in await api.store.sql("SELECT number_id, due_at FROM attempt WHERE state = 'PLANNED'")
    }
    told = {call["call_id"]: at(call["due_at"]) for call in calls}
    ahead = {number: due for number, due in planned.items() if due > utc_now()}
    assert all(told[number] == due for number, due in ahead.items())
    assert later <= told[tried.number_id] < later + timedelta(seconds=1)
    # The period that has begun goes on: no slot of it is given twice.
    dues = [at(call["due_at"]) for call in calls]
    used = await api.store.one("SELECT max(due_at) FROM attempt")
    fresh = [due for due in dues if due > used]
    assert len(set(dues)) == len(dues)
    assert len(fresh) >= 60
    # Each has the next slot of that period, or catches up with it where this machine took its time since the tick.
    [(started, next_slot)] = await api.store.sql(
        "SELECT cycle_started_at, cycle_next_slot FROM campaign_pacing"
    )
    slots = [started + timedelta(milliseconds=100) * (next_slot + place) for place in range(len(fresh))]
    catching_up = [before + timedelta(milliseconds=80) for before in fresh]
    assert fresh[1:-1] == [max(*both) for both in zip(slots[1:-1], catching_up[:-2], strict=True)]


async def test_a_stopped_campaign_is_planned_as_if_started_again(api: Api) -> None:
    """What was planned under the old epoch can never ring: its numbers are in line again, and count."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES, pace=STEADY)
    assert await api.store.tick(campaign_id)
    await api.store.campaigns.stop(owner, Dialect.PLUM, campaign_id)
    plan = await api.plan(owner, campaign_id, "?simulate=1&callees=answer")
    assert (plan["status"], plan["numbers"], plan["calls"]) == ("STOPPED", 90, 90)
    assert plan["simulation"]["calls"] == 90
    assert at(plan["simulation"]["first_call_at"]) >= at(plan["planned_at"])


async def test_a_held_campaign_says_so(api: Api) -> None:
    """The plan of a campaign that is held is what it does when it is released, and says why it waits."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES, pace=STEADY)
    await api.store.sql("INSERT INTO hold (tenant_id, reason) VALUES ($1, 'carrier maintenance')", owner)
    plan = await api.plan(owner, campaign_id)
    assert plan["held"] == "carrier maintenance"
    assert plan["basis"] == "The campaign is held: this is what it would do if it were released now."
    assert plan["calls"] == 90


async def test_callees_hours_are_kept_in_a_simulation(api: Api) -> None:
    """A number whose own clock forbids the call is called when it allows it, and says so by its instant."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(
        owner, "+12025550100,east", "+18085550100,hawaii", "+81312345678,tokyo",
        pace=STEADY, start=False, callee_hours=USUAL_HOURS,
    )  # fmt: skip
    *calls, summary = await api.calls(owner, campaign_id, "?callees=answer")
    assert summary["calls"] == len(calls) == 3
    hours = {call["phone_number"]: at(call["due_at"]) for call in calls}
    for number, offset_hours in (("+18085550100", -10), ("+81312345678", 9)):
        assert 8 <= (hours[number] + timedelta(hours=offset_hours)).hour < 21


# Refusals ------------------------------------------------------------------------------------------------------------


async def test_another_tenant_s_campaign_is_unknown(api: Api) -> None:
    """Somebody else's id answers as one that never was, with and without a simulation, and call by call."""
    owner, rival = await api.owner(), await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES, start=False)
    for tail in ("/plan", "/plan?simulate=1", "/plan/calls"):
        foreign = await api.get(rival, f"/api/campaigns/{campaign_id}{tail}")
        assert foreign == (404, f'{{"status":"error","error":"There is no campaign with id {campaign_id}."}}')
        unknown = await api.get(rival, f"/api/campaigns/{campaign_id + 1}{tail}")
        assert unknown[0] == 404
    status, _ = await api.get(owner, "/api/campaigns/abc/plan")
    assert status == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("days=0", "days"),
        ("days=367", "days"),
        ("days=ten", "days"),
        ("simulate=yes", "simulate"),
        ("simulate=1&callees=nobody", "callees"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused_by_name(api: Api, query: str, field: str) -> None:
    """422 with the field and a sentence."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES[:1], start=False)
    status, text = await api.get(owner, f"/api/campaigns/{campaign_id}/plan?{query}")
    assert (status, list(orjson.loads(text))) == (422, [field])


async def test_too_long_a_list_is_refused_in_a_sentence(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list above the limit still has its plan; its simulation is refused, and what it would do is said."""
    monkeypatch.setattr(ProcessSimulations, "most_numbers", 50)
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES, start=False)
    assert (await api.plan(owner, campaign_id))["calls"] == 90
    for tail in ("/plan?simulate=1", "/plan/calls"):
        status, text = await api.get(owner, f"/api/campaigns/{campaign_id}{tail}")
        assert status == 422
        [sentence] = orjson.loads(text)["simulate"]
        assert sentence.startswith("The campaign has 90 numbers to call, and 50 are simulated at most")


async def test_more_simulations_than_there_is_room_for_are_put_off(api: Api) -> None:
    """503 with a time to come back; a plan alone is not put off."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, *LINES, start=False)
    async with api.simulations.place(), api.simulations.place():
        status, text = await api.get(owner, f"/api/campaigns/{campaign_id}/plan?simulate=1")
        assert status == 503
        assert "try again in a minute" in text
        assert (await api.plan(owner, campaign_id))["calls"] == 90


async def test_a_long_simulation_holds_up_nobody(api: Api) -> None:
    """While a list of thousands is simulated, the API's loop is free, and others are answered."""
    owner = await api.owner()
    campaign_id = await api.store.campaign(owner, start=False, pace=STEADY)
    await api.store.add(
        owner, campaign_id, *(f"+1415{number:07},r" for number in range(2_000_000, 2_006_000))
    )
    simulated = asyncio.create_task(api.plan(owner, campaign_id, "?simulate=1"))
    asked, longest_seconds = 0, 0.0
    while not simulated.done():
        if asked < 5:
            assert (await api.plan(owner, campaign_id))["calls"] == 6_000
        began = time.thread_time()  # its own work: how long others have the processor is no matter
        await asyncio.sleep(0.01)
        longest_seconds = max(longest_seconds, time.thread_time() - began)
        asked += 1
    assert (await simulated)["simulation"]["calls"] == 6_000
    assert asked >= 2
    assert longest_seconds < 0.25
