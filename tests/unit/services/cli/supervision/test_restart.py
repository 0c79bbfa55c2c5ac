"""When a process that died is started again."""

import pytest

from services.cli.supervision.restart import STABLE_SECONDS, deaths_in_a_row, restart_delay_seconds


@pytest.mark.parametrize(
    ("deaths", "delay"), [(1, 0.2), (2, 0.4), (3, 0.8), (5, 3.2), (6, 5.0), (7, 5.0), (10_000, 5.0)]
)
def test_the_delay_doubles_up_to_five_seconds(deaths: int, delay: float) -> None:
    """A process that keeps dying is started ever more slowly, but never given up."""
    assert restart_delay_seconds(deaths) == pytest.approx(delay)


@pytest.mark.parametrize(
    ("before", "lived", "now"), [(0, 0.0, 1), (3, 1.0, 4), (3, STABLE_SECONDS, 1), (0, STABLE_SECONDS, 1)]
)
def test_a_long_life_is_forgiven(before: int, lived: float, now: int) -> None:
    """A death after a stable life counts as the first."""
    assert deaths_in_a_row(before, lived_seconds=lived) == now
