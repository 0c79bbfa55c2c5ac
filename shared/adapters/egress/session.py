"""The HTTP session through which every URL of a customer is called.

aiohttp's defaults are those of a browser: cookies kept, redirects followed, answers inflated. Each of them lets
one customer's receiver reach further than the one request that was asked for, and each is off here, as are
remembered names and proxies from the environment. What has to be said at every request is
`allow_redirects=False`: `GuardedHttp` says it for its callers, so use the session through that.
"""

import ssl
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from typing_extensions import override

from shared.adapters.egress.guard import GuardedResolver, ThreadedLookup, socket_factory
from shared.adapters.egress.progress import progress_trace
from shared.domain.egress import EgressPolicy

# Sockets of one process, well below the usual limit of 1,024 open files.
MAX_CONNECTIONS: Final = 512
# One application server serves many calls at once; it must still not hold all the sockets when it hangs.
MAX_CONNECTIONS_PER_HOST: Final = 64
# Shorter than the 5 s after which Node and uvicorn close an idle connection: a request on a connection that
# the other side is just closing is lost, and nobody can say whether it arrived.
KEEPALIVE_SECONDS: Final = 4.0


class GuardedConnector(aiohttp.TCPConnector):
    """A connector that refuses addresses of the deny table and closes its name look-up with itself."""

    def __init__(
        self,
        policy: EgressPolicy,
        lookup: AbstractResolver,
        *,
        connections: int,
        connections_per_host: int,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._guarded_resolver = GuardedResolver(policy, lookup)
        super().__init__(
            resolver=self._guarded_resolver,
            socket_factory=socket_factory(policy),
            use_dns_cache=False,  # an answer that one customer provoked must not serve another
            limit=connections,
            limit_per_host=connections_per_host,
            keepalive_timeout=KEEPALIVE_SECONDS,
            ssl=tls or True,  # True: verify by the system's authorities
        )

    @override
    async def close(self, *, abort_ssl: bool = False) -> None:
        await super().close(abort_ssl=abort_ssl)
        await self._guarded_resolver.close()


def guarded_session(
    policy: EgressPolicy,
    *,
    lookup: AbstractResolver | None = None,
    connections: int = MAX_CONNECTIONS,
    connections_per_host: int = MAX_CONNECTIONS_PER_HOST,
    user_agent: str = "paceline",
    tls: ssl.SSLContext | None = None,
) -> aiohttp.ClientSession:
    """Open a session that cannot be led to an address that `policy` refuses; close it after use.

    A refused connection raises `EgressRefused`. `lookup` resolves names, by default the system; its answers
    are judged whoever gave them. `tls` says whose certificates are trusted, by default those that the system
    trusts. Needs a running loop.
    """
    connector = GuardedConnector(
        policy,
        lookup or ThreadedLookup(),
        connections=connections,
        connections_per_host=connections_per_host,
        tls=tls,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,  # a megabyte of gzip inflates to a gigabyte; see `inflate`
        headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
        trace_configs=[progress_trace()],
    )
