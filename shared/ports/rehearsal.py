"""What would become of a phone list, for somebody who wants to know before it is taken in."""

from dataclasses import dataclass

from shared.domain.phone_list import PhoneEntry, RefusedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCount:
    """How many of the lines that would be called are at home in these time zones, each of which is possible."""

    zones: tuple[str, ...]
    numbers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What would become of a phone list; every line that is not blank is counted once."""

    #: Would be taken and called.
    valid: int
    #: In the list or the campaign already.
    duplicate: int
    #: Would be taken and end as ExcludedNumber: it is on the blocklist.
    blocked: int
    refused: int
    #: Of the valid ones; most numbers first.
    time_zones: tuple[ZoneCount, ...]
    #: The first valid ones, as they were understood.
    sample: tuple[PhoneEntry, ...]
    refused_lines: tuple[RefusedLine, ...]
