"""The states in which a session waits for its host.

The interpreter is written as generators, so that executable content can wait in its midst and still read as
the specification does. What they yield are these values: each names what it waits for and takes the answer.
Nothing else ever suspends a session. `session.py` has the table of what each event does in each state.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from shared.voicexml.collection import Collection
from shared.voicexml.events import Digit, Event, Fetched, FetchFailed, PlayEnded, TimerFired

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
        if isinstance(event, PlayEnded | Digit | TimerFired):
            self.collection.take(event)
        return self.collection.outcome is not None


Wait = Fetching | Draining | Collecting

#: Work that may wait in between and comes to a result.
Steps = Generator[Wait, None, _Result]
