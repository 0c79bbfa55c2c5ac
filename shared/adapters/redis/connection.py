"""Connections to Redis that give up at once.

The client's defaults wait, retry and wait again, which suits a store of facts. Here Redis is a doorbell and a
scoreboard: an answer that does not come in time is worth nothing, so nothing is retried.
"""

from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared.domain.errors import Invalid

#: What the client raises when Redis is away, full, loading, or taken over by something else.
REDIS_LOST = (RedisError, OSError, TimeoutError)

#: The client's commands are typed for all its modes at once; in a pipeline they only queue.
Pipeline = Any

#: A healthy Redis answers in under a millisecond; this is what a publisher can lose to one that hangs.
ANSWER_TIMEOUT_SECONDS = 0.5
#: What a reader waits for a round trip: its time is a page's, not a call's, and on a busy machine its process may get
#: no processor for longer than a publisher waits, and would say of a Redis that answered that it did not. A page that
#: is told after it that Redis hangs is not stale yet.
READER_PATIENCE_SECONDS = 2.0


def open_redis(url: str, *, connections: int, answer_seconds: float = ANSWER_TIMEOUT_SECONDS) -> Redis:
    """Make a client that connects when it is first used; close it with `aclose`.

    `answer_seconds` bounds each wait: for a connection, for room in the pool, and for a part of an answer. Raises
    Invalid when the address cannot be read; the address is not repeated, it may hold a password.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=answer_seconds,
            socket_timeout=answer_seconds,
            socket_connect_timeout=answer_seconds,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            # A shared server may hold anything under our names: it must not raise while it is read.
            encoding_errors="replace",
        )
    except (ValueError, TypeError) as error:
        raise Invalid(
            "REDIS_URL", "REDIS_URL cannot be read: give it as redis://:password@host:port/0."
        ) from error
    return Redis.from_pool(pool)
