"""Documents that are kept between calls: fresh ones, unchanged ones, and many who want the same one at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from shared.adapters.egress.caching import MAX_STORED_BYTES, CachingFetcher
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.domain.egress import EgressPolicy
from shared.ports.fetching import DocumentStore, FetchFailed

_LOOPBACK: Final = EgressPolicy(allow=(ip_network("127.0.0.1"),))
_ETAG: Final = '"v1"'


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


class Site:
    """A server that counts what it was asked and answers with given headers."""

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.asked: list[str] = []
        self.open_doors = asyncio.Event()
        self.open_doors.set()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer 304 to whoever has the present version, 302 at /moved, else the document."""
        condition = request.headers.get("If-None-Match", "")
        self.asked.append(f"{request.method} {request.path} {condition}".strip())
        await self.open_doors.wait()
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/there", **self.headers})
        if condition and condition == self.headers.get("ETag"):
            return web.Response(status=304, headers=self.headers)
        return web.Response(body=f"<vxml n='{len(self.asked)}'/>".encode(), headers=self.headers)


@asynccontextmanager
async def store(
    site: Site, clock: Clock, max_stored_bytes: int = MAX_STORED_BYTES
) -> AsyncIterator[tuple[CachingFetcher, str]]:
    """Open a store before a site; gives it and the site's address."""
    async with RawTestServer(site.answer) as server, guarded_session(_LOOPBACK) as session:
        fetcher = GuardedFetcher(session, _LOOPBACK)
        yield (
            CachingFetcher(fetcher, clock=clock, max_stored_bytes=max_stored_bytes),
            str(server.make_url("")).removesuffix("/"),
        )


async def get(store: DocumentStore, url: str, *, max_age_s: int = -1, max_stale_s: int = -1) -> bytes:
    """Get a document's body."""
    document = await store.fetch_stored(
        url, max_age_s=max_age_s, max_stale_s=max_stale_s, timeout_s=60, max_bytes=100_000
    )
    assert document.status == 200
    return document.body


async def test_a_fresh_document_is_not_fetched_again() -> None:
    """Until its time is over; then it is."""
    site, clock = Site(Cache_Control="max-age=60"), Clock()
    async with store(site, clock) as (documents, url):
        assert await get(documents, f"{url}/a") == b"<vxml n='1'/>"
        clock.seconds += 59
        assert await get(documents, f"{url}/a") == b"<vxml n='1'/>"
        assert await get(documents, f"{url}/a", max_age_s=10) == b"<vxml n='2'/>"
        clock.seconds += 61
        assert await get(documents, f"{url}/a", max_stale_s=5) == b"<vxml n='2'/>"
        assert await get(documents, f"{url}/a") == b"<vxml n='3'/>"
    assert site.asked == ["GET /a"] * 3


async def test_an_unchanged_document_is_used_again_and_is_fresh_once_more() -> None:
    """Its server is asked with the entity tag, and answers 304."""
    site, clock = Site(Cache_Control="max-age=60", ETag=_ETAG), Clock()
    async with store(site, clock) as (documents, url):
        first = await get(documents, f"{url}/a")
        clock.seconds += 100
        assert await get(documents, f"{url}/a") == first
        clock.seconds += 59
        assert await get(documents, f"{url}/a") == first
        site.headers["ETag"] = '"v2"'
        clock.seconds += 1
        assert await get(documents, f"{url}/a") == b"<vxml n='3'/>"
    assert site.asked == ["GET /a", f"GET /a {_ETAG}", f"GET /a {_ETAG}"]


@pytest.mark.parametrize("headers", [{}, {"Cache_Control": "no-store"}, {"Cache_Control": "private"}])
async def test_a_document_that_may_not_be_stored_is_fetched_each_time(headers: dict[str, str]) -> None:
    """What its server says, or does not say, counts."""
    site = Site(**headers)
    async with store(site, Clock()) as (documents, url):
        assert await get(documents, f"{url}/a") != await get(documents, f"{url}/a")
        assert documents.stored_bytes == 0


