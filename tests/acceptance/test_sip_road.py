"""The road with a phone at its end: from a list over HTTP to a SIPp that hears the prompt, and back to a webhook."""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web

from shared.adapters.sip_trunk.espeak import speak
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


async def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for what the platform is to bring about."""
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


async def test_a_trunk_that_is_gone_holds_the_campaign_in_words_and_costs_no_try(
    start_platform: Start, tmp_path: Path, customer: Customer
) -> None:
    """Nobody is at the trunk's address: the campaign says so, tries nothing, and goes on alone when somebody is."""
    port = free_port()
    async with platform_on(start_platform, tmp_path, port) as (session, _platform):
        campaign_id = await campaign(session, customer, "tel:+12025550100;ani=+12025550199,parcel-1")

        async def view() -> dict[str, Any]:
            async with session.get(f"/api/campaigns/{campaign_id}") as answer:
                seen: dict[str, Any] = await answer.json()
                return seen

        async with asyncio.timeout(30):
            while f"127.0.0.1:{port}" not in str((await view())["held"]):
                await asyncio.sleep(0.1)
        assert customer.results == []
        async with (
            open_ear() as (_ear, ear_port),
            callee(
                tmp_path,
                "road",
                calls=1000,
                port=port,
                options=("-key", "ear_port", str(ear_port), "-key", "formats", "0 101"),
            ),
        ):
            await until(lambda: bool(customer.results))
    assert customer.results[0]["outcome"] == "Answered"


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
        async with asyncio.timeout(30):
            while True:
                async with session.get(f"/api/campaigns/{campaign_id}") as answer:
                    if "paceline trunk add" in str((await answer.json())["held"]):
                        break
                await asyncio.sleep(0.1)
        assert "INVITE" not in far.messages()
        stored = (platform.data_dir / "environment").read_text(encoding="utf-8").splitlines()
        words = (shlex.split(line.removeprefix("export "))[0].partition("=") for line in stored)
        environment = {name: value for name, _, value in words}
        added = await asyncio.to_thread(
            paceline, "trunk", "add", "carrier", f"sip:127.0.0.1:{far.port}", **environment
        )
        assert added.returncode == 0, added.stderr
        await until(lambda: bool(customer.results))
    assert customer.results[0]["outcome"] == "Answered"
