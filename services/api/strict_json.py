"""JSON as RFC 8259 has it, and no more: what a lenient reader would guess at is refused.

The standard library's reader takes the last of two equal keys, reads NaN, makes an infinity of 1e999, runs out
of stack at depth, and lets NUL and halves of surrogate pairs through to a database that refuses them. Depth is
measured before reading, in one pass without recursion, since where a recursive reader gives up depends on who
calls it.
"""

import json
import math
import re
from typing import Final, NoReturn

from shared.domain.errors import PacelineError

MAX_DEPTH: Final = 32  # five times what any documented request needs
MAX_INTEGER_DIGITS: Final = 18  # the longest that every 64-bit column takes

#: What changes the depth or hides what would: brackets, quotes, and the pairs that a backslash makes.
_STRUCTURE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
#: No text of a request may hold these, though JSON can write them.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class MalformedJson(PacelineError):
    """The text is not well-formed JSON."""


def loads(text: str) -> object:
    """Read one JSON text; raise MalformedJson where it is not exactly one, or holds what cannot be stored."""
    _check_depth(text)
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_number,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        msg = f"The JSON is malformed at line {error.lineno}, column {error.colno}."
        raise MalformedJson(msg) from None
    if "\\u" in text:  # nothing else writes a NUL or half a pair in a text that was decoded strictly
        _check_texts(value)
    return value


def _check_depth(text: str) -> None:
    depth = 0
    in_string = False
    for match in _STRUCTURE.finditer(text):
        mark = match[0]
        if mark == '"':
            in_string = not in_string
        elif not in_string and mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                msg = f"The JSON is nested deeper than {MAX_DEPTH} levels."
                raise MalformedJson(msg)
        elif not in_string and mark in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        msg = "A JSON object has the same key twice."
        raise MalformedJson(msg)
    return value


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is no JSON number."
    raise MalformedJson(msg)


def _number(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        msg = "A JSON number is too large."
        raise MalformedJson(msg)
    return value


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAX_INTEGER_DIGITS:
        msg = f"A JSON integer has more than {MAX_INTEGER_DIGITS} digits."
        raise MalformedJson(msg)
    return int(digits)


def _check_texts(value: object) -> None:
    """Look at every text in the value, keys included, without recursion."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each)
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, str) and _UNSTORABLE.search(each):
            msg = "A JSON text holds a NUL or half of a surrogate pair, which cannot be stored."
            raise MalformedJson(msg)
