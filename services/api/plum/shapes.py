"""What the Plum dialect answers with: the documented keys, and more beside them, never a change."""

from dataclasses import asdict
from datetime import date

from shared.domain.phone_list import RefusedLine
from shared.domain.retry import RetryPolicy
from shared.domain.wall_clock import WallTime
from shared.ports.campaigns import AttachedProfile, CampaignView, Profile, Schedule, TakenIn


def schedule_shape(schedule: Schedule) -> dict[str, object]:
    """Return an entry of the schedule list (PLUM-25)."""
    return {
        "schedule_id": schedule.schedule_id,
        "nickname": schedule.nickname,
        "days": [day.value for day in schedule.days],
    }


def profile_shape(profile: Profile) -> dict[str, object]:
    """Return an entry of the profile list (PLUM-43), with the pace that its documentation promises."""
    return {
        "profile_id": profile.profile_id,
        "nickname": profile.nickname,
        "period": profile.pace.period_minutes,
        "amount_per_period": profile.pace.amount,
        "time_between_periods": profile.pace.gap_minutes,
    }


def campaign_shape(view: CampaignView) -> dict[str, object]:
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
        "status": view.state.value,
        "held": view.held_because,
        "preflight": view.preflight,
        "callee_hours": None if view.callee_hours is None else str(view.callee_hours),
        "withheld": list(view.withheld),
        **_retry_shape(view.retry),
        "numbers": asdict(view.numbers),
        "calls_in_progress": view.calls_in_progress,
        "outcomes": dict(view.outcomes),
        "results": dict(view.results),
    }


def _retry_shape(policy: RetryPolicy) -> dict[str, object]:
    """Return a retry policy as it may be sent, in minutes."""
    return {
        "attempts": policy.tries,
        "retry_minutes": [seconds // 60 for seconds in policy.intervals_seconds],
        "retry_minutes_by_outcome": {
            outcome.title: seconds // 60 for outcome, seconds in policy.by_outcome_seconds.items()
        },
    }


def taken_in_shape(taken: TakenIn) -> dict[str, object]:
    """Return what became of an upload: counts, and the first lines that were refused."""
    return {
        "accepted": taken.accepted,
        "refused": taken.refused,
        "duplicates": taken.duplicates,
        "refused_lines": [refused_shape(line) for line in taken.refused_lines],
    }


def _attached_shape(profile: AttachedProfile) -> dict[str, object]:
    return {
        "profile_id": profile.profile_id,
        "nickname": profile.nickname,
        "start_time": str(WallTime(profile.opens_minute)),
        "end_time": str(WallTime(profile.closes_minute)),
    }


def refused_shape(line: RefusedLine) -> dict[str, object]:
    """Return a line of a list that could not be read, with its number and why."""
    return {"line": line.line_no, "text": line.text, "reason": line.reason}


def _midnight(day: date) -> str:
    """Dates come back as midnights (PLUM-59); the last day itself is still dialed."""
    return f"{day.isoformat()} 00:00:00"
