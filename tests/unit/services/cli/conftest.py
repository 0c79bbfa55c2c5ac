"""A small API in memory that answers in the published shapes, on a real socket."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import BodyPartReader, web

from services.cli.client.api import PacelineApi

TOKEN = "pl_test"


class SmallApi:
    """Keeps what it was sent, and answers what a test wants."""

    def __init__(self) -> None:
        self.schedules: list[dict[str, Any]] = []
        self.profiles: list[dict[str, Any]] = []
        self.campaigns: list[dict[str, Any]] = []
        self.forms: list[dict[str, str]] = []
        self.uploads: list[bytes] = []
        self.events: list[str] = []
        #: What plans were asked with.
        self.plan_queries: list[dict[str, str]] = []
        self.plan: dict[str, Any] = {}
        #: The lines of a simulation, as bytes.
        self.plan_calls = b""
        #: Answered instead of anything else, when set.
        self.instead: web.Response | None = None
        self.url = ""

    def application(self) -> web.Application:
        """Return the routes."""
        app = web.Application(client_max_size=2**30, middlewares=[self._gate])
        app.router.add_get("/api/schedules", self._list(lambda: self.schedules))
        app.router.add_get("/api/profiles", self._list(lambda: self.profiles))
        app.router.add_get("/api/campaigns", self._list(lambda: self.campaigns))
        app.router.add_get("/api/campaigns/{id}", self._campaign)
        app.router.add_get("/api/campaigns/{id}/plan", self._plan)
        app.router.add_get("/api/campaigns/{id}/plan/calls", self._plan_calls)
        app.router.add_post("/api/schedules", self._create_schedule)
        app.router.add_post("/api/profiles", self._create_profile)
        app.router.add_post("/api/campaigns", self._create_campaign)
        app.router.add_post("/api/campaigns/add-calls", self._add_calls)
        app.router.add_post("/api/campaigns/start", self._event("start"))
        app.router.add_post("/api/campaigns/stop", self._event("stop"))
        return app

    def campaign(self, **facts: object) -> dict[str, Any]:
        """Add a campaign in the published shape."""
        made = {
            "campaign_id": len(self.campaigns) + 1,
            "name": None,
            "start_date": "2026-11-21 00:00:00",
            "end_date": "2026-11-27 00:00:00",
            "start_url": "https://example.com/a.vxml",
            "result_url": None,
            "schedule_nickname": "every day",
            "profiles": [{"profile_id": 1, "nickname": "pace", "start_time": "08:00", "end_time": "24:00"}],
            "time_zone": "America/New_York",
            "status": "READY",
            "held": None,
            "numbers": {"accepted": 2, "ready": 2, "waiting": 0, "in_attempt": 0, "final": 0},
            "calls_in_progress": 0,
            "outcomes": {},
            "results": {},
        } | facts
        self.campaigns.append(made)
        return made

    @web.middleware
    async def _gate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self.instead is not None:
            return self.instead
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"status": "error", "error": "The token is not known."}, status=401)
        return await handler(request)

    def _list(
        self, rows: Callable[[], list[dict[str, Any]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_request: web.Request) -> web.Response:
            return web.json_response(rows())

        return answer

    async def _campaign(self, request: web.Request) -> web.Response:
        for campaign in self.campaigns:
            if str(campaign["campaign_id"]) == request.match_info["id"]:
                return web.json_response(campaign)
        return web.json_response({"status": "error", "error": "There is no campaign with id 99."}, status=404)

    async def _plan(self, request: web.Request) -> web.Response:
        self.plan_queries.append(dict(request.query))
        return web.json_response(self.plan)

    async def _plan_calls(self, request: web.Request) -> web.Response:
        self.plan_queries.append(dict(request.query))
        return web.Response(body=self.plan_calls, content_type="application/x-ndjson")

    async def _create_schedule(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        made = {"id": len(self.schedules) + 1, "nickname": form["nickname"]}
        self.schedules.append(
            {"schedule_id": made["id"], "nickname": form["nickname"], "days": json.loads(form["days"])}
        )
        return web.json_response({"status": "success", "response": made})

    async def _create_profile(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        made = {"id": len(self.profiles) + 1, "nickname": form["nickname"]}
        pace = {name: int(form[name]) for name in ("period", "amount_per_period", "time_between_periods")}
        self.profiles.append({"profile_id": made["id"], "nickname": form["nickname"]} | pace)
        return web.json_response({"status": "success", "response": made})

    async def _create_campaign(self, request: web.Request) -> web.Response:
        await self._multipart(request)
        campaign = self.campaign()
        refused = [{"line": 2, "text": "tel:nobody", "reason": "There is no number in it."}]
        counts = {"accepted": 2, "refused": 1, "duplicates": 0, "refused_lines": refused}
        return web.json_response({"status": "success", "response": {"id": campaign["campaign_id"]} | counts})

    async def _add_calls(self, request: web.Request) -> web.Response:
        await self._multipart(request)
        counts = {"accepted": 3, "refused": 0, "duplicates": 1, "refused_lines": []}
        return web.json_response({"status": "success"} | counts)

    def _event(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            form = await self._form(request)
            self.events.append(f"{name} {form['campaign_id']}")
            return web.json_response({"status": "success"})

        return answer

    async def _form(self, request: web.Request) -> dict[str, str]:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        return form

    async def _multipart(self, request: web.Request) -> None:
        form: dict[str, str] = {}
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.filename:
                self.uploads.append(await part.read())
            else:
                form[part.name or ""] = await part.text()
        self.forms.append(form)


@pytest.fixture
async def small_api() -> AsyncIterator[SmallApi]:
    """Serve the small API on a free port."""
    small = SmallApi()
    runner = web.AppRunner(small.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    small.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield small
    await runner.cleanup()


@pytest.fixture
async def client(small_api: SmallApi) -> AsyncIterator[PacelineApi]:
    """Return a client of it with the right token."""
    async with PacelineApi(small_api.url, TOKEN) as api:
        yield api
