"""A mistake with a phone list, seen beforehand and undone afterwards: over HTTP, on a real Postgres."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.api.phone_list_upload import lines_of_array
from services.api.plum.campaigns import PlumCampaigns
from services.api.preflight import Inspector, Preflight
from services.api.server import application
from services.api.uploads import UploadRoom
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.postgres import taking_back, upload_desk
from shared.adapters.postgres.blocklist import PostgresBlocklist
from shared.adapters.postgres.campaign_changes import PostgresCampaignChanges
from shared.adapters.postgres.once import PostgresOnce
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.adapters.postgres.upload_desk import PostgresUploadDesk
from shared.domain.attempt import AttemptState
from shared.domain.campaign import Dialect
from shared.domain.egress import EgressPolicy
from shared.ports.dialing import LeaseGone

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBERS = [f"+120255501{n:02}" for n in range(10)]


@dataclass(frozen=True)
class Customer:
    """A tenant before the API's rooms of campaigns and uploads, and another one's token."""

    client: TestClient[Any, Any]
    tenant_id: int
    token: str
    stranger: str
    store: "Store"

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **request: Any,  # noqa: ANN401 - what aiohttp takes
    ) -> tuple[int, Any]:
        """Ask as us, or with another token."""
        headers = {"Authorization": f"Bearer {token or self.token}", **(headers or {})}
        async with self.client.request(method, path, headers=headers, **request) as answer:
            return answer.status, await answer.json()

    async def done(self, method: str, path: str, **request: Any) -> Any:  # noqa: ANN401 - an answer as JSON
        """Ask and return what was answered, which is no refusal."""
        status, body = await self.ask(method, path, **request)
        assert status == 200, body
        return body

    async def campaign(self, *lines: str, **options: Any) -> int:  # noqa: ANN401 - the store's own
        """Make a campaign of ours."""
        return await self.store.campaign(self.tenant_id, *lines, **options)

    async def picture(self) -> dict[str, list[tuple[object, ...]]]:
        """Return every tenant's rows, save when tokens were last used."""
        picture = await self.store.picture()
        del picture["api_token"]
        return picture

    async def results(self) -> dict[str, str]:
        """Return the result of each number that has one."""
        rows = await self.store.sql(
            "SELECT e164, result FROM result JOIN number USING (tenant_id, campaign_id, number_id)"
        )
        return {row["e164"]: row["result"] for row in rows}


@pytest_asyncio.fixture(loop_scope="module")
async def customer(store: "Store") -> AsyncIterator[Customer]:
    """A customer with an empty platform."""
    database, policy = store.databases["api"], EgressPolicy()
    ours, theirs = [
        await create_token(store.url, tenant=name, name="test", sealer=store.sealer)
        for name in ("ours", "theirs")
    ]
    tenant_id = await store.campaigns.tenant_of(token_hash(ours))
    async with guarded_session(policy) as fetching:
        inspector = Inspector(GuardedFetcher(fetching, policy), Preflight.OFF)
        changes = PostgresCampaignChanges(database)
        routes = (
            *PlumCampaigns(store.campaigns, changes, policy, inspector, 1_000_000).routes(),
            *UploadRoom(PostgresUploadDesk(database), 1_000_000).routes(),
        )
        async with TestClient(
            TestServer(application(store.campaigns, routes, once=PostgresOnce(database)))
        ) as client:
            yield Customer(client, tenant_id, ours, theirs, store)


def file_of(text: str, **fields: str) -> aiohttp.FormData:
    """Return a form with a phone list."""
    form = aiohttp.FormData(fields)
    form.add_field("phone_numbers", text.encode(), filename="list.csv")
    return form


# Seen beforehand -------------------------------------------------------------------------------------------------


