"""From a started campaign to its results: the real pacer and dialer, in this process, on real servers.

Only the callees are simulated, twenty-five times as fast as life.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from aiohttp import web

from services.dialer import wiring as dialer
from services.pacer import wiring as pacer
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.adapters.sealing.sealer import Sealer
from shared.clock import utc_now
from shared.domain.callee_hours import CalleeHours
from shared.domain.campaign import Dialect
from shared.domain.disposition import Outcome
from shared.domain.pace import Pace
from shared.domain.phone_list import PhoneEntry
from shared.domain.retry import RetryPolicy
from shared.domain.wall_clock import WEEK, parse_calendar_date
from shared.ports.campaigns import NewCampaign, NewWindow
from shared.process import StopRequest
from shared.settings import Settings
from tests.area_codes import AREAS

SPEED = 25
APPLICATION = """<?xml version="1.0"?>
<vxml version="2.1"><form>
  <field name="choice" type="digits?length=1">
    <prompt>Press one to confirm your appointment.</prompt>
    <noinput><exit expr="'silent'"/></noinput>
    <filled><exit namelist="choice"/></filled>
  </field>
</form></vxml>"""

#: Two hours of speech.
LONG_APPLICATION = (
    "<vxml version='2.1'><form><block><prompt>" + "Hold. " * 20_000 + "</prompt></block></form></vxml>"
)


@dataclass
class Receiver:
    """A customer's two addresses: the application and the results."""

    application: str = APPLICATION
    application_status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    results: list[dict[str, str]] = field(default_factory=list)
    base: str = ""

    async def vxml(self, request: web.Request) -> web.Response:
        """Answer with the application and note what was posted."""
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        return web.Response(text=self.application, status=self.application_status, content_type="text/xml")

    async def result(self, request: web.Request) -> web.Response:
        """Take a result."""
        self.results.append({name: str(value) for name, value in (await request.post()).items()})
        return web.Response(text="ok")

    def by_reference(self) -> dict[str, dict[str, str]]:
        """Return the results by message_reference; each came once."""
        found = {result["message_reference"]: result for result in self.results}
        assert len(found) == len(self.results)
        return found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    this = Receiver()
    app = web.Application()
    app.router.add_post("/vxml", this.vxml)
    app.router.add_post("/result", this.result)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    this.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield this
    await runner.cleanup()


async def _at_once(entries: Sequence[PhoneEntry]) -> AsyncIterator[Sequence[PhoneEntry]]:
    """Yield a list as a whole."""
    yield entries


