"""Unpacks a gzip body without ever holding more than was agreed.

Deflate packs a thousand to one: two megabytes of gzip are two gigabytes of zeros. `zlib` is asked for one
byte more than the bound and no further.
"""

import zlib
from typing import Final

from shared.domain.errors import PacelineError

_GZIP_WINDOW_BITS: Final = 16 + zlib.MAX_WBITS  # 16: expect the gzip wrapper (RFC 1952), not zlib's


class Uninflatable(PacelineError):
    """The body cannot be unpacked within its bound."""


def gunzip(packed: bytes, *, max_bytes: int) -> bytes:
    """Unpack one gzip member; raises `Uninflatable` for more than `max_bytes` and for what is not gzip.

    A second member is refused: no server of documents sends one, and many empty ones cost time without limit.
    """
    inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        plain = inflater.decompress(packed, max_bytes + 1)
    except zlib.error as error:
        raise Uninflatable("The answer says that it is gzip, but it cannot be unpacked.") from error
    if len(plain) > max_bytes:
        raise Uninflatable(f"The answer is larger than {max_bytes} bytes when it is unpacked.")
    if not inflater.eof or inflater.unused_data:
        raise Uninflatable("The answer says that it is gzip, but it is cut short or has more behind its end.")
    return plain
