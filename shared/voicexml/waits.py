"""The states in which a session waits for its host.

The interpreter is written as generators, so that executable content can wait in its midst and still read as
the specification does. What they yield are these values: each names what it waits for and takes the answer.
Nothing else ever suspends a session. `session.py` has the table of what each event does in each state.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from shared.voicexml.collection import Collection
from shared.voicexml.effects import Effect, EndTransfer, StopRecording
from shared.voicexml.events import (
    Digit,
    Event,
    Fetched,
    FetchFailed,
    PlayEnded,
    Recorded,
    Said,
    TimerFired,
    TransferEnded,
)
from shared.voicexml.grammar.active import COMPLETE, AnyOf
from shared.voicexml.grammar.matcher import Status
from shared.voicexml.grammar.tokens import spoken_words
from shared.voicexml.limits import MAX_WORDS

_Result = TypeVar("_Result")


@dataclass(slots=True, kw_only=True)
class Fetching:
    """A document is on its way; the session is between inputs, keys are kept for the next one (4.1.8)."""

    fetch_id: int
    answer: Fetched | FetchFailed | None = None

    def take(self, event: Event) -> bool:
        """Take an event; True if the wait is over."""
        if isinstance(event, Fetched | FetchFailed) and event.fetch_id == self.fetch_id:
            self.answer = event
        return self.answer is not None


@dataclass(slots=True, kw_only=True)
class Draining:
    """The last prompts are played to their end, before a disconnect or an exit; no input counts (4.1.8)."""

    play_id: int

    def take(self, event: Event) -> bool:
        """Take an event; True if the wait is over."""
        return isinstance(event, PlayEnded) and event.play_id == self.play_id


@dataclass(slots=True, kw_only=True)
class Collecting:
    """An input item listens: the waiting state proper (4.1.8)."""

    collection: Collection

    def take(self, event: Event) -> bool:
        """Take an event; True if the wait is over."""
        if isinstance(event, PlayEnded | Digit | Said | TimerFired):
            self.collection.take(event)
        return self.collection.outcome is not None


@dataclass(slots=True, kw_only=True)
class Recording:
    """The caller is recorded (2.3.6)."""

    record_id: int
    #: Whether a key ends it.
    dtmf_term: bool
    emit: Callable[[Effect], None]
    answer: Recorded | None = None
    #: The key that ended it.
    key: str = ""

    def take(self, event: Event) -> bool:
        """Take an event; True if the wait is over."""
        if isinstance(event, Recorded) and event.record_id == self.record_id:
            self.answer = event
        elif isinstance(event, Digit) and self.dtmf_term and not self.key:
            self.key = event.key
            self.emit(StopRecording(record_id=self.record_id))
        return self.answer is not None


@dataclass(slots=True, kw_only=True)
class Transferring:
    """The caller is being connected to somebody else, or talks to them (2.3.7)."""

    transfer_id: int
    #: What the caller may key or say to end it.
    grammar: AnyOf
    emit: Callable[[Effect], None]
    answer: TransferEnded | None = None
    keys: str = ""
    said: Said | None = None
    ending: bool = False

    def take(self, event: Event) -> bool:
        """Take an event; True if the wait is over."""
        match event:
            case TransferEnded(transfer_id=transfer_id) if transfer_id == self.transfer_id:
                self.answer = event
            case Digit(key=key) if not self.ending:
                self._key(key)
            case Said(text=text) if not self.ending and self.grammar.hears(spoken_words(text)[:MAX_WORDS]):
                self.said = event
                self._end()
            case _:
                pass
        return self.answer is not None

    def _key(self, key: str) -> None:
        """Add a key; keys that lead nowhere are conversation with whoever is at the other end."""
        self.keys += key
        if self.grammar.status(self.keys) is Status.NOMATCH:
            self.keys = key if self.grammar.status(key) is not Status.NOMATCH else ""
        if self.keys and self.grammar.status(self.keys) in COMPLETE:
            self._end()

    def _end(self) -> None:
        self.ending = True
        self.emit(EndTransfer(transfer_id=self.transfer_id))


Wait = Fetching | Draining | Collecting | Recording | Transferring

#: Work that may wait in between and comes to a result.
Steps = Generator[Wait, None, _Result]
