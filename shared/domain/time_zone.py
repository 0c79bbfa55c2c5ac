"""How far the wall clocks of a place are from UTC, and when they are changed.

A wall clock must never be calculated with: two times of one zone, subtracted, forget the changed hour. A day
is therefore cut into segments in which the clocks were not changed; within one, wall time and UTC differ by a
constant, and from there on there are only instants in UTC.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain.errors import Invalid

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
#: How far apart the offset of a zone is looked at. Since 1970 no zone has changed it twice within six days.
_SAMPLING = timedelta(hours=6)
#: A campaign looks at today and tomorrow; a thousand days of zones are a few hundred kilobytes.
_CACHED_DAYS = 1024

# As the names of the IANA database are built. Leaves out the files beside it (localtime, right/UTC,
# zone.tab), which are something else on every machine, and everything that a path could be made to mean.
_ZONE_NAME = re.compile(r"[A-Z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")
_LONGEST_ECHO_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Segment:
    """A time in which the clocks of a zone were not changed, in UTC."""

    begins_at: datetime
    #: Not included.
    ends_at: datetime
    #: To be added to UTC for what the wall clock shows.
    offset: timedelta


def check_zone(zone: str) -> None:
    """Refuse what is not a time zone of the IANA database; raises `Invalid`."""
    if _ZONE_NAME.fullmatch(zone) and _is_known(zone):
        return
    shown = ascii(zone[:_LONGEST_ECHO_CHARACTERS])
    raise Invalid("time_zone", f"There is no time zone {shown}: use an IANA name such as America/New_York.")


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such file, no zone in it, a folder like America
        return False
    return True


def as_utc(instant: datetime) -> datetime:
    """Return the same instant in UTC; one without a zone would be read as local time, and is refused."""
    if instant.utcoffset() is None:
        raise ValueError(f"{instant} has no time zone: an instant is needed, not what some clock shows.")
    return instant.astimezone(UTC)


@lru_cache(maxsize=_CACHED_DAYS)
def segments_of_day(zone: str, day: date) -> tuple[Segment, ...]:
    """Return, without holes, all the time in which a wall clock of `zone` could show `day`.

    That is a day more on either side, because offsets are smaller than a day; who asks cuts off the rest.
    """
    clock = ZoneInfo(zone)
    begins_at = datetime.combine(day, time(), tzinfo=UTC) - _DAY
    ends_at = begins_at + 3 * _DAY
    samples = [begins_at + _SAMPLING * number for number in range((ends_at - begins_at) // _SAMPLING + 1)]
    changes = [
        _change(clock, before, after)
        for before, after in pairwise(samples)
        if _offset(clock, before) != _offset(clock, after)
    ]
    return tuple(
        Segment(start, end, _offset(clock, start)) for start, end in pairwise([begins_at, *changes, ends_at])
    )


def _change(clock: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the first instant of the new offset, to the second, which is as fine as the IANA database is."""
    offset = _offset(clock, before)
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        before, after = (middle, after) if _offset(clock, middle) == offset else (before, middle)
    return after


def _offset(clock: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(clock).utcoffset() or timedelta()
