"""The road under a user's feet: phone lists in, results out, whatever dies in between.

The witnesses are the customer's own two addresses: what was asked of start_url and what was posted to result_url.
"""

import asyncio
import io
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from tests.area_codes import AREAS

pytestmark = pytest.mark.acceptance

#: 600 characters: forty seconds of speech for whoever listens that long.
LONG_MESSAGE = (
    "<vxml version='2.1'><form><block><prompt>" + "Please listen. " * 40 + "</prompt></block></form></vxml>"
)


class Platform(Protocol):
    """What these tests need of the running platform."""

    api: str
    token: str
    database_url: str

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a process."""

    def pids(self) -> dict[str, int]:
        """Return the process ids."""

    def wait_restarted(self, name: str, old_pid: int, *, within_seconds: float = 240) -> int:
        """Wait for a process to be replaced."""


Start = Callable[..., Any]


@dataclass
class Customer:
    """The two addresses of a customer."""

    base: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    results: list[dict[str, str]] = field(default_factory=list)
    webhook_ids: Counter[str] = field(default_factory=Counter)

    async def application(self, request: web.Request) -> web.Response:
        """Serve the application; every request is an answered call."""
        self.asked[str((await request.post())["message_reference"])] += 1
        return web.Response(text=LONG_MESSAGE, content_type="text/xml")

    async def result(self, request: web.Request) -> web.Response:
        """Take a result."""
        self.webhook_ids[request.headers["webhook-id"]] += 1
        self.results.append({name: str(value) for name, value in (await request.post()).items()})
        return web.Response(text="ok")

    def references(self) -> Counter[str]:
        """Count the results of each reference."""
        return Counter(result["message_reference"] for result in self.results)


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


@dataclass
class Client:
    """A client of the public API."""

    session: aiohttp.ClientSession
    platform: Platform
    customer: Customer

    async def post(self, path: str, **fields: str | bytes) -> tuple[int, Any]:
        """Post a form; bytes are sent as a file."""
        form = aiohttp.FormData()
        for name, value in fields.items():
            if isinstance(value, bytes):
                form.add_field(name, io.BytesIO(value), filename="numbers.csv")
            else:
                form.add_field(name, value)
        async with self.session.post(path, data=form) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON, asserted on by whoever asks
        """Get a document."""
        async with self.session.get(path) as answer:
            return await answer.json()

    async def campaign(self, lines: list[str], *, per_minute: int) -> int:
        """Make a campaign that is open around the clock, start it, and return its id."""
        name = f"{id(lines)}"
        await self.post("/api/schedules", days='["mon","tue","wed","thu","fri","sat","sun"]', nickname=name)
        await self.post(
            "/api/profiles", period="1", amount_per_period=str(per_minute), time_between_periods="0", nickname=name
        )  # fmt: skip
        status, made = await self.post(
            "/api/campaigns", start_date="2026-01-01", end_date="2199-12-31", schedule=name,
            profiles=json.dumps([{"profile": name, "start_time": "00:00", "end_time": "24:00"}]),
            start_url=f"{self.customer.base}/application", result_url=f"{self.customer.base}/result",
            phone_numbers="\n".join(lines).encode(),
        )  # fmt: skip
        assert (status, made["response"]["accepted"]) == (200, len(lines)), made
        campaign_id = int(made["response"]["id"])
        assert await self.post("/api/campaigns/start", campaign_id=str(campaign_id)) == (
            200,
            {"status": "success"},
        )
        return campaign_id

    async def sql(self, statement: str) -> list[asyncpg.Record]:
        """Ask the database itself."""
        connection = await asyncpg.connect(self.platform.database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()


async def until(met: Callable[[], bool], *, seconds: float) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.05)


async def restarted(platform: Platform, name: str, old_pid: int) -> None:
    """Wait for a process to be replaced, while the customer goes on answering: it gives up on one that does not."""
    await asyncio.to_thread(platform.wait_restarted, name, old_pid)


async def client_of(platform: Platform, customer: Customer) -> Client:
    """Return a client; its session is closed by the test's end."""
    session = aiohttp.ClientSession(platform.api, headers={"Authorization": f"Bearer {platform.token}"})
    return Client(session, platform, customer)


