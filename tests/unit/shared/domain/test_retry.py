"""The redial decision and the withheld decision."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.disposition import Disposition, Outcome, Stage
from shared.domain.gate import GateFacts, verdict
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
    ("reason", "follow_up"),
    [
        (Withheld.EXCLUDED, Conclude(EXCLUDED)),
        (Withheld.ELSEWHERE, WaitUntil(NOON + timedelta(seconds=30))),
        (Withheld.NO_TRUNK, WaitUntil(NOON + timedelta(seconds=30))),
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
        ({"send_by": NOON - timedelta(microseconds=1)}, Withheld.LATE),
        ({"campaign_running": False, "held": True, "excluded": True}, Withheld.STOPPED),
    ],
)
def test_a_shut_gate_is_named(changed: dict[str, object], reason: Withheld | None) -> None:
    """Each gate refuses for its own reason, and of several the first in order speaks."""
    assert verdict(facts(**changed)) == reason
