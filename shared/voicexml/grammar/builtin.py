"""The builtin types (VoiceXML 2.0, 2.3.1 and Appendix P), for keys and for words.

By keys a type is a pattern; by words it is read from the whole utterance, in digits or in plain English.
Values have the forms that Appendix P gives them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shared.voicexml.errors import Thrown
from shared.voicexml.grammar.active import Choices, Grammar, JsonValue, Utterance
from shared.voicexml.grammar.expansion import Mode
from shared.voicexml.grammar.matcher import ParsedRule, Status, standing
from shared.voicexml.grammar.spoken_numbers import amount_of, digits_of
from shared.voicexml.limits import MAX_KEYS

_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPattern:
    """Keys that match a pattern; `beginning` matches what a longer input could begin with."""

    complete: str
    beginning: str
    written: Callable[[str], str]
    longest: int = MAX_KEYS
    mode: Mode = Mode.DTMF

    def status(self, tokens: Sequence[str]) -> Status:
        """Tell how the keys stand."""
        keys = "".join(tokens)
        return standing(
            matches=len(keys) <= self.longest and bool(re.fullmatch(self.complete, keys)),
            more=len(keys) < self.longest and bool(re.fullmatch(self.beginning, keys)),
        )

    def value(self, tokens: Sequence[str]) -> str:
        """Write the keys as the type's value."""
        return self.written("".join(tokens))

    def parse(self, _: Sequence[str]) -> ParsedRule | None:
        """Return nothing: a pattern has no semantics but its value."""
        return None


def builtin(type_: str, mode: Mode) -> Grammar:
    """Build a builtin type, as in `digits?minlength=3;maxlength=5` (Appendix P); raises Thrown."""
    name, _, query = type_.strip().partition("?")
    build = _BUILTINS.get(name)
    if build is None:
        raise Thrown("error.unsupported.builtin", f"The type {name!r} is not supported.")
    parameters = dict(_parameter(each, type_) for each in query.split(";") if each.strip())
    grammar = build(parameters, mode)
    if grammar is None or parameters:
        # Appendix P: parameters that are unknown, malformed or contradict one another.
        raise Thrown("error.badfetch", f"The type {type_!r} has parameters that make no sense.")
    return grammar


def _parameter(text: str, type_: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Thrown("error.badfetch", f"The type {type_!r} has a parameter without a value.")
    return name.strip(), value.strip()


def _digits(parameters: dict[str, str], mode: Mode) -> Grammar | None:
    """Take what it knows out of the parameters; None if it makes no sense."""
    numbers = [parameters.pop(name, preset) for name, preset in _LENGTHS.items()]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        return None
    shortest, longest, exactly = (int(number) for number in numbers)
    if exactly:
        shortest, longest = max(shortest, exactly), min(longest, exactly)
    if not 1 <= shortest <= longest <= MAX_KEYS:
        return None
    complete = f"[0-9]{{{shortest},{longest}}}"
    if mode is Mode.DTMF:
        return KeyPattern(complete=complete, beginning="[0-9]+", longest=longest, written=str)
    return Utterance(read=lambda words: _if_matches(complete, digits_of(words)))


def _if_matches(pattern: str, text: str | None) -> str | None:
    return text if text is not None and re.fullmatch(pattern, text) else None


#: The parameters of `digits` and what holds without them; no exact length is 0.
_LENGTHS: Mapping[str, str] = MappingProxyType({"minlength": "1", "maxlength": str(MAX_KEYS), "length": "0"})

_YES = frozenset({"yes", "yeah", "yep", "true", "sure", "okay", "ok", "correct", "right"})
_NO = frozenset({"no", "nope", "nah", "false", "wrong"})


def _boolean(parameters: dict[str, str], mode: Mode) -> Grammar | None:
    """Take what it knows out of the parameters; None if it makes no sense."""
    yes, no = parameters.pop("y", "1"), parameters.pop("n", "2")
    if not all(re.fullmatch(r"[0-9*#]", key) for key in (yes, no)) or yes == no:
        return None
    if mode is Mode.DTMF:
        return Choices(choices=((yes, True), (no, False)))
    return Utterance(read=_read_boolean)


def _read_boolean(words: tuple[str, ...]) -> JsonValue:
    if len(words) != 1 or words[0] not in _YES | _NO:
        return None
    return words[0] in _YES


def _plain(keys: KeyPattern, read: Callable[[tuple[str, ...]], JsonValue]) -> "_Build":
    """Make a builder of a type without parameters."""
    return lambda _, mode: keys if mode is Mode.DTMF else Utterance(read=read)


_MONTH, _DAY = "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_DATE = KeyPattern(
    complete=f"[0-9]{{4}}{_MONTH}{_DAY}",
    beginning=f"[0-9]{{1,4}}|[0-9]{{4}}(?:[01]|{_MONTH}[0-3]?)",
    written=str,
)
_HOUR = "(?:[01][0-9]|2[0-3])"
_TIME = KeyPattern(
    complete=f"{_HOUR}[0-5][0-9]",
    beginning=f"[0-2]|{_HOUR}[0-5]?",
    # An hour of the first half of the day could be meant either way; the others could not.
    written=lambda keys: keys + ("?" if 1 <= int(keys[:2]) <= _NOON else "h"),
)
_NOON = 12
_AMOUNT = KeyPattern(
    complete=r"[0-9]+(?:\*[0-9]*)?|\*[0-9]+",
    beginning=r"[0-9]*\*?[0-9]*",
    written=lambda keys: keys.replace("*", ".").strip(".") if keys.endswith("*") else keys.replace("*", "."),
)
_CURRENCY = KeyPattern(
    complete=r"[0-9]+(?:\*[0-9]{0,2})?|\*[0-9]{1,2}",
    beginning=r"[0-9]*(?:\*[0-9]?)?",
    written=lambda keys: _money(keys.replace("*", ".")),
)
_PHONE = KeyPattern(
    complete=r"[0-9]+(?:\*[0-9]*)?",
    beginning=r"[0-9]+(?:\*[0-9]*)?",
    written=lambda keys: keys.replace("*", "x").removesuffix("x"),
)


