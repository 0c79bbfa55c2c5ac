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

#: A healthy Redis answers in under a millisecond; this is what a caller can lose to one that hangs.
ANSWER_TIMEOUT_SECONDS = 0.5


def open_redis(url: str, *, connections: int) -> Redis:
    """Make a client that connects when it is first used; close it with `aclose`.

    Raises Invalid when the address cannot be read; the address is not repeated, it may hold a password.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=ANSWER_TIMEOUT_SECONDS,
            socket_timeout=ANSWER_TIMEOUT_SECONDS,
            socket_connect_timeout=ANSWER_TIMEOUT_SECONDS,
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
