"""The document of everything that the API serves: valid, whole, and decided where the sources leave something open."""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
import schemathesis
from pydantic import TypeAdapter

from services.api.openapi.document import document
from services.api.openapi.page import page_routes
from services.api.openapi.room import description_route
from services.api.openapi.words import DESCRIPTION
from services.api.routes import Operation, Route
from services.api.wiring import every_route
from shared.settings import Settings

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from shared.adapters.postgres.database import Database

#: What is no data: pages, their files, and the description itself.
_PAGES: Final = re.compile(r"/docs(/.*)?|/openapi\.json")


@cache
def routes() -> tuple[Route, ...]:
    """Return what the API serves; nothing is asked of what is behind it."""
    served = (
        *every_route(Settings(), cast("Database", None), cast("ClientSession", None)),
        *page_routes(),
    )
    return (*served, description_route(served))


@cache
def whole() -> Any:  # noqa: ANN401 - JSON
    """Return its document."""
    return document(routes(), version="1")


def described() -> Iterator[tuple[str, Any]]:
    """Yield each operation's method and path in one text, and its description."""
    for path, methods in whole()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def operations() -> list[tuple[Route, Operation]]:
    """Return the operations behind the description."""
    return [(route, route.operation) for route in routes() if route.operation is not None]


def test_the_document_is_one_of_openapi_3_1() -> None:
    """By the specification's own schema; and a document with a mistake is none."""
    schemathesis.openapi.from_dict(whole()).validate()
    broken = {**whole(), "paths": {"/x": {"get": {"responses": {"200": {}}}}}}
    with pytest.raises(ValueError, match="description"):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_route_says_what_it_does() -> None:
    """Under an id of its own, by which generated clients name their methods."""
    assert [route.template for route in routes() if route.operation is None] == []
    ids = [operation["operationId"] for _, operation in described()]
    assert len(ids) == len(set(ids)) == len(routes())
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9]+", each) for each in ids)
    assert all(operation["summary"] and operation["tags"] for _, operation in described())


def test_no_name_in_a_path_swallows_a_word_beside_it() -> None:
    """What is no id there is a path that does not take the method, not an id that is unknown."""
    words = {route.path for route in routes() if "{" not in route.path}
    for route in routes():
        pattern = re.sub(r"\{[a-z0-9_]+:([^{}]+)\}", r"\1", route.path)
        pattern = re.sub(r"\{[a-z0-9_]+\}", r"[^/]+", pattern)
        swallowed = {word for word in words - {route.path} if re.fullmatch(pattern, word)}
        assert not swallowed, route.path


def test_every_answer_with_data_has_an_example() -> None:
    """Which is of the type that the route answers with."""
    for route, operation in operations():
        if _PAGES.fullmatch(route.path):
            continue
        assert operation.example is not None, route.template
        if operation.answers is not None:
            TypeAdapter(operation.answers).validate_python(operation.example)


