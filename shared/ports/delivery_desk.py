"""What people do with deliveries: look at them, send them again, and enable a receiver that wanted no more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.domain.delivery import DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery as its owner sees it."""

    #: The number's own id.
    call_id: int
    campaign_id: int
    state: DeliveryState
    webhook_id: str
    url: str
    #: All tries, replays included.
    tries: int
    #: When the next try is due; None in a state in which none is.
    next_try_at: datetime | None
    created_at: datetime
    #: None until its receiver took it.
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TryView:
    """One try as it stands in the log; see `TryReport`."""

    try_no: int
    tried_at: datetime
    status: int | None
    error: str | None
    resolve_ms: int | None
    connect_ms: int | None
    #: None where the deliverer was lost during the try.
    total_ms: int | None
    answer: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStory:
    """A delivery with everything that happened to it."""

    delivery: DeliveryView
    content_type: str
    body: bytes = field(repr=False)
    #: Why no try is made at present though one may be due, as a sentence.
    waits_because: str | None
    #: The newest tries, oldest first.
    log: Sequence[TryView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which rows of a long list: those after an id, at most so many, in the order of their ids."""

    after: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRange:
    """Which deliveries are to go out again; all conditions hold at once."""

    #: DELIVERED, FAILED or PARKED: the others are on their way already.
    state: DeliveryState
    campaign_id: int | None = None
    #: By the instant at which the delivery was made, from and before.
    made_from: datetime | None = None
    made_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisabledReceiver:
    """A receiver that wants no more results."""

    url: str
    reason: str
    disabled_at: datetime


class DeliveryDesk(Protocol):
    """One tenant's deliveries; what belongs to another tenant is not there."""

    async def deliveries(
        self, tenant_id: int, page: Page, *, state: DeliveryState | None, campaign_id: int | None
    ) -> list[DeliveryView]:
        """Return a page of deliveries in the order of their call ids."""

    async def delivery(self, tenant_id: int, call_id: int) -> DeliveryStory:
        """Return one delivery and its log; raises NotFound."""

    async def replay(self, tenant_id: int, call_id: int) -> None:
        """Queue a delivery again; raises NotFound, and Conflict while it is on its way or its receiver is disabled."""

    async def count_replayable(self, tenant_id: int, wanted: ReplayRange) -> int:
        """Return how many deliveries `replay_range` would queue."""

    async def replay_range(self, tenant_id: int, wanted: ReplayRange) -> int:
        """Queue these again, oldest first, but those of disabled receivers; returns how many they are."""

    async def disabled_receivers(self, tenant_id: int) -> list[DisabledReceiver]:
        """Return the receivers that want no more, the newest first."""

    async def enable_receiver(self, tenant_id: int, url: str) -> int:
        """Send to a receiver again, what is parked for it first; returns how many that are. Raises NotFound."""
