"""A process's own counters and gauges."""

import pytest

from shared.observability.metrics import (
    ATTEMPTS_WITHHELD,
    CALL_LATENESS_MS,
    CALLS_IN_PROGRESS,
    CALLS_PLACED,
)
from shared.observability.tally import Tally


def test_counters_grow_and_gauges_are_replaced() -> None:
    """A counter remembers everything, a gauge the last value."""
    tally = Tally()
    tally.count(CALLS_PLACED)
    tally.count(CALLS_PLACED, by=2)
    tally.count(ATTEMPTS_WITHHELD, "late")
    tally.measure(CALLS_IN_PROGRESS, 5)
    tally.measure(CALLS_IN_PROGRESS, 3)
    assert tally.counters == {"calls_placed": 3, "attempts_withheld:late": 1}
    assert tally.gauges == {"calls_in_progress": 3}


def test_what_was_read_does_not_change_afterwards() -> None:
    """A publication holds the counts of its moment, while calls go on counting."""
    tally = Tally()
    tally.count(CALLS_PLACED)
    read = tally.counters
    tally.count(CALLS_PLACED)
    assert read == {"calls_placed": 1}


def test_a_counter_never_shrinks() -> None:
    """A negative step would look like a restart to whoever reads the rate."""
    with pytest.raises(ValueError, match="only counters grow"):
        Tally().count(CALLS_PLACED, by=-1)


def test_kinds_are_not_mixed_up() -> None:
    """Counting a gauge or setting what is none is refused, for readers combine each kind in its own way."""
    with pytest.raises(ValueError, match="only counters grow"):
        Tally().count(CALLS_IN_PROGRESS)
    with pytest.raises(ValueError, match="only gauges are set"):
        Tally().measure(CALLS_PLACED, 1)
    with pytest.raises(ValueError, match="only gauges are set"):
        Tally().measure(CALL_LATENESS_MS, 1)
