"""Campaigns: made, started, stopped, given more numbers, and looked at (PLUM-50 to PLUM-70)."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.phone_list_upload import PhoneListUpload, lines_of_array
from services.api.plum.new_campaign import NewCampaignReader
from services.api.plum.shapes import campaign_shape, taken_in_shape
from services.api.preflight import Inspector
from services.api.request_body import BodyLimits, Fields, read_body, read_fields
from services.api.routes import Route
from shared.domain.callee_hours import CalleeHours
from shared.domain.campaign import Dialect
from shared.domain.egress import EgressPolicy
from shared.domain.errors import Invalid, NotFound
from shared.domain.phone_list import Row
from shared.failpoints import Failpoint, failpoint
from shared.ports.campaigns import Campaigns

#: The newest ones; a client with more looks at them one by one.
MOST_LISTED: Final = 1000
#: Ids are digits and nothing else, up to what a bigint holds.
_ID: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class PlumCampaigns:
    """The campaign endpoints."""

    campaigns: Campaigns
    egress: EgressPolicy
    inspector: Inspector
    upload_bytes: int
    #: Of new campaigns that say nothing of callees' hours.
    callee_hours: CalleeHours | None = None

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(method="POST", path="/api/campaigns", handler=self.create, summary="Create a campaign"),
            Route(method="GET", path="/api/campaigns", handler=self.index, summary="List campaigns"),
            Route(method="POST", path="/api/campaigns/start", handler=self.start, summary="Start a campaign"),
            Route(method="POST", path="/api/campaigns/stop", handler=self.stop, summary="Stop a campaign"),
            Route(method="POST", path="/api/campaigns/add-calls", handler=self.add_calls, summary="Add numbers"),
            Route(method="GET", path="/api/campaigns/{id}", handler=self.show, summary="Show a campaign"),
        )  # fmt: skip

    async def create(self, request: web.Request) -> web.Response:
        """Make a campaign with its phone list, both or neither."""
        tenant_id = request[TENANT]
        with PhoneListUpload() as upload:
            fields = await self._read(request, upload)
            reader = NewCampaignReader(self.campaigns, self.egress, tenant_id, self.callee_hours)
            campaign = await reader.read(fields)
            lines = phone_lines(fields, upload)
            taken = await self.campaigns.create_campaign(
                tenant_id, campaign, lines, file_name=upload.file_name
            )
        await failpoint(Failpoint.UPLOAD_COMMITTED)
        return success({"response": {"id": taken.campaign_id, **taken_in_shape(taken)}})

    async def add_calls(self, request: web.Request) -> web.Response:
        """Append numbers to the end of a campaign's queue (PLUM-65)."""
        with PhoneListUpload() as upload:
            fields = await self._read(request, upload)
            campaign_id = campaign_id_of(fields)
            lines = phone_lines(fields, upload)
            if lines is None:
                raise Invalid("phone_numbers", "The phone_numbers field is required: a JSON array or a file.")
            taken = await self.campaigns.add_numbers(
                request[TENANT], Dialect.PLUM, campaign_id, lines, file_name=upload.file_name
            )
        await failpoint(Failpoint.UPLOAD_COMMITTED)
        return success(taken_in_shape(taken))

    async def start(self, request: web.Request) -> web.Response:
        """Start a campaign; one that runs already goes on."""
        campaign_id = campaign_id_of(await read_fields(request))
        view = await self.campaigns.campaign(request[TENANT], Dialect.PLUM, campaign_id)
        answers = await self.inspector.look_at({"start_url": view.start_url, "result_url": view.result_url})
        await self.campaigns.start(request[TENANT], Dialect.PLUM, campaign_id, preflight=answers)
        return success()

    async def stop(self, request: web.Request) -> web.Response:
        """Stop a campaign: nothing more is dialed; calls under way go on to their end, unless `calls=hangup`."""
        fields = await read_fields(request)
        hang_up = calls_of(fields) == "hangup"
        await self.campaigns.stop(request[TENANT], Dialect.PLUM, campaign_id_of(fields), hang_up=hang_up)
        return success()

    async def index(self, request: web.Request) -> web.Response:
        """List the tenant's campaigns as a bare array (PLUM-09)."""
        views = await self.campaigns.campaigns(request[TENANT], Dialect.PLUM, most=MOST_LISTED)
        return json_answer([campaign_shape(view) for view in views])

    async def show(self, request: web.Request) -> web.Response:
        """Show one campaign (an extension: the published API has no such call, PLUM-62)."""
        written = request.match_info["id"]
        if _ID.fullmatch(written) is None:
            raise NotFound(f"There is nothing at {request.path}.")
        return json_answer(
            campaign_shape(await self.campaigns.campaign(request[TENANT], Dialect.PLUM, int(written)))
        )

    async def _read(self, request: web.Request, upload: PhoneListUpload) -> Fields:
        return await read_body(request, limits=BodyLimits(file_bytes=self.upload_bytes), on_file=upload.take)


def campaign_id_of(fields: Fields) -> int:
    """Return the campaign_id of a request; raises Invalid."""
    if "campaign_id" not in fields.names:
        raise Invalid("campaign_id", "The campaign_id field is required.")
    written = fields.text("campaign_id").strip()
    if _ID.fullmatch(written) is None:
        raise Invalid("campaign_id", "The campaign_id must be a whole number.")
    return int(written)


def calls_of(fields: Fields) -> str:
    """Return what a stop does to the calls under way: finish (the default) or hangup; raises Invalid."""
    calls = fields.text("calls").strip() if "calls" in fields.names else "finish"
    if calls not in ("finish", "hangup"):
        raise Invalid("calls", "The calls field is finish (let them end) or hangup (end them now).")
    return calls


def phone_lines(fields: Fields, upload: PhoneListUpload) -> AsyncIterator[Sequence[Row]] | None:
    """Return the phone list, from the file or the JSON array; None where neither was sent."""
    if upload.arrived:
        return upload.lines()
    if "phone_numbers" in fields.names:
        return lines_of_array(fields.array("phone_numbers"))
    return None
