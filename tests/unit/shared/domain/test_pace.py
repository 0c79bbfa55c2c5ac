"""A pace: its limits, its slots, and that every closed form is what counting one by one would give."""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Invalid
from shared.domain.pace import LARGEST_AMOUNT, LONGEST_GAP_MINUTES, LONGEST_PERIOD_MINUTES, Pace

MICROSECOND = timedelta(microseconds=1)

#: Few calls in long periods, many in short ones, and amounts that divide nothing.
paces = st.builds(
    Pace, period_minutes=st.integers(1, 90), amount=st.integers(1, 400), gap_minutes=st.integers(0, 60)
)


@pytest.mark.parametrize(
    ("field", "period", "amount", "gap"),
    [
        ("period", 0, 1, 0),
        ("period", -1, 1, 0),
        ("period", LONGEST_PERIOD_MINUTES + 1, 1, 0),
        ("period", 99_999_999_999, 1, 0),  # the most that the API's eleven digits can say
        pytest.param("period", 10**5000, 1, 0, id="5001 digits, which Python would not even print"),
        ("amount_per_period", 1, 0, 0),
        ("amount_per_period", 1, -1, 0),
        ("amount_per_period", 1, LARGEST_AMOUNT + 1, 0),
        ("amount_per_period", 1, 99_999_999_999, 0),
        ("time_between_periods", 1, 1, -1),
        ("time_between_periods", 1, 1, LONGEST_GAP_MINUTES + 1),
    ],
)
def test_a_pace_beyond_its_limits_is_refused_by_name(field: str, period: int, amount: int, gap: int) -> None:
    """The sentence names the parameter and says what it may be."""
    with pytest.raises(Invalid, match=f"{field} must be from [01] to [0-9]+ (minutes|calls)") as refusal:
        Pace(period_minutes=period, amount=amount, gap_minutes=gap)
    assert refusal.value.field == field


def test_the_largest_pace_of_all_is_still_exact() -> None:
    """At the limits of all three numbers the arithmetic neither overflows nor loses a microsecond."""
    pace = Pace(period_minutes=LONGEST_PERIOD_MINUTES, amount=LARGEST_AMOUNT, gap_minutes=LONGEST_GAP_MINUTES)
    assert pace.cycle == timedelta(days=732)
    assert pace.slot_offset(LARGEST_AMOUNT) == pace.period
    assert pace.slots_before(pace.period) == LARGEST_AMOUNT
    assert pace.slots_within(timedelta(days=732 * 50)) == 50 * LARGEST_AMOUNT


def test_the_example_of_the_api_calls_every_eighteen_seconds() -> None:
    """100 calls in 30 minutes and 10 minutes of downtime: the last call is 18 seconds before the period's end."""
    pace = Pace(period_minutes=30, amount=100, gap_minutes=10)
    assert [pace.slot_offset(slot).total_seconds() for slot in (0, 1, 2, 99)] == [0, 18, 36, 1782]
    assert pace.cycle == timedelta(minutes=40)
    assert pace.shortest_spacing == timedelta(seconds=14.4)
    assert pace.slots_within(timedelta(hours=24)) == 3600
    assert pace.slots_within(timedelta(minutes=41)) == 104  # the slots at 0, 18, 36 and 54 seconds


@given(pace=paces)
def test_slots_are_spread_evenly_over_the_period(pace: Pace) -> None:
    """Slot k is the k-th part of the period, rounded down to a microsecond, so that no two steps differ by more."""
    offsets = [pace.slot_offset(slot) for slot in range(pace.amount + 1)]
    assert offsets[0] == timedelta()
    assert offsets[-1] == pace.period
    steps = {later - earlier for earlier, later in pairwise(offsets)}
    assert max(steps) - min(steps) <= MICROSECOND
    for slot in {1, pace.amount // 2, pace.amount - 1}:
        exact = Fraction(slot * pace.period_minutes * 60_000_000, pace.amount)
        assert 0 <= exact - offsets[slot] // MICROSECOND < 1


@given(pace=paces, slot=st.integers(0, 400), shift=st.integers(-2, 2))
def test_slots_gone_by_are_counted_without_counting(pace: Pace, slot: int, shift: int) -> None:
    """Near the instant of any slot, before and after it, the closed forms agree with looking at every slot."""
    elapsed = pace.slot_offset(min(slot, pace.amount)) + shift * MICROSECOND
    offsets = [pace.slot_offset(number) for number in range(pace.amount)]
    assert pace.slots_before(elapsed) == sum(offset < elapsed for offset in offsets)
    assert pace.slots_due_by(elapsed) == sum(offset <= elapsed for offset in offsets)


@given(pace=paces, length_seconds=st.integers(-60, 6 * 3600))
def test_the_slots_of_a_run_are_counted_without_counting(pace: Pace, length_seconds: int) -> None:
    """Periods, gaps and the part of a period at the end together hold what one by one would be found."""
    length = timedelta(seconds=length_seconds)
    cycles = range(max(0, length // pace.cycle) + 1)
    slots = range(pace.amount)
    found = sum(number * pace.cycle + pace.slot_offset(slot) < length for number in cycles for slot in slots)
    assert pace.slots_within(length) == found


@given(pace=paces)
def test_catching_up_is_at_five_quarters_of_the_pace_and_no_faster(pace: Pace) -> None:
    """The shortest spacing is four fifths of a slot's, rounded up to a microsecond."""
    exact = Fraction(4 * pace.period_minutes * 60_000_000, 5 * pace.amount)
    assert 0 <= pace.shortest_spacing // MICROSECOND - exact < 1


def test_even_an_absurd_pace_keeps_two_calls_apart() -> None:
    """A billion calls a minute cannot be told apart in microseconds; the spacing is one nevertheless."""
    assert Pace(period_minutes=1, amount=LARGEST_AMOUNT).shortest_spacing == MICROSECOND


def test_paces_are_ordered_by_calls_a_minute_and_then_by_amount() -> None:
    """More calls a minute is larger; of two that are equal in that, the longer period allows more at once."""
    ordered = [
        Pace(period_minutes=60, amount=59),
        Pace(period_minutes=1, amount=1),
        Pace(period_minutes=60, amount=60),
        Pace(period_minutes=60, amount=61),
        Pace(period_minutes=1, amount=2),
    ]
    assert all(smaller.size < larger.size for smaller, larger in pairwise(ordered))


def test_a_gap_does_not_make_a_pace_larger_or_smaller() -> None:
    """Two paces that differ in the gap alone bound a period alike."""
    assert Pace(period_minutes=5, amount=7).size == Pace(period_minutes=5, amount=7, gap_minutes=9).size
