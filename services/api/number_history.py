"""What was done with one phone number: the answer to a complaint.

It goes through every campaign of the tenant, deleted ones too: on which line of which upload the number stood, what was
decided about it and why, when it was called under which Call-ID, who was told of the result, and when it opted out.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answers import json_answer
from services.api.authentication import TENANT
from services.api.campaign_records import attempt_shape, cursor_of, instant, written_cursor
from services.api.examples import HISTORY
from services.api.list_fields import limit_of
from services.api.parameters import described
from services.api.record_messages import (
    MOST_LINES,
    USUAL_LINES,
    HistoryAnswer,
    HistoryBlockedEntry,
    HistoryDeliveryEntry,
    HistoryParameters,
    LineEntry,
)
from services.api.request_body import read_fields
from services.api.routes import Operation, Route
from shared.domain.errors import NotFound
from shared.domain.phone_number import to_e164
from shared.ports.blocklist import BlockedNumber
from shared.ports.number_history import HistoryDelivery, HistoryEntry, NumberHistories

#: A number is far shorter; what is longer is none.
_MOST_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class HistoryRoom:
    """The endpoint of histories."""

    histories: NumberHistories

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(
                method="GET", path="/api/numbers/{e164}/history", handler=self.show,
                summary="Tell what was done with a phone number",
                operation=Operation(
                    id="showNumberHistory", tag="Numbers", takes=HistoryParameters, by_query=True,
                    answers=HistoryAnswer, example=HISTORY,
                    description="Of all campaigns, deleted ones too. A number that is not known has an empty history.",
                ),
            ),
        )  # fmt: skip

    async def show(self, request: web.Request) -> web.Response:
        """Tell the history of a number, however it is written."""
        written = request.match_info["e164"]
        if len(written) > _MOST_CHARACTERS:
            raise NotFound(f"There is nothing at {request.path[:_MOST_CHARACTERS]}….")
        fields = described(await read_fields(request), HistoryParameters)
        history = await self.histories.history(
            request[TENANT],
            to_e164(written, field="e164"),
            before=cursor_of(fields, b"h") or None,
            limit=limit_of(fields, usual=USUAL_LINES, highest=MOST_LINES),
        )
        answer: HistoryAnswer = {
            "phone_number": history.e164,
            "blocked": None if history.blocked is None else _blocked_shape(history.blocked),
            "opt_outs": [
                {
                    "at": each.at.isoformat(timespec="milliseconds"), "blocked": each.blocked,
                    "actor": each.actor, "reason": each.reason, "source": each.source,
                }
                for each in history.opt_outs
            ],
            "last_call_ended_at": instant(history.last_call_ended_at),
            "lines": [line_shape(entry) for entry in history.entries],
            "next": written_cursor(b"h", history.next_before),
        }  # fmt: skip
        return json_answer(answer)


def _blocked_shape(number: BlockedNumber) -> HistoryBlockedEntry:
    return {
        "phone_number": number.e164,
        "reason": number.reason,
        "source": number.source,
        "created_at": number.created_at.isoformat(timespec="milliseconds"),
    }


def line_shape(entry: HistoryEntry) -> LineEntry:
    """Return one line of an upload with all that followed from it."""
    return {
        "campaign_id": entry.campaign_id,
        "campaign_name": entry.campaign_name,
        "call_id": entry.call_id,
        "upload": entry.upload_no,
        "file_name": entry.file_name,
        "line": entry.line_no,
        "uploaded_at": instant(entry.uploaded_at),
        "message_reference": entry.message_reference,
        "state": entry.state.value,
        "attempts_made": entry.tries,
        "canceled_at": instant(entry.canceled_at),
        "outcome": None if entry.outcome is None else entry.outcome.title,
        "result": None if entry.result is None else entry.result.value,
        "ended_at": instant(entry.ended_at),
        "attempts": [attempt_shape(attempt) for attempt in entry.attempts],
        "more_attempts": entry.more_attempts,
        "delivery": None if entry.delivery is None else _delivery_shape(entry.delivery),
    }


def _delivery_shape(delivery: HistoryDelivery) -> HistoryDeliveryEntry:
    return {
        "state": delivery.state,
        "url": delivery.url,
        "webhook_id": delivery.webhook_id,
        "tries": delivery.tries,
        "created_at": instant(delivery.created_at),
        "delivered_at": instant(delivery.delivered_at),
        "last_tried_at": instant(delivery.last_tried_at),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
    }
