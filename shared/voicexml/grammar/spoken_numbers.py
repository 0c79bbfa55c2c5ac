"""Numbers as they are written or said, for the builtin types: `123`, `one two three`, `twenty one point five`."""

import re
from collections.abc import Mapping
from types import MappingProxyType

_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

_DIGITS: Mapping[str, str] = MappingProxyType(
    {word: str(digit) for digit, word in enumerate(_UNITS)} | {"oh": "0", "o": "0"}
)
_VALUES: Mapping[str, int] = MappingProxyType(
    {word: value for value, word in enumerate(_UNITS + _TEENS)}
    | {word: 10 * tens for tens, word in enumerate(_TENS, start=2)}
)
_SCALES: Mapping[str, int] = MappingProxyType({"thousand": 1_000, "million": 1_000_000})


def digits_of(words: tuple[str, ...]) -> str | None:
    """Read digits, written together or said one by one; None if there is anything else."""
    found = [_DIGITS.get(word, word) for word in words]
    text = "".join(found)
    return text if text and re.fullmatch(r"[0-9]+", text) else None


def amount_of(words: tuple[str, ...]) -> str | None:
    """Read a number, perhaps with a sign and decimals, as Appendix P writes it; None if it is none."""
    if words and words[0] in {"minus", "negative"}:
        positive = amount_of(words[1:])
        return None if positive is None else "-" + positive
    if len(words) == 1 and re.fullmatch(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})", words[0]):
        return words[0]
    if "point" in words:
        at = words.index("point")
        whole, decimals = _whole(words[:at] or ("zero",)), digits_of(words[at + 1 :])
        return None if whole is None or decimals is None else f"{whole}.{decimals}"
    whole = _whole(words)
    return None if whole is None else str(whole)


def _whole(words: tuple[str, ...]) -> int | None:
    if len(words) == 1 and re.fullmatch(r"[0-9]{1,15}", words[0]):
        return int(words[0])
    total = group = 0
    for word in words:
        if word in _VALUES:
            group += _VALUES[word]
        elif word == "hundred":
            group = (group or 1) * 100
        elif word in _SCALES:
            total, group = total + (group or 1) * _SCALES[word], 0
        elif word != "and":
            return None
    return total + group if words else None
