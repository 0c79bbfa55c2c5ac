"""A Redis that is away: said once, asked rarely, and counted."""

import structlog

#: While Redis is away only one write in this time waits for it; all others are dropped at once.
PROBE_SECONDS = 2.0

_log = structlog.get_logger()


class Outage:
    """Whether Redis answers, as the last write found it. Instants are the event loop's, in seconds."""

    def __init__(self) -> None:
        self._next_probe_at: float | None = None
        #: Publications that did not arrive since the process began.
        self.dropped = 0

    def drops(self, now: float) -> bool:
        """Say whether a write is to be dropped unasked, and count it; else it goes as the probe."""
        if self._next_probe_at is None:
            return False
        if now < self._next_probe_at:
            self.dropped += 1
            return True
        self._next_probe_at = now + PROBE_SECONDS
        return False

    def lost(self, error: Exception, now: float) -> None:
        """Note that a write failed."""
        self.dropped += 1
        if self._next_probe_at is None:
            _log.warning(
                "redis_away", error=type(error).__name__, effect="live figures are dropped until it answers"
            )
        self._next_probe_at = now + PROBE_SECONDS

    def over(self) -> None:
        """Note that a write arrived."""
        self._next_probe_at = None
