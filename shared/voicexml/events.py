"""What a host tells a VoiceXML session.

The session has no clock and no socket: whatever happens in the world arrives as one of these values, and the
same values in the same order always lead to the same effects. Identifiers (`fetch_id`, `play_id`, `timer_id`
and their like) are those of the effect that is answered; an answer that comes too late is ignored, so a host
need not care about races.
"""

from dataclasses import dataclass
from typing import Literal

#: Names and values, in order; a name may occur more than once.
Pairs = tuple[tuple[str, str], ...]

Method = Literal["GET", "POST"]

#: The keys of a telephone. A session ignores a `Digit` with any other key.
DTMF_KEYS = frozenset("0123456789*#ABCD")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionVariables:
    """What the application may read of its call (VoiceXML 2.0, 5.1.4).

    Seen as `session.id`, `session.callee_type`, `session.telephone.ani` and `.dnis`, and by the standard's
    names: on an outbound call `session.connection.local.uri` is the caller id,
    `session.connection.remote.uri` the number called, and `session.connection.originator` the local side.
    """

    session_id: str
    #: The number that the callee sees.
    ani: str
    #: The number that was called.
    dnis: str
    #: voice, answeringmachine, fax or unknown; `CalleeTypeKnown` changes it during the call.
    callee_type: str = "unknown"
    #: Further facts, each seen as `session.<name>`; names are ECMAScript identifiers.
    more: Pairs = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The call was answered: fetch the application and run it. Given to the session's constructor."""

    #: Absolute http or https URL; a fragment names the first dialog.
    url: str
    method: Method = "POST"
    #: Posted with the first request; with GET they become its query.
    form: Pairs = ()
    session_variables: SessionVariables
    #: Of Math.random.
    seed: int
    #: Seconds since the epoch; what Date shows for the whole session.
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A `Fetch` has an answer, whatever its status."""

    fetch_id: int
    #: After redirects: what the document's relative URLs are resolved against.
    url: str
    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """A `Fetch` has no answer: no connection, a refused address, the time is up, too long a body."""

    fetch_id: int
    #: A sentence for the log; becomes the `_message` of error.badfetch.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayEnded:
    """A `Play` was heard to its end. Not sent, or ignored, for one that `StopPlay` ended."""

    play_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """The caller pressed a key: one of `DTMF_KEYS`."""

    key: str
    #: When, in milliseconds of any clock that `MarkReached` has too; tells how long ago a mark was.
    at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The caller said something, as text: a speech recogniser's, or that of somebody who tries things out.

    A text that no grammar takes is a nomatch; a host that could not make out a word says so with an empty one.
    """

    text: str
    #: From 0 to 1: how sure the recogniser is.
    confidence: float = 1.0
    #: When it began, as of `Digit`.
    at_ms: int = 0
    #: The host's name of what was heard, if `Listen` asked for it to be kept (VoiceXML 2.1, 7); empty: it was not.
    recording: str = ""
    recording_ms: int = 0
    recording_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkReached:
    """A `Mark` of the present play was reached (VoiceXML 2.1, 6.3)."""

    name: str
    #: When, as of `Digit`.
    at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """The time of a `StartTimer` is up."""

    timer_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalleeTypeKnown:
    """Call analysis has decided: voice, answeringmachine, fax or unknown."""

    callee_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The caller has gone. The session goes on until its `Exit`, for a bounded time (1.5.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferEnded:
    """A `Transfer` is over (2.3.7)."""

    transfer_id: int
    #: busy, noanswer, network_busy, near_end_disconnect, far_end_disconnect, network_disconnect,
    #: maxtime_disconnect or unknown; transferred, if the caller is no longer ours; or the name of an event
    #: that begins with `error.`, such as error.connection.baddestination or error.unsupported.transfer.bridge.
    outcome: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A `Record` is over (2.3.6)."""

    record_id: int
    #: The host's own name for the audio, which stays with the host; empty if nothing was recorded.
    recording: str
    content_type: str
    duration_ms: int
    size_bytes: int
    #: silence, maxtime, hangup, noinput (nothing was said), stop (`StopRecording`), or the name of an event
    #: that begins with `error.`, such as error.unsupported.record.
    ended_by: str


#: What `Session.handle` takes; `Start` goes to the constructor.
Event = (
    Fetched
    | FetchFailed
    | PlayEnded
    | Digit
    | Said
    | MarkReached
    | TimerFired
    | CalleeTypeKnown
    | HungUp
    | TransferEnded
    | Recorded
)
