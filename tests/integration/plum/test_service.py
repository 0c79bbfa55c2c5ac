"""The service as a whole, by the published document: every id of its checklist from PLUM-01 to PLUM-14."""

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest

from tests.integration.plum.customers import EVERY_DAY, UPLOAD_BYTES, Customer, World, attached

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = [
    ("POST", "/api/schedules"), ("GET", "/api/schedules"),
    ("PATCH", "/api/schedules/{id}"), ("PUT", "/api/schedules/{id}"), ("DELETE", "/api/schedules/{id}"),
    ("POST", "/api/profiles"), ("GET", "/api/profiles"),
    ("PATCH", "/api/profiles/{id}"), ("PUT", "/api/profiles/{id}"), ("DELETE", "/api/profiles/{id}"),
    ("POST", "/api/campaigns"), ("GET", "/api/campaigns"),
    ("PATCH", "/api/campaigns/{id}"), ("PUT", "/api/campaigns/{id}"), ("DELETE", "/api/campaigns/{id}"),
    ("POST", "/api/campaigns/start"), ("POST", "/api/campaigns/stop"), ("POST", "/api/campaigns/add-calls"),
]  # fmt: skip


async def test_schedules_and_profiles_serve_many_campaigns(acme: Customer) -> None:
    """PLUM-01: each campaign has one schedule and any number of profiles, and several share them."""
    await acme.profile("other")
    two = [
        json.loads(attached("calm", "08:00", "11:00"))[0],
        json.loads(attached("other", "12:00", "16:00"))[0],
    ]
    for _ in range(2):
        await acme.campaign(profiles=json.dumps(two))
    listed = await acme.get("/api/campaigns")
    assert [each["schedule_nickname"] for each in listed] == ["always", "always"]
    assert [len(each["profiles"]) for each in listed] == [2, 2]


@pytest.mark.parametrize(("method", "path"), METHODS)
async def test_every_documented_method_is_there(acme: Customer, method: str, path: str) -> None:
    """PLUM-02: fifteen methods, updates by two verbs; none is unknown, whatever else it says."""
    answer = await acme.call(method, path.replace("{id}", "999999"))
    if "{id}" in path:  # the method knows what it looked for; a path that is not there would not
        assert (answer.status, answer.body["error"].endswith(" with id 999999.")) == (404, True)
    else:
        assert answer.status in {200, 422}


@pytest.mark.parametrize("path", ["/api/schedules", "/api/profiles", "/api/campaigns"])
async def test_a_slash_at_the_end_means_nothing_and_a_list_has_a_head(acme: Customer, path: str) -> None:
    """PLUM-02: the published service redirects a slash away, which a client that follows does not notice."""
    await acme.campaign()
    listed, headers = await acme.get(path), {"Authorization": f"Bearer {acme.token}"}
    for method, spelled in (("GET", f"{path}/"), ("HEAD", path), ("HEAD", f"{path}/")):
        async with acme.session.request(method, acme.base + spelled, headers=headers) as answer:
            told = (answer.status, answer.content_type, int(answer.headers["Content-Length"]) > 2)
            assert told == (200, "application/json", True)
            body = await answer.read()
        assert json.loads(body) == listed if method == "GET" else not body
    assert (await acme.call("PATCH", f"{path}/999999/")).status == 404
    async with aiohttp.ClientSession() as stranger, stranger.head(acme.base + path) as refused:
        assert (refused.status, await refused.read()) == (401, b"")


