"""What the Plum dialect takes and answers, as types: its rooms read and answer by them, and its description shows them.

A request's models name every parameter that its handler may read, and which of them must be there; how a value is
written (form text, JSON in a form field, a JSON body) is `request_fields`' matter, and what it may be the domain's. The
answers are supersets of the published ones, never a change.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from shared.domain.campaign import CampaignState
from shared.domain.wall_clock import Weekday

#: Nothing is sent beyond what is described.
CLOSED: Final = ConfigDict(extra="forbid")

Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"\S",
        description="Not blank, and unique, whatever its case (NFC, trimmed).",
        examples=["3wkdays"],
    ),
]
#: `HH:MM`.
Time = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["08:00"])]
EndTime = Annotated[str, Field(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", examples=["11:00"])]
Date = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}( 00:00:00)?$", examples=["2027-01-01"])]
Midnight = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2} 00:00:00$")]
Url = Annotated[str, Field(max_length=2083, examples=["https://example.com/start.vxml"])]
Minutes = Annotated[int, Field(ge=1, le=527_040, examples=[30])]
Gap = Annotated[int, Field(ge=0, le=527_040, examples=[10])]
Amount = Annotated[int, Field(ge=1, le=1_000_000_000, examples=[100])]
Days = Annotated[list[Weekday], Field(min_length=1, examples=[["mon", "wed", "fri"]])]
Id = Annotated[int, Field(ge=1)]


# Requests -------------------------------------------------------------------------------------------------------


class Parameters(BaseModel):
    """The parameters of a request."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)


class NewScheduleParameters(Parameters):
    """A schedule to be made."""

    days: Days
    """The weekdays on which campaigns run."""
    nickname: Name | None = None
    """What campaigns may refer to it by; without one they use its id."""
    name: Name | None = None
    """The same as `nickname`, which the published documents call so in an update."""


class ScheduleParameters(Parameters):
    """What is to be another about a schedule."""

    days: Days | None = None
    """The weekdays; marked as required in the published documents, although only what is sent is changed."""
    nickname: Name | None = None
    """The same as `name`."""
    name: Name | None = None
    """At most 64 characters; the published "64 character minimum" is taken for the maximum of a new schedule."""


class NewProfileParameters(Parameters):
    """A profile to be made."""

    period: Minutes
    """Minutes in which `amount_per_period` calls are spread evenly."""
    amount_per_period: Amount
    """Calls in a period, retries included."""
    time_between_periods: Gap
    """Minutes without calls between two periods."""
    nickname: Name | None = None
    """What campaigns refer to it by; without one they use its id."""
    name: Name | None = None
    """The same as `nickname`."""


class ProfileParameters(Parameters):
    """What is to be another about a profile."""

    period: Minutes | None = None
    """Minutes in which `amount_per_period` calls are spread evenly."""
    amount_per_period: Amount | None = None
    """Calls in a period, retries included."""
    time_between_periods: Gap | None = None
    """Minutes without calls between two periods."""
    nickname: Name | None = None
    """Its new nickname."""
    name: Name | None = None
    """The same as `nickname`."""


class Attachment(BaseModel):
    """A profile and the hours in which it paces the campaign; hours of one day may touch but not overlap."""

    model_config = ConfigDict(extra="allow")

    profile: Annotated[str | int, Field(description="Its nickname or id.", examples=["MorningPace"])]
    start_time: Time
    end_time: EndTime


PhoneNumbers = Annotated[
    list[str],
    Field(
        examples=[["tel:+12025550100;ani=+12025550199,march"]],
        description="A JSON array of entries, or a CSV or TXT file with one in each line.",
    ),
]


class CampaignParameters(Parameters):
    """What is to be another about a campaign."""

    start_date: Date | None = None
    """The first day."""
    end_date: Date | None = None
    """The last day, on which calls are still placed."""
    schedule: str | int | None = None
    """A schedule's id or nickname; digits are read as an id first, then as a nickname."""
    schedule_id: str | int | None = None
    """The same as `schedule`, as the published example has it."""
    profiles: Annotated[list[Attachment] | None, Field(min_length=1, max_length=100)] = None
    """Who paces the campaign, and when; in an update they replace all that it had."""
    start_url: Url | None = None
    """The VoiceXML application that is run on each answered call."""
    result_url: Url | None = None
    """Where the result of each number is posted; it may be added as long as nothing was dialed."""
    name: Annotated[str | None, Field(max_length=100)] = None
    """A name for people."""
    time_zone: Annotated[str | None, Field(examples=["America/New_York"])] = None
    """The zone of dates and hours, Eastern if nothing is said."""
    attempts: Annotated[int | None, Field(ge=1, le=100)] = None
    """Calls to a number at most."""
    retry_minutes: int | list[int] | None = None
    """Minutes from the end of a call to the next one; the last of them repeats."""
    retry_minutes_by_outcome: dict[str, int] | None = None
    """Where an outcome has an interval of its own."""
    callee_hours: Annotated[str | None, Field(examples=["08:00-21:00", "on", "off"])] = None
    """When callees may be called by their own clocks; to be changed or switched off later, not switched on."""


