"""`Idempotency-Key` over HTTP: a request that is sent again is not done again, whatever came between."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from services.api.body_fingerprint import MOST_UNREAD_BYTES
from services.api.routes import Route
from services.api.server import application
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.once import PostgresOnce
from shared.domain.access import Role
from shared.domain.wall_clock import Weekday
from shared.ports.once import MOST_BODY_BYTES
from tests.integration.conftest import serving

if TYPE_CHECKING:
    from aiohttp import web

    from tests.integration.conftest import Store, WholeApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEEK: Final = '["mon","tue","wed","thu","fri","sat","sun"]'
SCHEDULE: Final = {"nickname": "always", "days": WEEK}
KEY: Final = "8e03978e-40d5-43dd-bc93-6894a57f9324"
LINES: Final = b"+12025550100,a\n+12025550101,b\n"


class Client:
    """A tenant's client that sends keys."""

    def __init__(self, api: "WholeApi", token: str) -> None:
        self.api = api
        self.token = token
        self.store = api.store

    async def post(self, path: str, key: str = KEY, **request: Any) -> tuple[int, Any, bool]:  # noqa: ANN401 - what aiohttp takes
        """Post with a key; returns status, body, and whether it is an answer that was given before."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": key,
            **request.pop("headers", {}),
        }
        async with self.api.client.post(path, headers=headers, **request) as answer:
            return answer.status, await answer.json(), "Idempotent-Replayed" in answer.headers

    async def upload(self, campaign_id: int, lines: bytes, key: str = KEY) -> tuple[int, Any, bool]:
        """Add numbers from a file; aiohttp makes up a new boundary for each form."""
        form = aiohttp.FormData()
        form.add_field("campaign_id", str(campaign_id))
        form.add_field("phone_numbers", lines, filename="list.csv")
        return await self.post("/api/campaigns/add-calls", key, data=form)

    async def campaign(self) -> int:
        """Make a campaign without numbers."""
        tenant_id: int = await self.store.one("SELECT tenant_id FROM api_token LIMIT 1")
        return await self.store.campaign(tenant_id)

    async def count(self, table: str) -> int:
        """Count all rows of a table."""
        count: int = await self.store.one(f"SELECT count(*) FROM {table}")  # noqa: S608 - a table of ours
        return count


@pytest_asyncio.fixture(loop_scope="module")
async def client(whole_api: "WholeApi") -> Client:
    """A client on an empty database."""
    return Client(whole_api, await whole_api.token())


async def test_the_first_answer_is_given_again_and_nothing_is_done_twice(client: Client) -> None:
    """Byte for byte, by a header that says so; another key does it again."""
    first = await client.post("/api/schedules", json={"days": ["mon"]})
    assert first[0] == 200
    again = await client.post("/api/schedules", json={"days": ["mon"]})
    assert again == (200, first[1], True)
    assert await client.count("schedule") == 1
    other = await client.post("/api/schedules", key="another", json={"days": ["mon"]})
    assert other[1] != first[1]
    assert await client.count("schedule") == 2


async def test_a_quoted_key_is_the_same_key(client: Client) -> None:
    """The draft writes it as a structured field, most clients do not."""
    first = await client.post("/api/schedules", json={"days": ["mon"]})
    assert (await client.post("/api/schedules", key=f'"{KEY}"', json={"days": ["mon"]}))[1:] == (
        first[1],
        True,
    )


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "two words", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"])
async def test_what_is_no_key_is_refused(client: Client, key: str) -> None:
    """400, and nothing is done; a client that thinks it is safe must not be left in that belief."""
    status, body, _ = await client.post("/api/schedules", key=key, data=SCHEDULE)
    assert (status, "Idempotency-Key" in body["error"]) == (400, True)
    assert await client.count("schedule") == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/schedules", {"data": SCHEDULE | {"nickname": "other"}}),
        ("/api/schedules", {"json": SCHEDULE}),
        ("/api/schedules?days=1", {"data": SCHEDULE}),
        ("/api/profiles", {"data": SCHEDULE}),
    ],
)
async def test_the_same_key_with_another_request_is_refused(
    client: Client, path: str, body: dict[str, Any]
) -> None:
    """Another body, form, query or path: 422 in the form of the other refusals, and nothing is done."""
    assert (await client.post("/api/schedules", data=SCHEDULE))[0] == 200
    status, answer, _ = await client.post(path, **body)
    assert (status, list(answer)) == (422, ["Idempotency-Key"])
    assert (await client.count("schedule"), await client.count("pacing_profile")) == (1, 0)


async def test_two_tenants_have_keys_of_their_own(client: Client) -> None:
    """The same key of another tenant is another key."""
    other = Client(client.api, await client.api.token("other"))
    _, first, _ = await client.post("/api/schedules", data=SCHEDULE)
    status, second, replayed = await other.post("/api/schedules", data=SCHEDULE)
    assert (status, replayed) == (200, False)
    assert second["response"]["id"] != first["response"]["id"]


async def test_a_list_that_is_sent_twice_is_taken_in_once(client: Client) -> None:
    """Under another boundary as well, since no client sends the same one twice; another list is refused."""
    campaign_id = await client.campaign()
    first = await client.upload(campaign_id, LINES)
    assert first[:2] == (200, first[1] | {"accepted": 2})
    assert await client.upload(campaign_id, LINES) == (200, first[1], True)
    assert (await client.upload(campaign_id, LINES + b"+12025550102,c\n"))[0] == 422
    assert (await client.count("number"), await client.count("batch")) == (2, 1)


async def test_a_refusal_for_its_own_sake_is_kept_and_one_of_the_moment_is_not(client: Client) -> None:
    """422 is given again; what a campaign's state forbids now may be allowed the next time."""
    first = await client.post("/api/schedules", data={"days": "never"})
    assert first[0] == 422
    assert await client.post("/api/schedules", data={"days": "never"}) == (422, first[1], True)
    assert (await client.post("/api/schedules", data=SCHEDULE))[:1] == (422,)
    tenant_id: int = await client.store.one("SELECT tenant_id FROM tenant")
    over = await client.store.campaign(tenant_id, start=False, last_date="2026-01-02")
    start = {"campaign_id": str(over)}
    assert (await client.post("/api/campaigns/start", key="start", data=start))[0] == 409
    await client.store.sql("UPDATE campaign SET last_date = '2199-01-01'")
    assert await client.post("/api/campaigns/start", key="start", data=start) == (
        200,
        {"status": "success"},
        False,
    )


