"""Whether a receiver is left alone for a while: the circuit breaker of one origin, as a decision alone.

    CLOSED --trip--> OPEN --probe--> PROBING --recover--> CLOSED
                      ^                 |
                      +----relapse------+

A receiver that is down costs every try its full time-out and every result one of its tries. When at least half
of ten or more tries within a minute have failed, the origin is left alone for 30 seconds; then one result goes
out as a probe. If it fails, the pause doubles, up to ten minutes; if it is answered, everything flows again.
While a circuit is open its results wait and lose no try.

What counts against an origin is what the whole of it suffers from: no answer, a 5xx, a 429. Any other status
proves that the origin answers; that one URL of it is wrong is between that URL and its results. Each tenant has a
circuit of its own for an origin: what one tenant's URLs do there says nothing of another's.

A window of tries begins with the first report after the last window's end, so that two counters are the whole
memory. Tries that were under way when a circuit opened say nothing new when they end.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.state_machine import StateMachine


class CircuitState(StrEnum):
    """Where a circuit stands."""

    CLOSED = "CLOSED"  # results flow
    OPEN = "OPEN"  # nothing is sent until shut_until, then one probe
    PROBING = "PROBING"  # the probe is out; if nobody reports it by shut_until, another may go


class CircuitEvent(StrEnum):
    """What moves a circuit."""

    TRIP = "trip"  # too many tries have failed
    PROBE = "probe"  # the pause is over and one result was sent
    RECOVER = "recover"  # a probe was answered
    RELAPSE = "relapse"  # the probe failed


CIRCUIT = StateMachine[CircuitState, CircuitEvent](
    "circuit",
    {
        CircuitState.CLOSED: {CircuitEvent.TRIP: CircuitState.OPEN},
        CircuitState.OPEN: {
            CircuitEvent.PROBE: CircuitState.PROBING,
            CircuitEvent.RECOVER: CircuitState.CLOSED,  # the answer to a probe that was believed lost
        },
        CircuitState.PROBING: {
            CircuitEvent.PROBE: CircuitState.PROBING,  # the last one was lost with its process
            CircuitEvent.RECOVER: CircuitState.CLOSED,
            CircuitEvent.RELAPSE: CircuitState.OPEN,
        },
    },
)

#: Fewer tries prove nothing: a receiver may be restarting.
FEWEST_SAMPLES: Final = 10
#: Failures in this share of the tries, or more, open the circuit.
FAILURE_SHARE: Final = 0.5
#: How long a window of tries lasts.
WINDOW: Final = timedelta(seconds=60)
#: The first pause; each probe that fails doubles it.
FIRST_PAUSE_SECONDS: Final = 30
#: The longest: a receiver that comes back waits no longer than this for its results.
LONGEST_PAUSE_SECONDS: Final = 600

_TOO_MANY_REQUESTS: Final = 429
_FIRST_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """What is remembered of an origin."""

    state: CircuitState
    window_began_at: datetime
    #: Tries in the window, and how many of them failed.
    samples: int = 0
    failures: int = 0
    #: Since it last closed: the pause doubles with each.
    times_opened: int = 0
    #: When the pause is over, or the probe counts as lost; None while closed.
    shut_until: datetime | None = None

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing is known against the origin, so that nothing need be remembered."""
        return self.state is CircuitState.CLOSED and self.failures == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TriesReport:
    """What came of some tries of one origin."""

    answered: int = 0
    failed: int = 0
    #: Whether the probe among them was answered; None if none of them was one.
    probe_answered: bool | None = None

    def and_then(self, later: "TriesReport") -> "TriesReport":
        """Return both as one."""
        probe = later.probe_answered if later.probe_answered is not None else self.probe_answered
        return TriesReport(
            answered=self.answered + later.answered,
            failed=self.failed + later.failed,
            probe_answered=probe,
        )


def report_of(status: int | None, *, was_probe: bool) -> TriesReport:
    """Return what one try says about its origin; `status` is None if no answer came."""
    answered = status is not None and status < _FIRST_SERVER_ERROR and status != _TOO_MANY_REQUESTS
    return TriesReport(
        answered=int(answered), failed=int(not answered), probe_answered=answered if was_probe else None
    )


def unknown_origin(now: datetime) -> Circuit:
    """Return the circuit of an origin of which nothing is remembered."""
    return Circuit(state=CircuitState.CLOSED, window_began_at=now)


def after_report(circuit: Circuit, report: TriesReport, now: datetime) -> Circuit:
    """Decide what a report makes of a circuit."""
    if circuit.state is CircuitState.CLOSED:
        return _counted(circuit, report, now)
    if report.probe_answered:
        return replace(unknown_origin(now), state=CIRCUIT.after(circuit.state, CircuitEvent.RECOVER))
    if report.probe_answered is False and CIRCUIT.takes(circuit.state, CircuitEvent.RELAPSE):
        return _opened(circuit, CircuitEvent.RELAPSE, now)
    return circuit


def pause_seconds(times_opened: int) -> int:
    """Return how long a circuit stays open that has opened so many times in a row, from 1."""
    doublings = min(times_opened - 1, 10)  # beyond, the cap has long been reached
    return min(FIRST_PAUSE_SECONDS << doublings, LONGEST_PAUSE_SECONDS)


def _counted(circuit: Circuit, report: TriesReport, now: datetime) -> Circuit:
    window = circuit if now < circuit.window_began_at + WINDOW else unknown_origin(now)
    counted = replace(
        window,
        samples=window.samples + report.answered + report.failed,
        failures=window.failures + report.failed,
    )
    too_many = counted.failures >= FAILURE_SHARE * counted.samples
    if counted.samples >= FEWEST_SAMPLES and too_many:
        return _opened(counted, CircuitEvent.TRIP, now)
    return counted


def _opened(circuit: Circuit, event: CircuitEvent, now: datetime) -> Circuit:
    times_opened = circuit.times_opened + 1
    return replace(
        circuit,
        state=CIRCUIT.after(circuit.state, event),
        times_opened=times_opened,
        shut_until=now + timedelta(seconds=pause_seconds(times_opened)),
    )