class NewCampaignParameters(CampaignParameters):
    """A campaign to be made, with its phone list or without one; it needs `schedule` or `schedule_id`."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["schedule"]}, {"required": ["schedule_id"]}]}
    )

    start_date: Date
    """The first day."""
    end_date: Date
    """The last day, on which calls are still placed."""
    profiles: Annotated[list[Attachment], Field(min_length=1, max_length=100)]
    """Who paces the campaign, and when."""
    start_url: Url
    """The VoiceXML application that is run on each answered call."""
    phone_numbers: PhoneNumbers | None = None
    """The phone list."""
    auto_start: Literal[0, 1] | None = None
    """1: start it as well. Otherwise it dials nothing before `start`."""
    validate_only: Literal[0, 1] | None = None
    """1: tell what would be taken, and store nothing."""


class CampaignIdParameters(Parameters):
    """Which campaign."""

    campaign_id: Id
    """Its id."""


class StopParameters(CampaignIdParameters):
    """Which campaign is stopped, and what becomes of its calls."""

    calls: Literal["finish", "hangup"] | None = None
    """What becomes of calls under way: they end by themselves, or are ended."""


class DeleteCampaignParameters(Parameters):
    """What becomes of the calls of a deleted campaign."""

    calls: Literal["finish", "hangup"] | None = None
    """What becomes of calls under way: they end by themselves, or are ended."""


class AddCallsParameters(CampaignIdParameters):
    """Numbers to be called after all others."""

    model_config = ConfigDict(json_schema_extra={"required": ["campaign_id", "phone_numbers"]})

    phone_numbers: PhoneNumbers | None = None
    """The phone list; required, as an array or a file."""
    validate_only: Literal[0, 1] | None = None
    """1: tell what would be taken, and store nothing."""


# Answers --------------------------------------------------------------------------------------------------------


@with_config(CLOSED)
class Success(TypedDict):
    """It is done."""

    status: Literal["success"]


@with_config(CLOSED)
class Refusal(TypedDict):
    """It is not done, and why."""

    status: Literal["error"]
    error: Annotated[str, Field(min_length=1)]


#: Fields that are wrong, each with its sentences.
FieldRefusal = Annotated[
    dict[str, Annotated[list[str], Field(min_length=1)]],
    Field(min_length=1, examples=[{"nickname": ["The nickname has already been taken."]}]),
]


@with_config(CLOSED)
class Named(TypedDict):
    """A schedule or profile."""

    id: Id
    nickname: str | None


@with_config(CLOSED)
class NamedAnswer(Success):
    """A schedule or profile was made or changed."""

    response: Named


@with_config(CLOSED)
class ChangedSchedule(Named):
    """A schedule after a change; its days are a JSON array in a string (PLUM-32)."""

    days: Annotated[str, Field(examples=['["mon","wed"]'])]


@with_config(CLOSED)
class ChangedScheduleAnswer(Success):
    """A schedule was changed."""

    response: ChangedSchedule


@with_config(CLOSED)
class ScheduleEntry(TypedDict):
    """A schedule in the list."""

    schedule_id: Id
    nickname: str | None
    days: tuple[Weekday, ...]


@with_config(CLOSED)
class ProfileEntry(TypedDict):
    """A profile in the list, with the pace that its documentation promises."""

    profile_id: Id
    nickname: str | None
    period: int
    amount_per_period: int
    time_between_periods: int


@with_config(CLOSED)
class AttachedEntry(TypedDict):
    """A profile as a campaign uses it."""

    profile_id: Id
    nickname: str | None
    start_time: Time
    end_time: EndTime


@with_config(CLOSED)
class Counts(TypedDict):
    """Where the numbers are: accepted = ready + waiting + in_attempt + final."""

    accepted: int
    ready: int
    waiting: int
    in_attempt: int
    final: int
    refused: int
    duplicates: int


@with_config(CLOSED)
class CampaignEntry(TypedDict):
    """A campaign in the list."""

    campaign_id: Id
    start_date: Midnight
    #: The last day is dialed, whatever its midnight says.
    end_date: Midnight
    start_url: str
    result_url: str | None
    #: Its nickname, or its id where it has none.
    schedule_nickname: str
    profiles: list[AttachedEntry]
    name: str | None
    time_zone: str
    status: CampaignState
    held: str | None
    preflight: dict[str, str] | None
    callee_hours: str | None
    withheld: list[str]
    attempts: int
    retry_minutes: list[int]
    retry_minutes_by_outcome: dict[str, int]
    numbers: Counts
    calls_in_progress: int
    outcomes: dict[str, int]
    results: dict[str, int]


@with_config(CLOSED)
class CampaignDetail(CampaignEntry):
    """A campaign by itself."""

    #: When each number will have had its next call; null where it does not run, or that is far away.
    estimated_end: str | None


@with_config(CLOSED)
class RefusedEntry(TypedDict):
    """A line of a list that was not taken."""

    line: int
    text: str
    reason: str


@with_config(CLOSED)
class TakenInEntry(TypedDict):
    """What became of a phone list."""

    accepted: int
    refused: int
    duplicates: int
    refused_lines: list[RefusedEntry]


@with_config(CLOSED)
class NewCampaignEntry(TakenInEntry):
    """A campaign that was made."""

    id: Id


@with_config(CLOSED)
class NewCampaignAnswer(Success):
    """A campaign was made."""

    response: NewCampaignEntry


@with_config(CLOSED)
class ChangedCampaign(TypedDict):
    """A campaign that was changed."""

    id: Id


@with_config(CLOSED)
class ChangedCampaignAnswer(Success):
    """A campaign was changed."""

    response: ChangedCampaign


@with_config(CLOSED)
class AddedAnswer(Success, TakenInEntry):
    """Numbers were added."""
