"""What the API asks of the store when somebody wants to know what was done with one phone number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.disposition import Outcome, Result
from shared.domain.number import NumberState
from shared.ports.blocklist import BlockedNumber
from shared.ports.campaign_records import AttemptRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryDelivery:
    """What became of a result on its way to its receiver."""

    state: str
    url: str
    webhook_id: str
    tries: int
    created_at: datetime
    delivered_at: datetime | None
    #: What the newest try met; None before the first.
    last_tried_at: datetime | None
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One line of one upload that the number stood on."""

    campaign_id: int
    campaign_name: str | None
    call_id: int
    upload_no: int
    file_name: str | None
    line_no: int
    uploaded_at: datetime
    message_reference: str | None
    state: NumberState
    tries: int
    canceled_at: datetime | None
    outcome: Outcome | None
    result: Result | None
    ended_at: datetime | None
    #: The newest first.
    attempts: Sequence[AttemptRecord]
    #: How many older attempts are not shown.
    more_attempts: int
    delivery: HistoryDelivery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """A change of the blocklist for the number."""

    at: datetime
    #: Put on it, or taken off it.
    blocked: bool
    #: The token that asked.
    actor: str | None
    reason: str | None
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberHistory:
    """Everything that a tenant's platform knows of a number, the newest first."""

    e164: str
    #: Where it is on the blocklist now.
    blocked: BlockedNumber | None
    opt_outs: Sequence[OptOut]
    last_call_ended_at: datetime | None
    entries: Sequence[HistoryEntry]
    #: Older lines follow: the `before` of the next question.
    next_before: int | None


class NumberHistories(Protocol):
    """Histories of one API process; another tenant's calls are not in them."""

    async def history(self, tenant_id: int, e164: str, *, before: int | None, limit: int) -> NumberHistory:
        """Return the newest lines of a number, or those before a call_id; one that is unknown has none."""
