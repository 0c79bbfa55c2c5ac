"""What the API asks of the store about single numbers and attempts of a campaign."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from shared.contracts.result_body import NumberResult
from shared.domain.attempt import AttemptState
from shared.domain.campaign import Dialect
from shared.domain.disposition import CalleeType, Outcome, Result, Stage
from shared.domain.number import NumberState

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRecord:
    """One number of a campaign, as it stands."""

    call_id: int
    upload_no: int
    line_no: int
    e164: str
    ani: str | None
    message_reference: str | None
    state: NumberState
    #: Calls made.
    tries: int
    #: When it is called again; None where it does not wait for an instant.
    next_at: datetime | None
    #: When its owner took it back.
    canceled_at: datetime | None
    #: The three of a number that is final.
    outcome: Outcome | None
    result: Result | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt at a number: a call, or why there was none."""

    attempt_id: int
    #: Of its number.
    call_id: int
    e164: str
    message_reference: str | None
    #: Its place among the number's attempts, withheld ones included.
    ordinal: int
    state: AttemptState
    due_at: datetime
    #: The SIP Call-ID.
    sip_call_id: str | None
    trunk: str | None
    dialed_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    sip_status: int | None
    q850_cause: int | None
    outcome: Outcome | None
    stage: Stage | None
    callee_type: CalleeType | None
    #: A sentence.
    withheld_because: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """A final number with its line and when it ended."""

    upload_no: int
    line_no: int
    ended_at: datetime
    result: NumberResult


@dataclass(frozen=True, slots=True)
class RecordPage(Generic[Record]):
    """A part of a campaign's records in the order of their ids."""

    records: Sequence[Record]
    #: The `after` of the next page; None: there is none. A page may be short, or empty, and not be the last.
    next_after: int | None


class CampaignRecords(Protocol):
    """Records of one API process. Everything of another tenant answers as unknown: NotFound."""

    async def numbers(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        *,
        after: int,
        limit: int,
        state: NumberState | None,
        outcome: Outcome | None,
    ) -> RecordPage[NumberRecord]:
        """Return the numbers behind one, all or those of a state and an outcome."""

    async def attempts(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        *,
        after: int,
        limit: int,
        state: AttemptState | None,
        outcome: Outcome | None,
    ) -> RecordPage[AttemptRecord]:
        """Return the attempts behind one, all or those of a state and an outcome."""

    def results(
        self, tenant_id: int, dialect: Dialect, campaign_id: int
    ) -> AsyncIterator[Sequence[ResultRecord]]:
        """Yield the final numbers of a campaign, some thousands at a time; the first step raises NotFound."""
