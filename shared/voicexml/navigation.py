"""Fetching, and going from one document to another (VoiceXML 2.0, 1.5.2, 5.3.7, 5.3.8 and 6.1).

A document is fetched, read and checked for the wanted dialog before anything of the present one is given up:
where the errors of a transition are handled is the platform's choice (5.3.7), and here they are thrown where
the transition was asked for.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from shared.voicexml.addresses import resolve
from shared.voicexml.context import InterpreterContext
from shared.voicexml.draining import drain
from shared.voicexml.effects import Audio, Fetch, FetchPurpose, Play
from shared.voicexml.errors import DocumentInvalid, Thrown
from shared.voicexml.events import Fetched, FetchFailed, Method, Pairs
from shared.voicexml.executable_model import FetchSettings
from shared.voicexml.limits import MAX_DOCUMENTS, MAX_FETCHES, MAX_URL_CHARACTERS
from shared.voicexml.model import Document
from shared.voicexml.place import Place
from shared.voicexml.prompts import resolved
from shared.voicexml.properties import Properties
from shared.voicexml.transitions import Destination
from shared.voicexml.waits import Fetching, Hold, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAudio:
    """What the caller hears during a fetch (6.1.1)."""

    #: Relative to the base of the request.
    src: str
    delay_ms: int
    minimum_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something to fetch. The URL may be relative to `base_url`; a document's fragment names a dialog."""

    base_url: str
    url: str
    method: Method = "GET"
    form: Pairs = ()
    recordings: Pairs = ()
    multipart: bool = False
    timeout_ms: int
    #: -1: as HTTP has it.
    max_age_s: int = -1
    max_stale_s: int = -1
    purpose: FetchPurpose = "document"
    hold: HoldAudio | None = None


def request_of(
    url: str,
    base_url: str,
    settings: FetchSettings,
    properties: Properties,
    purpose: FetchPurpose = "document",
) -> Request:
    """Make a request with its element's settings or, where it has none, the properties' (6.1)."""

    def seconds(given: int | None, name: str) -> int:
        return properties.seconds(f"{purpose}{name}") if given is None else given

    timeout_ms = settings.timeout_ms
    return Request(
        base_url=base_url,
        url=url,
        timeout_ms=properties.duration_ms("fetchtimeout") if timeout_ms is None else timeout_ms,
        max_age_s=seconds(settings.max_age_s, "maxage"),
        max_stale_s=seconds(settings.max_stale_s, "maxstale"),
        purpose=purpose,
        hold=_hold_audio(settings, properties) if purpose in {"document", "data"} else None,
    )


def _hold_audio(settings: FetchSettings, properties: Properties) -> HoldAudio | None:
    src = properties.text("fetchaudio") if settings.audio is None else settings.audio
    if not src:
        return None
    return HoldAudio(
        src=src,
        delay_ms=properties.duration_ms("fetchaudiodelay"),
        minimum_ms=properties.duration_ms("fetchaudiominimum"),
    )


def dialog_here(place: Place, fragment: str) -> Destination:
    """Find another dialog of the present document, whose variables live on; raises Thrown."""
    dialog = place.document.dialog(fragment)
    if dialog is None:
        raise Thrown("error.badfetch", f"There is no dialog {fragment!r} in this document.")
    return Destination(place=place, dialog=dialog, fresh=False)


