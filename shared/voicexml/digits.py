"""What a caller may key into a field, as grammars over keys (VoiceXML 2.0, 2.3.1 and Appendix P).

A grammar answers two questions about the keys so far: how they stand (`Status`), which decides between
waiting for another key and being done, and what they mean. Every kind of grammar has to answer these two.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from shared.voicexml.errors import Thrown
from shared.voicexml.limits import MAX_KEYS
from shared.voicexml.model import Field


class Status(StrEnum):
    """How the keys so far stand towards a grammar."""

    #: No continuation can match.
    NOMATCH = "nomatch"
    #: More keys are needed.
    PARTIAL = "partial"
    #: They match, and no further key could.
    MATCH = "match"
    #: They match, and more keys could too.
    MATCH_MORE = "match_more"


class Grammar(Protocol):
    """What can be listened for."""

    def status(self, keys: str) -> Status:
        """Tell how one or more keys stand."""
        ...

    def value(self, keys: str) -> str | bool | None:
        """Tell what keys that match mean: the field's value; None if they choose nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitString:
    """The builtin type `digits`: from `shortest` to `longest` digits, as a string."""

    shortest: int
    longest: int

    def status(self, keys: str) -> Status:
        """Tell how the keys stand."""
        if len(keys) > self.longest or not re.fullmatch(r"[0-9]+", keys):
            return Status.NOMATCH
        if len(keys) < self.shortest:
            return Status.PARTIAL
        return Status.MATCH if len(keys) == self.longest else Status.MATCH_MORE

    def value(self, keys: str) -> str:
        """Return the digits: a string, so that leading zeros count."""
        return keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Some sequences of keys, each with its meaning; the first of two equal ones counts."""

    choices: tuple[tuple[str, str | bool | None], ...]

    def status(self, keys: str) -> Status:
        """Tell how the keys stand."""
        chosen = any(sequence == keys for sequence, _ in self.choices)
        longer = any(sequence.startswith(keys) and sequence != keys for sequence, _ in self.choices)
        return _STATUS[chosen, longer]

    def value(self, keys: str) -> str | bool | None:
        """Return what the sequence means."""
        return next(meaning for sequence, meaning in self.choices if sequence == keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Several grammars at once, in document order. With none of them every key is wrong."""

    grammars: tuple[Grammar, ...]

    def status(self, keys: str) -> Status:
        """Tell how the keys stand towards the grammars together."""
        found = {grammar.status(keys) for grammar in self.grammars}
        chosen = bool(found & {Status.MATCH, Status.MATCH_MORE})
        return _STATUS[chosen, bool(found & {Status.PARTIAL, Status.MATCH_MORE})]

    def value(self, keys: str) -> str | bool | None:
        """Return what they mean to the first grammar that matches."""
        complete = (Status.MATCH, Status.MATCH_MORE)
        return next(grammar.value(keys) for grammar in self.grammars if grammar.status(keys) in complete)


#: By whether the keys match, and whether more keys could.
_STATUS: Mapping[tuple[bool, bool], Status] = MappingProxyType(
    {
        (False, False): Status.NOMATCH,
        (False, True): Status.PARTIAL,
        (True, False): Status.MATCH,
        (True, True): Status.MATCH_MORE,
    }
)

_NUMBER = re.compile(r"[0-9]{1,4}")


def field_grammar(field: Field) -> Grammar:
    """Build what a field listens for; raises Thrown for a type that is not built or not valid."""
    grammars: list[Grammar] = [builtin(field.type)] if field.type is not None else []
    choices = tuple((option.dtmf, option.value) for option in field.options if option.dtmf)
    if choices:
        grammars.append(Choices(choices=choices))
    return AnyOf(grammars=tuple(grammars))


def builtin(type_: str) -> Grammar:
    """Build a builtin type, as in `digits?minlength=3;maxlength=5` (Appendix P); raises Thrown."""
    name, _, query = type_.strip().partition("?")
    build = _BUILTINS.get(name)
    if build is None:
        raise Thrown("error.unsupported.builtin", f"The type {name!r} is not supported.")
    parameters = dict(_parameter(each, type_) for each in query.split(";") if each)
    grammar = build(parameters)
    if grammar is None or parameters:
        # Appendix P: parameters that are unknown, malformed or contradict one another.
        raise Thrown("error.badfetch", f"The type {type_!r} has parameters that make no sense.")
    return grammar


def _parameter(text: str, type_: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Thrown("error.badfetch", f"The type {type_!r} has a parameter without a value.")
    return name.strip(), value.strip()


def _digits(parameters: dict[str, str]) -> Grammar | None:
    """Take what it knows out of the parameters; None if it makes no sense."""
    numbers = [parameters.pop(name, preset) for name, preset in _LENGTHS.items()]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        return None
    shortest, longest, exactly = (int(number) for number in numbers)
    if exactly:
        shortest, longest = max(shortest, exactly), min(longest, exactly)
    possible = 1 <= shortest <= longest <= MAX_KEYS
    return DigitString(shortest=shortest, longest=longest) if possible else None


#: The parameters of `digits` and what holds without them; no exact length is 0.
_LENGTHS: Mapping[str, str] = MappingProxyType({"minlength": "1", "maxlength": str(MAX_KEYS), "length": "0"})


def _boolean(parameters: dict[str, str]) -> Grammar | None:
    """Take what it knows out of the parameters; None if it makes no sense."""
    yes, no = parameters.pop("y", "1"), parameters.pop("n", "2")
    keys = all(re.fullmatch(r"[0-9*#]", key) for key in (yes, no))
    return Choices(choices=((yes, True), (no, False))) if keys and yes != no else None


_BUILTINS: Mapping[str, Callable[[dict[str, str]], Grammar | None]] = MappingProxyType(
    {"boolean": _boolean, "digits": _digits}
)