async def test_many_calls_that_want_a_document_at_once_share_one_fetch() -> None:
    """Also when the one who began it hangs up; a question for the same document is asked once."""
    site = Site(Cache_Control="max-age=60")
    site.open_doors.clear()
    async with store(site, Clock()) as (documents, url):
        first = asyncio.create_task(get(documents, f"{url}/a"))
        while not site.asked:
            await asyncio.sleep(0)
        others = [asyncio.create_task(get(documents, f"{url}/a")) for _ in range(50)]
        await asyncio.sleep(0)
        first.cancel()
        site.open_doors.set()
        assert set(await asyncio.gather(*others)) == {b"<vxml n='1'/>"}
    assert site.asked == ["GET /a"]


async def test_documents_made_for_one_call_are_not_waited_for() -> None:
    """Once an address gave something that cannot be shared, each fetches for itself at the same time."""
    site = Site()
    async with store(site, Clock()) as (documents, url):
        await get(documents, f"{url}/a")
        site.open_doors.clear()
        calls = [asyncio.create_task(get(documents, f"{url}/a")) for _ in range(5)]
        while len(site.asked) < 6:
            await asyncio.sleep(0)
        site.open_doors.set()
        assert len({id(body) for body in await asyncio.gather(*calls)}) == 5


async def test_a_fetch_that_takes_too_long_fails_those_who_wait_in_their_own_time() -> None:
    """One sentence for each; nobody waits longer than asked."""
    site = Site(Cache_Control="max-age=60")
    site.open_doors.clear()
    async with store(site, Clock()) as (documents, url):
        slow = asyncio.create_task(get(documents, f"{url}/a"))
        while not site.asked:
            await asyncio.sleep(0)
        with pytest.raises(FetchFailed):
            await documents.fetch_stored(
                f"{url}/a", max_age_s=-1, max_stale_s=-1, timeout_s=0.05, max_bytes=1_000
            )
        site.open_doors.set()
        assert await slow == b"<vxml n='1'/>"


async def test_what_a_redirect_leads_to_is_not_stored_under_the_address_that_led_there() -> None:
    """The redirect may lead elsewhere tomorrow."""
    site = Site(Cache_Control="max-age=60")
    async with store(site, Clock()) as (documents, url):
        await get(documents, f"{url}/moved")
        await get(documents, f"{url}/moved")
    assert site.asked.count("GET /moved") == 2


async def test_a_post_makes_a_stored_document_forgotten() -> None:
    """RFC 9111, 4.4: it may have changed it."""
    site = Site(Cache_Control="max-age=60")
    async with store(site, Clock()) as (documents, url):
        await get(documents, f"{url}/a")
        await documents.fetch("POST", f"{url}/a", form={"b": "c"}, timeout_s=60, max_bytes=1_000)
        assert await get(documents, f"{url}/a") == b"<vxml n='3'/>"


async def test_the_store_is_bounded_and_forgets_what_was_used_least() -> None:
    """In bytes, with what an entry costs besides its body."""
    site = Site(Cache_Control="max-age=60")
    async with store(site, Clock(), max_stored_bytes=7_000) as (documents, url):
        for name in ("a", "b", "c", "a", "d"):
            await get(documents, f"{url}/{name}")
        assert documents.stored_bytes <= 7_000
        await get(documents, f"{url}/a")
        await get(documents, f"{url}/b")
    assert [asked.split()[1] for asked in site.asked] == ["/a", "/b", "/c", "/d", "/b"]


class SessionSite:
    """A server that names every caller it does not know yet by a cookie, as PHP does, and answers with the name."""

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        #: Whether a cookie comes with every answer.
        self.always = False
        self.asked: list[str] = []
        self.open_doors = asyncio.Event()
        self.open_doors.set()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer with who asks; 304 to whoever has it; at /guarded, where one must be known, 302 to /in and back."""
        self.asked.append(f"{request.path} {request.headers.get('Cookie', '')}".strip())
        known = request.cookies.get("sid")
        name = known or f"s{len(self.asked)}"
        await self.open_doors.wait()
        if request.path == "/guarded" and not known:
            return web.Response(status=302, headers={"Location": f"/in?to={request.path}"})
        response = self._answer(request, name)
        if self.always or not (known or request.path == "/static.grxml"):
            response.set_cookie("sid", name)
        return response

    def _answer(self, request: web.BaseRequest, name: str) -> web.Response:
        if request.path == "/in":
            return web.Response(status=302, headers={"Location": request.query["to"], **self.headers})
        if request.headers.get("If-None-Match", "nothing") == self.headers.get("ETag"):
            return web.Response(status=304, headers=self.headers)
        body = "<grammar/>" if request.path == "/static.grxml" else f"<vxml n='{name}'/>"
        return web.Response(body=body.encode(), headers=self.headers)


@asynccontextmanager
async def session_store(site: SessionSite, clock: Clock) -> AsyncIterator[tuple[CachingFetcher, str]]:
    """Open a store before such a site; gives it and the site's address."""
    async with RawTestServer(site.answer) as server, guarded_session(_LOOPBACK) as session:
        fetcher = GuardedFetcher(session, _LOOPBACK)
        documents = CachingFetcher(fetcher, clock=clock, wall_clock=clock)
        yield documents, str(server.make_url("")).removesuffix("/")


