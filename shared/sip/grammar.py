"""The pieces of RFC 3261, section 25.1 that several headers share: tokens, quoted strings, lists, parameters.

Text is never decoded and encoded again: a tag with a `%` in it must come back as it was, or the peer does not
know its own dialog. Splitting walks once over the text and never backtracks.
"""

import re
from collections.abc import Iterable
from typing import Final

from shared.sip.errors import BadMessage
from shared.sip.limits import MAX_LIST, MAX_PARAMETERS

TOKEN: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_DIGITS: Final = re.compile(r"[0-9]{1,10}")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
#: What splitting stops at: the separators in use, quotes and brackets.
_MARK: Final = re.compile(r'[",;<>]')
#: What a value without quotes may hold: a token, a host with brackets, or a URI-like text.
_PLAIN_VALUE: Final = re.compile(r"[^\s\",;<>]+")

#: Header parameters or URI parameters, in order: names in lower case, values as written, None for a flag.
Parameters = tuple[tuple[str, str | None], ...]


def is_token(text: str) -> bool:
    """Whether the text is one token."""
    return TOKEN.fullmatch(text) is not None


def number(text: str, *, most: int, what: str) -> int:
    """Read a plain decimal number; raises BadMessage when it is none or beyond `most`."""
    if _DIGITS.fullmatch(text) is None or int(text) > most:
        raise BadMessage(f"{what} must be a number up to {most}.")
    return int(text)


def split_list(text: str, separator: str, *, most: int = MAX_LIST) -> list[str]:
    """Split at the separator outside quoted strings and angle brackets; raises BadMessage."""
    if '"' in text or "<" in text:
        parts = _split_outside(text, separator)
    else:  # nearly every value of nearly every message: it is worth the line
        parts = [part.strip() for part in text.split(separator)]
    if len(parts) > most:
        raise BadMessage(f"A list must have at most {most} entries.")
    return parts


def _split_outside(text: str, separator: str) -> list[str]:
    parts: list[str] = []
    start = position = 0
    inside = False
    while found := _MARK.search(text, position):
        mark, position = found[0], found.end()
        if mark == '"':
            position = end_of_quoted(text, found.start())
        elif mark == separator and not inside:
            parts.append(text[start : found.start()].strip())
            start = position
        elif mark in "<>":
            inside = mark == "<"
    parts.append(text[start:].strip())
    return parts


def end_of_quoted(text: str, start: int) -> int:
    """Return the position after the quoted string that begins at `start`; raises BadMessage."""
    quoted = _QUOTED.match(text, start)
    if quoted is None:
        raise BadMessage("A quoted string is not closed.")
    return quoted.end()


def unquoted(text: str) -> str:
    """Return what a quoted string means; other text as it is."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def quoted(text: str) -> str:
    """Return the text as a quoted string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_parameters(parts: Iterable[str]) -> Parameters:
    """Read `name=value` and `name`; raises BadMessage for a name that is no token and for doubles."""
    found: dict[str, str | None] = {}
    for part in parts:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not is_token(name) or name.lower() in found or len(found) >= MAX_PARAMETERS:
            raise BadMessage("A parameter has no proper name, comes twice, or is one too many.")
        if equals and not (_QUOTED.fullmatch(value) or _PLAIN_VALUE.fullmatch(value)):
            raise BadMessage("A parameter's value is neither a token nor a quoted string.")
        found[name.lower()] = value if equals else None
    return tuple(found.items())


def write_parameters(parameters: Parameters) -> str:
    """Return `;name=value;name`."""
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters)


def parameter(parameters: Parameters, name: str) -> str | None:
    """Return a parameter's value without quotes; '' for a flag, None where it is absent."""
    for key, value in parameters:
        if key == name:
            return unquoted(value or "")
    return None
