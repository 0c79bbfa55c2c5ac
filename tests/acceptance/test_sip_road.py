"""The road with a phone at its end: from a list over HTTP to a SIPp that hears the prompt, and back to a webhook."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from shared.adapters.sip_trunk.espeak import speak
from shared.domain.retry import Withheld
from tests.sip.callee import callee, free_port, need
from tests.sip.ear import correlation, linear, open_ear

pytestmark = pytest.mark.acceptance

MESSAGE: Final = "Your parcel arrives today."
APPLICATION: Final = (
    f"<vxml version='2.1'><form><block><prompt>{MESSAGE}</prompt><exit/></block></form></vxml>"
)
Start = Callable[..., Any]


@dataclass
class Customer:
    """The two addresses of a customer, and what came to them."""

    base: str = ""
    results: list[dict[str, str]] = field(default_factory=list)

    async def application(self, _request: web.Request) -> web.Response:
        """Serve the application."""
        return web.Response(text=APPLICATION, content_type="text/xml")

    async def result(self, request: web.Request) -> web.Response:
        """Take a result."""
        self.results.append({name: str(value) for name, value in (await request.post()).items()})
        return web.Response(text="ok")


@pytest.fixture
async def customer() -> AsyncIterator[Customer]:
    """A customer on loopback."""
    this = Customer()
    app = web.Application()
    app.router.add_post("/application", this.application)
    app.router.add_post("/result", this.result)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    this.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield this
    await runner.cleanup()


@asynccontextmanager
async def platform_on(
    start_platform: Start, folder: Path, port: int | None
) -> AsyncIterator[tuple[aiohttp.ClientSession, Any]]:
    """Start a platform whose trunk is a port of the loopback, or none; yields a client of its API, and the platform."""
    need("espeak-ng", "espeak-ng")
    platform = start_platform(
        folder / "data",
        options=["--telephony", "sip"],
        environment={
            "PACELINE_SIP_TRUNK": "" if port is None else f"sip:127.0.0.1:{port}",
            "PACELINE_SIP_LISTEN": "127.0.0.1:0",
        },
    )
    await asyncio.to_thread(platform.wait_ready)
    headers = {"Authorization": f"Bearer {platform.token}"}
    async with aiohttp.ClientSession(platform.api, headers=headers) as session:
        yield session, platform


async def campaign(session: aiohttp.ClientSession, customer: Customer, *lines: str) -> str:
    """Make and start a campaign that calls at any hour; returns its id."""
    days = json.dumps(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
    await post(session, "/api/schedules", days=days, nickname="always")
    await post(
        session, "/api/profiles", period="1", amount_per_period="600", time_between_periods="0", nickname="fast"
    )  # fmt: skip
    made = await post(
        session, "/api/campaigns", start_date="2026-01-01", end_date="2199-12-31", schedule="always",
        profiles=json.dumps([{"profile": "fast", "start_time": "00:00", "end_time": "24:00"}]),
        start_url=f"{customer.base}/application", result_url=f"{customer.base}/result",
        phone_numbers="\n".join(lines),
    )  # fmt: skip
    campaign_id = str(made["response"]["id"])
    await post(session, "/api/campaigns/start", campaign_id=campaign_id)
    return campaign_id


async def post(session: aiohttp.ClientSession, path: str, **fields: str) -> dict[str, Any]:
    """Post a form; a phone list is a file."""
    form = aiohttp.FormData()
    for name, value in fields.items():
        if name == "phone_numbers":
            form.add_field(name, value.encode(), filename="numbers.csv")
        else:
            form.add_field(name, value)
    async with session.post(path, data=form) as answer:
        assert answer.status == 200, await answer.text()
        answered: dict[str, Any] = await answer.json()
        return answered


async def until(condition: Callable[[], bool], *, seconds: float = 180) -> None:
    """Wait for what the platform is to bring about; a number that no trunk took rests for half a minute first."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_number_is_rung_hears_its_prompt_and_has_its_result(
    start_platform: Start, tmp_path: Path, customer: Customer
) -> None:
    """From a list by HTTP to the callee's ear, and from its good-bye to the webhook."""
    async with open_ear() as (ear, ear_port):
        options = ("-key", "ear_port", str(ear_port), "-key", "formats", "0 101")
        async with (
            callee(tmp_path, "road", calls=1000, options=options) as far,
            platform_on(start_platform, tmp_path, far.port) as (session, platform),
        ):
            await campaign(session, customer, "tel:+12025550100;ani=+12025550199,parcel-1")
            await until(lambda: bool(customer.results))
            assert await asyncio.to_thread(platform.stop) == 0
    result = customer.results[0]
    assert (result["message_reference"], result["result"], result["outcome"]) == (
        "parcel-1",
        "completed",
        "Answered",
    )
    assert correlation(linear(ear.heard()), linear(speak(MESSAGE, "en-US"))) > 0.98
    assert "INVITE sip:+12025550100@127.0.0.1" in far.messages()
    assert "<sip:+12025550199@" in far.messages()


