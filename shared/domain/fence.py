"""The name under which an attempt may reach the network, once.

A keyed hash of the attempt and the epoch of its lease: the same lease always says the same SIP Call-ID, another
lease never does, and nobody outside can guess one. The edge, or a carrier, can so refuse a second INVITE.
"""

import base64
import hashlib
import hmac

#: 160 bits are 32 base32 characters without padding, and beyond guessing.
_BYTES = 20


def fence_of(key: bytes, *, attempt_id: int, epoch: int) -> str:
    """Return the Call-ID of one lease of one attempt: 32 lower-case letters and digits."""
    message = f"{attempt_id}/{epoch}".encode()
    digest = hmac.new(key, message, hashlib.sha256).digest()[:_BYTES]
    return base64.b32encode(digest).decode().lower()


def attempt_fence(leg: str) -> str:
    """Return the fence of the attempt that a leg belongs to.

    A leg's Call-ID is the fence, and after a dot what tells it from the first: `.1` on the next trunk, `.t1` for the
    first transfer.
    """
    return leg.partition(".")[0]


def is_second_leg(leg: str) -> bool:
    """Whether a leg is of a transfer, beside the call itself."""
    return any(part.startswith("t") for part in leg.split(".")[1:])
