"""The API asked what its own description allows, thousands of times, along the ways that the description's links draw.

schemathesis makes the requests out of the document that is served: its examples, the bounds of every schema and what
lies beyond them, random values, and walks along the links, where what was made is shown, changed, started, given
numbers, stopped and deleted. Whatever was sent, the answer is one that the document describes, and none is a 5xx.

The seed is fixed, so that a run can be repeated; `PACELINE_SCHEMATHESIS_SEED` sets another one, and
`PACELINE_SCHEMATHESIS_EXAMPLES` how many random requests are made of each operation, and
`PACELINE_SCHEMATHESIS_SECONDS` after how long nothing random is begun any more.
"""

import asyncio
import copy
import os
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

import pytest
import pytest_asyncio
import schemathesis
from aiohttp.test_utils import TestServer
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.run import PhaseName
from typing_extensions import override

from services.api.plum.campaign_operations import CAMPAIGN_EXAMPLE
from services.api.server import runner_of
from shared.clock import monotonic_seconds
from tests.integration.conftest import serving

if TYPE_CHECKING:
    from aiohttp import web
    from schemathesis import Case, HookContext
    from schemathesis.engine.recorder import ScenarioRecorder

    from tests.integration.conftest import Store, WholeApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEED: Final = int(os.environ.get("PACELINE_SCHEMATHESIS_SEED", "2026"))
EXAMPLES: Final = int(os.environ.get("PACELINE_SCHEMATHESIS_EXAMPLES", "4"))
#: Walks for each random request of an operation; a walk has up to MOST_STEPS requests.
WALKS: Final = 20
MOST_STEPS: Final = 10
#: Of one run. A machine that is busy gets fewer random requests, but all of the others.
MOST_SECONDS: Final = float(os.environ.get("PACELINE_SCHEMATHESIS_SECONDS", "30"))
ONCE: Final = "Idempotency-Key"
Json = dict[str, Any]
#: What walks must have come to, and done there; how far one round of them goes is chance.
NEEDED: Final = (
    "POST /api/campaigns", "POST /api/campaigns/start", "POST /api/campaigns/stop", "POST /api/campaigns/add-calls",
    "PATCH /api/campaigns/{id}", "PUT /api/campaigns/{id}", "DELETE /api/campaigns/{id}",
    "GET /api/campaigns/{id}", "DELETE /api/schedules/{id}", "DELETE /api/profiles/{id}",
    "DELETE /api/tokens/{token_id}",
)  # fmt: skip
MOST_ROUNDS: Final = 8
LEAST_STEPS: Final = 300
#: What is asked of every answer beside schemathesis' own checks, which are all on but these two: what is taken and what
#: is refused is more than a schema can say, and has tests of its own.
CHECKS: Final = {
    "negative_data_rejection": {"enabled": False},
    "positive_data_acceptance": {"enabled": False},
}
#: What is random, and may end at any time.
ELASTIC: Final = frozenset({PhaseName.FUZZING, PhaseName.STATEFUL_TESTING})
_OFF: Final = {"enabled": False}
#: Every bound of every schema, and random values.
REQUESTS: Final = {"stateful": _OFF, "fuzzing": {"generation": {"max-examples": EXAMPLES}}}
#: Along the links that are described, and no others.
WALKING: Final = {
    "examples": _OFF,
    "coverage": _OFF,
    "fuzzing": _OFF,
    "stateful": {
        "max-steps": MOST_STEPS,
        "inference": {"algorithms": []},
        "generation": {"max-examples": EXAMPLES * WALKS, "mode": "positive", "allow-x00": False},
    },
}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is there before the first request."""

    base_url: str
    token: str
    document: Mapping[str, Any]
    #: The token itself, and the schedule and the profile that the examples' campaigns are made of: nobody changes them.
    kept: frozenset[tuple[str, str]]
    #: Ids that exist, by the beginning of the path: for requests that would else all meet a 404.
    known: Mapping[str, int]


@dataclass
class Seen:
    """What was asked and answered."""

    cases: int = 0
    #: By method, path and status.
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    #: The first of each kind, by what it is.
    failures: dict[str, str] = field(default_factory=dict)

    def note(self, recorder: "ScenarioRecorder") -> None:
        """Note one scenario: a request, or a walk."""
        for case_id, node in recorder.cases.items():
            interaction = recorder.interactions.get(case_id)
            if interaction is not None and interaction.response is not None:
                self.cases += 1
                self.answers[node.value.operation.label, interaction.response.status_code] += 1
        for check in (check for checks in recorder.checks.values() for check in checks):
            if check.failure_info is not None:
                failure = check.failure_info.failure
                kind = f"{recorder.label}: {check.name}: {failure.title}"
                self.failures.setdefault(kind, f"{failure.message}\n{check.failure_info.code_sample}")

    def __iadd__(self, more: "Seen") -> Self:
        self.cases += more.cases
        self.answers += more.answers
        self.failures |= more.failures
        return self

    def done(self, label: str) -> int:
        """Return how often an operation was answered with 2xx."""
        return sum(times for (each, status), times in self.answers.items() if each == label and status < 300)


def explore(stage: Stage, document: Json, phases: Mapping[str, object], *, seed: int = SEED) -> Seen:
    """Ask what the document allows; this blocks, and belongs into a thread."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "base-url": stage.base_url,
            "request-timeout": 60,  # a busy machine takes its time
            "headers": {"Authorization": f"Bearer {stage.token}"},
            "generation": {"database": "none", "no-shrink": True},
            "checks": CHECKS,
            "phases": phases,
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    chance = Random(seed)

    def filter_case(_context: "HookContext", case: "Case[Any]") -> bool:
        return case.method == "GET" or not _names_what_is_kept(case, stage)

    def map_case(_context: "HookContext", case: "Case[Any]") -> "Case[Any]":
        _use_new_key(case, chance)
        _name_what_exists(case, stage, chance)
        return case

    schema.hooks.hook(filter_case)
    schema.hooks.hook(map_case)
    seen, began = Seen(), monotonic_seconds()
    stream = from_schema(schema).execute()
    for event in stream:
        if isinstance(event, events.ScenarioFinished):
            seen.note(event.recorder)
        elif isinstance(event, events.NonFatalError):
            seen.failures[event.label] = event.info.format()
        elif isinstance(event, events.FatalError):
            raise event.exception
        random = isinstance(event, events.ScenarioFinished) and event.phase in ELASTIC
        if random and monotonic_seconds() - began > MOST_SECONDS:
            stream.stop()
    return seen


