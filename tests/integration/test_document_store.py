"""Documents that are kept between calls: fresh ones, unchanged ones, and many who want the same one at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from shared.adapters.egress.caching import CachingFetcher
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.domain.egress import EgressPolicy
from shared.ports.fetching import FetchFailed

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
async def store(site: Site, clock: Clock, **settings: int) -> AsyncIterator[tuple[CachingFetcher, str]]:
    """Open a store before a site; gives it and the site's address."""
    async with RawTestServer(site.answer) as server, guarded_session(_LOOPBACK) as session:
        fetcher = GuardedFetcher(session, _LOOPBACK)
        yield (
            CachingFetcher(fetcher, clock=clock, **settings),
            str(server.make_url("")).removesuffix("/"),
        )


async def get(store: CachingFetcher, url: str, *, max_age_s: int = -1, max_stale_s: int = -1) -> bytes:
    """Get a document's body."""
    document = await store.fetch_stored(
        url, max_age_s=max_age_s, max_stale_s=max_stale_s, timeout_s=5, max_bytes=100_000
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
        await documents.fetch("POST", f"{url}/a", form={"b": "c"}, timeout_s=5, max_bytes=1_000)
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
