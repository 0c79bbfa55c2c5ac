"""The ring: which earlier emissions bound the next one, under one pace and across changes of pace."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.pace import Pace
from shared.domain.pacing_ring import MOST_BOUNDS, EmissionMissing, Ring, spacing

START = datetime(2026, 11, 23, 13, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Return an instant some minutes after the start."""
    return START + timedelta(minutes=minutes)


def pace(amount: int, period_minutes: int = 60) -> Pace:
    """Return a pace without a gap."""
    return Pace(period_minutes=period_minutes, amount=amount)


def emitted(*calls: tuple[Pace, float]) -> tuple[Ring, dict[int, datetime]]:
    """Return the ring after calls of some pace, each due some minutes after the start, and their due instants."""
    ring = Ring()
    for of_pace, minutes in calls:
        ring = ring.under(of_pace).grown(at(minutes))
    return ring, {number: at(minutes) for number, (_, minutes) in enumerate(calls, start=1)}


def test_the_first_calls_of_a_campaign_are_bounded_by_nothing() -> None:
    """As long as there have been fewer than N emissions, there is none N before the next."""
    ring, due_at = emitted((pace(3), 0), (pace(3), 20))
    assert ring.earliest(due_at) is None
    assert ring.emitted == 2
    assert ring.last_due_at == at(20)


def test_a_call_is_due_a_period_after_the_one_n_before_it() -> None:
    """The fourth of three calls an hour waits for the first to be an hour old."""
    ring, due_at = emitted((pace(3), 0), (pace(3), 20), (pace(3), 40))
    assert ring.under(pace(3)).earliest(due_at) == at(60)


def test_a_missing_emission_stops_the_pacer_and_not_the_pace() -> None:
    """Going on without knowing a due instant that matters could break the promise, so it is an error."""
    ring, due_at = emitted((pace(2), 0), (pace(2), 30))
    del due_at[1]
    with pytest.raises(EmissionMissing, match="emission 1 is needed") as missing:
        ring.earliest(due_at)
    assert missing.value.number == 1


def test_after_a_change_to_a_smaller_pace_its_first_period_is_whole() -> None:
    """Two calls an hour after four: both may come at once, bounded only by the four that the larger pace allows."""
    ring, due_at = emitted((pace(4), 0), (pace(4), 15), (pace(4), 30), (pace(4), 45))
    assert ring.under(pace(2)).earliest(due_at) == at(60)
    ring, due_at = emitted((pace(4), 0), (pace(4), 15), (pace(4), 30), (pace(4), 45), (pace(2), 60))
    assert ring.earliest(due_at) == at(75)


def test_calls_of_the_smaller_pace_are_bounded_by_it_among_themselves() -> None:
    """After as many as the smaller pace allows, the next waits for its period, whatever the larger one permits."""
    ring, due_at = emitted((pace(4), 0), (pace(4), 1), (pace(2), 2), (pace(2), 3))
    assert ring.earliest(due_at) == at(62)


def test_the_larger_pace_binds_until_its_own_calls_are_a_period_old() -> None:
    """Thirty calls a minute bound the calls of a slower pace for a minute after the last of their own, no longer."""
    fast, slow = pace(2, period_minutes=1), pace(60, period_minutes=60)
    ring, due_at = emitted((fast, 0), (fast, 0.5), (slow, 0.9))
    assert ring.earliest(due_at) == at(1.5)
    ring, due_at = emitted((fast, 0), (fast, 0.5), (slow, 1.4), (slow, 1.45))
    assert ring.earliest(due_at) == at(
        1.5
    )  # 2.4, by the bound of the fast pace, but its last call is old by then


def test_after_a_change_to_a_larger_pace_all_earlier_calls_count() -> None:
    """Three calls an hour after one: the hour that holds calls of both holds no more than three."""
    ring, due_at = emitted((pace(1), 0), (pace(3), 50), (pace(3), 55))
    assert ring.earliest(due_at) == at(60)


def test_of_three_paces_each_time_is_bounded_by_the_largest_that_it_holds() -> None:
    """Down, and up again but not as far: the middle pace counts the calls since the largest, which counts all."""
    largest, smallest, middle = pace(6), pace(1), pace(3)
    ring, due_at = emitted((largest, 0), (largest, 5), (smallest, 10), (middle, 11), (middle, 12))
    assert [bound.pace for bound in ring.bounds] == [largest, middle]
    assert [bound.counted_after for bound in ring.bounds] == [0, 2]
    assert ring.earliest(due_at) == at(70)  # an hour after the first call that is not of the largest


def test_a_pace_that_differs_in_its_gap_alone_goes_on_counting() -> None:
    """A gap is no part of the bound."""
    with_gap = Pace(period_minutes=60, amount=2, gap_minutes=7)
    ring, due_at = emitted((pace(2), 0), (with_gap, 30))
    assert len(ring.bounds) == 1
    assert ring.earliest(due_at) == at(60)


def test_a_pace_under_which_nothing_was_called_leaves_no_trace() -> None:
    """Looking at what a pace would permit does not change what is remembered."""
    ring, _ = emitted((pace(2), 0))
    assert ring.under(pace(9)) != ring
    assert ring.under(pace(9)).under(pace(2)).grown(at(30)).bounds[-1].pace == pace(2)
    assert ring.bounds[-1].pace == pace(2)


def test_only_so_many_changes_to_ever_smaller_paces_are_remembered() -> None:
    """The row stays small, and any larger pace clears the smaller ones."""
    ring, _ = emitted(*((pace(100 - number), number) for number in range(3 * MOST_BOUNDS)))
    assert len(ring.bounds) == MOST_BOUNDS
    assert ring.pace == pace(100 - 3 * MOST_BOUNDS + 1)
    assert len(ring.under(pace(101)).bounds) == 1


def test_few_emissions_are_needed_however_large_the_amount() -> None:
    """Next to each amount in play there is one range, for the calls that may be offered and the one after."""
    ring = Ring(emitted=1000, last_due_at=at(0), bounds=emitted((pace(400), 0))[0].bounds)
    assert ring.numbers_needed({pace(400)}, most=2) == (range(601, 604),)
    assert ring.numbers_needed({pace(400), pace(999)}, most=2) == (range(601, 604), range(2, 5))
    assert ring.numbers_needed({pace(5000)}, most=2) == (range(601, 604),)  # none is as long ago as that
    assert ring.numbers_needed({pace(2)}, most=9) == (range(999, 1001), range(601, 611))
    assert Ring().numbers_needed({pace(2)}, most=9) == ()


def test_after_a_change_of_pace_the_shorter_spacing_holds_for_one_call() -> None:
    """A slow pace after a fast one need not keep its own distance from calls that came fast, nor the reverse."""
    slow, fast = pace(1), pace(60)
    assert spacing(emitted((slow, 0))[0], slow) == timedelta(minutes=48)
    assert spacing(emitted((slow, 0))[0], fast) == timedelta(seconds=48)
    assert spacing(emitted((fast, 0))[0], slow) == timedelta(seconds=48)
    assert spacing(Ring(), slow) == timedelta(minutes=48)
