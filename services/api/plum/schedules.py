"""Schedules: the weekdays on which campaigns run (PLUM-20 to PLUM-26)."""

from dataclasses import dataclass

from aiohttp import web

from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.plum.nicknames import nickname_of
from services.api.plum.shapes import schedule_shape
from services.api.request_body import Fields, read_fields
from services.api.routes import Route
from shared.domain.errors import Invalid
from shared.domain.wall_clock import WEEK, Weekday
from shared.ports.campaigns import Campaigns


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedule endpoints."""

    campaigns: Campaigns

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(method="POST", path="/api/schedules", handler=self.create, summary="Create a schedule"),
            Route(method="GET", path="/api/schedules", handler=self.index, summary="List schedules"),
        )

    async def create(self, request: web.Request) -> web.Response:
        """Make a schedule."""
        fields = await read_fields(request)
        schedule = await self.campaigns.create_schedule(request[TENANT], nickname_of(fields), days_of(fields))
        return success({"response": {"id": schedule.schedule_id, "nickname": schedule.nickname}})

    async def index(self, request: web.Request) -> web.Response:
        """List the tenant's schedules as a bare array (PLUM-09)."""
        return json_answer(
            [schedule_shape(found) for found in await self.campaigns.schedules(request[TENANT])]
        )


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
