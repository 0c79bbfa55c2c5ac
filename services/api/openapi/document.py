"""The OpenAPI 3.1 document of the API.

It is made from the route table that the server serves and from the types that the handlers read and answer by, so
that nothing is served that it does not know. Parameters are described in each way in which they may come: as a JSON
body, as a form whose arrays are JSON in a string, and for an update in the query, as the published documents have it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaValue

from services.api.openapi.words import DESCRIPTION, HEADER_STATUSES, HEADERS, REFUSALS
from services.api.plum.messages import FieldRefusal, Refusal
from services.api.routes import Link, Operation, Route

Json = dict[str, Any]

_JSON: Final = "application/json"
_REFERENCE: Final = "#/components/schemas/{model}"
_PATH_NAME: Final = re.compile(r"\{([a-z0-9_]+)\}")
#: Methods whose parameters come by query, also where a handler would read a body.
_BY_QUERY: Final = frozenset({"GET", "DELETE"})
#: Methods whose parameters the published documents put into the query, raw JSON included.
_ALSO_BY_QUERY: Final = frozenset({"PATCH", "PUT"})
ONCE: Final = "Idempotency-Key"
IDEMPOTENCY_KEY: Final[Json] = {
    "name": ONCE,
    "in": "header",
    "required": False,
    "description": (
        "New for each request, a UUID for example. Sent again with the same key, a request is not done again: it "
        "has the answer that it had, for a day. The same key with another request is a 422."
    ),
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": "6f1d5c1e-9c0b-4e0e-8d2f-0a3c1b2d4e5f",
}
#: What a phone list is in a multipart form.
_FILE: Final[Json] = {"type": "string", "format": "binary"}
_FILES: Final = frozenset({"phone_numbers"})


def document(routes: Sequence[Route], *, version: str) -> Json:
    """Return the document of these routes."""
    schemas = _Schemas()
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Paceline", "version": version, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.known.items())),
            "responses": {name(status): _refusal(status, schemas) for status in REFUSALS},
            "headers": {found: dict(header) for found, header in HEADERS.items()},
            "parameters": {ONCE: IDEMPOTENCY_KEY},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


@dataclass
class _Schemas:
    """The schemas of all types that were asked for, each once, by name."""

    known: Json = field(default_factory=dict)

    def of(self, kind: Any) -> JsonSchemaValue:  # noqa: ANN401 - any type may be described
        """Return a schema that refers to those of its parts."""
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        schema = adapter.json_schema(ref_template=_REFERENCE, mode="validation")
        for title, part in schema.pop("$defs", {}).items():
            self._know(title, part)
        title = schema.get("title")
        if schema.get("type") != "object" or title is None:
            return schema
        self._know(title, schema)
        return {"$ref": _REFERENCE.format(model=title)}

    def _know(self, title: str, schema: JsonSchemaValue) -> None:
        """Keep a schema; two types of one name would describe each other's answers."""
        if self.known.setdefault(title, schema) != schema:
            raise ValueError(f"Two types of the API are called {title}: name one of them otherwise.")


def name(status: int) -> str:
    """Return what a refusal is called among the components, for example `NotFound`."""
    return HTTPStatus(status).phrase.title().replace(" ", "")


def _operation(route: Route, schemas: _Schemas) -> Json:
    operation = route.operation or Operation(id=_id_of(route), tag=_tag_of(route))
    described = {
        "operationId": operation.id,
        "summary": route.summary,
        "description": operation.description,
        "tags": [operation.tag],
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(route, operation, schemas),
            *([{"$ref": f"#/components/parameters/{ONCE}"}] if _may_be_sent_once(route) else []),
        ],
        "requestBody": _body(route, operation, schemas),
        "responses": _responses(route, operation, schemas),
        "security": [] if route.public else None,
    }
    return {key: value for key, value in described.items() if value or (key, value) == ("security", [])}


def _id_of(route: Route) -> str:
    """Return the id of an operation that says nothing of itself: its method and path in one word."""
    words = re.findall(r"[A-Za-z0-9]+", route.template)
    return route.method.lower() + "".join(word.capitalize() for word in words)


def _tag_of(route: Route) -> str:
    words = re.findall(r"[A-Za-z0-9-]+", route.template.removeprefix("/api"))
    return words[0].capitalize() if words else "Service"


# Requests -------------------------------------------------------------------------------------------------------


def _path_parameters(route: Route) -> list[Json]:
    return [
        {
            "name": found,
            "in": "path",
            "required": True,
            "schema": {"type": "string"} if found == "e164" else {"type": "integer", "minimum": 1},
        }
        for found in _PATH_NAME.findall(route.template)
    ]


def _query_parameters(route: Route, operation: Operation, schemas: _Schemas) -> list[Json]:
    """Return parameters that may come by query; arrays and objects are raw JSON there (PLUM-28)."""
    by_query = route.method in _BY_QUERY or operation.by_query
    if operation.takes is None or not (by_query or route.method in _ALSO_BY_QUERY):
        return []
    _, properties, required = _parts(operation.takes, schemas)
    return [
        {
            "name": found,
            "in": "query",
            "required": by_query and found in required,
            "description": schema.get("description", ""),
            **({"content": {_JSON: {"schema": schema}}} if _is_json(schema) else {"schema": schema}),
        }
        for found, schema in properties.items()
    ]


