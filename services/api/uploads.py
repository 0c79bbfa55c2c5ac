"""Uploads by HTTP: what a campaign was given, which lines were not taken, and how a mistake is taken back.

Taking back is harmless to repeat: what has ended stays as it ended, and only what is undialed is ended.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from services.api.answering_once import is_done_once
from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.campaign_path import CAMPAIGN, NO_CAMPAIGN
from services.api.campaign_records import instant
from services.api.examples import CANCELED, REJECTS, UPLOADS
from services.api.list_fields import limit_of, page_of, text_of
from services.api.parameters import described
from services.api.phone_list_upload import PhoneListUpload, UploadTurns
from services.api.plum.campaigns import phone_lines
from services.api.plum.shapes import refused_shape
from services.api.request_body import BodyLimits, Fields, read_body, read_fields
from services.api.routes import Operation, Route, path_id
from services.api.upload_messages import (
    CanceledAnswer,
    CancelParameters,
    PageParameters,
    RejectParameters,
    RejectsAnswer,
    UploadEntry,
)
from shared.domain.campaign import Dialect
from shared.domain.errors import Invalid, NotFound
from shared.domain.phone_list_line import MAX_REFERENCE_CHARS
from shared.ports.upload_desk import Canceled, UploadDesk, UploadView

#: Of one request; more are an upload, which is taken back by its number.
MOST_REFERENCES: Final = 10_000
_CURSOR: Final = re.compile(r"([0-9]{1,9})-([0-9]{1,18})")
#: What an integer of Postgres holds, and more uploads than a campaign has.
_UPLOAD: Final = re.compile(r"[0-9]{1,9}")
_TAG: Final = "Uploads"
_UNKNOWN: Final = {404: NO_CAMPAIGN}


@dataclass(frozen=True, slots=True)
class UploadRoom:
    """The endpoints of uploads."""

    desk: UploadDesk
    upload_bytes: int
    turns: UploadTurns = field(default_factory=UploadTurns)
    #: For who takes back with an Idempotency-Key: each holds a connection while its steps need another. Were there as
    #: many of them as connections, all would wait for one, and everybody else with them.
    keyed_turns: UploadTurns = field(default_factory=UploadTurns)

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(
                method="GET", path=f"{CAMPAIGN}/uploads", handler=self.index, summary="List a campaign's uploads",
                operation=Operation(
                    id="listUploads", tag=_TAG, takes=PageParameters, by_query=True, answers=list[UploadEntry],
                    example=UPLOADS,
                    refuses=_UNKNOWN,
                ),
            ),
            Route(
                method="GET", path=f"{CAMPAIGN}/rejects", handler=self.rejects,
                summary="List lines that were not taken",
                operation=Operation(
                    id="listRejects", tag=_TAG, takes=RejectParameters, by_query=True, answers=RejectsAnswer,
                    example=REJECTS,
                    refuses=_UNKNOWN,
                ),
            ),
            Route(
                method="POST", path=f"{CAMPAIGN}/uploads/{{upload:[0-9]+}}/cancel", handler=self.cancel_upload,
                summary="Take an upload back",
                operation=Operation(
                    id="cancelUpload", tag=_TAG, description=CANCELING, answers=CanceledAnswer, refuses=_UNKNOWN,
                    example=CANCELED,
                ),
            ),
            Route(
                method="POST", path=f"{CAMPAIGN}/numbers/cancel", handler=self.cancel_numbers,
                summary="Take numbers back",
                operation=Operation(
                    id="cancelNumbers", tag=_TAG, description=CANCELING, takes=CancelParameters,
                    answers=CanceledAnswer, refuses=_UNKNOWN, example=CANCELED,
                    sends={"phone_numbers": ["tel:+12025550100"]},
                ),
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """List a campaign's uploads, the oldest first."""
        page = page_of(described(await read_fields(request), PageParameters))
        uploads = await self.desk.uploads(
            request[TENANT], Dialect.PLUM, path_id(request), after=page.after, limit=page.limit
        )
        return json_answer([upload_shape(upload) for upload in uploads])

    async def rejects(self, request: web.Request) -> web.Response:
        """List the lines that were refused or duplicates, by upload and line."""
        fields = described(await read_fields(request), RejectParameters)
        limit = limit_of(fields)
        lines = await self.desk.rejects(
            request[TENANT], Dialect.PLUM, path_id(request), after=_cursor_of(fields), limit=limit
        )
        last = lines[-1] if len(lines) == limit else None
        return json_answer(
            {
                "rejects": [{"upload": each.upload_no, **refused_shape(each.line)} for each in lines],
                "next": f"{last.upload_no}-{last.line.line_no}" if last else None,
            }
        )

    async def cancel_upload(self, request: web.Request) -> web.Response:
        """End what is undialed of an upload."""
        written = request.match_info["upload"]
        if _UPLOAD.fullmatch(written) is None:
            raise NotFound(f"There is nothing at {request.path}.")
        async with self._turn(request):
            canceled = await self.desk.cancel_upload(
                request[TENANT], Dialect.PLUM, path_id(request), int(written)
            )
        return success(canceled_shape(canceled))

    async def cancel_numbers(self, request: web.Request) -> web.Response:
        """End what is undialed of some numbers, named by themselves or by their references."""
        campaign_id = path_id(request)
        with PhoneListUpload(self.turns) as upload:
            fields = await read_body(
                request, limits=BodyLimits(file_bytes=self.upload_bytes), on_file=upload.take
            )
            await upload.turn(fields)
            fields = described(fields, CancelParameters)
            lines, references = phone_lines(fields, upload), _references(fields)
            async with self._turn(request):
                if lines is not None and references is None:
                    canceled = await self.desk.cancel_numbers(
                        request[TENANT], Dialect.PLUM, campaign_id, lines
                    )
                elif references is not None and lines is None:
                    canceled = await self.desk.cancel_references(
                        request[TENANT], Dialect.PLUM, campaign_id, references
                    )
                else:
                    raise Invalid("phone_numbers", "Send either phone_numbers or message_references.")
        return success(canceled_shape(canceled))

    @asynccontextmanager
    async def _turn(self, request: web.Request) -> AsyncIterator[None]:
        if not is_done_once(request):
            yield
            return
        await self.keyed_turns.take()
        try:
            yield
        finally:
            self.keyed_turns.give_back()


