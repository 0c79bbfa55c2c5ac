"""The telephony port: what the dialer asks of whoever carries calls, and what it hears back.

Adapters: a simulator that rings nobody, and SIP trunks. One conformance suite judges them all. The port knows
instants on the loop's monotonic clock, because a wall clock may jump between the intent and the INVITE.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from shared.domain.disposition import CalleeType, CallEnding
from shared.domain.errors import PacelineError


class TooLate(PacelineError):
    """The latest instant for this call had passed before anything was sent; the phone did not ring."""


class NoTrunk(PacelineError):
    """No trunk took the call; the phone provably did not ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundCall:
    """One call to be placed."""

    #: `+` and digits, validated.
    e164: str
    #: Caller id, `+` and digits; None leaves it to the trunk.
    caller_id: str | None
    #: Digits to send after the answer; `,` and `w` pause.
    post_dial: str | None
    #: Becomes the SIP Call-ID: a keyed hash of attempt and epoch, so that the edge can refuse a second INVITE.
    fence: str
    #: How long the far end may ring before the call is cancelled.
    ring_seconds: float
    #: How long an answered call may last before it is hung up.
    longest_call_seconds: float


@dataclass(frozen=True, slots=True)
class Ringing:
    """A 18x arrived."""

    early_media: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A 2xx arrived: media flows both ways."""


@dataclass(frozen=True, slots=True)
class CalleeTypeDetected:
    """Call analysis made up its mind."""

    callee_type: CalleeType


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The callee pressed a key: one of `0-9*#ABCD`."""

    key: str


@dataclass(frozen=True, slots=True)
class PlayEnded:
    """A prompt was played to its end, or stopped."""

    play_id: int
    #: False when it was cut short.
    whole: bool


@dataclass(frozen=True, slots=True)
class TransferAnswered:
    """The second leg was answered, and both sides hear each other."""


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """The second leg is over, or never came to be."""

    #: transferred (blind: they talk, and the application has done), busy, noanswer, network_busy (no trunk or no
    #: way was free), noroute (nobody could be reached that way),
    #: unsupported (this telephony cannot do it), or how a bridge ended: far_end_disconnect, near_end_disconnect,
    #: network_disconnect.
    reason: str
    talk_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A recording was stopped; the sink holds it under this name."""

    name: str
    duration_seconds: float
    stop_key: str | None = None
    #: False if nothing but silence was recorded.
    heard: bool = field(default=True, kw_only=True)
    #: What was recorded, as a WAV file; empty where the telephony only keeps it.
    wav: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over: always last, exactly once."""

    ending: CallEnding


CallEvent = (
    Ringing
    | Answered
    | CalleeTypeDetected
    | DigitPressed
    | PlayEnded
    | TransferAnswered
    | TransferEnded
    | RecordingEnded
    | Ended
)


@dataclass(frozen=True, slots=True)
class Speech:
    """Text to be spoken."""

    text: str
    language: str = "en-US"


@dataclass(frozen=True, slots=True)
class Audio:
    """A recorded prompt by URL, with what to play when it cannot be had."""

    src: str
    fallback: "tuple[Segment, ...]" = ()
    #: How old a kept copy may be, in seconds; -1: as the telephony has it.
    max_age_s: int = -1
    #: How long one may be kept beyond that time of the telephony's, in seconds; -1: not at all.
    max_stale_s: int = -1


@dataclass(frozen=True, slots=True)
class Silence:
    """A pause."""

    duration_ms: int


Segment = Speech | Audio | Silence


class LiveCall(Protocol):
    """One call under way. Every method but `events` may be called until Ended; afterwards they do nothing."""

    #: When the INVITE left, on the running loop's clock.
    sent_at: float

    def events(self) -> AsyncIterator[CallEvent]:
        """Follow the call; ends after Ended. To be iterated once."""

    async def play(self, play_id: int, segments: tuple[Segment, ...], *, bargein: bool) -> None:
        """Start a prompt after those that are playing; PlayEnded follows. A key stops it when bargein is set."""

    async def stop_play(self) -> None:
        """Cut every prompt short."""

    async def collect(self, timeout_ms: int) -> None:
        """Say that the application now listens for keys, for so long after the last prompt."""

    async def record(
        self,
        name: str,
        *,
        longest_seconds: float,
        stop_keys: str,
        final_silence_seconds: float = 0.0,
        first_sound_seconds: float = 0.0,
        beep: bool = False,
    ) -> None:
        """Record the callee into the recording sink; RecordingEnded follows.

        With `beep` a short tone is heard first, of which nothing is recorded and whose time does not count. It ends by
        itself when the callee has been silent for so long after speaking, or has not spoken for so long; 0 is without
        end.
        """

    async def stop_recording(self) -> None:
        """End a recording now, if there is one; telephony that cannot goes on to its longest time."""

    async def transfer(
        self, e164: str, *, bridge: bool, ring_seconds: float, post_dial: str | None = None
    ) -> None:
        """Place the second leg and join it; TransferAnswered (of a bridge) and TransferEnded follow.

        What plays is heard until the second leg is answered, and is for whoever played it to stop then. After a blind
        one that ended as transferred the application has no more to say: Ended follows when the two have done, or at
        once where the call has left us. The call's longest time counts on through both.
        """

    async def end_transfer(self) -> None:
        """Give up the second leg and keep the call, if there is one; telephony that cannot goes on."""

    async def hang_up(self) -> None:
        """End the call, or cancel it while it rings; Ended follows."""


class Telephony(Protocol):
    """Places calls."""

    #: Seconds of call time per second of the loop's clock: 1, save in a simulator that hurries.
    pace_of_time: float

    def trouble(self) -> str | None:
        """Return why no call can leave now; None while calls can.

        A sentence without its full stop, as people read it on a campaign that is held by it.
        """

    async def place(self, call: OutboundCall, *, not_before: float, send_by: float) -> LiveCall:
        """Place a call, no earlier and no later than these instants on the running loop's clock.

        Raises TooLate when send_by has passed right before sending and NoTrunk when nobody took the call: after
        either, the phone provably did not ring.
        """

    async def close(self) -> None:
        """Release what the adapter holds; live calls are hung up."""