def _body(route: Route, operation: Operation, schemas: _Schemas) -> Json | None:
    if operation.takes is None or route.method in _BY_QUERY or operation.by_query:
        return None
    reference, properties, required = _parts(operation.takes, schemas)
    form = {**_form(properties, required), **_alternatives(schemas.known[operation.takes.__name__])}
    files = _FILES & properties.keys()
    with_file = {
        **form,
        "properties": {
            found: {"anyOf": [_FILE, schema]} if found in files else schema
            for found, schema in form["properties"].items()
        },
    }
    example = {"example": dict(operation.sends)} if operation.sends else {}
    content = {
        _JSON: {"schema": reference, **example},
        "multipart/form-data": {"schema": with_file},
        "application/x-www-form-urlencoded": {"schema": form},
    }
    return {"required": bool(required), "content": content}


def _alternatives(schema: Json) -> Json:
    """Return what a schema says of parameters that are required one instead of the other."""
    return {key: schema[key] for key in ("anyOf", "oneOf") if key in schema}


def _may_be_sent_once(route: Route) -> bool:
    return route.method == "POST" and not route.public


def _parts(model: type[BaseModel], schemas: _Schemas) -> tuple[Json, Json, frozenset[str]]:
    """Return a reference to a model's schema, its properties, and which of them are required."""
    reference = schemas.of(model)
    schema = schemas.known[model.__name__]
    properties = {found: _as_text(part) for found, part in schema["properties"].items()}
    return reference, properties, frozenset(schema.get("required", ()))


def _as_text(schema: Json) -> Json:
    """Return the schema of a parameter that comes as text, where nothing is sent for null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default", "title"}}
    if len(kinds) == 1:
        return {**kinds[0], **rest}
    return {"anyOf": kinds, **rest} if kinds else rest


def _form(properties: Mapping[str, Json], required: frozenset[str]) -> Json:
    """Return a form's schema: what is no text or number is JSON in a string (PLUM-06)."""
    fields = {
        found: {
            "type": "string",
            "contentMediaType": _JSON,
            "contentSchema": schema,
            "description": schema.get("description", ""),
        }
        if _is_json(schema)
        else schema
        for found, schema in properties.items()
    }
    return {"type": "object", "properties": fields, **({"required": sorted(required)} if required else {})}


def _is_json(schema: Mapping[str, Any]) -> bool:
    """Tell whether a value must be written as JSON where only text can stand."""
    kinds = [schema, *schema.get("anyOf", [])]
    return any(kind.get("type") in {"array", "object"} or "$ref" in kind for kind in kinds)


# Answers --------------------------------------------------------------------------------------------------------


def _responses(route: Route, operation: Operation, schemas: _Schemas) -> Json:
    content: Json = {}
    if operation.answers is not None:
        content["schema"] = schemas.of(operation.answers)
    if operation.example is not None:
        content["example"] = operation.example
    done: Json = {"description": "Done.", "content": {operation.media_type: content}}
    if _may_be_sent_once(route):
        done["headers"] = _headers(HTTPStatus.OK)
    if operation.leads_to:
        done["links"] = {its_id: _link(its_id, link) for its_id, link in operation.leads_to.items()}
    answers: Json = {"200": done}
    for status in _refused_by(route, operation):
        answers[str(status)] = {"$ref": f"#/components/responses/{name(status)}"}
    for status, sentence in operation.refuses.items():
        answers[str(status)] = _refusal(status, schemas, sentence)
    return dict(sorted(answers.items()))


def _link(operation_id: str, link: Link) -> Json:
    parts = {"parameters": dict(link.parameters), "requestBody": dict(link.body)}
    return {"operationId": operation_id, **{name: part for name, part in parts.items() if part}}


def _refused_by(route: Route, operation: Operation) -> list[int]:
    """Return the statuses with which any route of this kind may refuse."""
    statuses = set(REFUSALS) - {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}
    if route.public:
        return [HTTPStatus.SERVICE_UNAVAILABLE]
    if _PATH_NAME.search(route.template):
        statuses.add(HTTPStatus.NOT_FOUND)
    if route.method != "GET":
        statuses.add(HTTPStatus.CONFLICT)
    if operation.takes is None and route.operation is not None and route.method != "POST":
        statuses -= {HTTPStatus.UNPROCESSABLE_ENTITY}
    return sorted(statuses)


def _refusal(status: int, schemas: _Schemas, sentence: str | None = None) -> Json:
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        example: Json = {"nickname": ["The nickname has already been taken."]}
        return _refused(REFUSALS[status], schemas.of(FieldRefusal), example)
    example = {"status": "error", "error": sentence or REFUSALS[status]}
    refused = _refused(REFUSALS.get(status, "Refused."), schemas.of(Refusal), example)
    if headers := _headers(status):
        refused["headers"] = headers
    return refused


def _refused(description: str, schema: JsonSchemaValue, example: Json) -> Json:
    return {"description": description, "content": {_JSON: {"schema": schema, "example": example}}}


def _headers(status: int) -> Json:
    """Return the headers that answers of a status may have, beside the usual ones of HTTP."""
    return {
        found: {"$ref": f"#/components/headers/{found}"}
        for found in HEADERS
        if status in HEADER_STATUSES[found]
    }
