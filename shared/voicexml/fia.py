"""The form interpretation algorithm (VoiceXML 2.0, 2.1.6 and Appendix C).

    initialise   declare the form's variables and form items and run its scripts, in document order
    repeat:
      select     the item that <goto nextitem> named, or the first whose variable is undefined and whose cond
                 is true; if there is none, the session ends
      collect    a block is run; an input item queues its prompts and waits for the caller
      process    what was heard fills the item, or the items whose slots it names, and the <filled> elements
                 that are due are run; a link, a choice or a form elsewhere leads away

until a transition leads out of the form. An event on the way is handled where it was thrown and ends that
turn; the next one queues no prompts unless the handler said <reprompt>.
"""

from shared.voicexml.catches import event_name
from shared.voicexml.collection import Collection, Outcome, Timing, Verdict
from shared.voicexml.context import InterpreterContext
from shared.voicexml.errors import ScriptFailed, Thrown
from shared.voicexml.event_handling import EventScope, guarded
from shared.voicexml.executable import is_hotword, queue_prompt
from shared.voicexml.executable_model import Executable, Var
from shared.voicexml.form_state import FormState
from shared.voicexml.grammar.active import AnyOf
from shared.voicexml.item_loader import records
from shared.voicexml.limits import MAX_INTERPRETATIONS
from shared.voicexml.listening import Activation, Leading, Listening, OfForm, OwnItem, Universal, choices_of
from shared.voicexml.model import (
    Block,
    Filled,
    Form,
    Initial,
    InputItem,
    Item,
    ObjectItem,
    Record,
    Subdialog,
    Transfer,
    VisitedItem,
)
from shared.voicexml.place import Place
from shared.voicexml.prompts import select
from shared.voicexml.properties import Properties
from shared.voicexml.transitions import Again, Destination, End, Leave, NextItem, Returned, Transition
from shared.voicexml.visits import RunDialogs, Visit
from shared.voicexml.waits import Collecting, Steps


