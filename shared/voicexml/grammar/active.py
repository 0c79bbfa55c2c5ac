"""What can be listened for, and several of them at once.

A grammar answers how the tokens so far stand, which decides between waiting for another key and being done,
and what tokens that match mean. A caller's keys are a string, which is a sequence of keys; words are a tuple.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.voicexml.grammar.expansion import GrammarDocument, GrammarInvalid, Mode
from shared.voicexml.grammar.matcher import Match, ParsedRule, Status, standing

JsonValue = str | bool | None


class Grammar(Protocol):
    """What can be listened for."""

    @property
    def mode(self) -> Mode:
        """What it listens to."""
        ...

    def status(self, tokens: Sequence[str]) -> Status:
        """Tell how one or more tokens stand."""
        ...

    def value(self, tokens: Sequence[str]) -> JsonValue:
        """Tell what tokens that match mean; None if they choose nothing."""
        ...

    def parse(self, tokens: Sequence[str]) -> ParsedRule | None:
        """Return how tokens that match were parsed, if their meaning is for the engine to find."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Some sequences of keys, each with its meaning; the first of two equal ones counts."""

    choices: tuple[tuple[str, JsonValue], ...]
    mode: Mode = Mode.DTMF

    def status(self, tokens: Sequence[str]) -> Status:
        """Tell how the keys stand."""
        keys = "".join(tokens)
        return standing(
            matches=any(sequence == keys for sequence, _ in self.choices),
            more=any(sequence.startswith(keys) and sequence != keys for sequence, _ in self.choices),
        )

    def value(self, tokens: Sequence[str]) -> JsonValue:
        """Return what the sequence means."""
        keys = "".join(tokens)
        return next(meaning for sequence, meaning in self.choices if sequence == keys)

    def parse(self, _: Sequence[str]) -> ParsedRule | None:
        """Return nothing: the value says it all."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A phrase, all of it or also a part of it (2.2.5)."""

    words: tuple[str, ...]
    exact: bool
    meaning: JsonValue
    mode: Mode = Mode.VOICE

    def status(self, tokens: Sequence[str]) -> Status:
        """Tell how the words stand."""
        said = tuple(tokens)
        if self.exact:
            return standing(matches=said == self.words, more=self.words[: len(said)] == said != self.words)
        rest = iter(self.words)
        # Words left out anywhere, the order kept; `in` moves the iterator on.
        return standing(matches=bool(said) and all(word in rest for word in said), more=False)

    def value(self, _: Sequence[str]) -> JsonValue:
        """Return what the phrase means."""
        return self.meaning

    def parse(self, _: Sequence[str]) -> ParsedRule | None:
        """Return nothing: the value says it all."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Whatever a function can read; only whole utterances are asked about."""

    read: Callable[[tuple[str, ...]], JsonValue]
    mode: Mode = Mode.VOICE

    def status(self, tokens: Sequence[str]) -> Status:
        """Tell how the words stand."""
        words = tuple(tokens)
        return standing(matches=bool(words) and self.read(words) is not None, more=False)

    def value(self, tokens: Sequence[str]) -> JsonValue:
        """Return what was read."""
        return self.read(tuple(tokens))

    def parse(self, _: Sequence[str]) -> ParsedRule | None:
        """Return nothing: the value says it all."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGrammar:
    """A rule of a grammar document, with the documents that it refers to."""

    document: GrammarDocument
    #: Empty: the root rule.
    rule: str = ""
    others: Mapping[str, GrammarDocument] = field(default_factory=dict)

    @property
    def mode(self) -> Mode:
        """What it listens to."""
        return self.document.mode

    def check(self) -> None:
        """Try it out; raises GrammarInvalid if it cannot be listened for, whatever is said."""
        Match(self.document, self.rule, (), self.others)

    def status(self, tokens: Sequence[str]) -> Status:
        """Tell how the tokens stand; a grammar that breaks down over them does not match."""
        try:
            return Match(self.document, self.rule, tokens, self.others).status
        except GrammarInvalid:
            return Status.NOMATCH

    def value(self, tokens: Sequence[str]) -> JsonValue:
        """Return the tokens, for want of semantics."""
        return " ".join(tokens)

    def parse(self, tokens: Sequence[str]) -> ParsedRule | None:
        """Return the first parse."""
        return Match(self.document, self.rule, tokens, self.others).parse()


COMPLETE = frozenset({Status.MATCH, Status.MATCH_MORE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Several grammars at once. With none of them every token is wrong."""

    grammars: tuple[Grammar, ...]

    def status(self, keys: str) -> Status:
        """Tell how keys stand towards those grammars that listen to keys."""
        found = {grammar.status(keys) for grammar in self.grammars if grammar.mode is Mode.DTMF}
        return standing(
            matches=bool(found & COMPLETE), more=bool(found & {Status.PARTIAL, Status.MATCH_MORE})
        )

    def hears(self, words: tuple[str, ...]) -> bool:
        """Tell whether words match one of the grammars that listen to words."""
        return self.first(words, Mode.VOICE) is not None

    def first(self, tokens: Sequence[str], mode: Mode) -> int | None:
        """Return the position of the first grammar that matches (3.1.4)."""
        return next(
            (
                position
                for position, grammar in enumerate(self.grammars)
                if grammar.mode is mode and grammar.status(tokens) in COMPLETE
            ),
            None,
        )
