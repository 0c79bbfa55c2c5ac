"""What clients get wrong, on purpose or not: a documented 4xx, nothing changed, never a 5xx.

The groups are those of field reports about comparable services: headers and paths, encodings, schedules and profiles,
campaigns, addresses. Each answer is held against its documented shape by the customer that asks.
"""

import gzip
import io
import json
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.integration.plum.customers import Customer, World, attached

pytestmark = pytest.mark.asyncio(loop_scope="module")

PACE = {"period": "30", "amount_per_period": "100", "time_between_periods": "10"}
MULTIPART = "multipart/form-data; boundary=b"
LONG = "x" * 70_000
#: Every table that a request may change: a token's last use is no change of the customer's.
UNTOUCHED = {"api_token"}


@pytest_asyncio.fixture(loop_scope="module")
async def unchanged(lasting_world: World) -> AsyncIterator[Customer]:
    """A customer with a campaign, whose tables must be as they were when the test is over."""
    before = await lasting_world.store.picture()
    yield lasting_world.acme
    after = await lasting_world.store.picture()
    assert {table for table in after if after[table] != before[table]} <= UNTOUCHED


def refused(status: int, expected: int | set[int], body: Any) -> None:  # noqa: ANN401 - an answer as JSON
    """Hold a status against one or several."""
    assert status in (expected if isinstance(expected, set) else {expected}), body


# Headers and paths -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "//api//schedules", 404),
        ("GET", "/api/schedules//", 404),
        ("GET", "/api/%2e%2e/schedules", 404),
        ("GET", "/api/schedules%2F", 404),
        ("GET", "/API/schedules", 404),
        ("GET", "/api/schedules%00", 404),
        ("OPTIONS", "/api/schedules", 405),
        ("TRACE", "/api/schedules", 405),
        ("PURGE", "/api/campaigns", 405),
        ("DELETE", "/api/campaigns", 405),
        ("DELETE", "/api/campaigns/", 405),
        ("POST", "/api/schedules/1", 405),
        ("GET", "/api/campaigns/start", 405),
        ("DELETE", "/api/campaigns/start", 405),
    ],
)
async def test_a_path_or_method_that_is_not_there(
    unchanged: Customer, method: str, path: str, status: int
) -> None:
    """404 or 405 in the one form, and a list of what is allowed with the latter."""
    answer = await unchanged.call(method, path)
    refused(answer.status, status, answer.body)
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
async def test_a_method_is_not_overridden(unchanged: Customer, header: str) -> None:
    """A header cannot make a deletion of a list."""
    assert (await unchanged.call("GET", "/api/campaigns", headers={header: "DELETE"})).status == 200


@pytest.mark.parametrize(("expect", "status"), [("200-ok", 417), ("100-Continue", 422)])
async def test_an_expectation_is_met_or_refused(unchanged: Customer, expect: str, status: int) -> None:
    """100 before the body, which is then refused as ever; anything else in the one form of refusals."""
    answer = await unchanged.call("POST", "/api/schedules", data=b"{}", headers={"Expect": expect})
    refused(answer.status, status, answer.body)


async def test_a_token_in_the_query_is_none(unchanged: Customer) -> None:
    """It would stand in every log on the way."""
    answer = await unchanged.call(
        "GET", f"/api/schedules?token={unchanged.token}&access_token={unchanged.token}",
        headers={"Authorization": ""},
    )  # fmt: skip
    refused(answer.status, 401, answer.body)


@pytest.mark.parametrize(
    "its_id",
    ["0", "-1", "1e3", "abc", "1.0", "0x1", "%D9%A1", "9223372036854775808", "9" * 400, "1%00", "1;2", "*"],
)
@pytest.mark.parametrize("kind", ["schedules", "profiles", "campaigns"])
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_an_id_that_nothing_has(unchanged: Customer, its_id: str, kind: str, method: str) -> None:
    """404, whatever it looks like: digits of ASCII are ids, and no others."""
    answer = await unchanged.call(method, f"/api/{kind}/{its_id}?name=x")
    refused(answer.status, 404, answer.body)


# Encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"days=x", 400),
        (MULTIPART, b"", 400),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="days"\r\n\r\n["mon"]', 400),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="days"\r\n\r\n["mon"]\r\n--b', 400),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="days"\r\n\r\n["mon"]\r\n' * 5_000, {400, 413}),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="x"; filename="../a"\r\n\r\nx\r\n--b--', 400),
        ("application/json", b'\xef\xbb\xbf{"days":["mon"]}', 400),
        ("application/json", '{"days":["mon"]}'.encode("utf-16"), 400),
        ("application/json; charset=utf-7", b'{"days":["mon"]}', 400),
        ("application/json", b'{"days":["mon"],"days":["tue"]}', 400),
        ("application/json", b'{"days":NaN}', 400),
        ("application/json", b'{"days":1e999}', {400, 422}),
        ("application/json", b'{"days":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        ("application/json", b'{"days":["mon"],"nickname":' + b"9" * 5_000 + b"}", 400),
        ("application/json", b'{"days":["mon"],"nickname":"\\ud800"}', {400, 422}),
        ("application/json", b'{"days":["mon"],"nickname":"a\\u0000b"}', {400, 422}),
        ("application/json", b'{"days":["mon"],}', 400),
        ("application/json", b'["days"]', 400),
        ("application/json", b'"days"', 400),
        ("application/json", b"null", 400),
        ("application/x-www-form-urlencoded", b"days=%ff", 400),
        ("application/x-www-form-urlencoded", b"days=%00", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 5_000), 413),
        ("text/xml", b"<days>mon</days>", 415),
        ("application/octet-stream", b"\x50\x4b\x03\x04", 415),
    ],
)  # fmt: skip
async def test_a_body_that_cannot_be_read(
    unchanged: Customer, content_type: str, body: bytes, status: int | set[int]
) -> None:
    """400, 413 or 415 in the one form."""
    answer = await unchanged.call("POST", "/api/schedules", data=body, headers={"Content-Type": content_type})
    refused(answer.status, status, answer.body)


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_body(
    unchanged: Customer, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    """415: nobody sends one, and a small one may be a large one."""
    body = compress(b'days=["mon"]')
    answer = await unchanged.call("POST", "/api/schedules", data=body, headers={"Content-Encoding": encoding})
    refused(answer.status, 415, answer.body)


@pytest.mark.parametrize(
    "nickname",
    ["", "   ", "x" * 65, "a\u202eb", "a\u200bb", "a\nb", "\u00ad", LONG],
    ids=["empty", "spaces", "long", "override", "zero-width", "newline", "soft-hyphen", "huge"],
)
@pytest.mark.parametrize("path", ["schedules", "profiles"])
async def test_a_nickname_that_cannot_be_seen_or_is_too_long(
    unchanged: Customer, path: str, nickname: str
) -> None:
    """422 by its name: what looks like another name must be one."""
    answer = await unchanged.post(f"/api/{path}", days='["mon"]', **PACE, nickname=nickname)
    assert (answer.status, list(answer.body)) == (422, ["nickname"])


# Schedules and profiles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "days",
    [
        "[]", '["monday"]', "[null]", "[1]", '[["mon"]]', '{"mon":1}', "mon,wed", "null", '"mon"', "", "[",
        json.dumps(["mon"] * 1_000 + ["x"]), "[true]", "[NaN]", "7",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_days_that_are_none(unchanged: Customer, days: str, method: str) -> None:
    """422 by name; the schedule stays as it is."""
    [schedule] = await unchanged.get("/api/schedules")
    path = "/api/schedules" if method == "POST" else f"/api/schedules/{schedule['schedule_id']}"
    answer = await unchanged.call(method, path, data={"days": days, "name": "other"})
    assert (answer.status, list(answer.body)) == (422, ["days"])


@pytest.mark.parametrize(
    "figure",
    [
        "-1",
        "1.5",
        "\uff11\uff10",
        "1_000",
        "+5",
        " 5 x",
        "0x10",
        "1e3",
        "ten",
        "null",
        "123456789012",
        "2147483648",
        str(2**63),
    ],
)
@pytest.mark.parametrize("field", PACE)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_figure_that_is_none(unchanged: Customer, field: str, figure: str, method: str) -> None:
    """422 by name: digits of ASCII, eleven at most, and within the calendar."""
    [profile] = await unchanged.get("/api/profiles")
    path = "/api/profiles" if method == "POST" else f"/api/profiles/{profile['profile_id']}"
    answer = await unchanged.call(method, path, data={**PACE, "nickname": "other", field: figure})
    assert (answer.status, list(answer.body)) == (422, [field])


@pytest.mark.parametrize("figure", [True, 1.5, None, [30], {"a": 1}, "", "30 "])
@pytest.mark.parametrize("field", PACE)
async def test_a_figure_of_another_type(unchanged: Customer, field: str, figure: object) -> None:
    """422 by name, in a JSON body too."""
    answer = await unchanged.call("POST", "/api/profiles", json={**PACE, field: figure})
    assert (answer.status, list(answer.body)) == (422, [field])


# Campaigns -------------------------------------------------------------------------------------------------------

CAMPAIGN = [
    ("end_date", "2025-12-31"), ("start_date", "2022-02-30"), ("start_date", "0000-01-01"),
    ("end_date", "9999-12-31"), ("start_date", "2027-1-1"), ("start_date", "20270101"), ("start_date", "2027-W01-1"),
    ("start_date", "2027-01-01T00:00:00"), ("start_date", "2027-01-01 08:00:00"),
    ("start_date", "tomorrow"), ("start_date", "\uff12\uff10\uff12\uff17-01-01"),
    ("profiles", attached("calm", "8:00", "9:00")), ("profiles", attached("calm", "08:00Z", "09:00")),
    ("profiles", attached("calm", "23:59:60", "24:00")), ("profiles", attached("calm", "24:00", "24:00")),
    ("profiles", attached("calm", "09:00", "09:00")), ("profiles", attached("calm", "22:00", "02:00")),
    ("profiles", attached("calm", "25:00", "26:00")), ("profiles", attached("calm", "08:60", "09:00")),
    ("profiles", attached("nobody")), ("profiles", attached("999999")), ("profiles", "{}"), ("profiles", "calm"),
    ("profiles", "[1]"), ("profiles", '[{"profile":"calm"}]'), ("profiles", '[{"profile":null,"start_time":1}]'),
    ("profiles", json.dumps(json.loads(attached("calm")) * 101)), ("profiles", '[{"profile":true}]'),
    ("schedule", "nobody"), ("schedule", "9223372036854775808"), ("schedule", "-1"),
    ("time_zone", "Mars/Olympus"), ("time_zone", "../../etc/passwd"), ("attempts", "0"), ("attempts", "101"),
    ("retry_minutes", "soon"), ("retry_minutes_by_outcome", '{"Answered":1}'), ("callee_hours", "25:00-26:00"),
    ("name", "x" * 101), ("name", "a\x07b"), ("name", "\u202etxt.exe"), ("name", "two\nlines"),
    ("start_url", "file:///etc/passwd"), ("start_url", "gopher://a/"), ("start_url", "ftp://a/"),
    ("start_url", "javascript:alert(1)"), ("start_url", "//apps.example/x"), ("start_url", "apps.example"),
    ("start_url", "http://"), ("start_url", "http://127.0.0.1/"), ("start_url", "http://2130706433/"),
    ("start_url", "http://0x7f.1/"), ("start_url", "http://[::1]/"), ("start_url", "http://[::ffff:10.0.0.1]/"),
    ("start_url", "http://169.254.169.254/latest/"), ("start_url", "http://user:pw@apps.example/"),
    ("start_url", "http://apps.example:22/"), ("start_url", "http://apps.example:0/"),
    ("start_url", "http://apps.example:65536/"), ("start_url", "http://apps.example/a\r\nb"),
    ("start_url", "http://apps.example/" + LONG), ("result_url", "http://10.0.0.1/"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), CAMPAIGN)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_campaign_s_field_that_is_wrong(
    unchanged: Customer, field: str, value: str, method: str
) -> None:
    """422 by its name, in a new campaign and in a change of one."""
    [campaign] = await unchanged.get("/api/campaigns")
    if method == "POST":
        answer = await unchanged.post("/api/campaigns", **await unchanged.new_campaign(**{field: value}))
    else:
        path = f"/api/campaigns/{campaign['campaign_id']}"
        answer = await unchanged.call("PATCH", path, data={"name": "other", field: value})
    assert answer.status == 422, answer.body
    assert list(answer.body) == [field]


@pytest.mark.parametrize(
    ("numbers", "field"),
    [
        ("{}", "phone_numbers"),
        ("+12025550100", "phone_numbers"),
        ("null", "phone_numbers"),
        ("[[", "phone_numbers"),
        ("7", "phone_numbers"),
    ],
)
async def test_a_phone_list_that_is_none(unchanged: Customer, numbers: str, field: str) -> None:
    """422 by its name, in a new campaign and in an addition; a list with wrong lines is another matter."""
    [campaign] = await unchanged.get("/api/campaigns")
    made = await unchanged.post("/api/campaigns", **await unchanged.new_campaign(phone_numbers=numbers))
    added = await unchanged.post(
        "/api/campaigns/add-calls", campaign_id=str(campaign["campaign_id"]), phone_numbers=numbers
    )
    assert [(answer.status, list(answer.body)) for answer in (made, added)] == [(422, [field])] * 2


@pytest.mark.parametrize("multipart", [True, False])
async def test_an_array_that_is_too_long_is_to_be_sent_as_a_file(
    unchanged: Customer, *, multipart: bool
) -> None:
    """413 in a sentence that says so."""
    numbers = json.dumps(["+12025550100"] * 80_000)
    field = b'--b\r\nContent-Disposition: form-data; name="phone_numbers"\r\n\r\n%s\r\n--b--\r\n'
    body = field % numbers.encode() if multipart else b'{"phone_numbers":%s}' % numbers.encode()
    answer = await unchanged.call("POST", "/api/campaigns/add-calls", data=io.BytesIO(body))
    assert (answer.status, "as a file" in answer.body["error"]) == (413, True)


async def test_two_phone_lists_in_one_request(unchanged: Customer) -> None:
    """422: one of them would be dropped without a word, be it the array beside a file or the second file."""
    [campaign] = await unchanged.get("/api/campaigns")
    for name, file_name in (("phone_numbers", None), ("phone_numbers", "b.csv")):
        form = aiohttp.FormData({"campaign_id": str(campaign["campaign_id"])})
        form.add_field("phone_numbers", b"+12025550198\n", filename="a.csv")
        form.add_field(name, '["+12025550199"]', filename=file_name)
        answer = await unchanged.call("POST", "/api/campaigns/add-calls", data=form)
        assert (answer.status, list(answer.body)) == (422, ["phone_numbers"])


@pytest.mark.parametrize("calls", ["now", "HANGUP", "1"])
@pytest.mark.parametrize("path", ["stop", "delete"])
async def test_a_stop_in_a_way_that_there_is_not(unchanged: Customer, calls: str, path: str) -> None:
    """422 by name: the calls end by themselves or are ended."""
    [campaign] = await unchanged.get("/api/campaigns")
    its_id = str(campaign["campaign_id"])
    if path == "stop":
        answer = await unchanged.post("/api/campaigns/stop", campaign_id=its_id, calls=calls)
    else:
        answer = await unchanged.call("DELETE", f"/api/campaigns/{its_id}?calls={calls}")
    assert (answer.status, list(answer.body)) == (422, ["calls"])