async def test_a_body_that_broke_off_leaves_the_key_free(client: Client) -> None:
    """Nobody knows what was asked for."""
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    torn = b'--x\r\nContent-Disposition: form-data; name="days"\r\n\r\n["mon"]'
    assert (await client.post("/api/schedules", data=torn, headers=headers))[0] == 400
    assert (await client.post("/api/schedules", data=SCHEDULE))[0] == 200


async def test_after_a_day_a_key_is_forgotten(client: Client) -> None:
    """Its row goes with the next ones that are written."""
    await client.post("/api/schedules", data=SCHEDULE)
    await client.store.sql("UPDATE idempotency_key SET answered_at = answered_at - interval '25 h'")
    assert (await client.post("/api/schedules", data=SCHEDULE))[
        0
    ] == 422  # the nickname is taken: it was done anew
    assert (await client.post("/api/schedules", key="new", json={"days": ["mon"]}))[0] == 200
    await client.store.sql("UPDATE idempotency_key SET answered_at = answered_at - interval '25 h'")
    assert (await client.post("/api/schedules", key="newer", json={"days": ["mon"]}))[0] == 200
    assert [row["key"] for row in await client.store.sql("SELECT key FROM idempotency_key")] == ["newer"]


async def test_a_secret_is_shown_once_key_or_not(client: Client) -> None:
    """What was made is not made again, and its secret is not kept in the clear to be given again."""
    fields = {"name": "n", "role": "reader"}
    status, made, _ = await client.post("/api/tokens", data=fields)
    assert status == 200
    status, body, _ = await client.post("/api/tokens", data=fields)
    assert (status, "done before" in body["error"]) == (409, True)
    assert await client.count("api_token") == 2
    assert made["response"]["token"] not in repr(await client.store.sql("SELECT * FROM idempotency_key"))


# What only a handler of the test's own can show -------------------------------------------------------------------


