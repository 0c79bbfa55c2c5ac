"""How much processor time one session may use of its process, in which others wait for their turn.

No single answer may take long, and whatever repeats itself without waiting for the caller is stopped by the session
itself. Left is an application that waits for nothing in particular, again and again: an input of which the time is
over at once, a transfer that is refused. Each of its answers is within every limit, and all of them together would
keep the process from everybody else for as long as the call lasts.
"""

from typing import Final

#: What a session may use at once, and what it begins with. A whole call of an ordinary application takes some
#: hundredths of a second, and the largest document that may be is read in a third of one.
SPARE_SECONDS: Final = 3.0
#: What it is given anew, per second: a hundred sessions that use it all fill a process, and an ordinary one uses less
#: than a third of it.
SHARE: Final = 0.01


class Allowance:
    """The processor time of one session."""

    def __init__(self, spare_seconds: float, now: float) -> None:
        """Begin with as much as may be spared; `now` in seconds of a clock that only goes forward."""
        self._most_seconds = spare_seconds
        self._left_seconds = spare_seconds
        self._at = now

    def spend(self, seconds: float, now: float) -> bool:
        """Take note of what was used; whether the session stays within its share."""
        given = SHARE * (now - self._at)
        self._left_seconds = min(self._most_seconds, self._left_seconds + given) - seconds
        self._at = now
        return self._left_seconds >= 0
