"""Campaigns made and listed, by the published document: every id of its checklist from PLUM-50 to PLUM-62."""

import json
import re

import aiohttp
import pytest

from tests.integration.plum.customers import START_URL, Customer, World, attached

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORNING_AND_AFTERNOON = [
    {"profile": "MorningPace", "start_time": "08:00", "end_time": "11:00"},
    {"profile": "AfternoonPace", "start_time": "12:00", "end_time": "16:00"},
]


@pytest.mark.parametrize("missing", ["start_date", "end_date", "schedule", "profiles", "start_url"])
async def test_five_fields_are_required(acme: Customer, missing: str) -> None:
    """PLUM-50: phone_numbers and result_url may be left out, nothing else; 422 by name, and nothing is made."""
    form = await acme.new_campaign(result_url=None)
    for sent in ({k: v for k, v in form.items() if k != missing}, {**form, missing: ""}):
        refused = await acme.post("/api/campaigns", **sent)
        assert refused.body == {missing: [f"The {missing} field is required."]}
    assert await acme.get("/api/campaigns") == []
    campaign_id = await acme.campaign(result_url=None)
    unfilled = await acme.campaign(result_url="", phone_numbers="")
    for its_id in (campaign_id, unfilled):
        assert (await acme.one(its_id))["numbers"]["accepted"] == 0


@pytest.mark.parametrize("field", ["schedule", "schedule_id"])
@pytest.mark.parametrize("by", ["id", "nickname"])
async def test_a_schedule_is_named_in_either_field_by_either(acme: Customer, field: str, by: str) -> None:
    """PLUM-51: the table says schedule and the example schedule_id; both take id and nickname."""
    schedule_id = await acme.schedule("3wkdays")
    written = {"id": str(schedule_id), "nickname": "3WKDAYS"}[by]
    campaign_id = await acme.campaign(**{"schedule": None, field: written})
    assert (await acme.one(campaign_id))["schedule_nickname"] == "3wkdays"


async def test_two_names_of_two_schedules_are_a_contradiction(acme: Customer) -> None:
    """PLUM-51: schedule and schedule_id may both be sent, if they mean the same."""
    other = await acme.schedule("other")
    form = await acme.new_campaign(schedule_id=str(other))
    refused = await acme.post("/api/campaigns", **form)
    assert (refused.status, list(refused.body)) == (422, ["schedule_id"])
    assert (await acme.post("/api/campaigns", **{**form, "schedule": "other"})).status == 200


async def test_digits_are_an_id_first_and_then_a_nickname(acme: Customer) -> None:
    """PLUM-52: a schedule that is called by the id of another does not hide it."""
    first = await acme.schedule("first")
    await acme.schedule(str(first))
    await acme.schedule("404404")
    by_id = await acme.campaign(schedule=str(first))
    by_nickname = await acme.campaign(schedule="404404")
    assert (await acme.one(by_id))["schedule_nickname"] == "first"
    assert (await acme.one(by_nickname))["schedule_nickname"] == "404404"


async def test_profiles_are_named_by_nickname_or_id(acme: Customer) -> None:
    """PLUM-53: by nickname as documented, and by id, since a nickname is optional; times are Eastern."""
    nameless = await acme.profile(None)
    profiles = [
        {"profile": "calm", "start_time": "08:00", "end_time": "11:00"},
        {"profile": nameless, "start_time": "12:00", "end_time": "24:00"},
    ]
    campaign_id = await acme.campaign(profiles=json.dumps(profiles), time_zone=None)
    shown = await acme.one(campaign_id)
    assert [(each["nickname"], each["start_time"], each["end_time"]) for each in shown["profiles"]] == [
        ("calm", "08:00", "11:00"),
        (None, "12:00", "24:00"),
    ]
    assert shown["time_zone"] == "America/New_York"


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        (("08:00", "11:00"), ("12:00", "16:00"), True),
        (("08:00", "11:00"), ("11:00", "16:00"), True),
        (("12:00", "16:00"), ("08:00", "11:00"), True),
        (("08:00", "11:00"), ("10:59", "16:00"), False),
        (("08:00", "08:00"), ("10:00", "16:00"), False),
        (("22:00", "02:00"), ("10:00", "16:00"), False),
    ],
)
async def test_windows_may_leave_gaps_and_not_overlap(
    acme: Customer, first: tuple[str, str], second: tuple[str, str], *, taken: bool
) -> None:
    """PLUM-54: a gap is a pause; overlaps, empty windows and windows over midnight are refused as profiles."""
    await acme.profile("a")
    profiles = [{"profile": "a", "start_time": start, "end_time": end} for start, end in (first, second)]
    made = await acme.post("/api/campaigns", **await acme.new_campaign(profiles=json.dumps(profiles)))
    assert (made.status, list(made.body)) == ((200, ["status", "response"]) if taken else (422, ["profiles"]))


