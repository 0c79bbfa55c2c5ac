"""Schedules over HTTP, by the published document: every id of its checklist from PLUM-20 to PLUM-33."""

import asyncio
import json

import pytest

from tests.integration.plum.customers import Customer, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAKEN = {"nickname": ["The nickname has already been taken."]}


async def test_a_schedule_is_made_and_its_days_are_not_echoed(acme: Customer) -> None:
    """PLUM-20, PLUM-21: 200 with status and a response of id and nickname, nothing more."""
    made = await acme.post("/api/schedules", days='["mon", "wed", "fri"]', nickname="3wkdays")
    schedule_id = made.body["response"]["id"]
    assert made.status == 200
    assert made.body == {"status": "success", "response": {"id": schedule_id, "nickname": "3wkdays"}}


@pytest.mark.parametrize("again", ["3wkdays", "3WKDAYS", " 3wkdays ", '"3wkdays"'])
async def test_a_nickname_is_given_once(acme: Customer, again: str) -> None:
    """PLUM-22: 422 in the documented words; case, spaces and quotes make no other name of it."""
    await acme.schedule("3wkdays")
    refused = await acme.post("/api/schedules", days='["mon"]', nickname=again)
    assert (refused.status, refused.body) == (422, TAKEN)


async def test_a_composed_and_a_decomposed_letter_are_one_name(acme: Customer) -> None:
    """PLUM-22: names are compared after NFC."""
    await acme.schedule("caf\u00e9")
    refused = await acme.post("/api/schedules", days='["mon"]', nickname="cafe\u0301")
    assert (refused.status, refused.body) == (422, TAKEN)


async def test_of_twenty_who_want_one_nickname_at_once_one_gets_it(acme: Customer) -> None:
    """PLUM-22: 19 are told that it has been taken, and one schedule is there."""
    answers = await asyncio.gather(
        *(acme.post("/api/schedules", days='["mon"]', nickname="rush") for _ in range(20))
    )
    assert sorted(answer.status for answer in answers) == [200] + [422] * 19
    assert all(answer.body == TAKEN for answer in answers if answer.status == 422)
    assert [each["nickname"] for each in await acme.get("/api/schedules")] == ["rush"]


async def test_a_schedule_needs_no_nickname(acme: Customer) -> None:
    """PLUM-23: without one it is null, as often as one likes."""
    ids = [await acme.schedule(None), await acme.schedule(None)]
    listed = await acme.get("/api/schedules")
    assert [(each["schedule_id"], each["nickname"]) for each in listed] == [(its_id, None) for its_id in ids]


@pytest.mark.parametrize(
    ("days", "kept"),
    [
        ('["wed","mon"]', ["mon", "wed"]),
        ('["mon","mon"]', ["mon"]),
        ('["Mon"," TUE "]', ["mon", "tue"]),
    ],
)
async def test_days_are_kept_once_and_in_order(acme: Customer, days: str, kept: list[str]) -> None:
    """PLUM-23: a day twice is a day, upper case is read, and the week begins on Monday."""
    await acme.schedule("week", days)
    assert (await acme.get("/api/schedules"))[0]["days"] == kept


async def test_a_schedule_takes_effect_through_a_campaign_and_may_be_exchanged(acme: Customer) -> None:
    """PLUM-24: it is attached when a campaign is made, and an update attaches another."""
    await acme.schedule("mondays", '["mon"]')
    campaign_id = await acme.campaign()
    assert (await acme.one(campaign_id))["schedule_nickname"] == "always"
    changed = await acme.call("PATCH", f"/api/campaigns/{campaign_id}?schedule=mondays")
    assert changed.status == 200
    assert (await acme.one(campaign_id))["schedule_nickname"] == "mondays"


async def test_schedules_are_listed_by_schedule_id(acme: Customer) -> None:
    """PLUM-25, PLUM-26: a bare array whose ids are called schedule_id, where create says id."""
    schedule_id = await acme.schedule("3wkdays", '["mon","wed","fri"]')
    assert await acme.get("/api/schedules") == [
        {"schedule_id": schedule_id, "nickname": "3wkdays", "days": ["mon", "wed", "fri"]}
    ]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_an_update_changes_what_was_sent_and_nothing_else(acme: Customer, method: str) -> None:
    """PLUM-27, PLUM-29: both verbs alike; days are marked as required and are not."""
    schedule_id = await acme.schedule("3wkdays", '["mon","wed","fri"]')
    named = await acme.call(method, f"/api/schedules/{schedule_id}?name=other")
    assert named.body["response"] == {"id": schedule_id, "days": '["mon","wed","fri"]', "nickname": "other"}
    moved = await acme.call(method, f'/api/schedules/{schedule_id}?days=["sat"]')
    assert moved.body["response"] == {"id": schedule_id, "days": '["sat"]', "nickname": "other"}
    same = await acme.call(method, f"/api/schedules/{schedule_id}")
    assert same.body["response"] == moved.body["response"]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ('?days=["mon","wed"]', {}),
        ("?days=%5B%22mon%22,%22wed%22%5D", {}),
        ("?days[]=mon&days[]=wed", {}),
        ("", {"data": {"days": '["mon","wed"]'}}),
        ("", {"json": {"days": ["mon", "wed"]}}),
        ('?days=["sun"]', {"json": {"days": ["mon", "wed"]}}),
    ],
)
async def test_an_update_comes_by_query_or_by_body(
    acme: Customer, query: str, body: dict[str, object]
) -> None:
    """PLUM-28: raw JSON in the query, encoded or not; a form or JSON body, which wins over the query."""
    schedule_id = await acme.schedule()
    changed = await acme.call("PATCH", f"/api/schedules/{schedule_id}{query}", **body)
    assert (changed.status, changed.body["response"]["days"]) == (200, '["mon","wed"]')


