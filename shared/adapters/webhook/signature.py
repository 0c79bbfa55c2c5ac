"""Signs what is sent, by the symmetric scheme `v1` of Standard Webhooks 1.0 (standardwebhooks.com).

The receiver recomputes an HMAC-SHA256 over `id.timestamp.body` with the secret it was given, and so knows who
sent the body and when. While a secret is being replaced the body is signed with both, newest first, and the
receiver accepts whichever it knows.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from shared.domain.errors import Invalid

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what marks a secret as one, not a secret
#: The specification's bounds: below, a secret can be guessed; above, HMAC gains nothing.
SHORTEST_SECRET_BYTES: Final = 24
LONGEST_SECRET_BYTES: Final = 64

# A dot would let one id and timestamp be read as another.
_WEBHOOK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class UnusableSecret(Invalid):
    """A webhook secret that nothing can be signed with."""

    def __init__(self, message: str) -> None:
        super().__init__("webhook_secret", message)


def new_secret(entropy: bytes) -> str:
    """Write random bytes, 24 to 64 of them, as a secret: `whsec_` and base64."""
    _check_length(entropy)
    return SECRET_PREFIX + base64.b64encode(entropy).decode("ascii")


def secret_bytes(secret: str) -> bytes:
    """Read a secret; raises `UnusableSecret`, without repeating it."""
    try:
        text = secret.removeprefix(SECRET_PREFIX)
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnusableSecret("A webhook secret is whsec_ and base64; this one is not.") from error
    _check_length(key)
    return key


def signature_header(secrets: Sequence[str], *, webhook_id: str, timestamp_s: int, body: bytes) -> str:
    """Compute the value of `webhook-signature`: one `v1,` signature per secret, in their order.

    `timestamp_s` is seconds since 1970, as sent in `webhook-timestamp`. Raises `UnusableSecret` for a secret
    that is not one or for none at all, and `Invalid` for an id that could be mistaken for another.
    """
    if not secrets:
        raise UnusableSecret("There is no webhook secret to sign with; create one for the tenant.")
    if not _WEBHOOK_ID.fullmatch(webhook_id):
        raise Invalid(
            "webhook_id", "A webhook id is 1 to 128 ASCII letters, digits, hyphens and underscores."
        )
    content = b"%b.%d.%b" % (webhook_id.encode("ascii"), timestamp_s, body)
    return " ".join(_signature(secret_bytes(secret), content) for secret in secrets)


def _signature(key: bytes, content: bytes) -> str:
    digest = hmac.digest(key, content, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode("ascii")


def _check_length(key: bytes) -> None:
    if not SHORTEST_SECRET_BYTES <= len(key) <= LONGEST_SECRET_BYTES:
        raise UnusableSecret(
            f"A webhook secret has {SHORTEST_SECRET_BYTES} to {LONGEST_SECRET_BYTES} bytes, not {len(key)}."
        )
