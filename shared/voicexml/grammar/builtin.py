"""The builtin types (VoiceXML 2.0, 2.3.1 and Appendix P), for keys and for words.

By keys a type is a pattern; by words it is read from the whole utterance, in digits or in plain English.
Values have the forms that Appendix P gives them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shared.voicexml.errors import Thrown
from shared.voicexml.grammar.active import Choices, Grammar, JsonValue, Utterance
from shared.voicexml.grammar.expansion import Mode
from shared.voicexml.grammar.matcher import ParsedRule, Status, standing
from shared.voicexml.grammar.spoken_numbers import digits_of
from shared.voicexml.grammar.spoken_types import (
    money,
    read_currency,
    read_date,
    read_number,
    read_phone,
    read_time,
)
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

    def parses(self, _: Sequence[str]) -> Iterator[ParsedRule]:
        """Yield nothing: a pattern has no semantics but its value."""
        return iter(())


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
    # At least nothing is at least one digit, because nothing at all is no input.
    shortest = max(1, shortest)
    if not shortest <= longest <= MAX_KEYS:
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


#: Months with the days that they have; whether a year has a 29th of February is the application's to say.
_LONG, _SHORT = "(?:0[13578]|1[02])", "(?:0[469]|11)"
_DAYS = f"(?:{_LONG}(?:0[1-9]|[12][0-9]|3[01])|{_SHORT}(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|[12][0-9]))"
_DATE = KeyPattern(
    complete=f"[0-9]{{4}}{_DAYS}",
    beginning=f"[0-9]{{1,4}}|[0-9]{{4}}(?:[01]|(?:{_LONG}|{_SHORT})[0-3]?|02[0-2]?)",
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
    written=lambda keys: money(keys.replace("*", ".")),
)
_PHONE = KeyPattern(
    complete=r"[0-9]+(?:\*[0-9]*)?",
    beginning=r"[0-9]+(?:\*[0-9]*)?",
    written=lambda keys: keys.replace("*", "x").removesuffix("x"),
)


_Build = Callable[[dict[str, str], Mode], Grammar | None]

_BUILTINS: Mapping[str, _Build] = MappingProxyType(
    {
        "boolean": _boolean,
        "currency": _plain(_CURRENCY, read_currency),
        "date": _plain(_DATE, read_date),
        "digits": _digits,
        "number": _plain(_AMOUNT, read_number),
        "phone": _plain(_PHONE, read_phone),
        "time": _plain(_TIME, read_time),
    }
)
