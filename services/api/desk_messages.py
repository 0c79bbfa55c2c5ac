"""What the rooms of plans, holds, deliveries, results and blocked numbers take and answer, as types.

The rooms read and answer by them, and the description of the API shows them.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from services.api.plum.messages import CLOSED, Id, Parameters, PhoneNumbers, RefusedEntry, Success
from shared.domain.delivery import DeliveryState

Count = Annotated[int, Field(ge=0)]
Limit = Annotated[
    int | None, Field(ge=1, le=1000, description="How many at most; 100 where nothing is said.")
]
#: RFC 3339 with an offset.
Instant = Annotated[str, Field(examples=["2027-01-01T08:00:00Z"])]
E164 = Annotated[str, Field(examples=["+12025550100"])]
Flag = Literal[0, 1]


# Plans -----------------------------------------------------------------------------------------------------------


class PlanParameters(Parameters):
    """What a plan shows."""

    days: Annotated[int | None, Field(ge=1, le=366)] = None
    """Days that are listed one by one; 14 where nothing is said."""
    callees: Literal["population", "answer"] | None = None
    """Whom a simulation calls: the simulator's population, or people who all answer."""
    simulate: Flag | None = None
    """1: simulate every call as well."""


# Holds -----------------------------------------------------------------------------------------------------------


class HoldParameters(Parameters):
    """A reason not to dial."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    """Why, in words that people will read."""
    campaign_id: Id | None = None
    """The one campaign that is held; all of them where nothing is said."""
    calls: Literal["finish", "hangup"] | None = None
    """What becomes of calls under way: they end by themselves, or are ended."""


class ReleaseParameters(Parameters):
    """Which holds are released."""

    campaign_id: Id | None = None
    """Those of one campaign; all of the tenant where nothing is said."""


@with_config(CLOSED)
class HoldEntry(TypedDict):
    """A standing hold."""

    id: Id
    of: Literal["platform", "tenant"]
    campaign_id: Id | None
    reason: str
    calls: Literal["finish", "hangup"]
    placed_at: str


@with_config(CLOSED)
class HoldAnswer(Success):
    """A hold was placed."""

    response: HoldEntry


@with_config(CLOSED)
class ReleasedAnswer(Success):
    """So many holds were released."""

    released: Count


# Deliveries ------------------------------------------------------------------------------------------------------


class DeliveryListParameters(Parameters):
    """Which deliveries are listed."""

    state: DeliveryState | None = None
    """Those in one state."""
    campaign_id: Id | None = None
    """Those of one campaign."""
    after: Count | None = None
    """Those behind this call_id."""
    limit: Limit = None


class ReplayParameters(Parameters):
    """Which deliveries are sent again: those of a campaign, or made between two instants, or both."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [each]} for each in ("campaign_id", "from", "to")]}
    )

    state: Literal["FAILED", "PARKED", "DELIVERED"] | None = None
    """FAILED where nothing is said."""
    campaign_id: Id | None = None
    """Those of one campaign."""
    from_: Annotated[Instant | None, Field(alias="from")] = None
    """Those made from this instant on."""
    to: Instant | None = None
    """Those made before this instant."""
    validate_only: Flag | None = None
    """1: count them, and send nothing."""


class ReceiverParameters(Parameters):
    """A receiver of results."""

    url: str
    """Its address as the campaign has it."""


@with_config(CLOSED)
class DeliveryEntry(TypedDict):
    """A delivery in the list."""

    call_id: Id
    campaign_id: Id
    state: DeliveryState
    url: str
    webhook_id: str
    tries: Count
    next_try_at: str | None
    created_at: str | None
    delivered_at: str | None


@with_config(CLOSED)
class TryEntry(TypedDict):
    """One try of a delivery."""

    try_no: int
    at: str | None
    status: int | None
    error: str | None
    resolve_ms: int | None
    connect_ms: int | None
    total_ms: int | None
    answer: str | None


@with_config(CLOSED)
class DeliveryStoryEntry(DeliveryEntry):
    """A delivery with what it carries and every try."""

    waits_because: str | None
    content_type: str
    body: str
    log: list[TryEntry]


@with_config(CLOSED)
class ReplayedAnswer(Success):
    """So many deliveries were queued again."""

    replayed: Count


@with_config(CLOSED)
class WouldReplayAnswer(ReplayedAnswer):
    """So many would be."""

    would_replay: Count


@with_config(CLOSED)
class ReceiverEntry(TypedDict):
    """A receiver that wants no more results."""

    url: str
    reason: str
    disabled_at: str | None


@with_config(CLOSED)
class EnabledAnswer(Success):
    """A receiver is sent to again; so many deliveries were parked for it."""

    queued: Count


# Results ---------------------------------------------------------------------------------------------------------


class ResultListParameters(Parameters):
    """Which results are fetched."""

    after: str | None = None
    """The `place` of the last result that you have."""
    limit: Limit = None


class ResultEntry(TypedDict):
    """A number's result, as it is posted; what the application handed over stands beside it as `exit.<name>`."""

    place: str
    phone_number: E164
    message_reference: str | None
    call_id: Id
    result: Literal["completed", "failed", "canceled", "rejected"]
    callee_type: Literal["voice", "answeringmachine", "fax", "unknown"]
    attempts: Count
    last_attempt_timestamp: str | None
    duration: Count
    campaign_id: Id
    outcome: str
    stage: int


# Blocked numbers -------------------------------------------------------------------------------------------------


class BlocklistParameters(Parameters):
    """Which blocked numbers are listed."""

    after: E164 | None = None
    """Those behind this phone_number."""
    limit: Limit = None


class BlockParameters(Parameters):
    """Numbers that are never called from now on: one, or a list."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["phone_number"]}, {"required": ["phone_numbers"]}]}
    )

    phone_number: E164 | None = None
    """One number."""
    phone_numbers: PhoneNumbers | None = None
    """Many: a JSON array or a file; a line's reference is its own reason."""
    reason: str | None = None
    """Why."""
    source: str | None = None
    """Who says so; `api` where nothing is said."""


class UnblockParameters(Parameters):
    """A number that may be called again."""

    phone_number: E164
    """The number."""


@with_config(CLOSED)
class BlockedEntry(TypedDict):
    """A blocked number."""

    phone_number: E164
    reason: str | None
    source: str | None
    created_at: str


@with_config(CLOSED)
class BlockedCounts(TypedDict):
    """What became of an addition."""

    added: Count
    already: Count
    refused: Count
    refused_lines: list[RefusedEntry]


@with_config(CLOSED)
class BlockedAnswer(Success):
    """Numbers were blocked."""

    response: BlockedCounts
