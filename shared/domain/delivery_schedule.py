"""What happens to a delivery after a try: the decision alone.

Eleven tries over about three days: the schedule of the Standard Webhooks specification with one early step
more. Every wait is stretched or shortened by up to a fifth, so that ten thousand results that failed in one
second do not come back in one second. A receiver may ask for more time (`Retry-After`), never for less.

A redirect is a failure: following one would post a signed result to an address that nobody registered. So is
every other answer but 2xx. 410 says that nobody will ever want this again, and is believed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

from shared.domain.errors import PacelineError

#: The wait before each try, in seconds: the first goes out at once.
SCHEDULE_SECONDS: Final = (0, 5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)

#: How far a wait is stretched or shortened, as a share of it.
JITTER_SHARE: Final = 0.2

#: A `Retry-After` asks for at most this long: beyond it a receiver could hold its results for ever.
RETRY_AFTER_CAP_SECONDS: Final = 36_000

#: From the first try to the last when jitter evens out: 75.6 hours.
TOTAL_BUDGET_SECONDS: Final = sum(SCHEDULE_SECONDS)

#: The same at its longest, every wait stretched, or asked for, to its limit: 141.6 hours. The tries come on
#: top.
LONGEST_TOTAL_BUDGET_SECONDS: Final = sum(
    max(wait * (1 + JITTER_SHARE), RETRY_AFTER_CAP_SECONDS) for wait in SCHEDULE_SECONDS[1:]
)

#: How much of an origin's posts, and of a process's, may go to retries while first tries are due.
RETRY_PERCENT: Final = 30

_GONE: Final = 410
# "Wednesday, 09-Nov-94 08:49:37 GMT" has 33 characters: nothing much longer is a date or a count of seconds.
_LONGEST_RETRY_AFTER_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The receiver has the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Not yet: the next try is due this many seconds from now."""

    delay_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The schedule is used up; the delivery is kept and can be replayed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disabled:
    """The receiver wants no more: this delivery is parked with all that wait for it, until somebody enables it."""

    reason: str


class LeaseTooShort(PacelineError):
    """A delivery's lease may run out while it is being sent, so that a second deliverer would send it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLease:
    """How long a deliverer holds a delivery, and how long one try may take in all: look-up, connection, answer.

    There is none that is too short: to make one raises `LeaseTooShort`.
    """

    seconds: float
    try_seconds: float

    def __post_init__(self) -> None:
        shortest = shortest_lease_seconds(self.try_seconds)
        if self.seconds < shortest:
            raise LeaseTooShort(
                f"A result would be held for {self.seconds:g} s, while one try to post it may take "
                f"{self.try_seconds:g} s: set PACELINE_WEBHOOK_LEASE_SECONDS to at least {shortest:g}, or unset it."
            )

    @property
    def latest_start_seconds(self) -> float:
        """How long after the claim a try may still begin, so that it ends within the lease."""
        return self.seconds - self.try_seconds


Decision: TypeAlias = Delivered | RetryAt | Failed | Disabled


def after_try(
    *,
    tries: int,
    status: int | None,
    now: datetime,
    jitter: float,
    retry_after: str | None = None,
    error: str | None = None,
) -> Decision:
    """Decide after the try number `tries` (1 is the first).

    `status` is the answer's HTTP status, None if there was none; then `error` says why. Once a status has
    arrived it decides, whatever befell the rest of the answer. `retry_after` is the header as received.
    `jitter` is uniform in [0, 1): 0 is the shortest wait, 0.5 the published one.
    """
    _check(tries, jitter)
    if status is not None and 200 <= status <= 299:  # noqa: PLR2004 - RFC 9110 §15.3
        return Delivered()
    if status == _GONE:
        return Disabled(reason="The receiver answered 410 Gone: it wants no more results.")
    if tries >= len(SCHEDULE_SECONDS):
        return Failed(reason=f"{tries} tries have failed; at the last {_what_happened(status, error)}")
    wait = SCHEDULE_SECONDS[tries] * (1 + JITTER_SHARE * (2 * jitter - 1))
    return RetryAt(delay_seconds=max(wait, retry_after_seconds(retry_after, now=now)))


def retry_after_seconds(header: str | None, *, now: datetime) -> float:
    """Read a `Retry-After` (RFC 9110 §10.2.3) as seconds from now, at most `RETRY_AFTER_CAP_SECONDS`.

    0 for none, for a moment that has passed, and for what cannot be read: a receiver's slip costs it nothing.
    """
    text = (header or "").strip()
    if not text or len(text) > _LONGEST_RETRY_AFTER_CHARACTERS:
        return 0.0
    seconds = float(text) if text.isascii() and text.isdigit() else _seconds_until(text, now)
    return min(max(seconds, 0.0), float(RETRY_AFTER_CAP_SECONDS))


def shortest_lease_seconds(try_seconds: float) -> float:
    """Return how long a deliverer must at least hold a delivery whose try may take `try_seconds` in all.

    A lease that ends during a try hands the same result to a second deliverer while the first is still
    sending it. Twice the try and 5 s leave room for a loop that is late and a database that is slow.
    """
    return 2 * try_seconds + 5


def posts_for_retries(posts: int) -> int:
    """Return how many of so many posts at once may be retries while first tries are due.

    30 % rounded up: results that come in now are not held up by those that failed before, and these still move.
    Of a single post at a time nothing is left for retries.
    """
    rounded_up = -(-posts * RETRY_PERCENT // 100)
    return min(rounded_up, posts - 1)


def _check(tries: int, jitter: float) -> None:
    if tries < 1:
        raise ValueError(f"A decision follows a try, so tries is at least 1, not {tries}.")
    if not 0 <= jitter < 1:
        raise ValueError(f"The jitter is drawn from [0, 1), not {jitter}.")


def _what_happened(status: int | None, error: str | None) -> str:
    if status is not None:
        return f"the receiver answered {status}."
    return f"no answer came: {error}" if error else "no answer came."


def _seconds_until(text: str, now: datetime) -> float:
    """Read one of the three forms of an HTTP date (RFC 9110 §5.6.7), all of which are in GMT."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    except (
        ValueError,
        TypeError,
        IndexError,
        OverflowError,
    ):  # what the parser raises for what is not a date
        return 0.0
