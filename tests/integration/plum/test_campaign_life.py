"""Campaigns started, stopped, changed, given more numbers and deleted: every id from PLUM-63 to PLUM-76."""

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp
import pytest

from services.pacer.planner import Conditions, plan_campaign
from shared.adapters.postgres.campaign_changes import PostgresCampaignChanges
from shared.domain.campaign import Dialect
from shared.domain.gate import GateFacts
from shared.domain.retry import BackInLine, Withheld
from tests.integration.plum.customers import RESULT_URL, START_URL, Customer, World, attached

if TYPE_CHECKING:
    from shared.contracts.dial_job import DialJob

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: As the pacer has it: how far ahead attempts are rung.
HORIZON = timedelta(seconds=2)
TWO = '["+12025550100,one", "+12025550101,two"]'


async def planned(world: World, **fields: object) -> tuple[int, list["DialJob"]]:
    """Start a campaign of two numbers and plan their attempts."""
    campaign_id = await world.acme.campaign(phone_numbers=TWO, **fields)
    await world.acme.start(campaign_id)
    await world.store.dialer()
    jobs = await world.store.tick(campaign_id)
    assert len(jobs) == 2
    return campaign_id, jobs


async def may_ring(world: World, job: "DialJob") -> bool:
    """Tell whether a dialer that has leased the attempt would be let through."""
    leased = await world.store.leased(job)
    verdict = await world.store.attempts().commit_intent(leased, f"fence-{job.attempt_id}")
    if isinstance(verdict, GateFacts):
        assert not verdict.same_epoch or not verdict.campaign_running
        return False
    return True


async def epoch_of(world: World, campaign_id: int) -> int:
    """Return a campaign's epoch."""
    epoch: int = await world.store.one("SELECT epoch FROM campaign WHERE campaign_id = $1", campaign_id)
    return epoch


# Start and stop --------------------------------------------------------------------------------------------------


async def test_a_campaign_is_started(acme: Customer) -> None:
    """PLUM-63: `{"status":"success"}`; a second start is one too and changes nothing, an ended campaign is a 409."""
    campaign_id = await acme.campaign()
    for _ in range(2):
        started = await acme.post("/api/campaigns/start", campaign_id=str(campaign_id))
        assert (started.status, started.body) == (200, {"status": "success"})
        assert (await acme.one(campaign_id))["status"] == "RUNNING"
    over = await acme.campaign(end_date="2026-01-02")
    assert (await acme.post("/api/campaigns/start", campaign_id=str(over))).status == 409


async def test_a_campaign_is_stopped_and_resumed(world: World) -> None:
    """PLUM-64: what was planned does not ring; stopped twice is stopped; a start goes on with the same numbers."""
    campaign_id, [first, _] = await planned(world)
    for _ in range(2):
        stopped = await world.acme.post("/api/campaigns/stop", campaign_id=str(campaign_id))
        assert (stopped.status, stopped.body) == (200, {"status": "success"})
    assert (await world.acme.one(campaign_id))["status"] == "STOPPED"
    assert not await may_ring(world, first)
    await world.acme.start(campaign_id)
    assert (await world.acme.one(campaign_id))["numbers"]["accepted"] == 2


@pytest.mark.parametrize("path", ["start", "stop", "add-calls"])
@pytest.mark.parametrize(
    ("campaign_id", "status"), [(None, 422), ("", 422), ("x", 422), ("-1", 422), ("1e3", 422), ("0", 404)]
)
async def test_a_campaign_id_is_required_and_known(
    acme: Customer, path: str, campaign_id: str | None, status: int
) -> None:
    """PLUM-63, PLUM-64, PLUM-65: 422 by its name where it is none, 404 where it is nobody's."""
    form = {} if campaign_id is None else {"campaign_id": campaign_id}
    refused = await acme.post(f"/api/campaigns/{path}", phone_numbers=TWO, **form)
    assert refused.status == status
    assert list(refused.body) == (["campaign_id"] if status == 422 else ["status", "error"])


# Numbers ---------------------------------------------------------------------------------------------------------


