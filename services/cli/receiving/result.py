"""A result as it arrives: its fields, and whether its signature proves where it comes from.

The check is the published library's of Standard Webhooks and not Paceline's own code: a customer has nothing else
either, and a mistake in how we sign would not be found by the code that makes it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from shared.domain.errors import Invalid

#: A result has some twenty fields and what the application hands to <exit>.
MOST_FIELDS = 1000


class Proof(StrEnum):
    """What the signature says about a result."""

    VERIFIED = "signature verified"
    WRONG = "signature does not match"
    UNCHECKED = "signature not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedResult:
    """One delivery of a number's result."""

    fields: Mapping[str, str]
    proof: Proof

    @property
    def reference(self) -> str | None:
        """The customer's own reference of the number."""
        return self.fields.get("message_reference") or None

    @property
    def campaign_id(self) -> int | None:
        """The campaign, None if the result does not say one."""
        text = self.fields.get("campaign_id", "")
        return int(text) if text.isascii() and text.isdigit() else None


class Verifier:
    """Checks signatures with a secret `whsec_…`; raises `Invalid` for what is not a secret."""

    def __init__(self, secret: str | None) -> None:
        self._webhook = None if secret is None else _webhook(secret)

    def proof(self, body: bytes, headers: Mapping[str, str]) -> Proof:
        """Return what the headers prove about the body, with five minutes' tolerance for clocks."""
        if self._webhook is None:
            return Proof.UNCHECKED
        try:
            self._webhook.verify(body, dict(headers), json_parse=False)
        except (
            WebhookVerificationError,
            ValueError,
        ):  # the library splits and decodes what it has not checked
            return Proof.WRONG
        return Proof.VERIFIED


def read_fields(body: bytes, content_type: str) -> dict[str, str]:
    """Read a form or a JSON object; raises `Invalid` with a sentence."""
    try:
        text = body.decode()
        pairs = (
            json.loads(text)
            if content_type == "application/json"
            else dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
        )
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError among them
        raise Invalid("body", "The body is neither a form nor JSON.") from error
    if not isinstance(pairs, dict) or not pairs:
        raise Invalid("body", "The body has no fields.")
    return {str(name): "" if value is None else str(value) for name, value in pairs.items()}


def _webhook(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise Invalid("secret", "A webhook secret is whsec_ and base64; this one is not.") from error
