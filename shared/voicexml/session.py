"""One VoiceXML session: events in, effects out.

The session is a state machine without a clock, a socket or dice. Its states are the waits of `waits.py`, and
what an event does in each is the table `REACTIONS`; between two waits the interpreter runs without
interruption. The same `Start` and the same events give the same effects in any process, so a session that is
lost with its process can be played back in another one. (A script that is stopped for its processor time is
the one exception; whoever plays back compares the answers.)

Hang-up (1.5.4): while the session is between inputs, the fact is kept and thrown as
`connection.disconnect.hangup` when it next would listen, as the specification has it for all asynchronous
events (4.1.8). From then on it may go on, fetch and submit, for `AFTER_HANGUP_MS`, but never listen again.
"""

from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from types import MappingProxyType

from shared.voicexml.application import run_application
from shared.voicexml.context import InterpreterContext
from shared.voicexml.ecmascript import DataModel
from shared.voicexml.effects import Effect, Exit, ExitReason, StopTimer
from shared.voicexml.errors import Exhausted, ScriptFailed, SessionMisuse
from shared.voicexml.events import (
    DTMF_KEYS,
    CalleeTypeKnown,
    Digit,
    Event,
    Fetched,
    FetchFailed,
    HungUp,
    MarkReached,
    PlayEnded,
    Recorded,
    Said,
    Start,
    TimerFired,
    TransferEnded,
)
from shared.voicexml.loader import Load, load
from shared.voicexml.transitions import Leave
from shared.voicexml.waits import Collecting, Draining, Fetching, Recording, Steps, Transferring, Wait


class Ended(Enum):
    """The state after `Exit`."""

    ENDED = "ended"


class Reaction(Enum):
    """What the session does with an event."""

    #: The wait takes it, and may be over.
    TAKE = "take"
    #: A key that is kept for the next input.
    KEEP = "keep"
    #: A fact about the call that the application may read.
    NOTE = "note"
    #: The caller has gone; the application hears of it at the next input.
    NOTE_HANGUP = "note_hangup"
    #: The caller has gone, and with it what is waited for.
    ABANDON = "abandon"
    #: It answers something that is over, or comes at a time when it means nothing.
    IGNORE = "ignore"


_KINDS: tuple[type[Event], ...] = (
    Fetched,
    FetchFailed,
    PlayEnded,
    Digit,
    Said,
    MarkReached,
    TimerFired,
    CalleeTypeKnown,
    HungUp,
    TransferEnded,
    Recorded,
)


def _row(reactions: Mapping[type[Event], Reaction]) -> Mapping[type[Event], Reaction]:
    """Complete a row: events arrive late, and what is not named in a state means nothing in it."""
    return MappingProxyType(dict.fromkeys(_KINDS, Reaction.IGNORE) | dict(reactions))


#: The machine: what each event does in each state.
REACTIONS: Mapping[type[Wait] | type[Ended], Mapping[type[Event], Reaction]] = MappingProxyType(
    {
        Fetching: _row(
            {
                Fetched: Reaction.TAKE,
                FetchFailed: Reaction.TAKE,
                # Of what is heard during a fetch.
                PlayEnded: Reaction.TAKE,
                TimerFired: Reaction.TAKE,
                Digit: Reaction.KEEP,
                CalleeTypeKnown: Reaction.NOTE,
                HungUp: Reaction.NOTE_HANGUP,
            }
        ),
        Draining: _row(
            {
                PlayEnded: Reaction.TAKE,
                CalleeTypeKnown: Reaction.NOTE,
                HungUp: Reaction.ABANDON,
            }
        ),
        Collecting: _row(
            {
                PlayEnded: Reaction.TAKE,
                Digit: Reaction.TAKE,
                Said: Reaction.TAKE,
                TimerFired: Reaction.TAKE,
                MarkReached: Reaction.NOTE,
                CalleeTypeKnown: Reaction.NOTE,
                HungUp: Reaction.ABANDON,
            }
        ),
        Recording: _row(
            {
                Recorded: Reaction.TAKE,
                Digit: Reaction.TAKE,
                CalleeTypeKnown: Reaction.NOTE,
                # What was said until then is a recording, which the host answers with (2.3.6).
                HungUp: Reaction.NOTE_HANGUP,
            }
        ),
        Transferring: _row(
            {
                TransferEnded: Reaction.TAKE,
                Digit: Reaction.TAKE,
                Said: Reaction.TAKE,
                CalleeTypeKnown: Reaction.NOTE,
                HungUp: Reaction.ABANDON,
            }
        ),
        Ended: _row({}),
    }
)


