"""What a VoiceXML session asks of its host.

A host carries the effects out in order and answers with the events of `events.py`. `Exit` is the last effect
of every session and comes exactly once; after it nothing that the host says is heard.
"""

from dataclasses import dataclass
from typing import Literal

from shared.voicexml.events import Method, Pairs

ExitReason = Literal["exit", "disconnect", "hangup", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Text to be spoken. Fixed text and inserted values come apart, so that the fixed part can be cached."""

    text: str
    #: As in xml:lang, for instance en-US.
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """A recording to be fetched and played; when that fails, its fallback is played instead (4.1.3)."""

    #: Absolute URL, or whatever scheme the application named.
    src: str
    fallback: "tuple[Segment, ...]" = ()


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
    #: Name and host's recording to send along as multipart/form-data. Reserved, always empty as yet.
    recordings: Pairs = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play to the caller; at most one at a time. `PlayEnded` follows unless `StopPlay` comes first."""

    play_id: int
    segments: tuple[Segment, ...]
    #: Whether a key will stop it. The session decides that; here it is for the host to show.
    bargein: bool


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
    """Connect the caller to somebody else (2.3.7), answered by `TransferEnded`. Reserved."""

    transfer_id: int
    #: A tel: or sip: URI.
    dest: str
    bridge: bool
    connect_timeout_ms: int
    #: 0 means without end.
    max_time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record the caller (2.3.6), answered by `Recorded`. Reserved."""

    record_id: int
    beep: bool
    max_time_ms: int
    final_silence_ms: int
    #: Whether a key ends it.
    dtmf_term: bool
    content_type: str


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
    | StopPlay
    | StartTimer
    | StopTimer
    | Listen
    | StopListening
    | HangUp
    | Log
    | Transfer
    | Record
    | Exit
)
