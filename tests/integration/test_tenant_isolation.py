"""Every route with another tenant's ids: nothing is seen, nothing is changed, and the answer is that for an unknown id.

The routes are those of the process itself, so that a new one is tested as soon as it is served. One that this file does
not know how to ask fails, and says what to add: its ids to NAMED, what it sends to SENT, or its path to PUBLIC.
"""

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from services.api.routes import Route
from services.api.wiring import every_route
from shared.settings import Settings

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from shared.adapters.postgres.database import Database
    from tests.integration.conftest import Store, WholeApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What has no tenant: anybody may see it, and it shows nobody's.
PUBLIC: Final = re.compile(r"/healthz|/openapi\.json|/docs(/.*)?")
#: What a name in a path stands for, by the segment that begins the path.
NAMED: Final = {
    ("blocklist", "e164"): "e164",
    ("campaigns", "id"): "campaign",
    ("campaigns", "campaign_id"): "campaign",
    ("campaigns", "upload"): "batch",
    ("deliveries", "call_id"): "call",
    ("numbers", "e164"): "e164",
    ("profiles", "id"): "profile",
    ("schedules", "id"): "schedule",
    ("tokens", "token_id"): "token",
}
_WEEK: Final = json.dumps(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
#: A number that is in nobody's list.
_NOBODY: Final = "+12025550177"
_CHANGED_CAMPAIGN: Final = {"name": "changed"}
_CHANGED_SCHEDULE: Final = {"nickname": "changed", "days": '["mon"]'}
_CHANGED_PROFILE: Final = {"nickname": "changed", "period": "7"}
#: What else is sent, so that a request gets as far as the rows. `<campaign>` stands for the id of one.
SENT: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("POST", "/api/schedules"): {"days": _WEEK, "nickname": "theirs"},
    ("PATCH", "/api/schedules/{id}"): _CHANGED_SCHEDULE,
    ("PUT", "/api/schedules/{id}"): _CHANGED_SCHEDULE,
    ("POST", "/api/profiles"): {
        "period": "1", "amount_per_period": "1", "time_between_periods": "0", "nickname": "theirs",
    },
    ("PATCH", "/api/profiles/{id}"): _CHANGED_PROFILE,
    ("PUT", "/api/profiles/{id}"): _CHANGED_PROFILE,
    ("POST", "/api/campaigns"): {
        "start_date": "2026-01-01", "end_date": "2199-01-01", "schedule": "<schedule>",
        "profiles": '[{"profile":"<profile>","start_time":"08:00","end_time":"21:00"}]',
        "start_url": "https://apps.example/start.vxml",
    },
    ("POST", "/api/campaigns/start"): {"campaign_id": "<campaign>"},
    ("POST", "/api/campaigns/stop"): {"campaign_id": "<campaign>"},
    ("POST", "/api/campaigns/add-calls"): {"campaign_id": "<campaign>", "phone_numbers": '["+12025550178"]'},
    ("PATCH", "/api/campaigns/{id}"): _CHANGED_CAMPAIGN,
    ("PUT", "/api/campaigns/{id}"): _CHANGED_CAMPAIGN,
    ("PATCH", "/api/campaigns"): {"campaign_id": "<campaign>", **_CHANGED_CAMPAIGN},
    ("PUT", "/api/campaigns"): {"campaign_id": "<campaign>", **_CHANGED_CAMPAIGN},
    ("POST", "/api/campaigns/{id}/uploads/{upload}/cancel"): {},
    ("POST", "/api/campaigns/{id}/numbers/cancel"): {"phone_number": "<e164>", "phone_numbers": '["<e164>"]'},
    ("POST", "/api/hold"): {"campaign_id": "<campaign>", "reason": "why"},
    ("POST", "/api/release"): {"campaign_id": "<campaign>"},
    ("POST", "/api/deliveries/replay"): {"campaign_id": "<campaign>", "state": "DELIVERED"},
    ("POST", "/api/deliveries/{call_id}/replay"): {},
    ("POST", "/api/receivers/enable"): {"url": "<receiver>"},
    ("POST", "/api/blocklist"): {"phone_number": "<blocked>"},
    ("DELETE", "/api/blocklist"): {"phone_number": "<blocked>"},
    ("POST", "/api/tokens"): {"name": "mine", "role": "reader"},
}  # fmt: skip
#: Lists are asked for as they are and narrowed to what is another's.
NARROWED: Final = {
    "campaign_id": "<campaign>",
    "object": "campaign:<campaign>",
    "phone_number": "<e164>",
}
#: Two lists beside each other with one's own: the owner gets the same answer as whoever names nothing.
ALIKE: Final = {
    ("POST", "/api/blocklist"),  # everybody may block any number, for themselves
    ("PATCH", "/api/campaigns"), ("PUT", "/api/campaigns"),  # without an id in the path they list, whatever is sent
}  # fmt: skip


