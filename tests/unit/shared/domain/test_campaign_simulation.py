"""A simulation against the pacer itself: the planner's own tick, on a line in memory, with calls in virtual time.

Nothing of the simulation is used on the other side: the tick is the pacer's, the line and the ends of calls are the
test's. Both must come to the same calls: the same numbers, at the same instants, to the microsecond.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from services.pacer.planner import Conditions, plan_campaign
from shared.contracts.dial_job import DialJob
from shared.domain.callee_hours import CalleeHours
from shared.domain.calling_window import Calendar, CallingWindow, next_open_intervals
from shared.domain.campaign import CampaignState
from shared.domain.campaign_line import NumberInLine
from shared.domain.campaign_plan import campaign_plan, start_of
from shared.domain.campaign_simulation import (
    CallUnderWay,
    Conduct,
    Scenario,
    SimulatedCall,
    Simulation,
    everybody_answers,
)
from shared.domain.disposition import Disposition, Outcome, Stage
from shared.domain.pace import Pace
from shared.domain.pacing import PacingState
from shared.domain.retry import RetryPolicy, WaitUntil, after_call
from shared.domain.simulation_summary import SimulationSummary
from shared.domain.wall_clock import WEEK
from shared.ports.planning import DueCampaign
from tests.unit.services.pacer.test_planner import MemoryTick

EASTERN = "America/New_York"
HORIZON = timedelta(seconds=2)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
#: The night of 1 November 2026, on which New York's clocks are set back, begins within a day.
EVENING = datetime(2026, 10, 31, 16, tzinfo=UTC)
BUSY = Disposition(Outcome.BUSY, Stage.NONE)
NO_ANSWER = Disposition(Outcome.NO_ANSWER, Stage.NONE)
ANSWERED = Disposition(Outcome.ANSWERED, Stage.ANSWERED)


def person(e164: str) -> Conduct:
    """Draw who lives behind a number: half of them are called again, if somebody is at all."""
    rng = Random(e164)
    disposition = rng.choice([ANSWERED, ANSWERED, BUSY, NO_ANSWER])
    return Conduct(disposition, rng.uniform(0, 40))


def nobody_at_home(_e164: str) -> Conduct:
    """Let it ring for half a minute."""
    return Conduct(NO_ANSWER, 30.0)


def line_of(count: int) -> list[NumberInLine]:
    """Return so many numbers in line."""
    return [NumberInLine(number, f"+1202555{number:04}", 0) for number in range(1, count + 1)]


def calendar(*windows: CallingWindow, days: int = 3) -> Calendar:
    """Return some days from the last of October on."""
    first = date(2026, 10, 31)
    last = first + timedelta(days=days - 1)
    return Calendar(first_date=first, last_date=last, weekdays=frozenset(WEEK), zone=EASTERN, windows=windows)


def at_pace(pace: Pace, opens: int = 0, closes: int = 1440) -> CallingWindow:
    """Return a window, around the clock unless its minutes are given."""
    return CallingWindow(opens_minute=opens, closes_minute=closes, pace=pace)


def scenario(of: Calendar, *, now: datetime = EVENING, **more: Any) -> Scenario:  # noqa: ANN401 - its fields  # noqa: ANN401 - whatever a scenario has
    """Return a scenario of a campaign that is started now."""
    start = start_of(CampaignState.READY, started_at=None, pacing=PacingState(), now=now)
    return replace(Scenario(calendar=of, start=start, horizon=HORIZON), **more)


def calls_of(simulation: Simulation) -> list[tuple[str, datetime]]:
    """Return who is called and when."""
    return [(call.e164, call.due_at) for call in simulation.calls()]


class FairTick(MemoryTick):
    """Who may be called from one instant on is called in the order in which they came back."""

    @override
    async def claim(
        self, dues: Sequence[datetime], *, first_emission_no: int, closes_at: Sequence[datetime]
    ) -> list[DialJob]:
        ready = sorted(
            (e164 for e164, at in self.waiting.items() if at <= dues[0]), key=self.waiting.__getitem__
        )
        called = [*ready, *self.in_line][: len(dues)]
        for place, e164 in enumerate(called):
            self.waiting.pop(e164, None)
            self.claimed.append((e164, first_emission_no + place, dues[place], closes_at[place]))
        self.in_line = [e164 for e164 in self.in_line if e164 not in called]
        self.in_attempt += len(called)
        return [DialJob(tenant_id=1, campaign_id=1, attempt_id=place + 1) for place in range(len(called))]


@dataclass
class PacedCampaign:
    """A campaign that the pacer's own tick paces, while calls end and their numbers come back."""

    scenario: Scenario
    tick: FairTick
    coming: list[tuple[datetime, str]] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, scenario: Scenario, numbers: Sequence[NumberInLine]) -> "PacedCampaign":
        """Start it."""
        now = scenario.start.now
        campaign = DueCampaign(
            tenant_id=1, campaign_id=1, state=CampaignState.RUNNING, epoch=1, started_at=now,
            pacing=PacingState(), now=now,
        )  # fmt: skip
        in_line = [number.e164 for number in numbers]
        return cls(scenario, FairTick(campaign, scenario.calendar, in_line=in_line, look_at=now))

    def run(self, *, until: datetime = datetime(2027, 1, 1, tzinfo=UTC)) -> list[tuple[str, datetime]]:
        """Let pacer and calls take their turns until nobody is left, or until an instant; return who was called."""
        return asyncio.run(self._run(until))

    async def _run(self, until: datetime) -> list[tuple[str, datetime]]:
        tick = self.tick
        while (tick.in_line or tick.waiting or tick.in_attempt) and not tick.conclusions:
            assert tick.look_at is not None
            if self.coming and min(self.coming)[0] <= tick.look_at:
                self._end_one()
                continue
            if tick.look_at > until:
                break
            tick.campaign = replace(tick.campaign, now=tick.look_at)
            already = len(tick.claimed)
            await plan_campaign(tick, Conditions(horizon=HORIZON, doorbell_works=True))
            for e164, _, due, _ in tick.claimed[already:]:
                self.coming.append((due + timedelta(seconds=person(e164).seconds), e164))
        return [(e164, due) for e164, _, due, _ in tick.claimed]

    def _end_one(self) -> None:
        """Let the first call end: its number is final, or waits and wakes a pacer that rests."""
        ended_at, e164 = min(self.coming)
        self.coming.remove((ended_at, e164))
        self.tick.in_attempt -= 1
        self.tries[e164] += 1
        decision = after_call(
            self.scenario.policy, self.scenario.calendar, tries=self.tries[e164],
            disposition=person(e164).disposition, ended_at=ended_at,
        )  # fmt: skip
        if not isinstance(decision, WaitUntil):
            return
        self.tick.waiting[e164] = decision.at
        rests = self.tick.campaign.pacing.idle_since is not None
        if rests and self.tick.look_at is not None and self.tick.look_at > decision.at:
            self.tick.look_at = decision.at


