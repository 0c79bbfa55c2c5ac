"""A store of documents in front of the fetcher, for all the calls of a process (RFC 9111; VoiceXML 2.0, 6.1.2).

A campaign calls thousands of people with the same few documents, and hundreds of them at once: many who want the same
document at the same time wait for one fetch. A document that may not be stored would make them wait in vain, so its
address is remembered, and from then on each fetches for itself.

Bounded in bytes, the least recently used document goes first. Only GET without headers of its caller's is stored, and
only what came from the very address that was asked for: what a redirect says about itself is not known here.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from typing_extensions import override

from shared.adapters.egress.data_url import SCHEME, read_data_url
from shared.adapters.egress.freshness import Use, Validity, use_of, validity
from shared.ports.fetching import DocumentFetcher, DocumentStore, FetchedDocument, FetchFailed

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
    #: When it came or was last found unchanged, on the cache's clock.
    since: float

    @property
    def size_bytes(self) -> int:
        return len(self.document.body) + len(self.document.url) + _ENTRY_BYTES


class CachingFetcher(DocumentStore):
    """Fetches documents, or has them already. `clock` is in seconds and never goes back."""

    def __init__(
        self,
        fetcher: DocumentFetcher,
        *,
        clock: Callable[[], float],
        max_stored_bytes: int = MAX_STORED_BYTES,
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._max_stored_bytes = max_stored_bytes
        self._stored: OrderedDict[str, _Stored] = OrderedDict()
        self._stored_bytes = 0
        self._unstorable: OrderedDict[str, None] = OrderedDict()
        #: What is being fetched now for everybody who wants it.
        self._flights: dict[str, asyncio.Task[FetchedDocument]] = {}

    @property
    def stored_bytes(self) -> int:
        """How much is stored."""
        return self._stored_bytes

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
            self._drop(url)
        return document

    @override
    async def fetch_stored(
        self, url: str, *, max_age_s: int, max_stale_s: int, timeout_s: float, max_bytes: int
    ) -> FetchedDocument:
        """GET a document, following redirects; a stored one if that is recent enough. -1 is an absent attribute.

        Raises FetchFailed.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        stored = self._usable(url, max_bytes)
        if stored is not None and self._use(stored, max_age_s, max_stale_s) is Use.FRESH:
            return stored.document
        if url in self._unstorable:
            return await self._get(url, timeout_s, max_bytes)
        flight = self._flights.get(url)
        if flight is None:
            flight = self._take_off(url, timeout_s, max_bytes)
            return await asyncio.shield(flight)
        return await self._join(flight, url, deadline, max_bytes)

    def _usable(self, url: str, max_bytes: int) -> _Stored | None:
        stored = self._stored.get(url)
        if stored is None or len(stored.document.body) > max_bytes:
            return None
        self._stored.move_to_end(url)
        return stored

    def _use(self, stored: _Stored, max_age_s: int, max_stale_s: int) -> Use:
        resident = self._clock() - stored.since
        return use_of(stored.validity, resident, max_age_s=max_age_s, max_stale_s=max_stale_s)

    def _take_off(self, url: str, timeout_s: float, max_bytes: int) -> asyncio.Task[FetchedDocument]:
        """Begin a fetch for all who want the document; it goes on when the one who began it hangs up."""
        flight = asyncio.create_task(self._refresh(url, timeout_s, max_bytes), name="document fetch")
        self._flights[url] = flight
        flight.add_done_callback(lambda done: self._land(url, done))
        return flight

    def _land(self, url: str, flight: asyncio.Task[FetchedDocument]) -> None:
        self._flights.pop(url, None)
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
        shared = not flight.cancelled() and flight.exception() is None and url in self._stored
        if shared and (stored := self._usable(url, max_bytes)) is not None:
            # It is as new as a fetch of one's own could have made it.
            return stored.document
        return await self._get(url, deadline - loop.time(), max_bytes)

    async def _refresh(self, url: str, timeout_s: float, max_bytes: int) -> FetchedDocument:
        stored = self._usable(url, max_bytes)
        headers = stored.validity.validators if stored is not None else {}
        document = await self._get(url, timeout_s, max_bytes, headers)
        if stored is not None and document.status == _NOT_MODIFIED:
            return self._renew(url, stored, document)
        self._keep(url, document)
        return document

    async def _get(
        self, url: str, timeout_s: float, max_bytes: int, headers: Mapping[str, str] | None = None
    ) -> FetchedDocument:
        return await self._fetcher.fetch(
            "GET", url, headers=headers, timeout_s=timeout_s, max_bytes=max_bytes, follow_redirects=True
        )

    def _renew(self, url: str, stored: _Stored, answer: FetchedDocument) -> FetchedDocument:
        """Use a document again that has not changed (RFC 9111, 4.3.4): the new headers count."""
        kept = replace(stored.document, headers={**stored.document.headers, **answer.headers})
        self._keep(url, kept)
        return kept

    def _keep(self, url: str, document: FetchedDocument) -> None:
        self._drop(url)
        found = validity(document.headers) if document.status == _OK and document.url == url else None
        if found is None:
            if document.status == _OK:
                self._unstorable[url] = None
                if len(self._unstorable) > MAX_UNSTORABLE:
                    self._unstorable.popitem(last=False)
            return
        entry = _Stored(document=document, validity=found, since=self._clock())
        self._stored[url] = entry
        self._stored_bytes += entry.size_bytes
        while self._stored_bytes > self._max_stored_bytes:
            self._drop(next(iter(self._stored)))

    def _drop(self, url: str) -> None:
        gone = self._stored.pop(url, None)
        if gone is not None:
            self._stored_bytes -= gone.size_bytes
