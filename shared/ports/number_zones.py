"""What is known of where a phone number is at home: the time zones that its clock may be in."""

from typing import Protocol

from typing_extensions import override


class NumberZones(Protocol):
    """Knows numbering plans."""

    def zones_of(self, e164: str) -> tuple[str, ...]:
        """Return the IANA zones in which a number may be at home, sorted; empty where nothing is known."""


class NoNumberZones(NumberZones):
    """Knows of no number: each is taken to be at home in its campaign's zone."""

    @override
    def zones_of(self, e164: str) -> tuple[str, ...]:
        return ()
