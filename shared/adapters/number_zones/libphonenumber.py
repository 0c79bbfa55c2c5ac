"""The time zones of a number by libphonenumber's data, which follow the world's numbering plans.

A fixed line is where its area code is. A mobile phone is somewhere in its country, except where its country gives
mobile numbers by region; libphonenumber knows which. A number that no plan has assigned, as the fictional ones, is
where its prefix would be.
"""

from typing import Final

from phonenumbers import PhoneNumber, parse
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_geographical_number, time_zones_for_number
from typing_extensions import override

from shared.ports.number_zones import NumberZones

_UNKNOWN: Final = (UNKNOWN_TIMEZONE,)
_NORTH_AMERICA: Final = "+1"


class LibphonenumberZones(NumberZones):
    """Looks numbers up; costs a few microseconds in North America and some dozens elsewhere."""

    @override
    def zones_of(self, e164: str) -> tuple[str, ...]:
        if e164.startswith(_NORTH_AMERICA):
            # What has a place here has it in its area code, and a prefix without one stands for the whole continent.
            # The kind of the number, which takes ten times as long to tell, would add one thing: mobile phones of the
            # Caribbean islands, each of which is a country with one clock, would be anywhere in the continent.
            return _known(time_zones_for_geographical_number(_north_american(e164)))
        number = parse(e164)
        zones = time_zones_for_number(number)
        return _known(time_zones_for_geographical_number(number) if zones == _UNKNOWN else zones)


def _north_american(e164: str) -> PhoneNumber:
    return PhoneNumber(country_code=1, national_number=int(e164[2:]))


def _known(zones: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(zone for zone in zones if zone != UNKNOWN_TIMEZONE))
