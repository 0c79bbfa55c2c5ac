"""Where recordings of callees go."""

from typing import Protocol

from shared.domain.errors import PacelineError


class NotKept(PacelineError):
    """A recording could not be kept."""


class Recordings(Protocol):
    """Keeps recordings."""

    async def keep(self, name: str, wav: bytes) -> None:
        """Keep a WAV file under this name; raises NotKept."""
