"""A store of documents in front of the fetcher, for all the calls of a process (RFC 9111; VoiceXML 2.0, 6.1.2).

A campaign calls thousands of people with the same few documents, and hundreds of them at once: many who want the same
document at the same time wait for one fetch. A document that may not be stored would make them wait in vain, so its
address is remembered, and from then on each fetches for itself.

Bounded in bytes, the least recently used document goes first. Only GET without headers of its caller's is stored, and
only what came from the very address that was asked for: what a redirect says about itself is not known here.

Each call has cookies of its own (`for_call`), and no call may see what another's brought about. RFC 9111 does not
forbid to store an answer that sets a cookie (7.3); here it is not stored, as nginx and Varnish do not either: kept, it
would hand one call's cookie to the others, or keep theirs from them. Nor is what varies by Cookie. For the rest a
server's word holds, as HTTP has it: what it lets everybody have for a minute is everybody's, cookies or not. But what
it says no time of is another call's only after it was asked, and who wants the same at once waits for one fetch only
where the cookies are the same.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Final

from typing_extensions import override

from shared.adapters.egress.cookies import CookieJar
from shared.adapters.egress.data_url import SCHEME, read_data_url
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.freshness import Use, Validity, use_of, validity
from shared.clock import epoch_seconds
from shared.ports.fetching import DocumentStore, FetchedDocument, FetchFailed, SharedDocuments

#: A few hundred large documents; a campaign has a dozen.
MAX_STORED_BYTES: Final = 32 * 1024 * 1024
#: Addresses whose documents are made for one caller each; forgotten in the order in which they came.
MAX_UNSTORABLE: Final = 10_000
#: What an entry costs besides its body, so that a million empty documents are not free.
_ENTRY_BYTES: Final = 2_048

_OK: Final = 200
_NOT_MODIFIED: Final = 304
_LOWEST_ERROR: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    document: FetchedDocument
    validity: Validity
    #: The Cookie header that it was asked for with.
    cookies: str
    #: When it came or was last found unchanged, on the cache's clock.
    since: float

    @property
    def size_bytes(self) -> int:
        return len(self.document.body) + len(self.document.url) + _ENTRY_BYTES


class _Shelf:
    """What is kept for all calls, and what is known of the rest."""

    def __init__(self, clock: Callable[[], float], max_stored_bytes: int) -> None:
        self._clock = clock
        self._max_stored_bytes = max_stored_bytes
        self._stored: OrderedDict[str, _Stored] = OrderedDict()
        self.stored_bytes = 0
        self._unstorable: OrderedDict[str, None] = OrderedDict()
        #: What is being fetched now for everybody who wants it with these cookies: by address and Cookie header.
        self.flights: dict[tuple[str, str], asyncio.Task[FetchedDocument]] = {}

    def usable(self, url: str, max_bytes: int) -> _Stored | None:
        """Return what is stored of an address, however old."""
        stored = self._stored.get(url)
        if stored is None or len(stored.document.body) > max_bytes:
            return None
        self._stored.move_to_end(url)
        return stored

    def use(self, stored: _Stored, cookies: str, *, max_age_s: int, max_stale_s: int) -> Use:
        """Decide about a stored document for somebody who would ask for it with these cookies."""
        if stored.cookies != cookies and stored.validity.lifetime_seconds <= 0:
            # Its server said nothing of anybody else's having it, and a `maxstale` of the application's is not that.
            return Use.REVALIDATE
        resident = self._clock() - stored.since
        return use_of(stored.validity, resident, max_age_s=max_age_s, max_stale_s=max_stale_s)

    def is_unstorable(self, url: str) -> bool:
        """Tell whether the last document of an address was for one caller alone."""
        return url in self._unstorable

    def keep(self, url: str, document: FetchedDocument, cookies: str) -> None:
        """Keep a document in place of an older one, or remember that it is not to be kept."""
        self.drop(url)
        found = _validity_here(url, document)
        if found is None:
            if document.status == _OK:
                self._unstorable[url] = None
                if len(self._unstorable) > MAX_UNSTORABLE:
                    self._unstorable.popitem(last=False)
            return
        self._unstorable.pop(url, None)
        entry = _Stored(document=document, validity=found, cookies=cookies, since=self._clock())
        self._stored[url] = entry
        self.stored_bytes += entry.size_bytes
        while self.stored_bytes > self._max_stored_bytes:
            self.drop(next(iter(self._stored)))

    def drop(self, url: str) -> None:
        """Forget the document of an address."""
        gone = self._stored.pop(url, None)
        if gone is not None:
            self.stored_bytes -= gone.size_bytes


def _validity_here(url: str, document: FetchedDocument) -> Validity | None:
    """Return for how long the document is that of this address, for every call; None if it is not."""
    if document.status != _OK or document.url != url or document.sets_cookies:
        return None
    return validity(document.headers)


class CachingFetcher(SharedDocuments):
    """Fetches documents, or has them already.

    `clock` is in seconds and never goes back; `wall_clock` is the time of day since 1970, by which cookies expire.
    """

    def __init__(
        self,
        fetcher: GuardedFetcher,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float] = epoch_seconds,
        max_stored_bytes: int = MAX_STORED_BYTES,
    ) -> None:
        self._fetcher = fetcher
        self._wall_clock = wall_clock
        self._shelf = _Shelf(clock, max_stored_bytes)

    @property
    def stored_bytes(self) -> int:
        """How much is stored."""
        return self._shelf.stored_bytes

    @override
    def for_call(self) -> DocumentStore:
        call = copy(self)  # the shelf is the same
        call._fetcher = self._fetcher.with_cookies(CookieJar(self._wall_clock))  # noqa: SLF001 - one of its own kind
        return call

    @override
    async def fetch(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
        max_bytes: int,
        follow_redirects: bool = False,
    ) -> FetchedDocument:
        if method == "GET" and url.startswith(SCHEME):
            return read_data_url(url, max_bytes=max_bytes)
        document = await self._fetcher.fetch(
            method,
            url,
            form=form,
            body=body,
            headers=headers,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
            follow_redirects=follow_redirects,
        )
        if method != "GET" and document.status < _LOWEST_ERROR:
            # RFC 9111, 4.4: it may have changed what the address holds.
            self._shelf.drop(url)
        return document

    @override
    async def fetch_stored(
        self, url: str, *, max_age_s: int, max_stale_s: int, timeout_s: float, max_bytes: int
    ) -> FetchedDocument:
        """GET a document, following redirects; a stored one if that is recent enough. -1 is an absent attribute.

        Raises FetchFailed.
        """
        shelf, cookies = self._shelf, self._fetcher.cookies_for(url)
        deadline = asyncio.get_running_loop().time() + timeout_s
        stored = shelf.usable(url, max_bytes)
        if (
            stored is not None
            and shelf.use(stored, cookies, max_age_s=max_age_s, max_stale_s=max_stale_s) is Use.FRESH
        ):
            return stored.document
        if shelf.is_unstorable(url):
            # Not for long, perhaps: many an application sets its cookie with the first answer alone.
            return await self._refresh(url, cookies, timeout_s, max_bytes)
        flight = shelf.flights.get((url, cookies))
        if flight is None:
            flight = self._take_off(url, cookies, timeout_s, max_bytes)
            return await asyncio.shield(flight)
        return await self._join(flight, url, deadline, max_bytes)

    def _take_off(
        self, url: str, cookies: str, timeout_s: float, max_bytes: int
    ) -> asyncio.Task[FetchedDocument]:
        """Begin a fetch for all who want the document; it goes on when the one who began it hangs up."""
        fetching = self._refresh(url, cookies, timeout_s, max_bytes)
        flight = asyncio.create_task(fetching, name="document fetch")
        self._shelf.flights[url, cookies] = flight
        flight.add_done_callback(lambda done: self._land(url, cookies, done))
        return flight

    def _land(self, url: str, cookies: str, flight: asyncio.Task[FetchedDocument]) -> None:
        self._shelf.flights.pop((url, cookies), None)
        if not flight.cancelled():
            flight.exception()  # everybody who waited may have gone; then nobody else would look at it

    async def _join(
        self, flight: asyncio.Task[FetchedDocument], url: str, deadline: float, max_bytes: int
    ) -> FetchedDocument:
        """Wait for somebody else's fetch; if it led to nothing that can be shared, fetch alone."""
        loop = asyncio.get_running_loop()
        await asyncio.wait([flight], timeout=max(0.0, deadline - loop.time()))
        if not flight.done():
            raise FetchFailed("No answer came in time.", sent=True)
        if not flight.cancelled() and flight.exception() is None:
            document = flight.result()
            if _validity_here(url, document) is not None and len(document.body) <= max_bytes:
                # It is as new as a fetch of one's own could have made it.
                return document
        return await self._get(url, deadline - loop.time(), max_bytes)

    async def _refresh(self, url: str, cookies: str, timeout_s: float, max_bytes: int) -> FetchedDocument:
        stored = self._shelf.usable(url, max_bytes)
        headers = stored.validity.validators if stored is not None else {}
        document = await self._get(url, timeout_s, max_bytes, headers)
        if stored is None or document.status != _NOT_MODIFIED:
            self._shelf.keep(url, document, cookies)
            return document
        # It has not changed (RFC 9111, 4.3.4): the new headers count. A cookie beside them is for who asked.
        renewed = replace(stored.document, headers={**stored.document.headers, **document.headers})
        self._shelf.keep(url, renewed, cookies)
        return replace(renewed, sets_cookies=document.sets_cookies)

    async def _get(
        self, url: str, timeout_s: float, max_bytes: int, headers: Mapping[str, str] | None = None
    ) -> FetchedDocument:
        return await self._fetcher.fetch(
            "GET", url, headers=headers, timeout_s=timeout_s, max_bytes=max_bytes, follow_redirects=True
        )