async def test_added_numbers_stand_at_the_end_of_the_queue(world: World) -> None:
    """PLUM-65: as an array or a file, also while the campaign runs; without a list it is a 422."""
    acme = world.acme
    campaign_id = await acme.campaign(phone_numbers=TWO)
    await acme.start(campaign_id)
    added = await acme.post(
        "/api/campaigns/add-calls", campaign_id=str(campaign_id), phone_numbers='["+12025550102"]'
    )
    assert (added.status, added.body["status"]) == (200, "success")
    form = aiohttp.FormData({"campaign_id": str(campaign_id)})
    form.add_field("phone_numbers", b"+12025550103\n", filename="more.txt")
    assert (await acme.call("POST", "/api/campaigns/add-calls", data=form)).status == 200
    await world.store.dialer()
    jobs = await world.store.tick(campaign_id)
    assert await world.store.lines_of(jobs) == [(1, 1), (1, 2), (2, 1), (3, 1)]
    refused = await acme.post("/api/campaigns/add-calls", campaign_id=str(campaign_id))
    assert (refused.status, list(refused.body)) == (422, ["phone_numbers"])


@pytest.mark.parametrize(
    "entry",
    [
        "tel:+12223334444; ani=7778889999",
        "tel:+12223334444;ani=7778889999",
        "tel:+12223334444; ani=7778889999, marchcampaign",
        "tel:+12223334444;ani=7778889999,marchcampaign",
        "TEL:+12223334444",
        "2223334444",
    ],
)
async def test_an_entry_is_read_as_the_document_writes_it(world: World, entry: str) -> None:
    """PLUM-66, PLUM-67: with and without the space, the caller id and the reference; the reference is any text."""
    await world.acme.campaign(phone_numbers=json.dumps([entry]))
    [number] = await world.store.sql("SELECT e164, ani, message_reference FROM number")
    assert number["e164"] == "+12223334444"
    assert number["ani"] == ("+17778889999" if "ani" in entry else None)
    assert number["message_reference"] == ("marchcampaign" if "march" in entry else None)


@pytest.mark.parametrize("name", ["list.csv", "list.txt"])
@pytest.mark.parametrize(
    "content",
    [
        b"tel:+12223334444;ani=7778889999,one\ntel:+14443332222;ani=9998887777,two\n",
        b"\xef\xbb\xbftel:+12223334444; ani=7778889999,one\r\ntel:+14443332222; ani=9998887777,two",
        b'"tel:+12223334444;ani=7778889999",one\r"tel:+14443332222;ani=9998887777","two"\r',
    ],
)
async def test_a_file_has_one_entry_in_each_line(world: World, name: str, content: bytes) -> None:
    """PLUM-68, PLUM-69: CSV and TXT alike, quoted by a spreadsheet or not, with any line end."""
    form = aiohttp.FormData({k: str(v) for k, v in (await world.acme.new_campaign()).items()})
    form.add_field("phone_numbers", content, filename=name)
    made = await world.acme.call("POST", "/api/campaigns", data=form)
    assert made.body["response"]["accepted"] == 2, made.body
    rows = await world.store.sql("SELECT e164, message_reference FROM number ORDER BY line_no")
    assert [tuple(row) for row in rows] == [("+12223334444", "one"), ("+14443332222", "two")]


async def test_an_addition_tells_what_became_of_it(acme: Customer) -> None:
    """PLUM-70: the original answers success alone; counts and the first refused lines stand beside it."""
    campaign_id = await acme.campaign(phone_numbers=TWO)
    added = await acme.post(
        "/api/campaigns/add-calls", campaign_id=str(campaign_id),
        phone_numbers='["+12025550100,one", "+12025550102", "nobody"]',
    )  # fmt: skip
    assert added.body["status"] == "success"
    assert (added.body["accepted"], added.body["duplicates"], added.body["refused"]) == (1, 1, 1)


