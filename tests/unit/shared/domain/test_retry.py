"""The redial decision and the withheld decision."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.domain.callee_hours import USUAL_HOURS, CalleeClock
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.disposition import Disposition, Outcome, Stage
from shared.domain.errors import Invalid
from shared.domain.gate import GateFacts, verdict, words
from shared.domain.retry import (
    EXCLUDED,
    OUT_OF_TIME,
    BackInLine,
    Conclude,
    RetryPolicy,
    WaitUntil,
    Withheld,
    after_call,
    after_withheld,
    land,
)
from shared.domain.wall_clock import WEEK

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)  # a Friday, 12:00 in New York
BUSY = Disposition(Outcome.BUSY, Stage.NONE)
ANSWERED = Disposition(Outcome.ANSWERED, Stage.ANSWERED)
UNKNOWN = Disposition(Outcome.UNKNOWN, Stage.NONE)


def office_hours(last: date = date(2026, 11, 21)) -> Calendar:
    """Return 09:00 to 17:00 in New York, up to a last date."""
    window = CallingWindow(opens_minute=9 * 60, closes_minute=17 * 60)
    return Calendar(
        first_date=date(2026, 11, 1), last_date=last, weekdays=frozenset(WEEK), zone="America/New_York",
        windows=(window,),
    )  # fmt: skip


def test_the_last_try_concludes() -> None:
    """A number whose tries are used up is final with what the last call met."""
    decision = after_call(RetryPolicy(), office_hours(), tries=1, disposition=BUSY, ended_at=NOON)
    assert decision == Conclude(BUSY)


@pytest.mark.parametrize("disposition", [ANSWERED, UNKNOWN, Disposition(Outcome.UNOBTAINABLE, Stage.NONE)])
def test_who_was_reached_or_cannot_be_is_not_tried_again(disposition: Disposition) -> None:
    """An answer ends it, so does a dead number; and UNKNOWN may have rung, so nobody redials it."""
    policy = RetryPolicy(tries=9)
    decision = after_call(policy, office_hours(), tries=1, disposition=disposition, ended_at=NOON)
    assert decision == Conclude(disposition)


def test_a_retry_waits_for_its_interval() -> None:
    """Inside the window the next try comes one interval after the end of the last."""
    policy = RetryPolicy(tries=3, intervals_seconds=(600, 1200))
    calendar = office_hours()
    first = after_call(policy, calendar, tries=1, disposition=BUSY, ended_at=NOON)
    second = after_call(policy, calendar, tries=2, disposition=BUSY, ended_at=NOON)
    assert (first, second) == (
        WaitUntil(NOON + timedelta(minutes=10)),
        WaitUntil(NOON + timedelta(minutes=20)),
    )


def test_an_outcome_may_have_an_interval_of_its_own() -> None:
    """Busy lines are worth another try sooner than phones that nobody answers."""
    policy = RetryPolicy(tries=2, by_outcome_seconds={Outcome.BUSY: 60})
    decision = after_call(policy, office_hours(), tries=1, disposition=BUSY, ended_at=NOON)
    assert decision == WaitUntil(NOON + timedelta(seconds=60))


def test_a_retry_after_closing_time_falls_into_the_next_window() -> None:
    """A 16:00 no-answer with two hours' pause goes to nine o'clock the next morning, not to 18:00."""
    policy = RetryPolicy(tries=2, intervals_seconds=(7200,))
    four = NOON + timedelta(hours=4)
    decision = after_call(policy, office_hours(), tries=1, disposition=BUSY, ended_at=four)
    assert decision == WaitUntil(datetime(2026, 11, 21, 14, tzinfo=UTC))


def test_a_retry_past_the_last_window_is_out_of_time() -> None:
    """When no window is left the number ends as OutOfTime, with no exception and no loop."""
    policy = RetryPolicy(tries=2, intervals_seconds=(7200,))
    four = NOON + timedelta(hours=4)
    calendar = office_hours(last=date(2026, 11, 20))
    decision = after_call(policy, calendar, tries=1, disposition=BUSY, ended_at=four)
    assert decision == Conclude(OUT_OF_TIME)


@pytest.mark.parametrize(
    ("tries", "outcome", "minutes"),
    [
        (1, Outcome.NO_ANSWER, 10),
        (2, Outcome.NO_ANSWER, 30),
        (3, Outcome.NO_ANSWER, 30),  # the last interval repeats
        (1, Outcome.BUSY, 2),
        (3, Outcome.BUSY, 2),
    ],
)
def test_an_interval_goes_by_outcome_or_by_ordinal(tries: int, outcome: Outcome, minutes: int) -> None:
    """An outcome with an interval of its own has it after every try; the others go by how many there were."""
    policy = RetryPolicy(tries=9, intervals_seconds=(600, 1800), by_outcome_seconds={Outcome.BUSY: 120})
    disposition = Disposition(outcome, Stage.NONE)
    decision = after_call(policy, office_hours(), tries=tries, disposition=disposition, ended_at=NOON)
    assert decision == WaitUntil(NOON + timedelta(minutes=minutes))


def test_all_calls_come_out_of_one_budget() -> None:
    """Three calls that met three things are three calls: no outcome has tries of its own."""
    policy = RetryPolicy(tries=3, by_outcome_seconds={Outcome.BUSY: 60, Outcome.NO_ANSWER: 60})
    met = [Outcome.BUSY, Outcome.NO_ANSWER, Outcome.NO_CONNECTION]
    decisions = [
        after_call(
            policy, office_hours(), tries=tries, disposition=Disposition(outcome, Stage.NONE), ended_at=NOON
        )
        for tries, outcome in enumerate(met, 1)
    ]
    assert [isinstance(decision, Conclude) for decision in decisions] == [False, False, True]


@pytest.mark.parametrize(
    ("ended_at", "at"),
    [
        # Saturday, 7 March 2026, 21:00 in New York: twelve hours on it is ten on Sunday, an hour having dropped out.
        (datetime(2026, 3, 8, 2, tzinfo=UTC), datetime(2026, 3, 8, 14, tzinfo=UTC)),
        # Eleven hours before nine o'clock of that Sunday: the window opens at 13:00 UTC, an hour earlier than before.
        (datetime(2026, 3, 7, 22, tzinfo=UTC), datetime(2026, 3, 8, 13, tzinfo=UTC)),
        # Saturday, 31 October, 22:00: twelve hours on it is nine on Sunday, an hour having come twice.
        (datetime(2026, 11, 1, 2, tzinfo=UTC), datetime(2026, 11, 1, 14, tzinfo=UTC)),
        # Half an hour less is half past eight: it waits for nine, which is 14:00 UTC again.
        (datetime(2026, 11, 1, 1, 30, tzinfo=UTC), datetime(2026, 11, 1, 14, tzinfo=UTC)),
    ],
)
def test_a_retry_lands_in_the_window_over_both_nights(ended_at: datetime, at: datetime) -> None:
    """An interval is a length of time, and a window what the wall clock shows: a changed clock confuses neither."""
    calendar = Calendar(
        first_date=date(2026, 1, 1), last_date=date(2026, 12, 31), weekdays=frozenset(WEEK),
        zone="America/New_York", windows=(CallingWindow(opens_minute=9 * 60, closes_minute=17 * 60),),
    )  # fmt: skip
    policy = RetryPolicy(tries=2, intervals_seconds=(12 * 3600,))
    decision = after_call(policy, calendar, tries=1, disposition=BUSY, ended_at=ended_at)
    assert decision == WaitUntil(at)


WEST = CalleeClock(hours=USUAL_HOURS, zones=("America/Los_Angeles",))


def test_a_retry_lands_where_the_callee_s_hours_are_open_too() -> None:
    """Nine in the morning of New York is six in the west: the retry comes at eight there."""
    policy = RetryPolicy(tries=2, intervals_seconds=(7200,))
    four = NOON + timedelta(hours=4)
    decision = after_call(policy, office_hours(), tries=1, disposition=BUSY, ended_at=four, callee=WEST)
    assert decision == WaitUntil(datetime(2026, 11, 21, 16, tzinfo=UTC))


def test_a_retry_that_would_land_in_nobody_s_time_is_out_of_time() -> None:
    """The campaign's windows are over when the callee wakes: no loop, no exception, an end."""
    tokyo = CalleeClock(hours=USUAL_HOURS, zones=("Asia/Tokyo",))
    policy = RetryPolicy(tries=2)
    decision = after_call(policy, office_hours(), tries=1, disposition=BUSY, ended_at=NOON, callee=tokyo)
    assert decision == Conclude(OUT_OF_TIME)


