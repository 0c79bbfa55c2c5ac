"""The page in a real browser: what a person sees and hears of it, and what hostile input does to it."""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from lxml.html import HtmlElement, document_fromstring

from shared.adapters.redis.scoreboard import RedisScoreboard
from shared.clock import utc_now

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Api = Callable[[Answer], AbstractAsyncContextManager[str]]
Campaign = Callable[..., dict[str, Any]]
Listing = Callable[..., Answer]
Show = Callable[..., Awaitable[HtmlElement]]


@pytest.fixture
def chromium() -> str:
    """The browser; without one the tests of the page are skipped, save in CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    missing = (
        "No chromium on PATH: the page was not loaded in a browser. `apt-get install chromium` brings one."
    )
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


async def page_after(browser: str, folder: Path, url: str, *, seconds: int) -> HtmlElement:
    """Load a page, let so much of the browser's own, virtual time pass, and return its document."""
    process = await asyncio.create_subprocess_exec(
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}",
        f"--virtual-time-budget={seconds * 1000}",
        "--dump-dom",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # so that its helper processes can be ended with it
    )
    try:
        async with asyncio.timeout(60):
            dumped, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return document_fromstring(dumped.decode())


@pytest.fixture
def show(
    chromium: str,
    redis_url: str,
    tmp_path: Path,
    api: Api,
    running: Callable[..., AbstractAsyncContextManager[str]],
    token: str,
) -> Show:
    """Show the dashboard of an API that answers so, and return the page after some seconds."""

    async def shown(answer: Answer, *, fragment: str = f"#token={token}", seconds: int = 3) -> HtmlElement:
        async with (
            api(answer) as api_url,
            running(api_url=api_url, redis_url=redis_url) as url,
        ):
            return await page_after(chromium, tmp_path, f"{url}/{fragment}", seconds=seconds)

    return shown


async def _unwell(_request: web.Request) -> web.Response:
    return web.json_response({"status": "error", "error": "Postgres does not answer."}, status=503)


def texts(page: HtmlElement, name: str) -> list[str]:
    """The words of every visible element with this id or class, templates and hidden parts left out."""
    path = (
        f'//*[@id="{name}" or contains(concat(" ", @class, " "), " {name} ")]'
        "[not(ancestor-or-self::*[@hidden] or ancestor::template or ancestor::noscript)]"
    )
    return [" ".join(found.text_content().split()) for found in page.xpath(path)]


async def test_a_campaign_is_shown_with_all_that_a_person_asks(
    show: Show, board: RedisScoreboard, stay: Callable[[], None], listing: Listing, campaign: Campaign
) -> None:
    """Name, status, progress, outcomes, calls in progress, the last hour, and how fresh it all is."""
    board.bump_minute(3, 12, utc_now() - timedelta(minutes=1), calls=8)
    await board.publish_process("dialer", "a", {"dialer_capacity": 200}, {})
    await board.publish_process("pacer", "p", {}, {})
    stay()
    page = await show(listing(campaign(12)))
    assert texts(page, "name") == ["Flu clinic"]
    assert texts(page, "status") == ["Running"]
    assert texts(page, "now-count") == ["3"]
    assert texts(page, "progress-head") == ["47 of 60 final 78%"]
    assert texts(page, "progress-rest") == ["10 ready · 3 trying"]
    assert texts(page, "progress-refused") == ["1 line refused"]
    assert texts(page, "outcome") == ["Answered 42", "No answer 5"]
    assert texts(page, "minutes")[0].endswith("peak 8")
    assert texts(page, "platform") == ["1 dialer, room for 200 calls · 1 pacer"]
    assert re.fullmatch(r"Updated [0-9:]{8}", texts(page, "updated")[0])
    assert texts(page, "notice") == [""]


async def test_progress_and_the_last_hour_can_be_heard(
    show: Show, board: RedisScoreboard, listing: Listing, campaign: Campaign
) -> None:
    """A screen reader gets the bar as a value and the sparkline as a sentence."""
    board.bump_minute(3, 12, utc_now() - timedelta(minutes=1), calls=8)
    await board.flush()
    page = await show(listing(campaign(12)))
    (bar,) = page.xpath('//article//*[@role="progressbar"][not(ancestor::template)]')
    assert (bar.get("aria-valuenow"), bar.get("aria-valuemax")) == ("47", "60")
    (chart,) = page.xpath('//article//*[@role="img"][not(ancestor::template)]')
    assert chart.get("aria-label") == "Calls per minute over the last hour: 8 calls, at most 8 in a minute."
    assert chart.xpath('.//*[@class="spark-past"]')[0].get("d").count("M") == 59


