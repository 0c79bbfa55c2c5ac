"""A campaign's plan as the public API answers it, as far as the command line reads it."""

from services.cli.client.shapes import Answer


class Periods(Answer):
    """Periods one after the other with the same number of calls in each; minutes and calls."""

    periods: int
    calls_each: int
    period: int


class PlannedWindow(Answer):
    """A time in which a window is open; instants name their zone."""

    opens_at: str
    closes_at: str
    #: How many calls it can hold; a simulation does not tell.
    slots: int | None = None
    calls: int
    periods: list[Periods]
    calls_of_more_periods: int = 0


class PlannedDay(Answer):
    """A day of the campaign's own calendar."""

    date: str
    weekday: str
    windows: list[PlannedWindow]


class SimulatedCampaign(Answer):
    """What came of a simulation."""

    calls: int
    left_over: int
    first_call_at: str | None
    last_call_at: str | None
    ends_at: str | None
    call_outcomes: dict[str, int]
    number_outcomes: dict[str, int]
    days: list[PlannedDay]
    more_days: int = 0
    #: Why there may be more calls than it saw.
    stopped_because: str | None = None


class CampaignPlan(Answer):
    """What a campaign will do."""

    campaign_id: int
    name: str | None = None
    time_zone: str
    basis: str
    held: str | None = None
    planned_at: str
    attempts: int = 1
    callee_hours: str | None = None
    numbers: int
    calls: int
    left_over: int
    first_call_at: str | None
    last_call_at: str | None
    estimated_end_at: str | None
    days: list[PlannedDay]
    more_days: int = 0
    more_days_with_calls: int = 0
    seen_until: str | None = None
    simulation: SimulatedCampaign | None = None
