"""Limits of a tenant over HTTP: 429 with Retry-After, and nothing was done."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from services.api.rate_limit import RateLimit
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.domain.limits import LimitReached
from tests.integration.conftest import serving

if TYPE_CHECKING:
    from tests.integration.conftest import Store, WholeApi

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_day_takes_so_many_numbers_and_the_list_that_is_too_long_not_in_part(
    whole_api: "WholeApi", monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused does not count; another tenant has a day of its own."""
    store = whole_api.store
    monkeypatch.setattr(store, "campaigns", PostgresCampaigns(store.databases["api"], numbers_per_day=3))
    ours, theirs = await store.tenant(), await store.tenant()
    campaign_id = await store.campaign(ours, "+12025550100", "+12025550101")
    with pytest.raises(LimitReached) as refused:
        await store.add(ours, campaign_id, "+12025550102", "+12025550103")
    assert 1 <= refused.value.retry_after_seconds <= 24 * 3600
    await store.add(ours, campaign_id, "+12025550102")
    await store.campaign(theirs, "+12025550100", "+12025550101", "+12025550102")
    assert await store.one("SELECT count(*) FROM number WHERE tenant_id = $1", ours) == 3


async def test_a_tenant_that_asks_too_often_is_told_when_to_come_back(whole_api: "WholeApi") -> None:
    """429 with Retry-After; another tenant is served meanwhile."""
    from aiohttp.test_utils import TestClient, TestServer  # noqa: PLC0415 - an application of this test's own

    from services.api.server import application  # noqa: PLC0415 - likewise

    ours, theirs = await whole_api.token("ours"), await whole_api.token("theirs")
    limit = RateLimit(per_second=0.5, clock=lambda: 0.0)
    app = application(whole_api.store.campaigns, whole_api.routes, limit=limit)
    async with TestClient(TestServer(app)) as client:
        answers = []
        for token in (ours, ours, theirs):
            headers = {"Authorization": f"Bearer {token}"}
            async with client.get("/api/campaigns", headers=headers) as answer:
                answers.append((answer.status, answer.headers.get("Retry-After")))
    assert answers == [(200, None), (429, "2"), (200, None)]


async def test_a_list_beyond_the_day_is_refused_over_http_and_changes_nothing(store: "Store") -> None:
    """429 with Retry-After up to the end of the day, of a new campaign as of more numbers; what fits is still taken."""
    pace = {"period": "1", "amount_per_period": "1", "time_between_periods": "0"}
    two, two_more = '["+12025550100", "+12025550101"]', '["+12025550102", "+12025550103"]'
    async with serving(store, numbers_per_day=3) as api:
        token = await api.token()
        campaign = {
            "start_date": "2026-01-01", "end_date": "2199-01-01", "start_url": "https://apps.example/a.vxml",
            "schedule": await _made(api, token, "schedules", {"days": '["mon"]'}),
            "profiles": json.dumps([{
                "profile": await _made(api, token, "profiles", pace),
                "start_time": "08:00", "end_time": "21:00",
            }]),
            "phone_numbers": two,
        }  # fmt: skip
        campaign_id = await _made(api, token, "campaigns", campaign)
        before = await store.picture()
        for path, sent in (
            ("/api/campaigns", campaign),
            ("/api/campaigns/add-calls", {"campaign_id": campaign_id, "phone_numbers": two_more}),
        ):
            headers = {"Authorization": f"Bearer {token}"}
            async with api.client.post(path, headers=headers, data=sent) as answer:
                assert answer.status == 429
                assert 1 <= int(answer.headers["Retry-After"]) <= 24 * 3600
                assert await answer.json() == {
                    "status": "error",
                    "error": "A day (of UTC) takes 3 numbers, and it has 2 already; of this list nothing was taken.",
                }
        assert await store.picture() == before
        fits = {"campaign_id": campaign_id, "phone_numbers": '["+12025550102"]'}
        assert (await api.ask(token, "POST", "/api/campaigns/add-calls", data=fits))[0] == 200


async def _made(api: "WholeApi", token: str, things: str, sent: Mapping[str, str]) -> str:
    status, body = await api.ask(token, "POST", f"/api/{things}", data=sent)
    assert status == 200, body
    return str(body["response"]["id"])
