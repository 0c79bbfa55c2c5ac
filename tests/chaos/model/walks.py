"""Walks by a printed seed, and more of them where some found too little.

Hypothesis draws a part of its values from the constants of whatever modules happen to be loaded, so that the same seed
walks otherwise in another selection of tests. What one set of walks misses is no finding: what all of them miss is.
"""

import sys
from collections.abc import Callable, Iterator

from hypothesis import seed, settings
from hypothesis.stateful import get_state_machine_test

from tests.chaos.model.machine import RoadMachine

#: Sets of walks until one gives up: a situation of which three come in a set is missed by one in twenty sets, and by
#: one in ten thousand billions of ten.
SETS = 10


def walk(machine: type[RoadMachine], settings_of_walks: settings, number: int = 1) -> None:
    """Walk one set; an assertion that fails is shrunk and printed as far as the settings say."""
    seed(number)(get_state_machine_test(machine, settings=settings_of_walks))()


def walk_until(
    is_enough: Callable[[], bool], machine: type[RoadMachine], settings_of_walks: settings
) -> None:
    """Walk set after set until it is enough, or there is no more."""
    for number in _sets():
        walk(machine, settings_of_walks, number)
        if is_enough():
            return


def search(machine: type[RoadMachine], settings_of_walks: settings) -> None:
    """Walk set after set until one breaks."""
    for number in _sets():
        walk(machine, settings_of_walks, number)


def _sets() -> Iterator[int]:
    for number in range(1, SETS + 1):
        print(f"walks of seed {number}", file=sys.stderr)  # noqa: T201 - pytest shows it where a walk fails
        yield number