def test_a_retry_keeps_the_gap_between_two_calls() -> None:
    """Where the policy's interval is shorter, the gap counts; where it is longer, it does not."""
    policy = RetryPolicy(tries=3, intervals_seconds=(60, 7200))
    gap = timedelta(minutes=30)
    decisions = [
        after_call(policy, office_hours(), tries=tries, disposition=BUSY, ended_at=NOON, gap=gap)
        for tries in (1, 2)
    ]
    assert decisions == [WaitUntil(NOON + gap), WaitUntil(NOON + timedelta(hours=2))]


def test_a_withheld_number_lands_like_a_retry() -> None:
    """At once where all is open, at the next common instant, or not at all any more."""
    at = [land(office_hours(), WEST, earliest=NOON + timedelta(hours=hours)) for hours in (0, 6, 36)]
    assert at == [WaitUntil(NOON), WaitUntil(datetime(2026, 11, 21, 16, tzinfo=UTC)), Conclude(OUT_OF_TIME)]


@pytest.mark.parametrize(
    ("facts_of_policy", "field"),
    [
        ({"tries": 0}, "attempts"),
        ({"tries": 101}, "attempts"),
        ({"intervals_seconds": ()}, "retry_minutes"),
        ({"intervals_seconds": (60,) * 100}, "retry_minutes"),
        ({"intervals_seconds": (-1,)}, "retry_minutes"),
        ({"intervals_seconds": (28 * 24 * 3600 + 1,)}, "retry_minutes"),
        ({"by_outcome_seconds": {Outcome.BUSY: -1}}, "retry_minutes"),
        ({"by_outcome_seconds": {Outcome.ANSWERED: 60}}, "retry_minutes_by_outcome"),
        ({"by_outcome_seconds": {Outcome.UNKNOWN: 60}}, "retry_minutes_by_outcome"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(facts_of_policy: dict[str, Any], field: str) -> None:
    """Each refusal names the field; nobody is tried again after an answer or after a call that may have rung."""
    with pytest.raises(Invalid) as caught:
        RetryPolicy(**facts_of_policy)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("reason", "follow_up"),
    [
        (Withheld.EXCLUDED, Conclude(EXCLUDED)),
        (Withheld.ELSEWHERE, WaitUntil(NOON + timedelta(seconds=30))),
        (Withheld.NO_TRUNK, WaitUntil(NOON + timedelta(seconds=30))),
        (Withheld.CALLEE_HOURS, WaitUntil(NOON + timedelta(seconds=30))),
        (Withheld.TOO_SOON, WaitUntil(NOON + timedelta(seconds=30))),
        (Withheld.LATE, BackInLine()),
        (Withheld.STOPPED, BackInLine()),
        (Withheld.HELD, BackInLine()),
        (Withheld.WINDOW_CLOSED, BackInLine()),
        (Withheld.SHUTDOWN, BackInLine()),
    ],
)
def test_a_withheld_attempt_spends_no_try(
    reason: Withheld, follow_up: Conclude | WaitUntil | BackInLine
) -> None:
    """Only a blocked number ends; every other goes on as if it had not been its turn."""
    assert after_withheld(reason, now=NOON) == follow_up


def facts(**changed: object) -> GateFacts:
    """Return facts under which every gate is open, but for the changed ones."""
    open_facts: dict[str, object] = {
        "now": NOON, "send_by": NOON, "window_closes_at": NOON + timedelta(seconds=1), "campaign_running": True,
        "same_epoch": True, "held": False, "excluded": False,
    }  # fmt: skip
    return GateFacts(**(open_facts | changed))  # type: ignore[arg-type]  # a table of keyword arguments


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"campaign_running": False}, Withheld.STOPPED),
        ({"same_epoch": False}, Withheld.STOPPED),
        ({"held": True}, Withheld.HELD),
        ({"excluded": True}, Withheld.EXCLUDED),
        ({"window_closes_at": NOON}, Withheld.WINDOW_CLOSED),
        ({"callee_closes_at": NOON + timedelta(seconds=1)}, None),
        ({"callee_closes_at": NOON}, Withheld.CALLEE_HOURS),
        ({"rested_at": NOON}, None),
        ({"rested_at": NOON + timedelta(seconds=1)}, Withheld.TOO_SOON),
        ({"send_by": NOON - timedelta(microseconds=1)}, Withheld.LATE),
        ({"campaign_running": False, "held": True, "excluded": True}, Withheld.STOPPED),
    ],
)
def test_a_shut_gate_is_named(changed: dict[str, object], reason: Withheld | None) -> None:
    """Each gate refuses for its own reason, and of several the first in order speaks."""
    assert verdict(facts(**changed)) == reason


@pytest.mark.parametrize(
    ("reason", "callee", "sentence"),
    [
        (Withheld.CALLEE_HOURS, WEST, "05:00 America/Los_Angeles, allowed from 08:00"),
        (Withheld.CALLEE_HOURS, None, Withheld.CALLEE_HOURS.value),
        (
            Withheld.TOO_SOON,
            WEST,
            f"{Withheld.TOO_SOON.value}: 13:00:00 UTC, allowed from 2026-11-20 13:00:30 UTC",
        ),
        (Withheld.LATE, WEST, Withheld.LATE.value),
    ],
)
def test_a_refusal_that_hangs_on_a_clock_shows_it(
    reason: Withheld, callee: CalleeClock | None, sentence: str
) -> None:
    """Each time with its zone; the others have a sentence that says it all."""
    one = datetime(2026, 11, 20, 13, tzinfo=UTC)
    assert words(reason, facts(now=one, rested_at=one + timedelta(seconds=30)), callee) == sentence
