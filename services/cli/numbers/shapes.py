"""What the public API answers about a phone number, as far as the command line reads it."""

from services.cli.client.shapes import Answer


class Blocked(Answer):
    """An entry of the blocklist."""

    reason: str | None = None
    source: str | None = None
    created_at: str


class OptOut(Answer):
    """A change of the blocklist."""

    at: str
    blocked: bool
    actor: str | None = None
    reason: str | None = None
    source: str | None = None


class Attempt(Answer):
    """A call, or why there was none."""

    attempt_id: int
    ordinal: int
    state: str
    due_at: str
    sip_call_id: str | None = None
    trunk: str | None = None
    dialed_at: str | None = None
    ringing_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = None
    sip_status: int | None = None
    q850_cause: int | None = None
    outcome: str | None = None
    withheld_because: str | None = None


class Delivery(Answer):
    """Who was told of the result."""

    state: str
    url: str
    webhook_id: str
    tries: int
    delivered_at: str | None = None
    last_tried_at: str | None = None
    last_status: int | None = None
    last_error: str | None = None


class Line(Answer):
    """One line of one upload."""

    campaign_id: int
    campaign_name: str | None = None
    call_id: int
    upload: int
    file_name: str | None = None
    line: int
    uploaded_at: str
    message_reference: str | None = None
    state: str
    canceled_at: str | None = None
    outcome: str | None = None
    result: str | None = None
    ended_at: str | None = None
    attempts: tuple[Attempt, ...] = ()
    more_attempts: int = 0
    delivery: Delivery | None = None


class NumberHistory(Answer):
    """Everything about a number, the newest first."""

    phone_number: str
    blocked: Blocked | None = None
    opt_outs: tuple[OptOut, ...] = ()
    last_call_ended_at: str | None = None
    lines: tuple[Line, ...] = ()
    next: str | None = None