class Session:
    """A call's application, run by a host that carries out its effects and reports events."""

    def __init__(self, start: Start, load: Load = load) -> None:
        """Prepare a session; `load` may be a caching form of `loader.load`. Raises ScriptFailed."""
        model = DataModel(start.session_variables, seed=start.seed, now=start.now)
        self._context = InterpreterContext(model, load)
        self._steps: Steps[Leave] = run_application(self._context, start)
        #: None before `begin`.
        self._state: Wait | Ended | None = None

    @property
    def ended(self) -> bool:
        """Whether `Exit` was given."""
        return self._state is Ended.ENDED

    def begin(self) -> tuple[Effect, ...]:
        """Start: the first effect is the fetch of the application."""
        if self._state is not None:
            raise SessionMisuse("The session has begun already.")
        self._advance()
        return self._context.take_effects()

    def handle(self, event: Event) -> tuple[Effect, ...]:
        """Take an event and go on to the next wait; after the end there are no effects any more."""
        if self._state is None:
            raise SessionMisuse("The session has not begun.")
        if isinstance(event, TimerFired) and event.timer_id == self._context.final_timer:
            self._run_out()
        else:
            self._react(self._state, event)
        return self._context.take_effects()

    def _react(self, state: Wait | Ended, event: Event) -> None:
        reaction = REACTIONS[type(state)].get(type(event))
        if reaction is None:
            raise SessionMisuse(f"{type(event).__name__} is not an event that a session takes.")
        match reaction, event:
            case Reaction.TAKE, _ if not isinstance(state, Ended):
                if isinstance(event, Digit | Said):
                    self._context.heard_at_ms = event.at_ms
                if self._is_over(state, event):
                    self._advance()
            case Reaction.KEEP, Digit(key=key) if key in DTMF_KEYS:
                self._context.typed_ahead.add(key)
            case Reaction.NOTE, _:
                self._note(event)
            case Reaction.NOTE_HANGUP, _:
                self._note_hangup()
            case Reaction.ABANDON, _:
                self._note_hangup()
                if isinstance(state, Collecting):
                    state.collection.abandon()
                self._advance()
            case _:
                pass

    @staticmethod
    def _is_over(state: Wait, event: Event) -> bool:
        if isinstance(event, Digit) and event.key not in DTMF_KEYS:
            return False
        return state.take(event)

    def _note(self, event: Event) -> None:
        match event:
            case CalleeTypeKnown(callee_type=callee_type):
                with suppress(ScriptFailed):  # a full heap: the next element notices
                    self._context.model.set_callee_type(callee_type)
            case MarkReached():
                self._context.mark = event
            case _:
                pass

    def _note_hangup(self) -> None:
        if not self._context.alone:
            self._context.hung_up = True
            self._context.caller_gone()

    def _advance(self) -> None:
        """Run the interpreter to its next wait or its end."""
        try:
            self._state = next(self._steps)
        except StopIteration as end:
            self._end(end.value)
        except (Exhausted, ScriptFailed) as failure:
            # Of scripts only a heap that is so full that not even a scope fits in comes as far as this.
            self._end(Leave(event="error.semantic", message=failure.message))

    def _run_out(self) -> None:
        """End a session whose time after the hang-up is over."""
        if self._state is not Ended.ENDED:
            self._context.final_timer = None
            self._end(Leave())

    def _end(self, leave: Leave) -> None:
        self._state = Ended.ENDED
        with suppress(ScriptFailed, Exhausted):
            self._steps.close()
        if self._context.final_timer is not None:
            self._context.emit(StopTimer(timer_id=self._context.final_timer))
        values = dict(self._context.disconnect_values) | dict(leave.values)
        self._context.emit(
            Exit(
                reason=self._reason(leave),
                values=tuple(values.items()),
                event=leave.event,
                message=leave.message,
            )
        )

    def _reason(self, leave: Leave) -> ExitReason:
        if leave.event:
            return "error"
        if self._context.hung_up:
            return "hangup"
        return "disconnect" if self._context.disconnected else "exit"