def test_every_body_has_an_example() -> None:
    """Of the names that its type has; those of updates stand in the query as well."""
    bodies = [
        (label, operation["requestBody"]["content"]["application/json"])
        for label, operation in described()
        if "requestBody" in operation
    ]
    assert [label for label, body in bodies if "example" not in body] == []
    for label, body in bodies:
        schema = whole()["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
        assert body["example"].keys() <= schema["properties"].keys(), label
        assert set(schema.get("required", ())) <= body["example"].keys(), label


def test_every_link_leads_on() -> None:
    """To an operation that is there, by names that it takes."""
    known = {operation["operationId"]: operation for _, operation in described()}
    links = [
        link
        for operation in known.values()
        for link in operation["responses"]["200"].get("links", {}).values()
    ]
    assert len(links) >= 20
    for link in links:
        target = known[link["operationId"]]
        taken = {each["name"] for each in target.get("parameters", []) if "name" in each}
        assert link.get("parameters", {}).keys() <= taken
        assert ("requestBody" in link) <= ("requestBody" in target)
    assert {
        "createCampaign",
        "startCampaign",
        "stopCampaign",
        "addCalls",
        "deleteCampaign",
        "revokeToken",
    } <= {link["operationId"] for link in links}


def test_a_campaign_needs_one_of_two_names_for_its_schedule() -> None:
    """In each form in which it may come."""
    content = whole()["paths"]["/api/campaigns"]["post"]["requestBody"]["content"]
    wanted = [{"required": ["schedule"]}, {"required": ["schedule_id"]}]
    assert whole()["components"]["schemas"]["NewCampaignParameters"]["anyOf"] == wanted
    assert content["multipart/form-data"]["schema"]["anyOf"] == wanted
    assert content["application/x-www-form-urlencoded"]["schema"]["anyOf"] == wanted


def test_every_post_takes_an_idempotency_key() -> None:
    """And says that its answer may be one that was given before."""
    posts = [operation for label, operation in described() if label.startswith("POST ")]
    assert len(posts) >= 10
    for operation in posts:
        assert {"$ref": "#/components/parameters/Idempotency-Key"} in operation["parameters"]
        assert "Idempotent-Replayed" in operation["responses"]["200"]["headers"]


@pytest.mark.parametrize(
    ("status", "header"), [("Unauthorized", "WWW-Authenticate"), ("MethodNotAllowed", "Allow")]
)
def test_a_refusal_describes_its_header(status: str, header: str) -> None:
    """Which tells the client what to do."""
    assert header in whole()["components"]["responses"][status]["headers"]
    assert header in whole()["components"]["headers"]


#: What the published document leaves open or says twice, and a word of the decision.
DECIDED: Final = {
    "PLUM-04 a refused token": r"Authorization: Bearer",
    "PLUM-05 whose nicknames": r"unique for a tenant",
    "PLUM-06 JSON in form fields": r"form whose arrays are JSON in a string",
    "PLUM-07, 08 the Content-Type lies": r"read for what it is",
    "PLUM-09, 10 shapes of success": r"lists are bare arrays",
    "PLUM-11 shapes of errors": r"every other refusal is",
    "PLUM-14 no idempotency, no limit": r"`Idempotency-Key`.*`Retry-After`",
    "PLUM-23 days": r"whatever their case and order",
    "PLUM-24, 71 a schedule may be changed": r"days, dates and hours hold at once",
    "PLUM-26, 61 names of ids": r"`response\.id`; lists call it `schedule_id`",
    "PLUM-27 PUT is partial": r"PATCH and PUT are alike",
    "PLUM-28 raw JSON in the query": r"by query",
    "PLUM-29 required in an update": r"nothing is required, not even `days`",
    "PLUM-30 name or nickname": r"`name` and `nickname` are the same",
    "PLUM-31 64 characters": r"64 characters at most",
    "PLUM-32 days in a string": r"`days` as JSON in a string",
    "PLUM-33, 45 what is used": r"highest campaign id",
    "PLUM-41 spread": r"spread evenly",
    "PLUM-43 more keys": r"more keys than the published ones",
    "PLUM-46 figures": r"from 1 on; .* may be 0",
    "PLUM-51, 52 schedule": r"digits are read as an id first",
    "PLUM-53 a profile without a nickname": r"profile is named by its nickname or id",
    "PLUM-54 hours": r"may touch but not overlap",
    "PLUM-55 time zone": r"Eastern unless",
    "PLUM-57 start": r"dials only after `start`",
    "PLUM-59 the last day": r"last day of calls",
    "PLUM-60 the schedule of a campaign": r"the schedule's id where that has no nickname",
    "PLUM-63 started twice": r"Starting one that runs",
    "PLUM-64 stopped": r"calls under way go on",
    "PLUM-65 the end of the queue": r"called after all that were there before",
    "PLUM-66 to 69 lines": r"with or without a space behind the semicolon",
    "PLUM-70 counts": r"counts and the first refused lines",
    "PLUM-72 profiles replace": r"`profiles` replace",
    "PLUM-73 no id": r"Without an id they list",
    "PLUM-75 a running one is deleted": r"deleted campaign is stopped",
}


@pytest.mark.parametrize("point", DECIDED)
def test_what_the_source_leaves_open_is_decided(point: str) -> None:
    """In the words that stand above the operations."""
    assert re.search(DECIDED[point], DESCRIPTION, re.DOTALL), point
