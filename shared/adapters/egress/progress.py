"""How far a request got, and when: what tells a request that was never sent from one that may have been.

A receiver that was never reached can be tried again without a second thought; one that was may have acted on
the request before the line went dead. aiohttp's exceptions do not say which, but its trace hooks do: until a
request has a connection, TLS included, not one byte of it has left.
"""

import asyncio
from types import SimpleNamespace

import aiohttp


class Progress:
    """The moments of one request, in whole milliseconds since its start."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._lookup_started_ms = 0
        #: How long the name look-up took; None for an address literal and a connection that was open already.
        self.resolve_ms: int | None = None
        #: From the start to a connection in hand: queue, look-up, TCP and TLS; None if there never was one.
        self.connect_ms: int | None = None

    def elapsed_ms(self) -> int:
        """Return the time since the start."""
        return round((self._loop.time() - self._started) * 1_000)

    def lookup_begins(self) -> None:
        """Note that the name server was asked."""
        self._lookup_started_ms = self.elapsed_ms()

    def lookup_ends(self) -> None:
        """Note that the name server has answered."""
        self.resolve_ms = self.elapsed_ms() - self._lookup_started_ms

    def connected(self) -> None:
        """Note that there is a connection: from here on the request may have been sent."""
        self.connect_ms = self.elapsed_ms()


def progress_trace() -> aiohttp.TraceConfig:
    """Make the hooks that keep the `Progress` given as a request's `trace_request_ctx`, if there is one."""
    trace = aiohttp.TraceConfig()
    trace.on_dns_resolvehost_start.append(_on_lookup_begins)
    trace.on_dns_resolvehost_end.append(_on_lookup_ends)
    trace.on_connection_create_end.append(_on_connected)
    trace.on_connection_reuseconn.append(_on_connected)
    return trace


async def _on_lookup_begins(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _facts: object
) -> None:
    if isinstance(context.trace_request_ctx, Progress):
        context.trace_request_ctx.lookup_begins()


async def _on_lookup_ends(_session: aiohttp.ClientSession, context: SimpleNamespace, _facts: object) -> None:
    if isinstance(context.trace_request_ctx, Progress):
        context.trace_request_ctx.lookup_ends()


async def _on_connected(_session: aiohttp.ClientSession, context: SimpleNamespace, _facts: object) -> None:
    if isinstance(context.trace_request_ctx, Progress):
        context.trace_request_ctx.connected()