@dataclass
class Platform:
    """A pacer and a dialer that run, and the store of the API beside them."""

    database_url: str
    store: PostgresCampaigns
    tenant_id: int
    receiver: Receiver
    dialer_stop: StopRequest

    async def campaign(
        self,
        numbers: dict[str, str],
        *,
        per_minute: int = 3000,
        start: bool = True,
        retry: RetryPolicy | None = None,
        callee_hours: CalleeHours | None = None,
        homes: Mapping[str, str] | None = None,
    ) -> int:
        """Make a campaign of number -> reference, open around the clock; `homes` are time zones by number."""
        schedule = await self.store.create_schedule(self.tenant_id, None, WEEK)
        profile = await self.store.create_profile(
            self.tenant_id, None, Pace(period_minutes=1, amount=per_minute)
        )
        campaign = NewCampaign(
            dialect=Dialect.PLUM, name=None, first_date=parse_calendar_date("2026-01-01", field="d"),
            last_date=parse_calendar_date("2199-01-01", field="d"), time_zone="America/New_York",
            schedule_id=schedule.schedule_id,
            windows=(NewWindow(opens_minute=0, closes_minute=1440, profile_id=profile.profile_id),),
            start_url=f"{self.receiver.base}/vxml", result_url=f"{self.receiver.base}/result",
            retry=retry or RetryPolicy(), callee_hours=callee_hours,
        )  # fmt: skip
        entries = [
            PhoneEntry(place, number, "+12025550199", None, ref, (), (homes or {}).get(number))
            for place, (number, ref) in enumerate(numbers.items(), 1)
        ]
        taken = await self.store.create_campaign(self.tenant_id, campaign, _at_once(entries))
        assert taken.accepted == len(numbers)
        if start:
            await self.store.start(self.tenant_id, Dialect.PLUM, taken.campaign_id)
        return taken.campaign_id

    async def sql(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run a statement as the owner, who is bound by row-level security no more than a superuser is."""
        connection = await asyncpg.connect(self.database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    async def until(self, met: Callable[[], Awaitable[bool]], *, seconds: float = 180) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(seconds):
            while not await met():
                await asyncio.sleep(0.05)

    async def until_results(self, count: int, *, seconds: float = 180) -> dict[str, dict[str, str]]:
        """Wait for so many results and return them by reference."""

        async def arrived() -> bool:
            return len(self.receiver.results) >= count

        await self.until(arrived, seconds=seconds)
        return self.receiver.by_reference()


@asynccontextmanager
async def running(
    database_url: str, redis_url: str, key_file: Path, receiver: Receiver, *, callee_gap_seconds: int = 0
) -> AsyncIterator[Platform]:
    """Run a pacer and a dialer for the block."""
    settings = Settings(
        DATABASE_URL=database_url, REDIS_URL=redis_url, secret_key_file=key_file, simulator_speed=SPEED,
        egress_allow=["127.0.0.0/8"], ring_seconds=15, longest_call_seconds=3600, log_level="error", drain_seconds=0,
        callee_gap_seconds=callee_gap_seconds,
    )  # fmt: skip  # the two addresses go by their aliases
    token = await create_token(database_url, tenant="t", name="n", sealer=Sealer.from_key_file(key_file))
    database = await Database.connect(database_url, role="paceline_api", size=2)
    store = PostgresCampaigns(database)
    pacer_stop, dialer_stop = StopRequest(), StopRequest()
    tasks = [
        asyncio.create_task(pacer.serve(settings, pacer_stop)),
        asyncio.create_task(dialer.serve(settings, dialer_stop)),
    ]
    try:
        yield Platform(database_url, store, await store.tenant_of(token_hash(token)), receiver, dialer_stop)
    finally:
        pacer_stop.signalled()
        dialer_stop.signalled()
        await asyncio.gather(*tasks)
        await database.close()


@pytest.fixture
async def platform(
    database_url: str, redis_url: str, key_file: Path, receiver: Receiver
) -> AsyncIterator[Platform]:
    """A pacer and a dialer."""
    async with running(database_url, redis_url, key_file, receiver) as this:
        yield this


async def test_every_callee_ends_in_its_own_result(platform: Platform) -> None:
    """Ten callees, ten results with their references, each with the outcome that its callee makes."""
    await platform.campaign({f"+120255501{n:02}": f"ref-{n:02}" for n in range(10)})
    results = await platform.until_results(10)
    outcomes = {reference: (result["result"], result["outcome"]) for reference, result in results.items()}
    assert outcomes == {
        "ref-00": ("completed", "Answered"),
        "ref-01": ("failed", "Busy"),
        "ref-02": ("failed", "NoAnswer"),
        "ref-03": ("completed", "AnswerphoneMessageLeft"),
        "ref-04": ("completed", "Fax"),
        "ref-05": ("failed", "Unobtainable"),
        "ref-06": ("failed", "NoConnection"),
        "ref-07": ("failed", "NoAnswer"),
        "ref-08": ("completed", "Answered"),
        "ref-09": ("completed", "Answered"),
    }
    assert results["ref-09"]["exit.choice"] == "1"
    assert results["ref-00"]["exit.expr"] == "silent"
    assert results["ref-07"]["stage"] == "3"
    assert all(result["attempts"] == "1" for result in results.values())
    assert int(results["ref-09"]["duration"]) > 0


async def test_the_application_is_told_whom_it_talks_to(platform: Platform) -> None:
    """start_url gets the number, the reference, the call id and the campaign id, by POST."""
    campaign_id = await platform.campaign({"+12025550109": "invoice 7 & 8"})
    results = await platform.until_results(1)
    assert platform.receiver.asked == [
        {
            "phone_number": "+12025550109",
            "message_reference": "invoice 7 & 8",
            "call_id": results["invoice 7 & 8"]["call_id"],
            "campaign_id": str(campaign_id),
        }
    ]


@pytest.mark.parametrize(
    ("status", "document"), [(500, APPLICATION), (200, "this is no VoiceXML"), (200, "<vxml version='2.1'/>")]
)
async def test_a_broken_application_drops_the_call_and_says_so(
    platform: Platform, status: int, document: str
) -> None:
    """The callee was reached, the result says CallDropped, and nobody is called again."""
    platform.receiver.application_status, platform.receiver.application = status, document
    await platform.campaign({"+12025550100": "ref"})
    results = await platform.until_results(1)
    # An empty document is valid and ends at once, by its own will.
    assert results["ref"]["outcome"] == "Answered"
    assert results["ref"]["stage"] == ("10" if document.endswith("/>") else "20")


async def test_stop_leaves_every_other_number_undialed_and_start_goes_on(platform: Platform) -> None:
    """After the stop no further attempt becomes a call; after the start all the rest do, none twice."""
    numbers = {f"+1{area}5550105": f"ref-{area}" for area in AREAS[:40]}
    campaign_id = await platform.campaign(numbers, per_minute=600)
    await platform.until_results(5)
    await platform.store.stop(platform.tenant_id, Dialect.PLUM, campaign_id)
    dialed = "SELECT count(*) FROM attempt WHERE intent_at IS NOT NULL"
    at_stop = (await platform.sql(dialed))[0][0]
    open_attempts = "SELECT count(*) FROM attempt WHERE state NOT IN ('DONE', 'WITHHELD')"

    async def settled() -> bool:
        return bool((await platform.sql(open_attempts))[0][0] == 0)

    await platform.until(settled)
    after_stop = (await platform.sql(dialed))[0][0]
    assert after_stop - at_stop <= 2  # what passed its gate in the very moment of the stop
    assert after_stop < len(numbers)
    await platform.store.start(platform.tenant_id, Dialect.PLUM, campaign_id)
    assert set(await platform.until_results(len(numbers))) == set(numbers.values())
    twice = "SELECT 1 FROM attempt WHERE state = 'DONE' GROUP BY number_id HAVING count(*) > 1"
    assert await platform.sql(twice) == []


async def test_a_hold_keeps_a_campaign_from_dialing_until_it_is_released(platform: Platform) -> None:
    """Nothing is dialed under a hold; its release is enough to go on."""
    await platform.sql("INSERT INTO hold (tenant_id, reason) VALUES (0, 'carrier maintenance')")
    campaign_id = await platform.campaign({"+12025550105": "ref"})
    view = await platform.store.campaign(platform.tenant_id, Dialect.PLUM, campaign_id)
    assert view.held_because == "carrier maintenance"
    await asyncio.sleep(1.5)  # three looks of the pacer
    assert (await platform.sql("SELECT count(*) FROM attempt"))[0][0] == 0
    await platform.sql("UPDATE hold SET released_at = clock_timestamp()")
    assert set(await platform.until_results(1)) == {"ref"}


@pytest.mark.parametrize("by", ["stop", "hold"])
async def test_calls_under_way_are_hung_up_when_that_is_wanted(platform: Platform, by: str) -> None:
    """Every call is over long before its application is, recorded as what it was, and nothing more is dialed."""
    platform.receiver.application = LONG_APPLICATION
    campaign_id = await platform.campaign({f"+1{area}5550100": f"r{area}" for area in AREAS[:20]})

    async def all_talk() -> bool:
        return len(platform.receiver.asked) == 20

    await platform.until(all_talk)
    if by == "stop":
        await platform.store.stop(platform.tenant_id, Dialect.PLUM, campaign_id, hang_up=True)
    else:
        await platform.sql("INSERT INTO hold (tenant_id, reason, hang_up) VALUES (0, 'emergency', true)")
    results = await platform.until_results(20)
    assert {result["outcome"] for result in results.values()} == {"Answered"}


async def test_a_blocked_number_is_never_dialed(platform: Platform) -> None:
    """It ends as ExcludedNumber, rejected, with no attempt that was a call."""
    statement = "INSERT INTO blocklist (tenant_id, e164, reason) VALUES ($1, '+12025550100', 'asked for it')"
    await platform.sql(statement, platform.tenant_id)
    await platform.campaign({"+12025550100": "blocked", "+12025550105": "free"})
    results = await platform.until_results(2)
    assert (results["blocked"]["result"], results["blocked"]["outcome"]) == ("rejected", "ExcludedNumber")
    assert results["blocked"]["attempts"] == "0"
    assert (await platform.sql("SELECT count(*) FROM attempt WHERE state = 'DONE'"))[0][0] == 1


async def test_one_person_in_two_campaigns_is_never_on_two_calls(platform: Platform) -> None:
    """The second campaign's attempt waits until the first call is over, and costs no try."""
    # The first call lasts, however late the second campaign comes.
    platform.receiver.application = LONG_APPLICATION
    campaigns = [await platform.campaign({"+12025550100": name}) for name in ("first", "second")]

    async def rung() -> bool:
        return bool(await platform.sql("SELECT 1 FROM attempt WHERE withheld_because LIKE 'another call%'"))

    async def talks() -> bool:
        return bool(platform.receiver.asked)

    await platform.until(rung)
    await platform.until(talks)
    for campaign_id in campaigns:
        await platform.store.stop(platform.tenant_id, Dialect.PLUM, campaign_id, hang_up=True)
    await platform.until_results(1)
    overlapping = await platform.sql(
        "SELECT 1 FROM attempt a JOIN attempt b ON a.attempt_id < b.attempt_id"
        " WHERE a.intent_at < b.ended_at AND b.intent_at < a.ended_at"
    )
    assert overlapping == []


async def test_nobody_is_called_outside_his_own_hours(platform: Platform) -> None:
    """Of sixty people all over the world those are called whose clocks allow it, and nobody else until the very end.

    Whoever was never called has his one result, OutOfTime, when the campaign is over; nothing is lost.
    """
    zones = [f"Etc/GMT{hours:+d}" for hours in range(-12, 12)] + ["America/New_York", "Asia/Tokyo"]
    homes = {f"+1202555{number:04}": zones[number % len(zones)] for number in range(60)}
    numbers = {number: f"r{number}" for number in homes}
    # Half an hour from now on every clock, so that nobody's hours begin or end while this is going on.
    minute = (utc_now().minute + 30) % 60
    hours = CalleeHours(from_minute=8 * 60 + minute, until_minute=20 * 60 + minute)

    def may_be_called(number: str, at: datetime) -> bool:
        here = at.astimezone(ZoneInfo(homes[number]))
        return hours.from_minute <= here.hour * 60 + here.minute < hours.until_minute

    open_now = {number for number in homes if may_be_called(number, utc_now())}
    campaign_id = await platform.campaign(numbers, callee_hours=hours, homes=homes)

    async def all_who_may_be_called() -> bool:
        return open_now <= {result["phone_number"] for result in platform.receiver.results}

    await platform.until(all_who_may_be_called)
    # An attempt that came too late on a busy machine was withheld before its intent: it called nobody.
    called = await platform.sql(
        "SELECT e164, intent_at FROM attempt JOIN number USING (number_id) WHERE intent_at IS NOT NULL"
    )
    assert {row["e164"] for row in called} == open_now
    assert all(may_be_called(row["e164"], row["intent_at"]) for row in called)
    view = await platform.store.campaign(platform.tenant_id, Dialect.PLUM, campaign_id)
    assert view.numbers.ready == len(homes) - len(open_now)
    assert all("allowed" in why for why in view.withheld)
    await platform.sql("UPDATE campaign SET last_date = first_date")
    await platform.sql("UPDATE campaign_pacing SET look_at = clock_timestamp()")
    results = await platform.until_results(len(homes))
    never = {ref for ref, result in results.items() if result["outcome"] == "OutOfTime"}
    assert never == {numbers[number] for number in homes.keys() - open_now}
    assert {results[ref]["attempts"] for ref in never} == {"0"}


async def test_two_campaigns_leave_a_person_in_peace_between_their_calls(
    database_url: str, redis_url: str, key_file: Path, receiver: Receiver
) -> None:
    """The second call and every retry come no sooner than the gap after the end of the one before, and cost one try."""
    gap_seconds = 2
    policy = RetryPolicy(tries=2, intervals_seconds=(0,))
    async with running(
        database_url, redis_url, key_file, receiver, callee_gap_seconds=gap_seconds
    ) as platform:
        for name in ("first", "second"):
            await platform.campaign({"+12025550101": name}, retry=policy)
        results = await platform.until_results(2)
        assert {result["attempts"] for result in results.values()} == {"2"}
        calls = await platform.sql(
            "SELECT intent_at - lag(ended_at) OVER (ORDER BY intent_at) AS rest FROM attempt WHERE state = 'DONE'"
        )
    assert len(calls) == 4
    assert all(call["rest"].total_seconds() >= gap_seconds for call in calls if call["rest"] is not None)


async def test_a_number_is_tried_as_often_as_its_policy_says(platform: Platform) -> None:
    """One budget of three calls; an outcome with its own interval keeps it, and the result counts every call."""
    policy = RetryPolicy(
        tries=3, intervals_seconds=(3600,), by_outcome_seconds={Outcome.BUSY: 1, Outcome.NO_CONNECTION: 0}
    )
    await platform.campaign(
        {"+12025550101": "busy", "+12025550106": "down", "+12025550105": "dead"}, retry=policy
    )
    results = await platform.until_results(3)
    assert {ref: (result["outcome"], result["attempts"]) for ref, result in results.items()} == {
        "busy": ("Busy", "3"),
        "down": ("NoConnection", "3"),
        "dead": ("Unobtainable", "1"),
    }
    paused = await platform.sql(
        "SELECT a.intent_at - b.ended_at AS pause FROM attempt a JOIN attempt b USING (number_id)"
        " JOIN number USING (number_id) WHERE a.ordinal = b.ordinal + 1 AND e164 = '+12025550101'"
    )
    assert len(paused) == 2
    assert all(row["pause"].total_seconds() >= 1 for row in paused)


async def test_a_retry_after_the_last_window_is_out_of_time(platform: Platform) -> None:
    """The next try would come after the campaign's last day: the number ends at once, with the call that it had."""
    policy = RetryPolicy(tries=2, by_outcome_seconds={Outcome.BUSY: 28 * 24 * 3600})
    campaign_id = await platform.campaign({"+12025550101": "busy"}, retry=policy, start=False)
    await platform.sql("UPDATE campaign SET last_date = current_date + 2")
    await platform.store.start(platform.tenant_id, Dialect.PLUM, campaign_id)
    results = await platform.until_results(1)
    assert (results["busy"]["outcome"], results["busy"]["attempts"]) == ("OutOfTime", "1")


async def test_counts_add_up_when_all_is_done(platform: Platform) -> None:
    """Accepted equals final, outcomes and results add up to it, and every delivery arrived."""
    campaign_id = await platform.campaign({f"+120255501{n:02}": f"r{n}" for n in (1, 5, 6)})
    await platform.until_results(3)
    view = await platform.store.campaign(platform.tenant_id, Dialect.PLUM, campaign_id)
    assert view.numbers.accepted == view.numbers.final == 3
    assert dict(view.outcomes) == {"Busy": 1, "Unobtainable": 1, "NoConnection": 1}
    assert dict(view.results) == {"failed": 3}

    async def all_delivered() -> bool:
        states = await platform.sql("SELECT state::text FROM delivery")
        return [row["state"] for row in states] == ["DELIVERED"] * 3

    await platform.until(all_delivered)
