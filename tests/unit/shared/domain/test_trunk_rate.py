"""Calls per second over all campaigns: no second holds more, wherever it starts, and no slot is wasted."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.trunk_rate import PLANNED_SECOND, TrunkLoad

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Rates = st.sampled_from([1, 2, 3, 7, 10, 60, 333, 1000])
Instants = st.lists(st.integers(0, 4_000_000), max_size=60)


def at(microseconds: int) -> datetime:
    """Return an instant after noon."""
    return NOON + timedelta(microseconds=microseconds)


@given(rate=Rates, wanted=Instants, second=st.sampled_from([SECOND, PLANNED_SECOND]))
def test_no_second_holds_more_wherever_it_starts(rate: int, wanted: list[int], second: timedelta) -> None:
    """Each call takes the first free slot from its own instant on; as long as a second is said to be."""
    slots = TrunkLoad(calls_per_second=rate, second=second).slots()
    dues = []
    for microseconds in wanted:
        due = slots.earliest(at(microseconds))
        assert due >= at(microseconds)
        slots.take(due)
        dues.append(due)
    dues.sort()
    assert all(bisect_left(dues, due + second) - place <= rate for place, due in enumerate(dues))


@given(rate=Rates, taken=Instants, begin=st.integers(0, 2_000_000), length=st.integers(0, 2_000_000))
def test_as_many_calls_fit_as_were_said_to(rate: int, taken: list[int], begin: int, length: int) -> None:
    """Both ends of the time are included."""
    slots = TrunkLoad(calls_per_second=rate, dues=tuple(map(at, taken))).slots()
    free = slots.free_between(at(begin), at(begin + length))
    for _ in range(free):
        slots.take(slots.earliest(at(begin)))
    assert slots.earliest(at(begin)) > at(begin + length)
    assert slots.free_between(at(begin), at(begin + length)) == 0


@pytest.mark.parametrize(
    ("rate", "taken", "wanted", "due"),
    [
        (1, (), 0, 0),
        (1, (), 1, 1_000_000),
        (4, (), 250_000, 250_000),
        (4, (0, 250_000), 0, 500_000),
        (3, (), 1, 333_334),
        (3, (333_334,), 1, 666_667),
        (4, (260_000,), 250_000, 500_000),
    ],
)
def test_a_call_takes_the_first_free_slot(rate: int, taken: tuple[int, ...], wanted: int, due: int) -> None:
    """A due instant within a slot, as one of another rate may be, has the whole of it."""
    load = TrunkLoad(calls_per_second=rate, dues=tuple(map(at, taken)))
    assert load.slots().earliest(at(wanted)) == at(due)
