"""A campaign run to its end on a virtual clock: every call, before anybody's phone rings.

The decisions are the pacer's own, made by the same functions (`pacing.plan`, `settle`, `retry.after_call`) at the very
instants at which a pacer looks; the line is the claim's (`campaign_line`). Whoever is called is under way for as long
as `callees` says, and then final, or in line again.

It is what happens where nothing stands in the way: trunks, dialers and other campaigns leave room for every call, no
process is late, nobody stops or changes anything, and no two numbers are one person's.
"""

import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, NamedTuple

from shared.domain.callee_hours import CalleeHours
from shared.domain.calling_window import Calendar, OpenInterval, next_open_intervals
from shared.domain.campaign_line import Line, NumberInLine
from shared.domain.campaign_plan import Start
from shared.domain.disposition import Disposition, Outcome, Stage
from shared.domain.looks import (
    CLAIM_AT_MOST,
    LEAD,
    LOOK_WHILE_UNDER_WAY,
    SHORTEST_LOOK,
    STRETCHES,
    UNPACED,
)
from shared.domain.pacing import Cycle, Plan, Settlement, Stretch, emissions_needed, plan
from shared.domain.retry import RetryPolicy, WaitUntil, after_call

#: How far ahead is decided where it makes no difference: far enough for a whole claim at nearly any pace.
_FAR: Final = timedelta(hours=1)
#: At a faster one it is the pacer's looks that limit, and each of them must be taken.
_FASTEST_FAR_PACE: Final = timedelta(milliseconds=4)
#: Emissions of which nothing is known are older than the longest period, and bear on nothing.
_LONG_AGO: Final = timedelta(days=400)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Conduct(NamedTuple):
    """What a call to a number comes to, and how long it lasts."""

    disposition: Disposition
    #: From the INVITE to its end, by the clock on the wall.
    seconds: float


#: Whoever is called: the conduct behind a number in E.164, the same whenever it is asked for.
Callees = Callable[[str], Conduct]


