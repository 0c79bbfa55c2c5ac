"""A customer of Plum's API in front of the real application: every answer is held against its documented shape."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from pydantic import TypeAdapter
from yarl import URL

from services.api.plum.messages import FieldRefusal, Refusal
from services.api.routes import Route

if TYPE_CHECKING:
    from tests.integration.conftest import Store

START_URL = "https://apps.example/start.vxml"
RESULT_URL = "https://crm.example/results"
EVERY_DAY = '["mon","tue","wed","thu","fri","sat","sun"]'
#: What a phone list may be at most, in bytes.
UPLOAD_BYTES = 1_000_000
_FIELD_REFUSAL = TypeAdapter(FieldRefusal)
_REFUSAL = TypeAdapter(Refusal)


@dataclass
class Answer:
    """What the API answered."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Customer:
    """A tenant with a token."""

    base: str
    session: aiohttp.ClientSession
    routes: tuple[Route, ...]
    tenant_id: int
    token: str
    #: Shapes by route, made once.
    shapes: dict[str, TypeAdapter[Any]] = field(default_factory=dict)

    async def call(self, method: str, path: str, **more: Any) -> Answer:  # noqa: ANN401 - as aiohttp takes it
        """Ask, with the path as it stands, and hold the answer against the shape that is documented for it."""
        async with self.session.request(method, URL(self.base + path, encoded=True), **more) as answer:
            text = await answer.text()
            assert answer.content_type == "application/json", text
            seen = Answer(answer.status, json.loads(text), dict(answer.headers))
        await self._hold(method, path, seen, text)
        return seen

    async def post(self, path: str, **fields: object) -> Answer:
        """Post a form."""
        return await self.call("POST", path, data=fields)

    async def get(self, path: str) -> Any:  # noqa: ANN401 - an answer as JSON
        """Return what is at a path."""
        answer = await self.call("GET", path)
        assert answer.status == 200, answer.body
        return answer.body

    async def _hold(self, method: str, path: str, seen: Answer, text: str) -> None:
        if seen.status == 422:
            _FIELD_REFUSAL.validate_json(text)
        elif seen.status >= 400:
            assert seen.status < 500, text
            _REFUSAL.validate_json(text)
        else:
            plain = path.split("?", maxsplit=1)[0].rstrip("/")
            known = [route for route in self.routes if route.method == method and _fits(route.path, plain)]
            operation = known[0].operation
            assert operation is not None
            shape = self.shapes.setdefault(operation.id, TypeAdapter(operation.answers))
            shape.validate_json(text)

    # A stage -------------------------------------------------------------------------------------------------------

    async def schedule(self, nickname: str | None = "always", days: str = EVERY_DAY) -> int:
        """Make a schedule and return its id."""
        named = {} if nickname is None else {"nickname": nickname}
        return await self._made("/api/schedules", {"days": days, **named})

    async def profile(self, nickname: str | None = "calm", *, per_minute: int = 600) -> int:
        """Make a profile of a period of a minute and return its id."""
        named = {} if nickname is None else {"nickname": nickname}
        pace = {"period": "1", "amount_per_period": str(per_minute), "time_between_periods": "0"}
        return await self._made("/api/profiles", {**pace, **named})

    async def campaign(self, **fields: object) -> int:
        """Make a campaign of a schedule `always` and a profile `calm`, which are made as well where they are not."""
        answer = await self.post("/api/campaigns", **await self.new_campaign(**fields))
        assert answer.status == 200, answer.body
        campaign_id: int = answer.body["response"]["id"]
        return campaign_id

    async def new_campaign(self, **fields: object) -> dict[str, object]:
        """Return the form of a campaign that is open around the clock for as long as there are dates."""
        if "always" not in [each["nickname"] for each in await self.get("/api/schedules")]:
            await self.schedule()
            await self.profile()
        ordinary = {
            "start_date": "2026-01-01", "end_date": "2199-12-31", "schedule": "always",
            "profiles": attached("calm"), "start_url": START_URL, "result_url": RESULT_URL, "time_zone": "UTC",
        }  # fmt: skip
        return {name: value for name, value in {**ordinary, **fields}.items() if value is not None}

    async def one(self, campaign_id: int) -> Any:  # noqa: ANN401 - an answer as JSON
        """Return a campaign as it is listed."""
        [found] = [each for each in await self.get("/api/campaigns") if each["campaign_id"] == campaign_id]
        return found

    async def start(self, campaign_id: int) -> None:
        """Start a campaign."""
        answer = await self.post("/api/campaigns/start", campaign_id=str(campaign_id))
        assert answer.status == 200, answer.body

    async def _made(self, path: str, fields: dict[str, str]) -> int:
        answer = await self.post(path, **fields)
        assert answer.status == 200, answer.body
        its_id: int = answer.body["response"]["id"]
        return its_id


def attached(profile: str, start: str = "00:00", end: str = "24:00") -> str:
    """Return the `profiles` of a campaign with one profile."""
    return json.dumps([{"profile": profile, "start_time": start, "end_time": end}])


def _fits(template: str, path: str) -> bool:
    parts, wanted = path.split("/"), template.split("/")
    return len(parts) == len(wanted) and all(
        part == want or (want.startswith("{") and part.isdigit())
        for part, want in zip(parts, wanted, strict=True)
    )


@dataclass
class World:
    """The API with two customers, and the database beneath it."""

    store: "Store"
    acme: Customer
    rival: Customer
