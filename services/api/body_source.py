"""A request's body as it comes over the wire: bytes in order, waited for within one budget.

Whatever can go wrong with them, a client that goes away, chunks or compression that are not what the headers
say, becomes an error that can be answered.
"""

import asyncio
from typing import Final

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from services.api.body_errors import BodyTooLarge, BodyTooSlow, UnreadableBody

#: Waiting for the client's bytes, all of it; what we do with them does not count.
WAIT_SECONDS: Final = 120.0


class BodySource:
    """Reads one body; every read may raise UnreadableBody or BodyTooSlow."""

    def __init__(self, request: web.BaseRequest, wait_seconds: float = WAIT_SECONDS) -> None:
        """Take the request; `wait_seconds` is for all its bytes together, our own work in between not counted."""
        self._content = request.content
        self._seconds_left = wait_seconds
        self._peeked = b""

    async def read(self) -> bytes:
        """Return the next bytes, b"" at the end."""
        if self._peeked:
            peeked, self._peeked = self._peeked, b""
            return peeked
        return await self._wait_for_bytes()

    async def peek(self, size: int) -> bytes:
        """Return the first bytes without taking them: `size` or more, or all where the body is shorter."""
        while len(self._peeked) < size and (data := await self._wait_for_bytes()):
            self._peeked += data
        return self._peeked

    async def all(self, limit: int) -> bytes:
        """Return all bytes; raise BodyTooLarge beyond the limit."""
        chunks = []
        size = 0
        while data := await self.read():
            chunks.append(data)
            size += len(data)
            if size > limit:
                raise BodyTooLarge(too_long(limit))
        return b"".join(chunks)

    async def _wait_for_bytes(self) -> bytes:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._seconds_left):
                return await self._content.readany()
        except TimeoutError:
            raise BodyTooSlow from None
        except (web.RequestPayloadError, HttpProcessingError, ClientError, OSError) as error:
            raise UnreadableBody("The body broke off or is not encoded as its headers say.") from error
        finally:
            self._seconds_left -= loop.time() - began


def too_long(limit: int) -> str:
    """Say how long parameters may be, and what to do with the one that is as long as that."""
    return f"The parameters of a request have at most {limit} bytes; send a longer phone list as a file."
