"""Reads a campaign, or a change of one, out of a request.

Every field is checked and every reference resolved before anything is stored.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from services.api.parameters import given
from services.api.plum.nicknames import holds_unseen, nickname_key
from services.api.plum.retry_fields import read_retry_change, read_retry_policy
from services.api.request_body import Fields
from shared.domain.callee_hours import CalleeHours, parse_switch
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.campaign import Dialect
from shared.domain.egress import EgressPolicy, check_url
from shared.domain.errors import Invalid
from shared.domain.time_zone import check_zone
from shared.domain.wall_clock import WEEK, WallTime, parse_calendar_date
from shared.ports.campaign_changes import CalleeHoursChange, CampaignChange
from shared.ports.campaigns import Campaigns, NewCampaign, NewWindow, Profile, Schedule

#: The published API knows one zone only (PLUM-53).
EASTERN: Final = "America/New_York"
LONGEST_NAME_CHARACTERS: Final = 100
#: As a day's windows may not overlap, more than this is a mistake.
MOST_PROFILES: Final = 100

_ID: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class CampaignReader:
    """Reads one request of one tenant."""

    campaigns: Campaigns
    egress: EgressPolicy
    tenant_id: int
    #: Where the request says nothing of callees' hours.
    callee_hours: CalleeHours | None = None

    async def new(self, fields: Fields) -> NewCampaign:
        """Return the campaign; raises Invalid with the first field that is wrong."""
        first_date = _day(_required(fields, "start_date"), "start_date")
        last_date = _day(_required(fields, "end_date"), "end_date")
        time_zone = _time_zone(fields)
        refuse_broken_dates(first_date, last_date, time_zone)
        return NewCampaign(
            dialect=Dialect.PLUM,
            name=_name(fields),
            first_date=first_date,
            last_date=last_date,
            time_zone=time_zone,
            schedule_id=(await self._schedule(fields)).schedule_id,
            windows=await self._windows(fields),
            start_url=self._url(fields, "start_url"),
            result_url=self._url(fields, "result_url") if given(fields, "result_url") else None,
            retry=read_retry_policy(fields),
            callee_hours=self._callee_hours(fields),
        )

    async def change(self, fields: Fields) -> CampaignChange:
        """Return what is to be another; a field that was not sent, or is empty, stays as it is. Raises Invalid."""
        schedule = (
            await self._schedule(fields)
            if given(fields, "schedule") or given(fields, "schedule_id")
            else None
        )
        return CampaignChange(
            name=_name(fields),
            first_date=_date(fields, "start_date"),
            last_date=_date(fields, "end_date"),
            time_zone=_time_zone(fields) if given(fields, "time_zone") else None,
            schedule_id=schedule.schedule_id if schedule else None,
            windows=await self._windows(fields) if given(fields, "profiles") else None,
            start_url=self._url(fields, "start_url") if given(fields, "start_url") else None,
            result_url=self._url(fields, "result_url") if given(fields, "result_url") else None,
            retry=read_retry_change(fields),
            callee_hours=self._callee_hours_change(fields),
        )

    def _callee_hours_change(self, fields: Fields) -> CalleeHoursChange | None:
        return CalleeHoursChange(self._callee_hours(fields)) if given(fields, "callee_hours") else None

    def _callee_hours(self, fields: Fields) -> CalleeHours | None:
        """Read `callee_hours` (an extension): off, on or 08:00-21:00, on the callees' own clocks."""
        if not given(fields, "callee_hours"):
            return self.callee_hours
        return parse_switch(fields.text("callee_hours"), field="callee_hours")

    async def _schedule(self, fields: Fields) -> Schedule:
        """Resolve `schedule` or `schedule_id` (PLUM-51); both may be sent, if they mean the same."""
        known = await self.campaigns.schedules(self.tenant_id)
        names = [name for name in ("schedule", "schedule_id") if given(fields, name)]
        found = {
            name: _schedule(name, _required(fields, name).strip(), known) for name in names or ["schedule"]
        }
        if len({schedule.schedule_id for schedule in found.values()}) > 1:
            raise Invalid("schedule_id", "The schedule and the schedule_id name two different schedules.")
        return next(iter(found.values()))

    async def _windows(self, fields: Fields) -> tuple[NewWindow, ...]:
        if not given(fields, "profiles"):
            raise Invalid("profiles", "The profiles field is required.")
        attached = fields.array("profiles")
        if not 1 <= len(attached) <= MOST_PROFILES:
            raise Invalid("profiles", f"Attach from 1 to {MOST_PROFILES} profiles.")
        known = await self.campaigns.profiles(self.tenant_id)
        windows = tuple(_window(item, known) for item in attached)
        refuse_broken_windows(windows)
        return windows

    def _url(self, fields: Fields, name: str) -> str:
        url = _required(fields, name).strip()
        check_url(url, self.egress, field=name)
        if not urlsplit(url).hostname:
            raise Invalid(name, f"The {name} must be a URL.")
        return url


