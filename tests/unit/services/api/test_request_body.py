"""Requests as clients really send them, against a real server on loopback."""

import asyncio
import gzip
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from services.api.request_body import (
    BodyLimits,
    Fields,
    FilePart,
    OnFile,
    UnreadableBody,
    read_body,
    read_fields,
)
from shared.domain.errors import Invalid, PacelineError

BOUNDARY = "------------------------bd85ecb901db094d"
LIMITS = BodyLimits(field_bytes=4096, file_bytes=200_000, wait_seconds=5)

#: What curl 7.88 sends for the documented Create Campaign command.
DOCUMENTED_TYPE = f"application/json; boundary={BOUNDARY}"
DOCUMENTED_BODY = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: attachment; name="start_date"\r\n\r\n'
    "2022-01-01\r\n"
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: attachment; name="phone_numbers"; filename="api-test-1.csv"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
    "tel:+12223334444;ani=7778889999,x\n\r\n"
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: attachment; name="profiles"\r\n\r\n'
    '[{"profile":"MorningPace","start_time":"08:00","end_time":"11:00"}]\r\n'
    f"--{BOUNDARY}--\r\n"
).encode()

Answer = dict[str, Any]
Handler = Callable[[web.BaseRequest], Awaitable[Answer]]


class Room:
    """A server whose handler reads each request's parameters and answers with what it read."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.limits = LIMITS
        self.separators = "&"
        self.on_file: OnFile | None = self.keep
        #: What came of each request, also of those whose client did not wait.
        self.outcomes: asyncio.Queue[Answer] = asyncio.Queue()
        self.port = 0

    async def keep(self, part: FilePart) -> None:
        """Keep a file whole."""
        self.files[part.file_name] = b"".join([chunk async for chunk in part.chunks])

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with the fields, or with the refusal's class and sentence."""
        try:
            fields = await read_body(
                request, limits=self.limits, on_file=self.on_file, separators=self.separators
            )
            answer: Answer = {name: fields.raw(name) for name in fields.names}
        except PacelineError as error:
            answer = {"refused": type(error).__name__, "sentence": error.message}
        self.outcomes.put_nowait(answer)
        return web.json_response(answer)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """Start a server for one test."""
    room = Room()
    # lingering waits ten seconds for the rest of a body that was refused: for clients, not for tests
    runner = web.ServerRunner(web.Server(room.handle, lingering_time=0))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    room.port = runner.addresses[0][1]
    yield room
    await runner.cleanup()


def http(body: bytes, content_type: str | None = None, *, query: str = "", headers: str = "") -> bytes:
    """Write a POST request."""
    head = f"POST /api/x{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}"
    head += f"Content-Type: {content_type}\r\n" if content_type is not None else ""
    if "Transfer-Encoding" not in headers and "Content-Length" not in headers:
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode("utf-8", "surrogateescape") + b"\r\n" + body


async def post(room: Room, request: bytes) -> Answer:
    """Send these bytes and return the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", room.port)
    writer.write(request)
    response = await reader.read()
    writer.close()
    status, _, rest = response.partition(b"\r\n")
    assert b" 200 " in status, response
    answer: Answer = json.loads(rest.partition(b"\r\n\r\n")[2])
    return answer


def multipart(*parts: tuple[str, bytes], boundary: str = "b") -> bytes:
    """Write a multipart body of parts, each with its Content-Disposition's parameters."""
    texts = [
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode("utf-8", "surrogateescape")
        + body
        + b"\r\n"
        for head, body in parts
    ]
    return b"".join(texts) + f"--{boundary}--\r\n".encode()


# --- the documented clients -----------------------------------------------------------------------------


