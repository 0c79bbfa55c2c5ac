"""Executable content (VoiceXML 2.0, 5.3): one step per element, and the transition it ends in.

Most elements are done at once. Those that may wait in their midst (a document is fetched, the last prompts
are played) are generators; see `waits.py`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from shared.voicexml import model
from shared.voicexml.context import InterpreterContext
from shared.voicexml.effects import HangUp, Log, Play
from shared.voicexml.errors import ScriptFailed, Thrown
from shared.voicexml.events import Method, Pairs
from shared.voicexml.form_state import FormState
from shared.voicexml.model import Document, Executable
from shared.voicexml.navigation import Request, dialog_here, open_document
from shared.voicexml.prompts import QueuedPrompt, plain_text, render, unsupported
from shared.voicexml.properties import Properties
from shared.voicexml.transitions import Leave, NextItem, Transition
from shared.voicexml.waits import Draining, Steps


class Execution:
    """One run through a piece of executable content, in the scope that is innermost when it runs."""

    def __init__(
        self, context: InterpreterContext, document: Document, properties: Properties, form: FormState | None
    ) -> None:
        #: Whether <reprompt> was executed; only a catch element asks (5.3.6).
        self.reprompt = False
        self._context = context
        self._model = context.model
        self._document = document
        self._properties = properties
        self._form = form

    def run(self, content: tuple[Executable, ...]) -> Steps[Transition | None]:
        """Execute the elements until one leads away; raises Thrown."""
        for element in content:
            self._context.effort.execute()
            try:
                transition = yield from self._execute(element)
            except ScriptFailed as failure:
                raise failure.thrown_at(element.line) from None
            if transition is not None:
                return transition
        return None

    def _execute(self, element: Executable) -> Steps[Transition | None]:
        match element:
            case model.If():
                return (yield from self._if(element))
            case model.Goto():
                return (yield from self._goto(element))
            case model.Submit():
                return (yield from self._submit(element))
            case model.Disconnect():
                return (yield from self._disconnect(element))
            case _:
                return self.AT_ONCE[type(element)](self, element)

    def _if(self, element: model.If) -> Steps[Transition | None]:
        for branch in element.branches:
            if self._context.holds(branch.cond, branch.line):
                return (yield from self.run(branch.content))
        return None

    def _goto(self, element: model.Goto) -> Steps[Transition | None]:
        if element.nextitem is not None or element.expritem is not None:
            return self._next_item(element)
        next_ = self._given(element.next, element.expr)
        if next_.startswith("#"):
            self._context.effort.iterate()
            return dialog_here(self._document, next_[1:])
        return (yield from self._open(next_, "GET", (), element.fetch_timeout_ms))

    def _next_item(self, element: model.Goto) -> NextItem:
        name = self._given(element.nextitem, element.expritem)
        if self._form is None or name not in {item.name for item in self._form.form.items}:
            raise Thrown("error.badfetch", f"Line {element.line}: There is no form item {name!r} here.")
        return NextItem(name=name)

    def _submit(self, element: model.Submit) -> Steps[Transition | None]:
        url = self._given(element.next, element.expr)
        names = element.names
        if names is None:
            names = self._form.submitted_names() if self._form else ()
        values = self._values(names)
        return (
            yield from self._open(url, "POST" if element.post else "GET", values, element.fetch_timeout_ms)
        )

    def _given(self, literal: str | None, expr: str | None) -> str:
        """Return the one of two attributes that the document has: a literal or an expression."""
        return self._model.text(expr) if expr is not None else literal or ""

    def _open(
        self, url: str, method: Method, form: Pairs, timeout_ms: int | None
    ) -> Steps[Transition | None]:
        self._context.effort.iterate()
        if timeout_ms is None:
            timeout_ms = self._properties.duration_ms("fetchtimeout")
        request = Request(
            base_url=self._document.base_url, url=url, method=method, form=form, timeout_ms=timeout_ms
        )
        return (yield from open_document(self._context, request))

    def _disconnect(self, element: model.Disconnect) -> Steps[Transition | None]:
        """5.3.11: play what is queued, disconnect, and tell the application as if the caller had gone."""
        self._context.disconnect_values = self._values(element.names)
        yield from drain(self._context)
        if self._context.final:
            # It was told already; telling it again would lead back here.
            return Leave()
        if not self._context.alone:
            self._context.disconnected = True
            self._context.emit(HangUp())
            self._context.caller_gone()
        raise self._context.hangup()

    def _values(self, names: tuple[str, ...]) -> Pairs:
        values = tuple((name, self._model.wire_text(name)) for name in names)
        self._context.effort.produce(sum(len(name) + len(value) for name, value in values))
        return values

    def _var(self, element: model.Var) -> None:
        self._model.declare(element.name, element.expr)

    def _assign(self, element: model.Assign) -> None:
        self._model.assign(element.name, element.expr)

    def _clear(self, element: model.Clear) -> None:
        if self._form is not None:
            self._form.clear(element.names, self._model)
        else:
            for name in element.names:
                self._model.clear(name)

    def _prompt(self, element: model.Prompt) -> None:
        if self._context.holds(element.cond, element.line):
            queue_prompt(self._context, element, self._properties)

    def _reprompt(self, _: model.Reprompt) -> None:
        self.reprompt = True

    def _throw(self, element: model.Throw) -> None:
        event = self._given(element.event, element.eventexpr).strip()
        if not event or " " in event:
            raise Thrown("error.semantic", f"Line {element.line}: {event!r} is not the name of an event.")
        message = element.message
        if element.messageexpr is not None:
            message = self._model.text(element.messageexpr)
        raise Thrown(event, message)

    def _exit(self, element: model.Exit) -> Transition:
        if element.expr is None:
            return Leave(values=self._values(element.names))
        return Leave(values=(("expr", self._model.wire_text(element.expr)),))

    def _log(self, element: model.Log) -> None:
        texts = [plain_text(element.parts, self._model, self._context.effort)]
        if element.expr is not None:
            texts.append(self._model.text(element.expr))
        text = " ".join(text for text in texts if text)
        self._context.effort.produce(len(element.label) + len(text))
        self._context.emit(Log(label=element.label, text=text))

    def _unsupported(self, element: model.Unsupported) -> None:
        raise unsupported(element)

    #: What is done at once, by the element's type.
    AT_ONCE: Mapping[type, Callable[..., Transition | None]] = MappingProxyType(
        {
            model.Assign: _assign,
            model.Clear: _clear,
            model.Exit: _exit,
            model.Log: _log,
            model.Prompt: _prompt,
            model.Reprompt: _reprompt,
            model.Throw: _throw,
            model.Unsupported: _unsupported,
            model.Var: _var,
        }
    )


def queue_prompt(context: InterpreterContext, prompt: model.Prompt, properties: Properties) -> None:
    """Queue a prompt, whose cond holds (4.1); raises Thrown."""
    bargein = properties.flag("bargein") if prompt.bargein is None else prompt.bargein
    segments = render(prompt, context.model, context.effort)
    context.prompts.add(QueuedPrompt(segments=segments, bargein=bargein, timeout_ms=prompt.timeout_ms))


def drain(context: InterpreterContext) -> Steps[None]:
    """Play the queued prompts to their end, if anybody is there; no key counts meanwhile (4.1.8)."""
    segments = context.prompts.take_all()
    if segments and not context.alone:
        play_id = context.new_id()
        context.emit(Play(play_id=play_id, segments=segments, bargein=False))
        yield Draining(play_id=play_id)
