"""Phone lists in every form that clients send: over HTTP into a real Postgres, and the lines that were not taken."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.api.plum.campaigns import PlumCampaigns
from services.api.preflight import Inspector, Preflight
from services.api.server import application
from services.api.uploads import UploadRoom
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.postgres.campaign_changes import PostgresCampaignChanges
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.adapters.postgres.upload_desk import PostgresUploadDesk
from shared.domain.egress import EgressPolicy

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What a number is stored as: number, caller id, digits for after the answer, reference, variables.
Stored = tuple[str, str | None, str | None, str | None, dict[str, str] | None]
ONE, TWO, ANI = "+12223334444", "+14443332222", "+17778889999"


def stored(
    e164: str,
    ani: str | None = None,
    reference: str | None = None,
    post_dial: str | None = None,
    **variables: str,
) -> Stored:
    """Return what is stored of a line."""
    return e164, ani, post_dial, reference, variables or None


@dataclass(frozen=True)
class Client:
    """A client of the published API with one campaign."""

    http: TestClient[Any, Any]
    token: str
    campaign_id: int
    store: "Store"

    async def add(self, form: aiohttp.FormData) -> tuple[int, Any]:
        """Add calls to the campaign."""
        form.add_field("campaign_id", str(self.campaign_id))
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.post("/api/campaigns/add-calls", data=form, headers=headers) as answer:
            return answer.status, await answer.json()

    async def stored(self) -> list[Stored]:
        """Return what the campaign has, in its order."""
        rows = await self.store.sql("SELECT * FROM number ORDER BY batch_no, line_no")
        return [
            (
                row["e164"], row["ani"], row["post_dial"], row["message_reference"],
                None if row["variables"] is None else json.loads(row["variables"]),
            )
            for row in rows
        ]  # fmt: skip

    async def rejects(self) -> list[Any]:
        """Return the lines that were not taken, as the API tells them."""
        path = f"/api/campaigns/{self.campaign_id}/rejects"
        async with self.http.get(path, headers={"Authorization": f"Bearer {self.token}"}) as answer:
            return (await answer.json())["rejects"]  # type: ignore[no-any-return]


@pytest_asyncio.fixture(loop_scope="module")
async def client(store: "Store") -> AsyncIterator[Client]:
    """A client with an empty campaign."""
    token = await create_token(store.url, tenant="t", name="test", sealer=store.sealer)
    tenant_id = await store.campaigns.tenant_of(token_hash(token))
    campaign_id = await store.campaign(tenant_id, start=False)
    database, policy = store.databases["api"], EgressPolicy()
    async with guarded_session(policy) as fetching:
        inspector = Inspector(GuardedFetcher(fetching, policy), Preflight.OFF)
        changes = PostgresCampaignChanges(database)
        routes = (
            *PlumCampaigns(store.campaigns, changes, policy, inspector, 1_000_000).routes(),
            *UploadRoom(PostgresUploadDesk(database), 1_000_000).routes(),
        )
        async with TestClient(TestServer(application(store.campaigns, routes))) as http:
            yield Client(http, token, campaign_id, store)


def array(*entries: object) -> aiohttp.FormData:
    """Return a form with a JSON array in a field, as the documents show it."""
    form = aiohttp.FormData()
    form.add_field("phone_numbers", json.dumps(entries))
    return form


def file(content: bytes | str, name: str = "list.csv") -> aiohttp.FormData:
    """Return a form with a file."""
    form = aiohttp.FormData()
    content = content.encode() if isinstance(content, str) else content
    form.add_field("phone_numbers", content, filename=name, content_type="application/octet-stream")
    return form


DOCUMENTED = "tel:+12223334444; ani=7778889999, marchcampaign\ntel:+14443332222;ani=7778889999\n"
BOTH = [stored(ONE, ANI, "marchcampaign"), stored(TWO, ANI)]
FORMS: dict[str, tuple[aiohttp.FormData, list[Stored]]] = {
    "a JSON array": (array("tel:+12223334444; ani=7778889999, marchcampaign", "tel:+14443332222;ani=7778889999"), BOTH),
    "a CSV file": (file(DOCUMENTED), BOTH),
    "a TXT file": (file(DOCUMENTED, "list.txt"), BOTH),
    "UTF-8 with a mark": (file(b"\xef\xbb\xbf" + DOCUMENTED.encode()), BOTH),
    "UTF-16 little-endian": (file(b"\xff\xfe" + DOCUMENTED.encode("utf-16-le")), BOTH),
    "UTF-16 big-endian": (file(b"\xfe\xff" + DOCUMENTED.encode("utf-16-be")), BOTH),
    "CRLF": (file(DOCUMENTED.replace("\n", "\r\n")), BOTH),
    "a lone CR": (file(DOCUMENTED.replace("\n", "\r")), BOTH),
    "no end of the last line": (file(DOCUMENTED.rstrip("\n")), BOTH),
    "blank lines": (file("\n\n" + DOCUMENTED.replace("\n", "\n \n,,\n")), BOTH),
    "quoted whole": (
        file('"tel:+12223334444; ani=7778889999, marchcampaign"\n"tel:+14443332222;ani=7778889999"\n'), BOTH,
    ),
    "quoted by cell": (
        file('"tel:+12223334444; ani=7778889999","marchcampaign"\n"tel:+14443332222;ani=7778889999",""\n'), BOTH,
    ),
    "NANP with and without the 1": (
        file("2223334444\n14443332222\n(202) 555-0100\n"), [stored(ONE), stored(TWO), stored("+12025550100")],
    ),
    "digits after the answer": (
        file('"tel:+12223334444;postd=1,,2w#",\ntel:+14443332222;postd=p9;ani=7778889999,x\n'),
        [stored(ONE, post_dial="1,,2w#"), stored(TWO, ANI, "x", post_dial=",9")],
    ),
    "a header, and columns that become variables": (
        file('destination,message_reference,first_name,due\ntel:+12223334444;ani=7778889999,r1,"Zoë, Dr.",3 May\n'),
        [stored(ONE, ANI, "r1", first_name="Zoë, Dr.", due="3 May")],
    ),
    "the same number with two references": (
        file(f"{ONE},a\n{ONE},b\n{ONE}\n"), [stored(ONE, None, "a"), stored(ONE, None, "b"), stored(ONE)],
    ),
    "the same line twice": (
        file(f"{ONE},a\n{ONE},a\n{ONE},b\n{ONE},b\n"), [stored(ONE, None, "a"), stored(ONE, None, "b")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
async def test_a_list_is_taken_in_however_it_is_written(client: Client, form: str) -> None:
    """The documented keys are in the answer, and the numbers are what was meant."""
    sent, expected = FORMS[form]
    status, body = await client.add(sent)
    assert (status, body["status"]) == (200, "success"), body
    assert body["accepted"] == len(expected)
    assert await client.stored() == expected


#: What cannot be read as a whole, by what is wrong with it.
BROKEN = {
    "a workbook": b"PK\x03\x04" + b"\x00" * 200,
    "half of it is no text": f"{ONE}\n".encode() * 5000 + b"\xff\xfe\xfd",
    "a line without end": f"{ONE}\n".encode() + b"1" * 200_000,
    "UTF-32": b"\xff\xfe\x00\x00" + ONE.encode("utf-32-le"),
    "a header that names a column twice": f"destination,name,name\n{ONE},a,b\n".encode(),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_list_is_taken_in_by_no_line(client: Client, broken: str) -> None:
    """Not the good lines before the break either; the answer names the field."""
    before = await client.store.picture()
    status, body = await client.add(file(BROKEN[broken]))
    assert (status, list(body)) == (422, ["phone_numbers"])
    after = await client.store.picture()
    del before["api_token"], after["api_token"]
    assert after == before


async def test_lines_that_are_wrong_are_refused_alone(client: Client) -> None:
    """The answer counts them all and shows the first ones; the rest is kept, each with its number and its reason."""
    wrong = [f"nobody {n}" for n in range(30)]
    status, body = await client.add(file("\n".join([ONE, *wrong, ONE, TWO])))
    assert status == 200
    assert [body[name] for name in ("accepted", "refused", "duplicates")] == [2, 30, 1]
    assert [line["line"] for line in body["refused_lines"]] == list(range(2, 22))
    rejects = await client.rejects()
    assert [line["line"] for line in rejects] == list(range(2, 33))
    assert (rejects[0]["text"], rejects[-1]["text"]) == ("nobody 0", ONE)
    assert all(line["reason"].endswith(".") and line["upload"] == 1 for line in rejects)
