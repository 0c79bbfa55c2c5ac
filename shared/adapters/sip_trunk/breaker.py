"""Whether a trunk can take calls: what its calls and its OPTIONS keep-alives say, as a machine on the caller's clock.

    up ── nobody listens, or silence ──> down ── any answer ──> up
    up ── 503 with a time, or again and again ──> pausing ── the time ──> up

A refusal by the network proves that nobody listens and counts at once. Silence counts when it is repeated, because one
datagram may be lost. Some trunks answer no OPTIONS at all: of those silence there proves nothing, only unanswered calls
do, and after a while a call finds out whether it is back.
"""

from dataclasses import dataclass
from typing import Final

#: Silences in a row, of calls and of keep-alives together.
SILENCES_TO_OPEN: Final = 3
#: When a trunk that answers no keep-alive is tried again by a call.
_TRY_AGAIN_SECONDS: Final = 30.0
#: One 503 may be about one callee; so many calls in a row that were refused with it are about the trunk.
_REFUSALS_TO_PAUSE: Final = 3
#: For a trunk that gives no time or next to none, and the longest that one may ask for: by then keep-alives say more.
_PAUSE_SECONDS: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 60


@dataclass(slots=True, kw_only=True)
class Breaker:
    """What is known of one trunk."""

    #: As people read it, for example `carrier-a (sip.example.net:5060)`.
    name: str
    _silences: int = 0
    _refusals: int = 0
    _answers_pings: bool = False
    _down_because: str | None = None
    _try_again_at: float = 0.0
    _pause_until: float = 0.0

    def answered(self, *, ping: bool = False) -> None:
        """Note that somebody is there."""
        self._answers_pings = self._answers_pings or ping
        self._silences, self._down_because = 0, None

    def took(self) -> None:
        """Note that it took a call."""
        self.answered()
        self._refusals = 0

    def refused(self, now: float) -> None:
        """Note that the network had nobody at the trunk's address."""
        self._open("nobody listens at its address", now)

    def silent(self, now: float, *, ping: bool = False) -> None:
        """Note that something was not answered."""
        if ping and not self._answers_pings:
            return
        self._silences += 1
        if self._silences >= SILENCES_TO_OPEN:
            self._open("it does not answer", now)

    def tried(self, now: float) -> None:
        """Note that a call is on its way; where it is to find out whether the trunk is back, the others wait for it."""
        if self._down_because is not None:
            self._try_again_at = now + _TRY_AGAIN_SECONDS

    def overloaded(self, now: float, *, pause_seconds: int | None) -> None:
        """Note a 503, with the time that it asks for."""
        self.answered()
        self._refusals += 1
        least = 0 if self._refusals < _REFUSALS_TO_PAUSE else _PAUSE_SECONDS
        asked = min(pause_seconds or 0, _LONGEST_PAUSE_SECONDS)
        self._pause_until = max(self._pause_until, now + max(least, asked))

    def _open(self, because: str, now: float) -> None:
        self._down_because = because
        self._try_again_at = now + _TRY_AGAIN_SECONDS

    @property
    def doubtful(self) -> bool:
        """Whether the next keep-alive should not wait."""
        return self._silences > 0 or self._down_because is not None

    def trouble(self, now: float) -> str | None:
        """Return why the trunk takes no calls now; None while it may."""
        if self._down_because is not None and (self._answers_pings or now < self._try_again_at):
            return f"the trunk {self.name} is down: {self._down_because}; calls go on by themselves when it is back"
        if now < self._pause_until:
            return f"the trunk {self.name} asked for a pause (503); calls go on by themselves after it"
        return None
