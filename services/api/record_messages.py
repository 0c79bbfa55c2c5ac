"""What the rooms of numbers, attempts and histories take and answer, as types."""

from typing import Annotated, Final, Literal

from pydantic import Field, with_config
from typing_extensions import TypedDict

from services.api.plum.messages import CLOSED, Parameters
from shared.domain.attempt import AttemptState

#: Lines that are told where nothing is said, and at most: each comes with up to a hundred attempts.
USUAL_LINES: Final = 20
MOST_LINES: Final = 100


class _PageParameters(Parameters):
    """Which part of a long list."""

    outcome: str | None = None
    """A published name or number: NoAnswer, 6."""
    cursor: str | None = None
    """The `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many at most; 100 where nothing is said."""


class NumberPageParameters(_PageParameters):
    """Which numbers of a campaign."""

    state: Literal["READY", "WAITING", "IN_ATTEMPT", "FINAL"] | None = None
    """Those in one state."""


class AttemptPageParameters(_PageParameters):
    """Which attempts of a campaign."""

    state: AttemptState | None = None
    """Those in one state."""


@with_config(CLOSED)
class NumberEntry(TypedDict):
    """One number of a campaign."""

    call_id: int
    upload: int
    line: int
    phone_number: str
    ani: str | None
    message_reference: str | None
    state: str
    attempts: int
    next_attempt_at: str | None
    canceled_at: str | None
    outcome: str | None
    result: str | None
    ended_at: str | None


@with_config(CLOSED)
class NumbersAnswer(TypedDict):
    """A page of numbers; `next` is null on the last one. A page may be short without being the last."""

    numbers: list[NumberEntry]
    next: str | None


@with_config(CLOSED)
class AttemptEntry(TypedDict):
    """One attempt: a call, or why there was none."""

    attempt_id: int
    call_id: int
    phone_number: str
    message_reference: str | None
    ordinal: int
    state: str
    due_at: str
    sip_call_id: str | None
    trunk: str | None
    dialed_at: str | None
    ringing_at: str | None
    answered_at: str | None
    ended_at: str | None
    sip_status: int | None
    q850_cause: int | None
    outcome: str | None
    stage: int | None
    callee_type: str | None
    withheld_because: str | None


@with_config(CLOSED)
class AttemptsAnswer(TypedDict):
    """A page of attempts; `next` is null on the last one. A page may be short without being the last."""

    attempts: list[AttemptEntry]
    next: str | None


class HistoryParameters(Parameters):
    """Which part of a number's history."""

    cursor: str | None = None
    """The `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=MOST_LINES)] | None = None
    """How many lines at most; 20 where nothing is said."""


@with_config(CLOSED)
class HistoryBlockedEntry(TypedDict):
    """A number on the blocklist."""

    phone_number: str
    reason: str | None
    source: str | None
    created_at: str


@with_config(CLOSED)
class OptOutEntry(TypedDict):
    """The number was put on the blocklist, or taken off it."""

    at: str
    blocked: bool
    actor: str | None
    reason: str | None
    source: str | None


@with_config(CLOSED)
class HistoryDeliveryEntry(TypedDict):
    """Who was told of the result."""

    state: str
    url: str
    webhook_id: str
    tries: int
    created_at: str | None
    delivered_at: str | None
    last_tried_at: str | None
    last_status: int | None
    last_error: str | None


@with_config(CLOSED)
class LineEntry(TypedDict):
    """One line of one upload."""

    campaign_id: int
    campaign_name: str | None
    call_id: int
    upload: int
    file_name: str | None
    line: int
    uploaded_at: str | None
    message_reference: str | None
    state: str
    attempts_made: int
    canceled_at: str | None
    outcome: str | None
    result: str | None
    ended_at: str | None
    attempts: list[AttemptEntry]
    more_attempts: int
    delivery: HistoryDeliveryEntry | None


@with_config(CLOSED)
class HistoryAnswer(TypedDict):
    """Everything about a number, the newest first."""

    phone_number: str
    blocked: HistoryBlockedEntry | None
    opt_outs: list[OptOutEntry]
    last_call_ended_at: str | None
    lines: list[LineEntry]
    next: str | None
