"""Profiles: how fast campaigns call (PLUM-40 to PLUM-43)."""

from dataclasses import dataclass

from aiohttp import web

from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.plum.nicknames import nickname_of
from services.api.plum.shapes import profile_shape
from services.api.request_body import Fields, read_fields
from services.api.routes import Route
from shared.domain.errors import Invalid
from shared.domain.pace import Pace
from shared.ports.campaigns import Campaigns


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profile endpoints."""

    campaigns: Campaigns

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(method="POST", path="/api/profiles", handler=self.create, summary="Create a profile"),
            Route(method="GET", path="/api/profiles", handler=self.index, summary="List profiles"),
        )

    async def create(self, request: web.Request) -> web.Response:
        """Make a profile."""
        fields = await read_fields(request)
        profile = await self.campaigns.create_profile(request[TENANT], nickname_of(fields), pace_of(fields))
        return success({"response": {"id": profile.profile_id, "nickname": profile.nickname}})

    async def index(self, request: web.Request) -> web.Response:
        """List the tenant's profiles as a bare array (PLUM-09)."""
        return json_answer([profile_shape(found) for found in await self.campaigns.profiles(request[TENANT])])


def pace_of(fields: Fields) -> Pace:
    """Return the pace; all three figures are required (PLUM-40). Raises Invalid."""
    return Pace(
        period_minutes=_required(fields, "period"),
        amount=_required(fields, "amount_per_period"),
        gap_minutes=_required(fields, "time_between_periods"),
    )


def _required(fields: Fields, name: str) -> int:
    if name not in fields.names:
        raise Invalid(name, f"The {name} field is required.")
    return fields.integer(name)