async def curl(room: Room, *arguments: str) -> Answer:
    """Run the real curl."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    answer: Answer = json.loads(output)
    return answer


async def test_the_documented_create_schedule_command(room: Room) -> None:
    """The documented curl for schedules gives the days as JSON text and the nickname without its quotes."""
    url = f"http://127.0.0.1:{room.port}/api/schedules"
    answer = await curl(
        room, "--location", "--request", "POST", url,
        "--form", r'days="[\"mon\", \"wed\", \"fri\"]"', "--form", 'nickname="3wkdays"',
    )  # fmt: skip
    assert answer == {"days": '["mon", "wed", "fri"]', "nickname": "3wkdays"}


async def test_the_documented_create_campaign_command(room: Room, tmp_path: Path) -> None:
    """The documented curl, with its lying Content-Type, gives every field and the file."""
    path = tmp_path / "api-test-1.csv"
    path.write_bytes(b"tel:+12223334444;ani=7778889999\n")
    answer = await curl(
        room, "--location", "--request", "POST", f"http://127.0.0.1:{room.port}/api/campaigns",
        "--header", "Content-Type: application/json",
        "--form", 'start_date="2022-01-01"',
        "--form", f'phone_numbers=@"{path}"',
        "--form", r'profiles="[{\"profile\":\"MorningPace\",\"start_time\":\"08:00\",\"end_time\":\"11:00\"}]"',
        "--form", 'schedule_id="6"',
    )  # fmt: skip
    assert answer == {
        "start_date": "2022-01-01",
        "profiles": '[{"profile":"MorningPace","start_time":"08:00","end_time":"11:00"}]',
        "schedule_id": "6",
    }
    assert room.files == {"api-test-1.csv": path.read_bytes()}


async def test_the_documented_update_command(room: Room) -> None:
    """The documented curl with raw JSON in the query gives that JSON."""
    url = f'http://127.0.0.1:{room.port}/api/schedules/15?days=["mon","wed"]'
    assert await curl(room, "--location", "-g", "--request", "PATCH", url) == {"days": '["mon","wed"]'}


async def test_json_sent_by_curl_without_a_header(room: Room) -> None:
    """The JSON of `curl -d` is JSON, though curl calls it a form."""
    assert await curl(room, "-d", '{"days":["mon"]}', f"http://127.0.0.1:{room.port}/") == {"days": ["mon"]}


@pytest.mark.parametrize(
    "content_type",
    [
        DOCUMENTED_TYPE,
        "application/json",
        "application/xml",
        "text/plain",
        "application/x-www-form-urlencoded",
        f"multipart/form-data; boundary={BOUNDARY}",
        f'Multipart/Form-Data; Boundary="{BOUNDARY}"',
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "nonsense;;;=",
        "",
        None,
    ],
)
async def test_a_multipart_body_is_one_whatever_its_header_says(room: Room, content_type: str | None) -> None:
    """The body tells that it is a multipart, and by which boundary; the header may lie or be silent."""
    answer = await post(room, http(DOCUMENTED_BODY, content_type))
    assert answer["start_date"] == "2022-01-01"
    assert json.loads(answer["profiles"])[0]["profile"] == "MorningPace"
    assert room.files == {"api-test-1.csv": b"tel:+12223334444;ani=7778889999,x\n"}


# --- sources and their order ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "fields"),
    [
        (b"a=1&b=2", "application/x-www-form-urlencoded", {"a": "1", "b": "2"}),
        (b"a=1&b=2", "application/json", {"a": "1", "b": "2"}),
        (b"a=1", "text/plain", {"a": "1"}),
        (b"a=1", None, {"a": "1"}),
        (b'{"a":1,"b":["x"]}', "application/json", {"a": 1, "b": ["x"]}),
        (b' \r\n{"a":null}', "application/vnd.api+json; charset=utf-8", {"a": None}),
        (b'{"a":1}', "text/plain", {"a": 1}),
        (b'{"a":1}', "multipart/form-data; boundary=x", {"a": 1}),
        (b"", "application/json", {}),
        (b"", None, {}),
        (b"\r\n", "text/plain", {}),
        (b"a=x+y&b=x%20y&c=x%2By&d=%E9%9F%B3", None, {"a": "x y", "b": "x y", "c": "x+y", "d": "音"}),
        (b"a=1&e&f=&=g&&", None, {"a": "1", "e": "", "f": "", "": "g"}),
        (b"a=100%&b=%zz", None, {"a": "100%", "b": "%zz"}),
        (b"a=1&a=2&a=3", None, {"a": "3"}),
        (b"days[]=mon&days[]=tue", None, {"days": ["mon", "tue"]}),
        (b"days%5B%5D=mon&days%5B%5D=tue", None, {"days": ["mon", "tue"]}),
        (b"days[0]=mon&days[1]=tue", None, {"days": ["mon", "tue"]}),
        (b"days=x&days[]=mon", None, {"days": ["mon"]}),
        (b"days[]=mon&days=x", None, {"days": "x"}),
        (b'days=["mon","wed"]', None, {"days": '["mon","wed"]'}),
        (b"a=1;b=2", None, {"a": "1;b=2"}),
        ("nickname=\u202eabc😀".encode(), None, {"nickname": "\u202eabc😀"}),
    ],
)  # fmt: skip
async def test_forms_and_json_are_told_by_their_first_bytes(
    room: Room, body: bytes, content_type: str | None, fields: Answer
) -> None:
    """Each way of sending parameters gives them under their names, whatever it is called."""
    assert await post(room, http(body, content_type)) == fields


@pytest.mark.parametrize(
    ("query", "body", "fields"),
    [
        ('?days=["mon","wed"]', b"", {"days": '["mon","wed"]'}),
        ("?days=%5B%22mon%22%5D", b"", {"days": '["mon"]'}),
        ("?a=1&b=2", b"b=3&c=4", {"a": "1", "b": "3", "c": "4"}),
        ("?a=1&b=2", b'{"b":[3]}', {"a": "1", "b": [3]}),
        ("?days[]=mon&days[]=tue", b"days[]=fri", {"days": ["fri"]}),
        ("?a=1&a=2", b"", {"a": "2"}),
        ("?a=x+y%2Bz", b"", {"a": "x y+z"}),
        ("?a=%C3%A9", b"", {"a": "é"}),
        ("?", b"", {}),
    ],
)
async def test_the_body_wins_over_the_query(room: Room, query: str, body: bytes, fields: Answer) -> None:
    """Query and body are read both; where both have a name, the body's value counts, whole."""
    assert await post(room, http(body, query=query)) == fields


