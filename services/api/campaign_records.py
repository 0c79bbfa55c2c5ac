"""A campaign's numbers, attempts and results, one by one."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

import orjson
from aiohttp import web

from services.api.answer_in_pieces import cut_off, send_piece
from services.api.answers import json_answer
from services.api.authentication import TENANT
from services.api.campaign_path import CAMPAIGN, NO_CAMPAIGN
from services.api.csv_cells import csv_rows
from services.api.examples import ATTEMPTS, NUMBERS, RESULTS_CSV
from services.api.list_fields import limit_of, text_of
from services.api.parameters import described
from services.api.record_messages import (
    AttemptEntry,
    AttemptPageParameters,
    AttemptsAnswer,
    NumberEntry,
    NumberPageParameters,
    NumbersAnswer,
)
from services.api.request_body import Fields, read_fields
from services.api.routes import Operation, Route, path_id
from shared.domain.attempt import AttemptState
from shared.domain.campaign import Dialect
from shared.domain.disposition import Outcome
from shared.domain.errors import Invalid, Unavailable
from shared.domain.number import NumberState
from shared.ports.campaign_records import AttemptRecord, CampaignRecords, NumberRecord, ResultRecord

State = TypeVar("State", bound=StrEnum)

CSV: Final = "text/csv"
COLUMNS: Final = (
    "call_id", "phone_number", "message_reference", "result", "outcome", "stage", "callee_type", "attempts",
    "last_attempt_timestamp", "duration", "upload", "line", "ended_at", "exit",
)  # fmt: skip
_TAG: Final = "Campaigns"
_UNKNOWN: Final = {404: NO_CAMPAIGN}
#: The states that a stored number can be in.
_NUMBER_STATES: Final = (
    NumberState.READY, NumberState.WAITING, NumberState.IN_ATTEMPT, NumberState.FINAL,
)  # fmt: skip
_OUTCOMES: Final = {outcome.title.lower(): outcome for outcome in Outcome} | {
    str(int(outcome)): outcome for outcome in Outcome
}
_CURSOR: Final = re.compile(rb"([nah])([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class RecordRoom:
    """The endpoints of single numbers and attempts."""

    found: CampaignRecords

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(
                method="GET", path=f"{CAMPAIGN}/numbers", handler=self.numbers, summary="List a campaign's numbers",
                operation=Operation(
                    id="listNumbers", tag=_TAG, takes=NumberPageParameters, by_query=True, answers=NumbersAnswer,
                    example=NUMBERS,
                    refuses=_UNKNOWN,
                ),
            ),
            Route(
                method="GET", path=f"{CAMPAIGN}/attempts", handler=self.attempts, summary="List a campaign's attempts",
                operation=Operation(
                    id="listAttempts", tag=_TAG, takes=AttemptPageParameters, by_query=True, answers=AttemptsAnswer,
                    example=ATTEMPTS,
                    refuses=_UNKNOWN,
                ),
            ),
            Route(
                method="GET", path=f"{CAMPAIGN}/results.csv", handler=self.results,
                summary="Fetch a campaign's results as CSV",
                operation=Operation(
                    id="fetchResultsCsv", tag=_TAG, media_type=CSV, refuses=_UNKNOWN, example=RESULTS_CSV,
                    description="No cell can become a formula of a spreadsheet; phone numbers are `tel:` URIs.",
                ),
            ),
        )  # fmt: skip

    async def numbers(self, request: web.Request) -> web.Response:
        """List numbers, of one state or outcome or all."""
        fields = described(await read_fields(request), NumberPageParameters)
        page = await self.found.numbers(
            request[TENANT], Dialect.PLUM, path_id(request), after=cursor_of(fields, b"n"),
            limit=limit_of(fields), state=_state_of(fields, _NUMBER_STATES), outcome=_outcome_of(fields),
        )  # fmt: skip
        answer: NumbersAnswer = {
            "numbers": [number_shape(record) for record in page.records],
            "next": written_cursor(b"n", page.next_after),
        }
        return json_answer(answer)

    async def attempts(self, request: web.Request) -> web.Response:
        """List attempts, of one state or outcome or all."""
        fields = described(await read_fields(request), AttemptPageParameters)
        page = await self.found.attempts(
            request[TENANT], Dialect.PLUM, path_id(request), after=cursor_of(fields, b"a"),
            limit=limit_of(fields), state=_state_of(fields, tuple(AttemptState)), outcome=_outcome_of(fields),
        )  # fmt: skip
        answer: AttemptsAnswer = {
            "attempts": [attempt_shape(record) for record in page.records],
            "next": written_cursor(b"a", page.next_after),
        }
        return json_answer(answer)

    async def results(self, request: web.Request) -> web.StreamResponse:
        """Send every result, in pieces as they are read."""
        campaign_id = path_id(request)
        response = web.StreamResponse(
            headers={
                "Content-Type": f"{CSV}; charset=utf-8",
                "Content-Disposition": f'attachment; filename="campaign-{campaign_id}-results.csv"',
            }
        )
        head = csv_rows([COLUMNS])
        try:
            async for records in self.found.results(request[TENANT], Dialect.PLUM, campaign_id):
                await send_piece(request, response, head + csv_rows(_cells(records)))
                head = b""
            await send_piece(request, response, head)
        except (Unavailable, ConnectionError) as error:
            if not response.prepared:
                raise
            cut_off(request, error)
        return response


def _cells(records: Sequence[ResultRecord]) -> Iterator[Sequence[object]]:
    for record in records:
        result = record.result
        yield (
            result.call_id,
            f"tel:{result.phone_number}",
            result.message_reference,
            result.result.value,
            result.disposition.outcome.title,
            int(result.disposition.stage),
            result.callee_type.value,
            result.attempts,
            instant(result.last_attempt_at),
            result.duration_seconds,
            record.upload_no,
            record.line_no,
            instant(record.ended_at),
            orjson.dumps(dict(result.exit_values)).decode() if result.exit_values else None,
        )


def number_shape(record: NumberRecord) -> NumberEntry:
    """Return a number as its owner sees it."""
    return {
        "call_id": record.call_id,
        "upload": record.upload_no,
        "line": record.line_no,
        "phone_number": record.e164,
        "ani": record.ani,
        "message_reference": record.message_reference,
        "state": record.state.value,
        "attempts": record.tries,
        "next_attempt_at": instant(record.next_at),
        "canceled_at": instant(record.canceled_at),
        "outcome": None if record.outcome is None else record.outcome.title,
        "result": record.result and record.result.value,
        "ended_at": instant(record.ended_at),
    }


def attempt_shape(record: AttemptRecord) -> AttemptEntry:
    """Return an attempt as its owner sees it."""
    return {
        "attempt_id": record.attempt_id,
        "call_id": record.call_id,
        "phone_number": record.e164,
        "message_reference": record.message_reference,
        "ordinal": record.ordinal,
        "state": record.state.value,
        "due_at": record.due_at.isoformat(timespec="milliseconds"),
        "sip_call_id": record.sip_call_id,
        "trunk": record.trunk,
        "dialed_at": instant(record.dialed_at),
        "ringing_at": instant(record.ringing_at),
        "answered_at": instant(record.answered_at),
        "ended_at": instant(record.ended_at),
        "sip_status": record.sip_status,
        "q850_cause": record.q850_cause,
        "outcome": None if record.outcome is None else record.outcome.title,
        "stage": None if record.stage is None else int(record.stage),
        "callee_type": record.callee_type and record.callee_type.value,
        "withheld_because": record.withheld_because,
    }


def instant(at: datetime | None) -> str | None:
    """Return an instant as every list of ours has it."""
    return None if at is None else at.isoformat(timespec="milliseconds")


def written_cursor(kind: bytes, after: int | None) -> str | None:
    """Return a place in a list as a text that means nothing to anybody else."""
    return None if after is None else base64.urlsafe_b64encode(b"%c%d" % (kind, after)).decode().rstrip("=")


def cursor_of(fields: Fields, kind: bytes) -> int:
    """Return the place that a cursor names, 0 for none; raises Invalid for one of another list."""
    text = text_of(fields, "cursor")
    if text is None:
        return 0
    try:
        matched = _CURSOR.fullmatch(
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        )
    except (binascii.Error, ValueError):
        matched = None
    if matched is None or matched[1] != kind:
        raise Invalid("cursor", "The cursor is the next of the page before; leave it out to begin.")
    return int(matched[2])


def _state_of(fields: Fields, states: Sequence[State]) -> State | None:
    text = text_of(fields, "state")
    if text is None:
        return None
    for state in states:
        if state.value == text.upper():
            return state
    raise Invalid("state", f"The state must be one of {', '.join(states)}.")


def _outcome_of(fields: Fields) -> Outcome | None:
    text = text_of(fields, "outcome")
    if text is None:
        return None
    if text.lower() not in _OUTCOMES:
        names = ", ".join(outcome.title for outcome in Outcome)
        raise Invalid("outcome", f"The outcome must be one of {names}, or its number.")
    return _OUTCOMES[text.lower()]
