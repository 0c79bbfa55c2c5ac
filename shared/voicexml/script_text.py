"""From the bytes of a script to its text (VoiceXML 2.0, 5.3.12): which encoding they are in."""

import codecs
import re

#: What a server says of a text's encoding (RFC 9110, 8.3.2).
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([A-Za-z0-9._:+-]{1,40})""", re.IGNORECASE)

#: Encodings of characters, by the names that Python gives them. It knows others that take quadratic time to read.
_OF_CHARACTERS = re.compile(
    r"ascii|utf-(?:8|16|32).*|iso8859-.*|cp[0-9]+|koi8.*|gb.*|big5.*|euc.*|shift_.*|iso2022.*"
)

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def script_text(body: bytes, charset: str | None, content_type: str) -> str:
    """Read a script: by its byte order mark, else what its server says, else `charset`, else as UTF-8.

    What is no character of that encoding becomes a replacement character, and the engine says where it stands.
    """
    marked = next((encoding for mark, encoding in _MARKS if body.startswith(mark)), None)
    said = _CHARSET.search(content_type)
    encoding = marked or (said[1] if said else None) or charset or "utf-8"
    return body.decode(_known(encoding), errors="replace").removeprefix("\ufeff")


def _known(encoding: str) -> str:
    """Return the name of an encoding that can be read; UTF-8 for one that is not known here."""
    try:
        name = codecs.lookup(encoding.strip()).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _OF_CHARACTERS.fullmatch(name) else "utf-8"
