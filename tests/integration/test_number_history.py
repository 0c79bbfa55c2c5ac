"""What was done with one phone number, over HTTP on a real Postgres."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.api.blocklist import BlocklistRoom
from services.api.number_history import HistoryRoom
from services.api.server import application
from services.cli.client.api import Refused
from services.cli.numbers.api import NumberApi
from services.cli.numbers.view import history_lines
from shared.adapters.postgres import number_history
from shared.adapters.postgres.blocklist import PostgresBlocklist
from shared.adapters.postgres.campaign_changes import PostgresCampaignChanges
from shared.adapters.postgres.number_history import PostgresNumberHistories
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.domain.campaign import Dialect
from shared.domain.retry import BackInLine, Withheld

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "+12025550100"


@dataclass(frozen=True)
class Office:
    """A tenant who answers complaints, and another one's token."""

    client: TestClient[Any, Any]
    tenant_id: int
    token: str
    stranger: str
    store: "Store"

    async def ask(self, method: str, path: str, *, token: str | None = None, **query: str) -> tuple[int, Any]:
        """Ask as us, or with another token."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with self.client.request(method, path, headers=headers, params=query) as answer:
            return answer.status, await answer.json()

    async def history(self, number: str = NUMBER, *, token: str | None = None, **query: str) -> Any:  # noqa: ANN401 - an answer as JSON
        """Return a history."""
        status, body = await self.ask("GET", f"/api/numbers/{number}/history", token=token, **query)
        assert status == 200, body
        return body


@pytest_asyncio.fixture(loop_scope="module")
async def office(store: "Store") -> AsyncIterator[Office]:
    """An office with an empty platform."""
    ours, theirs = [
        await create_token(store.url, tenant=name, name="desk", sealer=store.sealer)
        for name in ("ours", "theirs")
    ]
    tenant_id = await store.campaigns.tenant_of(token_hash(ours))
    database = store.databases["api"]
    routes = (
        *HistoryRoom(PostgresNumberHistories(database)).routes(),
        *BlocklistRoom(PostgresBlocklist(database), 64 * 1024).routes(),
    )
    async with TestClient(TestServer(application(store.campaigns, routes))) as client:
        yield Office(client, tenant_id, ours, theirs, store)


async def test_a_call_is_told_from_its_upload_to_its_delivery(office: Office) -> None:
    """File and line, the attempt with its Call-ID and times, the result, and who was told."""
    leased = await office.store.concluded(f"{NUMBER},invoice 7", tenant_id=office.tenant_id)
    history = await office.history()
    [line] = history["lines"]
    assert (line["campaign_id"], line["call_id"]) == (leased.job.campaign_id, leased.number_id)
    assert (line["upload"], line["line"], line["message_reference"]) == (1, 1, "invoice 7")
    assert (line["state"], line["outcome"], line["result"], line["attempts_made"]) == (
        "FINAL",
        "Answered",
        "completed",
        1,
    )
    [attempt] = line["attempts"]
    assert attempt["sip_call_id"] == f"fence-{leased.job.attempt_id}-{leased.epoch}"
    assert attempt["dialed_at"] <= attempt["ended_at"]
    assert (line["delivery"]["state"], line["delivery"]["tries"]) == ("QUEUED", 0)
    assert history["last_call_ended_at"] is not None
    assert (history["blocked"], history["opt_outs"]) == (None, [])


async def test_what_kept_a_call_from_being_made_is_told_in_words(office: Office) -> None:
    """Each verdict of the gates, the newest first, and how many more there are than are shown."""
    store = office.store
    job = await store.planned(f"{NUMBER},a", tenant_id=office.tenant_id)
    for reason in (Withheld.HELD, Withheld.SHUTDOWN):
        await store.attempts().withhold(await store.leased(job), reason, BackInLine())
        [job] = await store.tick(job.campaign_id) or [job]
    [line] = (await office.history())["lines"]
    words = [attempt["withheld_because"] for attempt in line["attempts"]]
    assert [word for word in words if word] == [Withheld.SHUTDOWN.value, Withheld.HELD.value]
    assert line["more_attempts"] == 0


async def test_older_attempts_are_counted_where_they_are_not_shown(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a number was put back."""
    monkeypatch.setattr(number_history, "SHOWN_ATTEMPTS", 1)
    store = office.store
    job = await store.planned(f"{NUMBER},a", tenant_id=office.tenant_id)
    await store.attempts().withhold(await store.leased(job), Withheld.HELD, BackInLine())
    await store.tick(job.campaign_id)
    [line] = (await office.history())["lines"]
    assert ([attempt["state"] for attempt in line["attempts"]], line["more_attempts"]) == (["PLANNED"], 1)


