"""Which legs may leave through one trunk: never more at a time than its channels, in no second more than its rate.

A leg is one INVITE and what becomes of it: a call, the second leg of a transfer, or the same call on the next trunk.
It needs a *place* right before it is sent: one of the trunk's channels until it is over, and an instant. From its
instant on it may be sent for `SEND_WITHIN_SECONDS`, or it needs another place. So R instants in any `1 s +
SEND_WITHIN_SECONDS` keep every single second to R legs, wherever it starts and whoever sends them; and a leg that would
be one too many waits for an instant a little later. Instants are given in order, which loses nothing: where the rate is
what delays them, an earlier one would break it.

Why the place is taken at the INVITE and not planned: which trunk a number takes depends on what the dialers know of the
trunks at that moment, on trunks that refused it, and on transfers that nobody planned. Fair shares of a cap for every
dialer would need no count at all, but with one call a second and four dialers three of four calls would find the wrong
dialer; and they are only exact while all dialers agree on who lives. A place that is planned seconds ahead has to allow
for all the time in which its call may be sent, and holds a channel for nobody.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.domain.errors import PacelineError

#: The way from the decision to the wire: a commit and a turn of the loop. What is late by more asks again.
SEND_WITHIN_SECONDS: Final = 0.04
#: Instants are stored in microseconds and come by clocks that are read in turn.
_ROUNDING_SECONDS: Final = 0.005


class TrunkFull(PacelineError):
    """The trunk takes no further leg now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkCaps:
    """What a carrier allows; None sets no limit."""

    channels: int | None = None
    calls_per_second: float | None = None

    @property
    def bounded(self) -> bool:
        """Whether anything has to be counted."""
        return self.channels is not None or self.calls_per_second is not None


class TrunkUse:
    """One trunk as it stands, and what the next legs may take of it."""

    def __init__(self, name: str, caps: TrunkCaps, *, legs: int = 0, instants: Iterable[float] = ()) -> None:
        """Begin with the legs that have a channel, and the instants of the last second or more, in order.

        Instants are seconds of any clock, the same for all of a trunk.
        """
        self.legs = legs
        self._name = name
        self._caps = caps
        rate = caps.calls_per_second
        #: Less than one a second is one in a longer time.
        self._calls = 1 if rate is None else max(1, int(rate))
        self._instants = deque(instants, maxlen=self._calls)

    @property
    def has_rate(self) -> bool:
        """Whether instants matter: where they do not, a leg may be sent whenever it has a channel."""
        return self._caps.calls_per_second is not None

    def take(self, earliest: float, latest: float) -> float:
        """Return the instant of one more leg, `earliest` or later; raises TrunkFull where it is past `latest`."""
        caps = self._caps
        if caps.channels is not None and self.legs >= caps.channels:
            raise TrunkFull(f"All {caps.channels} channels of the trunk {self._name} are in use.")
        instant = self._next(earliest)
        if instant > latest:
            raise TrunkFull(
                f"The trunk {self._name} takes {caps.calls_per_second:g} calls a second, and has them."
                if caps.calls_per_second is not None and latest >= earliest
                else f"The trunk {self._name} had no place in time."
            )
        self.legs += 1
        if caps.calls_per_second is not None:
            self._instants.append(instant)
        return instant

    def _next(self, earliest: float) -> float:
        rate = self._caps.calls_per_second
        if rate is None or not self._instants:
            return earliest
        instant = max(earliest, self._instants[-1])
        if len(self._instants) == self._calls:
            instant = max(
                instant, self._instants[0] + self._calls / rate + SEND_WITHIN_SECONDS + _ROUNDING_SECONDS
            )
        return instant