def _routes() -> tuple[Route, ...]:
    """Return the routes; nothing is asked of what is behind them."""
    return every_route(Settings(), cast("Database", None), cast("ClientSession", None))


ROUTES: Final = [route for route in _routes() if not (route.public and PUBLIC.fullmatch(route.path))]


@dataclass
class Tenants:
    """Us, with nothing of our own, and them, with a row of every kind."""

    api: "WholeApi"
    ours: str
    theirs: str
    their_id: int
    #: What is theirs, by what it is.
    things: Mapping[str, str]
    #: Words that are in no answer to us.
    marks: tuple[str, ...]
    #: What nobody has, by what it would be.
    nothing: Mapping[str, str] = field(
        default_factory=lambda: {
            **dict.fromkeys(("campaign", "schedule", "profile", "call", "token"), "987654321987"),
            "batch": "9",
            "e164": _NOBODY,
            "blocked": _NOBODY,
            "receiver": "https://nobody.example/results",
        }
    )

    async def ask(
        self, token: str, route: Route, things: Mapping[str, str], sent: Mapping[str, str]
    ) -> tuple[int, str]:
        """Ask for things; returns the status, and the answer without the things that were named."""
        path = re.sub(r"\{([a-z_0-9]+)\}", lambda name: things[_kind(route, name[1])], route.template)
        fields = {name: _filled(text, things) for name, text in sent.items()}
        carried = {"params": fields} if route.method in {"GET", "DELETE"} else {"data": fields}
        status, body = await self.api.ask(token, route.method, path, **cast("dict[str, Any]", carried))
        text = body if isinstance(body, str) else json.dumps(body)
        long = {thing for kind, thing in things.items() if kind != "batch"}
        for thing in sorted(long, key=len, reverse=True):
            text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(thing)}(?![0-9A-Za-z])", "<thing>", text)
        if status >= HTTPStatus.BAD_REQUEST:  # elsewhere a digit may be anything
            text = re.sub(rf"\b{things['batch']}\b", "<thing>", text)
        return status, _timeless(text)

    async def their_rows(self) -> dict[str, list[str]]:
        """Return everything that is theirs."""
        rows = {}
        for table in self.api.store.tables:
            found = await self.api.store.sql(f"SELECT * FROM {table} WHERE tenant_id = $1", self.their_id)  # noqa: S608 - a table of ours
            rows[table] = sorted(repr(tuple(row)) for row in found)
        return rows


def _kind(route: Route, name: str) -> str:
    segment = route.template.split("/")[2]
    if (segment, name) not in NAMED:
        pytest.fail(f"{route.template} has a {{{name}}}: say in NAMED what that is after /api/{segment}.")
    return NAMED[segment, name]


def _filled(text: str, things: Mapping[str, str]) -> str:
    return re.sub(r"<([a-z0-9]+)>", lambda name: things[name[1]], text)


def _timeless(text: str) -> str:
    """Leave out what differs between any two requests: instants, and the ids of what they make."""
    text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:\+[0-9:]+|Z)?", "<instant>", text)
    return re.sub(r'"(id|seconds_left|remaining_seconds)": [0-9.]+', r'"\1": 0', text)


def _sent(route: Route) -> list[Mapping[str, str]]:
    """Return what to send with a route, in each of the ways that are tried."""
    if route.method == "GET":
        return [{}, NARROWED]
    key = route.method, route.template
    if key not in SENT and not (route.method == "DELETE" and "{" in route.path):
        pytest.fail(f"{route.method} {route.template} is new: say in SENT what gets it as far as its rows.")
    return [SENT.get(key, {})]


