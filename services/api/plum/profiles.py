"""Profiles: how fast campaigns call (PLUM-40 to PLUM-46)."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.parameters import described, sent
from services.api.plum.campaign_operations import CAMPAIGN_EXAMPLE
from services.api.plum.messages import (
    NamedAnswer,
    NewProfileParameters,
    ProfileEntry,
    ProfileParameters,
    Success,
)
from services.api.plum.named_rule import NamedRuleOperations, named_rule_routes
from services.api.plum.nicknames import nickname_of
from services.api.plum.shapes import profile_shape
from services.api.request_body import Fields, read_fields
from services.api.routes import BY_ID, MADE, Link, Operation, Route, path_id
from shared.domain.pace import Pace
from shared.ports.campaign_changes import CampaignChanges, PaceChange
from shared.ports.campaigns import Campaigns

_TAG: Final = "Profiles"
_UNKNOWN: Final = "There is no such profile."


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profile endpoints."""

    campaigns: Campaigns
    changes: CampaignChanges

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return named_rule_routes("profile", self, _OPERATIONS)

    async def create(self, request: web.Request) -> web.Response:
        """Make a profile."""
        fields = described(await read_fields(request), NewProfileParameters)
        profile = await self.campaigns.create_profile(request[TENANT], nickname_of(fields), pace_of(fields))
        return success({"response": {"id": profile.profile_id, "nickname": profile.nickname}})

    async def index(self, request: web.Request) -> web.Response:
        """List the tenant's profiles as a bare array (PLUM-09)."""
        return json_answer([profile_shape(found) for found in await self.campaigns.profiles(request[TENANT])])

    async def update(self, request: web.Request) -> web.Response:
        """Change what was sent of a profile, by PATCH or PUT (PLUM-44)."""
        profile_id = path_id(request)
        fields = described(await read_fields(request), ProfileParameters)
        changed = await self.changes.update_profile(
            request[TENANT], profile_id, nickname_of(fields), pace_change_of(fields)
        )
        return success({"response": {"id": profile_id, "nickname": changed.nickname}})

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a profile that no campaign uses (PLUM-45)."""
        await self.changes.delete_profile(request[TENANT], path_id(request))
        return success()


def pace_of(fields: Fields) -> Pace:
    """Return the pace; all three figures are required (PLUM-40). Raises Invalid."""
    return Pace(
        period_minutes=fields.integer("period"),
        amount=fields.integer("amount_per_period"),
        gap_minutes=fields.integer("time_between_periods"),
    )


def pace_change_of(fields: Fields) -> PaceChange:
    """Return the figures that were sent; raises Invalid."""

    def figure(name: str) -> int | None:
        return fields.integer(name) if sent(fields, name) else None

    return PaceChange(
        period_minutes=figure("period"),
        amount=figure("amount_per_period"),
        gap_minutes=figure("time_between_periods"),
    )


_CREATE: Final = Operation(
    id="createProfile",
    tag=_TAG,
    takes=NewProfileParameters,
    sends={
        "period": 30,
        "amount_per_period": 100,
        "time_between_periods": 10,
        "nickname": "MorningPace",
    },
    answers=NamedAnswer,
    example={"status": "success", "response": {"id": 5, "nickname": "MorningPace"}},
    leads_to={
        **dict.fromkeys(("updateProfile", "replaceProfile", "deleteProfile"), BY_ID),
        "createCampaign": Link(
            body={
                **CAMPAIGN_EXAMPLE,
                "schedule_id": "3wkdays",
                "profiles": [{"profile": MADE, "start_time": "08:00", "end_time": "21:00"}],
            }
        ),
    },
)
_LIST: Final = Operation(
    id="listProfiles",
    tag=_TAG,
    answers=list[ProfileEntry],
    example=[
        {
            "profile_id": 5,
            "nickname": "MorningPace",
            "period": 30,
            "amount_per_period": 100,
            "time_between_periods": 10,
        }
    ],
)
_UPDATES: Final = {
    method: Operation(
        id=name,
        tag=_TAG,
        description=(
            "PATCH and PUT are alike: only what is sent is changed. Running campaigns take a new pace up with their "
            "next period or calling window, whichever is first."
        ),
        takes=ProfileParameters,
        sends={"period": 31, "amount_per_period": 101, "time_between_periods": 11, "nickname": "30-100-10"},
        answers=NamedAnswer,
        example={"status": "success", "response": {"id": 17, "nickname": "30-100-10"}},
        refuses={404: _UNKNOWN},
    )
    for method, name in (("PATCH", "updateProfile"), ("PUT", "replaceProfile"))
}
_DELETE: Final = Operation(
    id="deleteProfile",
    tag=_TAG,
    description="Refused while a campaign uses it; the one with the highest id is named.",
    answers=Success,
    example={"status": "success"},
    refuses={400: "Profile MorningPace(id 5) is being used with campaign id 4.", 404: _UNKNOWN},
)
_OPERATIONS: Final = NamedRuleOperations(create=_CREATE, index=_LIST, updates=_UPDATES, delete=_DELETE)
