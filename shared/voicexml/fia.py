"""The form interpretation algorithm (VoiceXML 2.0, 2.1.6 and Appendix C).

    initialise   declare the form's variables and form items, in document order
    repeat:
      select     the item that <goto nextitem> named, or the first whose variable is undefined and whose cond
                 is true; if there is none, the session ends
      collect    a block is run; an input item queues its prompts and waits for the caller
      process    what was keyed fills the item, and the <filled> elements that are due are run

until a transition leads out of the form. An event on the way is handled where it was thrown and ends that
turn; the next one queues no prompts unless the handler said <reprompt>.
"""

from shared.voicexml.collection import Collection, Outcome, Timing, Verdict
from shared.voicexml.context import InterpreterContext
from shared.voicexml.digits import Grammar, field_grammar
from shared.voicexml.errors import ScriptFailed, Thrown
from shared.voicexml.event_handling import EventScope, guarded
from shared.voicexml.executable import queue_prompt
from shared.voicexml.form_state import FormState
from shared.voicexml.model import (
    Block,
    Document,
    Executable,
    Field,
    Filled,
    Form,
    InputItem,
    Item,
    Unsupported,
    UnsupportedItem,
)
from shared.voicexml.prompts import select, unsupported
from shared.voicexml.properties import Properties
from shared.voicexml.transitions import Again, Destination, Leave, NextItem, Transition
from shared.voicexml.waits import Collecting, Steps


