"""What tells a request from another: a hash of method, address and body, taken while the body is read.

Of a multipart body it takes the parts and not the bytes between them: a client that sends the same form again makes up
another boundary. Every length is hashed with what it belongs to, so that no two bodies look alike by where they are
cut.
"""

import hashlib
from typing import Final

from aiohttp import web

from services.api.body_source import BodySource

#: Of a body that its route does not read, and which is therefore nobody's list.
MOST_UNREAD_BYTES: Final = 1024 * 1024


class BodyFingerprint:
    """Of one request; its bytes are fed as they come."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._hash = hashlib.sha256(f"{request.method} {request.raw_path}\n".encode("utf-8", "replace"))
        self._piece_bytes = 0
        self._begun = False
        self._ended = False

    @property
    def torn(self) -> bool:
        """Whether the body was begun and not read to its end, so that it is not known what was asked for."""
        return self._begun and not self._ended

    def begin(self) -> None:
        """Note that the body is being read from here on."""
        self._begun = True

    def part(self, name: str, file_name: str | None) -> None:
        """Begin a part of a multipart body."""
        self._close_piece()
        for text in (name, file_name or ""):
            self.data(text.encode("utf-8", "replace"))
            self._close_piece()

    def data(self, data: bytes) -> None:
        """Take the next bytes of a part, or of a body without parts."""
        self._hash.update(data)
        self._piece_bytes += len(data)

    def end(self) -> None:
        """Note that the body was read to its end."""
        self._close_piece()
        self._ended = True

    async def digest(self) -> bytes:
        """Return the hash; a body that nobody has read is read here, and refused as any other would be.

        Raises UnreadableBody, BodyTooLarge and BodyTooSlow.
        """
        if not self._ended:
            await self._read_unread()
        return self._hash.digest()

    async def _read_unread(self) -> None:
        self.begin()
        self.data(await BodySource(self._request).all(MOST_UNREAD_BYTES))
        self.end()

    def _close_piece(self) -> None:
        self._hash.update(self._piece_bytes.to_bytes(8, "big"))
        self._piece_bytes = 0


FINGERPRINT: Final = web.RequestKey("fingerprint", BodyFingerprint)