@pytest.mark.parametrize("gone_seconds", [0, pytest.param(60, marks=pytest.mark.drill)])
async def test_a_trunk_that_goes_under_a_campaign_costs_no_try(
    start_platform: Start, paceline: Callable[..., Any], tmp_path: Path, customer: Customer, gone_seconds: int
) -> None:
    """SIPp is killed: the campaign names the trunk, spends no try, goes on alone, and rings no number twice.

    Numbers whose call no trunk took rest for half a minute: only after a whole minute are all in line again.
    """
    numbers = [f"+120255501{last:02}" for last in range(100)]
    port = free_port()
    async with (
        open_ear() as (_ear, ear_port),
        platform_on(start_platform, tmp_path, None) as (session, platform),
    ):
        options = ("-key", "ear_port", str(ear_port), "-key", "formats", "0 101")
        async with callee(folder(tmp_path, "before"), "road", calls=1000, port=port, options=options) as far:
            await add_trunk(paceline, platform, port)
            campaign_id = await campaign(session, customer, *(f"tel:{number},{number}" for number in numbers))
            await until(lambda: len(rung(far.messages())) >= 4)
            far.process.kill()
            await far.process.wait()
            heard, picked_up = rung(far.messages()), answered(far.messages())
        name = f"the trunk carrier (127.0.0.1:{port})"
        await until_said(session, campaign_id, f"{name} is down")
        assert name in await status(paceline, platform, campaign_id)
        assert name in await shown(platform)
        standing = await until_waiting(platform)
        await asyncio.sleep(gone_seconds)
        assert await until_waiting(platform) == standing
        tries = standing["tries"]
        assert standing["fresh"] == len(numbers) - tries
        # On a busy machine some come too late for their instant, and some lie unread where SIPp was: those were sent.
        assert {Withheld.NO_TRUNK} <= standing["withheld"] <= {Withheld.NO_TRUNK, Withheld.LATE}
        unread = tries - len(heard)
        assert unread >= 0
        await until(lambda: len(customer.results) == tries)
        enough = len(numbers) if gone_seconds else tries + 10
        async with callee(folder(tmp_path, "after"), "road", calls=1000, port=port, options=options) as far:
            await until(lambda: len(customer.results) >= enough)
            assert (await view(session, campaign_id))["held"] is None
            assert await asyncio.to_thread(platform.stop) == 0
            heard += rung(far.messages())
            picked_up |= answered(far.messages())
    assert len(heard) == len(set(heard)) >= enough - unread
    assert set(heard) <= set(numbers)
    outcomes = {result["message_reference"]: result["outcome"] for result in customer.results}
    assert len(outcomes.keys() - set(heard)) <= unread
    # What rang when SIPp died may have spent its try without an answer; all that came after has one.
    assert len(picked_up) >= enough - tries
    assert {outcome for number, outcome in outcomes.items() if number in picked_up} == {"Answered"}


def folder(parent: Path, name: str) -> Path:
    """Make a folder for one SIPp."""
    made = parent / name
    made.mkdir()
    return made


def invited(messages: str) -> dict[str, str]:
    """Return the number of every call that a SIPp was asked for by its Call-ID, however often its INVITE came."""
    calls = re.findall(r"^INVITE sip:(\+[0-9]+)@.*?^Call-ID: (\S+)", messages, flags=re.MULTILINE | re.DOTALL)
    return {call_id: number for number, call_id in calls}


def rung(messages: str) -> list[str]:
    """Return the number of every call that a SIPp was asked for, one that was called twice twice."""
    return list(invited(messages).values())


def answered(messages: str) -> set[str]:
    """Return the numbers of the calls that a SIPp has picked up."""
    picked_up = re.findall(
        r"^SIP/2\.0 200 OK(?:(?!^SIP/|^INVITE ).)*?^Call-ID: (\S+)\s+^CSeq: [0-9]+ INVITE",
        messages,
        flags=re.MULTILINE | re.DOTALL,
    )
    calls = invited(messages)
    return {calls[call_id] for call_id in picked_up if call_id in calls}