async def test_a_dialect_may_part_pairs_by_semicolons(room: Room) -> None:
    """Where the dialect says so, `;` parts the pairs as well as `&`, in query and form."""
    room.separators = ";&"
    answer = await post(room, http(b"c=3;d=4", query="?a=1;b=2&e=5"))
    assert answer == {"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}


async def test_multipart_fields_have_the_same_rules(room: Room) -> None:
    """In a multipart, too, the last of equal names wins and `name[]` is a list."""
    parts = [("name=a", b"1"), ('name="a"', b"2"), ('name="days[]"', b"mon"), ('name="days[]"', b"tue")]
    assert await post(room, http(multipart(*parts), query="?a=0&q=1")) == {
        "a": "2",
        "days": ["mon", "tue"],
        "q": "1",
    }


# --- bad bodies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"hello", "multipart/form-data", "has no boundary"),
        (b"hello", 'multipart/form-data; boundary="{}"', "has no boundary"),
        (b"--" + b"x" * 71 + b"\r\nContent-", "multipart/form-data", "has no boundary"),
        (b"hello", "multipart/form-data; boundary=x", "ends before its closing boundary"),
        (b"", "multipart/form-data; boundary=x", "ends before its closing boundary"),
        (DOCUMENTED_BODY[:-30], DOCUMENTED_TYPE, "ends before its closing boundary"),
        (DOCUMENTED_BODY[:150], DOCUMENTED_TYPE, "ends before its closing boundary"),
        (multipart(("name=a", b"\xff")), None, "not UTF-8"),
        (multipart(("name=a", b"\0")), None, "NUL"),
        (multipart(('filename="x"', b"1")), None, "Each part needs"),
        (b"a=%FF", None, "not UTF-8"),
        (b"a=%00", None, "NUL"),
        (b"%00=a", "application/x-www-form-urlencoded", "NUL"),
        (b"a=1", "text/plain; charset=utf-16", "not in UTF-8"),
        (b'{"a":1}', "application/json; charset=nope", "not in UTF-8"),
        (b'{"a":1}', "application/json; charset=UTF-7", "not in UTF-8"),
        ('{"a":"é"}'.encode("latin-1"), "application/json", "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "application/json", "byte order mark"),
        (b'\xef\xbb\xbf{"a":1}', "application/json", "byte order mark"),
        ('{"a":1}'.encode("utf-16-le"), "application/json", "malformed"),
        (b'{"a":1', "application/json", "malformed at line 1, column 7"),
        (b'{"a":1,}', "application/json", "malformed"),
        (b'{"a":1}{"b":2}', "application/json", "malformed"),
        (b'{"a":1,"a":2}', "application/json", "same key twice"),
        (b'{"a":NaN}', "application/json", "NaN is no JSON number"),
        (b'{"a":-Infinity}', "application/json", "-Infinity is no JSON number"),
        (b'{"a":1e999}', "application/json", "too large"),
        (b'{"a":' + b"9" * 3000 + b"}", "application/json", "more than 18 digits"),
        (b"[" * 4000, "application/json", "deeper than 32"),
        (b'{"a":' * 600, "application/json", "deeper than 32"),
        (b'{"a":"\\ud800"}', "application/json", "surrogate"),
        (b'{"a":"\\u0000"}', "application/json", "NUL"),
        (b'["a"]', "application/json", "must be an object"),
        (b'"a"', "application/json", "must be an object"),
        (b"null", "application/json", "must be an object"),
        (b"'a'", "application/json", "malformed"),
    ],
)  # fmt: skip
async def test_a_body_that_cannot_be_read_is_refused_in_words(
    room: Room, body: bytes, content_type: str | None, words: str
) -> None:
    """Each broken body gives UnreadableBody and a sentence, and nothing of it is taken."""
    answer = await post(room, http(body, content_type))
    assert answer["refused"] == "UnreadableBody"
    assert words in answer["sentence"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"<xml/>", "application/xml"), (b"\x00\x01\x02", "application/octet-stream"), (b"hello", None)],
)
async def test_a_body_of_another_kind_is_refused_as_such(
    room: Room, body: bytes, content_type: str | None
) -> None:
    """What is neither a form nor JSON gives UnsupportedBody, which is answered otherwise than a broken body."""
    answer = await post(room, http(body, content_type))
    assert (answer["refused"], "neither a form nor" in answer["sentence"]) == ("UnsupportedBody", True)


