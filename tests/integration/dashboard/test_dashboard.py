"""The dashboard's server over real sockets: figures, `/metrics`, the page's files, the process."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from services.dashboard.public_api import MAX_ANSWER_BYTES
from services.dashboard.server import PAGE_FILES
from services.dashboard.wiring import serve
from shared.adapters.embedded.ports import free_port
from shared.adapters.redis.scoreboard import RedisScoreboard
from shared.clock import utc_now
from shared.process import StopRequest
from shared.settings import Misconfigured, Settings

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Api = Callable[[Answer], AbstractAsyncContextManager[str]]
Campaign = Callable[..., dict[str, Any]]
Listing = Callable[..., Answer]
Dashboard = Callable[..., AbstractAsyncContextManager[aiohttp.ClientSession]]


@pytest.fixture
def dashboard(
    running: Callable[..., AbstractAsyncContextManager[str]], redis_url: str, api: Api
) -> Dashboard:
    """Run the dashboard before an API that answers so; yields a client whose paths are the dashboard's."""

    @asynccontextmanager
    async def run(answer: Answer | None = None, **urls: str) -> AsyncIterator[aiohttp.ClientSession]:
        async with (
            api(answer or _unwell) as api_url,
            running(**{"api_url": api_url, "redis_url": redis_url, **urls}) as url,
            aiohttp.ClientSession(url) as client,
        ):
            yield client

    return run


@pytest.fixture
def bearer(token: str) -> dict[str, str]:
    """The header that opens the figures."""
    return {"Authorization": f"Bearer {token}"}


# The figures -------------------------------------------------------------------------------------------------


async def test_the_figures_join_the_api_and_redis(
    dashboard: Dashboard,
    board: RedisScoreboard,
    stay: Callable[[], None],
    listing: Listing,
    campaign: Campaign,
    bearer: dict[str, str],
) -> None:
    """The page gets the token's campaigns from the API, and their minutes and the dialers from Redis."""
    async with dashboard(listing(campaign(12))) as client:
        board.bump_minute(3, 12, utc_now() - timedelta(minutes=5), calls=8)
        board.bump_minute(4, 99, utc_now(), calls=100)  # another tenant's
        await board.publish_process("dialer", "a", {"calls_in_progress": 9, "dialer_capacity": 200}, {})
        stay()
        answer = await client.get("/live", headers=bearer)
        live = await answer.json()
    (shown,) = live["campaigns"]
    assert (shown["campaign_id"], shown["numbers"]["final"], shown["held"]) == (12, 47, None)
    assert sum(shown["calls_by_minute"]) == 8
    assert live["calls_in_progress"] == 3
    assert live["platform"]["dialers"] == 1
    assert "url" not in json.dumps(live)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer a b"}, {}],
    ids=["unknown token", "other scheme", "two words", "none"],
)
async def test_without_a_token_of_the_api_there_are_no_figures(
    dashboard: Dashboard, listing: Listing, campaign: Campaign, headers: dict[str, str]
) -> None:
    """401 passes through, with a sentence."""
    async with dashboard(listing(campaign(12))) as client:
        answer = await client.get("/live", headers=headers)
        assert answer.status == 401
        assert (await answer.json())["error"]


async def test_the_apis_refusal_is_told_in_its_own_words(dashboard: Dashboard, listing: Listing) -> None:
    """Whoever looks at the page reads why the API refused."""
    async with dashboard(listing()) as client:
        answer = await client.get("/live", headers={"Authorization": "Bearer wrong"})
        assert (await answer.json())["error"] == "This token is not known or has expired."


async def _unwell(_request: web.Request) -> web.Response:
    return web.json_response({"status": "error", "error": "Postgres does not answer."}, status=503)


async def _broken(_request: web.Request) -> web.Response:
    return web.Response(status=500, text="<h1>Traceback</h1>")


async def _something_else(_request: web.Request) -> web.Response:
    return web.Response(text="<html>Welcome to the router</html>", content_type="text/html")


async def _elsewhere(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/api/campaigns?again")


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(MAX_ANSWER_BYTES // 65_536 + 2):
        await response.write(b" " * 65_536)
    await response.write_eof()
    return response


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (_unwell, "Postgres does not answer."),
        (_broken, "status 500"),
        (_something_else, "no list of campaigns"),
        (_elsewhere, "status 302"),
        (_endless, "more campaigns than one page can show"),
    ],
    ids=["unwell", "broken", "something else", "elsewhere", "endless"],
)
async def test_an_api_that_does_not_do_its_part_is_one_sentence(
    dashboard: Dashboard, bearer: dict[str, str], answer: Answer, sentence: str
) -> None:
    """Whatever goes wrong behind the dashboard, the page gets 503 and a reason in words."""
    async with dashboard(answer) as client:
        response = await client.get("/live", headers=bearer)
        assert response.status == 503
        assert sentence in (await response.json())["error"]