async def test_every_line_is_told_the_newest_first_and_page_by_page(office: Office) -> None:
    """Of all campaigns, one that was deleted among them."""
    store = office.store
    campaigns = [await store.campaign(office.tenant_id, f"{NUMBER},{n}", "+12025550101") for n in range(3)]
    await PostgresCampaignChanges(store.databases["api"]).delete_campaign(
        office.tenant_id, Dialect.PLUM, campaigns[0]
    )
    whole = await office.history()
    assert [line["campaign_id"] for line in whole["lines"]] == campaigns[::-1]
    assert whole["next"] is None
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        page = await office.history(limit="1", cursor=cursor)
        seen += [line["campaign_id"] for line in page["lines"]]
        cursor = page["next"]
    assert seen == campaigns[::-1]


async def test_opt_outs_are_told_with_who_and_why(office: Office) -> None:
    """On the blocklist and off it again; and whether it is on it now."""
    await office.ask("POST", "/api/blocklist", phone_number=NUMBER, reason="asked us to stop", source="call")
    await office.ask("DELETE", "/api/blocklist", phone_number=NUMBER)
    await office.ask("POST", "/api/blocklist", phone_number=NUMBER, reason="once more")
    history = await office.history()
    assert (history["blocked"]["reason"], history["blocked"]["phone_number"]) == ("once more", NUMBER)
    told = [(each["blocked"], each["actor"], each["reason"]) for each in history["opt_outs"]]
    assert told == [
        (True, "desk", "once more"),
        (False, "desk", "asked us to stop"),
        (True, "desk", "asked us to stop"),
    ]


@pytest.mark.parametrize("written", ["+12025550100", "%2B12025550100", "(202) 555-0100", "2025550100"])
async def test_a_number_is_found_however_it_is_written(office: Office, written: str) -> None:
    """As in a phone list."""
    await office.store.campaign(office.tenant_id, NUMBER)
    history = await office.history(written)
    assert (history["phone_number"], len(history["lines"])) == (NUMBER, 1)


async def test_a_number_that_nobody_knows_has_an_empty_history(office: Office) -> None:
    """It is no error: that is the answer to the complaint."""
    history = await office.history("+12025550199")
    assert (history["lines"], history["opt_outs"], history["last_call_ended_at"]) == ([], [], None)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("nobody", {}, 422),
        ("911", {}, 422),
        ("1" * 65, {}, 404),
        (NUMBER, {"limit": "101"}, 422),
        (NUMBER, {"cursor": "x"}, 422),
    ],
)
async def test_what_is_no_number_or_no_page_is_refused(
    office: Office, path: str, query: dict[str, str], status: int
) -> None:
    """With a sentence."""
    assert (await office.ask("GET", f"/api/numbers/{path}/history", **query))[0] == status


async def test_another_tenants_calls_are_not_told(office: Office) -> None:
    """Nothing of a history is theirs but their own."""
    await office.store.concluded(NUMBER, tenant_id=office.tenant_id)
    await office.ask("POST", "/api/blocklist", phone_number=NUMBER)
    history = await office.history(token=office.stranger)
    assert history == {
        "phone_number": NUMBER, "blocked": None, "opt_outs": [], "last_call_ended_at": None, "lines": [], "next": None,
    }  # fmt: skip


async def test_the_command_line_tells_it_too(office: Office) -> None:
    """As the API has it, however the number is written; what is no number is refused in the API's words."""
    leased = await office.store.concluded(f"{NUMBER},invoice 7", tenant_id=office.tenant_id)
    async with NumberApi(str(office.client.make_url("/")), office.token) as api:
        history = await api.history("(202) 555-0100", limit=20, cursor=None)
        with pytest.raises(Refused, match="e164"):
            await api.history("nobody/..", limit=20, cursor=None)
    told = history_lines(history)
    assert f"Call-ID fence-{leased.job.attempt_id}-{leased.epoch}" in told
    assert "reference invoice 7" in told


async def test_a_history_reads_no_whole_table(office: Office) -> None:
    """The number's own index leads to its lines, and theirs to everything else."""
    await office.store.concluded(NUMBER, tenant_id=office.tenant_id)
    async with office.store.session("paceline_api") as connection, connection.transaction():
        await connection.execute(f"SET LOCAL app.tenant = '{office.tenant_id}'")
        await connection.execute(
            "SET LOCAL enable_seqscan = off"
        )  # five rows are read faster without an index
        for name, arguments in (
            ("lines_of_number", f"{office.tenant_id}, '{NUMBER}', NULL, 20"),
            ("attempts_of_lines", f"{office.tenant_id}, '{{1}}', '{{1}}', '{NUMBER}', 100"),
        ):
            await connection.execute(f"PREPARE {name} AS {queries('number_history')[name]}")
            told = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE {name}({arguments})"))
            assert "Seq Scan on" not in told, told
            assert ("number_by_e164" in told) == (name == "lines_of_number"), told
