"""The two places where a connection to a refused address is stopped: the name look-up and the socket itself.

A resolver alone guards nothing: aiohttp never asks it about an address literal, so that 127.0.0.1, [::1],
0.0.0.0 and circled digits walk past. The socket factory sees the final address of every connection, however
it was spelled, and is the guard. The resolver refuses earlier, and as a whole: a name with one public and one
private answer is an attack or an accident, and none of its answers is used.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

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
# stopped. So look-ups have threads of their own, enough that some are left for others (the loop's own pool
# has six on two processors), and nobody waits longer than this.
LOOKUP_THREADS: Final = 32
LOOKUP_TIMEOUT_SECONDS: Final = 5.0


class EgressRefused(PacelineError):
    """The connection was not opened: the address is one that Paceline does not call."""


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


class ThreadedLookup(AbstractResolver):
    """The system's own name look-up, on threads of its own and with a deadline."""

    def __init__(
        self, *, threads: int = LOOKUP_THREADS, timeout_seconds: float = LOOKUP_TIMEOUT_SECONDS
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="name-lookup")
        self._timeout_seconds = timeout_seconds

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._timeout_seconds):
            return await loop.run_in_executor(self._threads, _look_up, host, port, family)

    @override
    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


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