@pytest.mark.parametrize(
    ("query", "words"), [("?a=%FF", "not UTF-8"), ("?a=%00", "NUL"), ("?%ED%A0%80=1", "not UTF-8")]
)
async def test_a_query_that_cannot_be_read_is_refused(room: Room, query: str, words: str) -> None:
    """A query that is no text is refused like a body that is none."""
    answer = await post(room, http(b"", query=query))
    assert (answer["refused"], words in answer["sentence"]) == ("UnreadableBody", True)


@pytest.mark.parametrize(
    "request_bytes",
    [
        http(b"zz\r\na=1\r\n", headers="Transfer-Encoding: chunked\r\n"),
        http(b"3\r\na=1XX0\r\n\r\n", headers="Transfer-Encoding: chunked\r\n"),
        http(b"3\r\na=1\r\nzz\r\n", headers="Transfer-Encoding: chunked\r\n"),
    ],
)
async def test_a_broken_transfer_is_refused(room: Room, request_bytes: bytes) -> None:
    """Chunks that are not what they say are a refusal, not a crash of ours."""
    reader, writer = await asyncio.open_connection("127.0.0.1", room.port)
    writer.write(request_bytes)
    response = await reader.read()
    writer.close()
    assert (
        response.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")) or b'"refused": "UnreadableBody"' in response
    )


@pytest.mark.parametrize("sent", [0, 3, 100, 300, len(DOCUMENTED_BODY) - 10])
async def test_a_client_that_goes_away_leaves_a_refusal(room: Room, sent: int) -> None:
    """A connection that closes within the body ends the request as unreadable, whatever part it was in."""
    _, writer = await asyncio.open_connection("127.0.0.1", room.port)
    head = f"Content-Length: {len(DOCUMENTED_BODY)}\r\n"
    writer.write(http(DOCUMENTED_BODY[:sent], DOCUMENTED_TYPE, headers=head))
    await writer.drain()
    writer.close()
    outcome = await asyncio.wait_for(room.outcomes.get(), 60)
    assert outcome["refused"] == "UnreadableBody"


@pytest.mark.parametrize("sent", [0, 1, 100, 250])
async def test_a_client_that_stops_sending_is_not_waited_for(room: Room, sent: int) -> None:
    """A body that does not come within the budget is given up, wherever it stopped."""
    room.limits = BodyLimits(wait_seconds=0.05)
    head = f"Content-Length: {len(DOCUMENTED_BODY)}\r\n"
    answer = await post(room, http(DOCUMENTED_BODY[:sent], DOCUMENTED_TYPE, headers=head))
    assert answer["refused"] == "BodyTooSlow"


