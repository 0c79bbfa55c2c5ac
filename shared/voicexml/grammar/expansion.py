"""A grammar as frozen values (SRGS 1.0, chapters 2 to 4), whichever of the two forms it was written in.

Made once by `srgs_xml.py` or `srgs_abnf.py` and shared by every session that listens for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Mode(StrEnum):
    """What a grammar listens to (4.6)."""

    DTMF = "dtmf"
    VOICE = "voice"


class Special(StrEnum):
    """The special rules (2.2.3)."""

    NULL = "NULL"
    VOID = "VOID"
    GARBAGE = "GARBAGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One key, or one word in lower case (2.1)."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """One after the other (2.3)."""

    parts: "tuple[Expansion, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternatives:
    """One of several; of two that match, the heavier one, then the earlier one (2.4)."""

    choices: "tuple[Expansion, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Again and again, `least` to `most` times (2.5)."""

    content: "Expansion"
    least: int
    #: None: without end.
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReference:
    """Another rule, here or in another grammar (2.2)."""

    #: Absolute, without the fragment; empty for this grammar.
    uri: str
    #: Empty: the root rule.
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Semantics (2.6): text that `semantics` of the interpretation reads; it matches nothing."""

    text: str


Expansion = Token | Sequence | Alternatives | Repeat | RuleReference | Tag | Special


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule definition (3.1)."""

    expansion: Expansion
    public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarDocument:
    """A grammar (4.1)."""

    mode: Mode
    #: Empty: there is none, and only references to its rules by name can be followed.
    root: str
    rules: Mapping[str, Rule] = field(hash=False)
    #: semantics/1.0, semantics/1.0-literals, or whatever else.
    tag_format: str = ""
    language: str = ""
    #: Tags of the grammar itself, which run before those of any rule (SISR 1.0, 4).
    tags: tuple[str, ...] = ()
    #: What relative references start from.
    base_url: str = ""
    #: Rules that no match can follow; see `recursion.py`.
    left_recursive: frozenset[str] = frozenset()

    def text(self, tokens: Iterable[str]) -> str:
        """Write tokens as they were heard: keys are one string of keys (VoiceXML 2.0, 5.1.5), words are apart."""
        return ("" if self.mode is Mode.DTMF else " ").join(tokens)

    def outward(self) -> frozenset[RuleReference]:
        """Return the references to rules of other grammars."""
        found = (reference for rule in self.rules.values() for reference in references_in(rule.expansion))
        return frozenset(reference for reference in found if reference.uri)

    def references(self) -> frozenset[str]:
        """Return the other grammars that this one refers to, as absolute URLs."""
        return frozenset(reference.uri for reference in self.outward())


def references_in(expansion: Expansion) -> Iterator[RuleReference]:
    """Yield what an expansion refers to."""
    pending = [expansion]
    while pending:
        match pending.pop():
            case RuleReference() as reference:
                yield reference
            case Sequence(parts=parts) | Alternatives(choices=parts):
                pending.extend(parts)
            case Repeat(content=content):
                pending.append(content)
            case _:
                pass


class GrammarInvalid(Exception):
    """The grammar is not one that can be listened for; correct it as the message says."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


def check_mode(mode: Mode, wanted: str) -> None:
    """Refuse a grammar that is not of the mode that its element says (VoiceXML 2.0, 3.1.1.4); raises GrammarInvalid."""
    if wanted not in {"", mode}:
        raise GrammarInvalid(f"The grammar listens to {mode}, but mode={wanted!r} was said of it.")
