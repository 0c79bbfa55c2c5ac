"""What a wall clock and a wall calendar show: weekdays, times and dates, as people write them.

None of them is an instant: they become one only together with a time zone. Parsing is strict, because each of
these comes from outside, and because a guess about an hour rings somebody's telephone at night.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.domain.errors import Invalid

#: 24:00, the end of a day.
MINUTES_OF_A_DAY = 24 * 60
#: Before it time zones are guesswork, and the machines that place calls did not exist.
FIRST_YEAR = 1970
#: Far beyond any campaign, and far from the end of what `datetime` can hold.
LAST_YEAR = 2199

_WALL_TIME = re.compile(r"([0-9]{2}):([0-9]{2})")
_CALENDAR_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class Weekday(StrEnum):
    """A day of the week, by the name that the APIs give it; in the order in which `date.weekday()` counts."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"

    @classmethod
    def of(cls, day: date) -> "Weekday":
        """Return the weekday on which `day` falls."""
        return WEEK[day.weekday()]


WEEK = tuple(Weekday)


@dataclass(frozen=True, slots=True, order=True)
class WallTime:
    """A time as a clock shows it, in minutes since midnight: 0 to 1440, where 1440 is 24:00."""

    minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.minute <= MINUTES_OF_A_DAY:
            raise Invalid("time", f"A time must be a minute of the day, from 0 to {MINUTES_OF_A_DAY}.")

    @classmethod
    def parse(cls, text: str, *, field: str, as_end: bool = False) -> "WallTime":
        """Read `HH:MM`, and nothing else; `24:00` only `as_end`. Raises `Invalid` naming `field`."""
        matched = _WALL_TIME.fullmatch(text)
        if matched is None:
            raise Invalid(
                field, f"The {field} must be a time such as 08:00: two digits, a colon, two digits."
            )
        if text == "24:00" and not as_end:
            raise Invalid(
                field, f"The {field} cannot be 24:00: that is the end of a day; the next begins at 00:00."
            )
        hour, minute = int(matched[1]), int(matched[2])
        if text != "24:00" and (hour > 23 or minute > 59):  # noqa: PLR2004 - what a clock shows
            raise Invalid(
                field, f"The {field} is {text}, which no clock shows: use 00:00 to 23:59 (24:00 as an end)."
            )
        return cls(hour * 60 + minute)

    def __str__(self) -> str:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        return f"{self.minute // 60:02}:{self.minute % 60:02}"


def parse_calendar_date(text: str, *, field: str) -> date:
    """Read `YYYY-MM-DD`, and nothing else, from 1970 to 2199; `str` prints it back.

    Raises `Invalid` naming `field`.
    """
    matched = _CALENDAR_DATE.fullmatch(text)
    if matched is None:
        raise Invalid(
            field, f"The {field} must be a date such as 2026-11-21: year, month and day, with dashes."
        )
    year, month, day = (int(part) for part in matched.groups())
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(
            field, f"The {field} must lie in the years {FIRST_YEAR} to {LAST_YEAR}, not in {text[:4]}."
        )
    try:
        return date(year, month, day)
    except ValueError:
        raise Invalid(field, f"The {field} is {text}, a day that the calendar does not have.") from None