async def test_our_own_slowness_is_not_the_clients(room: Room) -> None:
    """Time spent on the file, here longer than the whole budget, does not count as waiting for the client."""
    room.limits = BodyLimits(wait_seconds=1)

    async def slowly(part: FilePart) -> None:
        await asyncio.sleep(1.1)
        await room.keep(part)

    room.on_file = slowly
    assert "refused" not in await post(room, http(DOCUMENTED_BODY, DOCUMENTED_TYPE))
    assert list(room.files) == ["api-test-1.csv"]


# --- bounds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=" + b"x" * 4095, None),
        (b'{"a":"' + b"x" * 4096 + b'"}', None),
        (multipart(("name=a", b"x" * 2048), ("name=b", b"x" * 2048)), None),
        (multipart(*[("name=a", b"")] * 1001), None),
        (multipart(*[("name=abcd", b"x")] * 900), None),  # names count too
        (multipart(("name=a" + " " * 9000, b"x")), None),
        (b"&".join([b"a=1"] * 1001), None),
        (b"&" * 1001, "application/x-www-form-urlencoded"),
        (b"hello" * 1000, "text/plain"),
        (multipart(('name=f; filename="f"', b"x" * 200_001)), None),
        (multipart(*[('name=f; filename="f"', b"x" * 100_001)] * 2), None),
    ],
)
async def test_more_than_the_limits_is_refused(room: Room, body: bytes, content_type: str | None) -> None:
    """Fields, parts, part headers and files are bounded, each alone and all together."""
    assert (await post(room, http(body, content_type)))["refused"] == "BodyTooLarge"


async def test_as_much_as_the_limits_is_taken(room: Room) -> None:
    """A request exactly at the limits is read: a thousand parts, four kilobytes of fields, the whole file."""
    fields = [("name=a", b"x" * 3)] * 998 + [("name=b", b"x" * 103)]
    body = multipart(*fields, ('name=f; filename="f"', b"y" * 200_000))
    answer = await post(room, http(body))
    assert (len(answer["b"]), len(room.files["f"])) == (103, 200_000)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"a=1"),
        gzip.compress(b"a=" + bytes(32 * 1024 * 1024)),
        gzip.compress(b"a=1" * 100)[:15],
        b"not gzip at all",
    ],
    ids=["whole", "bomb", "cut short", "none"],
)
async def test_a_compressed_body_is_refused(room: Room, body: bytes) -> None:
    """A body that is compressed as a whole is refused before it is unpacked."""
    answer = await post(room, http(body, headers="Content-Encoding: gzip\r\n"))
    assert (answer["refused"], "compressed" in answer["sentence"]) == ("UnsupportedBody", True)


async def test_compression_that_is_none_is_no_matter(room: Room) -> None:
    """`identity` says that the body is as it is."""
    assert await post(room, http(b"a=1", headers="Content-Encoding: identity\r\n")) == {"a": "1"}


# --- files ----------------------------------------------------------------------------------------------


async def test_a_file_is_handed_on_while_it_arrives(room: Room) -> None:
    """The first bytes of a file reach its reader before the client has sent the last."""
    first = asyncio.Event()

    async def watch(part: FilePart) -> None:
        async for chunk in part.chunks:
            room.files[part.name] = room.files.get(part.name, b"") + chunk
            first.set()

    room.on_file = watch
    body = multipart(('name=f; filename="f"', b"x" * 1000), ("name=after", b"1"))
    reader, writer = await asyncio.open_connection("127.0.0.1", room.port)
    writer.write(http(body[:500], headers=f"Content-Length: {len(body)}\r\n"))
    await asyncio.wait_for(first.wait(), 60)
    assert 0 < len(room.files["f"]) < 500
    writer.write(body[500:])
    assert b'"after": "1"' in await reader.read()
    writer.close()
    assert room.files["f"] == b"x" * 1000


async def test_fields_may_stand_before_and_after_the_file(room: Room) -> None:
    """The place of the file among the fields does not matter."""
    file = ('name=f; filename="f"', b"1\r\n--\r\n2")
    for parts in ([file, ("name=a", b"1")], [("name=a", b"1"), file]):
        room.files.clear()
        assert await post(room, http(multipart(*parts))) == {"a": "1"}
        assert room.files == {"f": b"1\r\n--\r\n2"}