async def test_rfc_6265_a_call_is_known_again_and_no_other_is_taken_for_it() -> None:
    """VoiceXML 2.0, 6.1.4: each call has cookies of its own, and what all share has none."""
    site = SessionSite()
    async with session_store(site, Clock()) as (documents, url):
        first, second = documents.for_call(), documents.for_call()
        assert [await get(first, f"{url}/a"), await get(first, f"{url}/b")] == [b"<vxml n='s1'/>"] * 2
        posted = await first.fetch("POST", f"{url}/c", form={}, timeout_s=60, max_bytes=1_000)
        assert posted.body == b"<vxml n='s1'/>"
        assert await get(second, f"{url}/b") == b"<vxml n='s4'/>"
        assert await get(documents, f"{url}/b") == b"<vxml n='s5'/>"
        assert await get(documents, f"{url}/b") == b"<vxml n='s6'/>"
    assert site.asked == ["/a", "/b sid=s1", "/c sid=s1", "/b", "/b", "/b"]


async def test_rfc_6265_5_3_a_cookie_that_has_expired_is_not_sent() -> None:
    """By the clock that the store was given."""
    site, clock = SessionSite(Set_Cookie="until=then; Max-Age=60"), Clock()
    async with session_store(site, clock) as (documents, url):
        call = documents.for_call()
        await get(call, f"{url}/a")
        clock.seconds += 59
        await get(call, f"{url}/a")
        site.headers.clear()
        clock.seconds += 61
        await get(call, f"{url}/a")
    assert site.asked == ["/a", "/a until=then; sid=s1", "/a sid=s1"]


async def test_rfc_6265_5_redirects_set_and_send_cookies() -> None:
    """To be named on a detour, and known where one wanted to go; after a POST too."""
    site = SessionSite(Cache_Control="max-age=60")
    async with session_store(site, Clock()) as (documents, url):
        assert await get(documents.for_call(), f"{url}/guarded") == b"<vxml n='s2'/>"
        assert await get(documents.for_call(), f"{url}/guarded") == b"<vxml n='s5'/>"
        posting = documents.for_call()
        answer = await posting.fetch(
            "POST", f"{url}/in?to=/a", form={}, timeout_s=60, max_bytes=1_000, follow_redirects=True
        )
        assert answer.body == b"<vxml n='s7'/>"
        assert documents.stored_bytes == 0
    assert site.asked == [
        *["/guarded", "/in", "/guarded sid=s2"],
        *["/guarded", "/in", "/guarded sid=s5"],
        *["/in", "/a sid=s7"],
    ]


async def test_rfc_9111_7_3_an_answer_that_sets_a_cookie_is_nobody_elses() -> None:
    """It is not stored, however long it may be kept; what the call is given without one is."""
    site, clock = SessionSite(Cache_Control="max-age=60"), Clock()
    async with session_store(site, clock) as (documents, url):
        first, second = documents.for_call(), documents.for_call()
        assert await get(first, f"{url}/a") == b"<vxml n='s1'/>"
        assert documents.stored_bytes == 0
        assert await get(second, f"{url}/a") == b"<vxml n='s2'/>"
        # Cookies alone make nothing private: its server lets everybody have this for a minute.
        for call in (first, second, documents.for_call()):
            assert await get(call, f"{url}/static.grxml") == b"<grammar/>"
    assert site.asked == ["/a", "/a", "/static.grxml sid=s1"]


