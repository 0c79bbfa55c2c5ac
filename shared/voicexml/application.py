"""Running an application: from dialog to dialog until it ends (VoiceXML 2.0, 1.5 and 5.1.2)."""

from shared.voicexml.context import InterpreterContext
from shared.voicexml.errors import ScriptFailed, Thrown
from shared.voicexml.event_handling import EventScope, guarded
from shared.voicexml.events import Start
from shared.voicexml.executable import drain
from shared.voicexml.fia import FormInterpretation
from shared.voicexml.model import Document, Form, Unsupported, UnsupportedDialog
from shared.voicexml.navigation import Request, open_document
from shared.voicexml.prompts import unsupported
from shared.voicexml.properties import Properties
from shared.voicexml.transitions import Again, Destination, Leave, Transition
from shared.voicexml.waits import Steps

#: The scope of the session's own variables; it is never left.
_SESSION_DEPTH = 1


def run_application(context: InterpreterContext, start: Start) -> Steps[Leave]:
    """Fetch the first document and interpret until the end; the last prompts are heard (4.1.8)."""
    transition: Destination | Leave
    try:
        transition = yield from open_document(context, _first_request(start))
    except Thrown as thrown:
        # No document is active yet whose handlers could be asked.
        transition = Leave(event=thrown.event, message=thrown.text or "")
    while isinstance(transition, Destination):
        context.effort.iterate()
        transition = yield from _enter(context, transition)
    yield from drain(context)
    return transition


def _first_request(start: Start) -> Request:
    return Request(
        base_url=start.url,
        url=start.url,
        method=start.method,
        form=start.form,
        timeout_ms=Properties().duration_ms("fetchtimeout"),
    )


def _enter(context: InterpreterContext, destination: Destination) -> Steps[Destination | Leave]:
    document = destination.document
    scope = _document_scope(document)
    if destination.fresh:
        context.model.unwind(_SESSION_DEPTH)
        context.model.push("application", "document")
        context.model.set_last_result(None)
        transition = yield from guarded(context, scope, _declare(context, document))
        if transition is not None:
            return _in_its_stead(transition)
    context.model.unwind(_SESSION_DEPTH + 1)
    context.model.push("dialog")
    match destination.dialog:
        case Form() as form:
            return (yield from FormInterpretation(context, document, form).run())
        case UnsupportedDialog(element=element, line=line):
            steps = _refuse(Unsupported(element=element, line=line))
            transition = yield from guarded(context, scope, steps)
            return _in_its_stead(transition)
        case None:
            return Leave()


def _declare(context: InterpreterContext, document: Document) -> Steps[None]:
    """Initialise the document's variables, in document order (5.1.2)."""
    for declaration in document.declarations:
        if isinstance(declaration, Unsupported):
            raise unsupported(declaration)
        try:
            context.model.declare(declaration.name, declaration.expr)
        except ScriptFailed as failure:
            raise failure.thrown_at(declaration.line) from None
    yield from ()  # a generator like all that can be guarded, though nothing in it waits


def _refuse(element: Unsupported) -> Steps[None]:
    yield from ()  # a generator like all that can be guarded, though nothing in it waits
    raise unsupported(element)


def _in_its_stead(transition: Transition | None) -> Destination | Leave:
    """Go where a handler went; a handler that just ended leaves nothing to go on with."""
    match transition:
        case Destination() | Leave():
            return transition
        case Again(event=event):
            return Leave(event=event, message="The document or dialog could not be entered.")
        case _:
            raise AssertionError("Outside of a form there are no form items to go to.")


def _document_scope(document: Document) -> EventScope:
    return EventScope(
        document=document,
        catches=document.catches,
        properties=Properties(document.properties),
        counters={},
        form=None,
    )