_counter: Final = itertools.count(1)


async def _furnished(api: "WholeApi") -> Tenants:
    """Make both tenants. Each thing of theirs has a mark by which it would be known anywhere."""
    store = api.store
    ours, theirs = await api.token("ours"), await api.token("theirs", name="theirs-token")
    their_id: int = await store.one("SELECT tenant_id FROM tenant WHERE name = 'theirs'")
    # Ids of theirs and ours are never the same by chance: each test goes on counting where the last one ended.
    line = f"+1202555{100 + next(_counter) % 70:04},theirs-reference"
    done = await store.concluded(line, tenant_id=their_id, result_url="https://theirs.example/results")
    campaign = done.job.campaign_id
    await _mark(store, their_id)
    things = {
        "campaign": str(campaign),
        "schedule": str(await store.one("SELECT schedule_id FROM schedule WHERE tenant_id = $1", their_id)),
        "profile": str(
            await store.one("SELECT profile_id FROM pacing_profile WHERE tenant_id = $1", their_id)
        ),
        "call": str(done.number_id),
        "token": str(await store.one("SELECT token_id FROM api_token WHERE tenant_id = $1", their_id)),
        "batch": "1",
        "e164": done.e164,
        "blocked": "+12025550166",
        "receiver": "https://theirs.example/gone",
    }
    marks = ("theirs-", "theirs.example", done.e164, "+12025550166")
    return Tenants(api, ours, theirs, their_id, things, marks)


async def _mark(store: "Store", their_id: int) -> None:
    await store.sql("UPDATE schedule SET nickname = 'theirs-schedule' WHERE tenant_id = $1", their_id)
    await store.sql("UPDATE pacing_profile SET nickname = 'theirs-profile' WHERE tenant_id = $1", their_id)
    await store.sql(
        "UPDATE campaign SET name = 'theirs-campaign', start_url = 'https://theirs.example/start'"
        " WHERE tenant_id = $1",
        their_id,
    )
    await store.sql(
        "INSERT INTO blocklist (tenant_id, e164, reason) VALUES ($1, '+12025550166', 'theirs-reason')",
        their_id,
    )
    await store.sql("INSERT INTO hold (tenant_id, reason) VALUES ($1, 'theirs-hold')", their_id)
    await store.sql(
        "INSERT INTO hold (tenant_id, campaign_id, reason) SELECT $1, max(campaign_id), 'theirs-hold' FROM campaign"
        " WHERE tenant_id = $1",
        their_id,
    )
    await store.sql(
        "INSERT INTO receiver_disabled (tenant_id, url, reason)"
        " VALUES ($1, 'https://theirs.example/gone', 'theirs-reason')",
        their_id,
    )
    await store.sql("UPDATE delivery SET state = 'DELIVERED' WHERE tenant_id = $1", their_id)


async def test_whatever_is_public_is_known_to_hold_nothing_of_anybody() -> None:
    """A route without a token is a decision, and is written down here."""
    assert [route.path for route in ROUTES if route.public] == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
async def test_what_is_another_tenant_s_is_unknown(whole_api: "WholeApi", route: Route) -> None:
    """It is neither shown nor changed, and the answer is that for what does not exist; its owner gets another."""
    tenants = await _furnished(whole_api)
    before = await tenants.their_rows()
    assert not [table for table in ("campaign", "number", "result", "delivery") if not before[table]]
    for sent in _sent(route):
        names_theirs = "{" in route.template or "<" in str(sent)
        status, answer = await tenants.ask(tenants.ours, route, tenants.things, sent)
        assert status < HTTPStatus.INTERNAL_SERVER_ERROR, answer
        assert not [mark for mark in tenants.marks if mark in answer], answer
        assert await tenants.their_rows() == before
        if names_theirs:
            unknown = await tenants.ask(tenants.ours, route, tenants.nothing, sent)
            assert (status, answer) == unknown
            if (route.method, route.template) not in ALIKE:
                owner = await tenants.ask(tenants.theirs, route, tenants.things, sent)
                assert owner != unknown, (
                    "this shows nothing: its owner gets the same answer as for an unknown id"
                )
                await whole_api.store.empty()
                tenants = await _furnished(whole_api)
                before = await tenants.their_rows()
