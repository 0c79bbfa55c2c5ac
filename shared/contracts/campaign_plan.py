"""A campaign's plan and its simulation as JSON: what the API answers, and what the command line reads.

Every instant names its zone, in the form of RFC 9557: the campaign's own wall time with its offset, and the zone's name
behind it, as in `2026-11-23T08:00:00-05:00[America/New_York]`. So the two quarters past one of an autumn night differ.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from shared.domain.campaign_plan import CampaignPlan, PeriodRun, PlannedDay, PlannedWindow
from shared.domain.campaign_simulation import SimulatedCall
from shared.domain.disposition import Outcome
from shared.domain.simulation_summary import SimulatedDay, SimulatedWindow, SimulationSummary
from shared.domain.wall_clock import Weekday

#: The type of a list of calls: a JSON object in each line, and in the last one the summary. Who lacks it was cut off.
NDJSON: Final = "application/x-ndjson"


def instant(at: datetime, zone: str) -> str:
    """Write an instant as the campaign's clock shows it, with the zone's name."""
    return f"{at.astimezone(ZoneInfo(zone)).isoformat()}[{zone}]"


def plan_fields(plan: CampaignPlan, zone: str) -> dict[str, object]:
    """Return a plan's fields."""
    return {
        "numbers": plan.numbers,
        "calls": plan.calls,
        "left_over": plan.left_over,
        "first_call_at": _maybe(plan.first_call_at, zone),
        "last_call_at": _maybe(plan.last_call_at, zone),
        "estimated_end_at": _maybe(plan.ends_at, zone),
        "days": [_planned_day(day, zone) for day in plan.days],
        "more_days": plan.more_days,
        "more_days_with_calls": plan.more_days_with_calls,
        "seen_until": _maybe(plan.seen_until, zone),
    }


def simulation_fields(
    summary: SimulationSummary, zone: str, *, left_over: int, stopped_because: str | None
) -> dict[str, object]:
    """Return what came of a simulation; `left_over` numbers were not called to an end."""
    return {
        "calls": summary.calls,
        "planned_before": summary.planned_before,
        "left_over": left_over,
        "first_call_at": _maybe(summary.first_call_at, zone),
        "last_call_at": _maybe(summary.last_call_at, zone),
        "ends_at": _maybe(summary.ends_at, zone),
        "call_outcomes": _by_title(summary.call_outcomes),
        "number_outcomes": _by_title(summary.number_outcomes),
        "days": [_simulated_day(day, zone) for day in summary.days],
        "more_days": summary.more_days,
        "stopped_because": stopped_because,
    }


def call_line(call: SimulatedCall, zone: ZoneInfo) -> bytes:
    """Write a simulated call as one line; a million of them are written at a time."""
    fields = {
        "due_at": f"{call.due_at.astimezone(zone).isoformat()}[{zone.key}]",
        "call_id": call.number_id,
        "phone_number": call.e164,
        "try": call.try_no,
        "outcome": call.outcome.title,
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _planned_day(day: PlannedDay, zone: str) -> dict[str, object]:
    return {
        "date": day.day.isoformat(),
        "weekday": Weekday.of(day.day).value,
        "calls": day.calls,
        "windows": [_planned_window(window, zone) for window in day.windows],
    }


def _planned_window(window: PlannedWindow, zone: str) -> dict[str, object]:
    return {
        "window": str(window.interval.window),
        "opens_at": instant(window.interval.opens_at, zone),
        "closes_at": instant(window.interval.closes_at, zone),
        "slots": window.slots,
        "calls": window.calls,
        "first_call_at": _maybe(window.first_call_at, zone),
        "last_call_at": _maybe(window.last_call_at, zone),
        "periods": _runs(window.periods, zone),
    }


def _simulated_day(day: SimulatedDay, zone: str) -> dict[str, object]:
    return {
        "date": day.day.isoformat(),
        "weekday": Weekday.of(day.day).value,
        "calls": sum(window.calls for window in day.windows),
        "windows": [_simulated_window(window, zone) for window in day.windows],
    }


def _simulated_window(window: SimulatedWindow, zone: str) -> dict[str, object]:
    return {
        "window": str(window.interval.window),
        "opens_at": instant(window.interval.opens_at, zone),
        "closes_at": instant(window.interval.closes_at, zone),
        "calls": window.calls,
        "first_call_at": instant(window.first_call_at, zone),
        "last_call_at": instant(window.last_call_at, zone),
        "periods": _runs(window.periods, zone),
        "calls_of_more_periods": window.calls_of_more_periods,
    }


def _runs(runs: Iterable[PeriodRun], zone: str) -> list[dict[str, object]]:
    """Return periods one after the other with the same number of calls as one entry."""
    return [
        {
            "begins_at": instant(run.begins_at, zone),
            "periods": run.periods,
            "calls_each": run.calls,
            "period": run.pace.period_minutes,
            "amount_per_period": run.pace.amount,
            "time_between_periods": run.pace.gap_minutes,
        }
        for run in runs
    ]


def _by_title(outcomes: Mapping[Outcome, int]) -> dict[str, int]:
    return {outcome.title: outcomes[outcome] for outcome in sorted(outcomes)}


def _maybe(at: datetime | None, zone: str) -> str | None:
    return None if at is None else instant(at, zone)
