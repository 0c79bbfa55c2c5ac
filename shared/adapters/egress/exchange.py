"""One HTTP request and what came of it, as a value: nothing that a receiver does is an exception here.

Status, body and failure stand side by side, because they do in life: an answer may begin with 200 and break
off. Every exchange is bounded in time, from the queue for a connection to the last byte, and in bytes; a
redirect is an answer like any other.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from shared.adapters.egress.failure import EXPECTED, failure_sentence
from shared.adapters.egress.guard import LOOKUP_QUEUE_SECONDS, LookupsHeldUp, look_ups_for
from shared.adapters.egress.progress import Progress
from shared.domain.egress import EgressPolicy, url_problem

# aiohttp's own reading block.
_BLOCK_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What came of one request."""

    url: str
    #: None if no answer began.
    status: int | None
    #: The answer's headers, looked up without regard to case; at most 128 of up to 8,190 bytes each.
    headers: Mapping[str, str]
    #: All of them in order, for those that may come more than once.
    header_lines: tuple[tuple[str, str], ...]
    #: The first bytes of the answer as they came, compressed or not; never more than was asked for.
    body: bytes
    #: There was more of the body than was asked for.
    truncated: bool
    #: A sentence, if something went wrong; also when an answer had begun.
    failure: str | None
    #: False only if it is certain that no byte of the request left.
    sent: bool
    resolve_ms: int | None
    connect_ms: int | None
    total_ms: int
    #: Nothing was tried: too many name look-ups were under way on our side. It says nothing about the other.
    held_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What to send, and the bounds of the whole exchange."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    connect_timeout_s: float
    timeout_s: float
    max_bytes: int


@dataclass(slots=True)
class _Answer:
    """An answer while it comes in."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    header_lines: tuple[tuple[str, str], ...] = ()
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    held_up: bool = False


class GuardedHttp:
    """Makes single requests through a guarded session."""

    def __init__(self, session: aiohttp.ClientSession, policy: EgressPolicy) -> None:
        self._session = session
        self._policy = policy

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        connect_timeout_s: float,
        timeout_s: float,
        max_bytes: int,
        tenant_id: int | None = None,
    ) -> Exchange:
        """Send one request and read at most `max_bytes` of its answer within `timeout_s` in all.

        `connect_timeout_s` covers all that happens before the first byte can leave, save a second at most in our own
        queue of name look-ups: `tenant_id` says whose of them this one waits for. No redirect is followed.
        """
        request = _Request(
            method=method,
            url=url,
            headers=headers,
            body=body,
            connect_timeout_s=connect_timeout_s,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
        )
        progress, answer = Progress(), _Answer()
        look_ups_for.set(tenant_id)  # of this task: aiohttp hands nothing down to a resolver
        failure = url_problem(url, self._policy) or await self._converse(request, progress, answer)
        return _summed_up(url, progress, answer, failure)

    async def _converse(self, request: _Request, progress: Progress, answer: _Answer) -> str | None:
        try:
            async with asyncio.timeout(request.timeout_s), self._open(request, progress) as response:
                answer.status = response.status
                answer.headers = response.headers
                answer.header_lines = tuple(response.headers.items())
                await _read_bounded(response, answer, request.max_bytes)
        except EXPECTED as error:
            answer.held_up = isinstance(error, LookupsHeldUp)
            return failure_sentence(error, answered=answer.status is not None)
        return None

    def _open(
        self, request: _Request, progress: Progress
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.request(
            request.method,
            request.url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=_connect_seconds(request)),
            trace_request_ctx=progress,
        )


def _connect_seconds(request: _Request) -> float:
    """Return the time to a connection, with what a name may have to wait for its look-up before that begins."""
    try:
        ip_address(urlsplit(request.url).hostname or "")
    except ValueError:
        return request.connect_timeout_s + LOOKUP_QUEUE_SECONDS
    return request.connect_timeout_s


async def _read_bounded(response: aiohttp.ClientResponse, answer: _Answer, max_bytes: int) -> None:
    """Read until the body ends or is longer than the bound; then hang up instead of reading the rest."""
    while len(answer.body) <= max_bytes:
        block = await response.content.read(_BLOCK_BYTES)
        if not block:
            return
        answer.body += block
    del answer.body[max_bytes:]
    answer.truncated = True
    response.close()


def _summed_up(url: str, progress: Progress, answer: _Answer, failure: str | None) -> Exchange:
    return Exchange(
        url=url,
        status=answer.status,
        headers=answer.headers,
        header_lines=answer.header_lines,
        body=bytes(answer.body),
        truncated=answer.truncated,
        failure=failure,
        sent=progress.connect_ms is not None,
        resolve_ms=progress.resolve_ms,
        connect_ms=progress.connect_ms,
        total_ms=progress.elapsed_ms(),
        held_up=answer.held_up,
    )
