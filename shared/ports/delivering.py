"""Delivering results: the queue of deliveries, and whoever posts them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.domain.delivery_schedule import Delivered, Disabled, Failed, RetryAt


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingWebhook:
    """A result on its way: the same id and the same bytes at every try."""

    webhook_id: str
    url: str
    content_type: str
    body: bytes = field(repr=False)  # phone numbers and the customer's references
    #: `whsec_` secrets, newest first; two while one is being replaced.
    keys: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TryReport:
    """What came of one try."""

    #: None if no answer began.
    status: int | None
    #: A sentence, if something went wrong; also beside a status, when the answer broke off after it.
    error: str | None
    #: False only if it is certain that the receiver has seen nothing.
    sent: bool
    #: How long the name look-up took; None if there was none.
    resolve_ms: int | None
    #: From the start to a connection in hand; None if there never was one.
    connect_ms: int | None
    total_ms: int
    #: The first 2,048 bytes of the answer's body, as they came.
    answer: bytes = field(repr=False)
    #: The header as received.
    retry_after: str | None


class WebhookPost(Protocol):
    """Posts one signed body to one receiver, once; never raises for what a receiver does."""

    async def send(self, delivery: OutgoingWebhook) -> TryReport:
        """Try once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that this deliverer holds."""

    tenant_id: int
    campaign_id: int
    number_id: int
    epoch: int
    #: Tries before this one.
    tries: int
    webhook: OutgoingWebhook


class Deliveries(Protocol):
    """The deliveries in the store."""

    async def claim(self, most: int) -> list[ClaimedDelivery]:
        """Take what is due, with a cap per receiver; what a silent deliverer held is due again."""

    async def record(
        self, claimed: ClaimedDelivery, report: TryReport, decision: Delivered | RetryAt | Failed | Disabled
    ) -> bool:
        """Write what came of a try and what follows. False when the lease had gone to somebody else."""

    async def now(self) -> datetime:
        """Return Postgres' clock."""