async def test_a_rehearsal_counts_every_line_once_and_stores_nothing(customer: Customer) -> None:
    """Refused, duplicate of the list or of the campaign, blocked, or valid, these by their time zones."""
    campaign_id = await customer.campaign("+12025550100,a")
    blocklist = PostgresBlocklist(customer.store.databases["api"])
    await blocklist.add(customer.tenant_id, lines_of_array(["+12025550109"]), reason=None, source="test")
    before = await customer.picture()
    text = (
        "+12025550100,a\n+12025550101,b\nnobody\n+12025550101,b\n\n+12025550109\n"
        "tel:+13105550102;ani=+12025550199;postd=1,c\n"
    )
    answer = await customer.done(
        "POST", "/api/campaigns/add-calls",
        data=file_of(text, campaign_id=str(campaign_id), validate_only="1"),
    )  # fmt: skip
    found = answer["response"]
    assert answer["validate_only"] is True
    assert [found[name] for name in ("valid", "duplicate", "blocked", "refused")] == [2, 2, 1, 1]
    assert sorted((zone["time_zones"], zone["numbers"]) for zone in found["time_zones"]) == [
        (["America/Los_Angeles"], 1), (["America/New_York"], 1),
    ]  # fmt: skip
    assert [(line["line"], line["phone_number"], line["time_zone"]) for line in found["sample"]] == [
        (2, "+12025550101", "America/New_York"), (7, "+13105550102", "America/Los_Angeles"),
    ]  # fmt: skip
    assert (found["sample"][1]["ani"], found["sample"][1]["postd"]) == ("+12025550199", "1")
    assert [line["line"] for line in found["refused_lines"]] == [3]
    assert await customer.picture() == before


async def test_a_campaign_is_rehearsed_whole_and_not_made(customer: Customer) -> None:
    """Its fields are checked as ever, its list is counted, and neither is there afterwards."""
    wanted = await customer.store.new_campaign(customer.tenant_id)
    profiles = [{"profile": str(wanted.windows[0].profile_id), "start_time": "08:00", "end_time": "21:00"}]
    fields = {
        "start_date": "2026-11-21", "end_date": "2199-01-01", "schedule": str(wanted.schedule_id),
        "profiles": json.dumps(profiles), "start_url": "https://apps.example/a.vxml", "validate_only": "1",
    }  # fmt: skip
    before = await customer.picture()
    answer = await customer.done(
        "POST", "/api/campaigns", data=file_of("+12025550100\n+12025550100\n", **fields)
    )
    assert (answer["response"]["valid"], answer["response"]["duplicate"]) == (1, 1)
    without = await customer.done("POST", "/api/campaigns", data=fields)
    assert (without["response"]["valid"], without["response"]["sample"]) == (0, [])
    status, body = await customer.ask("POST", "/api/campaigns", data=fields | {"end_date": "2020-01-01"})
    assert (status, len(body)) == (422, 1)
    assert await customer.picture() == before


async def test_a_list_that_cannot_be_read_is_refused_in_a_rehearsal_too(customer: Customer) -> None:
    """As it would be when it is taken in."""
    campaign_id = await customer.campaign("+12025550100")
    form = aiohttp.FormData({"campaign_id": str(campaign_id), "validate_only": "1"})
    form.add_field("phone_numbers", b"PK\x03\x04workbook", filename="list.xlsx")
    status, body = await customer.ask("POST", "/api/campaigns/add-calls", data=form)
    assert (status, list(body)) == (422, ["phone_numbers"])


# What was uploaded -----------------------------------------------------------------------------------------------


async def test_uploads_and_their_rejects_are_listed_page_by_page(customer: Customer) -> None:
    """Each upload with its counts; each line that was not taken with its upload, its number and the reason."""
    campaign_id = await customer.campaign("+12025550100", start=False)
    for text in ("+12025550100\nnobody\n+12025550101\n", "nothing\n"):
        await customer.done(
            "POST", "/api/campaigns/add-calls", data=file_of(text, campaign_id=str(campaign_id))
        )
    path = f"/api/campaigns/{campaign_id}"
    uploads = await customer.done("GET", f"{path}/uploads")
    assert [(u["upload"], u["file_name"], u["accepted"], u["refused"], u["duplicates"]) for u in uploads] == [
        (1, None, 1, 0, 0), (2, "list.csv", 1, 1, 1), (3, "list.csv", 0, 1, 0),
    ]  # fmt: skip
    assert [u["upload"] for u in await customer.done("GET", f"{path}/uploads?after=2")] == [3]
    for beyond in ("3", "2147483648", "9" * 18):
        assert await customer.done("GET", f"{path}/uploads?after={beyond}") == []
    seen, cursor = [], ""
    while cursor is not None:
        page = await customer.done("GET", f"{path}/rejects", params={"limit": "1", "cursor": cursor})
        seen += [(line["upload"], line["line"], line["text"]) for line in page["rejects"]]
        cursor = page["next"]
    assert seen == [(2, 1, "+12025550100"), (2, 2, "nobody"), (3, 1, "nothing")]