# Update ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_an_update_changes_what_was_sent(acme: Customer, method: str) -> None:
    """PLUM-71, PLUM-74: the published line, raw JSON in its query; the id alone comes back."""
    campaign_id = await acme.campaign()
    schedule_id = await acme.schedule("3wkdays", '["mon"]')
    await acme.profile("MorningPace")
    before = await acme.one(campaign_id)
    changed = await acme.call(
        method,
        f"/api/campaigns/{campaign_id}?schedule={schedule_id}&start_date=2027-04-15&end_date=2027-04-30"
        '&profiles=[{"profile":"MorningPace","start_time":"08:00","end_time":"23:00"}]',
    )
    assert (changed.status, changed.body) == (200, {"status": "success", "response": {"id": campaign_id}})
    after = await acme.one(campaign_id)
    assert {name for name in after if after[name] != before[name]} == {
        "schedule_nickname", "start_date", "end_date", "profiles",
    }  # fmt: skip
    assert (after["schedule_nickname"], after["end_date"]) == ("3wkdays", "2027-04-30 00:00:00")


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("start_url", "https://other.example/x.vxml", "https://other.example/x.vxml"),
        ("result_url", "https://other.example/r", "https://other.example/r"),
        ("result_url", "", RESULT_URL),
        ("name", "spring", "spring"),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("attempts", "3", 3),
        ("retry_minutes", "[5,10]", [5, 10]),
        ("phone_numbers", TWO, None),
    ],
)
async def test_each_field_may_be_changed_alone(acme: Customer, field: str, value: str, shown: object) -> None:
    """PLUM-71: nothing else is touched; phone numbers are not changed here, and an empty field stays as it is."""
    campaign_id = await acme.campaign()
    before = await acme.one(campaign_id)
    changed = await acme.call("PATCH", f"/api/campaigns/{campaign_id}", data={field: value})
    assert changed.status == 200
    after = await acme.one(campaign_id)
    if field == "phone_numbers":
        assert after == before
    else:
        assert after == {**before, field: shown}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("end_date=2025-12-31", "end_date"),
        ("start_date=2022-02-30", "start_date"),
        ("start_date=2199-12-31&end_date=2199-12-30", "end_date"),
        ("schedule=nobody's", "schedule"),
        ("profiles=[]x", "profiles"),
        ('profiles=[{"profile":"calm","start_time":"10:00","end_time":"09:00"}]', "profiles"),
        ("start_url=file:///etc/passwd", "start_url"),
        ("result_url=http://127.0.0.1/", "result_url"),
        ("attempts=0", "attempts"),
        ("callee_hours=on", "callee_hours"),
    ],
)
async def test_an_update_that_cannot_be_kept_to_changes_nothing(world: World, query: str, field: str) -> None:
    """PLUM-71: 422 by name, also where a date is wrong only beside the other one that stays."""
    campaign_id = await world.acme.campaign()
    before = await world.store.picture()
    refused = await world.acme.call("PATCH", f"/api/campaigns/{campaign_id}?name=other&{query}")
    assert (refused.status, list(refused.body)) == (422, [field])
    after = await world.store.picture()
    assert {table for table in after if after[table] != before[table]} <= {"api_token"}


