"""From an upload's bytes to lines of text, or the refusal of what is no text at all.

Spreadsheets save lists as UTF-8 with or without a byte order mark and as UTF-16 with one; old Macs end lines
with a lone CR. What comes out is text whose lines end with LF, whatever came in and wherever it was cut.
Latin-1 is not guessed: a wrong guess would post somebody's reference back with other letters in it. Archives
and workbooks are recognised by their first bytes, since "byte 0x9C is not UTF-8" would help nobody.
"""

import codecs
from collections.abc import Callable
from typing import Final

from shared.domain.errors import Invalid

#: What files that are no text begin with, and what to call them.
_SIGNATURES: Final = (
    (b"PK\x03\x04", "a workbook or a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"PK\x07\x08", "a part of a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"{\\rtf", "an RTF document"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"(\xb5/\xfd", "a zstd archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x00\x00\xfe\xff", "text in UTF-32"),
    (b"\xff\xfe\x00\x00", "text in UTF-32"),
)
#: What a text may begin with to say how it is encoded. UTF-32's little-endian mark begins with UTF-16's.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: So many first bytes tell every signature and mark.
_TELLING_BYTES: Final = max(len(start) for start, _ in _SIGNATURES + _MARKS)

_Decode = Callable[[bytes, bool], str]


class UnreadableList(Invalid):
    """What was sent is no list of phone numbers; nothing of it was taken."""

    def __init__(self, message: str) -> None:
        super().__init__("phone_numbers", message)


class ListText:
    """Turns the bytes of an upload into text with LF line ends, chunk by chunk.

    Holds back at most a few bytes: those that tell the encoding, the rest of a split character, a CR whose LF
    may follow. Raises UnreadableList; after that it is spent.
    """

    def __init__(self) -> None:
        #: The first bytes, until they are enough to choose the decoder; then None.
        self._start: bytes | None = b""
        self._decode = _decoder("utf-8")
        self._ends_with_cr = False

    def feed(self, data: bytes) -> str:
        """Return the text that these bytes complete."""
        return self._text(data, final=False)

    def finish(self) -> str:
        """Return the text that was held back; the list ends here."""
        return self._text(b"", final=True)

    def _text(self, data: bytes, *, final: bool) -> str:
        if self._start is not None:
            self._start += data
            if len(self._start) < _TELLING_BYTES and not final:
                return ""
            data, self._start = self._open(self._start), None
        return self._unified(self._decoded(data, final=final), final=final)

    def _open(self, start: bytes) -> bytes:
        """Choose the decoder by the first bytes and return them without their mark."""
        for signature, kind in _SIGNATURES:
            if start.startswith(signature):
                msg = f"This is {kind}; save the list as CSV (UTF-8) or plain text and send that file."
                raise UnreadableList(msg)
        mark, encoding = next((pair for pair in _MARKS if start.startswith(pair[0])), (b"", "utf-8"))
        self._decode = _decoder(encoding)
        return start.removeprefix(mark)

    def _decoded(self, data: bytes, *, final: bool) -> str:
        try:
            text = self._decode(data, final)
        except UnicodeDecodeError as error:
            raise UnreadableList(_why_undecodable(error)) from None
        if "\0" in text:
            msg = (
                "The list holds NUL characters, so it is no text or UTF-16 without a mark; save it as UTF-8."
            )
            raise UnreadableList(msg)
        return text

    def _unified(self, text: str, *, final: bool) -> str:
        """Return the text with every CR LF and lone CR made LF; a CR at the end waits for its LF."""
        if self._ends_with_cr:
            text = "\r" + text
        self._ends_with_cr = text.endswith("\r") and not final
        if self._ends_with_cr:
            text = text[:-1]
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decoder(encoding: str) -> _Decode:
    return codecs.getincrementaldecoder(encoding)("strict").decode


def _why_undecodable(error: UnicodeDecodeError) -> str:
    if error.encoding != "utf-8":
        return "The list begins as UTF-16 and does not go on so; save it as UTF-8 and send it again."
    return (
        f"The list holds the byte 0x{error.object[error.start]:02X}, which is not UTF-8 there; "
        "save it as CSV (UTF-8) and send it again."
    )