# Undone ----------------------------------------------------------------------------------------------------------


async def test_an_upload_is_taken_back(customer: Customer) -> None:
    """Its undialed numbers end canceled, each with one result and one delivery; the other upload goes on."""
    campaign_id = await customer.campaign("+12025550100,kept")
    await customer.store.add(customer.tenant_id, campaign_id, "+12025550101,wrong", "+12025550102")
    path = f"/api/campaigns/{campaign_id}/uploads/2/cancel"
    answer = await customer.done("POST", path)
    assert (answer["canceled"], answer["in_call"]) == (2, 0)
    assert await customer.results() == {"+12025550101": "canceled", "+12025550102": "canceled"}
    bodies = [
        row["body"].decode()
        for row in await customer.store.sql("SELECT body FROM delivery ORDER BY number_id")
    ]
    assert ["result=canceled" in body for body in bodies] == [True, True]
    assert "message_reference=wrong" in bodies[0]
    uploads = await customer.done("GET", f"/api/campaigns/{campaign_id}/uploads")
    assert [upload["canceled_at"] is None for upload in uploads] == [True, False]
    view = await customer.done("GET", f"/api/campaigns/{campaign_id}")
    assert (view["numbers"]["ready"], view["numbers"]["final"], view["results"]) == (1, 2, {"canceled": 2})
    assert await customer.store.broken_invariants() == {}


async def test_taking_back_again_changes_nothing(customer: Customer) -> None:
    """Not the instant, not a result."""
    campaign_id = await customer.campaign("+12025550100")
    path = f"/api/campaigns/{campaign_id}/uploads/1/cancel"
    await customer.done("POST", path)
    before = await customer.store.sql("SELECT * FROM result")
    when = await customer.store.one("SELECT canceled_at FROM batch")
    assert (await customer.done("POST", path))["canceled"] == 0
    assert await customer.store.sql("SELECT * FROM result") == before
    assert await customer.store.one("SELECT canceled_at FROM batch") == when


async def test_nobody_but_the_pacer_waits_for_it(customer: Customer) -> None:
    """While numbers are taken back nothing is claimed; calls end, and the campaign is stopped and started."""
    store = customer.store
    leased = await store.dialing(await store.planned(tenant_id=customer.tenant_id))
    key = customer.tenant_id, leased.job.campaign_id
    await store.add(*key, "+12025550101")
    await store.sql("UPDATE campaign_pacing SET idle_since = now(), look_at = NULL")
    async with store.session("paceline_api") as connection, connection.transaction():
        await connection.execute(f"SET LOCAL app.tenant = '{customer.tenant_id}'")
        await connection.fetch(queries("undoing")["lock_line"], *key)
        async with asyncio.timeout(60):
            assert await store.postpone(leased, await store.attempts().now())
            await store.campaigns.stop(key[0], Dialect.PLUM, key[1])
            await store.campaigns.start(key[0], Dialect.PLUM, key[1])
            assert await store.tick(key[1]) == []
    assert len(await store.tick(key[1])) == 2