async def test_profiles_replace_all_that_there_were(acme: Customer) -> None:
    """PLUM-72: those that should stay are sent again."""
    for name in ("a", "b", "c"):
        await acme.profile(name)
    two = [
        json.loads(attached(name, *hours))[0]
        for name, hours in (("a", ("08:00", "09:00")), ("b", ("09:00", "10:00")))
    ]
    campaign_id = await acme.campaign(profiles=json.dumps(two))
    await acme.call("PATCH", f"/api/campaigns/{campaign_id}", json={"profiles": json.loads(attached("c"))})
    assert [each["nickname"] for each in (await acme.one(campaign_id))["profiles"]] == ["c"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("path", ["/api/campaigns/", "/api/campaigns"])
async def test_an_update_without_an_id_lists_and_changes_nothing(
    acme: Customer, method: str, path: str
) -> None:
    """PLUM-73: whatever else is sent."""
    await acme.campaign()
    listed = await acme.get("/api/campaigns")
    answer = await acme.call(method, f"{path}?start_date=2027-01-01&schedule=nobody", data={"name": "other"})
    assert (answer.status, answer.body) == (200, listed)
    assert await acme.get("/api/campaigns") == listed


@pytest.mark.parametrize(
    ("query", "anew"),
    [
        ("end_date=2198-01-01", True),
        ("time_zone=Etc/GMT", True),
        ("schedule=other", True),
        ("profiles=" + attached("calm", "00:00", "23:59"), True),
        ("end_date=2199-12-31", False),
        ("start_url=https://other.example/x.vxml", False),
        ("name=spring", False),
    ],
)
async def test_what_was_planned_by_other_hours_does_not_ring(world: World, query: str, *, anew: bool) -> None:
    """PLUM-71: a change of the hours raises the epoch and is looked at at once; any other lets the plan be."""
    await world.acme.schedule("other")
    campaign_id, [job, _] = await planned(world)
    before = await epoch_of(world, campaign_id)
    changed = await world.acme.call("PATCH", f"/api/campaigns/{campaign_id}?{query.replace(' ', '')}")
    assert changed.status == 200, changed.body
    assert await epoch_of(world, campaign_id) == before + anew
    if anew:
        look = await world.store.look_in_seconds(campaign_id)
        assert look is not None
        assert look <= 0
    assert await may_ring(world, job) is not anew


async def test_a_change_of_a_schedule_reaches_the_campaigns_that_run_by_it(world: World) -> None:
    """PLUM-27: what they planned by the old days does not ring; a new name or the same days change no plan."""
    campaign_id, [first, second] = await planned(world)
    idle = await world.acme.campaign()
    before = await epoch_of(world, campaign_id)
    [schedule] = await world.acme.get("/api/schedules")
    path = f"/api/schedules/{schedule['schedule_id']}"
    for query in ("name=renamed", 'days=["mon","tue","wed","thu","fri","sat","sun"]'):
        assert (await world.acme.call("PATCH", f"{path}?{query}")).status == 200
    assert await epoch_of(world, campaign_id) == before
    assert await may_ring(world, first)
    assert (await world.acme.call("PATCH", f'{path}?days=["mon"]')).status == 200
    assert (await epoch_of(world, campaign_id), await epoch_of(world, idle)) == (before + 1, 0)
    assert not await may_ring(world, second)


async def test_a_change_that_meets_a_tick_lets_nothing_of_it_ring(world: World) -> None:
    """PLUM-27: a pacer that had read the old days plans under the old epoch, whichever of the two commits first."""
    acme, store = world.acme, world.store
    campaign_id = await acme.campaign(phone_numbers=TWO)
    await acme.start(campaign_id)
    await store.dialer()
    [schedule] = await acme.get("/api/schedules")
    await store.look_now(campaign_id)
    async with store.planning.tick() as tick:
        assert tick is not None
        changing = asyncio.create_task(
            acme.call("PATCH", f'/api/schedules/{schedule["schedule_id"]}?days=["mon"]')
        )
        while not await store.one("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
        jobs = await plan_campaign(tick, Conditions(horizon=HORIZON, doorbell_works=True))
    assert (await changing).status == 200
    assert len(jobs) == 2
    assert [await may_ring(world, job) for job in jobs] == [False, False]


async def test_a_result_url_may_be_added_until_something_was_dialed(world: World) -> None:
    """PLUM-71: later it is refused in words, since results without a delivery are there already."""
    acme = world.acme
    campaign_id = await acme.campaign(result_url=None)
    assert (await acme.call("PATCH", f"/api/campaigns/{campaign_id}?result_url={RESULT_URL}")).status == 200
    assert (await acme.one(campaign_id))["result_url"] == RESULT_URL
    dialed, _ = await planned(world, result_url=None)
    refused = await acme.call("PATCH", f"/api/campaigns/{dialed}?result_url={RESULT_URL}")
    assert (refused.status, list(refused.body)) == (422, ["result_url"])
    assert await world.store.broken_invariants() == {}


@pytest.mark.parametrize(
    ("made", "sent", "shown"),
    [("08:00-21:00", "09:00-20:00", "09:00-20:00"), ("08:00-21:00", "off", None), (None, "08:00-21:00", "")],
)
async def test_callees_hours_may_be_changed_and_switched_off(
    world: World, made: str | None, sent: str, shown: str | None
) -> None:
    """An extension: not on, as the zones of numbers that are there already are not known."""
    campaign_id = await world.acme.campaign(callee_hours=made, phone_numbers=TWO)
    changed = await world.acme.call("PATCH", f"/api/campaigns/{campaign_id}?callee_hours={sent}")
    if shown == "":
        assert (changed.status, list(changed.body)) == (422, ["callee_hours"])
    else:
        assert (await world.acme.one(campaign_id))["callee_hours"] == shown
    assert await world.store.broken_invariants() == {}


# Delete ----------------------------------------------------------------------------------------------------------


async def test_a_deleted_campaign_leaves_schedule_and_profiles(acme: Customer) -> None:
    """PLUM-75: `{"status":"success"}`; it is listed no more and unknown from then on, what it used is free."""
    campaign_id = await acme.campaign()
    deleted = await acme.call("DELETE", f"/api/campaigns/{campaign_id}")
    assert (deleted.status, deleted.body) == (200, {"status": "success"})
    assert await acme.get("/api/campaigns") == []
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert (await acme.call(method, f"/api/campaigns/{campaign_id}")).status == 404
    for path in ("start", "stop", "add-calls"):
        again = await acme.post(f"/api/campaigns/{path}", campaign_id=str(campaign_id), phone_numbers=TWO)
        assert again.status == 404
    [schedule], [profile] = await acme.get("/api/schedules"), await acme.get("/api/profiles")
    assert (await acme.call("DELETE", f"/api/schedules/{schedule['schedule_id']}")).status == 200
    assert (await acme.call("DELETE", f"/api/profiles/{profile['profile_id']}")).status == 200


async def test_deleting_a_running_campaign_cancels_what_is_undialed(world: World) -> None:
    """PLUM-75: it ends canceled and posts so; the call under way goes on, and its number ends by its own outcome."""
    acme, store = world.acme, world.store
    campaign_id, [called, ahead] = await planned(world)
    await acme.post(
        "/api/campaigns/add-calls", campaign_id=str(campaign_id), phone_numbers='["+12025550109,x"]'
    )
    call = await store.dialing(called)
    assert (await acme.call("DELETE", f"/api/campaigns/{campaign_id}")).status == 200
    leased = await store.leased(ahead)
    assert isinstance(await store.attempts().commit_intent(leased, "too late"), GateFacts)
    await store.tick()
    assert [row["result"] for row in await store.sql("SELECT result FROM result")] == ["canceled"]
    assert await store.end(call)
    assert await store.attempts().withhold(leased, Withheld.STOPPED, BackInLine())
    await store.tick(campaign_id)
    rows = await store.sql(
        "SELECT n.message_reference, r.result, convert_from(d.body, 'UTF8') AS body FROM number n"
        " JOIN result r USING (tenant_id, campaign_id, number_id)"
        " JOIN delivery d USING (tenant_id, campaign_id, number_id) ORDER BY n.message_reference"
    )
    assert [(row["message_reference"], row["result"]) for row in rows] == [
        ("one", "completed"),
        ("two", "canceled"),
        ("x", "canceled"),
    ]
    assert all(f"result={row['result']}" in row["body"] for row in rows)
    assert await store.look_in_seconds(campaign_id) is None
    assert await store.one("SELECT count(*) FROM attempt WHERE campaign_id = $1", campaign_id) == 2
    assert await store.broken_invariants(dialed_early=True) == {}


async def test_a_campaign_that_never_ran_is_canceled_too(world: World) -> None:
    """PLUM-75: READY as it was, its numbers end canceled; days and paces are kept by value for the audit."""
    campaign_id = await world.acme.campaign(phone_numbers=TWO)
    await world.acme.call("DELETE", f"/api/campaigns/{campaign_id}")
    await world.store.tick()
    assert await world.store.one("SELECT count(*) FROM result WHERE result = 'canceled'") == 2
    [row] = await world.store.sql(
        "SELECT c.schedule_id, c.days, w.profile_id, w.amount_per_period FROM campaign c JOIN campaign_window w"
        " USING (tenant_id, campaign_id)"
    )
    assert (row["schedule_id"], len(row["days"]), row["profile_id"], row["amount_per_period"]) == (
        None, 7, None, 600,
    )  # fmt: skip
    assert await world.store.look_in_seconds(campaign_id) is None


async def test_calls_of_a_deleted_campaign_may_be_hung_up(world: World) -> None:
    """PLUM-75: with calls=hangup, as a stop has it."""
    campaign_id, [job, _] = await planned(world)
    call = await world.store.dialing(job)
    assert await world.store.attempts().to_hang_up([call]) == set()
    await world.acme.call("DELETE", f"/api/campaigns/{campaign_id}?calls=hangup")
    assert await world.store.attempts().to_hang_up([call]) == {job.attempt_id}


async def test_numbers_that_come_late_to_a_deleted_campaign_are_canceled(world: World) -> None:
    """PLUM-75: an upload that began before the deletion is canceled like the others."""
    acme, store = world.acme, world.store
    campaign_id = await acme.campaign()
    changes = PostgresCampaignChanges(store.databases["api"])
    async with store.session() as late:
        async with late.transaction():
            await late.execute("SELECT 1 FROM campaign_queue FOR UPDATE")
            adding = asyncio.create_task(
                acme.post("/api/campaigns/add-calls", campaign_id=str(campaign_id), phone_numbers=TWO)
            )
            while not await store.one("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.01)
            await changes.delete_campaign(acme.tenant_id, Dialect.PLUM, campaign_id)
        assert (await adding).status == 200
    await store.tick()
    assert await store.one("SELECT count(*) FROM result WHERE result = 'canceled'") == 2


async def test_the_two_addresses_are_the_campaign_s(acme: Customer) -> None:
    """PLUM-76: start_url is the application, result_url takes the results; both are shown as they were sent."""
    shown = await acme.one(await acme.campaign())
    assert (shown["start_url"], shown["result_url"]) == (START_URL, RESULT_URL)
