"""The two places where a connection to a refused address is stopped: the name look-up and the socket itself.

A resolver alone guards nothing: aiohttp never asks it about an address literal, so that 127.0.0.1, [::1],
0.0.0.0 and circled digits walk past. The socket factory sees the final address of every connection, however
it was spelled, and is the guard. The resolver refuses earlier, and as a whole: a name with one public and one
private answer is an attack or an accident, and none of its answers is used.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Final, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType, SocketFactoryType
from typing_extensions import override

from shared.domain.egress import (
    EGRESS_SETTING,
    Address,
    EgressPolicy,
    endpoint_refusal,
    forbidden_reason,
    is_local_name,
)
from shared.domain.errors import PacelineError

# A hostile name server may let every question run into its time-out, and the system's look-up cannot be
# stopped: its thread is taken until it ends by itself, long after nobody waits for it any more. So look-ups have
# threads of their own (the loop's own pool has six on two processors), and nobody waits longer than this.
LOOKUP_THREADS: Final = 32
LOOKUP_TIMEOUT_SECONDS: Final = 5.0
#: Threads that one party, a tenant or else a domain, may hold: eight of them must be slow at once to take all.
LOOKUPS_PER_PARTY: Final = 4
#: How long a look-up waits for a thread. A healthy one takes milliseconds: sixty-four in a row are over by then.
LOOKUP_QUEUE_SECONDS: Final = 1.0

#: A tenant, or the last two labels of a host name.
Party: TypeAlias = int | str

#: For whom the names of this task are looked up; None: for the domain that is asked about.
look_ups_for: ContextVar[int | None] = ContextVar("look_ups_for", default=None)


class EgressRefused(PacelineError):
    """The connection was not opened: the address is one that Paceline does not call."""


class LookupsHeldUp(PacelineError):
    """Nothing was sent: too many name look-ups, of the same tenant or domain or of all, have not ended yet."""


def socket_factory(policy: EgressPolicy) -> SocketFactoryType:
    """Make the function that opens every socket of a session, or raises `EgressRefused` instead."""

    def open_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, endpoint = info
        _refuse(str(endpoint[0]), int(endpoint[1]), policy)
        return socket.socket(family, kind, protocol)

    return open_socket


class GuardedResolver(AbstractResolver):
    """Asks another resolver, and refuses the whole answer if one address of it is refused.

    `localhost` and its kin are not asked about: they mean loopback (RFC 6761 §6.3), as far as it is allowed.
    """

    def __init__(self, policy: EgressPolicy, lookup: AbstractResolver) -> None:
        self._policy = policy
        self._lookup = lookup

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if is_local_name(host):
            return self._loopback(host, port)
        answers = await self._lookup.resolve(host, port, family)
        if not answers:  # aiohttp asserts that there is one
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        for answer in answers:
            self._judge(host, answer["host"], port)
        return answers

    @override
    async def close(self) -> None:
        await self._lookup.close()

    def _judge(self, host: str, address: str, port: int) -> None:
        """Refuse without the address: what an inner name server says is not for a customer's log."""
        reason = forbidden_reason(_parsed(address), self._policy)
        if reason is not None:
            raise EgressRefused(
                f"The name {host[:64]!r} leads to an address that is {reason}; an operator can list its network "
                f"in {EGRESS_SETTING}."
            )
        _refuse(address, port, self._policy)

    def _loopback(self, host: str, port: int) -> list[ResolveResult]:
        addresses = [text for text in ("127.0.0.1", "::1") if self._policy.allows(ip_address(text))]
        if not addresses:
            _refuse("127.0.0.1", port, self._policy)
        return [_result(host, text, port) for text in addresses]


