"""The end of a number, ready to be written: its result, and the delivery that carries it.

Made by a pure function from what is known, so that the dialer, the reaper and a cancellation write the same
bytes for the same facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from shared.contracts.result_body import NumberResult, ResultFormat, encode_result, webhook_id
from shared.domain.disposition import RESULT_OF, CalleeType, Disposition, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where and how a campaign wants its results."""

    url: str
    result_format: ResultFormat

    @property
    def origin(self) -> str:
        """Scheme, host and port: what may be slow or down as one."""
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDelivery:
    """The request that will be sent, the same on every try."""

    webhook_id: str
    url: str
    origin: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """A number's one result, and its one delivery where somebody wants it."""

    result: NumberResult
    delivery: PendingDelivery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFacts:
    """What is known of a number when it ends."""

    campaign_id: int
    number_id: int
    e164: str
    message_reference: str | None
    #: Calls made to it, the last one included.
    tries: int
    last_attempt_at: datetime | None
    receiver: Receiver | None
    callee_type: CalleeType = CalleeType.UNKNOWN
    duration_seconds: int = 0
    exit_values: Mapping[str, str] = field(default_factory=dict)


def conclude(facts: NumberFacts, disposition: Disposition, *, result: Result | None = None) -> Conclusion:
    """Return the conclusion; `result` overrides the table where the outcome alone does not tell (canceled)."""
    number_result = NumberResult(
        campaign_id=facts.campaign_id,
        call_id=facts.number_id,
        phone_number=facts.e164,
        message_reference=facts.message_reference,
        result=result or RESULT_OF[disposition.outcome],
        disposition=disposition,
        callee_type=facts.callee_type,
        attempts=facts.tries,
        last_attempt_at=facts.last_attempt_at,
        duration_seconds=facts.duration_seconds,
        exit_values=facts.exit_values,
    )
    return Conclusion(result=number_result, delivery=_delivery(number_result, facts.receiver))


def _delivery(result: NumberResult, receiver: Receiver | None) -> PendingDelivery | None:
    if receiver is None:
        return None
    return PendingDelivery(
        webhook_id=webhook_id(result.call_id),
        url=receiver.url,
        origin=receiver.origin,
        content_type=receiver.result_format.content_type,
        body=encode_result(result, receiver.result_format),
    )