async def test_a_hold_is_explained_in_its_own_words(show: Show, listing: Listing, campaign: Campaign) -> None:
    """Whoever wonders why nobody is called reads the reason."""
    page = await show(listing(campaign(12, held="The trunk north-1 is down.")))
    assert texts(page, "status") == ["Held"]
    assert texts(page, "held") == ["The trunk north-1 is down."]


async def test_hostile_names_are_only_text(show: Show, listing: Listing, campaign: Campaign) -> None:
    """Markup in a name, a nickname or a reason is shown as it is written, and runs nothing."""
    attack = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
    page = await show(
        listing(
            campaign(
                12,
                name=attack,
                held=attack,
                schedule_nickname=attack,
                status=attack,
                profiles=[{"profile_id": 1, "nickname": attack, "start_time": attack, "end_time": attack}],
                outcomes={attack: 3},
            )
        )
    )
    assert texts(page, "name") == [attack]
    assert texts(page, "held") == [attack]
    assert page.xpath("//img | //article//script") == []
    assert page.xpath("//title")[0].text == "3 calls · Paceline"


async def test_running_campaigns_come_first_and_the_newest_of_them_at_the_top(
    show: Show, listing: Listing, campaign: Campaign
) -> None:
    """What calls people now is what is looked at."""
    statuses = {1: "RUNNING", 2: "DONE", 3: "RUNNING", 4: "STOPPED", 5: "READY"}
    page = await show(listing(*(campaign(n, name=f"c{n}", status=status) for n, status in statuses.items())))
    assert texts(page, "name") == ["c3", "c1", "c5", "c4", "c2"]


async def test_without_campaigns_the_page_says_what_to_do(show: Show, listing: Listing) -> None:
    """An empty list is an invitation."""
    page = await show(listing())
    assert texts(page, "empty")[0].startswith("No campaign yet. Create one with POST /api/campaigns")


async def test_without_a_token_the_page_asks_for_one(
    show: Show, listing: Listing, campaign: Campaign
) -> None:
    """A form, and nothing of the board."""
    page = await show(listing(campaign(12)), fragment="")
    assert texts(page, "entry")[0].startswith("Watch your campaigns API token")
    assert texts(page, "board") == []


async def test_a_token_that_is_refused_is_asked_for_again(
    show: Show, listing: Listing, campaign: Campaign
) -> None:
    """The API's sentence stands above the form."""
    page = await show(listing(campaign(12)), fragment="#token=wrong")
    assert texts(page, "notice") == ["This token is not known or has expired."]
    assert len(texts(page, "entry")) == 1


async def test_when_the_api_is_unwell_the_page_says_so(show: Show) -> None:
    """The sentence of the 503, and no figures that nobody vouches for."""
    page = await show(_unwell)
    assert texts(page, "notice") == ["Postgres does not answer. The page asks again every second."]
    assert texts(page, "board") == []


async def test_figures_that_are_no_longer_news_are_marked_as_such(
    show: Show, listing: Listing, campaign: Campaign
) -> None:
    """When answers stop coming, the last figures stay, and the page says from when they are and why."""
    answers = iter([listing(campaign(12))])

    async def once_well(request: web.Request) -> web.StreamResponse:
        return await next(answers, _unwell)(request)

    page = await show(once_well, seconds=10)
    assert re.fullmatch(
        r"Postgres does not answer\. The figures below are from [0-9:]{8}\.", texts(page, "notice")[0]
    )
    assert "stale" in page.xpath("//body")[0].get("class")
    assert texts(page, "name") == ["Flu clinic"]


async def test_the_page_asks_once_a_second(show: Show, listing: Listing, campaign: Campaign) -> None:
    """Figures are a second old, and a page costs one question a second."""
    asked = 0
    well = listing(campaign(12))

    async def counting(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return await well(request)

    await show(counting, seconds=10)
    assert 8 <= asked <= 11