@pytest.mark.parametrize("field", ["name", "nickname"])
async def test_a_name_and_a_nickname_are_the_same(acme: Customer, field: str) -> None:
    """PLUM-30: the update says name where create says nickname; both are taken in both."""
    made = await acme.post("/api/schedules", days='["mon"]', **{field: "first"})
    assert made.body["response"]["nickname"] == "first"
    changed = await acme.call("PATCH", f"/api/schedules/{made.body['response']['id']}?{field}=second")
    assert changed.body["response"]["nickname"] == "second"


@pytest.mark.parametrize("field", ["name", "nickname"])
async def test_a_name_has_64_characters_at_most(acme: Customer, field: str) -> None:
    """PLUM-31: the update's "64 character minimum" is the maximum of create, counted in characters."""
    schedule_id = await acme.schedule()
    longest = await acme.call("PATCH", f"/api/schedules/{schedule_id}", data={field: "\u00e9" * 64})
    assert longest.body["response"]["nickname"] == "\u00e9" * 64
    longer = await acme.call("PATCH", f"/api/schedules/{schedule_id}", data={field: "a" * 65})
    assert (longer.status, list(longer.body)) == (422, [field])


async def test_an_update_answers_the_days_as_a_json_string(acme: Customer) -> None:
    """PLUM-32: a string that holds a JSON array, as the published example prints it."""
    schedule_id = await acme.schedule("MonWedOnly")
    changed = await acme.call("PATCH", f'/api/schedules/{schedule_id}?days=["mon","wed"]')
    assert changed.body == {
        "status": "success",
        "response": {"id": schedule_id, "days": '["mon","wed"]', "nickname": "MonWedOnly"},
    }
    assert json.loads(changed.body["response"]["days"]) == ["mon", "wed"]


async def test_an_update_keeps_to_names_that_are_free(acme: Customer) -> None:
    """PLUM-22, PLUM-30: its own name may be sent again, another's not; a refusal changes no day either."""
    schedule_id = await acme.schedule("mine")
    await acme.schedule("hers")
    own = await acme.call("PATCH", f"/api/schedules/{schedule_id}?name=MINE")
    assert own.body["response"]["nickname"] == "MINE"
    refused = await acme.call("PATCH", f'/api/schedules/{schedule_id}?name=hers&days=["sun"]')
    assert (refused.status, refused.body) == (422, TAKEN)
    assert (await acme.get("/api/schedules"))[0]["days"] == json.loads(own.body["response"]["days"])


async def test_a_schedule_in_use_is_not_deleted(acme: Customer) -> None:
    """PLUM-33: 400 in the documented words, naming the campaign with the highest id; free again, it goes."""
    schedule_id = await acme.schedule("3wkdays")
    await acme.campaign()
    campaigns = [await acme.campaign(schedule="3wkdays") for _ in range(2)]
    for campaign_id in reversed(campaigns):
        refused = await acme.call("DELETE", f"/api/schedules/{schedule_id}")
        assert (refused.status, refused.body) == (
            400,
            {
                "status": "error",
                "error": f"Schedule 3wkdays(id {schedule_id}) is being used with campaign id {campaign_id}.",
            },
        )
        await acme.call("DELETE", f"/api/campaigns/{campaign_id}")
    gone = await acme.call("DELETE", f"/api/schedules/{schedule_id}")
    assert (gone.status, gone.body) == (200, {"status": "success"})
    assert [each["nickname"] for each in await acme.get("/api/schedules")] == ["always"]
    assert (await acme.call("DELETE", f"/api/schedules/{schedule_id}")).status == 404


async def test_deleting_and_attaching_a_schedule_at_once_leaves_no_campaign_without_one(world: World) -> None:
    """PLUM-33: whichever comes first, the other is refused by what it did; never a 5xx."""
    acme = world.acme
    form = await acme.new_campaign()
    for round_no in range(5):
        schedule_id = await acme.schedule(f"s{round_no}")
        made, gone = await asyncio.gather(
            acme.post("/api/campaigns", **{**form, "schedule": f"s{round_no}"}),
            acme.call("DELETE", f"/api/schedules/{schedule_id}"),
        )
        assert (made.status, gone.status) in {(200, 400), (422, 200)}


async def test_an_emoji_is_a_nickname(acme: Customer) -> None:
    """PLUM-20: four bytes, one character; 64 of them fit."""
    await acme.schedule("\U0001f4de" * 64)
    assert (await acme.get("/api/schedules"))[0]["nickname"] == "\U0001f4de" * 64