class FormInterpretation:
    """One visit to a form, in the dialog scope that was just entered."""

    def __init__(self, context: InterpreterContext, document: Document, form: Form) -> None:
        self._context = context
        self._model = context.model
        self._document = document
        self._form = form
        self._state = FormState(form)

    def run(self) -> Steps[Destination | Leave]:
        """Interpret the form until a transition leads out of it."""
        scope = self._form_scope()
        transition = yield from guarded(self._context, scope, self._initialise())
        if isinstance(transition, Again):
            # A form that is half declared cannot be visited, even if a handler took the event.
            return Leave(event=transition.event, message="The form could not be initialised.")
        while not isinstance(transition, Destination | Leave):
            self._context.effort.iterate()
            transition = yield from guarded(self._context, scope, self._turn(transition))
        return transition

    def _turn(self, before: NextItem | Again | None) -> Steps[Transition | None]:
        item = self._select(before)
        if item is None:
            return Leave()
        with_prompts = before is None or before.prompts
        steps = self._visit(item, with_prompts=with_prompts)
        return (yield from guarded(self._context, self._item_scope(item), steps))

    def _initialise(self) -> Steps[None]:
        """Declare what the form has, in document order (2.1.6.1)."""
        for child in self._form.children:
            if isinstance(child, Unsupported):
                raise unsupported(child)
            if not isinstance(child, Filled):
                try:
                    self._model.declare(child.name, child.expr)
                except ScriptFailed as failure:
                    raise failure.thrown_at(child.line) from None
        yield from ()

    def _select(self, before: NextItem | Again | None) -> Item | None:
        if isinstance(before, NextItem):
            # 5.3.7: neither its variable nor its cond is asked.
            return next(item for item in self._form.items if item.name == before.name)
        return next((item for item in self._form.items if self._is_eligible(item)), None)

    def _is_eligible(self, item: Item) -> bool:
        """Evaluate the guard condition (2.1.5)."""
        return not self._model.is_filled(item.name) and self._context.holds(item.cond, item.line)

    def _visit(self, item: Item, *, with_prompts: bool) -> Steps[Transition | None]:
        match item:
            case Block():
                self._model.store(item.name, value=True)
                return (yield from self._run(self._item_scope(item), item.content))
            case Field():
                return (yield from self._visit_field(item, with_prompts=with_prompts))
            case UnsupportedItem(element=element, line=line):
                raise unsupported(Unsupported(element=element, line=line))
            case _:
                raise AssertionError(f"There is no way to visit {item!r}.")

    def _visit_field(self, field: Field, *, with_prompts: bool) -> Steps[Transition | None]:
        scope = self._item_scope(field)
        if with_prompts:
            self._queue_prompts(field, scope.properties)
        if field.unsupported:
            raise unsupported(field.unsupported[0])
        grammar = field_grammar(field)
        timing = self._timing(scope.properties)
        if self._context.final:
            # 1.5.4: the session ends where it would have to listen to a caller who has gone.
            return Leave()
        outcome = yield from self._collect(grammar, timing)
        match outcome.verdict:
            case Verdict.MATCH:
                self._fill(field, outcome.keys, grammar)
                return (yield from self._process(field, scope))
            case Verdict.HANGUP:
                raise self._context.hangup()
            case Verdict.NOINPUT | Verdict.NOMATCH:
                raise Thrown(outcome.verdict.value)

    def _queue_prompts(self, field: Field, properties: Properties) -> None:
        """Choose by the prompt counter and queue (4.1.6)."""
        counter = self._state.count_prompt(field)
        chosen = select(field.prompts, counter, lambda prompt: self._context.holds(prompt.cond, prompt.line))
        for prompt in chosen:
            queue_prompt(self._context, prompt, properties)

    def _timing(self, properties: Properties) -> Timing:
        timeout_ms = self._context.prompts.timeout_ms
        return Timing(
            timeout_ms=properties.duration_ms("timeout") if timeout_ms is None else timeout_ms,
            interdigit_timeout_ms=properties.duration_ms("interdigittimeout"),
            term_timeout_ms=properties.duration_ms("termtimeout"),
            termchar=properties.key("termchar"),
        )

    def _collect(self, grammar: Grammar, timing: Timing) -> Steps[Outcome]:
        """Enter the waiting state (4.1.8), unless the caller went on the way to it."""
        context = self._context
        if context.hung_up:
            return Outcome(verdict=Verdict.HANGUP)
        self._model.set_last_result(None)
        context.effort.rest()
        collection = Collection(
            prompts=context.prompts.take_plays(context.new_id),
            grammar=grammar,
            timing=timing,
            typed_ahead=context.typed_ahead,
            emit=context.emit,
            new_id=context.new_id,
        )
        collection.begin()
        if collection.outcome is None:
            yield Collecting(collection=collection)
        return collection.outcome or Outcome(verdict=Verdict.HANGUP)

    def _fill(self, field: Field, keys: str, grammar: Grammar) -> None:
        """Set the form item variable and what is known about the input (2.3.1, 5.1.5)."""
        value = grammar.value(keys)
        result = {"utterance": keys, "inputmode": "dtmf", "confidence": 1.0, "interpretation": value}
        self._model.set_last_result(result)
        self._model.store(f"{field.name}$", result)
        if value is not None:
            self._model.store(field.name, value)

    def _process(self, filled_item: InputItem, scope: EventScope) -> Steps[Transition | None]:
        """Run the <filled> elements that are due, in document order (2.4)."""
        for child in self._form.children:
            transition = None
            if child is filled_item:
                transition = yield from self._run_all(scope, filled_item.filled)
            elif isinstance(child, Filled) and self._is_due(child, filled_item):
                form_scope = self._form_scope()
                transition = yield from guarded(
                    self._context, form_scope, self._run(form_scope, child.content)
                )
            if transition is not None:
                return transition
        return None

    def _is_due(self, filled: Filled, filled_item: InputItem) -> bool:
        names = self._state.input_names() if filled.names is None else filled.names
        if filled_item.name not in names:
            return False
        return not filled.needs_all or all(self._model.is_filled(name) for name in names)

    def _run_all(self, scope: EventScope, elements: tuple[Filled, ...]) -> Steps[Transition | None]:
        for element in elements:
            transition = yield from self._run(scope, element.content)
            if transition is not None:
                return transition
        return None

    def _run(self, scope: EventScope, content: tuple[Executable, ...]) -> Steps[Transition | None]:
        """Run content in an anonymous scope of its own (5.1.2)."""
        depth = self._model.depth
        self._model.push()
        transition = yield from scope.execution(self._context).run(content)
        self._model.unwind(depth)
        return transition

    def _form_scope(self) -> EventScope:
        return EventScope(
            document=self._document,
            catches=self._form.catches + self._document.catches,
            properties=Properties(self._document.properties, self._form.properties),
            counters=self._state.event_counters,
            form=self._state,
        )

    def _item_scope(self, item: Item) -> EventScope:
        catches = item.catches if isinstance(item, InputItem) else ()
        properties = item.properties if isinstance(item, InputItem) else ()
        return EventScope(
            document=self._document,
            catches=catches + self._form.catches + self._document.catches,
            properties=Properties(self._document.properties, self._form.properties, properties),
            counters=self._state.item_event_counters(item),
            form=self._state,
        )
