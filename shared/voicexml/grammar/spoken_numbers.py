"""Numbers as they are written or said, for the builtin types: `123`, `one two three`, `twenty-one point five`."""

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
_TIMES: Mapping[str, int] = MappingProxyType({"double": 2, "triple": 3})
_VALUES: Mapping[str, int] = MappingProxyType(
    {word: value for value, word in enumerate(_UNITS + _TEENS)}
    | {word: 10 * tens for tens, word in enumerate(_TENS, start=2)}
)
_SCALES: Mapping[str, int] = MappingProxyType({"thousand": 1_000, "million": 1_000_000})
_SIGNS: Mapping[str, str] = MappingProxyType({"minus": "-", "negative": "-", "plus": "+", "positive": "+"})

_WRITTEN = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})")

_HUNDRED = 100


def digits_of(words: tuple[str, ...]) -> str | None:
    """Read digits, written together or said one by one; None if there is anything else."""
    found, times = "", 1
    for word in words:
        if word in _TIMES:
            times = _TIMES[word]
            continue
        found += _DIGITS.get(word, word) * times
        times = 1
    return found if times == 1 and re.fullmatch(r"[0-9]+", found) else None


def amount_of(words: tuple[str, ...]) -> str | None:
    """Read a number, perhaps with a sign and decimals, as Appendix P writes it; None if it is none."""
    if len(words) == 1 and _WRITTEN.fullmatch(words[0]):
        return words[0]
    if words and words[0] in _SIGNS:
        positive = amount_of(words[1:])
        return None if positive is None or positive[0] in "+-" else _SIGNS[words[0]] + positive
    if "point" in words:
        at = words.index("point")
        whole, decimals = whole_of(words[:at] or ("zero",)), digits_of(words[at + 1 :])
        return None if whole is None or decimals is None else f"{whole}.{decimals}"
    whole = whole_of(words)
    return None if whole is None else str(whole)


def whole_of(words: tuple[str, ...]) -> int | None:
    """Read a whole number, `120` or `one hundred and twenty`; None if it is none, as `one two` is not."""
    if len(words) == 1 and re.fullmatch(r"[0-9]{1,15}", words[0]):
        return int(words[0])
    parts = tuple(part for word in words for part in word.split("-"))
    if not parts or "and" in {parts[0], parts[-1]}:
        return None
    said = _Said()
    for part in parts:
        if part != "and" and not said.add(part):
            return None
    return said.total + said.group


class _Said:
    """A number that is being said: its thousands are over, its hundreds, tens and units are coming."""

    def __init__(self) -> None:
        self.total = 0
        self.group = 0
        #: What may still be added to the group is less than this: after twenty a unit, after that nothing.
        self._room = _HUNDRED
        self._scale = max(_SCALES.values()) + 1

    def add(self, word: str) -> bool:
        """Take the next word; False if it cannot be the next one."""
        if word in _SCALES:
            return self._scaled(_SCALES[word])
        if word == "hundred":
            return self._hundreds()
        value = _VALUES.get(word)
        if value is None or value >= self._room or (value == 0 and (self.group or self.total)):
            return False
        self.group += value
        self._room = 10 if value >= 20 else 0  # noqa: PLR2004 - from twenty on a unit may follow
        return True

    def _hundreds(self) -> bool:
        if self.group >= _HUNDRED:
            return False
        self.group = (self.group or 1) * _HUNDRED
        self._room = _HUNDRED
        return True

    def _scaled(self, scale: int) -> bool:
        if scale >= self._scale:
            return False
        self.total += (self.group or 1) * scale
        self.group, self._room, self._scale = 0, _HUNDRED, scale
        return True
