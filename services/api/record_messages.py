"""What the rooms of numbers, attempts and histories take and answer, as types."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from shared.domain.attempt import AttemptState

_CLOSED: Final = ConfigDict(extra="forbid")


class _PageParameters(BaseModel):
    """Which part of a long list."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

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


@with_config(_CLOSED)
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


@with_config(_CLOSED)
class NumbersAnswer(TypedDict):
    """A page of numbers; `next` is null on the last one. A page may be short without being the last."""

    numbers: list[NumberEntry]
    next: str | None


@with_config(_CLOSED)
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


@with_config(_CLOSED)
class AttemptsAnswer(TypedDict):
    """A page of attempts; `next` is null on the last one. A page may be short without being the last."""

    attempts: list[AttemptEntry]
    next: str | None
