"""The description of routes, those that say much of themselves and those that say nothing."""

from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel, create_model

from services.api.openapi.document import document, name
from services.api.routes import BY_ID, ID, MADE, Link, Operation, Route


class Wish(BaseModel):
    """A request with one parameter of each kind."""

    count: int
    days: list[str] | None = None


async def handler(_request: web.Request) -> web.Response:
    """Answer nothing."""
    return web.Response()


def described(method: str, path: str, operation: Operation | None = None, *, public: bool = False) -> Any:  # noqa: ANN401 - JSON
    """Return the description of one route."""
    route = Route(
        method=method, path=path, handler=handler, summary="Do it", public=public, operation=operation
    )
    paths = document([route], version="1")["paths"]
    [shown] = paths.values()
    return shown[method.lower()]


def test_a_route_that_says_nothing_is_described_by_its_path() -> None:
    """An id of method and path, the path's names as parameters, and the refusals of any route."""
    shown = described("POST", "/api/campaigns/{id}/numbers/cancel")
    assert shown["operationId"] == "postApiCampaignsIdNumbersCancel"
    named = [(each["name"], each["in"]) for each in shown["parameters"] if "name" in each]
    assert named == [("id", "path")]
    assert {"200", "401", "403", "404", "429"} <= shown["responses"].keys()


def test_a_pattern_in_a_path_is_not_shown() -> None:
    """The description knows names, not patterns."""
    route = Route(method="GET", path=f"/api/x/{ID}", handler=handler, summary="Do it")
    assert list(document([route], version="1")["paths"]) == ["/api/x/{id}"]


def test_a_public_route_asks_for_no_token() -> None:
    """Where every other one does."""
    assert described("GET", "/x", public=True)["security"] == []
    assert "security" not in described("GET", "/x")


def test_parameters_come_where_the_method_has_them() -> None:
    """A GET has them in the query, a POST in the body, and a PATCH in both; arrays in a query are JSON."""
    operation = Operation(id="wish", tag="T", takes=Wish)
    asked = {method: described(method, "/x", operation) for method in ("GET", "POST", "PATCH")}
    in_query = {
        method: {each["name"]: each for each in shown.get("parameters", []) if "name" in each}
        for method, shown in asked.items()
    }
    assert {method for method, shown in asked.items() if "requestBody" in shown} == {"POST", "PATCH"}
    assert in_query["POST"] == {}
    assert in_query["GET"]["count"]["required"] is True
    assert in_query["PATCH"]["count"]["required"] is False
    assert "application/json" in in_query["PATCH"]["days"]["content"]
    assert in_query["PATCH"]["count"]["schema"] == {"type": "integer"}


def test_a_form_has_arrays_as_json_in_a_string() -> None:
    """And a JSON body has them as arrays."""
    shown = described("POST", "/x", Operation(id="wish", tag="T", takes=Wish, sends={"count": 1}))
    content = shown["requestBody"]["content"]
    form = content["application/x-www-form-urlencoded"]["schema"]
    assert form["properties"]["days"]["contentMediaType"] == "application/json"
    assert form["required"] == ["count"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Wish"}
    assert content["application/json"]["example"] == {"count": 1}


def test_two_types_of_one_name_are_refused() -> None:
    """Each would else be described as the other."""
    twins = create_model("Twin", value=int), create_model("Twin", value=str)
    routes = [
        Route(
            method="GET", path=f"/{number}", handler=handler, summary="Get it",
            operation=Operation(id=f"get{number}", tag="T", answers=twin),
        )
        for number, twin in enumerate(twins)
    ]  # fmt: skip
    with pytest.raises(ValueError, match="Twin"):
        document(routes, version="1")


def test_what_was_made_leads_on() -> None:
    """By its id in another path, or in another body beside what that needs."""
    links = {"show": BY_ID, "add": Link(body={"n": 1, "of": [{"its_id": MADE}]})}
    shown = described("POST", "/x", Operation(id="make", tag="T", answers=dict[str, object], leads_to=links))
    made = "$response.body#/response/id"
    assert shown["responses"]["200"]["links"] == {
        "show": {"operationId": "show", "parameters": {"id": made}},
        "add": {"operationId": "add", "requestBody": {"n": 1, "of": [{"its_id": made}]}},
    }


def test_a_refusal_of_its_own_is_in_its_own_words() -> None:
    """Instead of those that all routes share."""
    shown = described("DELETE", f"/x/{ID}", Operation(id="gone", tag="T", refuses={400: "It is used."}))
    example = shown["responses"]["400"]["content"]["application/json"]["example"]
    assert example == {"status": "error", "error": "It is used."}
    assert shown["responses"]["401"] == {"$ref": "#/components/responses/Unauthorized"}
    assert name(404) == "NotFound"
