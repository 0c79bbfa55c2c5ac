"""Fetching a customer's document: forms, packed bodies, redirects and their bounds."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from services.cli.wiring import fetcher_of_anything
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.inflate import Uninflatable, gunzip
from shared.adapters.egress.session import guarded_session
from shared.domain.egress import EgressPolicy
from shared.ports.fetching import FetchedDocument, FetchFailed

_LOOPBACK = EgressPolicy(allow=(ip_network("127.0.0.1"),))
_GZIP = gzip.compress(b"<vxml/>")
_PLENTY_BYTES = 10_000_000


class Site:
    """A web server on loopback that gives prepared answers in turn and keeps what it was asked."""

    def __init__(self, *answers: web.Response, delay_seconds: float = 0) -> None:
        self._answers = list(answers)
        self._delay_seconds = delay_seconds
        self.requests: list[tuple[str, Mapping[str, str], bytes]] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve, and give the address without a slash at its end."""
        async with RawTestServer(self._answer) as server:
            yield str(server.make_url("")).removesuffix("/")

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.requests.append((f"{request.method} {request.path}", request.headers, await request.read()))
        await asyncio.sleep(self._delay_seconds)
        chosen = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return web.Response(status=chosen.status, headers=chosen.headers, body=chosen.body)


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})


async def _fetch(
    url: str,
    method: str = "GET",
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 60,
    max_bytes: int = _PLENTY_BYTES,
    follow_redirects: bool = False,
) -> FetchedDocument:
    async with guarded_session(_LOOPBACK, user_agent="paceline-test") as session:
        return await GuardedFetcher(session, _LOOPBACK).fetch(
            method,
            url,
            form=form,
            headers=headers,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
            follow_redirects=follow_redirects,
        )


async def test_a_fetch_returns_the_document_whatever_its_status() -> None:
    """A document has its address, status, type and body; what a 404 means is for the caller to say."""
    site = Site(
        web.Response(status=404, body=b"<vxml/>", headers={"Content-Type": "text/xml; charset=utf-8"})
    )
    async with site.serving() as url:
        document = await _fetch(f"{url}/start?a=1")
    expected = FetchedDocument(
        url=f"{url}/start?a=1", status=404, content_type="text/xml; charset=utf-8", body=b"<vxml/>"
    )
    assert document == expected
    assert site.requests[0][1]["User-Agent"] == "paceline-test"


async def test_a_header_that_is_a_list_may_come_on_several_lines() -> None:
    """RFC 9110, 5.3: who may keep a document, and what it varies by, is all that was said of it."""
    answer = web.Response(headers={"Cache-Control": "max-age=60", "Vary": "Accept", "ETag": '"a"'})
    answer.headers.add("cache-control", "private")
    answer.headers.add("Vary", "Cookie")
    answer.headers.add("Set-Cookie", "a=b")
    async with Site(answer).serving() as url:
        document = await _fetch(url)
    assert document.headers["Cache-Control"] == "max-age=60, private"
    assert document.headers["Vary"] == "Accept, Cookie"
    assert document.headers["ETag"] == '"a"'
    assert document.sets_cookies


async def test_a_form_arrives_as_a_browser_would_send_it() -> None:
    """The fields of a form are encoded, so that a reference with & or # in it stays one field."""
    site = Site(web.Response())
    async with site.serving() as url:
        await _fetch(f"{url}/start", "POST", form={"phone_number": "+12025550100", "ref": "a&b #1"})
    line, headers, body = site.requests[0]
    assert line == "POST /start"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body == b"phone_number=%2B12025550100&ref=a%26b+%231"


async def test_a_document_of_exactly_the_bound_is_whole_and_a_larger_one_is_refused() -> None:
    """A fetch gives the whole document or none."""
    site = Site(web.Response(body=bytes(1_000)), web.Response(body=bytes(1_001)))
    async with site.serving() as url:
        assert len((await _fetch(url, max_bytes=1_000)).body) == 1_000
        with pytest.raises(FetchFailed, match="larger than 1000 bytes") as failure:
            await _fetch(url, max_bytes=1_000)
    assert failure.value.sent


async def test_a_packed_document_is_unpacked() -> None:
    """Gzip is asked for and read, and what comes unpacked is taken as it is."""
    site = Site(web.Response(body=_GZIP, headers={"Content-Encoding": "gzip"}), web.Response(body=b"plain"))
    async with site.serving() as url:
        assert (await _fetch(url)).body == b"<vxml/>"
        assert (await _fetch(url)).body == b"plain"
    assert site.requests[0][1]["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "encoding", "complaint"),
    [
        pytest.param(gzip.compress(bytes(50_000_000)), "gzip", "unpacked", id="a bomb"),
        pytest.param(gzip.compress(bytes(1_000_001)), "x-gzip", "unpacked", id="one byte too many"),
        pytest.param(_GZIP[:-9], "gzip", "cut short", id="cut short"),
        pytest.param(_GZIP * 2, "gzip", "more behind its end", id="two members"),
        pytest.param(b"<vxml/>", "gzip", "cannot be unpacked", id="not packed at all"),
        pytest.param(_GZIP[:-8] + bytes(8), "gzip", "cannot be unpacked", id="a wrong checksum"),
        pytest.param(b"<vxml/>", "br", "only gzip", id="brotli"),
        pytest.param(gzip.compress(_GZIP), "gzip, gzip", "only gzip", id="packed twice"),
    ],
)
async def test_a_document_that_cannot_be_unpacked_within_its_bound_is_refused(
    body: bytes, encoding: str, complaint: str
) -> None:
    """Fifty megabytes in fifty kilobytes, and whatever else is not one honest gzip, is a sentence."""
    site = Site(web.Response(body=body, headers={"Content-Encoding": encoding}))
    async with site.serving() as url:
        with pytest.raises(FetchFailed, match=complaint):
            await _fetch(url, max_bytes=1_000_000)


