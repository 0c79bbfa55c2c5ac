"""The clock of all audio in a process: every call gets its turn each 20 ms, and nothing slow happens in it.

What arrived is handed out before each turn, for all calls at once: to be woken for every packet would cost more than
the packets do.

Calls are spread over four phases of 5 ms, so that five hundred calls are four small bursts and not one. A turn that
comes late is caught up at once, up to a limit: packets a little too close together are what the far end's buffer is
for, and a gap is not. After a longer freeze the lost turns stay lost.

The lateness of its turns decides whether more calls are taken: a process that is late for the calls that it has would
make them all worse with each new one.
"""

import asyncio
from typing import Final, Protocol

import structlog

from shared.adapters.sip_trunk.arrivals import Arrivals
from shared.clock import monotonic_seconds

_log = structlog.get_logger()

#: One packet of G.711 each, as everybody sends it.
FRAME_SECONDS: Final = 0.020
PHASES: Final = 4
#: Turns that are caught up after a freeze: 100 ms of audio, as much as an ordinary buffer at the far end holds.
_MOST_CAUGHT_UP: Final = 5 * PHASES
#: Half a frame late is still in time for any buffer of two frames.
LATE_FRAMES: Final = 0.5
#: One turn in twenty that late, and calls begin to sound it.
LATE_SHARE: Final = 0.05
#: What is judged at a time: long enough for one hiccup not to count, short enough to stop in time.
JUDGED_FRAMES: Final = 100


class Ticked(Protocol):
    """Whoever has turns."""

    def tick(self) -> None:
        """Do what is due in this frame; fast."""


class Ticker:
    """Gives turns while anybody wants them."""

    def __init__(self, *, frame_seconds: float = FRAME_SECONDS, late_share: float = LATE_SHARE) -> None:
        """`frame_seconds` shorter than life makes calls run faster, in a test; a `late_share` of 1 is never late."""
        self._late_share = late_share
        self._loop = asyncio.get_running_loop()
        self._step = frame_seconds / PHASES
        self._frame_seconds = frame_seconds
        self._phases: tuple[dict[Ticked, None], ...] = tuple({} for _ in range(PHASES))
        self._phase_of: dict[Ticked, int] = {}
        self._turn = 0
        #: How often anybody was removed: only then need the rest of a turn be looked up.
        self._removals = 0
        self._due = 0.0
        self._timer: asyncio.Handle | None = None
        self._turns = self._late = 0
        self._worst = 0.0
        #: Whether the last turns that were judged came in time.
        self.in_time = True
        #: When the turns of now began, on the loop's clock.
        self.now = monotonic_seconds()
        #: Sockets that are heard while anybody has turns.
        self.arrivals = Arrivals()

    def add(self, ticked: Ticked) -> None:
        """Give turns to it from now on."""
        phase = min(range(PHASES), key=lambda index: len(self._phases[index]))
        self._phases[phase][ticked] = None
        self._phase_of[ticked] = phase
        if self._timer is None:
            self._due = self._loop.time() + self._step
            self._timer = self._loop.call_at(self._due, self._run)

    def remove(self, ticked: Ticked) -> None:
        """Give it no more turns."""
        phase = self._phase_of.pop(ticked, None)
        if phase is not None:
            self._phases[phase].pop(ticked, None)
            self._removals += 1

    def close(self) -> None:
        """Give no more turns to anybody."""
        self._phase_of.clear()
        self._removals += 1
        for phase in self._phases:
            phase.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.arrivals.close()

    def worst_lateness_seconds(self) -> float:
        """Return how late the latest turn was since this was last asked."""
        worst, self._worst = self._worst, 0.0
        return worst

    def _run(self) -> None:
        self._timer = None
        self.now = now = monotonic_seconds()
        self._worst = max(self._worst, now - self._due)
        behind = int((now - self._due) / self._step)
        lost = max(0, behind - _MOST_CAUGHT_UP)
        self._due += lost * self._step
        self._turns += lost
        self._late += lost
        while self._due <= now:
            self._turns += 1
            self._late += now - self._due > LATE_FRAMES * self._frame_seconds
            self._give_turns()
            self._due += self._step
        self._judge()
        if self._phase_of:
            self._timer = self._loop.call_at(self._due, self._run)
        else:
            self.in_time = True  # nobody is left who could be late

    def _give_turns(self) -> None:
        self._turn = (self._turn + 1) % PHASES
        self.arrivals.deliver()
        removals = self._removals
        for ticked in list(self._phases[self._turn]):
            if self._removals != removals and ticked not in self._phase_of:
                continue  # removed by one before it
            try:
                ticked.tick()
            except Exception:  # noqa: BLE001 - a mistake of ours in one call must not silence all others
                _log.exception("turn_broke")
                self.remove(ticked)

    def _judge(self) -> None:
        if self._turns >= JUDGED_FRAMES * PHASES:
            self.in_time = self._late <= self._late_share * self._turns
            self._turns = self._late = 0
