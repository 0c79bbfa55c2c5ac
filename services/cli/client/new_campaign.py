"""A new campaign as a person writes it on the command line, read into what the API takes.

Plum's API wants a schedule (days) and profiles (pace) made beforehand, each under a name. Here a person says days
and pace; the names are derived from them, so that the next campaign with the same days and pace finds them made.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.cli.client.shapes import Profile, Schedule
from shared.domain.errors import Invalid

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEFAULT_DAYS = "mon,tue,wed,thu,fri"
#: The hours that the United States allow for sales calls (47 CFR 64.1200(c)(1)): safe to forget about.
DEFAULT_WINDOW = "08:00-21:00"
#: Plum's API means Eastern time.
DEFAULT_ZONE = "America/New_York"
#: The last day is the same weekday a week on, less one: every weekday once.
DEFAULT_LENGTH = timedelta(days=6)

_WINDOW = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)")

_MINUTES = re.compile(r"[0-9]{1,5}(?:,[0-9]{1,5}){0,98}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """So many calls in each period, with a gap after it; minutes."""

    period: int
    amount: int
    gap: int

    @property
    def nickname(self) -> str:
        """The name under which it is made."""
        return f"{self.amount} calls in {self.period} min, then {self.gap} min"

    def is_made_as(self, profile: Profile) -> bool:
        """Tell whether a profile has this pace; somebody may have changed one that still has our name."""
        return (profile.period, profile.amount_per_period, profile.time_between_periods) == (
            self.period,
            self.amount,
            self.gap,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """Everything but the phone list."""

    name: str | None
    start: date
    end: date
    days: tuple[str, ...]
    windows: tuple[tuple[str, str], ...]
    pace: Pace
    start_url: str
    result_url: str | None
    time_zone: str
    #: Calls per number; None leaves it to the API, which calls each once.
    attempts: int | None = None
    #: Minutes between calls to a number.
    retry_minutes: tuple[int, ...] = ()
    #: off, on or hours on callees' clocks; None leaves it to the API.
    callee_hours: str | None = None

    def fields(self, schedule: str, profile: str) -> dict[str, str]:
        """Return the form that is posted, with the schedule's id and the profile's name."""
        windows = [
            {"profile": profile, "start_time": opens, "end_time": closes} for opens, closes in self.windows
        ]
        fields = {
            "name": self.name,
            "start_date": self.start.isoformat(),
            "end_date": self.end.isoformat(),
            "schedule_id": schedule,
            "profiles": json.dumps(windows),
            "start_url": self.start_url,
            "result_url": self.result_url,
            "time_zone": self.time_zone,
            "attempts": None if self.attempts is None else str(self.attempts),
            "retry_minutes": json.dumps(self.retry_minutes) if self.retry_minutes else None,
            "callee_hours": self.callee_hours,
        }
        return {name: value for name, value in fields.items() if value is not None}


def parse_days(text: str) -> tuple[str, ...]:
    """Read `mon,wed` into days in the week's order; raises `Invalid`."""
    wanted = {day.strip().lower() for day in text.split(",") if day.strip()}
    unknown = sorted(wanted.difference(WEEKDAYS))
    if unknown or not wanted:
        raise Invalid(
            "days", f"Days are written as mon,tue,wed,thu,fri,sat,sun; this is not one: {', '.join(unknown)}"
        )
    return tuple(day for day in WEEKDAYS if day in wanted)


def parse_window(text: str) -> tuple[str, str]:
    """Read `08:00-21:00`; raises `Invalid`. A window that ends before it begins is for the API to refuse."""
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise Invalid(
            "window", f"A window is written as 08:00-21:00, with 24:00 as the latest end; not as {text}."
        )
    return match[1], match[2]


def parse_minutes(text: str) -> tuple[int, ...]:
    """Read `30,120` into minutes; raises `Invalid`."""
    if not _MINUTES.fullmatch(text):
        raise Invalid(
            "retry_minutes", f"Minutes between calls are written as 30 or 30,120; not as {text[:64]}."
        )
    return tuple(int(minutes) for minutes in text.split(","))


def today_in(zone: str, now: datetime) -> date:
    """Return the date in an IANA time zone; raises `Invalid` for an unknown one."""
    try:
        return now.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid("time_zone", f"{zone} is not a time zone: write it as America/New_York.") from error


def schedule_nickname(days: tuple[str, ...]) -> str:
    """Return the name under which a schedule of these days is made."""
    return "every day" if days == WEEKDAYS else " ".join(days)


def schedule_made_before(days: tuple[str, ...], schedules: Collection[Schedule]) -> Schedule | None:
    """Return a schedule that was made for these days by an earlier campaign of the command line."""
    nickname = schedule_nickname(days)
    ours = (schedule for schedule in schedules if (schedule.nickname or "").startswith(nickname))
    return next((schedule for schedule in ours if set(schedule.days) == set(days)), None)


def profile_made_before(pace: Pace, profiles: Collection[Profile]) -> Profile | None:
    """Return a profile that was made for this pace by an earlier campaign of the command line."""
    ours = (profile for profile in profiles if (profile.nickname or "").startswith(pace.nickname))
    return next((profile for profile in ours if pace.is_made_as(profile)), None)


def free_nickname(wanted: str, taken: Collection[str | None]) -> str:
    """Return `wanted`, or with the next number where somebody has that name for something else."""
    names = {name.casefold() for name in taken if name}
    candidates = (wanted, *(f"{wanted} ({number})" for number in range(2, len(names) + 3)))
    return next(name for name in candidates if name.casefold() not in names)


def summary(campaign: NewCampaign) -> str:
    """Say in words when and how fast the campaign calls, for the person who just wrote it."""
    hours = " and ".join(f"{opens}-{closes}" for opens, closes in campaign.windows)
    days = schedule_nickname(campaign.days)
    words = [
        f"{days}, {hours} {campaign.time_zone}, {campaign.start} to {campaign.end}",
        campaign.pace.nickname,
    ]
    if campaign.attempts is not None and campaign.attempts > 1:
        words.append(f"up to {campaign.attempts} calls to a number")
    if campaign.callee_hours is not None:
        words.append(f"callees' own hours {campaign.callee_hours}")
    return "; ".join(words)
