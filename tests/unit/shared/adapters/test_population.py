"""Who lives behind a simulated number."""

from collections import Counter

import pytest

from shared.adapters.simulator.population import BY_ORDER, POPULATION, Behaviour, callee_of


@pytest.mark.parametrize(("last_two", "behaviour"), BY_ORDER.items())
@pytest.mark.parametrize("area", ["202", "617", "907"])
def test_a_number_for_fiction_follows_its_last_two_digits(
    area: str, last_two: str, behaviour: Behaviour
) -> None:
    """+1 NPA 555 01xx orders its callee, under any area code and any seed."""
    assert callee_of(f"+1{area}55501{last_two}", seed=int(area)).behaviour is behaviour


def test_a_number_has_the_same_callee_for_ever() -> None:
    """The same number and seed always meet the same callee; another seed may not."""
    callees = [callee_of("+13105551234", seed=7) for _ in range(3)]
    assert len(set(callees)) == 1
    assert len({callee_of("+13105551234", seed=seed).ring_seconds for seed in range(20)}) == 20


def test_the_population_is_as_documented() -> None:
    """Over many numbers each behaviour has its share, within two points."""
    numbers = 20_000
    met = Counter(callee_of(f"+1212{n:07}", seed=3).behaviour for n in range(numbers))
    assert sum(POPULATION.values()) == 100
    for behaviour, percent in POPULATION.items():
        assert abs(100 * met[behaviour] / numbers - percent) < 2