def lines(count: int, *, last_two: tuple[int, ...]) -> list[str]:
    """Return phone list lines to different people, with callees in turn."""
    return [
        f"tel:+1{AREAS[n // len(last_two)]}55501{last_two[n % len(last_two)]:02};ani=+12025550199,invoice-{n}"
        for n in range(count)
    ]


@pytest.mark.parametrize("victim", ["dialer", "pacer"])
async def test_a_killed_process_costs_no_number_and_rings_nobody_twice(
    start_platform: Start, tmp_path: Path, customer: Customer, victim: str
) -> None:
    """SIGKILL in the middle: every number ends final with one result, and no phone was dialed twice."""
    platform = start_platform(
        tmp_path / "data",
        environment={
            "PACELINE_SIMULATOR_SPEED": "10",
            "PACELINE_LEASE_SECONDS": "2",
            "PACELINE_LONGEST_CALL_SECONDS": "5",
            "PACELINE_RING_SECONDS": "15",
            "PACELINE_QUARANTINE_MARGIN_SECONDS": "1",
        },
    ).wait_ready()
    client = await client_of(platform, customer)
    async with client.session:
        count = 120
        campaign_id = await client.campaign(lines(count, last_two=tuple(range(10))), per_minute=900)
        await until(lambda: len(customer.results) >= count // 4, seconds=240)
        old_pid = platform.kill(victim)
        await restarted(platform, victim, old_pid)
        await until(lambda: len(customer.references()) >= count, seconds=240)
        view = await client.get(f"/api/campaigns/{campaign_id}")
        assert view["numbers"]["final"] == view["numbers"]["accepted"] == count
        assert set(customer.references()) == {f"invoice-{n}" for n in range(count)}
        # A delivery may come twice, with the same id; a result is one.
        assert len(customer.webhook_ids) == count
        assert max(customer.asked.values()) == 1
        # An attempt that is withheld after its intent was refused at the edge: it never rang.
        twice = (
            "SELECT 1 FROM attempt WHERE fence IS NOT NULL AND state <> 'WITHHELD'"
            " GROUP BY number_id HAVING count(*) > 1"
        )
        assert await client.sql(twice) == []
        unknown = view["outcomes"].get("Unknown", 0)
        lost = await client.sql("SELECT count(*) FROM attempt WHERE outcome = 10")
        assert unknown == lost[0][0]
        if victim == "pacer":
            assert unknown == 0


@pytest.mark.parametrize("drain_seconds", ["30", "0"])
async def test_a_dialer_that_is_told_to_stop_loses_no_call(
    start_platform: Start, tmp_path: Path, customer: Customer, drain_seconds: str
) -> None:
    """SIGTERM under fifty live calls: with patience they end by themselves, without it they are hung up, recorded."""
    platform = start_platform(
        tmp_path / "data",
        environment={"PACELINE_SIMULATOR_SPEED": "5", "PACELINE_DRAIN_SECONDS": drain_seconds},
    ).wait_ready()
    client = await client_of(platform, customer)
    async with client.session:
        campaign_id = await client.campaign(lines(50, last_two=(0,)), per_minute=3000)
        await until(lambda: len(customer.asked) >= 50, seconds=240)
        view = await client.get(f"/api/campaigns/{campaign_id}")
        assert (
            view["calls_in_progress"] > 0
        )  # fifty, where no busy machine took so long that the first had ended
        old_pid = platform.kill("dialer", signal.SIGTERM)
        await restarted(platform, "dialer", old_pid)
        await until(lambda: len(customer.references()) >= 50, seconds=240)
        assert {result["outcome"] for result in customer.results} == {"Answered"}
        # A delivery may come twice, with the same id, where the customer was slow to answer; a result is one.
        assert len(customer.webhook_ids) == 50
        # What came too late for its instant on a busy machine was withheld before it rang, and was tried again.
        states = await client.sql(
            "SELECT state::text, count(*) FROM attempt WHERE state <> 'WITHHELD' GROUP BY state"
        )
        assert [tuple(row) for row in states] == [("DONE", 50)]


async def test_what_is_wrong_is_refused_in_a_sentence_and_changes_nothing(
    platform: Platform, customer: Customer
) -> None:
    """A bad line, a bad body, a missing field and a wrong token: 4xx, a clear sentence, nothing stored."""
    client = await client_of(platform, customer)
    async with client.session as session:
        before = [await client.get(f"/api/{kind}") for kind in ("schedules", "profiles", "campaigns")]
        status, answer = await client.post("/api/schedules", nickname="no days")
        assert (status, answer) == (422, {"days": ["The days field is required."]})
        status, answer = await client.post(
            "/api/profiles", period="30", amount_per_period="ten", time_between_periods="1"
        )
        assert status == 422
        assert list(answer) == ["amount_per_period"]
        json_type = {"Content-Type": "application/json"}
        async with session.post("/api/schedules", data=b'{"days": ["mon"', headers=json_type) as refused:
            assert refused.status == 400
            assert (await refused.json())["status"] == "error"
        async with session.get("/api/campaigns", headers={"Authorization": "Bearer wrong"}) as refused:
            assert refused.status == 401
            assert refused.headers["WWW-Authenticate"] == "Bearer"
            assert "token" in (await refused.json())["error"]
        status, answer = await client.post(
            "/api/campaigns", start_date="2026-01-01", end_date="2026-01-02", schedule="none of that name",
            profiles='[{"profile":"x","start_time":"08:00","end_time":"09:00"}]', start_url="http://10.0.0.1/x",
            phone_numbers=b"PK\x03\x04 this is a spreadsheet",
        )  # fmt: skip
        assert status == 422
        after = [await client.get(f"/api/{kind}") for kind in ("schedules", "profiles", "campaigns")]
        assert after == before


async def test_a_bad_line_is_kept_with_its_number_and_reason(platform: Platform, customer: Customer) -> None:
    """The good lines are taken, the bad ones are counted and explained, and a list that is none takes nothing."""
    client = await client_of(platform, customer)
    async with client.session:
        good = lines(2, last_two=(0,))
        campaign_id = await client.campaign(good, per_minute=1)
        bad_list = b"tel:+12025550101;ani=+12025550199,late-1\ntel:+1202;ani=+12025550199,short\n"
        status, answer = await client.post(
            "/api/campaigns/add-calls", campaign_id=str(campaign_id), phone_numbers=bad_list
        )
        assert (status, answer["accepted"], answer["refused"]) == (200, 1, 1)
        assert answer["refused_lines"][0]["line"] == 2
        assert answer["refused_lines"][0]["text"].startswith("tel:+1202")
        status, answer = await client.post(
            "/api/campaigns/add-calls", campaign_id=str(campaign_id), phone_numbers=b"\x1f\x8b\x08gzip"
        )
        assert status == 422
        view = await client.get(f"/api/campaigns/{campaign_id}")
        assert view["numbers"]["accepted"] == 3
        assert view["numbers"]["refused"] == 1


async def test_a_long_list_does_not_grow_the_api(platform: Platform, customer: Customer) -> None:
    """100,000 numbers are taken in with less than 100 MB of further memory."""
    client = await client_of(platform, customer)
    async with client.session:
        campaign_id = await client.campaign(lines(1, last_two=(0,)), per_minute=1)
        before_kb = peak_memory_kb(platform.pids()["api"])
        long_list = "".join(f"tel:+1{2_002_000_000 + n};ani=+12025550199,bulk-{n}\n" for n in range(100_000))
        status, answer = await client.post(
            "/api/campaigns/add-calls", campaign_id=str(campaign_id), phone_numbers=long_list.encode()
        )
        assert (status, answer["accepted"]) == (200, 100_000)
        assert peak_memory_kb(platform.pids()["api"]) - before_kb < 100 * 1024


def peak_memory_kb(pid: int) -> int:
    """Return the most memory that a process has had, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])