def _money(amount: str) -> str:
    whole, _, cents = amount.partition(".")
    return f"{whole or '0'}.{cents:0<2}"


def _read_number(words: tuple[str, ...]) -> JsonValue:
    return amount_of(words)


def _read_currency(words: tuple[str, ...]) -> JsonValue:
    text = " ".join(words).removeprefix("$").replace(" dollars", "").replace(" dollar", "")
    whole, has_cents, cents = text.partition(" and ")
    amount = amount_of(tuple(whole.split()))
    if amount is None or not has_cents:
        return None if amount is None else "USD" + _money(amount) if "$" in words[0] else _money(amount)
    fraction = amount_of(tuple(cents.replace(" cents", "").replace(" cent", "").split()))
    return None if fraction is None else f"{amount}.{int(float(fraction)):02d}"


def _read_phone(words: tuple[str, ...]) -> JsonValue:
    number, _, extension = " ".join(words).replace("-", " ").partition(" extension ")
    digits = digits_of(tuple(number.replace("(", " ").replace(")", " ").split()))
    if digits is None or not extension:
        return digits
    more = digits_of(tuple(extension.split()))
    return None if more is None else f"{digits}x{more}"


_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]


def _read_date(words: tuple[str, ...]) -> JsonValue:
    if len(words) == 1:
        return _if_matches(_DATE.complete, words[0].replace("-", "").replace("/", ""))
    if words[0] not in _MONTHS:
        return None
    day, year = re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)?", words[1]), "".join(words[2:]) or "????"
    if day is None or not re.fullmatch(r"[0-9]{4}|\?{4}", year):
        return None
    return f"{year}{_MONTHS.index(words[0]) + 1:02d}{int(day[1]):02d}"


def _read_time(words: tuple[str, ...]) -> JsonValue:
    text = "".join(words).replace(".", "").replace(":", "").replace("o'clock", "")
    found = re.fullmatch(r"([0-9]{1,2})([0-5][0-9])?(am|pm|h)?", text)
    if found is None or int(found[1]) >= 24:  # noqa: PLR2004 - hours of a day
        return None
    hour = int(found[1])
    half = (found[3] or ("?" if 1 <= hour <= _NOON else "h"))[0]
    return f"{hour:02d}{found[2] or '00'}{half}"


_Build = Callable[[dict[str, str], Mode], Grammar | None]

_BUILTINS: Mapping[str, _Build] = MappingProxyType(
    {
        "boolean": _boolean,
        "currency": _plain(_CURRENCY, _read_currency),
        "date": _plain(_DATE, _read_date),
        "digits": _digits,
        "number": _plain(_AMOUNT, _read_number),
        "phone": _plain(_PHONE, _read_phone),
        "time": _plain(_TIME, _read_time),
    }
)