async def test_an_api_that_is_away_is_one_sentence(dashboard: Dashboard, bearer: dict[str, str]) -> None:
    """Nobody listens at the API's address: 503 within the page's patience."""
    async with dashboard(api_url=f"http://127.0.0.1:{free_port()}") as client:
        response = await client.get("/live", headers=bearer)
        assert response.status == 503
        assert "The API does not answer" in (await response.json())["error"]


async def test_without_redis_the_campaigns_are_still_shown(
    dashboard: Dashboard, listing: Listing, campaign: Campaign, bearer: dict[str, str]
) -> None:
    """Redis is only the scoreboard: what Postgres knows comes all the same, and the rest is null."""
    async with dashboard(listing(campaign(12)), redis_url=f"redis://127.0.0.1:{free_port()}/0") as client:
        live = await (await client.get("/live", headers=bearer)).json()
    assert live["campaigns"][0]["numbers"]["final"] == 47
    assert live["campaigns"][0]["calls_by_minute"] is None
    assert live["platform"] is None


# Prometheus --------------------------------------------------------------------------------------------------


async def test_metrics_are_scraped_from_redis(
    dashboard: Dashboard, board: RedisScoreboard, stay: Callable[[], None]
) -> None:
    """What processes publish stands in `/metrics`, in Prometheus' format, without a token."""
    async with dashboard() as client:
        await board.publish_process("dialer", "a", {"calls_in_progress": 9}, {"calls_placed": 5})
        stay()
        answer = await client.get("/metrics")
        text = await answer.text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {sample.name: sample.value for sample in samples}
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert found["paceline_scoreboard_up"] == 1
    assert (found["paceline_calls_in_progress"], found["paceline_calls_placed_total"]) == (9, 5)


async def test_metrics_say_when_redis_is_away(dashboard: Dashboard) -> None:
    """A scrape does not fail, it says that nothing is known."""
    async with dashboard(redis_url=f"redis://127.0.0.1:{free_port()}/0") as client:
        answer = await client.get("/metrics")
        assert answer.status == 200
        assert "\npaceline_scoreboard_up 0.0\n" in await answer.text()


# The page's files --------------------------------------------------------------------------------------------


async def test_the_page_and_its_files_are_served_under_a_strict_policy(dashboard: Dashboard) -> None:
    """Every file comes with its type; nothing else may run, load, frame or be asked."""
    async with dashboard() as client:
        for name, media_type in PAGE_FILES.items():
            answer = await client.get("/" if name == "page.html" else f"/page/{name}")
            assert (answer.status, answer.content_type) == (200, media_type)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/nothing", "/page/wiring.py", "/page/%2e%2e/wiring.py"])
async def test_nothing_but_the_page_is_served(dashboard: Dashboard, path: str) -> None:
    """No path leads to a file that is not the page's, and the refusal is under the same policy."""
    async with dashboard() as client:
        answer = await client.get(path)
        assert answer.status == 404
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_the_dashboard_says_that_it_is_well(dashboard: Dashboard) -> None:
    """GET /healthz needs no token and depends on nobody."""
    async with dashboard() as client:
        answer = await client.get("/healthz")
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


# The process -------------------------------------------------------------------------------------------------

MAIN = "from services.dashboard.wiring import main; main()"


async def test_a_port_that_is_taken_is_named_with_its_setting(redis_url: str) -> None:
    """Whoever starts a second dashboard reads which setting to change."""
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with taken:
        port = taken.sockets[0].getsockname()[1]
        with pytest.raises(Misconfigured, match="PACELINE_DASHBOARD_PORT"):
            await serve(Settings(REDIS_URL=redis_url, dashboard_port=port), StopRequest())


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_ends_when_it_is_told(
    tmp_path: Path,
    redis_url: str,
    announced_port: Callable[[Path, asyncio.Future[Any]], Awaitable[int]],
    told: signal.Signals,
) -> None:
    """A signal ends the dashboard in order, with exit status 0."""
    ready = tmp_path / "ready.json"
    settings = {"REDIS_URL": redis_url, "PACELINE_DASHBOARD_PORT": "0", "PACELINE_READY_FILE": str(ready)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MAIN, env={**os.environ, **settings}, stderr=asyncio.subprocess.DEVNULL
    )
    ended = asyncio.create_task(process.wait())
    try:
        await announced_port(ready, ended)
        process.send_signal(told)
        async with asyncio.timeout(60):
            assert await ended == 0
    finally:
        if process.returncode is None:
            process.kill()
            await ended


async def test_without_redis_url_the_process_says_what_is_missing() -> None:
    """A dashboard that cannot start ends with one sentence and no traceback."""
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MAIN, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await process.communicate()
    assert process.returncode == 1
    last_line = complaint.decode().splitlines()[-1]
    assert last_line.startswith("REDIS_URL is not set")
    assert "Traceback" not in complaint.decode()