async def test_an_idempotency_key_answers_as_before(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered once is answered again, although nothing is left to be ended."""
    monkeypatch.setattr(upload_desk, "AT_ONCE", 3)
    campaign_id = await customer.campaign(*NUMBERS)
    headers = {"Authorization": f"Bearer {customer.token}", "Idempotency-Key": "once"}
    path = f"/api/campaigns/{campaign_id}/uploads/1/cancel"
    for _ in range(2):
        async with customer.client.post(path, headers=headers) as answer:
            assert (await answer.json())["canceled"] == len(NUMBERS)
    assert len(await customer.results()) == len(NUMBERS)
    assert await customer.store.broken_invariants() == {}


async def test_who_takes_back_once_leaves_connections_to_others(customer: Customer) -> None:
    """Each holds one for its key while its steps need another: fifteen of them had the pool's ten, and all waited."""
    campaigns = [await customer.campaign(number) for number in (*NUMBERS, *NUMBERS[:5])]
    async with customer.store.session() as pacer, pacer.transaction():
        await pacer.execute("SELECT 1 FROM campaign_pacing FOR UPDATE")
        asked = [
            asyncio.create_task(
                customer.ask(
                    "POST", f"/api/campaigns/{campaign_id}/uploads/1/cancel",
                    headers={"Idempotency-Key": str(campaign_id)},
                )
            )
            for campaign_id in campaigns
        ]  # fmt: skip
        await lock_awaited(customer.store)
        assert (await customer.ask("GET", "/api/campaigns"))[0] == 200
    answers = await asyncio.gather(*asked)
    assert [(status, body.get("canceled")) for status, body in answers] == [(200, 1)] * len(campaigns)


async def lock_awaited(store: "Store") -> None:
    """Wait until a statement waits for a lock that another transaction has."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while await store.one(waiting) == 0:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "steps"}], ids=["plain", "once"])
async def test_no_dialer_waits_for_more_than_a_step(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    """However many steps there are, and whether they are done once: a dialer that waited would let others down."""
    monkeypatch.setattr(upload_desk, "AT_ONCE", 1)
    store = customer.store
    await store.dialer(capacity=1)
    [job] = await store.tick(await customer.campaign(*NUMBERS[:3]))
    leased = await store.leased(job)
    path = f"/api/campaigns/{job.campaign_id}/uploads/1/cancel"
    async with store.session() as busy, busy.transaction():
        await busy.execute("SELECT 1 FROM number WHERE line_no = 2 FOR UPDATE")
        canceling = asyncio.create_task(customer.done("POST", path, headers=headers))
        await lock_awaited(store)
        async with asyncio.timeout(60):
            assert isinstance(await store.attempts().commit_intent(leased, "fence"), LeaseGone)
    assert (await canceling)["canceled"] == 3
    assert await store.broken_invariants() == {}


@pytest.mark.parametrize("leased", [False, True], ids=["planned", "leased"])
async def test_what_was_planned_and_not_dialed_is_not_called(customer: Customer, leased: bool) -> None:
    """The attempt is withheld, its number ends, and the dialer that has it can no longer begin the call."""
    store = customer.store
    job = await store.planned(tenant_id=customer.tenant_id)
    lease = await store.leased(job) if leased else None
    answer = await customer.done("POST", f"/api/campaigns/{job.campaign_id}/uploads/1/cancel")
    assert (answer["canceled"], answer["in_call"]) == (1, 0)
    row = await store.attempt(job)
    assert (row["state"], row["withheld_because"]) == ("WITHHELD", taking_back.TAKEN_BACK)
    assert await store.one("SELECT count(*) FROM live_call") == 0
    if lease is None:
        assert await store.lease(job) is None
    else:
        assert isinstance(await store.attempts().commit_intent(lease, "fence"), LeaseGone)
    assert await store.broken_invariants() == {}


@pytest.mark.parametrize("state", [AttemptState.DIALING, AttemptState.RINGING, AttemptState.IN_CALL])
async def test_a_live_call_is_not_touched(customer: Customer, state: AttemptState) -> None:
    """It goes on, and its own result is the number's."""
    store = customer.store
    leased = await store.dialing(await store.planned(tenant_id=customer.tenant_id))
    if state is not AttemptState.DIALING:
        await store.attempts().record_ringing(leased)
    if state is AttemptState.IN_CALL:
        await store.attempts().record_answer(leased)
    answer = await customer.done("POST", f"/api/campaigns/{leased.job.campaign_id}/uploads/1/cancel")
    assert (answer["canceled"], answer["in_call"]) == (0, 1)
    assert (await store.attempt(leased.job))["state"] == state.value
    assert await store.end(leased)
    assert set((await customer.results()).values()) == {"completed"}
    assert await store.broken_invariants(dialed_early=True) == {}


async def test_no_call_follows_the_one_that_was_under_way(customer: Customer) -> None:
    """A busy number would be called again; taken back, it is claimed by nobody and ends canceled, with its one try."""
    store = customer.store
    leased = await store.dialing(await store.planned(tenant_id=customer.tenant_id))
    await customer.done("POST", f"/api/campaigns/{leased.job.campaign_id}/uploads/1/cancel")
    assert await store.postpone(leased, await store.attempts().now())
    assert await store.tick(leased.job.campaign_id) == []
    await store.reaping.keep_house()
    assert set((await customer.results()).values()) == {"canceled"}
    assert await store.one("SELECT attempts FROM result") == 1
    assert await store.one("SELECT count(*) FROM delivery") == 1
    assert await store.broken_invariants(dialed_early=True) == {}


async def test_a_number_that_waits_for_another_try_ends_too(customer: Customer) -> None:
    """With the calls that it had."""
    store = customer.store
    leased = await store.dialing(await store.planned(tenant_id=customer.tenant_id))
    assert await store.postpone(leased, await store.attempts().now())
    answer = await customer.done("POST", f"/api/campaigns/{leased.job.campaign_id}/uploads/1/cancel")
    assert answer["canceled"] == 1
    [row] = await store.sql("SELECT attempts, last_attempt_at FROM result")
    assert (row["attempts"], row["last_attempt_at"] is None) == (1, False)


@pytest.mark.parametrize(
    ("wanted", "canceled"),
    [
        ({"phone_numbers": ["(202) 555-0100"]}, {"+12025550100"}),
        ({"phone_numbers": ["+12025550101,one"]}, {"+12025550101"}),
        ({"phone_numbers": ["+12025550101,another"]}, set()),
        ({"phone_numbers": ["nobody", "+12025550102", "+12025550102"]}, {"+12025550102"}),
        ({"phone_numbers": ["+12025550199"]}, set()),
        ({"message_references": ["one", "two"]}, {"+12025550101", "+12025550102"}),
        ({"message_references": ["none"]}, set()),
    ],
)
async def test_numbers_are_taken_back_by_a_list(
    customer: Customer, wanted: dict[str, list[str]], canceled: set[str]
) -> None:
    """By the number on every line, by the number on one line, or by the reference; what is no number is told."""
    campaign_id = await customer.campaign("+12025550100", "+12025550101,one", "+12025550102,two")
    other = await customer.campaign("+12025550100", "+12025550101,one", "+12025550102,two")
    answer = await customer.done("POST", f"/api/campaigns/{campaign_id}/numbers/cancel", json=wanted)
    assert answer["canceled"] == len(canceled)
    assert answer["refused"] == ("nobody" in wanted.get("phone_numbers", []))
    assert set(await customer.results()) == canceled
    assert await customer.store.one("SELECT count(*) FROM result WHERE campaign_id = $1", other) == 0


async def test_numbers_are_taken_back_by_a_file(customer: Customer) -> None:
    """The file that was wrong, sent once more."""
    campaign_id = await customer.campaign(*NUMBERS)
    answer = await customer.done(
        "POST", f"/api/campaigns/{campaign_id}/numbers/cancel", data=file_of("\n".join(NUMBERS[:4]))
    )
    assert answer["canceled"] == 4


async def test_many_numbers_end_in_steps(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they are named; between two steps others may work."""
    monkeypatch.setattr(upload_desk, "AT_ONCE", 3)
    monkeypatch.setattr(upload_desk, "SIGHT", 3)
    for named in ("uploads/1/cancel", "numbers", "references"):
        campaign_id = await customer.campaign(*(f"{number},same" for number in NUMBERS))
        path = f"/api/campaigns/{campaign_id}/{named}"
        body: dict[str, Any] = {}
        if named != "uploads/1/cancel":
            path = f"/api/campaigns/{campaign_id}/numbers/cancel"
            body = {"phone_numbers": NUMBERS} if named == "numbers" else {"message_references": ["same"]}
        assert (await customer.done("POST", path, json=body))["canceled"] == len(NUMBERS), named
    assert await customer.store.broken_invariants() == {}


async def test_taking_back_while_the_campaign_is_dialed_ends_every_number_once(customer: Customer) -> None:
    """Whatever the pacer claims meanwhile: a number is called or canceled, never both and never neither."""
    store = customer.store
    await store.dialer()
    campaign_id = await customer.campaign(*NUMBERS)
    path = f"/api/campaigns/{campaign_id}/uploads/1/cancel"

    async def dial() -> None:
        for _ in range(5):
            await store.tick(campaign_id)

    await asyncio.gather(dial(), *(customer.done("POST", path) for _ in range(3)))
    await customer.done("POST", path)
    assert await customer.results() == dict.fromkeys(NUMBERS, "canceled")
    assert await store.broken_invariants() == {}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("uploads/9/cancel", {}, 404),
        ("uploads/9999999999/cancel", {}, 404),
        ("numbers/cancel", {}, 422),
        ("numbers/cancel", {"phone_numbers": ["+12025550100"], "message_references": ["a"]}, 422),
        ("numbers/cancel", {"message_references": []}, 422),
        ("numbers/cancel", {"message_references": [1]}, 422),
        ("numbers/cancel", {"message_references": ["x" * 300]}, 422),
        ("numbers/cancel", {"message_references": ["\x00"]}, 400),
        ("numbers/cancel", {"phone_numbers": "all"}, 422),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    customer: Customer, path: str, body: dict[str, Any], status: int
) -> None:
    """Each with a sentence."""
    campaign_id = await customer.campaign("+12025550100,a")
    before = await customer.picture()
    answered, _ = await customer.ask("POST", f"/api/campaigns/{campaign_id}/{path}", json=body)
    assert answered == status
    assert await customer.picture() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "uploads", None),
        ("GET", "rejects", None),
        ("POST", "uploads/1/cancel", {}),
        ("POST", "numbers/cancel", {"phone_numbers": ["+12025550100"]}),
        ("POST", "numbers/cancel", {"message_references": ["a"]}),
    ],
)
async def test_another_tenants_campaign_is_unknown(
    customer: Customer, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """Nothing of it is seen or ended."""
    campaign_id = await customer.campaign("+12025550100,a")
    before = await customer.picture()
    status, answer = await customer.ask(
        method, f"/api/campaigns/{campaign_id}/{path}", token=customer.stranger, json=body
    )
    assert (status, answer["error"]) == (404, f"There is no campaign with id {campaign_id}.")
    assert await customer.picture() == before


#: Each statement of taking back with arguments that find something.
READING = {
    "lines_of_upload": "1, 0, 9223372036854775807, 10",
    "lines_of_numbers": "'{+12025550100}', '{NULL}'",
    "lines_in_sight": "0, 10",
    "lines_of_references": "0, 9223372036854775807, '{a}'",
    "withhold_planned": "'{1,2}', 'why'",
    "undialed_of": "'{1,2}'",
    "cancel_after_call": "'{1,2}'",
}


@pytest.mark.parametrize("name", READING)
async def test_taking_back_reads_no_whole_table(customer: Customer, name: str) -> None:
    """Numbers and attempts are found by an index, however many others there are."""
    campaign_id = await customer.campaign(*NUMBERS)
    async with customer.store.session("paceline_api") as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"SET LOCAL app.tenant = '{customer.tenant_id}'")
        await connection.execute(
            "SET LOCAL enable_seqscan = off"
        )  # ten rows are read faster without an index
        await connection.execute(f"PREPARE step AS {queries('undoing')[name]}")
        plan = await connection.fetch(
            f"EXPLAIN EXECUTE step({customer.tenant_id}, {campaign_id}, {READING[name]})"
        )
        await transaction.rollback()
    told = "\n".join(row[0] for row in plan)
    assert "Seq Scan on number" not in told, told
    assert "Seq Scan on attempt" not in told, told
    if name == "lines_of_numbers":
        assert "number_by_e164" in told


async def test_a_rehearsal_compares_no_line_with_every_number(customer: Customer) -> None:
    """What tells duplicates is reckoned once for each line, and then looked for by an index or a hash.

    Reckoned while it was looked for, twenty thousand lines for a campaign of as many kept Postgres busy for minutes.
    """
    campaign_id = await customer.campaign(*NUMBERS)
    async with customer.store.session("paceline_api") as connection, connection.transaction():
        await connection.execute(f"SET LOCAL app.tenant = '{customer.tenant_id}'")
        await connection.execute(queries("uploads")["make_staging"])
        await connection.execute(f"PREPARE rehearsal AS {queries('rehearsals')['rehearse']}")
        rows = await connection.fetch(f"EXPLAIN EXECUTE rehearsal({customer.tenant_id}, {campaign_id}, 10)")
    plan = "\n".join(row[0] for row in rows)
    assert "dedupe_key" in plan
    assert "sha256" not in plan


async def test_no_number_is_stored_without_its_upload(customer: Customer) -> None:
    """Whoever writes it: the statement that would store it is refused, and one without it changes nothing."""
    campaign_id = await customer.campaign("+12025550100")
    for batch_no in (2, 1):
        insert = customer.store.sql(
            "INSERT INTO number (tenant_id, campaign_id, batch_no, line_no, e164)"
            " VALUES ($1, $2, 1, 7, '+12025550101'), ($1, $2, $3, 8, '+12025550102')",
            customer.tenant_id, campaign_id, batch_no,
        )  # fmt: skip
        if batch_no == 1:
            await insert
            continue
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await insert
        assert await customer.store.one("SELECT count(*) FROM number") == 1