def everybody_answers(_e164: str) -> Conduct:
    """Answer at once, and hang up."""
    return Conduct(Disposition(Outcome.ANSWERED, Stage.ANSWERED), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUnderWay:
    """An attempt that was planned before the simulation begins."""

    number: NumberInLine
    due_at: datetime
    #: Its call has left; else it is still to come, at its due instant.
    left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that a simulation begins with, save the line."""

    calendar: Calendar
    start: Start
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    #: How far ahead the pacer rings.
    horizon: timedelta = timedelta(seconds=2)
    #: The least time between two calls to one number.
    gap: timedelta = timedelta()
    hours: CalleeHours | None = None
    #: Which time zones each set of them holds.
    zones: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    #: Due instants of the newest emissions by number: all that may lie in one period with the next ones.
    due_at: Mapping[int, datetime] = field(default_factory=dict)
    under_way: tuple[CallUnderWay, ...] = ()


class SimulatedCall(NamedTuple):
    """One call of the simulation."""

    due_at: datetime
    number_id: int
    e164: str
    #: 1 for the first call to the number.
    try_no: int
    outcome: Outcome
    ends_at: datetime
    #: What the number ends as by this call; None if it is called again.
    final: Outcome | None
    #: The period that it belongs to and the window; None for a call that was planned before.
    cycle: Cycle | None = None
    interval: OpenInterval | None = None


class Simulation:
    """One run of a campaign; `calls` may be gone through once."""

    def __init__(self, scenario: Scenario, numbers: Iterable[NumberInLine], callees: Callees) -> None:
        self._scenario = scenario
        self._callees = callees
        self._line = Line(numbers, hours=scenario.hours, zones=scenario.zones)
        self._pacing = scenario.start.pacing
        self._now = scenario.start.now
        self._dues = array("q")
        #: Who is under way and will be in line again: until when the call lasts, and the number from then on.
        self._coming_back: list[tuple[datetime, int, NumberInLine]] = []
        self._order = count()
        self._last_end = self._now
        self._intervals: tuple[OpenInterval, ...] = ()
        self._looks_far = self._may_look_far()
        self._horizon = max(_FAR, scenario.horizon) if self._looks_far else scenario.horizon

    @property
    def left_over(self) -> int:
        """How many numbers were not called to an end: no window is left for them, if all calls were gone through."""
        return len(self._line) + len(self._coming_back)

    def calls(self) -> Iterator[SimulatedCall]:
        """Yield every call in the order of their due instants."""
        yield from self._planned_before()
        while self.left_over:
            intervals = self._open_intervals()
            if not intervals:
                return
            self._come_back()
            offer = self._decide(intervals)
            taken = self._line.claim(offer.dues)
            for number, due, state in zip(taken, offer.dues, offer.states[1:], strict=False):
                self._dues.append((due - _EPOCH) // _MICROSECOND)
                yield self._call(number, due, state.cycle, _interval_of(due, intervals))
            settled = offer.settle(len(taken))
            self._pacing = settled.state
            self._now = self._next_look(settled, intervals)
            if taken and self._looks_far:
                self._now = max(self._now, offer.dues[len(taken) - 1] - self._scenario.horizon)

    def _planned_before(self) -> Iterator[SimulatedCall]:
        """Go through what is under way: calls that have left only come to their ends."""
        for attempt in sorted(self._scenario.under_way, key=lambda attempt: attempt.due_at):
            call = self._call(attempt.number, attempt.due_at, None, None)
            if not attempt.left:
                yield call

    def _call(
        self, number: NumberInLine, due: datetime, cycle: Cycle | None, interval: OpenInterval | None
    ) -> SimulatedCall:
        conduct = self._callees(number.e164)
        ends_at = max(self._scenario.start.now, due + timedelta(seconds=conduct.seconds))
        self._last_end = max(self._last_end, ends_at)
        decision = after_call(
            self._scenario.policy,
            self._scenario.calendar,
            tries=number.tries + 1,
            disposition=conduct.disposition,
            ended_at=ends_at,
            callee=self._line.clock_of(number),
            gap=self._scenario.gap,
        )
        final = None
        if isinstance(decision, WaitUntil):
            again = number._replace(tries=number.tries + 1, next_at=decision.at)
            heapq.heappush(self._coming_back, (ends_at, next(self._order), again))
        else:
            final = decision.disposition.outcome
        return SimulatedCall(
            due, number.number_id, number.e164, number.tries + 1, conduct.disposition.outcome, ends_at, final,
            cycle, interval,
        )  # fmt: skip

    def _come_back(self) -> None:
        """Put those whose call has ended by now into the line."""
        while self._coming_back and self._coming_back[0][0] <= self._now:
            self._line.add(heapq.heappop(self._coming_back)[2])

    def _decide(self, intervals: Sequence[OpenInterval]) -> Plan:
        stretches = [Stretch.of(interval, unpaced=UNPACED) for interval in intervals]
        needed = emissions_needed(self._pacing, stretches, horizon=self._horizon, most=CLAIM_AT_MOST)
        return plan(
            self._pacing,
            stretches=stretches,
            started_at=self._scenario.start.started_at,
            due_at={number: self._due_of(number) for numbers in needed for number in numbers},
            now=self._now,
            lead=min(LEAD, self._scenario.horizon / 2),
            horizon=self._horizon,
            most=CLAIM_AT_MOST,
            waiting=self._pacing.idle_since is not None and self._somebody_waits(),
        )

    def _due_of(self, emission_number: int) -> datetime:
        place = emission_number - self._scenario.start.pacing.ring.emitted - 1
        if place >= 0:
            return _EPOCH + timedelta(microseconds=self._dues[place])
        return self._scenario.due_at.get(emission_number, self._scenario.start.now - _LONG_AGO)

    def _somebody_waits(self) -> bool:
        next_at = self._line.next_at(self._now)
        return next_at is not None and next_at <= self._now

    def _next_look(self, settled: Settlement, intervals: Sequence[OpenInterval]) -> datetime:
        """Return when the pacer looks next: a campaign with nobody in line rests until somebody is."""
        earliest = self._now + SHORTEST_LOOK
        if settled.state.idle_since is None:
            return max(settled.wake_at or intervals[-1].closes_at, earliest)
        looks = [intervals[0].closes_at]
        if (next_at := self._line.next_at(self._now)) is not None:
            looks.append(next_at)
        if self._last_end > self._now:
            looks.append(self._now + LOOK_WHILE_UNDER_WAY)
        # Whoever comes back into the line of a campaign that rests wakes its pacer, however lately that looked.
        wakes = (again.next_at for _, _, again in self._coming_back if again.next_at is not None)
        return min([max(min(looks), earliest), *wakes])

    def _open_intervals(self) -> Sequence[OpenInterval]:
        if not self._intervals or self._intervals[0].closes_at <= self._now:
            self._intervals = next_open_intervals(self._scenario.calendar, self._now, most=STRETCHES)
        return self._intervals

    def _may_look_far(self) -> bool:
        """Whether it makes no difference when the pacer looks: nobody joins the line, and it is never in a hurry."""
        if self._scenario.policy.tries > 1 or self._scenario.hours is not None or self._scenario.under_way:
            return False
        paces = {window.pace or UNPACED for window in self._scenario.calendar.windows}
        if self._pacing.cycle is not None:
            paces.add(self._pacing.cycle.pace)
        quick = any(pace.shortest_spacing < _FASTEST_FAR_PACE for pace in paces)
        return not quick and not self._line.anybody_waits_for_an_instant


def _interval_of(due: datetime, intervals: Sequence[OpenInterval]) -> OpenInterval:
    return next(interval for interval in intervals if due < interval.closes_at)
