"""Delivering results: the queue of deliveries, and whoever posts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from shared.domain.circuit import Circuit, TriesReport
from shared.domain.delivery_schedule import Decision


class TenantOrigin(NamedTuple):
    """Where a tenant's results go: what befalls one tenant at an origin tells nothing of another's receiver there."""

    tenant_id: int
    #: As `Receiver.origin` has it.
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingWebhook:
    """A result on its way: the same id and the same bytes at every try."""

    webhook_id: str
    url: str
    content_type: str
    body: bytes = field(repr=False)  # phone numbers and the customer's references
    #: `whsec_` secrets, newest first; two while one is being replaced.
    keys: tuple[str, ...] = field(repr=False)
    #: Whose it is: its name look-ups wait for one another, and for nobody else's. None: nobody's in particular.
    tenant_id: int | None = None


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
    #: Nothing was tried: too much was under way on our side. It says nothing about the receiver.
    held_up: bool = False


class WebhookPost(Protocol):
    """Posts one signed body to one receiver, once; never raises for what a receiver does."""

    async def send(self, delivery: OutgoingWebhook) -> TryReport:
        """Try once; raises Invalid where there is nothing to sign with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that this deliverer holds."""

    tenant_id: int
    campaign_id: int
    number_id: int
    epoch: int
    #: Tries of this round before this one; a replay begins a new round.
    tries: int
    #: It has been tried before, in whatever round.
    is_retry: bool
    #: It is the one result that asks whether its origin is back.
    is_probe: bool
    #: As `Receiver.origin` has it.
    origin: str
    #: Postgres' clock at the claim.
    claimed_at: datetime
    webhook: OutgoingWebhook

    @property
    def goes_to(self) -> TenantOrigin:
        """Whose circuit a try of it concerns."""
        return TenantOrigin(self.tenant_id, self.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much a deliverer can take on."""

    posts: int
    #: Of these, how many may be retries.
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitTurn:
    """A circuit that opened or closed just now, and which nobody else has heard of yet."""

    goes_to: TenantOrigin
    circuit: Circuit


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What came of asking for work."""

    deliveries: Sequence[ClaimedDelivery]
    #: Deliveries that were due to a disabled receiver and are parked now.
    parked: int
    turns: Sequence[CircuitTurn]


class Deliveries(Protocol):
    """The deliveries in the store."""

    async def claim(self, room: Room, reports: Mapping[TenantOrigin, TriesReport]) -> Claim:
        """Judge the origins by what came of the last tries, then take what is due.

        With a cap per tenant and one per origin of it, each over all deliverers, at most a share of them for retries
        while first tries are due, and nothing for an origin whose circuit is open but its probe. What a silent
        deliverer held is due again. Raises Unavailable: then the reports were not heard.
        """

    async def record(self, claimed: ClaimedDelivery, report: TryReport, decision: Decision) -> bool:
        """Write what came of a try and what follows. False when the lease had gone to somebody else.

        `Disabled` parks it with all that waits for the same receiver.
        """

    async def give_back(self, claimed: ClaimedDelivery, delay_seconds: float) -> bool:
        """Let it wait as if it had not been claimed: no try was made, and none is counted or logged.

        False when the lease had gone to somebody else.
        """
