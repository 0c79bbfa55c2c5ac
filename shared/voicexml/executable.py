"""Executable content (VoiceXML 2.0, 5.3): one step per element, and the transition it ends in.

Most elements are done at once. Those that may wait in their midst (a document is fetched, the last prompts
are played) are generators; see `waits.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from shared.voicexml import executable_model as model
from shared.voicexml.catches import event_name
from shared.voicexml.context import InterpreterContext
from shared.voicexml.draining import drain
from shared.voicexml.effects import FetchPurpose, HangUp, Log
from shared.voicexml.errors import DocumentInvalid, ScriptFailed, Thrown
from shared.voicexml.events import Pairs
from shared.voicexml.executable_model import Executable
from shared.voicexml.form_state import FormState
from shared.voicexml.navigation import Request, dialog_here, fetch, open_document, request_of
from shared.voicexml.place import Place
from shared.voicexml.prompt_model import Prompt
from shared.voicexml.prompts import QueuedPrompt, Rendering, resolved
from shared.voicexml.properties import Properties
from shared.voicexml.script_text import script_text
from shared.voicexml.transitions import Leave, NextItem, Returned, Transition
from shared.voicexml.waits import Steps
from shared.voicexml.xml_data import data_json, may_read


class Execution:
    """One run through a piece of executable content, in the scope that is innermost when it runs."""

    def __init__(
        self, context: InterpreterContext, place: Place, properties: Properties, form: FormState | None
    ) -> None:
        #: Whether <reprompt> was executed; only a catch element asks (5.3.6).
        self.reprompt = False
        self._context = context
        self._model = context.model
        self._place = place
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
        in_time = self.IN_TIME.get(type(element))
        if in_time is not None:
            return (yield from in_time(self, element))
        return self.AT_ONCE[type(element)](self, element)

    def _if(self, element: model.If) -> Steps[Transition | None]:
        for branch in element.branches:
            if self._context.holds(branch.cond, branch.line):
                return (yield from self.run(branch.content))
        return None

    def _foreach(self, element: model.Foreach) -> Steps[Transition | None]:
        for index in range(self._model.begin_list(element.array)):
            self._model.set_each(element.item, index)
            transition = yield from self.run(element.content)
            if transition is not None:
                self._model.end_list()
                return transition
        self._model.end_list()
        return None

    def _goto(self, element: model.Goto) -> Steps[Transition | None]:
        if element.nextitem is not None or element.expritem is not None:
            return self._next_item(element)
        return (
            yield from self.go(self._given(element.next, element.expr), element.fetch, self._place.base_url)
        )

    def go(
        self, url: str, settings: model.FetchSettings, base_url: str, *, here: bool = True
    ) -> Steps[Transition | None]:
        """Go to a URL, as <goto>, <choice> and <link> do; `here`: a mere fragment is of this document."""
        if here and url.strip().startswith("#"):
            self._context.effort.iterate()
            return dialog_here(self._place, url.strip()[1:])
        self._context.effort.iterate()
        request = request_of(url, base_url, settings, self._properties)
        return (yield from open_document(self._context, request, self._place))

    def _next_item(self, element: model.Goto) -> NextItem:
        name = self._given(element.nextitem, element.expritem).strip()
        if self._form is None or name not in {item.name for item in self._form.form.items}:
            raise Thrown("error.badfetch", f"Line {element.line}: There is no form item {name!r} here.")
        return NextItem(name=name)

    def _submit(self, element: model.Submit) -> Steps[Transition | None]:
        names = self._form.submitted_names() if self._form else ()
        request = self.request(element.target, self._place.base_url, names)
        if request.method == "GET" and request.url.strip().startswith("#"):
            # 5.3.8: a submit always fetches, if need be the present document.
            request = replace(request, url=self._place.document.url + request.url.strip())
        self._context.effort.iterate()
        return (yield from open_document(self._context, request, self._place, submitted=True))

    def request(
        self,
        target: model.Target,
        base_url: str,
        names: tuple[str, ...] = (),
        purpose: FetchPurpose = "document",
    ) -> Request:
        """Make the request of an element that sends variables; `names` are sent if it names none."""
        values = self._values(names if target.names is None else target.names)
        url = self._given(target.src, target.expr)
        request = request_of(url, base_url, target.fetch, self._properties, purpose)
        recordings = tuple(pair for pair in values if pair[1] in self._context.recordings)
        return replace(
            request,
            method="POST" if target.post else "GET",
            form=tuple(pair for pair in values if pair not in recordings),
            recordings=recordings,
            multipart=target.multipart,
        )

    def _given(self, literal: str | None, expr: str | None) -> str:
        """Return the one of two attributes that the document has: a literal or an expression."""
        return self._model.text(expr) if expr is not None else literal or ""

    def _script(self, element: model.Script) -> Steps[Transition | None]:
        source = element.source
        if source is None:
            url = self._given(element.src, element.expr)
            base_url = resolved(self._place.base_url, element.base_url)
            request = request_of(url, base_url, element.fetch, self._properties, "script")
            answer = yield from fetch(self._context, request)
            source = script_text(answer.body, element.charset, answer.content_type)
        self._model.run_script(source)
        return None

    def _data(self, element: model.Data) -> Steps[Transition | None]:
        base_url = resolved(self._place.base_url, element.base_url)
        request = self.request(element.target, base_url, purpose="data")
        answer = yield from fetch(self._context, request)
        if element.name is None:
            return None
        if not may_read(answer.body, self._place.document.url):
            raise Thrown("error.noauthorization", f"{answer.url} may not be read by this document.")
        try:
            tree = data_json(answer.body)
        except DocumentInvalid as invalid:
            raise Thrown("error.badfetch", f"{answer.url}: {invalid.message}") from None
        self._model.store_data(element.name, tree)
        return None

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

    def _prompt(self, element: Prompt) -> None:
        if self._context.holds(element.cond, element.line):
            choices = self._form.choices if self._form else ()
            queue_prompt(self._context, element, self._properties, choices, self._place.base_url)

    def _reprompt(self, _: model.Reprompt) -> None:
        self.reprompt = True

    def _throw(self, element: model.Throw) -> None:
        raise Thrown(*self._event(element))

    def _event(self, element: model.Throw | model.Return) -> tuple[str, str | None]:
        """Return the event and message that an element names."""
        event = event_name(self._given(element.event, element.eventexpr), element.line)
        message = element.message
        if element.messageexpr is not None:
            message = self._model.text(element.messageexpr)
        return event, message

    def _return(self, element: model.Return) -> Transition:
        if not self._context.subdialogs:
            raise Thrown("error.semantic", f"Line {element.line}: <return> is for subdialogs.")
        self._model.give_nothing()
        if element.event is not None or element.eventexpr is not None:
            event, message = self._event(element)
            return Returned(event=event, message=message)
        for name in element.names:
            self._model.give(name, name)
        return Returned()

    def _exit(self, element: model.Exit) -> Transition:
        if element.expr is None:
            return Leave(values=self._values(element.names))
        return Leave(values=(("expr", self._model.wire_text(element.expr)),))

    def _log(self, element: model.Log) -> None:
        texts = [Rendering(model=self._model, effort=self._context.effort).texts(element.parts)]
        if element.expr is not None:
            texts.append(self._model.text(element.expr))
        text = " ".join(text for text in texts if text)
        self._context.effort.produce(len(element.label) + len(text))
        self._context.emit(Log(label=element.label, text=text))

    #: What is done at once, by the element's type.
    AT_ONCE: Mapping[type, Callable[..., Transition | None]] = MappingProxyType(
        {
            model.Assign: _assign,
            model.Clear: _clear,
            model.Exit: _exit,
            model.Log: _log,
            Prompt: _prompt,
            model.Reprompt: _reprompt,
            model.Return: _return,
            model.Throw: _throw,
            model.Var: _var,
        }
    )

    #: What may wait in its midst.
    IN_TIME: Mapping[type, Callable[..., Steps[Transition | None]]] = MappingProxyType(
        {
            model.Data: _data,
            model.Disconnect: _disconnect,
            model.Foreach: _foreach,
            model.Goto: _goto,
            model.If: _if,
            model.Script: _script,
            model.Submit: _submit,
        }
    )


def queue_prompt(
    context: InterpreterContext,
    prompt: Prompt,
    properties: Properties,
    choices: tuple[tuple[str, str], ...],
    base_url: str,
) -> None:
    """Queue a prompt, whose cond holds (4.1); `base_url` is the active document's. Raises Thrown."""
    bargein = properties.flag("bargein") if prompt.bargein is None else prompt.bargein
    hotword = is_hotword(properties) if prompt.hotword is None else prompt.hotword
    rendering = Rendering(
        model=context.model,
        effort=context.effort,
        choices=choices,
        recordings=frozenset(context.recordings),
        audio_max_age_s=properties.seconds("audiomaxage"),
        audio_max_stale_s=properties.seconds("audiomaxstale"),
        base_url=base_url,
    )
    segments = rendering.segments(prompt)
    context.prompts.add(
        QueuedPrompt(segments=segments, bargein=bargein, timeout_ms=prompt.timeout_ms, hotword=hotword)
    )


def is_hotword(properties: Properties) -> bool:
    """Tell whether nothing but a match stops a prompt that does not say (4.1.5.1); raises Thrown."""
    return properties.chosen("bargeintype", "speech", "hotword") == "hotword"
