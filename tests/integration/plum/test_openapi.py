"""The description of the API is that of the API: every route is in it, and what it shows is taken and answered."""

import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from services.api.openapi.page import assets
from tests.integration.plum.customers import Customer

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = {"get", "post", "patch", "put", "delete"}


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:  # noqa: ANN401 - JSON
    """Yield method, path and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield method.upper(), path, operation


def references(part: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield every reference within a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


async def described(acme: Customer) -> Any:  # noqa: ANN401 - JSON
    """Return the description, which nobody needs a token for."""
    async with aiohttp.ClientSession() as stranger, stranger.get(f"{acme.base}/openapi.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        return await answer.json()


async def test_every_route_is_described_once(acme: Customer) -> None:
    """By its method and path, with an id of its own, a summary and at least one answer."""
    document = await described(acme)
    found = list(operations(document))
    assert document["openapi"] == "3.1.0"
    assert {(route.method, route.template) for route in acme.routes} < {
        (method, path) for method, path, _ in found
    }
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(ids) == len(set(ids))
    assert all(operation["summary"] and "200" in operation["responses"] for _, _, operation in found)


async def test_every_reference_leads_somewhere(acme: Customer) -> None:
    """And every name in a path is a parameter of it."""
    document = await described(acme)
    for reference in set(references(document)):
        part = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
    for _, path, operation in operations(document):
        named = {each["name"] for each in operation.get("parameters", []) if each.get("in") == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))


async def test_every_example_of_a_request_is_taken(acme: Customer) -> None:
    """Sent as it is shown, to what exists; ids are those of this test."""
    schedule_id = await acme.schedule("any")
    await acme.profile("MorningPace")
    campaign_id = await acme.campaign()
    profile_id = await acme.profile("other")
    ids = {"Schedules": schedule_id, "Profiles": profile_id, "Campaigns": campaign_id}
    mine: dict[str, object] = {
        "campaign_id": campaign_id,
        "schedule_id": schedule_id,
        "schedule": schedule_id,
    }
    taken = set()
    for route in acme.routes:
        operation = route.operation
        if operation is None or operation.sends is None:
            continue
        body = {name: mine.get(name, value) for name, value in operation.sends.items()}
        if "nickname" in body:
            body["nickname"] = f"{body['nickname']} of {operation.id}"
        path = route.template.replace("{id}", str(ids[operation.tag]))
        answer = await acme.call(route.method, path, json=body)
        assert answer.status == 200, (operation.id, answer.body)
        taken.add(operation.id)
    assert {"createSchedule", "createProfile", "createCampaign", "addCalls", "startCampaign"} <= taken


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "application/x-www-form-urlencoded"]
)
async def test_a_body_may_come_in_each_described_form(acme: Customer, kind: str) -> None:
    """Arrays are arrays in JSON, and JSON in a string in a form; a list of numbers may be a file."""
    document = await described(acme)
    content = document["paths"]["/api/campaigns"]["post"]["requestBody"]["content"]
    assert kind in content
    if kind == "application/json":
        assert content[kind]["schema"] == {"$ref": "#/components/schemas/NewCampaignParameters"}
        return
    properties = content[kind]["schema"]["properties"]
    assert properties["profiles"]["type"] == "string"
    assert properties["profiles"]["contentMediaType"] == "application/json"
    files = [each.get("format") for each in properties["phone_numbers"].get("anyOf", [])]
    assert ("binary" in files) == (kind == "multipart/form-data")


async def test_the_page_loads_nothing_from_elsewhere(acme: Customer) -> None:
    """Swagger UI from its package, under a policy that lets nothing else in; without it, a sentence that says so."""
    async with aiohttp.ClientSession(acme.base) as stranger:
        async with stranger.get("/docs") as page:
            text = await page.text()
            if assets() is None:
                assert page.status == 404
                assert "swagger-ui-py" in text
                return
            assert (page.status, page.content_type) == (200, "text/html")
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        known = (await described(acme))["paths"]
        loaded = re.findall(r'(?:src|href)="([^"]+)"', text)
        assert all(path.startswith("/") for path in loaded)
        for path in loaded:
            async with stranger.get(path) as file:
                assert file.status == 200, path
                # As described, whatever this system thinks of the name's ending.
                assert [file.content_type] == [*known[path]["get"]["responses"]["200"]["content"]]
                assert "://" not in path
