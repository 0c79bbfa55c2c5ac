"""What the room of plans answers, as types; every instant names its zone, as in RFC 9557."""

from typing import Annotated, Any

from pydantic import Field, with_config
from typing_extensions import TypedDict

from services.api.plum.messages import CLOSED, Id
from shared.domain.campaign import CampaignState
from shared.domain.wall_clock import Weekday

Count = Annotated[int, Field(ge=0)]


@with_config(CLOSED)
class RunEntry(TypedDict):
    """Periods one after the other with the same number of calls each."""

    begins_at: str
    periods: int
    calls_each: Count
    period: int
    amount_per_period: int
    time_between_periods: int


@with_config(CLOSED)
class PlannedWindowEntry(TypedDict):
    """The hours of one profile on one day."""

    window: str
    opens_at: str
    closes_at: str
    #: Calls that its pace lets it place.
    slots: Count
    calls: Count
    first_call_at: str | None
    last_call_at: str | None
    periods: list[RunEntry]


@with_config(CLOSED)
class PlannedDayEntry(TypedDict):
    """A day on which the campaign may call."""

    date: str
    weekday: Weekday
    calls: Count
    windows: list[PlannedWindowEntry]


@with_config(CLOSED)
class PlanAnswer(TypedDict):
    """What a campaign will do if each of its numbers is called once, and what comes of a simulation."""

    campaign_id: Id
    name: str | None
    status: CampaignState
    held: str | None
    time_zone: str
    planned_at: str
    #: What the plan goes out from, in words.
    basis: str
    attempts: int
    callee_hours: str | None
    calls_in_progress: Count
    numbers: Count
    calls: Count
    left_over: Count
    first_call_at: str | None
    last_call_at: str | None
    estimated_end_at: str | None
    days: list[PlannedDayEntry]
    more_days: Count
    more_days_with_calls: Count
    seen_until: str | None
    #: Every call simulated, with retries and callees' hours; null where none was asked for.
    simulation: dict[str, Any] | None
