"""Campaigns: made, listed, changed, started, stopped, given more numbers and deleted (PLUM-50 to PLUM-76)."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from services.api.answering_once import hold_nothing
from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.estimated_end import estimated_end
from services.api.parameters import described, flag_of, sent
from services.api.phone_list_upload import PhoneListUpload, UploadTurns, lines_of_array
from services.api.plum.campaign_operations import OPERATIONS
from services.api.plum.messages import (
    AddCallsParameters,
    CampaignDetail,
    CampaignIdParameters,
    CampaignParameters,
    DeleteCampaignParameters,
    NewCampaignParameters,
    StopParameters,
)
from services.api.plum.new_campaign import CampaignReader
from services.api.plum.shapes import campaign_shape, taken_in_shape
from services.api.preflight import Inspector
from services.api.rehearsal_shape import rehearsal_shape
from services.api.request_body import BodyLimits, Fields, read_body, read_fields
from services.api.routes import ID, Handler, Route, path_id
from shared.domain.callee_hours import CalleeHours
from shared.domain.campaign import Dialect
from shared.domain.egress import EgressPolicy
from shared.domain.errors import Invalid
from shared.domain.phone_list import Row
from shared.failpoints import Failpoint, failpoint
from shared.ports.campaign_changes import CampaignChanges
from shared.ports.campaign_plans import CampaignPlans
from shared.ports.campaigns import Campaigns, Start

#: The newest ones; a client with more looks at them one by one.
MOST_LISTED: Final = 1000
#: Ids are digits and nothing else, up to what a bigint holds.
_ID: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class PlumCampaigns:
    """The campaign endpoints."""

    campaigns: Campaigns
    changes: CampaignChanges
    egress: EgressPolicy
    inspector: Inspector
    upload_bytes: int
    #: Of new campaigns that say nothing of callees' hours.
    callee_hours: CalleeHours | None = None
    turns: UploadTurns = field(default_factory=UploadTurns)
    #: Without them nothing is said of a campaign's end.
    plans: CampaignPlans | None = None

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves; an update without an id lists (PLUM-73)."""
        path = "/api/campaigns"
        handlers: dict[tuple[str, str], Handler] = {
            ("POST", path): self.create,
            ("GET", path): self.index,
            ("POST", f"{path}/start"): self.start,
            ("POST", f"{path}/stop"): self.stop,
            ("POST", f"{path}/add-calls"): self.add_calls,
            ("GET", f"{path}/{ID}"): self.show,
            ("PATCH", f"{path}/{ID}"): self.update,
            ("PUT", f"{path}/{ID}"): self.update,
            ("DELETE", f"{path}/{ID}"): self.delete,
            ("PATCH", path): self.index,
            ("PUT", path): self.index,
        }
        return tuple(
            Route(
                method=method, path=path, handler=handler, summary=OPERATIONS[method, path][0],
                operation=OPERATIONS[method, path][1],
            )
            for (method, path), handler in handlers.items()
        )  # fmt: skip

    async def create(self, request: web.Request) -> web.Response:
        """Make a campaign with its phone list, both or neither."""
        tenant_id = request[TENANT]
        with PhoneListUpload(self.turns) as upload:
            fields = described(await self._read(request, upload), NewCampaignParameters)
            campaign = await self._reader(tenant_id).new(fields)
            lines = phone_lines(fields, upload)
            if flag_of(fields, "validate_only"):
                return json_answer(
                    rehearsal_shape(await self.campaigns.rehearse_campaign(tenant_id, campaign, lines))
                )
            start = None
            if flag_of(fields, "auto_start"):
                start = Start(
                    preflight=await self._preflight(request, campaign.start_url, campaign.result_url)
                )
            taken = await self.campaigns.create_campaign(
                tenant_id, campaign, lines, file_name=upload.file_name, start=start
            )
        await failpoint(Failpoint.UPLOAD_COMMITTED)
        return success({"response": {"id": taken.campaign_id, **taken_in_shape(taken)}})

    async def update(self, request: web.Request) -> web.Response:
        """Change what was sent of a campaign, by PATCH or PUT (PLUM-71)."""
        campaign_id = path_id(request)
        fields = described(await read_fields(request), CampaignParameters)
        # An unknown campaign is told before a field that is wrong.
        await self.campaigns.campaign(request[TENANT], Dialect.PLUM, campaign_id)
        change = await self._reader(request[TENANT]).change(fields)
        await self.changes.update_campaign(request[TENANT], Dialect.PLUM, campaign_id, change)
        return success({"response": {"id": campaign_id}})

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a campaign; its undialed numbers end canceled, its schedule and profiles stay (PLUM-75)."""
        fields = described(await read_fields(request), DeleteCampaignParameters)
        await self.changes.delete_campaign(
            request[TENANT], Dialect.PLUM, path_id(request), hang_up=calls_of(fields) == "hangup"
        )
        return success()

    async def add_calls(self, request: web.Request) -> web.Response:
        """Append numbers to the end of a campaign's queue (PLUM-65)."""
        with PhoneListUpload(self.turns) as upload:
            fields = described(await self._read(request, upload), AddCallsParameters)
            campaign_id = campaign_id_of(fields)
            lines = phone_lines(fields, upload)
            if lines is None:
                raise Invalid("phone_numbers", "The phone_numbers field is required: a JSON array or a file.")
            if flag_of(fields, "validate_only"):
                rehearsal = await self.campaigns.rehearse_numbers(
                    request[TENANT], Dialect.PLUM, campaign_id, lines
                )
                return json_answer(rehearsal_shape(rehearsal))
            taken = await self.campaigns.add_numbers(
                request[TENANT], Dialect.PLUM, campaign_id, lines, file_name=upload.file_name
            )
        await failpoint(Failpoint.UPLOAD_COMMITTED)
        return success(taken_in_shape(taken))

    async def start(self, request: web.Request) -> web.Response:
        """Start a campaign; one that runs already goes on."""
        campaign_id = campaign_id_of(described(await read_fields(request), CampaignIdParameters))
        view = await self.campaigns.campaign(request[TENANT], Dialect.PLUM, campaign_id)
        answers = await self._preflight(request, view.start_url, view.result_url)
        await self.campaigns.start(request[TENANT], Dialect.PLUM, campaign_id, preflight=answers)
        return success()

    async def stop(self, request: web.Request) -> web.Response:
        """Stop a campaign: nothing more is dialed; calls under way go on to their end, unless `calls=hangup`."""
        fields = described(await read_fields(request), StopParameters)
        hang_up = calls_of(fields) == "hangup"
        await self.campaigns.stop(request[TENANT], Dialect.PLUM, campaign_id_of(fields), hang_up=hang_up)
        return success()

    async def index(self, request: web.Request) -> web.Response:
        """List the tenant's campaigns as a bare array (PLUM-09)."""
        views = await self.campaigns.campaigns(request[TENANT], Dialect.PLUM, most=MOST_LISTED)
        return json_answer([campaign_shape(view) for view in views])

    async def show(self, request: web.Request) -> web.Response:
        """Show one campaign (an extension: the published API has no such call, PLUM-62)."""
        tenant_id, campaign_id = request[TENANT], path_id(request)
        view = await self.campaigns.campaign(tenant_id, Dialect.PLUM, campaign_id)
        end = await estimated_end(self.plans, tenant_id, campaign_id) if self.plans else None
        detail: CampaignDetail = {
            **campaign_shape(view),
            "estimated_end": end.isoformat(timespec="milliseconds") if end else None,
        }
        return json_answer(detail)

    def _reader(self, tenant_id: int) -> CampaignReader:
        return CampaignReader(self.campaigns, self.egress, tenant_id, self.callee_hours)

    async def _preflight(
        self, request: web.Request, start_url: str, result_url: str | None
    ) -> dict[str, str] | None:
        await hold_nothing(request)
        return await self.inspector.look_at({"start_url": start_url, "result_url": result_url})

    async def _read(self, request: web.Request, upload: PhoneListUpload) -> Fields:
        limits = BodyLimits(file_bytes=self.upload_bytes)
        fields = await read_body(request, limits=limits, on_file=upload.take)
        await upload.turn(fields)
        return fields


