"""What a VoiceXML session asks of its host.

A host carries the effects out in order and answers with the events of `events.py`. `Exit` is the last effect
of every session and comes exactly once; after it nothing that the host says is heard.
"""

from dataclasses import dataclass
from typing import Literal

from shared.voicexml.events import Method, Pairs

#: In front of the host's name of a recording, so that no text of an application is taken for one by chance: in the
#: `src` of an `Audio`, and in the `recordings` of a `Fetch`.
RECORDING_PREFIX = "recording:"

FetchPurpose = Literal["document", "script", "grammar", "data"]

TransferKind = Literal["blind", "bridge", "consultation"]

ExitReason = Literal["exit", "disconnect", "hangup", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Text to be spoken. Fixed text and inserted values come apart, so that the fixed part can be cached."""

    text: str
    #: As in xml:lang, for instance en-US.
    language: str
    #: The same with its speech markup (SSML 1.0, without <speak> around it); empty if there is none.
    ssml: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """A recording to be fetched and played; when that fails, its fallback is played instead (4.1.3)."""

    #: Absolute URL, or whatever scheme the application named.
    src: str
    fallback: "tuple[Segment, ...]" = ()
    #: A stored copy may be this old (6.1.2), in seconds; -1: as the host has it.
    max_age_s: int = -1
    #: A stored copy may have expired this long ago, in seconds; -1: as the host has it.
    max_stale_s: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A pause."""

    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A named place in the prompt; takes no time."""

    name: str


Segment = Speech | Audio | Silence | Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Fetch a document; answered by `Fetched` or `FetchFailed`, within `timeout_ms`."""

    fetch_id: int
    method: Method
    #: Absolute, http or https, without a fragment; a GET has its values in the query already.
    url: str
    #: The body of a POST: application/x-www-form-urlencoded, unless there are `recordings`.
    form: Pairs = ()
    timeout_ms: int
    #: Name and host's recording to send along; with any, or with `multipart`, the body is multipart/form-data.
    recordings: Pairs = ()
    multipart: bool = False
    purpose: FetchPurpose = "document"
    #: A stored copy may be this old (6.1.2), in seconds; -1: as HTTP has it.
    max_age_s: int = -1
    #: A stored copy may have expired this long ago, in seconds; -1: as HTTP has it.
    max_stale_s: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play to the caller; at most one at a time. `PlayEnded` follows unless `StopPlay` comes first."""

    play_id: int
    segments: tuple[Segment, ...]
    #: Whether a key will stop it. The session decides that; here it is for the host to show.
    bargein: bool
    #: How many of the segments each <prompt> has, in order; for a host that shows prompt by prompt.
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """Prompts that were queued after the caller had gone; for whoever debugs the application."""

    segments: tuple[Segment, ...]
    #: As of `Play`.
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlay:
    """Fall silent within one packet: the caller has barged in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer:
    """Say `TimerFired` after this time. An id is used once."""

    timer_id: int
    after_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTimer:
    """Forget a timer; the session ignores it if it fired just now."""

    timer_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Keys count from here on. For display: the host sends every `Digit` at all times."""

    #: How long the session will wait for the first key once the prompts are over.
    timeout_ms: int
    #: Whether what is said is to be kept, and told with `Said` (VoiceXML 2.1, 7); a host that hears no sound need not.
    keep_sound: bool = False
    #: The format to keep it in; empty: the host's own.
    sound_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopListening:
    """The input that `Listen` announced is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """Disconnect the caller: the application said so (5.3.11). The session still runs until its `Exit`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the application logs (5.3.13); not for the caller."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Connect the caller to somebody else (2.3.7), answered by `TransferEnded`."""

    transfer_id: int
    #: A tel: or sip: URI.
    dest: str
    kind: TransferKind
    connect_timeout_ms: int
    #: 0 means without end.
    max_time_ms: int
    #: What the caller hears until the other side answers; an absolute URL, or empty.
    audio: str = ""
    #: Application-to-application information.
    aai: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTransfer:
    """The caller ended the transfer by a command: give up the other side, keep the caller.

    Answered by the `TransferEnded` that the transfer owes, with near_end_disconnect.
    """

    transfer_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record the caller (2.3.6), answered by `Recorded`."""

    record_id: int
    beep: bool
    max_time_ms: int
    final_silence_ms: int
    #: Whether the session will end it at a key; for display, as with `Listen`.
    dtmf_term: bool
    content_type: str
    #: How long to wait for the first sound; 0: not at all, silence is recorded too.
    timeout_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecording:
    """A key ended the recording; answered by the `Recorded` that it owes."""

    record_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorThrown:
    """An error event was thrown (5.2.6), whether or not the application catches it; for whoever debugs it."""

    event: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The session is over. A caller who is still there is to be disconnected by the host.

    reason: `exit`, the application ended or had nothing left to do; `disconnect`, it disconnected the caller;
    `hangup`, the caller went before the end; `error`, an event that nobody caught, named in `event` with its
    `message`, or more used than a session may. `values` is what <exit> and <disconnect> handed over: their
    namelist, or the single name `expr`.
    """

    reason: ExitReason
    values: Pairs = ()
    event: str = ""
    message: str = ""


Effect = (
    Fetch
    | Play
    | Unheard
    | StopPlay
    | StartTimer
    | StopTimer
    | Listen
    | StopListening
    | HangUp
    | Log
    | ErrorThrown
    | Transfer
    | EndTransfer
    | Record
    | StopRecording
    | Exit
)