# Beside the pacer ----------------------------------------------------------------------------------------------------

paces = st.builds(
    Pace, period_minutes=st.integers(1, 45), amount=st.integers(1, 300), gap_minutes=st.integers(0, 20)
)
policies = st.builds(
    RetryPolicy,
    tries=st.integers(1, 4),
    intervals_seconds=st.lists(
        st.integers(0, 30).map(lambda minutes: 60 * minutes), min_size=1, max_size=3
    ).map(tuple),
)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Draw days with windows that may touch, over the night in which the clocks are set back."""
    edges = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=6)))
    windows = [
        at_pace(draw(paces), opens, closes) for opens, closes in pairwise(edges) if draw(st.booleans())
    ]
    return calendar(*windows or [at_pace(draw(paces))])


@given(of=calendars(), policy=policies, count=st.integers(0, 60), minutes=st.integers(0, 1200))
@settings(deadline=None, max_examples=80)
def test_a_simulation_calls_whom_the_pacer_calls_and_when(
    of: Calendar, policy: RetryPolicy, count: int, minutes: int
) -> None:
    """Whatever the windows, paces and retries: the same numbers at the same instants, in the same order."""
    wanted = scenario(of, now=EVENING + minutes * MINUTE, policy=policy)
    simulated = calls_of(Simulation(wanted, line_of(count), person))
    assert simulated == PacedCampaign.of(wanted, line_of(count)).run()


def test_calls_of_an_earlier_window_still_count() -> None:
    """Where windows touch, no time of a period holds too many: calls come later than their slots, as in life."""
    pace = Pace(period_minutes=30, amount=4)
    of = calendar(at_pace(pace, 720, 730), at_pace(pace, 730, 900))
    wanted = scenario(of)
    simulated = calls_of(Simulation(wanted, line_of(20), everybody_answers))
    assert simulated == PacedCampaign.of(wanted, line_of(20)).run()
    assert all(
        later - earlier >= 30 * MINUTE
        for (_, earlier), (_, later) in zip(simulated, simulated[4:], strict=False)
    )
    assert (
        simulated[4][1] - EVENING > 10 * MINUTE + 2 * 30 * MINUTE / 4
    )  # its slot is the third one of its window


@pytest.mark.parametrize("minutes", [0, 1, 7, 20, 90, 110])
@pytest.mark.parametrize("tries", [1, 3])
def test_a_simulation_of_a_running_campaign_goes_on_where_it_stands(minutes: int, tries: int) -> None:
    """From its stored state, its line, its recent calls and those under way it foretells what then happens."""
    of = calendar(at_pace(Pace(period_minutes=5, amount=40, gap_minutes=1)))
    begun = scenario(of, policy=RetryPolicy(tries=tries, intervals_seconds=(120, 900)))
    paced = PacedCampaign.of(begun, line_of(800))
    before = paced.run(until=EVENING + minutes * MINUTE)
    tick = paced.tick
    assert tick.look_at is not None
    numbers = {number.e164: number._replace(tries=paced.tries[number.e164]) for number in line_of(800)}
    waiting = [numbers[e164]._replace(next_at=at) for e164, at in tick.waiting.items()]
    calls = (
        (numbers[e164], ends_at - timedelta(seconds=person(e164).seconds)) for ends_at, e164 in paced.coming
    )
    stands = replace(
        begun,
        start=start_of(
            CampaignState.RUNNING, started_at=EVENING, pacing=tick.campaign.pacing, now=tick.look_at
        ),
        due_at={number: due for _, number, due, _ in tick.claimed},
        under_way=tuple(CallUnderWay(number=each, due_at=due, left=True) for each, due in calls),
    )
    simulation = Simulation(stands, [*waiting, *(numbers[e164] for e164 in tick.in_line)], person)
    simulated = calls_of(simulation)
    in_line = len(tick.in_line)
    after = paced.run()[len(before) :]
    assert len(after) > 10
    assert simulated == after
    if tries == 1:
        plan = campaign_plan(of, stands.start, numbers=in_line, most_days=1)
        assert (plan.first_call_at, plan.last_call_at) == (after[0][1], after[-1][1])


# Beside the plan -----------------------------------------------------------------------------------------------------


def per_window(calls: Sequence[SimulatedCall], most_days: int = 100) -> list[tuple[object, ...]]:
    """Return the calls of each period as a summary gathers them."""
    summary = SimulationSummary(zone=EASTERN, most_days=most_days)
    for call in calls:
        summary.see(call)
    summary.finish()
    return [(each.interval, each.calls, tuple(each.periods)) for day in summary.days for each in day.windows]


@given(
    pace=st.builds(
        Pace, period_minutes=st.integers(1, 60), amount=st.integers(1, 200), gap_minutes=st.integers(0, 30)
    ),
    opens=st.integers(0, 600),
    length=st.integers(1, 720),
    count=st.integers(0, 400),
)
@settings(deadline=None, max_examples=60)
def test_where_nobody_is_called_again_a_simulation_is_the_plan(
    pace: Pace, opens: int, length: int, count: int
) -> None:
    """One window a day, over the night of the clocks: the same calls in each period, the same first and last one."""
    # A day's window closes a period and more before the next one's opens, so that no call bears on the next day's.
    of = calendar(at_pace(pace, opens, opens + length))
    begun = scenario(of, now=datetime(2026, 10, 31, 4, tzinfo=UTC) - MINUTE)
    plan = campaign_plan(of, begun.start, numbers=count, most_days=100)
    simulation = Simulation(begun, line_of(count), everybody_answers)
    calls = list(simulation.calls())
    if (
        opens <= 180 <= opens + length
    ):  # the night's window may be open twice, with less than a period between
        assert len(calls) <= plan.calls
        return
    assert per_window(calls) == [
        (each.interval, each.calls, each.periods) for day in plan.days for each in day.windows if each.calls
    ]
    assert (len(calls), simulation.left_over) == (plan.calls, plan.left_over)
    if calls:
        assert (calls[0].due_at, calls[-1].due_at) == (plan.first_call_at, plan.last_call_at)


@given(of=calendars(), count=st.integers(0, 300), minutes=st.integers(0, 2000))
@settings(deadline=None, max_examples=60)
def test_a_simulation_stays_within_the_plan(of: Calendar, count: int, minutes: int) -> None:
    """Whatever the windows: no call outside of one, and in none of them more calls than it has slots."""
    begun = scenario(of, now=EVENING + minutes * MINUTE)
    calls = list(Simulation(begun, line_of(count), everybody_answers).calls())
    intervals = next_open_intervals(of, begun.start.now, most=1000)
    for call in calls:
        assert call.interval in intervals
        assert call.interval is not None
        assert call.interval.holds(call.due_at)
    plan = campaign_plan(of, begun.start, numbers=10**6, most_days=100)
    slots = {each.interval: each.slots for day in plan.days for each in day.windows}
    used = Counter(call.interval for call in calls)
    assert all(used[interval] <= slots[interval] for interval in used if interval is not None)


# Retries, hours, and what was under way ------------------------------------------------------------------------------


def test_a_number_is_tried_as_often_as_its_policy_says() -> None:
    """Who never answers is called to the last try, each time no sooner than the interval after the end of the last."""
    policy = RetryPolicy(tries=3, intervals_seconds=(600,))
    begun = scenario(calendar(at_pace(Pace(period_minutes=1, amount=60))), policy=policy)
    calls = list(Simulation(begun, line_of(5), nobody_at_home).calls())
    assert Counter(call.number_id for call in calls) == dict.fromkeys(range(1, 6), 3)
    for number in range(1, 6):
        own = [call for call in calls if call.number_id == number]
        assert [(call.try_no, call.final) for call in own] == [(1, None), (2, None), (3, Outcome.NO_ANSWER)]
        for earlier, later in pairwise(own):
            assert later.due_at >= earlier.ends_at + 600 * SECOND
            assert later.due_at < earlier.ends_at + 610 * SECOND


def test_the_gap_between_calls_to_one_number_is_kept() -> None:
    """Where the platform's gap is longer than the policy's interval, it counts."""
    policy = RetryPolicy(tries=2, intervals_seconds=(60,))
    of = calendar(at_pace(Pace(period_minutes=1, amount=60)))
    begun = scenario(of, policy=policy, gap=timedelta(hours=1))
    first, second = Simulation(begun, line_of(1), nobody_at_home).calls()
    assert second.due_at >= first.ends_at + timedelta(hours=1)


def test_a_number_without_a_window_for_its_next_try_is_out_of_time() -> None:
    """When the last window is over before a retry may come, the number ends as OutOfTime."""
    of = calendar(at_pace(Pace(period_minutes=1, amount=60), closes=720), days=1)
    policy = RetryPolicy(tries=2, intervals_seconds=(3600,))
    begun = scenario(of, now=datetime(2026, 10, 31, 15, 30, tzinfo=UTC), policy=policy)
    [call] = Simulation(begun, line_of(1), nobody_at_home).calls()
    assert (call.outcome, call.final) == (Outcome.NO_ANSWER, Outcome.OUT_OF_TIME)


def test_numbers_that_no_window_is_left_for_are_left_over() -> None:
    """A simulation ends with the last window, and tells how many it did not reach."""
    of = calendar(at_pace(Pace(period_minutes=60, amount=10)), days=1)
    simulation = Simulation(scenario(of), line_of(1000), everybody_answers)
    assert len(list(simulation.calls())) == 120
    assert simulation.left_over == 880


def test_callees_hours_are_kept() -> None:
    """Nobody is called outside of the hours on the own clock; who may be called now comes before who may not."""
    hours = CalleeHours(from_minute=8 * 60, until_minute=21 * 60)
    zones = {1: ("Asia/Tokyo",), 2: (EASTERN,)}
    numbers = [number._replace(zones_no=1 + number.number_id % 2) for number in line_of(40)]
    begun = scenario(calendar(at_pace(Pace(period_minutes=1, amount=60))), hours=hours, zones=zones)
    calls = list(Simulation(begun, numbers, everybody_answers).calls())
    assert len(calls) == 40
    assert [call.number_id % 2 for call in calls] == [1] * 20 + [
        0
    ] * 20  # noon in New York, one at night in Tokyo
    assert calls[19].due_at < EVENING + 30 * SECOND
    assert calls[20].due_at >= datetime(2026, 10, 31, 23, tzinfo=UTC)  # eight in the morning in Tokyo
    assert [call.number_id for call in calls[:20]] == [number for number in range(1, 41) if number % 2]


def test_what_was_planned_before_is_part_of_it() -> None:
    """An attempt with its instant to come is a call; one that has left is none, but may bring its number back."""
    to_come, left = (NumberInLine(number, f"+1202555{number:04}", 0) for number in (7, 8))
    under_way = (
        CallUnderWay(number=to_come, due_at=EVENING + SECOND, left=False),
        CallUnderWay(number=left, due_at=EVENING - 10 * SECOND, left=True),
    )
    policy = RetryPolicy(tries=2, intervals_seconds=(60,))
    of = calendar(at_pace(Pace(period_minutes=1, amount=60)))
    calls = list(Simulation(scenario(of, under_way=under_way, policy=policy), [], nobody_at_home).calls())
    assert [(call.number_id, call.try_no) for call in calls] == [(7, 1), (8, 2), (7, 2)]
    assert (calls[0].due_at, calls[0].cycle) == (EVENING + SECOND, None)
    assert calls[1].due_at >= EVENING + 80 * SECOND


def test_a_summary_keeps_the_first_days_and_counts_the_others() -> None:
    """Days that are not kept are counted; the totals are of all of them."""
    of = calendar(at_pace(Pace(period_minutes=60, amount=1)), days=3)
    calls = list(Simulation(scenario(of), line_of(1000), everybody_answers).calls())
    summary = SimulationSummary(zone=EASTERN, most_days=1)
    for call in calls:
        summary.see(call)
    summary.finish()
    assert (summary.calls, len(summary.days), summary.more_days) == (12 + 25 + 24, 1, 2)
    assert summary.days[0].windows[0].calls == 12
    assert (summary.first_call_at, summary.last_call_at) == (calls[0].due_at, calls[-1].due_at)
    assert summary.number_outcomes == {Outcome.ANSWERED: 61}