async def test_any_host_is_the_service(acme: Customer) -> None:
    """PLUM-03: the published documents name two hosts; the paths are the same under each."""
    for host in ("scheduler.vxml.sharpencx.com", "scheduler.plumvoice.com"):
        assert (await acme.call("GET", "/api/schedules", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Bearer", "Bearer ", "Basic dTpw", "Bearer 3cbde128-32b6-47aa-9e62-6353f8b06812",
        "Token {token}", "{token}", "Bearer {token} {token}", "Bearer {token}x", "Bearer " + "x" * 5_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/schedules"), ("DELETE", "/api/campaigns/1")])
async def test_without_a_token_nothing_is_answered(
    acme: Customer, authorization: str | None, method: str, path: str
) -> None:
    """PLUM-04: 401 with a challenge, in the form of the other errors; also for what does not exist."""
    headers = {} if authorization is None else {"Authorization": authorization.format(token=acme.token)}
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.request(method, acme.base + path, headers=headers) as answer,
    ):
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert (await answer.json())["status"] == "error"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_has_no_case(acme: Customer, scheme: str) -> None:
    """PLUM-04: as RFC 9110 wants it."""
    headers = {"Authorization": f"{scheme} {acme.token}"}
    assert (await acme.call("GET", "/api/schedules", headers=headers)).status == 200


async def test_each_sees_its_own(world: World) -> None:
    """PLUM-05: names are unique by tenant, and another's ids answer as unknown ones; nothing of hers changes."""
    campaign_id = await world.acme.campaign()
    [schedule], [profile] = await world.acme.get("/api/schedules"), await world.acme.get("/api/profiles")
    for path in ("schedules", "profiles", "campaigns"):
        assert await world.rival.get(f"/api/{path}") == []
    before = await world.acme.get("/api/campaigns")
    for path in (
        f"/api/schedules/{schedule['schedule_id']}",
        f"/api/profiles/{profile['profile_id']}",
        f"/api/campaigns/{campaign_id}",
    ):
        for method in ("PATCH", "PUT", "DELETE"):
            assert (await world.rival.call(method, f"{path}?name=stolen")).status == 404
    for path in ("start", "stop", "add-calls"):
        form = {"campaign_id": str(campaign_id), "phone_numbers": '["+12025550100"]'}
        assert (await world.rival.post(f"/api/campaigns/{path}", **form)).status == 404
    foreign = {"schedule": str(schedule["schedule_id"]), "profiles": attached(str(profile["profile_id"]))}
    for field, value in foreign.items():
        attempt = {**await world.rival.new_campaign(), field: value}
        assert list((await world.rival.post("/api/campaigns", **attempt)).body) == [field]
    assert await world.acme.get("/api/campaigns") == before
    assert await world.rival.schedule("acme's") != await world.acme.schedule("acme's")


async def test_campaigns_of_another_dialect_are_another_s(world: World) -> None:
    """PLUM-05: what was made through another of the three APIs is neither listed nor changed here."""
    campaign_id = await world.acme.campaign()
    await world.store.sql("UPDATE campaign SET dialect = 'voice'")
    assert await world.acme.get("/api/campaigns") == []
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert (await world.acme.call(method, f"/api/campaigns/{campaign_id}")).status == 404
    for path in ("start", "stop", "add-calls"):
        form = {"campaign_id": str(campaign_id), "phone_numbers": '["+12025550100"]'}
        assert (await world.acme.post(f"/api/campaigns/{path}", **form)).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"days": EVERY_DAY, "nickname": "x"}},
        {"data": {"days": f'"{EVERY_DAY}"', "nickname": '"x"'}},
        {"json": {"days": json.loads(EVERY_DAY), "nickname": "x"}},
        {"json": {"days": EVERY_DAY, "nickname": "x"}},
        {"data": json.dumps({"days": json.loads(EVERY_DAY), "nickname": "x"})},
    ],
)
async def test_parameters_come_in_any_form(acme: Customer, body: dict[str, Any]) -> None:
    """PLUM-06: multipart or urlencoded form fields that hold JSON strings, or a JSON body."""
    assert (await acme.call("POST", "/api/schedules", **body)).status == 200
    assert len((await acme.get("/api/schedules"))[0]["days"]) == 7


@pytest.mark.parametrize("disposition", ["form-data", "attachment"])
@pytest.mark.parametrize(
    "header", ["application/json", "text/plain", "application/xml", "multipart/form-data"]
)
async def test_the_body_is_read_for_what_it_is(acme: Customer, disposition: str, header: str) -> None:
    """PLUM-07, PLUM-08: the published create line sends parts as application/json; any type will do."""
    with aiohttp.MultipartWriter("form-data", boundary="----curl") as parts:
        for name, value in (("days", '["mon"]'), ("nickname", "x")):
            parts.append(value).set_content_disposition(disposition, name=name)
    made = await acme.call("POST", "/api/schedules", data=parts, headers={"Content-Type": header})
    assert (made.status, made.body["response"]["nickname"]) == (200, "x")