class _Turns:
    """Counts threads, over all and by party. A thread is given back when it has ended, not when nobody waits for it."""

    def __init__(self, threads: int, per_party: int) -> None:
        self._free = threads
        self._per_party = per_party
        self._held: dict[Party, int] = {}
        self._waiting: dict[Party, deque[asyncio.Future[None]]] = {}

    async def take(self, party: Party, *, patience_seconds: float) -> None:
        """Wait for a thread; raises `LookupsHeldUp` when there is none in time."""
        if self._has_room(party) and party not in self._waiting:
            self._hold(party)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(party, deque()).append(turn)
        try:
            async with asyncio.timeout(patience_seconds):
                await turn
        except BaseException as error:
            self._leave(party, turn)
            if isinstance(error, TimeoutError):
                raise LookupsHeldUp from error
            raise

    def give_back(self, party: Party) -> None:
        """Note that a thread has ended, and give it to whoever waits and may have it."""
        self._free += 1
        self._held[party] -= 1
        if not self._held[party]:
            del self._held[party]
        self._serve()

    def _has_room(self, party: Party) -> bool:
        return self._free > 0 and self._held.get(party, 0) < self._per_party

    def _hold(self, party: Party) -> None:
        self._free -= 1
        self._held[party] = self._held.get(party, 0) + 1

    def _serve(self) -> None:
        for party in list(self._waiting):
            while party in self._waiting and self._has_room(party):
                turn = self._waiting[party].popleft()
                if not self._waiting[party]:
                    del self._waiting[party]
                self._hold(party)
                turn.set_result(None)

    def _leave(self, party: Party, turn: "asyncio.Future[None]") -> None:
        if turn.done() and not turn.cancelled():  # it came in the very moment of leaving
            self.give_back(party)
        elif party in self._waiting and turn in self._waiting[party]:
            self._waiting[party].remove(turn)
            if not self._waiting[party]:
                del self._waiting[party]


class ThreadedLookup(AbstractResolver):
    """The system's own name look-up, on threads of its own, of which no party may hold more than a few.

    Who waits for a thread longer than `queue_seconds` gets `LookupsHeldUp`; the deadline of a look-up, a
    `TimeoutError`, counts from when it has a thread: what we make wait is no fault of the name asked about.
    """

    def __init__(
        self,
        *,
        threads: int = LOOKUP_THREADS,
        timeout_seconds: float = LOOKUP_TIMEOUT_SECONDS,
        per_party: int = LOOKUPS_PER_PARTY,
        queue_seconds: float = LOOKUP_QUEUE_SECONDS,
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="name-lookup")
        self._timeout_seconds = timeout_seconds
        self._queue_seconds = queue_seconds
        self._turns = _Turns(threads, per_party)

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        party = _party(host)
        await self._turns.take(party, patience_seconds=self._queue_seconds)
        try:
            thread = self._threads.submit(_look_up, host, port, family)
        except BaseException:
            self._turns.give_back(party)
            raise
        thread.add_done_callback(lambda _: _soon(loop, self._turns.give_back, party))
        async with asyncio.timeout(self._timeout_seconds):
            return await asyncio.wrap_future(thread)

    @override
    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _party(host: str) -> Party:
    """Return whose threads a look-up takes: a tenant's; else those of the name's last two labels."""
    tenant_id = look_ups_for.get()
    return tenant_id if tenant_id is not None else ".".join(host.lower().rstrip(".").rsplit(".", 2)[-2:])


def _soon(loop: asyncio.AbstractEventLoop, give_back: Callable[[Party], None], party: Party) -> None:
    """Go from a thread back to the loop, which may have ended meanwhile."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(give_back, party)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError as error:  # the idna codec, for an empty or overlong label
        raise socket.gaierror(socket.EAI_NONAME, f"not a host name: {error}") from error
    return [_result(host, str(endpoint[0]), port) for _, _, _, _, endpoint in found]


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def _refuse(address: str, port: int, policy: EgressPolicy) -> None:
    refusal = endpoint_refusal(_parsed(address), port, policy)
    if refusal is not None:
        raise EgressRefused(refusal)


def _parsed(address: str) -> Address:
    try:
        return ip_address(address)
    except ValueError as error:
        raise EgressRefused(f"{address[:64]!r} is not an IP address.") from error
