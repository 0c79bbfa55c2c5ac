"""The blocklist by HTTP, as a client has it, on a real Postgres; and what it means for a call that is planned."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.api.blocklist import BlocklistRoom
from services.api.phone_list_upload import lines_of_array
from services.api.server import application
from shared.adapters.postgres.blocklist import LONGEST_WORDS_CHARACTERS, PostgresBlocklist
from shared.adapters.postgres.tenants import create_token
from shared.domain.gate import GateFacts, verdict
from shared.domain.phone_list import Row
from shared.domain.retry import Withheld

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOO_LONG = "x" * (LONGEST_WORDS_CHARACTERS + 1)
UPLOAD_BYTES = 64 * 1024
PATH = "/api/blocklist"


@dataclass(frozen=True)
class Desk:
    """The API with nothing but the blocklist, and two tenants' tokens."""

    client: TestClient[Any, Any]
    ours: str
    theirs: str
    store: "Store"

    async def ask(self, method: str, *, token: str | None = None, **request: Any) -> tuple[int, Any]:  # noqa: ANN401 - what aiohttp takes
        """Ask as us, or with another token."""
        headers = {"Authorization": f"Bearer {token or self.ours}"}
        async with self.client.request(method, PATH, headers=headers, **request) as answer:
            return answer.status, await answer.json()

    async def numbers(self, token: str | None = None) -> list[str]:
        """Return what is blocked, as the list tells it."""
        _, listed = await self.ask("GET", token=token)
        return [each["phone_number"] for each in listed]


@pytest_asyncio.fixture(loop_scope="module")
async def desk(store: "Store") -> AsyncIterator[Desk]:
    """A desk on an empty blocklist."""
    ours, theirs = [
        await create_token(store.url, tenant=name, name="test", sealer=store.sealer)
        for name in ("ours", "theirs")
    ]
    room = BlocklistRoom(PostgresBlocklist(store.databases["api"]), UPLOAD_BYTES)
    async with TestClient(TestServer(application(store.campaigns, room.routes()))) as client:
        yield Desk(client, ours, theirs, store)


async def test_one_number_is_blocked_with_its_reason_and_source(desk: Desk) -> None:
    """It is listed with them; blocking it again changes nothing and says so; allowing it again takes it off."""
    fields = {"phone_number": "(202) 555-0100", "reason": "asked us to stop", "source": "call of 3 May"}
    status, body = await desk.ask("POST", data=fields)
    assert (status, body["response"]["added"], body["response"]["already"]) == (200, 1, 0)
    _, again = await desk.ask("POST", data={"phone_number": "+12025550100", "reason": "another"})
    assert (again["response"]["added"], again["response"]["already"]) == (0, 1)
    _, listed = await desk.ask("GET")
    assert [(each["phone_number"], each["reason"], each["source"]) for each in listed] == [
        ("+12025550100", "asked us to stop", "call of 3 May")
    ]
    assert listed[0]["created_at"].endswith("+00:00")
    assert (await desk.ask("DELETE", params={"phone_number": "+1 202 555 0100"}))[0] == 200
    assert await desk.numbers() == []


async def test_a_list_is_blocked_line_by_line(desk: Desk) -> None:
    """A file's own words are the reasons, what is no number is told with its line, and pages follow one another."""
    form = aiohttp.FormData()
    lines = "tel:+12025550103, complained\n+12025550101\nnobody\n+12025550102\n+12025550101\n"
    form.add_field("phone_numbers", lines.encode(), filename="optouts.csv")
    form.add_field("reason", "opted out")
    status, body = await desk.ask("POST", data=form)
    assert status == 200
    assert {name: body["response"][name] for name in ("added", "already", "refused")} == {
        "added": 3, "already": 1, "refused": 1,
    }  # fmt: skip
    assert [line["line"] for line in body["response"]["refused_lines"]] == [3]
    _, first = await desk.ask("GET", params={"limit": "2"})
    _, rest = await desk.ask("GET", params={"after": first[-1]["phone_number"]})
    assert [(each["phone_number"][-1], each["reason"]) for each in first + rest] == [
        ("1", "opted out"), ("2", "opted out"), ("3", "complained"),
    ]  # fmt: skip
    status, body = await desk.ask("POST", json={"phone_numbers": ["tel:+12025550104"]})
    assert (status, body["response"]["added"]) == (200, 1)


@pytest.mark.parametrize(
    ("method", "request_", "status", "field"),
    [
        ("POST", {"data": {}}, 422, "phone_number"),
        ("POST", {"data": {"phone_number": "911"}}, 422, "phone_number"),
        ("POST", {"json": {"phone_number": "+12025550100", "phone_numbers": ["+12025550101"]}}, 422, "phone_number"),
        ("POST", {"data": {"phone_number": "+12025550100", "reason": TOO_LONG}}, 422, "reason"),
        ("POST", {"data": {"phone_number": "+12025550100", "source": TOO_LONG}}, 422, "source"),
        ("GET", {"params": {"after": "somebody"}}, 422, "after"),
        ("GET", {"params": {"limit": "1001"}}, 422, "limit"),
        ("DELETE", {}, 422, "phone_number"),
        ("DELETE", {"params": {"phone_number": "+12025550199"}}, 404, "error"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_refused_and_changes_nothing(
    desk: Desk, method: str, request_: dict[str, Any], status: int, field: str
) -> None:
    """Each mistake has a sentence under its field, and the list is as it was."""
    await desk.ask("POST", data={"phone_number": "+12025550111"})
    before = await desk.store.picture()
    answered, body = await desk.ask(method, **request_)
    assert (answered, field in body) == (status, True)
    assert await desk.store.picture() == before


async def test_a_tenants_blocklist_is_its_own(desk: Desk) -> None:
    """Another tenant sees nothing of it, and cannot take a number off it."""
    await desk.ask("POST", data={"phone_number": "+12025550100"})
    assert await desk.numbers(token=desk.theirs) == []
    status, _ = await desk.ask("DELETE", token=desk.theirs, params={"phone_number": "+12025550100"})
    assert status == 404
    assert await desk.numbers() == ["+12025550100"]


async def test_two_lists_of_the_same_numbers_in_opposite_orders_are_both_taken(store: "Store") -> None:
    """They come in side by side and in pieces; neither waits for the other in a circle."""
    tenant_id = await store.tenant()
    blocklist = PostgresBlocklist(store.databases["api"])
    halfway = asyncio.Barrier(2)

    async def list_of(*numbers: str) -> AsyncIterator[Sequence[Row]]:
        for number in numbers:
            async for rows in lines_of_array([number]):
                yield rows
            if number == numbers[0]:
                await halfway.wait()

    one, other = "+12025550100", "+12025550101"
    outcomes = await asyncio.gather(
        *(
            blocklist.add(tenant_id, list_of(*order), reason=None, source="test")
            for order in ((one, other), (other, one))
        )
    )
    assert sorted(outcome.added for outcome in outcomes) == [0, 2]
    assert [outcome.added + outcome.already for outcome in outcomes] == [2, 2]


async def test_a_number_that_is_blocked_is_not_called_any_more(store: "Store") -> None:
    """Blocked after its attempt was leased: the intent is refused, and the verdict says why."""
    leased = await store.leased()
    blocklist = PostgresBlocklist(store.databases["api"])

    await blocklist.add(leased.job.tenant_id, lines_of_array([leased.e164]), reason=None, source="test")
    facts = await store.attempts().commit_intent(leased, "fence")
    assert isinstance(facts, GateFacts)
    assert verdict(facts) is Withheld.EXCLUDED
