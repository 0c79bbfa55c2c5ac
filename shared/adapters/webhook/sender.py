"""Posts one signed body to one receiver, once, and reports what came of it.

Nothing is decided here: whether and when to try again is `shared.domain.delivery_schedule`. The connection
comes from whoever builds the sender, guarded against private addresses and redirects; the sender knows only
that it takes a request and returns what happened, and never raises for what a receiver does.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Protocol

from shared.adapters.webhook.signature import signature_header
from shared.ports.delivering import OutgoingWebhook, TryReport

#: One try in all, from the name look-up to the last byte of the answer, unless the operator says otherwise.
TRY_TIMEOUT_SECONDS: Final = 15.0
#: The part of it that may pass before the first byte can leave.
CONNECT_TIMEOUT_SECONDS: Final = 5.0
#: An answer is read this far, so that its connection can serve again; whoever sends more is hung up on.
MAX_ANSWER_BYTES: Final = 65_536
#: What is kept of it for the person who reads the log of a delivery.
KEPT_ANSWER_BYTES: Final = 2_048
# An HTTP date has 29 characters; the rest of an overlong header is of no use to anybody.
_KEPT_RETRY_AFTER_CHARACTERS: Final = 64


class Answer(Protocol):
    """What came of one request."""

    @property
    def status(self) -> int | None:
        """The HTTP status; None if no answer began."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers, looked up without regard to case."""

    @property
    def body(self) -> bytes:
        """As much of the body as was asked for, at most."""

    @property
    def failure(self) -> str | None:
        """A sentence, if something went wrong."""

    @property
    def sent(self) -> bool:
        """False only if it is certain that no byte of the request left."""

    @property
    def resolve_ms(self) -> int | None:
        """How long the name look-up took."""

    @property
    def connect_ms(self) -> int | None:
        """From the start to a connection in hand."""

    @property
    def total_ms(self) -> int:
        """From the start to the end."""

    @property
    def held_up(self) -> bool:
        """Nothing was tried: too much was under way on our side."""


class Http(Protocol):
    """Makes single requests, guarded and bounded; what a receiver does is an answer, never an exception."""

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        connect_timeout_s: float,
        timeout_s: float,
        max_bytes: int,
        tenant_id: int | None,
    ) -> Answer:
        """Send one request, follow no redirect, and read at most `max_bytes` of the answer.

        What is scarce on our side is shared by `tenant_id`.
        """


class WebhookSender:
    """Signs and posts webhooks. `wall_clock` stamps the signatures, aware and in UTC."""

    def __init__(
        self,
        http: Http,
        *,
        wall_clock: Callable[[], datetime],
        timeout_s: float = TRY_TIMEOUT_SECONDS,
        connect_timeout_s: float = CONNECT_TIMEOUT_SECONDS,
    ) -> None:
        self._http = http
        self._wall_clock = wall_clock
        self._timeout_s = timeout_s
        self._connect_timeout_s = min(connect_timeout_s, timeout_s)
        self._user_agent = f"Paceline-Webhook/{_own_version()}"

    @property
    def longest_try_seconds(self) -> float:
        """How long one try takes at most, name look-up and connection included."""
        return self._timeout_s

    async def send(self, delivery: OutgoingWebhook) -> TryReport:
        """Try once. Raises `Invalid` only for what is wrong on our side: no secret, or one that is none."""
        answer = await self._http.exchange(
            "POST",
            delivery.url,
            headers=self._headers(delivery),
            body=delivery.body,
            connect_timeout_s=self._connect_timeout_s,
            timeout_s=self._timeout_s,
            max_bytes=MAX_ANSWER_BYTES,
            tenant_id=delivery.tenant_id,
        )
        return _report(answer)

    def _headers(self, delivery: OutgoingWebhook) -> dict[str, str]:
        timestamp_s = int(self._wall_clock().timestamp())
        signatures = signature_header(
            delivery.keys, webhook_id=delivery.webhook_id, timestamp_s=timestamp_s, body=delivery.body
        )
        return {
            "webhook-id": delivery.webhook_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": signatures,
            "content-type": delivery.content_type,
            "user-agent": self._user_agent,
        }


def _report(answer: Answer) -> TryReport:
    retry_after = answer.headers.get("Retry-After")
    return TryReport(
        status=answer.status,
        error=answer.failure,
        sent=answer.sent,
        resolve_ms=answer.resolve_ms,
        connect_ms=answer.connect_ms,
        total_ms=answer.total_ms,
        held_up=answer.held_up,
        answer=answer.body[:KEPT_ANSWER_BYTES],
        retry_after=None if retry_after is None else retry_after[:_KEPT_RETRY_AFTER_CHARACTERS],
    )


def _own_version() -> str:
    try:
        return version("paceline")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"