async def test_a_file_that_nobody_reads_does_no_harm(room: Room) -> None:
    """What `on_file` leaves unread is dropped, but counted; the fields after it are read."""

    async def glance(part: FilePart) -> None:
        await anext(part.chunks)

    room.on_file = glance
    parts = [('name=f; filename="f"', b"x" * 100_000), ("name=a", b"1")]
    assert await post(room, http(multipart(*parts))) == {"a": "1"}
    too_large = multipart(('name=f; filename="f"', b"x" * 200_001))
    assert (await post(room, http(too_large)))["refused"] == "BodyTooLarge"


async def test_half_a_file_never_passes_for_a_whole(room: Room) -> None:
    """Even an `on_file` that swallows the error of a truncated file cannot make the request succeed."""

    async def careless(part: FilePart) -> None:
        try:
            await room.keep(part)
        except UnreadableBody:
            room.files["swallowed"] = b""

    room.on_file = careless
    body = multipart(('name=f; filename="f"', b"x" * 1000))[:600]
    assert (await post(room, http(body)))["refused"] == "UnreadableBody"
    assert "swallowed" in room.files


async def test_what_the_reader_of_a_file_raises_ends_the_request(room: Room) -> None:
    """A refusal by whoever reads the file is the refusal of the request."""

    async def refuse(part: FilePart) -> None:
        raise Invalid(part.name, "This is no phone list.")

    room.on_file = refuse
    answer = await post(room, http(DOCUMENTED_BODY, DOCUMENTED_TYPE))
    assert answer == {"refused": "Invalid", "sentence": "This is no phone list."}


async def test_a_request_that_takes_no_file_refuses_one(room: Room) -> None:
    """Where no file is expected, a file is a mistake of the client and said to be."""
    room.on_file = None
    answer = await post(room, http(DOCUMENTED_BODY, DOCUMENTED_TYPE))
    assert answer["refused"] == "UnreadableBody"
    assert "takes no file, and phone_numbers is one" in answer["sentence"]


async def test_a_file_that_was_left_out_of_a_form_is_no_field(room: Room) -> None:
    """A browser sends an empty part without a file name for an input that was left empty."""
    room.on_file = None
    assert await post(room, http(multipart(('name=f; filename=""', b""), ("name=a", b"1")))) == {"a": "1"}


async def test_read_fields_reads_a_request_without_a_file() -> None:
    """The short form has the same fields, with the limits of a request that takes no file."""
    seen: list[Fields] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(await read_fields(request))
        return web.json_response({})

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    room = Room()
    room.port = runner.addresses[0][1]
    await post(room, http(b"days=[1]", query="?nickname=x"))
    await runner.cleanup()
    assert seen[0].names == {"days", "nickname"}
    assert seen[0].array("days") == [1]


# --- anything -------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        b"--b\r\n", b"--b--\r\n", b"--b--", b"\r\n", b"\r", b"--", b"-", b"\n", b"a=1", b"&", b"{", b"}", b'"',
        b'Content-Disposition: form-data; name="a"\r\n', b'Content-Disposition: x; name=f; filename="f"\r\n',
        b"Content-", b"x" * 70, b"\xef\xbb\xbf", b'{"a":1}', b":", b";", b"%", b" ", b"[", b"\0", b"\xff",
    ]
)  # fmt: skip
TYPES = [
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "application/json",
    "text/plain; charset=x",
    "",
    "\x7f;=;",
]


@given(
    st.lists(PIECES, max_size=12).map(b"".join),
    st.sampled_from(TYPES),
    st.lists(st.integers(1, 60), max_size=6),
)
def test_any_body_gives_fields_or_a_refusal(body: bytes, content_type: str, cuts: list[int]) -> None:
    """No body whatever, under no header and cut anywhere, raises anything but a refusal; cuts change nothing."""

    async def read(chunks: list[bytes]) -> object:
        stream = StreamReader(Mock(_reading_paused=False), limit=2**16, loop=asyncio.get_running_loop())
        request = make_mocked_request("POST", "/", headers={"Content-Type": content_type}, payload=stream)
        reading = asyncio.ensure_future(read_body(request, limits=LIMITS, on_file=drop))
        for chunk in chunks:
            stream.feed_data(chunk)
            await asyncio.sleep(0)
        stream.feed_eof()
        try:
            return (await reading).values
        except UnreadableBody as error:
            return error.message

    async def drop(part: FilePart) -> None:
        assert "".join(part.file_name.split()) == part.file_name

    at = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    pieces = [body[start:end] for start, end in pairwise(at) if end > start]
    assert asyncio.run(read(pieces)) == asyncio.run(read([body] if body else []))
