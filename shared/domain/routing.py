"""Which trunk takes a number: the longest prefix that fits it, then the priority.

The first of the order gets the call. The others are for a trunk that is down or refuses before anything can have rung:
whether one may be tried after another is the telephony's to know, and not decided here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from shared.domain.errors import Invalid

#: Longer than the longest country code with an area code; a whole number is no route.
LONGEST_PREFIX_DIGITS = 15


class Routed(Protocol):
    """What routing knows of a trunk."""

    @property
    def route(self) -> "Route":
        """Which numbers it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which numbers a trunk takes, and before whom."""

    #: Names are in the last place, so that the order is always the same.
    name: str
    #: The first digits of the numbers in E.164, without `+`; empty takes every number.
    prefix: str = ""
    #: The smaller, the earlier.
    priority: int = 100


T = TypeVar("T", bound=Routed)


def parse_prefix(text: str) -> str:
    """Read a prefix, with or without `+`; raises Invalid."""
    digits = text.strip().removeprefix("+")
    if len(digits) > LONGEST_PREFIX_DIGITS or not all(char in "0123456789" for char in digits):
        raise Invalid("prefix", f"A prefix must be at most {LONGEST_PREFIX_DIGITS} digits, as in +4420.")
    return digits


def in_order(trunks: Iterable[T], e164: str) -> list[T]:
    """Return the trunks that take a number, the one to try first in front."""
    digits = e164.removeprefix("+")
    takers = [trunk for trunk in trunks if digits.startswith(trunk.route.prefix)]
    return sorted(
        takers, key=lambda trunk: (-len(trunk.route.prefix), trunk.route.priority, trunk.route.name)
    )
