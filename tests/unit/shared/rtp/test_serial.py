"""Numbers that wrap."""

from hypothesis import given
from hypothesis import strategies as st

from shared.rtp.serial import sequence_after, sequence_distance, timestamp_after, timestamp_distance


@given(start=st.integers(0, 0xFFFF), steps=st.integers(-0x8000, 0x7FFF))
def test_the_distance_of_sequence_numbers_undoes_the_step(start: int, steps: int) -> None:
    """Up to half the circle either way, distance(start, start + steps) is steps, across every wrap."""
    assert sequence_distance(start, sequence_after(start, steps)) == steps


@given(start=st.integers(0, 2**32 - 1), ticks=st.integers(-(2**31), 2**31 - 1))
def test_the_distance_of_timestamps_undoes_the_ticks(start: int, ticks: int) -> None:
    """The same for timestamps of 32 bits."""
    assert timestamp_distance(start, timestamp_after(start, ticks)) == ticks
