"""A campaign's numbers, attempts and results one by one, over HTTP on a real Postgres."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.api.campaign_records import COLUMNS, RecordRoom
from services.api.estimated_end import WINDOWS_SEEN, estimated_end
from services.api.server import application
from shared.adapters.postgres import campaign_records
from shared.adapters.postgres.campaign_plans import PostgresCampaignPlans
from shared.adapters.postgres.campaign_records import PostgresCampaignRecords
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.clock import utc_now
from shared.domain.pace import Pace
from shared.domain.retry import BackInLine, Withheld

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBERS = [f"+120255501{n:02}" for n in range(6)]


@dataclass(frozen=True)
class Reader:
    """A tenant before the rooms of records, and another one's token."""

    client: TestClient[Any, Any]
    tenant_id: int
    token: str
    stranger: str
    store: "Store"

    async def ask(self, path: str, *, token: str | None = None, **query: str) -> tuple[int, Any]:
        """Ask as us, or with another token."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with self.client.get(path, headers=headers, params=query) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await (answer.json() if is_json else answer.text())

    async def all(self, campaign_id: int, what: str, **query: str) -> list[Any]:
        """Follow the cursor from the first page to the last."""
        found: list[Any] = []
        cursor = ""
        while cursor is not None:
            status, page = await self.ask(f"/api/campaigns/{campaign_id}/{what}", cursor=cursor, **query)
            assert status == 200, page
            found += page[what]
            cursor = page["next"]
        return found


@pytest_asyncio.fixture(loop_scope="module")
async def reader(store: "Store") -> AsyncIterator[Reader]:
    """A reader of an empty platform."""
    ours, theirs = [
        await create_token(store.url, tenant=name, name="test", sealer=store.sealer)
        for name in ("ours", "theirs")
    ]
    tenant_id = await store.campaigns.tenant_of(token_hash(ours))
    room = RecordRoom(PostgresCampaignRecords(store.databases["api"]))
    async with TestClient(TestServer(application(store.campaigns, room.routes()))) as client:
        yield Reader(client, tenant_id, ours, theirs, store)


async def one_of_each(reader: Reader) -> int:
    """Make a campaign with numbers in every state: final, waiting, in an attempt, and back in line."""
    store = reader.store
    campaign_id = await store.campaign(
        reader.tenant_id, *(f"{number},ref {number[-1]}" for number in NUMBERS)
    )
    await store.dialer()
    jobs = await store.tick(campaign_id)
    await store.end(await store.dialing(jobs[0]))
    await store.postpone(await store.dialing(jobs[1]), utc_now())
    await store.dialing(jobs[2])
    await store.attempts().withhold(await store.leased(jobs[3]), Withheld.SHUTDOWN, BackInLine())
    return campaign_id


async def test_numbers_are_listed_in_pages_that_miss_none(reader: Reader) -> None:
    """Each with its line, where it stands and how it ended, whatever a page holds."""
    campaign_id = await one_of_each(reader)
    numbers = await reader.all(campaign_id, "numbers", limit="2")
    assert [number["phone_number"] for number in numbers] == NUMBERS
    assert [number["line"] for number in numbers] == [1, 2, 3, 4, 5, 6]
    assert [number["state"] for number in numbers[:4]] == ["FINAL", "WAITING", "IN_ATTEMPT", "READY"]
    first, second = numbers[:2]
    assert (first["outcome"], first["result"], first["attempts"]) == ("Answered", "completed", 1)
    assert (second["outcome"], second["next_attempt_at"] is None, second["message_reference"]) == (
        None,
        False,
        "ref 1",
    )
    assert await reader.all(campaign_id, "numbers") == numbers


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "final"}, NUMBERS[:1]),
        ({"state": "WAITING"}, NUMBERS[1:2]),
        ({"outcome": "Answered"}, NUMBERS[:1]),
        ({"outcome": "1", "state": "FINAL"}, NUMBERS[:1]),
        ({"outcome": "Busy"}, []),
        ({"state": "WAITING", "outcome": "Answered"}, []),
    ],
)
async def test_numbers_of_a_state_or_an_outcome(
    reader: Reader, query: dict[str, str], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little a page looks at: those that follow find the rest."""
    campaign_id = await one_of_each(reader)
    for sight in (campaign_records.SIGHT, 1, 2):
        monkeypatch.setattr(campaign_records, "SIGHT", sight)
        assert [n["phone_number"] for n in await reader.all(campaign_id, "numbers", **query)] == found


async def test_attempts_are_listed_with_their_call_id_and_times(reader: Reader) -> None:
    """Or with the sentence that says why there was no call."""
    campaign_id = await one_of_each(reader)
    attempts = await reader.all(campaign_id, "attempts", limit="1")
    assert [attempt["state"] for attempt in attempts[:4]] == ["DONE", "DONE", "DIALING", "WITHHELD"]
    answered, busy, dialing, withheld = attempts[:4]
    assert answered["sip_call_id"] == f"fence-{answered['attempt_id']}-1"
    assert answered["dialed_at"] <= answered["ended_at"]
    assert (busy["outcome"], busy["sip_status"], busy["q850_cause"]) == ("Busy", 486, 17)
    assert (dialing["ended_at"], dialing["outcome"]) == (None, None)
    assert (withheld["withheld_because"], withheld["dialed_at"]) == (Withheld.SHUTDOWN.value, None)
    assert [a["phone_number"] for a in await reader.all(campaign_id, "attempts", outcome="Busy")] == NUMBERS[
        1:2
    ]
    assert [a["ordinal"] for a in await reader.all(campaign_id, "attempts", state="withheld")] == [1]


