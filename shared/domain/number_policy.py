"""What a tenant may call, and as whom: rules over validated E.164 numbers.

Toll fraud is what a dialer is broken into for: a list, or an application's transfer, of numbers that pay their owner
per minute. So numbers that cost more than a call, premium-rate, shared-cost and satellite ones, are refused unless the
operator allows them to a tenant, and a tenant can be kept to a list of countries; an empty list is every country.

A short emergency number (911, 112) is shorter than any possible number and never gets here. What could still be
mistaken for one is refused to everybody: the codes of services in North America (+1 911 5550100), no area codes.

The same rules hold when a list is taken in and, since a policy may change after that, at the gate before every call.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

from shared.domain.errors import Invalid
from shared.domain.phone_number_kinds import COUNTRIES, PREMIUM

#: Satellite systems, worldwide networks and worldwide premium-rate numbers: of no country, and dear in all of them.
WORLDWIDE_CODES: Final = ("870", "878", "881", "882", "883", "979")
#: N11: 911, 411 and the like.
_SERVICE = r"1[2-9]11[0-9]{7}"


class NumberKind(StrEnum):
    """What is special about a number."""

    #: Its kind costs more than a call: the operator may allow it.
    PREMIUM = "premium"
    #: A service's code: nobody may.
    SERVICE = "service"


def _premium_pattern() -> str:
    """Return one expression for all numbers that cost more, by their first digits so that most end at the first."""
    by_first: dict[str, list[str]] = defaultdict(list)
    for line in PREMIUM.split():
        code, _, rests = line.partition(":")
        by_first[code[0]].append(f"{code[1:]}(?:{rests})")
    for code in WORLDWIDE_CODES:
        by_first[code[0]].append(f"{code[1:]}[0-9]+")
    return "|".join(f"{first}(?:{'|'.join(rests)})" for first, rests in by_first.items())


_SPECIAL: Final = re.compile(rf"\+(?:(?P<service>{_SERVICE})|{_premium_pattern()})", re.ASCII)
_COUNTRY_BY_DIGITS: Final = {
    digits: country for digits, _, country in (entry.partition(":") for entry in COUNTRIES.split())
}
_MOST_DIGITS: Final = max(map(len, _COUNTRY_BY_DIGITS))
KNOWN_COUNTRIES: Final = frozenset(_COUNTRY_BY_DIGITS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPolicy:
    """What an operator lets a tenant do; the default is every country, nothing that costs more, any caller id."""

    #: ISO 3166 codes; none is every country.
    countries: frozenset[str] = frozenset()
    premium: bool = False
    #: The caller ids that may be shown; None where any may.
    verified: frozenset[str] | None = None

    @classmethod
    def of(
        cls, countries: Iterable[str], *, premium: bool, verified_only: bool, verified: Iterable[str]
    ) -> Self:
        """Return the policy as it is stored."""
        return cls(
            countries=frozenset(countries),
            premium=premium,
            verified=frozenset(verified) if verified_only else None,
        )

    def refusal(self, e164: str) -> str | None:
        """Return why a number may not be called, in a sentence for whoever listed it; None where it may."""
        special = _SPECIAL.fullmatch(e164)
        if special is not None:
            if special["service"] is not None:
                return "This is the code of an emergency or information service, which is never called."
            if not self.premium:
                return (
                    "This is a premium-rate, shared-cost or satellite number, and the operator has not allowed these; "
                    "`paceline policy set --premium` does."
                )
        if self.countries and country_of(e164) not in self.countries:
            return (
                f"This is a number of {country_of(e164) or 'no country'}, and the operator allows only "
                f"{', '.join(sorted(self.countries))}; `paceline policy set --countries` changes that."
            )
        return None

    def caller_refusal(self, caller_id: str | None) -> str | None:
        """Return why a caller id may not be shown; None where it may.

        Where nobody asked for one, None, the trunk's is shown, which is the operator's own.
        """
        if self.verified is None or caller_id is None or caller_id in self.verified:
            return None
        return (
            f"The caller id {caller_id} is not verified: the operator adds it with `paceline caller-id add`."
        )


#: What holds for a tenant of which nobody has said anything.
UNTOUCHED: Final = NumberPolicy()


def kind_of(e164: str) -> NumberKind | None:
    """Return what is special about a number; None for nearly all."""
    special = _SPECIAL.fullmatch(e164)
    if special is None:
        return None
    return NumberKind.PREMIUM if special["service"] is None else NumberKind.SERVICE


def country_of(e164: str) -> str | None:
    """Return the ISO 3166 country of a number; None for the worldwide codes, which are of no country."""
    return _country_by(e164[1 : 1 + _MOST_DIGITS])


@lru_cache(maxsize=10_000)  # as many as there are texts of four digits
def _country_by(first_digits: str) -> str | None:
    starts = (first_digits[:length] for length in range(_MOST_DIGITS, 0, -1))
    return next((_COUNTRY_BY_DIGITS[start] for start in starts if start in _COUNTRY_BY_DIGITS), None)


def parse_countries(text: str, *, field: str = "countries") -> tuple[str, ...]:
    """Read `US,CA`, or an empty text for every country; raises Invalid for what has no numbers of its own."""
    named = sorted({name.strip().upper() for name in text.split(",")} - {""})
    unknown = [name for name in named if name not in KNOWN_COUNTRIES]
    if unknown:
        raise Invalid(
            field,
            f"{unknown[0][:20]!r} is no country with numbers of its own: write two-letter ISO codes, as in US,CA,GB.",
        )
    return tuple(named)