async def add_trunk(paceline: Callable[..., Any], platform: Any, port: int) -> None:  # noqa: ANN401 - a Platform
    """Add the trunk `carrier` as an operator of this platform does."""
    stored = (platform.data_dir / "environment").read_text(encoding="utf-8").splitlines()
    words = (shlex.split(line.removeprefix("export "))[0].partition("=") for line in stored)
    environment = {name: value for name, _, value in words}
    added = await asyncio.to_thread(
        paceline, "trunk", "add", "carrier", f"sip:127.0.0.1:{port}", "--channels", "100", **environment
    )
    assert added.returncode == 0, added.stderr


async def view(session: aiohttp.ClientSession, campaign_id: str) -> dict[str, Any]:
    """Return a campaign as the API shows it."""
    async with session.get(f"/api/campaigns/{campaign_id}") as answer:
        seen: dict[str, Any] = await answer.json()
        return seen


async def until_said(session: aiohttp.ClientSession, campaign_id: str, words: str) -> None:
    """Wait until the campaign says why it is held."""
    async with asyncio.timeout(180):
        while words not in str((await view(session, campaign_id))["held"]):
            await asyncio.sleep(0.1)


async def status(paceline: Callable[..., Any], platform: Any, campaign_id: str) -> str:  # noqa: ANN401 - a Platform
    """Return what `paceline campaign status` says of a campaign."""
    client = {"PACELINE_API": platform.api, "PACELINE_TOKEN": platform.token}
    return str((await asyncio.to_thread(paceline, "campaign", "status", campaign_id, **client)).stdout)


async def shown(platform: Any) -> str:  # noqa: ANN401 - a Platform
    """Return what the dashboard shows of the campaigns."""
    headers = {"Authorization": f"Bearer {platform.token}"}
    async with (
        aiohttp.ClientSession(platform.dashboard, headers=headers) as session,
        session.get("/live") as answer,
    ):
        return await answer.text()


async def until_waiting(platform: Any) -> dict[str, Any]:  # noqa: ANN401 - a Platform
    """Wait until no call is under way; returns numbers without a try, tries, and why others were withheld."""
    connection = await asyncpg.connect(platform.database_url)
    try:
        async with asyncio.timeout(180):
            while await connection.fetchval("SELECT EXISTS (SELECT 1 FROM attempt WHERE ended_at IS NULL)"):
                await asyncio.sleep(0.1)
        (row,) = await connection.fetch(
            "SELECT count(*) FILTER (WHERE tries = 0) AS fresh, sum(tries)::integer AS tries,"
            " (SELECT array_agg(DISTINCT withheld_because::text) FROM attempt"
            "  WHERE withheld_because IS NOT NULL) AS withheld FROM number"
        )
        return dict(row) | {"withheld": set(row["withheld"] or ())}
    finally:
        await connection.close()


async def test_a_trunk_that_is_added_takes_the_calls_that_waited_for_one(
    start_platform: Start, paceline: Callable[..., Any], tmp_path: Path, customer: Customer
) -> None:
    """Without a trunk the campaign says how to add one; with it, a dialer that runs goes on by itself."""
    async with (
        open_ear() as (_ear, ear_port),
        callee(
            tmp_path,
            "road",
            calls=1000,
            options=("-key", "ear_port", str(ear_port), "-key", "formats", "0 101"),
        ) as far,
        platform_on(start_platform, tmp_path, None) as (session, platform),
    ):
        campaign_id = await campaign(session, customer, "tel:+12025550100;ani=+12025550199,parcel-1")
        async with asyncio.timeout(180):
            while True:
                async with session.get(f"/api/campaigns/{campaign_id}") as answer:
                    if "paceline trunk add" in str((await answer.json())["held"]):
                        break
                await asyncio.sleep(0.1)
        assert "INVITE" not in far.messages()
        await add_trunk(paceline, platform, far.port)
        await until(lambda: bool(customer.results))
        await until_no_channel_is_taken(platform)
    assert customer.results[0]["outcome"] == "Answered"


async def until_no_channel_is_taken(platform: Any) -> None:  # noqa: ANN401 - a Platform
    """Wait until every leg that had a place on a trunk has given it back; there was one."""
    connection = await asyncpg.connect(platform.database_url)
    try:
        async with asyncio.timeout(180):
            while await connection.fetchval("SELECT EXISTS (SELECT 1 FROM trunk_place WHERE NOT over)"):
                await asyncio.sleep(0.1)
        assert await connection.fetchval("SELECT is_called FROM trunk_place_place_id_seq")
    finally:
        await connection.close()
