"""The interpreter context: what one session has at hand while it runs.

One mutable value, handed to every part of the interpreter, so that the parts themselves can be functions over
the frozen document. It is also where effects are put until the session hands them over.
"""

from collections.abc import Callable

from shared.voicexml.ecmascript import DataModel
from shared.voicexml.effects import RECORDING_PREFIX, Effect, StartTimer
from shared.voicexml.errors import ScriptFailed, Thrown
from shared.voicexml.events import MarkReached, Pairs
from shared.voicexml.grammar.expansion import GrammarDocument
from shared.voicexml.keys import TypeAhead
from shared.voicexml.limits import AFTER_HANGUP_MS, Effort
from shared.voicexml.model import Document
from shared.voicexml.prompts import PromptQueue


class InterpreterContext:
    """Variables, prompts, keys and facts of one session."""

    def __init__(self, model: DataModel, load: Callable[[bytes, str], Document]) -> None:
        self.model = model
        self.load = load
        self.effort = Effort()
        self.prompts = PromptQueue()
        self.typed_ahead = TypeAhead()
        self.documents_fetched = 0
        self.fetches = 0
        #: The mark that was reached last while the present input was waited for (2.1, 6.3).
        self.mark: MarkReached | None = None
        #: When the caller last did something; as of `Digit`.
        self.heard_at_ms = 0
        #: Grammars that were fetched, by URL.
        self.grammars: dict[str, GrammarDocument] = {}
        #: The host's names of what was recorded.
        self.recordings: set[str] = set()
        #: How many subdialogs are under way.
        self.subdialogs = 0
        #: The caller has gone by itself.
        self.hung_up = False
        #: The application has disconnected the caller.
        self.disconnected = False
        #: connection.disconnect was thrown: the session may not listen again (1.5.4).
        self.final = False
        #: What <disconnect> handed over, kept until the end.
        self.disconnect_values: Pairs = ()
        #: Ends the final processing; runs from the moment that the caller has gone.
        self.final_timer: int | None = None
        self._outbox: list[Effect] = []
        self._last_id = 0

    @property
    def alone(self) -> bool:
        """Whether nobody is there to hear or to be heard."""
        return self.hung_up or self.disconnected

    def new_id(self) -> int:
        """Return an identifier for a fetch, a play or a timer; never the same twice in a session."""
        self._last_id += 1
        return self._last_id

    def emit(self, effect: Effect) -> None:
        """Put an effect behind the others."""
        self._outbox.append(effect)

    def take_effects(self) -> tuple[Effect, ...]:
        """Hand over the effects since the last time."""
        effects = tuple(self._outbox)
        self._outbox.clear()
        return effects

    def keep_recording(self, recording: str) -> str:
        """Note one of the host's recordings; return what stands for it in the application's variables."""
        name = RECORDING_PREFIX + recording
        self.recordings.add(name)
        return name

    def holds(self, cond: str | None, line: int) -> bool:
        """Evaluate a condition of the element at `line`; without one it holds. Raises Thrown."""
        try:
            return cond is None or self.model.condition(cond)
        except ScriptFailed as failure:
            raise failure.thrown_at(line) from None

    def caller_gone(self) -> None:
        """Limit what is left to the application, from now on."""
        if self.final_timer is None:
            self.final_timer = self.new_id()
            self.emit(StartTimer(timer_id=self.final_timer, after_ms=AFTER_HANGUP_MS))

    def hangup(self) -> Thrown:
        """Begin the final processing: return the event that tells the application (1.5.4)."""
        self.final = True
        return Thrown("connection.disconnect.hangup")
