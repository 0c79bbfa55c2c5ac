"""The four transactions of RFC 3261, section 17 (INVITE as corrected by RFC 6026), as tables.

    INVITE client:      CALLING → PROCEEDING → COMPLETED (3xx-6xx) or ACCEPTED (2xx) → TERMINATED
                        CALLING or PROCEEDING → ABANDONED → the same three
    other client:       TRYING → PROCEEDING → COMPLETED → TERMINATED
    INVITE server:      PROCEEDING → COMPLETED → CONFIRMED, or ACCEPTED → ACKNOWLEDGED → TERMINATED
    other server:       TRYING → COMPLETED → TERMINATED

A row says where an event leads and what is to be done; `TIMERS` says which timers run in which state. So a timer
cannot be forgotten: entering a state arms what it needs, and every other timer is gone. A pair that is absent is an
error of ours. What the network may repeat at any moment (a response, a request, an ACK) has a row in every state in
which the transaction can still be found.

ABANDONED is ours: an INVITE that timed out, or whose CANCEL had no effect, proves nothing about the phone at the
other end. For another 64*T1 a late response is still met with CANCEL, or ACK and BYE, so that nobody talks to a call
that has been given up.

The ACK for a 2xx and its retransmission belong to the transaction's user (13.2.2.4): the client hands up each 2xx.
The retransmission of our own 2xx (13.3.1.4) is the user's too, yet stands here, in ACCEPTED, where its timers are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from shared.sip.errors import IllegalStep
from shared.sip.timing import REPEATING, Timer, Timings, first_wait_seconds, next_wait_seconds


class TxState(StrEnum):
    """Where a transaction stands."""

    CALLING = "CALLING"
    TRYING = "TRYING"
    PROCEEDING = "PROCEEDING"
    COMPLETED = "COMPLETED"
    CONFIRMED = "CONFIRMED"
    ACCEPTED = "ACCEPTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    ABANDONED = "ABANDONED"
    TERMINATED = "TERMINATED"


class TxEvent(StrEnum):
    """What moves it, beside the timers."""

    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"
    REQUEST = "request"
    ACK = "ACK"
    ABANDON = "abandon"  # the user no longer waits for the response (9.1: 64*T1 after a CANCEL)


class Do(StrEnum):
    """What a step asks for."""

    SEND = "send"  # the request, or the response, once more
    ACK = "send ACK"
    DELIVER = "deliver"  # hand the response to the user
    TIME_OUT = "time out"  # nobody answered
    NO_ACK = "no ACK"  # our final response to an INVITE was never acknowledged


Step = tuple[TxState, tuple[Do, ...]]
Table = Mapping[TxState, Mapping[TxEvent | Timer, Step]]

_S, _E, _T = TxState, TxEvent, Timer
_END: Final[Step] = (TxState.TERMINATED, ())


@dataclass(frozen=True, slots=True)
class TxMachine:
    """One kind of transaction."""

    name: str
    start: TxState
    table: Table
    #: The timers that run in each state.
    timers: Mapping[TxState, tuple[Timer, ...]]


INVITE_CLIENT: Final = TxMachine(
    "INVITE client transaction",
    TxState.CALLING,
    {
        _S.CALLING: {
            _T.A: (_S.CALLING, (Do.SEND,)),
            _T.B: (_S.ABANDONED, (Do.TIME_OUT,)),
            _E.PROVISIONAL: (_S.PROCEEDING, (Do.DELIVER,)),
            _E.SUCCESS: (_S.ACCEPTED, (Do.DELIVER,)),
            _E.FAILURE: (_S.COMPLETED, (Do.ACK, Do.DELIVER)),
            _E.ABANDON: (_S.ABANDONED, ()),
        },
        _S.PROCEEDING: {
            _E.PROVISIONAL: (_S.PROCEEDING, (Do.DELIVER,)),
            _E.SUCCESS: (_S.ACCEPTED, (Do.DELIVER,)),
            _E.FAILURE: (_S.COMPLETED, (Do.ACK, Do.DELIVER)),
            _E.ABANDON: (_S.ABANDONED, ()),
        },
        _S.ABANDONED: {
            _E.PROVISIONAL: (_S.ABANDONED, (Do.DELIVER,)),
            _E.SUCCESS: (_S.ACCEPTED, (Do.DELIVER,)),
            _E.FAILURE: (_S.COMPLETED, (Do.ACK, Do.DELIVER)),
            _T.M: _END,
        },
        _S.COMPLETED: {
            _E.PROVISIONAL: (_S.COMPLETED, ()),  # overtaken by the final response
            _E.SUCCESS: (_S.COMPLETED, ()),  # a proxy must not send both; the refusal was acknowledged
            _E.FAILURE: (_S.COMPLETED, (Do.ACK,)),
            _T.D: _END,
        },
        _S.ACCEPTED: {
            _E.PROVISIONAL: (_S.ACCEPTED, ()),
            _E.SUCCESS: (_S.ACCEPTED, (Do.DELIVER,)),  # a repeated 2xx, or another fork's
            _E.FAILURE: (_S.ACCEPTED, ()),
            _T.M: _END,
        },
        _S.TERMINATED: {},
    },
    {
        _S.CALLING: (_T.A, _T.B),
        _S.COMPLETED: (_T.D,),
        _S.ACCEPTED: (_T.M,),
        _S.ABANDONED: (_T.M,),
    },
)

CLIENT: Final = TxMachine(
    "client transaction",
    TxState.TRYING,
    {
        _S.TRYING: {
            _T.E: (_S.TRYING, (Do.SEND,)),
            _T.F: (_S.TERMINATED, (Do.TIME_OUT,)),
            _E.PROVISIONAL: (_S.PROCEEDING, ()),
            _E.SUCCESS: (_S.COMPLETED, (Do.DELIVER,)),
            _E.FAILURE: (_S.COMPLETED, (Do.DELIVER,)),
        },
        _S.PROCEEDING: {
            _T.E: (_S.PROCEEDING, (Do.SEND,)),
            _T.F: (_S.TERMINATED, (Do.TIME_OUT,)),
            _E.PROVISIONAL: (_S.PROCEEDING, ()),
            _E.SUCCESS: (_S.COMPLETED, (Do.DELIVER,)),
            _E.FAILURE: (_S.COMPLETED, (Do.DELIVER,)),
        },
        _S.COMPLETED: {
            _E.PROVISIONAL: (_S.COMPLETED, ()),
            _E.SUCCESS: (_S.COMPLETED, ()),
            _E.FAILURE: (_S.COMPLETED, ()),
            _T.K: _END,
        },
        _S.TERMINATED: {},
    },
    {
        _S.TRYING: (_T.E, _T.F),
        _S.PROCEEDING: (_T.E, _T.F),
        _S.COMPLETED: (_T.K,),
    },
)

INVITE_SERVER: Final = TxMachine(
    "INVITE server transaction",
    TxState.PROCEEDING,
    {
        _S.PROCEEDING: {
            _E.REQUEST: (_S.PROCEEDING, ()),  # we answer within the same turn; nothing to repeat yet
            _E.SUCCESS: (_S.ACCEPTED, (Do.SEND,)),
            _E.FAILURE: (_S.COMPLETED, (Do.SEND,)),
        },
        _S.COMPLETED: {
            _E.REQUEST: (_S.COMPLETED, (Do.SEND,)),
            _E.ACK: (_S.CONFIRMED, ()),
            _T.G: (_S.COMPLETED, (Do.SEND,)),
            _T.H: (_S.TERMINATED, ()),  # the refusal was not acknowledged: the session stays as it was
        },
        _S.CONFIRMED: {
            _E.REQUEST: (_S.CONFIRMED, ()),
            _E.ACK: (_S.CONFIRMED, ()),
            _T.I: _END,
        },
        _S.ACCEPTED: {
            _E.REQUEST: (_S.ACCEPTED, ()),  # absorbed (RFC 6026, 7.1); the 2xx is repeated by its own timer
            _E.ACK: (_S.ACKNOWLEDGED, ()),
            _T.OK: (_S.ACCEPTED, (Do.SEND,)),
            _T.L: (_S.TERMINATED, (Do.NO_ACK,)),
        },
        _S.ACKNOWLEDGED: {
            _E.REQUEST: (_S.ACKNOWLEDGED, ()),
            _E.ACK: (_S.ACKNOWLEDGED, ()),
            _T.L: _END,
        },
        _S.TERMINATED: {},
    },
    {
        _S.COMPLETED: (_T.G, _T.H),
        _S.CONFIRMED: (_T.I,),
        _S.ACCEPTED: (_T.OK, _T.L),
        _S.ACKNOWLEDGED: (_T.L,),
    },
)

SERVER: Final = TxMachine(
    "server transaction",
    TxState.TRYING,
    {
        _S.TRYING: {
            _E.REQUEST: (_S.TRYING, ()),
            _E.SUCCESS: (_S.COMPLETED, (Do.SEND,)),
            _E.FAILURE: (_S.COMPLETED, (Do.SEND,)),
        },
        _S.COMPLETED: {
            _E.REQUEST: (_S.COMPLETED, (Do.SEND,)),
            _T.J: _END,
        },
        _S.TERMINATED: {},
    },
    {_S.COMPLETED: (_T.J,)},
)


def event_of(status: int) -> TxEvent:
    """Return what a response's status is to a transaction."""
    if status < 200:  # noqa: PLR2004 - the classes of RFC 3261, 7.2
        return TxEvent.PROVISIONAL
    return TxEvent.SUCCESS if status < 300 else TxEvent.FAILURE  # noqa: PLR2004 - as above


