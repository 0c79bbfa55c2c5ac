"""Where the documents of a tried application come from: the network, or the files of this machine.

The interpreter knows only http and https. A local file is given to it under a host that cannot exist, and
found again under its path here; so relative addresses lead from file to file. Documents from the network never
get to see the files.
"""

import io
import mimetypes
import wave
from pathlib import Path
from urllib.parse import quote, unquote, urlencode, urlsplit

from shared.contracts.multipart import FilePart, multipart
from shared.ports.fetching import DocumentFetcher, FetchFailed
from shared.voicexml.effects import Fetch
from shared.voicexml.events import Fetched
from shared.voicexml.events import FetchFailed as NotFetched

#: RFC 6761, 6.4: no name below `invalid` is ever resolved.
_FILES = "http://file.invalid"

#: As large as a document may be; the interpreter refuses larger ones too.
DOCUMENT_BYTES = 2 * 1024 * 1024

#: What the files begin with: WAV and AU, whatever their server takes them for.
_SOUND_HEADS = (b"RIFF", b".snd")

_OK, _NOT_FOUND = 200, 404


def start_url(given: str) -> str:
    """Return what the interpreter is given for a URL or the path of a file."""
    if urlsplit(given).scheme in {"http", "https"}:
        return given
    path, _, fragment = given.removeprefix("file://").partition("#")
    address = _FILES + quote(str(Path(path).absolute()))
    return f"{address}#{fragment}" if fragment else address


def shown(text: str) -> str:
    """Write an address, or a sentence with one, as the person knows it."""
    return text.replace(_FILES, "")


class Documents:
    """Answers the interpreter's fetches."""

    def __init__(self, fetcher: DocumentFetcher, start: str) -> None:
        self._fetcher = fetcher
        self._files_too = start.startswith(_FILES)

    async def fetch(self, wanted: Fetch) -> Fetched | NotFetched:
        """Fetch a document, script, grammar or data."""
        if self._files_too and wanted.url.startswith(_FILES + "/"):
            return _file(wanted)
        try:
            content_type, body = _body(wanted)
            document = await self._fetcher.fetch(
                wanted.method,
                wanted.url,
                body=body,
                headers={"Content-Type": content_type} if content_type else None,
                timeout_s=wanted.timeout_ms / 1_000,
                max_bytes=DOCUMENT_BYTES,
                follow_redirects=True,
            )
        except FetchFailed as error:
            return NotFetched(fetch_id=wanted.fetch_id, reason=error.message)
        return Fetched(
            fetch_id=wanted.fetch_id,
            url=document.url,
            status=document.status,
            content_type=document.content_type,
            body=document.body,
        )

    async def can_play(self, src: str) -> bool:
        """Tell whether a recording can be had and is one; what is no address is nobody's to play."""
        wanted = Fetch(fetch_id=0, method="GET", url=src, timeout_ms=10_000)
        answer = await self.fetch(wanted)
        return isinstance(answer, Fetched) and answer.status == _OK and _is_sound(answer)


def _is_sound(answer: Fetched) -> bool:
    """Take what is told or known to be a text for no recording, as a call would find out by playing it."""
    if answer.body.startswith(_SOUND_HEADS):
        return True
    kind = answer.content_type.partition(";")[0].strip().lower()
    is_text = kind.startswith("text/") or kind.endswith(("xml", "json", "javascript"))
    return bool(answer.body) and not is_text and not answer.body.lstrip().startswith(b"<")


def _body(wanted: Fetch) -> tuple[str, bytes | None]:
    """Return what a request sends, as the dialer would send it; what nobody said is a WAV file of silence."""
    if wanted.method == "GET":
        return "", None
    if not (wanted.multipart or wanted.recordings):
        return "application/x-www-form-urlencoded", urlencode(wanted.form).encode()
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
    files = [
        FilePart(name=name, filename=f"{name}.wav", content_type="audio/x-wav", content=sound.getvalue())
        for name, _ in wanted.recordings
    ]
    return multipart(wanted.form, files)


def _file(wanted: Fetch) -> Fetched:
    path = Path(unquote(urlsplit(wanted.url).path))
    try:
        with path.open("rb") as file:
            # One more than may be, so that the interpreter can tell that it is too long.
            body, status = file.read(DOCUMENT_BYTES + 1), _OK
    except OSError:
        body, status = b"", _NOT_FOUND
    return Fetched(
        fetch_id=wanted.fetch_id,
        url=wanted.url,
        status=status,
        content_type=mimetypes.guess_type(path.name)[0] or "",
        body=body,
    )
