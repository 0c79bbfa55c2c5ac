"""What the rooms of uploads take and answer, as types: they answer by them, and the description shows them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from services.api.plum.messages import CLOSED, Parameters, RefusedEntry, Success

Count = Annotated[int, Field(ge=0)]


class PageParameters(Parameters):
    """Which part of a long list."""

    after: Annotated[int, Field(ge=0)] | None = None
    """The number of the last upload that is known."""
    limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many at most; 100 where nothing is said."""


class RejectParameters(Parameters):
    """Which part of the lines that were not taken."""

    cursor: str | None = None
    """The `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many at most; 100 where nothing is said."""


class CancelParameters(Parameters):
    """Which numbers are taken back: by the one field or the other."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["phone_numbers"]}, {"required": ["message_references"]}]},
    )

    phone_numbers: list[str] | None = None
    """A JSON array or a file of numbers, each on all its lines; with a reference, on the line that has it."""
    message_references: Annotated[list[str], Field(max_length=10_000)] | None = None
    """Every number with one of these references."""


@with_config(CLOSED)
class UploadEntry(TypedDict):
    """One phone list that a campaign was given."""

    upload: int
    file_name: str | None
    accepted: Count
    refused: Count
    duplicates: Count
    uploaded_at: str
    canceled_at: str | None


@with_config(CLOSED)
class RejectedEntry(RefusedEntry):
    """A line that was not taken."""

    upload: int


@with_config(CLOSED)
class RejectsAnswer(TypedDict):
    """A page of lines that were not taken."""

    rejects: list[RejectedEntry]
    #: What the next page is asked for with; null: this is the last one.
    next: str | None


@with_config(CLOSED)
class CanceledAnswer(Success):
    """Numbers were taken back."""

    #: Ended just now, each with the result `canceled`.
    canceled: Count
    #: In a call that goes on: each ends with its result and is not called again.
    in_call: Count
    refused: Count
    refused_lines: list[RefusedEntry]


@with_config(CLOSED)
class ZoneEntry(TypedDict):
    """Numbers that are at home in one of these time zones."""

    time_zones: list[str]
    numbers: Count


@with_config(CLOSED)
class SampleEntry(TypedDict):
    """A line as it was understood."""

    line: int
    phone_number: str
    ani: str | None
    postd: str | None
    message_reference: str | None
    variables: dict[str, str]
    time_zone: str | None


@with_config(CLOSED)
class RehearsalEntry(TypedDict):
    """What would become of a phone list; each of its lines is counted once."""

    valid: Count
    duplicate: Count
    blocked: Count
    refused: Count
    time_zones: list[ZoneEntry]
    sample: list[SampleEntry]
    refused_lines: list[RefusedEntry]


@with_config(CLOSED)
class RehearsalAnswer(Success):
    """Nothing was stored; this is what would have been."""

    validate_only: Literal[True]
    response: RehearsalEntry
