"""A campaign's plan as people read it: every time with its zone, every window with its calls."""

import re
from collections.abc import Iterable, Iterator, Sequence

from services.cli.client.plan_shapes import CampaignPlan, PlannedDay, PlannedWindow, SimulatedCampaign

_FRACTION = re.compile(r"\.[0-9]+")
_ZONE = re.compile(r"\[(.+)\]")


def time_words(instant: str | None) -> str:
    """Return an instant with its offset and zone, to the second; `none` for none."""
    if instant is None:
        return "none"
    return _ZONE.sub(r" \1", _FRACTION.sub("", instant)).replace("T", " ", 1)


def plan_lines(plan: CampaignPlan) -> str:
    """Return a plan."""
    facts = {
        "Campaign": " ".join(filter(None, [str(plan.campaign_id), plan.name])),
        "Basis": plan.basis,
        "Held": plan.held,
        "Now": time_words(plan.planned_at),
        "Numbers": _numbers(plan),
        "First call": time_words(plan.first_call_at),
        "Last call": time_words(plan.last_call_at),
        "End": _end(plan),
    }
    return "\n".join([*_facts(facts), "", *_day_lines(plan.days, plan.time_zone), *_more(plan)])


def simulation_lines(simulation: SimulatedCampaign, zone: str) -> str:
    """Return what came of a simulation."""
    left_over = f"; {simulation.left_over} left over" if simulation.left_over else ""
    facts = {
        "Calls": f"{simulation.calls}{_counted(simulation.call_outcomes)}",
        "Numbers": f"{sum(simulation.number_outcomes.values())} final{_counted(simulation.number_outcomes)}{left_over}",
        "First call": time_words(simulation.first_call_at),
        "Last call": time_words(simulation.last_call_at),
        "End": time_words(simulation.ends_at),
        "Stopped": simulation.stopped_because,
    }
    more = [f"and {simulation.more_days} more days"] if simulation.more_days else []
    return "\n".join(["Simulated:", *_facts(facts), "", *_day_lines(simulation.days, zone), *more])


def _facts(facts: dict[str, str | None]) -> Iterator[str]:
    return (f"{name:<10}  {value}" for name, value in facts.items() if value is not None)


def _numbers(plan: CampaignPlan) -> str:
    words = [f"{plan.numbers} to call"]
    if plan.attempts > 1:
        words.append(f"up to {plan.attempts} calls to each, of which the plan has the next one")
    if plan.callee_hours is not None:
        words.append(f"callees' own hours {plan.callee_hours} are not in the plan")
    aside = "; a simulation has them" if len(words) > 1 else ""
    return f"{'; '.join(words)}{aside}"


def _end(plan: CampaignPlan) -> str:
    if plan.left_over and plan.estimated_end_at is None and plan.seen_until is not None:
        return f"not before {time_words(plan.seen_until)}, as far as was looked: {plan.left_over} numbers are left then"
    if plan.left_over:
        return f"{time_words(plan.estimated_end_at)}, with {plan.left_over} numbers left over: its windows are over"
    return time_words(plan.estimated_end_at)


def _more(plan: CampaignPlan) -> Iterator[str]:
    if plan.more_days:
        farther = f", as far as {time_words(plan.seen_until)}" if plan.seen_until else ""
        yield f"and {plan.more_days} more days{farther}, {plan.more_days_with_calls} of them with calls"


def _day_lines(days: Sequence[PlannedDay], zone: str) -> Iterator[str]:
    for day in days:
        for window in day.windows:
            yield f"{day.weekday} {day.date}  {_hours(window)} {zone}  {_calls(window)}"


def _hours(window: PlannedWindow) -> str:
    """Return from when to when it is open, each with its offset: the clocks may be changed in between."""
    return f"{_clock(window.opens_at)} to {_clock(window.closes_at)}"


def _clock(instant: str) -> str:
    """Return the time of day, without seconds where there are none."""
    return (
        _ZONE.sub("", _FRACTION.sub("", instant)).partition("T")[2].replace(":00-", "-").replace(":00+", "+")
    )


def _calls(window: PlannedWindow) -> str:
    of = "" if window.slots is None else f" of {window.slots}"
    words = [_periods(each.periods, each.period, each.calls_each) for each in window.periods]
    if window.calls_of_more_periods:
        words.append(f"and {window.calls_of_more_periods} calls in other periods")
    return f"{window.calls}{of} calls" + (f": {'; '.join(words)}" if words else "")


def _periods(periods: int, minutes: int, calls: int) -> str:
    each = " each" if periods > 1 else ""
    return f"{_count(periods, 'period')} of {_count(minutes, 'minute')}, {_count(calls, 'call')}{each}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _counted(outcomes: dict[str, int]) -> str:
    """Return `: Answered 12, Busy 3`, the most frequent first; nothing for nothing."""
    words: Iterable[str] = (
        f"{name} {count}" for name, count in sorted(outcomes.items(), key=lambda item: (-item[1], item[0]))
    )
    joined = ", ".join(words)
    return f": {joined}" if joined else ""
