"""Holds by HTTP: a tenant stops its own dialing, all of it or one campaign, and says why."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.campaign_path import NO_CAMPAIGN
from services.api.desk_messages import (
    HoldAnswer,
    HoldEntry,
    HoldParameters,
    ReleasedAnswer,
    ReleaseParameters,
)
from services.api.examples import DONE, HOLD, RELEASED
from services.api.parameters import described
from services.api.plum.campaigns import calls_of, campaign_id_of
from services.api.request_body import Fields, read_fields
from services.api.routes import Operation, Route
from shared.domain.campaign import Dialect
from shared.ports.campaigns import Campaigns
from shared.ports.holds import PLATFORM, Hold, Holds

_TAG: Final = "Holds"


@dataclass(frozen=True, slots=True)
class HoldDesk:
    """The hold endpoints."""

    holds: Holds
    campaigns: Campaigns

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(
                method="POST", path="/api/hold", handler=self.place, summary="Hold all dialing",
                operation=Operation(
                    id="placeHold", tag=_TAG, takes=HoldParameters, answers=HoldAnswer,
                    sends={"reason": "carrier maintenance"}, refuses={404: NO_CAMPAIGN},
                    example={**DONE, "response": HOLD},
                ),
            ),
            Route(
                method="GET", path="/api/hold", handler=self.index, summary="List standing holds",
                operation=Operation(id="listHolds", tag=_TAG, answers=list[HoldEntry], example=[HOLD]),
            ),
            Route(
                method="POST", path="/api/release", handler=self.release, summary="Release holds",
                operation=Operation(
                    id="releaseHolds", tag=_TAG, takes=ReleaseParameters, answers=ReleasedAnswer,
                    sends={"campaign_id": 2}, example=RELEASED, refuses={404: NO_CAMPAIGN},
                ),
            ),
        )  # fmt: skip

    async def place(self, request: web.Request) -> web.Response:
        """Hold the tenant, or the campaign that is named."""
        fields = described(await read_fields(request), HoldParameters)
        hold = await self.holds.place(
            request[TENANT],
            fields.text("reason"),
            campaign_id=await self._campaign(request, fields),
            hang_up=calls_of(fields) == "hangup",
        )
        return success({"response": hold_shape(hold)})

    async def index(self, request: web.Request) -> web.Response:
        """List what holds the tenant, the platform's holds included."""
        return json_answer([hold_shape(hold) for hold in await self.holds.standing(request[TENANT])])

    async def release(self, request: web.Request) -> web.Response:
        """Release the tenant's holds, or those of the campaign that is named; never the platform's."""
        fields = described(await read_fields(request), ReleaseParameters)
        campaign_id = await self._campaign(request, fields)
        return success({"released": await self.holds.release(request[TENANT], campaign_id=campaign_id)})

    async def _campaign(self, request: web.Request, fields: Fields) -> int | None:
        if "campaign_id" not in fields.names:
            return None
        view = await self.campaigns.campaign(request[TENANT], Dialect.PLUM, campaign_id_of(fields))
        return view.campaign_id


def hold_shape(hold: Hold) -> HoldEntry:
    """Return a hold as its owner sees it."""
    return {
        "id": hold.hold_id,
        "of": "platform" if hold.tenant_id == PLATFORM else "tenant",
        "campaign_id": hold.campaign_id,
        "reason": hold.reason,
        "calls": "hangup" if hold.hang_up else "finish",
        "placed_at": hold.placed_at.isoformat(timespec="seconds"),
    }
