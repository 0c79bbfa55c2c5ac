"""What the engine asks for and what it tells: the whole border between SIP and the world.

Each call has one alarm. However many timers run inside, the owner of the clock keeps one entry per call in one heap
or wheel: 1,000 calls are 1,000 entries, and a `Wake` replaces the entry that was there.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.sip.headers import NameAddr
from shared.sip.offer_answer import Media

#: IP address and UDP port.
Address = tuple[str, int]


class Party(StrEnum):
    """Who ended a call."""

    US = "us"
    PEER = "peer"


class Cause(StrEnum):
    """Why a call failed, or why it ended."""

    REFUSED = "refused"  # a final response from 300 to 699 that we did not ask for
    UNANSWERED = "unanswered"  # it rang for as long as it may, and was cancelled
    CANCELLED = "cancelled"  # hung up by its user before the answer
    TIMED_OUT = "timed out"  # no response at all: proves nothing
    UNROUTABLE = "unroutable"  # the network took no datagram
    BAD_MEDIA = "bad media"  # answered, but without audio that we can carry; hung up at once
    HUNG_UP = "hung up"
    TOO_LONG = "too long"  # the longest call was over
    SESSION_EXPIRED = "session expired"  # no refresh came (RFC 4028, 10), or ours was refused
    PEER_SILENT = "peer silent"  # our answer to its re-INVITE was never acknowledged


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisional:
    """A provisional response that says something new."""

    status: int
    #: Early media; None while there is none.
    media: Media | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The first 2xx: media flows both ways."""

    media: Media
    #: Who answered, as the network asserts it (RFC 3325).
    identity: NameAddr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaChanged:
    """The peer's re-INVITE or UPDATE was answered: hold, another address, another codec."""

    media: Media


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyByInfo:
    """A key in an INFO request (`application/dtmf-relay`): one of 0-9, *, #, A-D."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The call never came to be. Always the last event."""

    cause: Cause
    #: The final response; None when none came.
    status: int | None = None
    #: The Q.850 cause of a Reason header.
    q850: int | None = None
    #: A 18x was seen: a phone may have rung.
    rang: bool = False
    #: An INVITE may have reached somebody: False only when the network took none.
    sent: bool = True
    #: From Retry-After, where the refusal had one.
    retry_after_seconds: int | None = None

    @property
    def silence_proven(self) -> bool:
        """Whether no phone can have rung, so that another INVITE for this attempt is allowed at all.

        A final refusal without a 18x proves it, and so does an INVITE that never left; a timeout proves nothing.
        """
        return not self.sent or (self.cause is Cause.REFUSED and self.status is not None and not self.rang)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An answered call is over. Always the last event."""

    by: Party
    cause: Cause
    q850: int | None = None


CallEvent = Provisional | Answered | MediaChanged | KeyByInfo | Failed | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinged:
    """An OPTIONS was answered (any status: somebody is there) or timed out (None)."""

    status: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send a datagram."""

    data: bytes
    to: Address


@dataclass(frozen=True, slots=True)
class Wake:
    """Call `wake` for this call at this instant instead of any earlier agreed one; never when it is None."""

    call_id: str
    at: float | None


@dataclass(frozen=True, slots=True)
class Tell:
    """Something happened that the user of the call wants to know."""

    call_id: str
    event: CallEvent | Pinged


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing of this call is left: no timer, no transaction. Always its last effect."""

    call_id: str


Effect = Send | Wake | Tell | Forget
