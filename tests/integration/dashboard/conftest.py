"""What the dashboard's tests share: the dashboard itself, a real Redis, and an API stand-in.

The stand-in is a real HTTP server that answers in the documented shapes.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from redis import Redis

from services.dashboard.wiring import serve
from shared.adapters.redis.connection import open_redis
from shared.adapters.redis.scoreboard import RedisScoreboard
from shared.process import StopRequest
from shared.settings import Settings

TOKEN = "pl_reader-1.secret~+/=="
#: A machine that is busy with something else is no API or Redis that is away.
PATIENCE_SECONDS = 60.0
REFUSAL = {"status": "error", "error": "This token is not known or has expired."}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
def token() -> str:
    """The one token that the API stand-in knows."""
    return TOKEN


@pytest.fixture
def campaign() -> Callable[..., dict[str, Any]]:
    """Make a campaign as the API documents it."""
    return _campaign


@pytest.fixture
def listing() -> Callable[..., Answer]:
    """Make an API that knows one token and has these campaigns."""
    return _listing


@pytest.fixture
def api() -> Callable[[Answer], AbstractAsyncContextManager[str]]:
    """Serve GET /api/campaigns with this answer; yields the API's base URL."""
    return _api


@pytest.fixture
def running(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[str]]:
    """Run the dashboard on a free port; yields its base URL."""

    @asynccontextmanager
    async def run(*, api_url: str, redis_url: str) -> AsyncIterator[str]:
        ready = tmp_path / "ready.json"
        settings = Settings(REDIS_URL=redis_url, api_url=api_url, dashboard_port=0, ready_file=ready)
        request = StopRequest()
        async with asyncio.TaskGroup() as group:
            patience = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
            serving = group.create_task(
                serve(settings, request, api_patience=patience, redis_patience_seconds=PATIENCE_SECONDS)
            )
            try:
                yield f"http://127.0.0.1:{await _announced_port(ready, serving)}"
            finally:
                request.signalled()

    return run


@pytest.fixture
def announced_port() -> Callable[[Path, asyncio.Future[Any]], Awaitable[int]]:
    """Wait until a dashboard has written where it listens; fails when it ends instead."""
    return _announced_port


@pytest.fixture
def stay(redis_url: str) -> Callable[[], None]:
    """Let what was published stay: a browser on a busy machine may start for longer than a silent process lives."""

    def persist() -> None:
        with Redis.from_url(redis_url) as client:
            for key in client.scan_iter():
                client.persist(key)

    return persist


@pytest.fixture
async def board(redis_url: str) -> AsyncIterator[RedisScoreboard]:
    """What the other processes publish to."""
    async with open_redis(redis_url, connections=2, answer_seconds=PATIENCE_SECONDS) as redis:
        yield RedisScoreboard(redis, namespace="paceline", answer_seconds=PATIENCE_SECONDS)


def _campaign(campaign_id: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the JSON
    return {
        "campaign_id": campaign_id,
        "start_date": "2026-11-16 00:00:00",
        "end_date": "2026-12-05 00:00:00",
        "start_url": "https://apps.example/start.vxml",
        "result_url": "https://apps.example/results",
        "schedule_nickname": "3wkdays",
        "profiles": [
            {"profile_id": 5, "nickname": "MorningPace", "start_time": "08:00", "end_time": "23:00"}
        ],
        "name": "Flu clinic",
        "time_zone": "America/New_York",
        "status": "RUNNING",
        "held": None,
        "numbers": {
            "accepted": 60,
            "ready": 10,
            "waiting": 0,
            "in_attempt": 3,
            "final": 47,
            "refused": 1,
            "duplicates": 0,
        },
        "calls_in_progress": 3,
        "outcomes": {"Answered": 42, "NoAnswer": 5},
        "results": {"completed": 42, "failed": 5},
        **changes,
    }


def _listing(*campaigns: dict[str, Any]) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response(REFUSAL, status=401)
        return web.json_response(list(campaigns))

    return answer


@asynccontextmanager
async def _api(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/api/campaigns", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _announced_port(ready: Path, serving: asyncio.Future[Any]) -> int:
    async with asyncio.timeout(60):
        while (port := _port_in(ready)) is None:
            assert not serving.done(), serving
            await asyncio.sleep(0.01)
    return port


def _port_in(ready: Path) -> int | None:
    if not ready.exists():
        return None
    announced = json.loads(ready.read_text(encoding="utf-8"))
    assert announced["service"] == "dashboard"
    port: int = announced["port"]
    return port