def open_document(
    context: InterpreterContext, request: Request, here: Place | None, *, submitted: bool = False
) -> Steps[Destination]:
    """Fetch a document, with its root if that is another one, and find the dialog in it; raises Thrown."""
    url, fragment = absolute(request)
    document = yield from _document(context, request)
    dialog = document.dialog(fragment)
    if dialog is None and fragment:
        raise Thrown("error.badfetch", f"There is no dialog {fragment!r} in {document.url}.")
    if document.application is None:
        # 1.5.2: a submit to the root begins the application anew; other ways to it do not.
        leaves_leaf = here is not None and here.root is not None and here.application_url == url
        same = leaves_leaf and not submitted
        place = Place(document=document, root=None, application_url=url)
        return Destination(place=place, dialog=dialog, fresh=True, same_application=same)
    root_url = _application_url(document)
    if here is not None and here.application_url == root_url:
        root, same = here.root or here.document, True
    else:
        wanted = replace(_plain(request), base_url=document.base_url, url=root_url)
        root, same = (yield from _document(context, wanted)), False
    if root.application is not None:
        raise Thrown("error.semantic", f"The root document {root_url} names a root document itself.")
    place = Place(document=document, root=root, application_url=root_url)
    return Destination(place=place, dialog=dialog, fresh=True, same_application=same)


def _plain(request: Request) -> Request:
    return replace(request, method="GET", form=(), recordings=(), multipart=False)


def _application_url(document: Document) -> str:
    found = resolve(document.base_url, document.application or "")
    if found is None:
        raise Thrown("error.badfetch", f"{document.application!r} is not a URL.")
    return found[0]


def absolute(request: Request) -> tuple[str, str]:
    """Return the absolute URL, without the values that a GET sends, and the fragment; raises Thrown."""
    found = resolve(request.base_url, request.url.strip())
    if found is None:
        raise Thrown("error.badfetch", f"{request.url!r} is not a URL.")
    url, fragment = found
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise Thrown("error.badfetch", f"{url!r} is not an http or https URL.")
    return url, fragment


def fetch(context: InterpreterContext, request: Request) -> Steps[Fetched]:
    """Fetch anything; raises Thrown if there is no answer, or one that says no."""
    url, _ = absolute(request)
    if request.method == "GET" and request.form:
        url += ("&" if urlsplit(url).query else "?") + urlencode(request.form)
    if len(url) > MAX_URL_CHARACTERS:
        raise Thrown("error.badfetch", f"The URL is longer than {MAX_URL_CHARACTERS} characters.")
    context.fetches += 1
    context.effort.iterate()
    if context.fetches > MAX_FETCHES:
        raise Thrown("error.badfetch", f"A session may fetch {MAX_FETCHES} times and no more.")
    held = None if context.alone else request.hold
    if held is not None:
        # 4.1.8: what is queued is heard to its end before that.
        yield from drain(context)
    wait = Fetching(fetch_id=context.new_id())
    context.emit(_effect(wait.fetch_id, url, request))
    if held is not None and not context.alone:
        wait.hold = _hold(context, held, request.base_url)
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


def _hold(context: InterpreterContext, audio: HoldAudio, base_url: str) -> Hold:
    play = Play(
        play_id=context.new_id(),
        segments=(Audio(src=resolved(base_url, audio.src)),),
        bargein=False,
        lengths=(1,),
    )
    hold = Hold(play=play, minimum_ms=audio.minimum_ms, emit=context.emit, new_id=context.new_id)
    hold.begin(after_ms=audio.delay_ms)
    return hold


def _effect(fetch_id: int, url: str, request: Request) -> Fetch:
    posts = request.method == "POST"
    return Fetch(
        fetch_id=fetch_id,
        method=request.method,
        url=url,
        form=request.form if posts else (),
        recordings=request.recordings if posts else (),
        multipart=posts and request.multipart,
        timeout_ms=request.timeout_ms,
        purpose=request.purpose,
        max_age_s=request.max_age_s,
        max_stale_s=request.max_stale_s,
    )


def _document(context: InterpreterContext, request: Request) -> Steps[Document]:
    context.documents_fetched += 1
    if context.documents_fetched > MAX_DOCUMENTS:
        raise Thrown("error.badfetch", f"A session may fetch {MAX_DOCUMENTS} documents and no more.")
    answer = yield from fetch(context, request)
    try:
        return context.load(answer.body, answer.url)
    except DocumentInvalid as invalid:
        raise Thrown("error.badfetch", f"{answer.url}: {invalid.message}") from None