@pytest.mark.parametrize("header", ["application/json", "application/xml", "text/plain"])
async def test_a_list_may_be_asked_for_with_any_content_type(acme: Customer, header: str) -> None:
    """PLUM-08: it is optional, and the answer is JSON."""
    assert (await acme.call("GET", "/api/campaigns", headers={"Content-Type": header})).body == []


async def test_an_answer_is_an_envelope_or_a_bare_array(acme: Customer) -> None:
    """PLUM-09, PLUM-10: changes in an envelope whose response is an object, lists bare, the rest success alone."""
    made = await acme.post("/api/schedules", days='["mon"]')
    assert isinstance(made.body["response"], dict)
    assert isinstance(await acme.get("/api/schedules"), list)
    gone = await acme.call("DELETE", f"/api/schedules/{made.body['response']['id']}")
    assert gone.body == {"status": "success"}


async def test_errors_have_two_forms(acme: Customer) -> None:
    """PLUM-11: a 422 is a bare map of fields to sentences; everything else is status and error."""
    await acme.schedule("3wkdays")
    taken = await acme.post("/api/schedules", days='["mon"]', nickname="3wkdays")
    assert (taken.status, taken.body) == (422, {"nickname": ["The nickname has already been taken."]})
    statuses = {
        404: await acme.call("GET", "/api/nothing"),
        405: await acme.call("PATCH", "/api/campaigns/start"),
        400: await acme.call(
            "POST", "/api/schedules", data="{", headers={"Content-Type": "application/json"}
        ),
        415: await acme.call("POST", "/api/schedules", data="<days/>", headers={"Content-Type": "text/xml"}),
        413: await acme.call("POST", "/api/schedules", data=io.BytesIO(b'{"days":"' + b"x" * 2_000_000)),
    }
    assert {status: answer.status for status, answer in statuses.items()} == {
        status: status for status in statuses
    }
    assert all(set(answer.body) == {"status", "error"} for answer in statuses.values())
    assert statuses[405].headers["Allow"] == "POST"


async def test_a_list_that_is_too_large_is_refused_whole(acme: Customer) -> None:
    """PLUM-11: 413 in the same form, and no campaign is made."""
    form = aiohttp.FormData({k: str(v) for k, v in (await acme.new_campaign()).items()})
    form.add_field("phone_numbers", b"+12025550100\n" * (UPLOAD_BYTES // 13 + 1), filename="big.csv")
    assert (await acme.call("POST", "/api/campaigns", data=form)).status == 413
    assert await acme.get("/api/campaigns") == []


async def test_an_answer_is_valid_json(acme: Customer) -> None:
    """PLUM-12: the published success has a trailing comma; ours is parsed by every call of these tests."""
    made = await acme.post("/api/campaigns", **await acme.new_campaign())
    assert made.body["response"]["id"] > 0


async def test_a_word_too_many_on_the_command_line_reaches_nobody(acme: Customer) -> None:
    """PLUM-13: curl takes the stray `code` for another address; the request before it is as ever."""
    assert (await acme.call("GET", "/api/schedules")).status == 200
    assert (await acme.call("GET", "/code")).status == 404


async def test_an_unknown_parameter_changes_nothing(acme: Customer) -> None:
    """PLUM-14: clients of a service under development send what it does not know yet; it is not an error."""
    made = await acme.post("/api/schedules", days='["mon"]', nickname="x", colour="red", schedule_id="7")
    assert made.status == 200
    assert set((await acme.get("/api/schedules"))[0]) == {"schedule_id", "nickname", "days"}


async def test_many_clients_at_once_are_all_answered(acme: Customer) -> None:
    """PLUM-14: a hundred nicknames in a hurry, each its own."""
    answers = await asyncio.gather(
        *(acme.post("/api/schedules", days='["mon"]', nickname=f"n{number}") for number in range(100))
    )
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["response"]["id"] for answer in answers}) == 100
