"""Fetches a document of a customer's: VoiceXML, grammars, scripts, audio.

Where a delivery wants to know all that happened, the reader of a document wants the document or one sentence:
whatever goes wrong is one `FetchFailed`. A GET may follow redirects, each hop judged anew. A POST is never sent on,
since what it carries was meant for the address that was registered; but where its answer is to be read elsewhere,
it is fetched from there, as browsers do.

A fetcher has no cookies, unless it is given the jar of a call: then every hop of a fetch sends and sets them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp

from shared.adapters.egress.cookies import CookieJar
from shared.adapters.egress.exchange import Exchange, GuardedHttp
from shared.adapters.egress.freshness import HEADERS
from shared.adapters.egress.inflate import Uninflatable, gunzip
from shared.domain.egress import EgressPolicy
from shared.ports.fetching import FetchedDocument, FetchFailed

#: A chain of redirects that is longer than this is a loop or a game.
MAX_REDIRECTS: Final = 5

# A name look-up, a TCP and a TLS handshake over any line that can carry a call.
_CONNECT_TIMEOUT_SECONDS: Final = 5.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# RFC 9110, 15.4.3 and 15.4.4: a POST has been done, and its answer may be had by a GET.
_DONE: Final = frozenset({302, 303})
# What describes a body.
_BODY_HEADERS: Final = frozenset({"content-type", "content-length", "content-encoding"})
# What a caller may have meant for the first host alone.
_PRIVATE_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
_GZIP_NAMES: Final = frozenset({"gzip", "x-gzip"})  # RFC 9110 §8.4.1.3
# Of the headers that say how long a document may be kept, those that are lists.
_LISTS: Final = frozenset({"Cache-Control", "Vary"})
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One hop."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    max_bytes: int


class GuardedFetcher:
    """Fetches documents through a guarded session."""

    def __init__(
        self, session: aiohttp.ClientSession, policy: EgressPolicy, cookies: CookieJar | None = None
    ) -> None:
        self._session = session
        self._policy = policy
        self._cookies = cookies
        self._http = GuardedHttp(session, policy)

    def with_cookies(self, cookies: CookieJar) -> "GuardedFetcher":
        """Return the same fetcher as a call with these cookies uses it."""
        return GuardedFetcher(self._session, self._policy, cookies)

    def cookies_for(self, url: str) -> str:
        """Return the Cookie header that a fetch begins with; empty if there are none."""
        return "" if self._cookies is None else self._cookies.header(url)

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
        if form is not None:
            body, headers = urlencode(form).encode(), {**(headers or {}), "Content-Type": _FORM}
        deadline = asyncio.get_running_loop().time() + timeout_s
        request = _Request(method=method, url=url, headers=headers or {}, body=body, max_bytes=max_bytes)
        sets_cookies = False
        for hop in range(1 + MAX_REDIRECTS):
            answer = await self._exchange(request, deadline)
            sets_cookies = sets_cookies or bool(_values(answer, "Set-Cookie"))
            followed = _REDIRECTS if request.method == "GET" else _DONE
            if not (follow_redirects and answer.status in followed and "Location" in answer.headers):
                document = _document(answer, max_bytes, sent=answer.sent or hop > 0)
                return replace(document, sets_cookies=sets_cookies)
            request = _next_hop(request, answer.headers["Location"])
        raise FetchFailed(f"The document is behind more than {MAX_REDIRECTS} redirects.", sent=True)

    async def _exchange(self, request: _Request, deadline: float) -> Exchange:
        cookies = self.cookies_for(request.url)
        answer = await self._http.exchange(
            request.method,
            request.url,
            headers={
                "Accept-Encoding": "gzip",
                **request.headers,
                **({"Cookie": cookies} if cookies else {}),
            },
            body=request.body,
            connect_timeout_s=_CONNECT_TIMEOUT_SECONDS,
            timeout_s=deadline - asyncio.get_running_loop().time(),
            max_bytes=request.max_bytes,
        )
        if self._cookies is not None:
            self._cookies.keep(request.url, _values(answer, "Set-Cookie"))
        return answer


def _next_hop(request: _Request, location: str) -> _Request:
    """Go where a redirect points, by GET; the guard judges the new address like any other."""
    request = replace(request, method="GET", body=None, headers=_without(request.headers, _BODY_HEADERS))
    try:
        target = urljoin(request.url, location)
        here, there = urlsplit(request.url), urlsplit(target)
    except ValueError as error:
        raise FetchFailed("The redirect does not lead to a URL.", sent=True) from error
    if here.scheme == "https" and there.scheme == "http":
        raise FetchFailed("The redirect leads from https to http, where anybody can read along.", sent=True)
    if (here.scheme, here.netloc) == (there.scheme, there.netloc):
        return replace(request, url=target)
    return replace(request, url=target, headers=_without(request.headers, _PRIVATE_HEADERS))


def _without(headers: Mapping[str, str], names: frozenset[str]) -> Mapping[str, str]:
    return {name: text for name, text in headers.items() if name.lower() not in names}


def _document(answer: Exchange, max_bytes: int, *, sent: bool) -> FetchedDocument:
    if answer.failure is not None or answer.status is None:
        raise FetchFailed(answer.failure or "No answer came.", sent=sent)
    if answer.truncated:
        raise FetchFailed(f"The answer is larger than {max_bytes} bytes.", sent=True)
    return FetchedDocument(
        url=answer.url,
        status=answer.status,
        content_type=answer.headers.get("Content-Type", ""),
        body=_unpacked(answer, max_bytes),
        headers={name: _header(answer, name) for name in HEADERS if name in answer.headers},
    )


def _header(answer: Exchange, name: str) -> str:
    """Return a header as one text: a list may be spread over several lines (RFC 9110, 5.3)."""
    return ", ".join(_values(answer, name)) if name in _LISTS else answer.headers[name]


def _values(answer: Exchange, name: str) -> list[str]:
    return [value for found, value in answer.header_lines if found.lower() == name.lower()]


def _unpacked(answer: Exchange, max_bytes: int) -> bytes:
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity" or not answer.body:
        return answer.body
    if encoding not in _GZIP_NAMES:
        raise FetchFailed(
            "The answer is packed in a way that was not asked for; only gzip is read.", sent=True
        )
    try:
        return gunzip(answer.body, max_bytes=max_bytes)
    except Uninflatable as error:
        raise FetchFailed(error.message, sent=True) from error
