"""A result as it arrives."""

import base64
import hashlib
import hmac

import pytest

from services.cli.receiving.result import Proof, ReceivedResult, Verifier, read_fields
from shared.clock import epoch_seconds
from shared.domain.errors import Invalid

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = b"phone_number=%2B12025550100&message_reference=invoice-1001"


def _headers(body: bytes = BODY, *, key: bytes = KEY, age_seconds: float = 0) -> dict[str, str]:
    stamp = str(int(epoch_seconds() - age_seconds))
    content = b"res_1." + stamp.encode() + b"." + body
    signature = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return {"Webhook-Id": "res_1", "Webhook-Timestamp": stamp, "Webhook-Signature": f"v1,{signature}"}


def test_a_signature_by_the_book_is_verified() -> None:
    """What was signed with the secret by the published scheme is believed."""
    assert Verifier(SECRET).proof(BODY, _headers()) is Proof.VERIFIED


@pytest.mark.parametrize(
    "headers",
    [
        {},
        _headers(b"another body"),
        _headers(key=b"x" * 32),
        _headers(age_seconds=3600),
        _headers() | {"Webhook-Signature": "no comma"},
        _headers() | {"Webhook-Signature": "v1,not base64!"},
        _headers() | {"Webhook-Timestamp": "soon"},
    ],
    ids=["none", "other body", "other key", "an hour old", "no version", "no base64", "no time"],
)
def test_anything_else_is_wrong(headers: dict[str, str]) -> None:
    """What the secret did not sign, or long ago, is not believed, however it is malformed."""
    assert Verifier(SECRET).proof(BODY, headers) is Proof.WRONG


def test_a_body_that_is_no_text_is_wrong() -> None:
    """Bytes that are no text are told as a wrong signature, not as an accident."""
    assert Verifier(SECRET).proof(b"\xff", _headers(b"\xff")) is Proof.WRONG


def test_without_a_secret_nothing_is_checked() -> None:
    """Where no secret was given, that is said and not taken for a proof."""
    assert Verifier(None).proof(BODY, {}) is Proof.UNCHECKED


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_ä"])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    """A secret that is none is told at once, and not repeated."""
    with pytest.raises(Invalid, match="A webhook secret is whsec_ and base64"):
        Verifier(secret)


@pytest.mark.parametrize(
    ("body", "content_type", "fields"),
    [
        (b"a=1&b=&c=%2B1", "application/x-www-form-urlencoded", {"a": "1", "b": "", "c": "+1"}),
        (b'{"a": 1, "b": null, "c": "+1"}', "application/json", {"a": "1", "b": "", "c": "+1"}),
    ],
)
def test_both_formats_are_read(body: bytes, content_type: str, fields: dict[str, str]) -> None:
    """A result may be a form or JSON, as the campaign wants it."""
    assert read_fields(body, content_type) == fields


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"\xff=1", "application/x-www-form-urlencoded"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b"[1]", "application/json"),
    ],
)
def test_what_is_no_result_is_refused(body: bytes, content_type: str) -> None:
    """A body without fields, or with too many, is refused."""
    with pytest.raises(Invalid):
        read_fields(body, content_type)


@pytest.mark.parametrize(("text", "campaign_id"), [("7", 7), ("", None), ("seven", None), ("\u0667", None)])
def test_the_campaign_of_a_result(text: str, campaign_id: int | None) -> None:
    """The campaign is a number of ASCII digits, or not told."""
    assert ReceivedResult(fields={"campaign_id": text}, proof=Proof.VERIFIED).campaign_id == campaign_id
