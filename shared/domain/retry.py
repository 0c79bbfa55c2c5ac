"""What follows an attempt: the redial decision, the withheld decision, and nothing by reflex.

Both are pure functions of the campaign's policy, its calendar and the instant. A try is a call: an attempt that
was withheld spends none. A retry lands in an open window, or the number ends as OutOfTime.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.calling_window import Calendar, next_open_interval
from shared.domain.disposition import Disposition, Outcome, Stage

#: Another call to the same person is under way: look again when a typical call is over.
ELSEWHERE_PAUSE_SECONDS = 30

OUT_OF_TIME = Disposition(Outcome.OUT_OF_TIME, Stage.NONE)
EXCLUDED = Disposition(Outcome.EXCLUDED_NUMBER, Stage.EXCLUDED)

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
    """How often a number is tried, and how far apart."""

    #: Calls per number, the first included.
    tries: int = 1
    #: Seconds from the end of try n to the start of try n+1; the last one repeats.
    intervals_seconds: tuple[int, ...] = (3600,)
    #: Overrides by outcome.
    by_outcome_seconds: Mapping[Outcome, int] = field(default_factory=dict)

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
    policy: RetryPolicy, calendar: Calendar, *, tries: int, disposition: Disposition, ended_at: datetime
) -> Conclude | WaitUntil:
    """Decide after a call: `tries` counts it."""
    if tries >= policy.tries or disposition.outcome not in RETRYABLE:
        return Conclude(disposition)
    interval = next_open_interval(calendar, ended_at + policy.interval(tries, disposition.outcome))
    if interval is None:
        return Conclude(OUT_OF_TIME)
    return WaitUntil(max(ended_at + policy.interval(tries, disposition.outcome), interval.opens_at))


class Withheld(StrEnum):
    """Why an attempt was not a call; each value is the sentence that people read."""

    LATE = "its instant had passed before it could be sent"
    STOPPED = "the campaign was stopped or changed after the attempt was planned"
    HELD = "dialing is on hold"
    WINDOW_CLOSED = "the calling window had closed"
    EXCLUDED = "the number is on the blocklist"
    ELSEWHERE = "another call to the same number was under way"
    NO_TRUNK = "no trunk took the call"
    SHUTDOWN = "the dialer was shutting down"


def after_withheld(reason: Withheld, *, now: datetime) -> Conclude | WaitUntil | BackInLine:
    """Decide what a number does whose attempt was withheld; no try was spent."""
    match reason:
        case Withheld.EXCLUDED:
            return Conclude(EXCLUDED)
        case Withheld.ELSEWHERE | Withheld.NO_TRUNK:
            return WaitUntil(now + timedelta(seconds=ELSEWHERE_PAUSE_SECONDS))
        case Withheld.LATE | Withheld.STOPPED | Withheld.HELD | Withheld.WINDOW_CLOSED | Withheld.SHUTDOWN:
            return BackInLine()