def _schedule(field: str, written: str, known: list[Schedule]) -> Schedule:
    """Find a schedule: digits are an id first, then a nickname (PLUM-52)."""
    if _ID.fullmatch(written):
        for schedule in known:
            if schedule.schedule_id == int(written):
                return schedule
    for schedule in known:
        if schedule.nickname is not None and nickname_key(schedule.nickname) == nickname_key(written):
            return schedule
    raise Invalid(field, f"The selected {field} is invalid: there is none with that id or nickname.")


def _window(item: object, known: list[Profile]) -> NewWindow:
    if not isinstance(item, dict):
        raise Invalid("profiles", 'Each profile is an object: {"profile", "start_time", "end_time"}.')
    opens, closes = _time(item, "start_time"), _time(item, "end_time", as_end=True)
    profile = _profile(_part(item, "profile"), known)
    return NewWindow(opens_minute=opens.minute, closes_minute=closes.minute, profile_id=profile.profile_id)


def _time(item: dict[str, object], key: str, *, as_end: bool = False) -> WallTime:
    try:
        return WallTime.parse(_part(item, key), field=key, as_end=as_end)
    except Invalid as error:
        raise Invalid("profiles", error.message) from error


def _part(item: dict[str, object], key: str) -> str:
    value = item.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and key == "profile":
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise Invalid("profiles", f"Each profile needs a {key}.")
    return value.strip()


def _profile(written: str, known: list[Profile]) -> Profile:
    """Resolve a profile by nickname (PLUM-53), or by id, since a profile need not have a nickname."""
    if _ID.fullmatch(written):
        for profile in known:
            if profile.profile_id == int(written):
                return profile
    for profile in known:
        if profile.nickname is not None and nickname_key(profile.nickname) == nickname_key(written):
            return profile
    raise Invalid("profiles", f"The selected profile is invalid: there is none called {written[:64]!r}.")


def refuse_broken_windows(windows: tuple[NewWindow, ...]) -> None:
    """Raise Invalid for windows that end before they begin or overlap; the schedule's days can break nothing."""
    try:
        Calendar(
            first_date=date(2000, 1, 1),
            last_date=date(2000, 1, 1),
            zone=EASTERN,
            weekdays=frozenset(WEEK),
            windows=tuple(
                CallingWindow(opens_minute=window.opens_minute, closes_minute=window.closes_minute)
                for window in windows
            ),
        )
    except Invalid as error:
        raise Invalid("profiles", error.message) from error


def refuse_broken_dates(first_date: date, last_date: date, time_zone: str) -> None:
    """Raise Invalid for dates in the wrong order and for an unknown zone."""
    Calendar(first_date=first_date, last_date=last_date, zone=time_zone, weekdays=frozenset(WEEK), windows=())


def _date(fields: Fields, name: str) -> date | None:
    return _day(fields.text(name), name) if given(fields, name) else None


def _day(text: str, name: str) -> date:
    """Read a date, also as lists write it: with its midnight, by whoever sends back what they were given."""
    return parse_calendar_date(text.removesuffix(" 00:00:00"), field=name)


def _time_zone(fields: Fields) -> str:
    if not given(fields, "time_zone"):
        return EASTERN
    zone = fields.text("time_zone").strip()
    check_zone(zone)
    return zone


def _name(fields: Fields) -> str | None:
    if not given(fields, "name"):
        return None
    name = fields.text("name").strip()
    if len(name) > LONGEST_NAME_CHARACTERS:
        raise Invalid("name", f"The name may not be greater than {LONGEST_NAME_CHARACTERS} characters.")
    if holds_unseen(name):
        raise Invalid("name", "The name holds a character that cannot be seen.")
    return name or None


def _required(fields: Fields, name: str) -> str:
    if not given(fields, name):
        raise Invalid(name, f"The {name} field is required.")
    return fields.text(name)
