"""What came of a simulation, gathered while its calls go by: none of them is kept.

By day and window it counts the calls of each period: the same picture as a plan's, so that the two lie side by side.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from shared.domain.calling_window import OpenInterval
from shared.domain.campaign_plan import PeriodRun, day_of
from shared.domain.campaign_simulation import SimulatedCall
from shared.domain.disposition import Outcome
from shared.domain.pacing import Cycle

#: Of one window. Retries may give each period another number of calls, and a day has 1440 of the shortest.
MOST_RUNS_KEPT: Final = 200


@dataclass(slots=True, kw_only=True)
class SimulatedWindow:
    """What happens while a window is open."""

    interval: OpenInterval
    first_call_at: datetime
    last_call_at: datetime
    calls: int = 0
    #: In order; the first ones, if there are more than are kept.
    periods: list[PeriodRun] = field(default_factory=list)
    #: Calls of the periods that are not among them.
    calls_of_more_periods: int = 0

    def note(self, run: PeriodRun) -> None:
        """Add a period that is over."""
        if self.calls_of_more_periods or len(self.periods) == MOST_RUNS_KEPT:
            self.calls_of_more_periods += run.all_calls
        elif self.periods and self.periods[-1].is_continued_by(run):
            self.periods[-1] = replace(self.periods[-1], periods=self.periods[-1].periods + run.periods)
        else:
            self.periods.append(run)


@dataclass(slots=True, kw_only=True)
class SimulatedDay:
    """What happens on a day of the campaign's own calendar."""

    day: date
    windows: list[SimulatedWindow] = field(default_factory=list)


class SimulationSummary:
    """All that is kept of a simulation: everything of its first days with calls, and how many days follow them."""

    def __init__(self, *, zone: str, most_days: int) -> None:
        self.calls = 0
        #: Of these, how many had been planned when the simulation began.
        self.planned_before = 0
        self.first_call_at: datetime | None = None
        self.last_call_at: datetime | None = None
        #: When the last call is over.
        self.ends_at: datetime | None = None
        #: What calls came to, and what the called numbers ended as.
        self.call_outcomes: Counter[Outcome] = Counter()
        self.number_outcomes: Counter[Outcome] = Counter()
        self.days: list[SimulatedDay] = []
        self.more_days = 0
        self._zone = zone
        self._most_days = most_days
        self._last_day: date | None = None
        self._window: SimulatedWindow | None = None
        self._cycle: Cycle | None = None
        self._calls_of_cycle = 0

    def see(self, call: SimulatedCall) -> None:
        """Count a call; they come in the order of their due instants."""
        self.calls += 1
        self.first_call_at = self.first_call_at or call.due_at
        self.last_call_at = call.due_at
        self.ends_at = call.ends_at if self.ends_at is None else max(self.ends_at, call.ends_at)
        self.call_outcomes[call.outcome] += 1
        if call.final is not None:
            self.number_outcomes[call.final] += 1
        if call.cycle is None or call.interval is None:
            self.planned_before += 1
        else:
            self._see_period(call.cycle, call.interval, call.due_at)

    def finish(self) -> None:
        """Count the last period, when all calls were seen."""
        if self._window is not None and self._cycle is not None:
            run = PeriodRun(
                begins_at=self._cycle.started_at,
                pace=self._cycle.pace,
                periods=1,
                calls=self._calls_of_cycle,
            )
            self._window.note(run)
        self._cycle, self._calls_of_cycle = None, 0

    def _see_period(self, cycle: Cycle, interval: OpenInterval, due_at: datetime) -> None:
        window = self._window
        if window is None or window.interval != interval:
            self.finish()
            window = self._window = self._window_of(interval, due_at)
        elif self._cycle is not None and self._cycle.started_at != cycle.started_at:
            self.finish()
        window.calls += 1
        window.last_call_at = due_at
        self._cycle = cycle
        self._calls_of_cycle += 1

    def _window_of(self, interval: OpenInterval, due_at: datetime) -> SimulatedWindow:
        """Return a window that has its first call, on its day; on one too many, a window that nobody keeps."""
        window = SimulatedWindow(interval=interval, first_call_at=due_at, last_call_at=due_at)
        day = day_of(interval, self._zone)
        is_new = day != self._last_day
        self._last_day = day
        if self.more_days or (is_new and len(self.days) == self._most_days):
            self.more_days += is_new
        else:
            if is_new:
                self.days.append(SimulatedDay(day=day))
            self.days[-1].windows.append(window)
        return window
