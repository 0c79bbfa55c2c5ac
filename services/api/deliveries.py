"""Deliveries by HTTP: which results arrived and which did not, why, and once more.

Lists are bare arrays, read on with `after=` the last call_id; what belongs to another tenant is unknown.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answers import json_answer, success
from services.api.authentication import TENANT
from services.api.campaign_records import instant
from services.api.desk_messages import (
    DeliveryEntry,
    DeliveryListParameters,
    DeliveryStoryEntry,
    EnabledAnswer,
    ReceiverEntry,
    ReceiverParameters,
    ReplayedAnswer,
    ReplayParameters,
    TryEntry,
    WouldReplayAnswer,
)
from services.api.examples import DELIVERY as DELIVERY_EXAMPLE
from services.api.examples import DELIVERY_STORY, DONE, ENABLED, RECEIVER, REPLAYED
from services.api.list_fields import id_of, instant_of, page_of, text_of
from services.api.parameters import described, flag_of
from services.api.request_body import Fields, read_fields
from services.api.routes import Handler, Operation, Route, path_id
from shared.domain.delivery import DELIVERY, DeliveryEvent, DeliveryState
from shared.domain.errors import Invalid
from shared.ports.delivery_desk import (
    DeliveryDesk,
    DeliveryStory,
    DeliveryView,
    DisabledReceiver,
    ReplayRange,
    TryView,
)

#: In a path: digits alone, so that `replay` beside it is no call.
_CALL: Final = "{call_id:[0-9]+}"
_TAG: Final = "Deliveries"
_UNKNOWN: Final = "There is no delivery with call_id 7."
#: In the order of the routes below.
_OPERATIONS: Final = (
    Operation(
        id="listDeliveries", tag=_TAG, takes=DeliveryListParameters, answers=list[DeliveryEntry],
        example=[DELIVERY_EXAMPLE],
    ),
    Operation(id="showDelivery", tag=_TAG, answers=DeliveryStoryEntry, example=DELIVERY_STORY, refuses={404: _UNKNOWN}),
    Operation(
        id="replayDeliveries", tag=_TAG, takes=ReplayParameters, answers=WouldReplayAnswer | ReplayedAnswer,
        sends={"campaign_id": 2, "validate_only": 1}, example={**DONE, "replayed": 0, "would_replay": 3},
    ),
    Operation(
        id="replayDelivery", tag=_TAG, answers=ReplayedAnswer, example=REPLAYED,
        refuses={404: _UNKNOWN, 409: "The delivery is QUEUED: it is on its way already."},
    ),
    Operation(id="listDisabledReceivers", tag=_TAG, answers=list[ReceiverEntry], example=[RECEIVER]),
    Operation(
        id="enableReceiver", tag=_TAG, takes=ReceiverParameters, answers=EnabledAnswer,
        sends={"url": "https://example.com/results"}, example=ENABLED,
        refuses={404: "No receiver with that url is disabled."},
    ),
)  # fmt: skip
_REPLAYABLE: Final = DELIVERY.before(DeliveryEvent.REQUEUE)


@dataclass(frozen=True, slots=True)
class DeliveryRoom:
    """The delivery endpoints."""

    desk: DeliveryDesk

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        table: tuple[tuple[str, str, Handler, str], ...] = (
            ("GET", "/api/deliveries", self.index, "List deliveries"),
            ("GET", f"/api/deliveries/{_CALL}", self.show, "Show a delivery and its tries"),
            ("POST", "/api/deliveries/replay", self.replay_range, "Send many deliveries again"),
            ("POST", f"/api/deliveries/{_CALL}/replay", self.replay, "Send a delivery again"),
            ("GET", "/api/receivers/disabled", self.disabled, "List disabled receivers"),
            ("POST", "/api/receivers/enable", self.enable, "Enable a receiver"),
        )
        return tuple(
            Route(method=method, path=path, handler=handler, summary=summary, operation=operation)
            for (method, path, handler, summary), operation in zip(table, _OPERATIONS, strict=True)
        )

    async def index(self, request: web.Request) -> web.Response:
        """List deliveries, of one state or one campaign or all."""
        fields = described(await read_fields(request), DeliveryListParameters)
        views = await self.desk.deliveries(
            request[TENANT],
            page_of(fields),
            state=_state_of(fields),
            campaign_id=id_of(fields, "campaign_id"),
        )
        return json_answer([delivery_shape(view) for view in views])

    async def show(self, request: web.Request) -> web.Response:
        """Show one delivery, what it carries and every try."""
        return json_answer(
            story_shape(await self.desk.delivery(request[TENANT], path_id(request, "call_id")))
        )

    async def replay(self, request: web.Request) -> web.Response:
        """Queue one delivery again, with the same id and the same bytes."""
        await self.desk.replay(request[TENANT], path_id(request, "call_id"))
        return success({"replayed": 1})

    async def replay_range(self, request: web.Request) -> web.Response:
        """Queue many again: those of a campaign, or made between two instants, or both; or only count them."""
        fields = described(await read_fields(request), ReplayParameters)
        wanted = _range_of(fields)
        if flag_of(fields, "validate_only"):
            return success(
                {"replayed": 0, "would_replay": await self.desk.count_replayable(request[TENANT], wanted)}
            )
        return success({"replayed": await self.desk.replay_range(request[TENANT], wanted)})

    async def disabled(self, request: web.Request) -> web.Response:
        """List the receivers that answered 410 Gone."""
        receivers = await self.desk.disabled_receivers(request[TENANT])
        return json_answer([receiver_shape(receiver) for receiver in receivers])

    async def enable(self, request: web.Request) -> web.Response:
        """Send to a receiver again; what was parked for it goes first."""
        url = text_of(described(await read_fields(request), ReceiverParameters), "url")
        if url is None:
            raise Invalid("url", "The url field is required: the receiver's address as the campaign has it.")
        return success({"queued": await self.desk.enable_receiver(request[TENANT], url)})


def delivery_shape(view: DeliveryView) -> DeliveryEntry:
    """Return a delivery as its owner sees it in a list."""
    return {
        "call_id": view.call_id,
        "campaign_id": view.campaign_id,
        "state": view.state,
        "url": view.url,
        "webhook_id": view.webhook_id,
        "tries": view.tries,
        "next_try_at": instant(view.next_try_at),
        "created_at": instant(view.created_at),
        "delivered_at": instant(view.delivered_at),
    }


def story_shape(story: DeliveryStory) -> DeliveryStoryEntry:
    """Return a delivery with what it carries and its log."""
    return {
        **delivery_shape(story.delivery),
        "waits_because": story.waits_because,
        "content_type": story.content_type,
        "body": story.body.decode(errors="replace"),
        "log": [_try_shape(line) for line in story.log],
    }


def receiver_shape(receiver: DisabledReceiver) -> ReceiverEntry:
    """Return a disabled receiver."""
    return {
        "url": receiver.url,
        "reason": receiver.reason,
        "disabled_at": instant(receiver.disabled_at),
    }


def _try_shape(line: TryView) -> TryEntry:
    return {
        "try_no": line.try_no,
        "at": instant(line.tried_at),
        "status": line.status,
        "error": line.error,
        "resolve_ms": line.resolve_ms,
        "connect_ms": line.connect_ms,
        "total_ms": line.total_ms,
        # What a stranger's server sent, as far as it is text.
        "answer": None if line.answer is None else line.answer.decode(errors="replace"),
    }


def _state_of(fields: Fields) -> DeliveryState | None:
    text = text_of(fields, "state")
    if text is None:
        return None
    try:
        return DeliveryState(text.upper())
    except ValueError as error:
        raise Invalid("state", f"The state must be one of {', '.join(DeliveryState)}.") from error


def _range_of(fields: Fields) -> ReplayRange:
    state = _state_of(fields) or DeliveryState.FAILED
    if state not in _REPLAYABLE:
        raise Invalid(
            "state", f"What is {state} is on its way already; replay {', '.join(sorted(_REPLAYABLE))}."
        )
    wanted = ReplayRange(
        state=state,
        campaign_id=id_of(fields, "campaign_id"),
        made_from=instant_of(fields, "from"),
        made_before=instant_of(fields, "to"),
    )
    if wanted.campaign_id is None and wanted.made_from is None and wanted.made_before is None:
        raise Invalid(
            "campaign_id", "Say which deliveries: by campaign_id, or by instants in from and to, or both."
        )
    return wanted
