"""Where numbers are at home."""

import pytest

from shared.adapters.number_zones.libphonenumber import LibphonenumberZones
from shared.domain.time_zone import check_zone


@pytest.mark.parametrize(
    ("e164", "zones"),
    [
        ("+12025550100", ("America/New_York",)),
        ("+12125550100", ("America/New_York",)),
        ("+13125550100", ("America/Chicago",)),
        ("+18085550100", ("Pacific/Honolulu",)),
        ("+12085550100", ("America/Boise", "America/Los_Angeles")),  # Idaho lies in two
        ("+18763764984", ("America/Jamaica",)),  # a mobile phone of an island
        ("+442079460123", ("Europe/London",)),
        ("+4915112345678", ("Europe/Berlin",)),
        ("+34922123456", ("Atlantic/Canary",)),
        ("+61891234567", ("Australia/Adelaide", "Australia/Perth")),
        ("+5592991234567", ("America/Manaus",)),  # Brazil gives mobile numbers by region
        ("+870772001234", ()),  # a ship
        ("+8001234567", ()),  # freephone of the whole world
    ],
)
def test_a_number_is_at_home_where_its_plan_says(e164: str, zones: tuple[str, ...]) -> None:
    """By its area code, by its country, or nowhere that is known."""
    assert LibphonenumberZones().zones_of(e164) == zones


@pytest.mark.parametrize("e164", ["+18005550100", "+79161234567"])
def test_what_may_be_anywhere_in_a_continent_is_taken_to_be_everywhere(e164: str) -> None:
    """A toll-free number, or a mobile phone of a country with many clocks: all of them count."""
    zones = LibphonenumberZones().zones_of(e164)
    assert len(zones) > 10
    assert list(zones) == sorted(set(zones))
    for zone in zones:
        check_zone(zone)