async def test_a_wrong_time_says_which_of_the_two_it_is(acme: Customer) -> None:
    """The field is `profiles`, and the sentence goes on from there."""
    await acme.profile("a")
    wrong = [{"profile": "a", "start_time": "08:00", "end_time": "9pm"}]
    refused = await acme.post("/api/campaigns", **await acme.new_campaign(profiles=json.dumps(wrong)))
    assert refused.status == 422
    assert refused.body == {
        "profiles": ["The end_time must be a time such as 08:00: two digits, a colon, two digits."]
    }


async def test_dates_are_days_of_the_campaign_s_zone(acme: Customer) -> None:
    """PLUM-55: Eastern unless another zone of the IANA database is asked for."""
    zones = [
        (await acme.one(await acme.campaign(time_zone=zone)))["time_zone"] for zone in (None, "Europe/Berlin")
    ]
    assert zones == ["America/New_York", "Europe/Berlin"]
    refused = await acme.post("/api/campaigns", **await acme.new_campaign(time_zone="Berlin"))
    assert (refused.status, list(refused.body)) == (422, ["time_zone"])


async def test_a_campaign_is_answered_with_its_id(acme: Customer) -> None:
    """PLUM-56: 200, the id in response, and what became of the phone list beside it."""
    numbers = '["tel:+12223334444; ani=7778889999, march", "nobody"]'
    made = await acme.post("/api/campaigns", **await acme.new_campaign(phone_numbers=numbers))
    response = made.body["response"]
    assert (made.status, made.body["status"]) == (200, "success")
    assert (response["accepted"], response["refused"]) == (1, 1)
    assert response["id"] == (await acme.get("/api/campaigns"))[0]["campaign_id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("schedule", "nobody's"), ("profiles", attached("nobody's")), ("start_url", "not a url")],
)
async def test_what_does_not_exist_is_a_422_by_name(acme: Customer, field: str, value: str) -> None:
    """PLUM-56: undocumented for campaigns, so in the form that is documented for nicknames."""
    refused = await acme.post("/api/campaigns", **await acme.new_campaign(**{field: value}))
    assert (refused.status, list(refused.body)) == (422, [field])


async def test_a_campaign_dials_only_after_a_start(acme: Customer) -> None:
    """PLUM-57: made, it is READY; with the extension auto_start it runs, and one that is over is not made."""
    assert (await acme.one(await acme.campaign()))["status"] == "READY"
    assert (await acme.one(await acme.campaign(auto_start="1")))["status"] == "RUNNING"
    assert (await acme.one(await acme.campaign(auto_start="0")))["status"] == "READY"
    before = await acme.get("/api/campaigns")
    over = await acme.new_campaign(start_date="2026-01-01", end_date="2026-01-02", auto_start="true")
    assert (await acme.post("/api/campaigns", **over)).status == 409
    unclear = await acme.post("/api/campaigns", **await acme.new_campaign(auto_start="maybe"))
    assert (unclear.status, list(unclear.body)) == (422, ["auto_start"])
    assert await acme.get("/api/campaigns") == before


async def test_campaigns_are_listed_with_their_documented_keys(acme: Customer) -> None:
    """PLUM-58, PLUM-59: a superset of the published entry, dates as midnights."""
    campaign_id = await acme.campaign(
        start_date="2026-11-01", end_date="2199-01-05", profiles=attached("calm", "08:00", "23:00")
    )
    [profile] = await acme.get("/api/profiles")
    shown = await acme.one(campaign_id)
    documented = {
        "campaign_id": campaign_id,
        "start_date": "2026-11-01 00:00:00",
        "end_date": "2199-01-05 00:00:00",
        "start_url": START_URL,
        "result_url": "https://crm.example/results",
        "schedule_nickname": "always",
        "profiles": [
            {
                "profile_id": profile["profile_id"],
                "nickname": "calm",
                "start_time": "08:00",
                "end_time": "23:00",
            }
        ],
    }
    assert {name: shown[name] for name in documented} == documented


