"""What the tests of Plum's API may ask for: the real application on a real database, and customers before it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest_asyncio
from aiohttp.test_utils import BaseTestServer, TestServer

from services.api.plum.campaigns import PlumCampaigns
from services.api.plum.profiles import Profiles
from services.api.plum.schedules import Schedules
from services.api.preflight import Inspector, Preflight
from services.api.routes import Route
from services.api.server import application
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.postgres.campaign_changes import PostgresCampaignChanges
from shared.adapters.postgres.tenants import create_token
from shared.domain.egress import EgressPolicy
from tests.integration.plum.customers import UPLOAD_BYTES, Customer, World

if TYPE_CHECKING:
    from tests.integration.conftest import Store


@pytest_asyncio.fixture(loop_scope="module")
async def world(store: "Store") -> AsyncIterator[World]:
    """The API with two customers, on an empty database."""
    async with serving(store) as this:
        yield this


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting_world(module_store: "Store") -> AsyncIterator[World]:
    """The same for a module whose tests change nothing: made once, with a campaign."""
    await module_store.empty()
    async with serving(module_store) as this:
        await this.acme.campaign(phone_numbers='["+12025550100"]')
        yield this


@asynccontextmanager
async def serving(store: "Store") -> AsyncIterator[World]:
    """Serve the Plum rooms to two customers; nothing is fetched at a start."""
    campaigns, policy = store.campaigns, EgressPolicy()
    changes = PostgresCampaignChanges(store.databases["api"])
    async with guarded_session(policy) as fetching:
        inspector = Inspector(GuardedFetcher(fetching, policy), Preflight.OFF)
        routes = (
            *Schedules(campaigns, changes).routes(), *Profiles(campaigns, changes).routes(),
            *PlumCampaigns(campaigns, changes, policy, inspector, UPLOAD_BYTES).routes(),
        )  # fmt: skip
        app = application(campaigns, routes)
        async with TestServer(app) as server:
            customers = [await _customer(store, name, server, routes) for name in ("acme", "rival")]
            yield World(store, *customers)
            for customer in customers:
                await customer.session.close()


async def _customer(store: "Store", name: str, server: BaseTestServer, routes: tuple[Route, ...]) -> Customer:
    token = await create_token(store.url, tenant=name, name="n", sealer=store.sealer)
    return Customer(
        base=str(server.make_url("")).rstrip("/"),
        session=aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}),
        routes=routes,
        tenant_id=await store.one("SELECT tenant_id FROM tenant WHERE name = $1", name),
        token=token,
    )


@pytest_asyncio.fixture(loop_scope="module")
async def acme(world: World) -> Customer:
    """The customer of most tests."""
    return world.acme
