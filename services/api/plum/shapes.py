"""What the Plum dialect answers with: the documented keys, and more beside them, never a change."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from services.api.plum.messages import (
    AttachedEntry,
    CampaignEntry,
    Counts,
    ProfileEntry,
    RefusedEntry,
    ScheduleEntry,
    TakenInEntry,
)
from shared.domain.phone_list import RefusedLine
from shared.domain.retry import RetryPolicy
from shared.domain.wall_clock import MINUTES_OF_A_DAY, WallTime
from shared.ports.campaigns import AttachedProfile, CampaignView, NumberCounts, Profile, Schedule, TakenIn

#: Every minute of a day as it is shown: a list has two for each of its windows.
_TIMES: Final = tuple(str(WallTime(minute)) for minute in range(MINUTES_OF_A_DAY + 1))


def schedules_shape(schedules: Iterable[Schedule]) -> list[ScheduleEntry]:
    """Return the schedule list (PLUM-25)."""
    return [
        {"schedule_id": schedule_id, "nickname": nickname, "days": days}
        for schedule_id, nickname, days in schedules
    ]


def profile_shape(profile: Profile) -> ProfileEntry:
    """Return an entry of the profile list (PLUM-43), with the pace that its documentation promises."""
    return {
        "profile_id": profile.profile_id,
        "nickname": profile.nickname,
        "period": profile.pace.period_minutes,
        "amount_per_period": profile.pace.amount,
        "time_between_periods": profile.pace.gap_minutes,
    }


def campaign_shape(view: CampaignView) -> CampaignEntry:
    """Return an entry of the campaign list (PLUM-58), with its state and counts."""
    return {
        "campaign_id": view.campaign_id,
        "start_date": _midnight(view.first_date),
        "end_date": _midnight(view.last_date),
        "start_url": view.start_url,
        "result_url": view.result_url,
        # The documentation calls this "the schedule ID or nickname entered" (PLUM-60).
        "schedule_nickname": view.schedule_nickname or str(view.schedule_id),
        "profiles": [_attached_shape(profile) for profile in view.profiles],
        "name": view.name,
        "time_zone": view.time_zone,
        "status": view.state,
        "held": view.held_because,
        "preflight": None if view.preflight is None else dict(view.preflight),
        "callee_hours": None if view.callee_hours is None else str(view.callee_hours),
        "withheld": list(view.withheld),
        "attempts": view.retry.tries,
        "retry_minutes": [seconds // 60 for seconds in view.retry.intervals_seconds],
        "retry_minutes_by_outcome": _retries_by_outcome(view.retry),
        "numbers": _counts_shape(view.numbers),
        "calls_in_progress": view.calls_in_progress,
        "outcomes": dict(view.outcomes),
        "results": dict(view.results),
    }


def _retries_by_outcome(policy: RetryPolicy) -> dict[str, int]:
    overrides = policy.by_outcome_seconds
    return {outcome.title: seconds // 60 for outcome, seconds in overrides.items()} if overrides else {}


def _counts_shape(numbers: NumberCounts) -> Counts:
    return {
        "accepted": numbers.accepted,
        "ready": numbers.ready,
        "waiting": numbers.waiting,
        "in_attempt": numbers.in_attempt,
        "final": numbers.final,
        "refused": numbers.refused,
        "duplicates": numbers.duplicates,
    }


def taken_in_shape(taken: TakenIn) -> TakenInEntry:
    """Return what became of an upload: counts, and the first lines that were refused."""
    return {
        "accepted": taken.accepted,
        "refused": taken.refused,
        "duplicates": taken.duplicates,
        "refused_lines": [refused_shape(line) for line in taken.refused_lines],
    }


def _attached_shape(profile: AttachedProfile) -> AttachedEntry:
    return {
        "profile_id": profile.profile_id,
        "nickname": profile.nickname,
        "start_time": _TIMES[profile.opens_minute],
        "end_time": _TIMES[profile.closes_minute],
    }


def refused_shape(line: RefusedLine) -> RefusedEntry:
    """Return a line of a list that could not be read, with its number and why."""
    return {"line": line.line_no, "text": line.text, "reason": line.reason}


@lru_cache(maxsize=2**10)  # a list has two for each campaign, and most of them are the days of few weeks
def _midnight(day: date) -> str:
    """Dates come back as midnights (PLUM-59); the last day itself is still dialed."""
    return day.isoformat() + " 00:00:00"