class Rehearsal:
    """A route that makes a schedule and then does what the test says."""

    def __init__(self, campaigns: PostgresCampaigns, tenant_id: int) -> None:
        self.campaigns = campaigns
        self.tenant_id = tenant_id
        self.arrived = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fails_with: BaseException | None = None
        self.body = b'{"status":"success"}'

    async def handle(self, _request: "web.Request") -> "web.Response":
        """Change something, and answer."""
        from aiohttp import web  # noqa: PLC0415 - beside the type

        await self.campaigns.create_schedule(self.tenant_id, None, [Weekday.MONDAY])
        self.arrived.set()
        await self.go_on.wait()
        if self.fails_with is not None:
            raise self.fails_with
        return web.Response(body=self.body, content_type="application/json")


@asynccontextmanager
async def _rehearsing(client: Client) -> AsyncIterator[tuple[Rehearsal, Callable[..., Any]]]:
    from aiohttp.test_utils import TestClient, TestServer  # noqa: PLC0415 - for these tests alone

    database = client.store.databases["api"]
    campaigns = PostgresCampaigns(database)
    tenant_id: int = await client.store.one("SELECT tenant_id FROM tenant")
    rehearsal = Rehearsal(campaigns, tenant_id)
    route = Route(method="POST", path="/x", handler=rehearsal.handle, summary="s", role=Role.READER)
    app = application(campaigns, [route], once=PostgresOnce(database))
    async with TestClient(TestServer(app)) as http:
        headers = {"Authorization": f"Bearer {client.token}", "Idempotency-Key": KEY}

        async def post(**request: Any) -> tuple[int, Any]:  # noqa: ANN401 - what aiohttp takes
            sent = {**headers, **request.pop("headers", {})}
            async with http.post("/x", headers=sent, **request) as answer:
                return answer.status, await answer.json()

        try:
            yield rehearsal, post
        finally:
            rehearsal.go_on.set()  # a test that failed leaves nobody waiting


async def test_while_the_first_is_under_way_the_second_is_told_so(client: Client) -> None:
    """409 at once, not after a wait; the answer when there is one."""
    async with _rehearsing(client) as (rehearsal, post):
        rehearsal.go_on.clear()
        first = asyncio.create_task(post())
        await asyncio.wait_for(rehearsal.arrived.wait(), 30)
        assert (await post())[0] == 409
        rehearsal.go_on.set()
        assert await first == await post() == (200, {"status": "success"})
    assert await client.count("schedule") == 1


@pytest.mark.parametrize("mistake", [RuntimeError("a mistake of ours"), OSError("Postgres is away")])
async def test_what_failed_on_our_side_is_undone_and_its_key_is_free(
    client: Client, mistake: Exception
) -> None:
    """The change was made in a transaction that its store thought committed; nothing of it stays."""
    async with _rehearsing(client) as (rehearsal, post):
        rehearsal.fails_with = mistake
        assert (await post())[0] == 500
        assert (await client.count("schedule"), await client.count("idempotency_key")) == (0, 0)
        rehearsal.fails_with = None
        assert (await post())[0] == 200
    assert await client.count("schedule") == 1


async def test_a_crash_before_the_commit_frees_the_key(client: Client) -> None:
    """Its connection ends as by the death of the process: change, answer and key go together."""
    async with _rehearsing(client) as (rehearsal, post):
        rehearsal.go_on.clear()
        first = asyncio.create_task(post())
        await asyncio.wait_for(rehearsal.arrived.wait(), 30)
        killed = await client.store.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE state = 'idle in transaction' AND application_name = 'paceline_api'"
            " AND datname = current_database()"
        )
        assert len(killed) == 1
        await asyncio.sleep(0)
        rehearsal.go_on.set()
        assert (await first)[0] == 503
        assert await post() == (200, {"status": "success"})
    assert await client.count("schedule") == 1


async def test_twenty_at_a_time_are_done_once(client: Client) -> None:
    """Whoever is not the first gets its answer, or is told that it is under way."""
    async with _rehearsing(client) as (_rehearsal, post):
        statuses = [status for status, _ in await asyncio.gather(*(post() for _ in range(20)))]
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert await client.count("schedule") == 1


async def test_an_answer_that_is_too_long_is_not_kept_and_not_done_again(client: Client) -> None:
    """The second is told that it was done."""
    async with _rehearsing(client) as (rehearsal, post):
        rehearsal.body = json.dumps("x" * MOST_BODY_BYTES).encode()
        assert (await post())[0] == 200
        status, body = await post()
        assert (status, "done before" in body["error"]) == (409, True)
    assert await client.count("schedule") == 1


