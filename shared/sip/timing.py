"""RFC 3261's timers (table 4), for an unreliable transport; all seconds on the caller's monotonic clock."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """The three values that every other timer is made of (17.1.1.1, 17.1.2.2)."""

    #: Estimated round trip: the first retransmission leaves after this.
    t1_seconds: float = 0.5
    #: The longest pause between retransmissions of anything but an INVITE.
    t2_seconds: float = 4.0
    #: How long a message may wander about in the network.
    t4_seconds: float = 5.0

    @property
    def give_up_seconds(self) -> float:
        """64*T1: when an unanswered request counts as timed out (timers B, F, H)."""
        return 64 * self.t1_seconds


class Timer(StrEnum):
    """The timers, by their letters; `OK` is 13.3.1.4's retransmission of a 2xx, L and M are RFC 6026's."""

    A = "timer A"
    B = "timer B"
    D = "timer D"
    E = "timer E"
    F = "timer F"
    G = "timer G"
    H = "timer H"
    I = "timer I"  # noqa: E741 - the RFC's name
    J = "timer J"
    K = "timer K"
    L = "timer L"
    M = "timer M"
    OK = "timer OK"


#: Those that send something again; each of the others ends a state.
REPEATING: Final = frozenset({Timer.A, Timer.E, Timer.G, Timer.OK})

#: D: at least 32 s (17.1.1.2), whatever T1 is; the server may repeat its refusal for so long.
_WAIT_D_SECONDS: Final = 32.0


def first_wait_seconds(timer: Timer, timings: Timings) -> float:
    """Return how long a timer runs when it is first armed."""
    match timer:
        case Timer.A | Timer.E | Timer.G | Timer.OK:
            return timings.t1_seconds
        case Timer.D:
            return max(_WAIT_D_SECONDS, timings.give_up_seconds)
        case Timer.I | Timer.K:
            return timings.t4_seconds
        case Timer.B | Timer.F | Timer.H | Timer.J | Timer.L | Timer.M:
            return timings.give_up_seconds


def next_wait_seconds(timer: Timer, waited_seconds: float, timings: Timings, *, answered: bool) -> float:
    """Return the next wait of a timer that retransmits: doubled; only A's has no bound of its own.

    `answered`: a provisional response has come, so that E waits T2 from now on (17.1.2.2).
    """
    if timer is Timer.A:
        return 2 * waited_seconds
    if timer is Timer.E and answered:
        return timings.t2_seconds
    return min(2 * waited_seconds, timings.t2_seconds)
