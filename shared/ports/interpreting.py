"""Running VoiceXML applications: sessions that live elsewhere, told of events and asking for effects."""

from typing import Protocol

from shared.domain.errors import PacelineError
from shared.voicexml.effects import Effect
from shared.voicexml.events import Event, Start


class ApplicationLost(PacelineError):
    """The interpreter gave the session up: it took too long, or it is gone."""


class ApplicationSession(Protocol):
    """One session of one call."""

    async def begin(self) -> tuple[Effect, ...]:
        """Start; returns the first effects."""

    async def handle(self, event: Event) -> tuple[Effect, ...]:
        """Tell what happened; returns what to do. Raises ApplicationLost."""

    async def close(self) -> None:
        """Forget the session; harmless when it has ended."""


class Interpreter(Protocol):
    """Opens sessions."""

    async def open(self, start: Start) -> ApplicationSession:
        """Make a session; nothing runs before `begin`."""