class FormInterpretation:
    """One visit to a form, in the dialog scope that was just entered."""

    def __init__(
        self, context: InterpreterContext, place: Place, form: Form, run_dialogs: RunDialogs
    ) -> None:
        self._context = context
        self._model = context.model
        self._place = place
        self._form = form
        self._run_dialogs = run_dialogs
        self._state = FormState(form)

    def run(self, entered: Destination) -> Steps[Destination | End]:
        """Interpret the form until a transition leads out of it."""
        scope = self._form_scope()
        transition = yield from guarded(self._context, scope, self._initialise(entered.params))
        if isinstance(transition, Again):
            # A form that is half declared cannot be visited, even if a handler took the event.
            return Leave(event=transition.event, message="The form could not be initialised.")
        if transition is None and entered.heard:
            transition = yield from guarded(self._context, scope, self._process_slots())
        while not isinstance(transition, Destination | Leave | Returned):
            self._context.effort.iterate()
            transition = yield from guarded(self._context, scope, self._turn(transition))
        return transition

    def _turn(self, before: NextItem | Again | None) -> Steps[Transition | None]:
        item = self._select(before)
        if item is None:
            return Leave()
        with_prompts = before is None or before.prompts
        scope = self._item_scope(item)
        return (yield from guarded(self._context, scope, self._visit(item, scope, with_prompts=with_prompts)))

    def _initialise(self, params: tuple[str, ...]) -> Steps[Transition | None]:
        """Declare and run what the form has, in document order (2.1.6.1)."""
        execution = self._form_scope().execution(self._context)
        taken = set[str]()
        for child in self._form.children:
            match child:
                case Filled():
                    pass
                case Var(name=name) if name in params:
                    self._take(child)
                    taken.add(name)
                case Item():
                    self._declare(child)
                case _:
                    yield from execution.run((child,))
        unknown = set(params) - taken
        if unknown:
            raise Thrown("error.semantic", f"The form has no variable {', '.join(sorted(unknown))}.")
        return None

    def _take(self, variable: Var) -> None:
        """Declare a variable as a subdialog is given it, whatever it would start as (2.3.4)."""
        try:
            self._model.take(variable.name)
        except ScriptFailed as failure:
            raise failure.thrown_at(variable.line) from None

    def _declare(self, item: Item) -> None:
        # Appendix C: without an expression it is undefined, even if a <var> of that name came before.
        expr = "undefined" if item.expr is None else item.expr
        try:
            if isinstance(item, InputItem):
                self._model.declare_input(item.name, expr)
            else:
                self._model.declare(item.name, expr)
        except ScriptFailed as failure:
            raise failure.thrown_at(item.line) from None

    def _select(self, before: NextItem | Again | None) -> Item | None:
        if isinstance(before, NextItem):
            # 5.3.7: neither its variable nor its cond is asked.
            return next(item for item in self._form.items if item.name == before.name)
        items = self._form.items
        while (position := self._model.first_unfilled([item.name for item in items])) is not None:
            # 2.1.5: the guard condition asks for the variable first and then for cond.
            if self._context.holds(items[position].cond, items[position].line):
                return items[position]
            items = items[position + 1 :]
        return None

    def _visit(self, item: Item, scope: EventScope, *, with_prompts: bool) -> Steps[Transition | None]:
        # 2.2.4: a block has none, whatever was visited before it.
        self._state.choices = choices_of(item)
        if isinstance(item, Block):
            self._model.store(item.name, value=True)
            return (yield from self._run(scope, item.content))
        if with_prompts and isinstance(item, VisitedItem):
            self._queue_prompts(item, scope.properties)
        visit = Visit(context=self._context, scope=scope, run_dialogs=self._run_dialogs)
        match item:
            case Subdialog():
                transition = yield from visit.subdialog(item)
                return transition or (yield from self._process({item.name}))
            case ObjectItem():
                raise Thrown("error.unsupported.objectname", f"Line {item.line}: There are no objects here.")
            case _ if self._context.final:
                # 1.5.4: the session ends where it would have to listen to a caller who has gone.
                return Leave()
            case Record():
                return (yield from self._record(item, scope, visit))
            case Transfer():
                yield from self._transfer(item, scope, visit)
            case _:
                return (yield from self._listen(item, scope))
        return (yield from self._process({item.name}))

    def _record(self, item: Record, scope: EventScope, visit: Visit) -> Steps[Transition | None]:
        """Record (2.3.6); keys for a link or for the form lead there, and what was recorded is dropped."""
        listening = yield from self._activation(scope).listen(item)
        wait = yield from visit.record(item, self._timing(scope.properties).timeout_ms, listening.grammars)
        if wait.matched and not self._context.hung_up:
            outcome = Outcome(verdict=Verdict.MATCH, keys=wait.keys)
            position = listening.grammars.first(outcome.tokens, outcome.mode)
            if position is not None and not isinstance(listening.purposes[position], OwnItem):
                return (yield from self._heard(item, scope, listening, outcome))
            self._command(item, listening.grammars, outcome)
        elif wait.key:
            # dtmfterm: any key is as a match of a grammar of its own.
            outcome = Outcome(verdict=Verdict.MATCH, keys=wait.key)
            self._make_known(item, outcome, {"value": wait.key})
        visit.keep_recording(item, wait)
        return (yield from self._process({item.name}))

    def _transfer(self, item: Transfer, scope: EventScope, visit: Visit) -> Steps[None]:
        """Transfer (2.3.7); what the caller said to end it is a result of recognition like others."""
        grammars = yield from self._activation(scope).listen_for(item.grammars)
        wait = yield from visit.transfer(item, grammars)
        if wait.ending:
            self._command(item, grammars, wait.command)

    def _command(self, item: Item, grammars: AnyOf, outcome: Outcome) -> None:
        """Make known in application.lastresult$ what ended a recording or transfer (5.1.5)."""
        position = grammars.first(outcome.tokens, outcome.mode)
        if position is not None:
            self._interpret(Listening(grammars=grammars, purposes=()), outcome, position, item, 1)

    def _listen(self, item: Item, scope: EventScope) -> Steps[Transition | None]:
        listening = yield from self._activation(scope).listen(item)
        if listening.empty:
            raise Thrown("error.semantic", f"Line {item.line}: No grammar is active here (3.1.4).")
        outcome = yield from self._collect(listening.grammars, self._timing(scope.properties))
        match outcome.verdict:
            case Verdict.MATCH if outcome.confidence < scope.properties.fraction("confidencelevel"):
                # 6.3.2: what was hardly understood was not understood.
                raise self._not_understood(item, outcome)
            case Verdict.MATCH:
                return (yield from self._heard(item, scope, listening, outcome))
            case Verdict.HANGUP:
                raise self._context.hangup()
            case Verdict.NOMATCH:
                raise self._not_understood(item, outcome)
            case Verdict.NOINPUT:
                raise Thrown(Verdict.NOINPUT.value)

    def _not_understood(self, item: Item, outcome: Outcome) -> Thrown:
        """Make the event; 5.1.5: a nomatch counts as a recognition, and is seen in application.lastresult$."""
        self._make_known(item, outcome, {})
        return Thrown(Verdict.NOMATCH.value)

    def _activation(self, scope: EventScope) -> Activation:
        return Activation(self._context, self._place, self._form, scope.properties)

    def _queue_prompts(self, item: VisitedItem, properties: Properties) -> None:
        """Choose by the prompt counter and queue (4.1.6)."""
        counter = self._state.count_prompt(item)
        chosen = select(item.prompts, counter, lambda prompt: self._context.holds(prompt.cond, prompt.line))
        for prompt in chosen:
            queue_prompt(self._context, prompt, properties, self._state.choices, self._place.base_url)

    def _timing(self, properties: Properties) -> Timing:
        timeout_ms, hotword = self._context.prompts.timeout_ms, self._context.prompts.hotword
        return Timing(
            timeout_ms=properties.duration_ms("timeout") if timeout_ms is None else timeout_ms,
            interdigit_timeout_ms=properties.duration_ms("interdigittimeout"),
            term_timeout_ms=properties.duration_ms("termtimeout"),
            termchar=properties.key("termchar"),
            modes=properties.words("inputmodes"),
            most_keys=max(0, properties.count("termmaxdigits")),
            hotword=is_hotword(properties) if hotword is None else hotword,
            sound_type=_sound_type(properties),
        )

    def _collect(self, grammar: AnyOf, timing: Timing) -> Steps[Outcome]:
        """Enter the waiting state (4.1.8), unless the caller went on the way to it."""
        context = self._context
        if context.hung_up:
            return Outcome(verdict=Verdict.HANGUP)
        self._model.clear_last_result()
        context.mark = None
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

    def _heard(
        self, item: Item, scope: EventScope, listening: Listening, outcome: Outcome
    ) -> Steps[Transition | None]:
        """Do what the first grammar that matches is for (3.1.4)."""
        position = listening.grammars.first(outcome.tokens, outcome.mode)
        if position is None:
            raise Thrown("nomatch")
        self._interpret(listening, outcome, position, item, scope.properties.count("maxnbest"))
        match listening.purposes[position]:
            case OwnItem():
                slot = item.slot if isinstance(item, InputItem) else item.name
                self._model.fill(item.name, slot)
                return (yield from self._process({item.name}))
            case OfForm(form=form) if form is self._form:
                return (yield from self._process_slots())
            case OfForm() as elsewhere:
                return self._elsewhere(elsewhere)
            case Leading() as leading:
                return (yield from self._lead(leading, scope))
            case Universal(event=event):
                raise Thrown(event)

    def _interpret(
        self, listening: Listening, outcome: Outcome, position: int, item: Item, most: int
    ) -> None:
        """Find out what was meant, in how many ways it can be meant at most, and make it known (5.1.5)."""
        # Of more parses than are asked for, because some of them mean the same.
        wanted = 1 if most <= 1 else MAX_INTERPRETATIONS
        first, *others = listening.grammars.meanings(outcome.tokens, position, wanted)
        tree = first.get("tree")
        if isinstance(tree, dict):
            # 5.1.5: the words that were recognised, without the marks and the case of whoever wrote them.
            first["utterance"] = tree["text"]
        self._make_known(item, outcome, first | ({"others": others, "most": most} if others else {}))

    def _make_known(self, item: Item, outcome: Outcome, meaning: dict[str, object]) -> None:
        result: dict[str, object] = {
            "utterance": outcome.keys or outcome.said,
            "inputmode": outcome.mode.value,
            "confidence": outcome.confidence,
        }
        if self._context.mark:
            result["markname"] = self._context.mark.name
            result["marktime"] = max(0, self._context.heard_at_ms - self._context.mark.at_ms)
        if outcome.recording:
            result |= {
                "recording": self._context.keep_recording(outcome.recording),
                "recordingsize": outcome.recording_bytes,
                "recordingduration": outcome.recording_ms,
            }
        try:
            self._model.interpret(result | meaning)
        except ScriptFailed as failure:
            raise failure.thrown_at(item.line) from None

    def _elsewhere(self, purpose: OfForm) -> Destination:
        """Enter the form whose grammar matched, with what was heard (2.1.6, 3.1.4)."""
        if purpose.document is self._place.document:
            return Destination(place=self._place, dialog=purpose.form, fresh=False, heard=True)
        place = Place(document=purpose.document, root=None, application_url=self._place.application_url)
        return Destination(place=place, dialog=purpose.form, fresh=True, same_application=True, heard=True)

    def _lead(self, leading: Leading, scope: EventScope) -> Steps[Transition | None]:
        source = leading.source
        try:
            message = source.message
            if source.messageexpr is not None:
                message = self._model.text(source.messageexpr)
            event = source.event if source.eventexpr is None else self._model.text(source.eventexpr)
            url = source.next if source.expr is None else self._model.text(source.expr)
        except ScriptFailed as failure:
            raise failure.thrown_at(source.line) from None
        if event is not None:
            raise Thrown(event_name(event, source.line), message)
        execution = scope.execution(self._context)
        here = leading.document is self._place.document
        return (yield from execution.go(url or "", source.fetch, source.base_url, here=here))

    def _process_slots(self) -> Steps[Transition | None]:
        """Fill the items whose slots were heard (3.1.6.1), and be done with the initial ones."""
        filled = {
            item.name
            for item in self._form.items
            if isinstance(item, InputItem) and self._model.fill_slot(item.name, item.slot)
        }
        if not filled:
            return None
        for item in self._form.items:
            if isinstance(item, Initial):
                self._model.store(item.name, value=True)
        return (yield from self._process(filled))

    def _process(self, just_filled: set[str]) -> Steps[Transition | None]:
        """Run the <filled> elements that are due, in document order (2.4)."""
        for child in self._form.children:
            transition: Transition | None = None
            if isinstance(child, InputItem) and child.name in just_filled:
                scope = self._item_scope(child)
                steps = self._run_all(scope, child.filled)
                transition = yield from guarded(self._context, scope, steps)
            elif isinstance(child, Filled) and self._is_due(child, just_filled):
                scope = self._form_scope()
                transition = yield from guarded(self._context, scope, self._run(scope, child.content))
            if transition is not None:
                return transition
        return None

    def _is_due(self, filled: Filled, just_filled: set[str]) -> bool:
        names = self._state.input_names() if filled.names is None else filled.names
        if just_filled.isdisjoint(names):
            return False
        return not filled.needs_all or self._model.first_unfilled(tuple(names)) is None

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
            place=self._place,
            catches=self._form.catches + self._place.catches,
            properties=Properties(*self._place.property_layers, self._form.properties),
            counters=self._state.event_counters,
            form=self._state,
        )

    def _item_scope(self, item: Item) -> EventScope:
        catches = item.catches if isinstance(item, VisitedItem) else ()
        properties = item.properties if isinstance(item, VisitedItem) else ()
        return EventScope(
            place=self._place,
            catches=catches + self._form.catches + self._place.catches,
            properties=Properties(*self._place.property_layers, self._form.properties, properties),
            counters=self._state.item_event_counters(item),
            form=self._state,
        )


def _sound_type(properties: Properties) -> str | None:
    """Return in which format what is said is to be kept (VoiceXML 2.1, 7); None if it is not. Raises Thrown."""
    if not properties.flag("recordutterance"):
        return None
    sound_type = properties.text("recordutterancetype")
    if not records(sound_type):
        raise Thrown("error.unsupported.format", f"Nothing can be recorded as {sound_type!r}.")
    return sound_type
