"""The body that is posted to a campaign's result_url: one per number, when it is final.

The first eight fields are Plum's (A4.5 of its other documents), under their own names and in their own order, so
that a receiver written for Plum reads them unchanged; what follows is more. The bytes are made once, stored with
the delivery, and sent unchanged on every try.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlencode

import orjson

from shared.domain.disposition import CalleeType, Disposition, Result


class ResultFormat(StrEnum):
    """How a campaign wants its results."""

    FORM = "form"
    JSON = "json"

    @property
    def content_type(self) -> str:
        """The Content-Type header of such a body."""
        return "application/json" if self is ResultFormat.JSON else "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberResult:
    """What became of one number."""

    campaign_id: int
    #: Plum's call_id: the number's own id, known from the upload on.
    call_id: int
    #: `+` and digits.
    phone_number: str
    message_reference: str | None
    result: Result
    disposition: Disposition
    callee_type: CalleeType
    #: Calls made, withheld attempts not counted.
    attempts: int
    last_attempt_at: datetime | None
    #: Seconds of conversation in the last call.
    duration_seconds: int
    #: What the application handed to <exit> or <disconnect>.
    exit_values: Mapping[str, str] = field(default_factory=dict)


def encode_result(result: NumberResult, result_format: ResultFormat) -> bytes:
    """Return the body's bytes in the campaign's format; instants are UTC, `YYYY-MM-DD HH:MM:SS`."""
    fields = result_fields(result)
    if result_format is ResultFormat.JSON:
        return orjson.dumps(fields)
    return urlencode([(name, "" if value is None else str(value)) for name, value in fields.items()]).encode()


def result_fields(result: NumberResult) -> dict[str, str | int | None]:
    """Return the fields of the body, in their order; None where a form has an empty field."""
    return {
        "phone_number": result.phone_number,
        "message_reference": result.message_reference,
        "call_id": result.call_id,
        "result": result.result.value,
        "callee_type": result.callee_type.value,
        "attempts": result.attempts,
        "last_attempt_timestamp": _timestamp(result.last_attempt_at),
        "duration": result.duration_seconds,
        "campaign_id": result.campaign_id,
        "outcome": result.disposition.outcome.title,
        "stage": int(result.disposition.stage),
        **{f"exit.{name}": value for name, value in result.exit_values.items()},
    }


def _timestamp(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def webhook_id(call_id: int) -> str:
    """Return the `webhook-id` of a number's result: the same on every try and for ever."""
    return f"res_{call_id}"
