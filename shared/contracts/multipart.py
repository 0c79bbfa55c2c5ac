"""A form with files, as browsers post it (RFC 7578): how a recording reaches a server (VoiceXML 2.0, 5.3.8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A file of a form."""

    name: str
    filename: str
    content_type: str
    content: bytes


def multipart(fields: Iterable[tuple[str, str]], files: Iterable[FilePart]) -> tuple[str, bytes]:
    """Return the Content-Type and the body; the same parts always make the same bytes."""
    parts = [_part(f'name="{_quoted(name)}"', "", value.encode()) for name, value in fields]
    parts += [
        _part(
            f'name="{_quoted(file.name)}"; filename="{_quoted(file.filename)}"',
            f"Content-Type: {file.content_type}\r\n",
            file.content,
        )
        for file in files
    ]
    # A digest of all that is in it is in it with a chance of one in 2 to the 160th.
    digest = blake2b(digest_size=20)
    for part in parts:
        digest.update(part)
    boundary = digest.hexdigest()
    mark = f"--{boundary}\r\n".encode()
    body = b"".join(mark + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def _part(disposition: str, headers: str, content: bytes) -> bytes:
    return f"Content-Disposition: form-data; {disposition}\r\n{headers}\r\n".encode() + content


def _quoted(text: str) -> str:
    """Escape as the HTML standard does (4.10.21.8): a name cannot end its own header."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
