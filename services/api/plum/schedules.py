"""Schedules: the weekdays on which campaigns run (PLUM-20 to PLUM-33)."""

from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.parameters import described
from services.api.plum.campaign_operations import CAMPAIGN_EXAMPLE
from services.api.plum.messages import (
    ChangedScheduleAnswer,
    NamedAnswer,
    NewScheduleParameters,
    ScheduleEntry,
    ScheduleParameters,
    Success,
)
from services.api.plum.named_rule import NamedRuleOperations, named_rule_routes
from services.api.plum.nicknames import nickname_of
from services.api.plum.shapes import schedules_shape
from services.api.request_body import Fields, read_fields
from services.api.routes import BY_ID, MADE, Link, Operation, Route, path_id
from shared.domain.errors import Invalid
from shared.domain.wall_clock import WEEK, Weekday
from shared.ports.campaign_changes import CampaignChanges
from shared.ports.campaigns import Campaigns

_TAG: Final = "Schedules"
_UNKNOWN: Final = "There is no such schedule."


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedule endpoints."""

    campaigns: Campaigns
    changes: CampaignChanges

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return named_rule_routes("schedule", self, _OPERATIONS)

    async def create(self, request: web.Request) -> web.Response:
        """Make a schedule."""
        fields = described(await read_fields(request), NewScheduleParameters)
        schedule = await self.campaigns.create_schedule(request[TENANT], nickname_of(fields), days_of(fields))
        return success({"response": {"id": schedule.schedule_id, "nickname": schedule.nickname}})

    async def index(self, request: web.Request) -> web.Response:
        """List the tenant's schedules as a bare array (PLUM-09)."""
        return json_answer(schedules_shape(await self.campaigns.schedules(request[TENANT])))

    async def update(self, request: web.Request) -> web.Response:
        """Change what was sent of a schedule, by PATCH or PUT (PLUM-27)."""
        schedule_id = path_id(request)
        fields = described(await read_fields(request), ScheduleParameters)
        days = days_of(fields) if "days" in fields.names else None
        changed = await self.changes.update_schedule(request[TENANT], schedule_id, nickname_of(fields), days)
        names = orjson.dumps([day.value for day in changed.days]).decode()
        return success({"response": {"id": schedule_id, "days": names, "nickname": changed.nickname}})

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a schedule that no campaign uses (PLUM-33)."""
        await self.changes.delete_schedule(request[TENANT], path_id(request))
        return success()


def days_of(fields: Fields) -> tuple[Weekday, ...]:
    """Return the weekdays, each once, Monday first; raises Invalid."""
    if "days" not in fields.names:
        raise Invalid("days", "The days field is required.")
    named = fields.array("days")
    if not named:
        raise Invalid("days", 'Name at least one day, for example ["mon", "wed"].')
    known = {day.value: day for day in WEEK}
    unknown = [name for name in named if not isinstance(name, str) or name.strip().lower() not in known]
    if unknown:
        raise Invalid(
            "days", f"The days are written mon, tue, wed, thu, fri, sat or sun, not {_shown(unknown[0])}."
        )
    chosen = {str(name).strip().lower() for name in named}
    return tuple(day for day in WEEK if day.value in chosen)


def _shown(value: object) -> str:
    longest = 40  # enough to recognise it by, too little to flood a log with
    return repr(value)[:longest]


_CREATE: Final = Operation(
    id="createSchedule",
    tag=_TAG,
    takes=NewScheduleParameters,
    sends={"days": ["mon", "wed", "fri"], "nickname": "3wkdays"},
    answers=NamedAnswer,
    example={"status": "success", "response": {"id": 6, "nickname": "3wkdays"}},
    leads_to={
        **dict.fromkeys(("updateSchedule", "replaceSchedule", "deleteSchedule"), BY_ID),
        "createCampaign": Link(body={**CAMPAIGN_EXAMPLE, "schedule_id": MADE}),
    },
)
_LIST: Final = Operation(
    id="listSchedules",
    tag=_TAG,
    answers=list[ScheduleEntry],
    example=[{"schedule_id": 6, "nickname": "3wkdays", "days": ["mon", "wed", "fri"]}],
)
_UPDATES: Final = {
    method: Operation(
        id=name,
        tag=_TAG,
        description=(
            "PATCH and PUT are alike: only what is sent is changed. What running campaigns have planned by the old "
            "days is not dialed any more. The days come back as a JSON array in a string."
        ),
        takes=ScheduleParameters,
        sends={"days": ["mon", "wed"]},
        answers=ChangedScheduleAnswer,
        example={
            "status": "success",
            "response": {"id": 15, "days": '["mon","wed"]', "nickname": "MonWedOnly"},
        },
        refuses={404: _UNKNOWN},
    )
    for method, name in (("PATCH", "updateSchedule"), ("PUT", "replaceSchedule"))
}
_DELETE: Final = Operation(
    id="deleteSchedule",
    tag=_TAG,
    description="Refused while a campaign uses it; the one with the highest id is named.",
    answers=Success,
    example={"status": "success"},
    refuses={400: "Schedule 3wkdays(id 6) is being used with campaign id 3.", 404: _UNKNOWN},
)
_OPERATIONS: Final = NamedRuleOperations(create=_CREATE, index=_LIST, updates=_UPDATES, delete=_DELETE)