async def test_a_body_that_the_route_does_not_read_counts_too(client: Client) -> None:
    """Up to a bound: what takes no body takes no file either."""
    async with _rehearsing(client) as (_rehearsal, post):
        assert (await post(data=b"a"))[0] == 200
        assert (await post(data=b"b"))[0] == 422
        assert (await post(data=io.BytesIO(b"x" * (MOST_UNREAD_BYTES + 1))))[0] == 413
    assert await client.count("schedule") == 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"Content-Encoding": "gzip"}, b"no gzip"), ({"Content-Encoding": "deflate"}, b"\xff")],
)
async def test_a_body_that_the_route_does_not_read_is_refused_where_it_breaks(
    client: Client, headers: dict[str, str], body: bytes
) -> None:
    """As any other body is: nothing is done, and the key is free."""
    async with _rehearsing(client) as (_rehearsal, post):
        assert (await post(data=body, headers=headers))[0] == 400
        assert await client.count("schedule") == 0
        assert (await post())[0] == 200
    assert await client.count("schedule") == 1


class Address:
    """A start_url that answers when the test says so."""

    def __init__(self) -> None:
        self.asked = 0
        self.arrived = asyncio.Event()
        self.go_on = asyncio.Event()

    async def handle(self, _request: "web.Request") -> "web.Response":
        """Wait, and answer 200."""
        from aiohttp import web  # noqa: PLC0415 - beside the type

        self.asked += 1
        self.arrived.set()
        await self.go_on.wait()
        return web.Response()


@pytest.mark.parametrize("path", ["/api/campaigns/start", "/api/campaigns"])
async def test_nothing_is_held_while_a_campaign_s_addresses_are_asked(store: "Store", path: str) -> None:
    """Whoever answers slowly there would take the store from everybody; what came first is still done once."""
    from aiohttp import web  # noqa: PLC0415 - for this test alone
    from aiohttp.test_utils import TestServer  # noqa: PLC0415 - likewise

    address, app = Address(), web.Application()
    app.router.add_get("/slow", address.handle)
    async with TestServer(app) as slow, serving(store, preflight="warn") as api:
        client = Client(api, await api.token())
        form = {**await _campaign_form(client), "start_url": str(slow.make_url("/slow"))}
        if path == "/api/campaigns":
            form["auto_start"] = "1"
        else:
            _, made, _ = await client.post("/api/campaigns", "another", data=form)
            form = {"campaign_id": str(made["response"]["id"])}
        first, second = (asyncio.create_task(client.post(path, data=form)) for _ in range(2))
        async with asyncio.timeout(60):
            await address.arrived.wait()
            # The second may be on its way there still, and lets go when it is.
            while await store.one(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
            ):
                await asyncio.sleep(0.01)
        address.go_on.set()
        statuses = sorted([(await first)[0], (await second)[0]])
        assert statuses in ([200, 200], [200, 409])
        asked = address.asked
        assert (await client.post(path, data=form))[::2] == (200, True)
        assert address.asked == asked
        assert await client.count("campaign") == 1
        assert await store.one("SELECT concat(state, epoch) FROM campaign") == "RUNNING1"


async def _campaign_form(client: Client) -> dict[str, str]:
    """Make a schedule and a profile and return the form of a campaign of both."""
    await client.post("/api/schedules", "schedule", data=SCHEDULE)
    pace = {"period": "1", "amount_per_period": "1", "time_between_periods": "0", "nickname": "calm"}
    await client.post("/api/profiles", "profile", data=pace)
    windows = [{"profile": "calm", "start_time": "00:00", "end_time": "24:00"}]
    return {
        "start_date": "2026-01-01", "end_date": "2199-12-31", "schedule": "always", "profiles": json.dumps(windows),
    }  # fmt: skip


async def test_the_row_itself_is_bounded(client: Client) -> None:
    """Whatever the code above does."""
    with pytest.raises(asyncpg.CheckViolationError):
        await client.store.sql(
            "INSERT INTO idempotency_key (tenant_id, key, fingerprint, status, content_type, body)"
            " SELECT tenant_id, 'k', sha256('x'), 200, 't', convert_to(repeat('x', 65537), 'UTF8') FROM tenant"
        )