def _names_what_is_kept(case: "Case[Any]", stage: Stage) -> bool:
    [room] = case.path.split("/")[2:3] or [""]
    return any((room, str(value)) in stage.kept for value in (case.path_parameters or {}).values())


def _use_new_key(case: "Case[Any]", chance: Random) -> None:
    """Let one of ten requests have a key that may have been sent before; on walks none, which are to get somewhere."""
    headers: Any = case.headers
    key = headers.get(ONCE) if headers else None
    again = _phase(case) != "stateful" and chance.random() < 0.1
    if case.meta is not None and getattr(case.meta.phase.data, "parameter", None) == "Authorization":
        return  # this one is about the token that it lacks
    if isinstance(key, str) and re.fullmatch(r"[!-~]{1,99}", key) and not again:
        headers[ONCE] = str(uuid.UUID(int=chance.getrandbits(128)))


def _name_what_exists(case: "Case[Any]", stage: Stage, chance: Random) -> None:
    """Let most requests get further than to an id that nothing has, and to a campaign without any random field."""
    if (
        isinstance(case.body, dict)
        and case.operation.label == "POST /api/campaigns"
        and chance.random() < 0.8
    ):
        share = 0 if _phase(case) == "stateful" else 1 / (len(case.body) + 1)
        sent: Json = {name: value for name, value in case.body.items() if chance.random() < share}
        case.body = campaign_of_example() | sent
    known = stage.known.get("/".join(case.path.split("/")[:3]))
    if known is None or case.method == "DELETE" or _phase(case) == "stateful" or chance.random() < 0.3:
        return
    for name in {"id", "call_id"} & (case.path_parameters or {}).keys():
        if re.fullmatch(r"[0-9]+", str(case.path_parameters[name])):
            case.path_parameters[name] = known


def _phase(case: "Case[Any]") -> str:
    return case.meta.phase.name.value if case.meta else ""


def campaign_of_example() -> Json:
    """Return a campaign that is taken: of the schedule and the profile that are kept."""
    return {**CAMPAIGN_EXAMPLE, "schedule_id": "3wkdays"}


def halved(document: Mapping[str, Any]) -> Json:
    """Return a document whose PATCH comes by query and as JSON, and whose PUT, which is alike, by the forms."""
    part: Json = copy.deepcopy(dict(document))
    for methods in part["paths"].values():
        for method in {"patch", "put"} & methods.keys():
            operation = methods[method]
            if "requestBody" not in operation:
                continue
            content = operation["requestBody"]["content"]
            as_json = method == "patch"
            operation["requestBody"]["content"] = {
                kind: each for kind, each in content.items() if (kind == "application/json") == as_json
            }
            if not as_json:
                operation["parameters"] = _not_by_query(operation)
    return part


def _not_by_query(operation: Json) -> list[Json]:
    return [each for each in operation.get("parameters", []) if each.get("in") != "query"]


