"""From one document to another (VoiceXML 2.0, 5.3.7, 5.3.8 and 6.1).

A document is fetched, read and checked for the wanted dialog before anything of the present one is given up:
where the errors of a transition are handled is the platform's choice (5.3.7), and here they are thrown where
the transition was asked for.
"""

from dataclasses import dataclass
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

from shared.voicexml.context import InterpreterContext
from shared.voicexml.effects import Fetch
from shared.voicexml.errors import DocumentInvalid, Thrown
from shared.voicexml.events import Fetched, FetchFailed, Method, Pairs
from shared.voicexml.limits import MAX_DOCUMENTS, MAX_URL_CHARACTERS
from shared.voicexml.model import Document
from shared.voicexml.transitions import Destination
from shared.voicexml.waits import Fetching, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A document to fetch. The URL may be relative to `base_url`; its fragment names a dialog."""

    base_url: str
    url: str
    method: Method
    form: Pairs
    timeout_ms: int


def dialog_here(document: Document, fragment: str) -> Destination:
    """Find another dialog of the present document, whose variables live on; raises Thrown."""
    dialog = document.dialog(fragment)
    if dialog is None:
        raise Thrown("error.badfetch", f"There is no dialog {fragment!r} in this document.")
    return Destination(document=document, dialog=dialog, fresh=False)


def open_document(context: InterpreterContext, request: Request) -> Steps[Destination]:
    """Fetch a document and find the dialog in it; raises Thrown."""
    url, fragment = _absolute(request)
    context.documents_fetched += 1
    if context.documents_fetched > MAX_DOCUMENTS:
        raise Thrown("error.badfetch", f"A session may fetch {MAX_DOCUMENTS} documents and no more.")
    answer = yield from _fetch(context, url, request)
    document = _read(context, answer)
    dialog = document.dialog(fragment)
    if dialog is None and fragment:
        raise Thrown("error.badfetch", f"There is no dialog {fragment!r} in {answer.url}.")
    return Destination(document=document, dialog=dialog, fresh=True)


def _absolute(request: Request) -> tuple[str, str]:
    try:
        url, fragment = urldefrag(urljoin(request.base_url, request.url.strip()))
        parts = urlsplit(url)
    except ValueError:
        raise Thrown("error.badfetch", f"{request.url!r} is not a URL.") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise Thrown("error.badfetch", f"{url!r} is not an http or https URL.")
    if request.method == "GET" and request.form:
        url += ("&" if parts.query else "?") + urlencode(request.form)
    if len(url) > MAX_URL_CHARACTERS:
        raise Thrown("error.badfetch", f"The URL is longer than {MAX_URL_CHARACTERS} characters.")
    return url, fragment


def _fetch(context: InterpreterContext, url: str, request: Request) -> Steps[Fetched]:
    fetch_id = context.new_id()
    form = request.form if request.method == "POST" else ()
    context.emit(
        Fetch(fetch_id=fetch_id, method=request.method, url=url, form=form, timeout_ms=request.timeout_ms)
    )
    wait = Fetching(fetch_id=fetch_id)
    yield wait
    match wait.answer:
        case Fetched(status=status) as answer if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, 15.3
            return answer
        case Fetched(status=status):
            # 5.2.6: the event tells the status, so that the application can tell 404 from 403.
            raise Thrown(f"error.badfetch.http.{status}", f"{url} answered with status {status}.")
        case FetchFailed(reason=reason):
            raise Thrown("error.badfetch", f"{url} could not be fetched: {reason}")
        case None:
            raise AssertionError("The session resumed a fetch without an answer.")


def _read(context: InterpreterContext, answer: Fetched) -> Document:
    try:
        document = context.load(answer.body, answer.url)
    except DocumentInvalid as invalid:
        raise Thrown("error.badfetch", f"{answer.url}: {invalid.message}") from None
    if document.application is not None:
        raise Thrown("error.unsupported.application", "An application root document is not supported.")
    return document