def campaign_id_of(fields: Fields) -> int:
    """Return the campaign_id of a request; raises Invalid."""
    if not sent(fields, "campaign_id"):
        raise Invalid("campaign_id", "The campaign_id field is required.")
    written = fields.text("campaign_id").strip()
    if _ID.fullmatch(written) is None:
        raise Invalid("campaign_id", "The campaign_id must be a whole number.")
    return int(written)


def calls_of(fields: Fields) -> str:
    """Return what a stop does to the calls under way: finish (the default) or hangup; raises Invalid."""
    calls = fields.text("calls").strip() if sent(fields, "calls") else "finish"
    if calls not in ("finish", "hangup"):
        raise Invalid("calls", "The calls field is finish (let them end) or hangup (end them now).")
    return calls


def phone_lines(fields: Fields, upload: PhoneListUpload) -> AsyncIterator[Sequence[Row]] | None:
    """Return the phone list, from the file or the JSON array; None where neither was sent, Invalid for both."""
    if upload.arrived and sent(fields, "phone_numbers"):
        raise Invalid(
            "phone_numbers", "A file and a JSON array of phone_numbers were sent; send one of them."
        )
    if upload.arrived:
        return upload.lines()
    if sent(fields, "phone_numbers"):  # an empty one is that of a form in which nobody chose a file
        return lines_of_array(fields.array("phone_numbers"))
    return None
