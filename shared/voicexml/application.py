"""Running an application: from dialog to dialog until it ends (VoiceXML 2.0, 1.5 and 5.1.2).

The session's variables are the outermost scope. The application's are the second one, in which its root
document's variables live; a document without a root is its own. A leaf document has a scope inside that one,
and each dialog its own inside the document's.
"""

from shared.voicexml.context import InterpreterContext
from shared.voicexml.draining import drain
from shared.voicexml.errors import Thrown
from shared.voicexml.event_handling import EventScope, error_thrown, guarded
from shared.voicexml.events import Start
from shared.voicexml.fia import FormInterpretation
from shared.voicexml.navigation import Request, open_document
from shared.voicexml.place import Place
from shared.voicexml.properties import Properties
from shared.voicexml.transitions import Again, Destination, End, Leave, Returned, Transition
from shared.voicexml.waits import Steps

#: The scope of the session's own variables; it is never left.
_SESSION_DEPTH = 1


def run_application(context: InterpreterContext, start: Start) -> Steps[Leave]:
    """Fetch the first document and interpret until the end; the last prompts are heard (4.1.8)."""
    try:
        destination = yield from open_document(context, _first_request(start), None)
    except Thrown as thrown:
        # No document is active yet whose handlers could be asked.
        error_thrown(context, thrown)
        return Leave(event=thrown.event, message=thrown.text or "")
    end = yield from run_dialogs(context, destination)
    yield from drain(context)
    return end if isinstance(end, Leave) else Leave()


def _first_request(start: Start) -> Request:
    return Request(
        base_url=start.url,
        url=start.url,
        method=start.method,
        form=start.form,
        timeout_ms=Properties().duration_ms("fetchtimeout"),
    )


def run_dialogs(context: InterpreterContext, destination: Destination) -> Steps[End]:
    """Interpret dialog after dialog, in scopes that begin at the session's."""
    depth = _SESSION_DEPTH
    while True:
        context.effort.iterate()
        if destination.fresh:
            transition = yield from _enter(context, destination)
            if transition is not None:
                end = _in_its_stead(transition)
                if isinstance(end, Destination):
                    destination = end
                    continue
                return end
            depth = context.model.depth
        context.model.unwind(depth)
        context.model.push("dialog")
        if destination.dialog is None:
            return Leave()
        form = FormInterpretation(context, destination.place, destination.dialog, run_dialogs)
        transition = yield from form.run(destination)
        if not isinstance(transition, Destination):
            return transition
        destination = transition


def _enter(context: InterpreterContext, destination: Destination) -> Steps[Transition | None]:
    """Enter a document: make its scopes, and initialise them in document order (5.1.2)."""
    place, model = destination.place, context.model
    if destination.same_application:
        model.unwind(_SESSION_DEPTH + 1)
        if place.root is None:
            return None
    else:
        model.unwind(_SESSION_DEPTH)
        model.push("application", "document")
        model.clear_last_result()
        root = Place(document=place.documents[-1], root=None, application_url=place.application_url)
        transition = yield from _declare(context, root)
        if transition is not None:
            return transition
    if place.root is None:
        return None
    model.push("document")
    return (yield from _declare(context, place))


def _declare(context: InterpreterContext, place: Place) -> Steps[Transition | None]:
    scope = EventScope(
        place=place,
        catches=place.catches,
        properties=Properties(*place.property_layers),
        counters={},
        form=None,
    )
    return (yield from guarded(context, scope, scope.execution(context).run(place.document.declarations)))


def _in_its_stead(transition: Transition) -> Destination | End:
    """Go where a handler went; a handler that just ended leaves nothing to go on with."""
    match transition:
        case Destination() | Leave() | Returned():
            return transition
        case Again(event=event):
            return Leave(event=event, message="The document could not be entered.")
        case _:
            raise AssertionError("Outside of a form there are no form items to go to.")