CANCELING: Final = (
    "Whatever is undialed ends with the result `canceled`, which is posted as any other. A call under way goes on to "
    "its end and is the number's last. Sending it again ends what has come back since, and changes nothing else."
)


def upload_shape(upload: UploadView) -> UploadEntry:
    """Return an upload as its owner sees it."""
    return {
        "upload": upload.upload_no,
        "file_name": upload.file_name,
        "accepted": upload.accepted,
        "refused": upload.refused,
        "duplicates": upload.duplicates,
        "uploaded_at": upload.uploaded_at.isoformat(timespec="milliseconds"),
        "canceled_at": instant(upload.canceled_at),
    }


def canceled_shape(canceled: Canceled) -> dict[str, object]:
    """Return what became of numbers that were taken back."""
    return {
        "canceled": canceled.canceled,
        "in_call": canceled.in_call,
        "refused": canceled.refused,
        "refused_lines": [refused_shape(line) for line in canceled.refused_lines],
    }


def _references(fields: Fields) -> list[str] | None:
    """Return the message references; None where none were sent. Raises Invalid."""
    name = "message_references"
    if name not in fields.names:
        return None
    sent = fields.array(name)
    references = [each.strip() for each in sent if isinstance(each, str)]
    if len(references) != len(sent) or not all(references):
        raise Invalid(name, f"The {name} are a JSON array of texts that are not empty.")
    if not 1 <= len(references) <= MOST_REFERENCES:
        raise Invalid(name, f"Send from 1 to {MOST_REFERENCES:,} {name}.")
    if any(len(each) > MAX_REFERENCE_CHARS or "\0" in each for each in references):
        raise Invalid(name, f"A message reference has at most {MAX_REFERENCE_CHARS} characters.")
    return references


def _cursor_of(fields: Fields) -> tuple[int, int]:
    text = text_of(fields, "cursor")
    if text is None:
        return 0, 0
    matched = _CURSOR.fullmatch(text)
    if matched is None:
        raise Invalid("cursor", "The cursor is the next of the page before; leave it out to begin.")
    return int(matched[1]), int(matched[2])
