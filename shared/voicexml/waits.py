"""The states in which a session waits for its host.

The interpreter is written as generators, so that executable content can wait in its midst and still read as
the specification does. What they yield are these values: each names what it waits for and takes the answer.
Nothing else ever suspends a session. `session.py` has the table of what each event does in each state.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from shared.voicexml.collection import Collection, Outcome, Verdict
from shared.voicexml.effects import (
    Effect,
    EndTransfer,
    Play,
    StartTimer,
    StopPlay,
    StopRecording,
    StopTimer,
)
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
from shared.voicexml.grammar.expansion import Mode
from shared.voicexml.grammar.matcher import Status
from shared.voicexml.grammar.tokens import spoken_words
from shared.voicexml.keys import TypeAhead
from shared.voicexml.limits import MAX_WORDS

_Result = TypeVar("_Result")


@dataclass(slots=True, kw_only=True)
class Hold:
    """What the caller hears while something is fetched (6.1.1): after a while, and once begun for a while."""

    play: Play
    minimum_ms: int
    emit: Callable[[Effect], None]
    new_id: Callable[[], int]
    begun: bool = False
    playing: bool = False
    #: The delay before it, or the time that it is heard at least.
    timer: int | None = None

    def begin(self, after_ms: int) -> None:
        """Start to play, or to wait for that."""
        if after_ms:
            self._wait(after_ms)
        else:
            self._play()

    def take(self, event: PlayEnded | TimerFired) -> None:
        """Take an event."""
        if isinstance(event, PlayEnded) and event.play_id == self.play.play_id:
            self.playing = False
        elif isinstance(event, TimerFired) and event.timer_id == self.timer:
            self.timer = None
            if not self.begun:
                self._play()

    def may_end(self) -> bool:
        """Tell whether what was fetched may be used: not before the audio was heard for its least time."""
        return not self.playing or self.timer is None

    def end(self) -> None:
        """Fall silent."""
        if self.playing:
            self.emit(StopPlay())
        if self.timer is not None:
            self.emit(StopTimer(timer_id=self.timer))

    def _play(self) -> None:
        self.begun = self.playing = True
        self.emit(self.play)
        if self.minimum_ms:
            self._wait(self.minimum_ms)

    def _wait(self, after_ms: int) -> None:
        self.timer = self.new_id()
        self.emit(StartTimer(timer_id=self.timer, after_ms=after_ms))


@dataclass(slots=True, kw_only=True)
class Fetching:
    """A document is on its way; the session is between inputs, keys are kept for the next one (4.1.8)."""

    fetch_id: int
    answer: Fetched | FetchFailed | None = None
    hold: Hold | None = None

    def take(self, event: Event) -> bool:
        """Take an event; True if the wait is over."""
        if isinstance(event, Fetched | FetchFailed) and event.fetch_id == self.fetch_id:
            self.answer = event
        elif self.hold is not None and isinstance(event, PlayEnded | TimerFired):
            self.hold.take(event)
        if self.answer is None or (self.hold is not None and not self.hold.may_end()):
            return False
        if self.hold is not None:
            self.hold.end()
        return True


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
    #: Whether a key that no grammar wants ends it.
    dtmf_term: bool
    #: What the caller may key to end it; words are part of the recording.
    grammar: AnyOf
    emit: Callable[[Effect], None]
    answer: Recorded | None = None
    #: The key that ended it, if no grammar did.
    key: str = ""
    #: Keys for a grammar, which may want more of them.
    keys: str = ""
    #: Whether a grammar ended it.
    matched: bool = False
    #: For keys that come after the one that ended it, and before the host has said so.
    typed_ahead: TypeAhead

    def take(self, event: Event) -> bool:
        """Take an event; True if the wait is over."""
        if isinstance(event, Recorded) and event.record_id == self.record_id:
            self.answer = event
        elif isinstance(event, Digit) and (self.key or self.matched):
            self.typed_ahead.add(event.key)
        elif isinstance(event, Digit):
            self._key(event.key)
        return self.answer is not None

    def _key(self, key: str) -> None:
        """Ask the grammars first, then whether any key ends it (2.3.6, dtmfterm)."""
        status = self.grammar.status(self.keys + key)
        self.keys = "" if status is Status.NOMATCH else self.keys + key
        self.matched = status in COMPLETE
        if status is Status.NOMATCH and self.dtmf_term:
            self.key = key
        if self.key or self.matched:
            self.emit(StopRecording(record_id=self.record_id))


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

    @property
    def command(self) -> Outcome:
        """What the caller said or keyed to end it."""
        if self.said is None:
            return Outcome(verdict=Verdict.MATCH, keys=self.keys)
        said, confidence = self.said.text, self.said.confidence
        return Outcome(verdict=Verdict.MATCH, mode=Mode.VOICE, said=said, confidence=confidence)

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
