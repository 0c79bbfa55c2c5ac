"""What the public API answers about deliveries, as far as the command line reads it."""

from services.cli.client.shapes import Answer


class Delivery(Answer):
    """A result on its way, or arrived."""

    call_id: int
    campaign_id: int
    state: str
    url: str
    webhook_id: str
    tries: int
    next_try_at: str | None = None
    created_at: str
    delivered_at: str | None = None


class Try(Answer):
    """One line of a delivery's log."""

    try_no: int
    at: str
    status: int | None = None
    error: str | None = None
    resolve_ms: int | None = None
    connect_ms: int | None = None
    total_ms: int | None = None
    answer: str | None = None


class DeliveryStory(Delivery):
    """A delivery with what it carries and its log."""

    waits_because: str | None = None
    content_type: str
    body: str
    log: tuple[Try, ...] = ()


class Replay(Answer):
    """How many deliveries were queued again, or would be."""

    replayed: int
    would_replay: int | None = None


class DisabledReceiver(Answer):
    """A receiver that wants no more results."""

    url: str
    reason: str
    disabled_at: str


class Enabled(Answer):
    """How many parked results go out to a receiver that was enabled."""

    queued: int
