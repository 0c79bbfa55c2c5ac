"""Writing what must not be lost while Postgres may be away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from shared.domain.errors import Unavailable

_log = structlog.get_logger()

#: The pauses between tries: quick at first for a lost connection, then patient for a restart.
PAUSES_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)

Written = TypeVar("Written")


async def insist(write: Callable[[], Awaitable[Written]], patience_seconds: float) -> Written:
    """Write, again and again while Postgres is away, for so long as the write can still mean something.

    The write must be a compare-and-set: a commit whose acknowledgement was lost is found done, not done twice.
    Raises Unavailable when the patience is used up.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_seconds
    tries = 0
    while True:
        try:
            return await write()
        except Unavailable as error:
            pause = PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS) - 1)]
            tries += 1
            if loop.time() + pause > deadline:
                raise
            _log.warning("write_waits_for_postgres", tries=tries, reason=str(error))
            await asyncio.sleep(pause)
