"""Fetching what a customer's URL names: VoiceXML documents, scripts, audio."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.domain.errors import PacelineError


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedDocument:
    """A document as its server answered it, whatever the status."""

    #: Where it came from in the end; relative addresses in it start here.
    url: str
    status: int
    #: The whole header, parameters included; empty if there was none.
    content_type: str
    #: Unpacked.
    body: bytes
    #: What its server said of its age, by the names of HTTP's headers; no part of what the document is.
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)
    #: A cookie came with it, or with a redirect to it: it was made for whoever asked.
    sets_cookies: bool = field(default=False, compare=False)


class FetchFailed(PacelineError):
    """There is no document; `sent` is False only if it is certain that no request left."""

    def __init__(self, message: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(message)


class DocumentFetcher(Protocol):
    """Fetches documents, guarded and bounded."""

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
        """Fetch a document of at most `max_bytes`, packed and unpacked, within `timeout_s` in all.

        `form` is sent as an HTML form would be; otherwise `body` as it is. `follow_redirects` counts for GET,
        and for the answer to a POST that is a GET away. Raises `FetchFailed` for everything that can go wrong; a
        status of 404 or 500 is not among it.
        """


class DocumentStore(DocumentFetcher, Protocol):
    """A fetcher that keeps documents for as long as their servers let it."""

    async def fetch_stored(
        self, url: str, *, max_age_s: int, max_stale_s: int, timeout_s: float, max_bytes: int
    ) -> FetchedDocument:
        """GET a document, following redirects; a stored one if that is recent enough. -1 is an absent attribute.

        Raises FetchFailed.
        """


class SharedDocuments(DocumentStore, Protocol):
    """The store of all calls. Itself it sends no cookies, and forgets those that are set."""

    def for_call(self) -> DocumentStore:
        """Return it as one call sees it: with cookies of its own (RFC 6265), which are gone with what is returned."""