def test_a_bomb_is_never_held_whole() -> None:
    """Of fifty megabytes of zeros no more is ever in memory than was agreed."""
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(Uninflatable):
            gunzip(bomb, max_bytes=1_000_000)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 5_000_000


@pytest.mark.parametrize("follow_redirects", [True, False])
async def test_a_get_follows_redirects_only_when_asked(*, follow_redirects: bool) -> None:
    """Five hops are followed on request, and the document says where it was in the end."""
    site = Site(*(_redirect(f"/hop/{number}") for number in range(1, 6)), web.Response(body=b"there"))
    async with site.serving() as url:
        document = await _fetch(f"{url}/", follow_redirects=follow_redirects)
    if follow_redirects:
        assert (document.body, document.url) == (b"there", f"{url}/hop/5")
    else:
        assert (document.status, document.url) == (302, f"{url}/")
    assert len(site.requests) == (6 if follow_redirects else 1)


async def test_a_sixth_redirect_is_refused() -> None:
    """A loop of redirects ends."""
    site = Site(_redirect("/again"))
    async with site.serving() as url:
        with pytest.raises(FetchFailed, match="more than 5 redirects"):
            await _fetch(url, follow_redirects=True)
    assert len(site.requests) == 6


@pytest.mark.parametrize(
    ("status", "follow_redirects", "methods"),
    [
        (302, True, ["POSTa=b", "GET"]),
        (303, True, ["POSTa=b", "GET"]),
        (301, True, ["POSTa=b"]),
        (307, True, ["POSTa=b"]),
        (303, False, ["POSTa=b"]),
    ],
)
async def test_a_post_is_never_sent_on(status: int, *, follow_redirects: bool, methods: list[str]) -> None:
    """What it carries was meant for the address that was registered; its answer may be read elsewhere."""
    site = Site(web.Response(status=status, headers={"Location": "/elsewhere"}), web.Response(body=b"there"))
    async with site.serving() as url:
        document = await _fetch(url, "POST", form={"a": "b"}, follow_redirects=follow_redirects)
    assert [f"{line.split()[0]}{body.decode()}" for line, _, body in site.requests] == methods
    followed = len(methods) > 1
    assert (document.status, document.body) == ((200, b"there") if followed else (status, b""))


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//10.0.0.1/",
        "http://2130706433/",
        "http://user@127.0.0.1/",
        "http://127.0.0.2:8000/",
        "file:///etc/passwd",
        "http://[::1/",
        "gopher://127.0.0.1/",
    ],
)
async def test_a_redirect_is_judged_like_any_other_url(location: str) -> None:
    """No redirect leads to what could not have been called in the first place."""
    site = Site(_redirect(location))
    async with site.serving() as url:
        with pytest.raises(FetchFailed) as failure:
            await _fetch(url, follow_redirects=True)
    assert failure.value.message.endswith(".")
    assert failure.value.sent  # the first hop was
    assert len(site.requests) == 1


async def test_a_redirect_to_another_host_does_not_carry_what_was_meant_for_the_first() -> None:
    """Credentials stay with their host; other headers go along."""
    second = Site(web.Response())
    async with second.serving() as there:
        first = Site(_redirect("/same"), _redirect(f"{there}/other"))
        async with first.serving() as here:
            headers = {"Authorization": "Bearer secret", "Cookie": "a=b", "Accept": "application/xml"}
            await _fetch(here, headers=headers, follow_redirects=True)
    assert first.requests[1][1]["Authorization"] == "Bearer secret"
    assert not {"Authorization", "Cookie"} & set(second.requests[0][1])
    assert second.requests[0][1]["Accept"] == "application/xml"


async def test_an_application_that_is_tried_in_the_terminal_has_the_cookies_of_one_call() -> None:
    """RFC 6265: what a server sets comes back to it, as in a call; the next trial begins without."""
    site = Site(web.Response(headers={"Set-Cookie": "sid=1; Path=/"}))
    async with site.serving() as url:
        for _ in range(2):
            async with fetcher_of_anything() as fetcher:
                for method in ("GET", "POST"):
                    await fetcher.fetch(method, url, timeout_s=60, max_bytes=1_000)
    assert [headers.get("Cookie") for _, headers, _ in site.requests] == [None, "sid=1"] * 2


async def test_all_hops_of_a_fetch_share_one_deadline() -> None:
    """Redirects do not buy time."""
    site = Site(_redirect("/again"), delay_seconds=0.15)
    async with site.serving() as url:
        while not site.requests:  # a busy machine may not get as far as the first
            with pytest.raises(FetchFailed, match="in time"):
                await _fetch(url, timeout_s=0.4, follow_redirects=True)
    # Each hop takes 0.15 s at least; with a time-out of its own it would be followed until there are too many.
    assert 1 <= len(site.requests) <= 3


async def test_a_url_that_may_not_be_called_is_a_failure_before_anything_is_sent() -> None:
    """A refused address is one `FetchFailed` like everything else, and provably unsent."""
    with pytest.raises(FetchFailed, match="PACELINE_EGRESS_ALLOW") as failure:
        await _fetch("http://10.0.0.1/")
    assert not failure.value.sent
