"""The blocklist by HTTP: numbers that are never called, from the moment of the answer on.

A bare array, in the order of the numbers' digits, read on with `after=` the last phone_number. One number comes as
`phone_number`, many as `phone_numbers`: a JSON array or a file in the form of phone lists, whose message_reference is
then the line's own reason.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.desk_messages import (
    BlockedAnswer,
    BlockedCounts,
    BlockedEntry,
    BlocklistParameters,
    BlockParameters,
    UnblockParameters,
)
from services.api.examples import BLOCKED, BLOCKING, DONE
from services.api.list_fields import limit_of, number_of, text_of
from services.api.parameters import described
from services.api.phone_list_upload import PhoneListUpload, UploadTurns, lines_of_array
from services.api.plum.campaigns import phone_lines
from services.api.plum.messages import Success
from services.api.plum.shapes import refused_shape
from services.api.request_body import BodyLimits, Fields, read_body, read_fields
from services.api.routes import Operation, Route
from shared.domain.errors import Invalid
from shared.domain.phone_list import Row
from shared.ports.blocklist import Blocked, BlockedNumber, Blocklist

#: Who blocked a number where nothing is said.
_SOURCE: Final = "api"
_TAG: Final = "Blocked numbers"


@dataclass(frozen=True, slots=True)
class BlocklistRoom:
    """The blocklist's endpoints."""

    blocklist: Blocklist
    upload_bytes: int
    turns: UploadTurns = field(default_factory=UploadTurns)

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(
                method="GET", path="/api/blocklist", handler=self.index, summary="List blocked numbers",
                operation=Operation(
                    id="listBlocked", tag=_TAG, takes=BlocklistParameters, answers=list[BlockedEntry],
                    example=[BLOCKED],
                ),
            ),
            Route(
                method="POST", path="/api/blocklist", handler=self.add, summary="Block numbers",
                operation=Operation(
                    id="blockNumbers", tag=_TAG, takes=BlockParameters, answers=BlockedAnswer,
                    sends={"phone_number": "+12025550100", "reason": "asked not to be called"}, example=BLOCKING,
                ),
            ),
            Route(
                method="DELETE", path="/api/blocklist", handler=self.remove, summary="Allow a number again",
                operation=Operation(
                    id="unblockNumber", tag=_TAG, takes=UnblockParameters, answers=Success, example=DONE,
                    refuses={404: "The number +12025550100 is not on the blocklist."},
                ),
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """List the tenant's blocked numbers."""
        fields = described(await read_fields(request), BlocklistParameters)
        after = number_of(fields, "after")
        numbers = await self.blocklist.page(
            request[TENANT],
            after=after or "",
            limit=limit_of(fields),
        )
        return json_answer([blocked_shape(number) for number in numbers])

    async def add(self, request: web.Request) -> web.Response:
        """Block one number or a list of them: all, or none when the list cannot be read."""
        with PhoneListUpload(self.turns) as upload:
            limits = BodyLimits(file_bytes=self.upload_bytes)
            fields = described(await read_body(request, limits=limits, on_file=upload.take), BlockParameters)
            await upload.turn(fields)
            blocked = await self.blocklist.add(
                request[TENANT],
                _lines(fields, upload),
                reason=text_of(fields, "reason"),
                source=text_of(fields, "source") or _SOURCE,
            )
        return success({"response": outcome_shape(blocked)})

    async def remove(self, request: web.Request) -> web.Response:
        """Allow a number again."""
        number = number_of(described(await read_fields(request), UnblockParameters), "phone_number")
        if number is None:
            raise Invalid("phone_number", "The phone_number field is required.")
        await self.blocklist.remove(request[TENANT], number)
        return success()


def _lines(fields: Fields, upload: PhoneListUpload) -> AsyncIterator[Sequence[Row]]:
    """Return what is to be blocked; raises Invalid where that is nothing, and for one number that is none."""
    one = number_of(fields, "phone_number")
    many = phone_lines(fields, upload)
    if (one is None) == (many is None):
        raise Invalid("phone_number", "Send either one phone_number or a list of phone_numbers.")
    return many if many is not None else lines_of_array([one])


def blocked_shape(number: BlockedNumber) -> BlockedEntry:
    """Return a blocked number as its owner sees it."""
    return {
        "phone_number": number.e164,
        "reason": number.reason,
        "source": number.source,
        "created_at": number.created_at.isoformat(timespec="seconds"),
    }


def outcome_shape(blocked: Blocked) -> BlockedCounts:
    """Return what became of an addition."""
    return {
        "added": blocked.added,
        "already": blocked.already,
        "refused": blocked.refused,
        "refused_lines": [refused_shape(line) for line in blocked.refused_lines],
    }