@dataclass(slots=True)
class _Running:
    """A timer that runs: when it fires, and how long it was set for."""

    at: float
    wait_seconds: float


@dataclass(slots=True)
class Transaction:
    """One transaction under way."""

    machine: TxMachine
    timings: Timings
    state: TxState = field(init=False)
    #: When the next timer fires; None while none runs.
    deadline: float | None = field(init=False, default=None)
    _running: dict[Timer, _Running] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.state = self.machine.start

    def begin(self, now: float) -> None:
        """Arm the timers of the first state."""
        self._settle(now)

    @property
    def over(self) -> bool:
        """Whether it can be forgotten."""
        return self.state is TxState.TERMINATED

    def take(self, event: TxEvent, now: float) -> tuple[Do, ...]:
        """Make a step; return what is to be done; raises IllegalStep for a pair that the table lacks."""
        return self._step(event, now)

    def expire(self, now: float) -> list[Do]:
        """Make the steps of every timer that is due."""
        done: list[Do] = []
        while (due := self._due(now)) is not None:
            done += self._fire(due, now)
        return done

    def _due(self, now: float) -> Timer | None:
        """Return the next timer that is due; one that gives up goes first, so that nothing is sent in vain."""
        due = [
            (timer in REPEATING, running.at, timer)
            for timer, running in self._running.items()
            if running.at <= now
        ]
        return min(due)[2] if due else None

    def _fire(self, timer: Timer, now: float) -> tuple[Do, ...]:
        running = self._running.pop(timer)
        before = self.state
        done = self._step(timer, now)
        if self.state is before:
            answered = before is TxState.PROCEEDING
            wait = next_wait_seconds(timer, running.wait_seconds, self.timings, answered=answered)
            # Counted from now: a loop that was late must not send a burst of what it missed.
            self._running[timer] = _Running(now + wait, wait)
        self._note_deadline()
        return done

    def _step(self, event: TxEvent | Timer, now: float) -> tuple[Do, ...]:
        try:
            after, done = self.machine.table[self.state][event]
        except KeyError:
            raise IllegalStep(self.machine.name, self.state, event) from None
        if after is not self.state:
            self.state = after
            self._settle(now)
        return done

    def _settle(self, now: float) -> None:
        """Keep the timers that this state has, arm those that are new, drop the others."""
        wanted = self.machine.timers.get(self.state, ())
        kept = {timer: running for timer, running in self._running.items() if timer in wanted}
        for timer in wanted:
            if timer not in kept:
                wait = first_wait_seconds(timer, self.timings)
                kept[timer] = _Running(now + wait, wait)
        self._running = kept
        self._note_deadline()

    def _note_deadline(self) -> None:
        """Note it once per step: it is asked for far more often."""
        self.deadline = min((running.at for running in self._running.values()), default=None)