async def test_results_come_as_csv_that_no_spreadsheet_runs(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header and a row for each final number, in pieces, with a reference that would be a formula made harmless."""
    monkeypatch.setattr(campaign_records, "RESULTS_AT_ONCE", 2)
    store = reader.store
    lines = [f"{number},=cmd {number[-1]}" for number in NUMBERS]
    campaign_id = await store.campaign(reader.tenant_id, *lines)
    await store.dialer()
    for job in await store.tick(campaign_id):
        await store.end(await store.dialing(job))
    status, text = await reader.ask(f"/api/campaigns/{campaign_id}/results.csv")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert (status, tuple(header)) == (200, COLUMNS)
    final = await reader.all(campaign_id, "numbers", state="FINAL")
    assert len(rows) == len(final) > 2
    assert [row[1] for row in rows] == [f"tel:{number['phone_number']}" for number in final]
    assert [row[2] for row in rows] == [f"'=cmd {number['phone_number'][-1]}" for number in final]
    assert {row[3] for row in rows} == {"completed"}


async def test_a_campaign_without_results_has_a_csv_of_its_header(reader: Reader) -> None:
    """And nothing else."""
    campaign_id = await reader.store.campaign(reader.tenant_id, *NUMBERS)
    _, text = await reader.ask(f"/api/campaigns/{campaign_id}/results.csv")
    assert text == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize("what", ["numbers", "attempts", "results.csv"])
async def test_another_tenants_campaign_is_unknown(reader: Reader, what: str) -> None:
    """As is one that nobody has."""
    campaign_id = await one_of_each(reader)
    for path, token in (
        (f"/api/campaigns/{campaign_id}/{what}", reader.stranger),
        (f"/api/campaigns/9/{what}", None),
    ):
        status, body = await reader.ask(path, token=token)
        assert (status, body["status"]) == (404, "error")


@pytest.mark.parametrize(
    ("what", "query", "field"),
    [
        ("numbers", {"state": "NEW"}, "state"),
        ("numbers", {"state": "DONE"}, "state"),
        ("attempts", {"state": "FINAL"}, "state"),
        ("numbers", {"outcome": "14"}, "outcome"),
        ("attempts", {"outcome": "completed"}, "outcome"),
        ("numbers", {"limit": "0"}, "limit"),
        ("numbers", {"limit": "1001"}, "limit"),
        ("numbers", {"cursor": "!"}, "cursor"),
        ("numbers", {"cursor": "YTE"}, "cursor"),  # one of the attempts
        ("attempts", {"cursor": "é"}, "cursor"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_its_name(
    reader: Reader, what: str, query: dict[str, str], field: str
) -> None:
    """With a sentence."""
    campaign_id = await reader.store.campaign(reader.tenant_id, *NUMBERS)
    status, body = await reader.ask(f"/api/campaigns/{campaign_id}/{what}", **query)
    assert (status, list(body)) == (422, [field])


@pytest.mark.parametrize("name", ["numbers_page", "attempts_page", "results_page"])
async def test_no_page_reads_a_whole_table(reader: Reader, name: str) -> None:
    """Every row of numbers, attempts and results is found by an index, with statistics and without."""
    campaign_id = await one_of_each(reader)
    statement = queries("campaign_records")[name]
    arguments = ["0", "100"] if name == "results_page" else ["0", "100", "'FINAL'", "1", "10"]
    async with reader.store.session("paceline_api") as connection, connection.transaction():
        await connection.execute(f"SET LOCAL app.tenant = '{reader.tenant_id}'")
        await connection.execute(
            "SET LOCAL enable_seqscan = off"
        )  # five rows are read faster without an index
        await connection.execute(f"PREPARE page AS {statement}")
        plan = await connection.fetch(
            f"EXPLAIN EXECUTE page({reader.tenant_id}, {campaign_id}, {', '.join(arguments)})"
        )
    told = "\n".join(row[0] for row in plan)
    assert "Seq Scan on" not in told
    assert "Index" in told


async def test_a_running_campaign_has_an_estimated_end(reader: Reader) -> None:
    """Where each number will have had its call; one that does not run, or ends too far away, has none."""
    store = reader.store
    plans = PostgresCampaignPlans(store.databases["api"])
    running = await store.campaign(reader.tenant_id, *NUMBERS)
    stopped = await store.campaign(reader.tenant_id, *NUMBERS, start=False)
    one_a_day = Pace(period_minutes=500_000, amount=1)
    slow = await store.campaign(
        reader.tenant_id, *(f"+120255{n:05}" for n in range(WINDOWS_SEEN + 2)), pace=one_a_day
    )
    since = utc_now()
    end = await estimated_end(plans, reader.tenant_id, running)
    assert end is not None
    assert since < end < utc_now() + timedelta(seconds=60)
    assert await estimated_end(plans, reader.tenant_id, stopped) is None
    assert await estimated_end(plans, reader.tenant_id, slow) is None
