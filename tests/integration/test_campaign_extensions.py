"""What a campaign may say beyond the published API: retries and callees' hours, over HTTP and back."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from services.api.plum.campaigns import PlumCampaigns
from services.api.plum.profiles import Profiles
from services.api.plum.schedules import Schedules
from services.api.preflight import Inspector, Preflight
from services.api.server import application
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.number_zones.libphonenumber import LibphonenumberZones
from shared.adapters.postgres.campaign_changes import PostgresCampaignChanges
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.tenants import create_token
from shared.adapters.sealing.sealer import Sealer
from shared.domain.callee_hours import USUAL_HOURS, CalleeHours
from shared.domain.egress import EgressPolicy


@dataclass
class Customer:
    """A tenant in front of the API."""

    session: aiohttp.ClientSession

    async def create(self, **extensions: str) -> tuple[int, Any]:
        """Make a campaign with these fields beside the ordinary ones."""
        fields = {
            "start_date": "2026-11-21", "end_date": "2199-01-01", "schedule": "always",
            "profiles": json.dumps([{"profile": "calm", "start_time": "08:00", "end_time": "21:00"}]),
            "start_url": "https://apps.example/start.vxml",
        }  # fmt: skip
        async with self.session.post("/api/campaigns", data=fields | extensions) as answer:
            return answer.status, await answer.json()

    async def created(self, **extensions: str) -> Any:  # noqa: ANN401 - an answer as JSON
        """Make a campaign and return it as the API shows it."""
        status, answer = await self.create(**extensions)
        assert status == 200, answer
        async with self.session.get(f"/api/campaigns/{answer['response']['id']}") as shown:
            return await shown.json()


@pytest.fixture
def database_url(emptied_database_url: str) -> str:
    """A database that this module shares, empty for each test."""
    return emptied_database_url


@asynccontextmanager
async def customer_of(
    database_url: str, key_file: Path, usual: CalleeHours | None
) -> AsyncIterator[Customer]:
    """Serve the campaign rooms under an operator's usual hours, to a customer with a schedule and a profile."""
    database = await Database.connect(database_url, role="paceline_api", size=2)
    campaigns, policy = PostgresCampaigns(database, LibphonenumberZones()), EgressPolicy()
    changes = PostgresCampaignChanges(database)
    async with guarded_session(policy) as fetching:
        inspector = Inspector(GuardedFetcher(fetching, policy), Preflight.OFF)
        routes = (
            *Schedules(campaigns, changes).routes(), *Profiles(campaigns, changes).routes(),
            *PlumCampaigns(campaigns, changes, policy, inspector, 1_000_000, usual).routes(),
        )  # fmt: skip
        token = await create_token(database_url, tenant="t", name="n", sealer=Sealer.from_key_file(key_file))
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            TestServer(application(campaigns, routes)) as server,
            aiohttp.ClientSession(str(server.make_url("")), headers=headers) as session,
        ):
            await session.post("/api/schedules", data={"days": '["mon"]', "nickname": "always"})
            pace = {"nickname": "calm", "period": "1", "amount_per_period": "1", "time_between_periods": "0"}
            await session.post("/api/profiles", data=pace)
            yield Customer(session)
    await database.close()


@pytest.fixture
async def customer(database_url: str, key_file: Path) -> AsyncIterator[Customer]:
    """A customer of an operator who left callees' hours off."""
    async with customer_of(database_url, key_file, None) as this:
        yield this


async def test_what_was_said_is_shown_again(customer: Customer) -> None:
    """In the words in which it may be sent."""
    shown = await customer.created(
        attempts="3",
        retry_minutes="[30,120]",
        retry_minutes_by_outcome='{"busy":5}',
        callee_hours="09:00-20:00",
    )
    assert (shown["attempts"], shown["retry_minutes"]) == (3, [30, 120])
    assert shown["retry_minutes_by_outcome"] == {"Busy": 5}
    assert (shown["callee_hours"], shown["withheld"]) == ("09:00-20:00", [])


async def test_without_a_word_a_number_is_called_once_and_at_any_hour(customer: Customer) -> None:
    """As the published API has it."""
    shown = await customer.created()
    assert (shown["attempts"], shown["callee_hours"]) == (1, None)


async def test_the_operator_s_hours_are_those_of_campaigns_that_say_nothing(
    database_url: str, key_file: Path
) -> None:
    """Another word of the campaign's own wins over them, off as well."""
    async with customer_of(database_url, key_file, USUAL_HOURS) as customer:
        hours = [(await customer.created(**said))["callee_hours"] for said in ({}, {"callee_hours": "off"})]
        later = (await customer.created(callee_hours="10:00-12:00"))["callee_hours"]
    assert [*hours, later] == ["08:00-21:00", None, "10:00-12:00"]


@pytest.mark.parametrize(
    ("field", "value"), [("attempts", "0"), ("retry_minutes", "soon"), ("callee_hours", "21:00-08:00")]
)
async def test_what_cannot_be_meant_is_refused_by_its_name(
    customer: Customer, field: str, value: str
) -> None:
    """Nothing is made."""
    status, answer = await customer.create(**{field: value})
    assert (status, list(answer.get("errors", answer))) == (422, [field]), answer
