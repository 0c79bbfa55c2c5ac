"""How much a dialer says that it can take: its setting, or less while it cannot keep up.

A dialer that is overrun leases attempts too late, so that they are withheld and planned again: more work for the same
calls, and less and less of it on time. So a dialer halves its word when it misses instants, and takes it back in small
steps: what congestion control does for a network (additive increase, multiplicative decrease).
"""

from typing import Final

#: One missed instant in ten is more than a hiccup.
MISSED_SHARE: Final = 0.1
#: A dialer that can do nothing at all must still find out when it can again.
LEAST: Final = 4
#: From half the setting back to all of it in about twenty steps of two seconds.
STEPS_UP: Final = 40


class Governor:
    """The word of one dialer."""

    def __init__(self, setting: int) -> None:
        self._setting = setting
        self.most = setting
        self._leased = 0
        self._missed = 0
        self._excused = False

    def excuse(self) -> None:
        """Judge nothing by the next rings: nobody listened, so that they may be old."""
        self._excused = True

    def saw(self, *, leased: int, missed: int) -> None:
        """Note what became of a handful of rings."""
        self._leased += leased
        self._missed += missed

    def settle(self) -> int:
        """Judge what was seen since the last time and return how many calls this dialer takes at most."""
        seen = self._leased + self._missed
        overrun = self._missed > MISSED_SHARE * seen and not self._excused
        if seen:
            self._excused = False
        self._leased = self._missed = 0
        if overrun:
            self.most = max(min(LEAST, self._setting), self.most // 2)
        else:
            self.most = min(self._setting, self.most + max(1, self._setting // STEPS_UP))
        return self.most
