"""Throwing an event to the catch elements around it (VoiceXML 2.0, 5.2)."""

from dataclasses import dataclass, replace

from shared.voicexml.catches import DefaultAction, count_event, default_action, select
from shared.voicexml.context import InterpreterContext
from shared.voicexml.effects import ErrorThrown
from shared.voicexml.errors import Thrown
from shared.voicexml.executable import Execution
from shared.voicexml.form_state import FormState
from shared.voicexml.model import Catch
from shared.voicexml.place import Place
from shared.voicexml.properties import Properties
from shared.voicexml.transitions import Again, Leave, NextItem, Transition
from shared.voicexml.waits import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class EventScope:
    """Where events are thrown from: an input item, a form, or a document that is being entered."""

    place: Place
    #: Of the scopes around, innermost first (5.2.4).
    catches: tuple[Catch, ...]
    properties: Properties
    #: Changed by every event that is thrown here.
    counters: dict[str, int]
    form: FormState | None

    def execution(self, context: InterpreterContext) -> Execution:
        """Prepare to run executable content here."""
        return Execution(context, self.place, self.properties, self.form)


def guarded(
    context: InterpreterContext, scope: EventScope, steps: Steps[Transition | None]
) -> Steps[Transition | None]:
    """Take the steps; an event that they throw is handled in the scope, and leads to a transition."""
    depth = context.model.depth
    try:
        return (yield from steps)
    except Thrown as thrown:
        return (yield from handle(context, scope, thrown))
    finally:
        # Only now: a catch element sees the variables of the place that threw (5.2).
        context.model.unwind(depth)


def handle(context: InterpreterContext, scope: EventScope, thrown: Thrown) -> Steps[Transition]:
    """Handle an event, and those that its handling throws (5.2: relative to where the first one was)."""
    depth = context.model.depth
    while True:
        context.effort.iterate()
        error_thrown(context, thrown)
        count_event(scope.counters, thrown.event)
        try:
            # Before a catch is chosen: its cond may ask for them as well as its content.
            _tell(context, thrown)
            catch = select(
                scope.catches,
                thrown.event,
                scope.counters,
                lambda catch: context.holds(catch.cond, catch.line),
            )
            if catch is None:
                return _by_default(thrown)
            return (yield from _run(context, scope, catch, thrown))
        except Thrown as again:
            thrown = again
            context.model.unwind(depth)


def error_thrown(context: InterpreterContext, thrown: Thrown) -> None:
    """Tell the host of an error, for whoever debugs the application; raises Exhausted."""
    if thrown.event == "error" or thrown.event.startswith("error."):
        message = thrown.text or ""
        context.effort.produce(len(message))
        context.emit(ErrorThrown(event=thrown.event, message=message))


def _tell(context: InterpreterContext, thrown: Thrown) -> None:
    """Enter the anonymous scope of a catch element, with the event and its message (5.2.2)."""
    context.model.push()
    context.model.store("_event", thrown.event)
    context.model.declare("_message", None)
    if thrown.text is not None:
        context.model.store("_message", thrown.text)


def _run(context: InterpreterContext, scope: EventScope, catch: Catch, thrown: Thrown) -> Steps[Transition]:
    """Run a catch element as if it stood where the event was thrown (5.2.2)."""
    execution = scope.execution(context)
    transition = yield from execution.run(catch.content)
    if isinstance(transition, NextItem):
        return replace(transition, prompts=execution.reprompt)
    return transition or Again(prompts=execution.reprompt, event=thrown.event)


def _by_default(thrown: Thrown) -> Transition:
    match default_action(thrown.event):
        case DefaultAction.IGNORE:
            return Again(prompts=False, event=thrown.event)
        case DefaultAction.REPROMPT:
            return Again(prompts=True, event=thrown.event)
        case DefaultAction.LEAVE:
            return Leave()
        case DefaultAction.FAIL:
            return Leave(event=thrown.event, message=thrown.text or "")
