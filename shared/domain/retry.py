"""What follows an attempt: the redial decision, the withheld decision, and nothing by reflex.

Both are pure functions of the campaign's policy, its calendar and the instant. A try is a call: an attempt that
was withheld spends none. There is one budget of tries per number, whatever its calls met. A retry lands where both
the campaign's window and the callee's hours are open, or the number ends as OutOfTime.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.callee_hours import CalleeClock, next_callable
from shared.domain.calling_window import Calendar
from shared.domain.disposition import Disposition, Outcome, Stage
from shared.domain.errors import Invalid

#: Another call to the same person is under way: look again when a typical call is over.
ELSEWHERE_PAUSE_SECONDS = 30
#: More calls than this to one number are harassment, and no policy.
MOST_TRIES = 100
#: A pause for every try of the longest policy.
MOST_INTERVALS = MOST_TRIES - 1
#: Four weeks: later than that is another campaign.
LONGEST_INTERVAL_SECONDS = 28 * 24 * 3600

OUT_OF_TIME = Disposition(Outcome.OUT_OF_TIME, Stage.NONE)
EXCLUDED = Disposition(Outcome.EXCLUDED_NUMBER, Stage.EXCLUDED)
#: Its owner took the number back before it was reached, by itself or with its campaign. Among the thirteen outcomes
#: this is the one that says so without blaming anybody; Plum's result beside it is `canceled`.
CANCELED = OUT_OF_TIME

#: What a policy may try again; everything else ends the number with the first call (a person was reached, or
#: nobody can be). UNKNOWN is not among them: the phone may have rung.
RETRYABLE = frozenset(
    {
        Outcome.BUSY,
        Outcome.NO_ANSWER,
        Outcome.OVERFLOW,
        Outcome.NO_CONNECTION,
        Outcome.ANSWERPHONE_MESSAGE_NOT_LEFT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a number is tried, and how far apart; raises `Invalid`."""

    #: Calls per number, the first included.
    tries: int = 1
    #: Seconds from the end of try n to the start of try n+1; the last one repeats.
    intervals_seconds: tuple[int, ...] = (3600,)
    #: Overrides by outcome.
    by_outcome_seconds: Mapping[Outcome, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.tries <= MOST_TRIES:
            raise Invalid("attempts", f"A number is called 1 to {MOST_TRIES} times, not {self.tries}.")
        if not 1 <= len(self.intervals_seconds) <= MOST_INTERVALS:
            raise Invalid("retry_minutes", f"Give 1 to {MOST_INTERVALS} intervals between calls.")
        if not self.by_outcome_seconds.keys() <= RETRYABLE:
            others = ", ".join(sorted(outcome.title for outcome in RETRYABLE))
            raise Invalid("retry_minutes_by_outcome", f"Only these outcomes are tried again: {others}.")
        for seconds in (*self.intervals_seconds, *self.by_outcome_seconds.values()):
            if not 0 <= seconds <= LONGEST_INTERVAL_SECONDS:
                longest = LONGEST_INTERVAL_SECONDS // 60
                raise Invalid("retry_minutes", f"An interval between calls is 0 to {longest} minutes.")

    def interval(self, tries: int, outcome: Outcome) -> timedelta:
        """Return the pause after the given number of tries, the last of which ended with the outcome."""
        if outcome in self.by_outcome_seconds:
            return timedelta(seconds=self.by_outcome_seconds[outcome])
        place = min(tries, len(self.intervals_seconds)) - 1
        return timedelta(seconds=self.intervals_seconds[place])


@dataclass(frozen=True, slots=True)
class Conclude:
    """The number is final with this disposition."""

    disposition: Disposition


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """The number waits for another try."""

    at: datetime


@dataclass(frozen=True, slots=True)
class BackInLine:
    """The number keeps its place by batch and line."""


def after_call(
    policy: RetryPolicy,
    calendar: Calendar,
    *,
    tries: int,
    disposition: Disposition,
    ended_at: datetime,
    callee: CalleeClock | None = None,
    gap: timedelta = timedelta(),
) -> Conclude | WaitUntil:
    """Decide after a call: `tries` counts it, `gap` is the least time between two calls to one number."""
    if tries >= policy.tries or disposition.outcome not in RETRYABLE:
        return Conclude(disposition)
    return land(calendar, callee, earliest=ended_at + max(gap, policy.interval(tries, disposition.outcome)))


def land(calendar: Calendar, callee: CalleeClock | None, *, earliest: datetime) -> Conclude | WaitUntil:
    """Let a number wait for the first instant that its campaign and its callee allow; OutOfTime without one."""
    at = next_callable(calendar, callee, earliest)
    return Conclude(OUT_OF_TIME) if at is None else WaitUntil(at)


class Withheld(StrEnum):
    """Why an attempt was not a call; each value is the sentence that people read."""

    LATE = "its instant had passed before it could be sent"
    STOPPED = "the campaign was stopped or changed after the attempt was planned"
    HELD = "dialing is on hold"
    WINDOW_CLOSED = "the calling window, or the period of the pace, was over"
    CALLEE_HOURS = "it was outside the callee's hours"
    TOO_SOON = "the last call to the number had ended too short a time before"
    EXCLUDED = "the number is on the blocklist"
    NOT_ALLOWED = "the operator does not allow calls to this number"
    UNVERIFIED_CALLER = "the operator allows only verified caller ids"
    ELSEWHERE = "another call to the same number was under way"
    NO_TRUNK = "no trunk took the call"
    SHUTDOWN = "the dialer was shutting down"


def after_withheld(reason: Withheld, *, now: datetime) -> Conclude | WaitUntil | BackInLine:
    """Decide what a number does whose attempt was withheld; no try was spent.

    Where the callee's hours or an earlier call stood in the way, `land` knows the very instant; without a calendar
    at hand, looking again is right too.
    """
    match reason:
        case Withheld.EXCLUDED | Withheld.NOT_ALLOWED | Withheld.UNVERIFIED_CALLER:
            return Conclude(EXCLUDED)
        case Withheld.ELSEWHERE | Withheld.NO_TRUNK | Withheld.CALLEE_HOURS | Withheld.TOO_SOON:
            return WaitUntil(now + timedelta(seconds=ELSEWHERE_PAUSE_SECONDS))
        case Withheld.LATE | Withheld.STOPPED | Withheld.HELD | Withheld.WINDOW_CLOSED | Withheld.SHUTDOWN:
            return BackInLine()