async def test_what_a_list_says_can_be_sent_back(acme: Customer) -> None:
    """A date with its midnight, as the list writes it, is the same date."""
    campaign_id = await acme.campaign(start_date="2026-11-01 00:00:00", end_date="2199-01-05")
    answer = await acme.call("PATCH", f"/api/campaigns/{campaign_id}?end_date=2199-01-06%2000:00:00")
    assert answer.status == 200
    shown = await acme.one(campaign_id)
    assert (shown["start_date"], shown["end_date"]) == ("2026-11-01 00:00:00", "2199-01-06 00:00:00")


async def test_the_last_day_is_dialed(world: World) -> None:
    """PLUM-59: a campaign that ends today is not over, however its end_date is printed."""
    today = await world.store.one("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date::text")
    campaign_id = await world.acme.campaign(start_date=today, end_date=today)
    await world.acme.start(campaign_id)
    assert (await world.acme.one(campaign_id))["status"] == "RUNNING"


async def test_a_schedule_without_a_nickname_is_shown_by_its_id(acme: Customer) -> None:
    """PLUM-60: schedule_nickname is "the schedule ID or nickname"."""
    schedule_id = await acme.schedule(None)
    campaign_id = await acme.campaign(schedule=str(schedule_id))
    assert (await acme.one(campaign_id))["schedule_nickname"] == str(schedule_id)


async def test_a_list_tells_state_and_counts(acme: Customer) -> None:
    """PLUM-61: created as id, listed as campaign_id, with a status and counts that the original has not."""
    campaign_id = await acme.campaign(phone_numbers='["+12025550100", "+12025550101"]')
    shown = await acme.one(campaign_id)
    assert shown["status"] == "READY"
    assert shown["numbers"] == {
        "accepted": 2, "ready": 2, "waiting": 0, "in_attempt": 0, "final": 0, "refused": 0, "duplicates": 0,
    }  # fmt: skip


async def test_one_campaign_may_be_asked_for(acme: Customer) -> None:
    """PLUM-62: an extension; one schedule or profile may not, as there is no such call."""
    campaign_id = await acme.campaign()
    shown, listed = await acme.get(f"/api/campaigns/{campaign_id}"), await acme.one(campaign_id)
    assert {name: shown[name] for name in listed} == listed
    for path in ("/api/schedules/1", "/api/profiles/1"):
        answer = await acme.call("GET", path)
        assert (answer.status, answer.headers["Allow"]) == (405, "DELETE,PATCH,PUT")


async def test_the_published_two_profiles_are_taken(acme: Customer) -> None:
    """PLUM-54: the example of two profiles, as form text, as JSON, and as PHP's brackets cannot write it."""
    await acme.profile("MorningPace")
    await acme.profile("AfternoonPace")
    await acme.campaign(profiles=json.dumps(MORNING_AND_AFTERNOON))
    form = await acme.new_campaign()
    made = await acme.call("POST", "/api/campaigns", json={**form, "profiles": MORNING_AND_AFTERNOON})
    assert made.status == 200
    listed = await acme.get("/api/campaigns")
    assert [len(each["profiles"]) for each in listed] == [2, 2]


async def test_the_published_create_line_works(world: World) -> None:
    """PLUM-50: form parts with quotes around texts and a file, under a Content-Type that lies (PLUM-07)."""
    acme = world.acme
    schedule_id = await acme.schedule("always")
    await acme.profile("MorningPace")
    form = {
        "start_date": "2027-01-01", "end_date": "2027-01-05", "schedule_id": str(schedule_id),
        "profiles": attached("MorningPace", "08:00", "11:00"),
        "start_url": "http://charles.plumgroup.com/~schan/src/charles/vxml/start.php",
        "result_url": "http://myserver.com/storesmsresults.php",
    }  # fmt: skip
    with aiohttp.MultipartWriter("form-data") as parts:
        for name, value in form.items():
            part = parts.append(f'"{value}"' if name == "start_date" else value)
            part.set_content_disposition("form-data", name=name)
        file = parts.append(b"tel:+12223334444; ani=7778889999, march\r\n")
        file.set_content_disposition("attachment", name="phone_numbers", filename="api-test-1.csv")
    made = await acme.call("POST", "/api/campaigns", data=parts, headers={"Content-Type": "application/json"})
    assert (made.status, made.body["response"]["accepted"]) == (200, 1), made.body
    [stored] = await world.store.sql("SELECT e164, ani, message_reference FROM number")
    assert tuple(stored) == ("+12223334444", "+17778889999", "march")
    assert re.fullmatch("[0-9]+", str(made.body["response"]["id"]))