def walkable(document: Mapping[str, Any], begins: str = "/") -> Json:
    """Return the part of a document that walks go through, from what has such a path.

    A link's body is whole, so that nothing random stands beside it; which of three forms it has is left to other tests.
    """
    part = copy.deepcopy(dict(document))
    part["paths"] = {path: each for path, each in part["paths"].items() if path.startswith(begins)}
    operations = [each for methods in part["paths"].values() for each in methods.values()]
    known = {operation["operationId"] for operation in operations}
    for operation in operations:
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]
            operation["requestBody"]["content"] = {"application/json": content["application/json"]}
            operation["parameters"] = _not_by_query(operation)
        links = operation["responses"]["200"].get("links", {})
        operation["responses"]["200"]["links"] = {
            name: {**link, "x-schemathesis": {"merge_body": False}}
            for name, link in links.items()
            if link["operationId"] in known
        }
    return part


async def _furnished(api: "WholeApi") -> Stage:
    """Make a tenant that has a row of every kind."""
    token = await api.token()
    tenant_id: int = await api.store.one("SELECT tenant_id FROM tenant WHERE name = 'acme'")
    done = await api.store.concluded("+12025550100,march", tenant_id=tenant_id)

    async def made(path: str, **fields: object) -> int:
        status, answer = await api.ask(token, "POST", path, json=fields)
        assert status == 200, answer
        its_id: int = answer["response"]["id"]
        return its_id

    days, pace = ["mon", "wed", "fri"], {"period": 30, "amount_per_period": 100, "time_between_periods": 10}
    schedule = await made("/api/schedules", days=days, nickname="3wkdays")
    profile = await made("/api/profiles", **pace, nickname="MorningPace")
    [mine] = (await api.ask(token, "GET", "/api/tokens"))[1]
    return Stage(
        base_url=str(api.client.make_url("")).rstrip("/"),
        token=token,
        document=(await api.ask(token, "GET", "/openapi.json"))[1],
        kept=frozenset(
            {("tokens", str(mine["id"])), ("schedules", str(schedule)), ("profiles", str(profile))}
        ),
        known={
            "/api/campaigns": done.job.campaign_id,
            "/api/schedules": await made("/api/schedules", days=days),
            "/api/profiles": await made("/api/profiles", **pace),
            "/api/deliveries": done.number_id,
        },
    )


def _told(seen: Seen) -> str:
    return "\n\n".join(f"{kind}\n{story}" for kind, story in seen.failures.items())


class ApiServer(TestServer):
    """Serves the API as its process does: with its bound on a request line, and its words for what is no HTTP."""

    @override
    async def _make_runner(self, **_settings: object) -> "web.AppRunner":
        return runner_of(self.app)


@pytest_asyncio.fixture(loop_scope="module")
async def api(store: "Store") -> "AsyncIterator[WholeApi]":
    """Every route over HTTP, on an empty database."""
    async with serving(store, server=ApiServer) as whole:
        yield whole


async def test_every_answer_is_one_that_is_described(api: "WholeApi") -> None:
    """Thousands of requests of every operation: every status and shape is documented, and none is a 5xx."""
    stage = await _furnished(api)
    seen = await asyncio.to_thread(explore, stage, halved(stage.document), REQUESTS)
    print(f"schemathesis: seed {SEED}, {seen.cases} requests")  # noqa: T201 - what a failure is repeated with
    assert not seen.failures, _told(seen)
    assert seen.cases >= 2_000
    assert not [answer for answer in seen.answers if answer[1] >= 500]
    described = {
        f"{method.upper()} {path}" for path, methods in stage.document["paths"].items() for method in methods
    }
    assert {label for label, _ in seen.answers} == described
    assert {status for _, status in seen.answers} >= {200, 400, 401, 404, 405, 409, 422}


async def test_every_way_along_the_links_is_one_that_is_described(api: "WholeApi") -> None:
    """What was made is shown, changed, started, given numbers, stopped and deleted, in any order."""
    stage = await _furnished(api)
    documents = walkable(stage.document), walkable(stage.document, "/api/campaigns")
    seen, missing = Seen(), list(NEEDED)
    for turn in range(MOST_ROUNDS):
        for document in documents:
            seen += await asyncio.to_thread(explore, stage, document, WALKING, seed=SEED + turn)
        missing = [label for label in NEEDED if not seen.done(label)]
        print(f"schemathesis: seed {SEED + turn}, {seen.cases} steps up to here")  # noqa: T201 - as above
        if seen.failures or (not missing and seen.cases >= LEAST_STEPS):
            break
    assert not seen.failures, _told(seen)
    assert missing == []
    assert seen.cases >= LEAST_STEPS
    assert not [answer for answer in seen.answers if answer[1] >= 500]