@pytest.mark.parametrize(
    "headers",
    [{"Cache_Control": "max-age=60", "Vary": "Accept, Cookie"}, {"Cache_Control": "private, max-age=60"}],
)
async def test_rfc_9111_4_1_what_varies_by_cookie_is_nobody_elses(headers: dict[str, str]) -> None:
    """Though it sets none."""
    site = SessionSite(**headers)
    async with session_store(site, Clock()) as (documents, url):
        calls = [documents.for_call() for _ in range(2)]
        for call in calls:
            await get(call, f"{url}/a")
        assert [await get(call, f"{url}/b") for call in calls] == [b"<vxml n='s1'/>", b"<vxml n='s2'/>"]
        assert documents.stored_bytes == 0


async def test_rfc_9111_4_2_4_an_applications_maxstale_opens_nobodys_page_to_another() -> None:
    """Of a page without a time its server is asked again, unless it was the same call's."""
    site = SessionSite(ETag='"same for all"')
    async with session_store(site, Clock()) as (documents, url):
        first, second = documents.for_call(), documents.for_call()
        for call in (first, second):
            await get(call, f"{url}/a")
        site.headers["ETag"] = '"of the first"'
        assert await get(first, f"{url}/b", max_stale_s=60) == b"<vxml n='s1'/>"
        assert await get(first, f"{url}/b", max_stale_s=60) == b"<vxml n='s1'/>"
        assert len(site.asked) == 3
        site.headers["ETag"] = '"of the second"'
        assert await get(second, f"{url}/b", max_stale_s=60) == b"<vxml n='s2'/>"


async def test_calls_with_cookies_of_their_own_do_not_wait_for_one_another() -> None:
    """Nor does one get what another asked for at the same time, though both pages could be stored."""
    site = SessionSite(ETag='"v1"')
    async with session_store(site, Clock()) as (documents, url):
        calls = [documents.for_call() for _ in range(5)]
        for call in calls:
            await get(call, f"{url}/a")
        site.open_doors.clear()
        site.headers["ETag"] = '"v2"'
        pages = [asyncio.create_task(get(call, f"{url}/b")) for call in calls]
        async with asyncio.timeout(60):  # if they wait for one another, they do so for ever
            while len(site.asked) < 10:
                await asyncio.sleep(0)
        site.open_doors.set()
        assert await asyncio.gather(*pages) == [f"<vxml n='s{number}'/>".encode() for number in range(1, 6)]


async def test_calls_that_share_a_fetch_do_not_share_the_cookie_that_comes_with_it() -> None:
    """Whoever waited is not given the page of somebody else, and is known by the name in their own."""
    site = SessionSite(Cache_Control="max-age=60")
    async with session_store(site, Clock()) as (documents, url):
        calls = [documents.for_call() for _ in range(4)]
        pages = await _at_once(site, calls, f"{url}/a")
        site.headers["Cache-Control"] = "no-store"
        assert [await get(call, f"{url}/b") for call in calls] == pages
        assert len(set(pages)) == 4


async def test_a_cookie_beside_an_unchanged_document_is_for_whoever_asked() -> None:
    """The document is everybody's; who waited for it asks, and is given a cookie of their own."""
    site = SessionSite(ETag='"v1"')
    async with session_store(site, Clock()) as (documents, url):
        assert await get(documents, f"{url}/static.grxml") == b"<grammar/>"
        site.always = True
        calls = [documents.for_call() for _ in range(3)]
        assert await _at_once(site, calls, f"{url}/static.grxml") == [b"<grammar/>"] * 3
        assert documents.stored_bytes > 0
        for call in calls:
            await get(call, f"{url}/b")
        named = [asked.removeprefix("/b ") for asked in site.asked if asked.startswith("/b")]
        assert len(set(named)) == 3
        assert all(name.startswith("sid=") for name in named)


async def _at_once(site: SessionSite, calls: list[DocumentStore], url: str) -> list[bytes]:
    """Let calls ask for a document before the first of them has it."""
    site.open_doors.clear()
    asked = len(site.asked)
    pages = [asyncio.create_task(get(call, url)) for call in calls]
    while len(site.asked) == asked:
        await asyncio.sleep(0)
    site.open_doors.set()
    return await asyncio.gather(*pages)
