"""What can be listened for, and several of them at once.

A grammar answers how the tokens so far stand, which decides between waiting for another key and being done,
and what tokens that match mean. A caller's keys are a string, which is a sequence of keys; words are a tuple.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from shared.voicexml.errors import Thrown
from shared.voicexml.grammar.expansion import GrammarDocument, GrammarInvalid, Mode
from shared.voicexml.grammar.matcher import Match, ParsedRule, Status, find_public, standing
from shared.voicexml.grammar.recursion import check_recursion

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

    def parses(self, tokens: Sequence[str]) -> Iterator[ParsedRule]:
        """Yield how tokens that match can be parsed, if their meaning is for the engine to find; else nothing."""
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

    def parses(self, _: Sequence[str]) -> Iterator[ParsedRule]:
        """Yield nothing: the value says it all."""
        return iter(())


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

    def parses(self, _: Sequence[str]) -> Iterator[ParsedRule]:
        """Yield nothing: the value says it all."""
        return iter(())


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

    def parses(self, _: Sequence[str]) -> Iterator[ParsedRule]:
        """Yield nothing: the value says it all."""
        return iter(())


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
        if self.others:
            for each in (self.document, *self.others.values()):
                _check_others(each, self.others)
        check_recursion(self.document, self.rule, self.others)
        Match(self.document, self.rule, (), self.others)

    def status(self, tokens: Sequence[str]) -> Status:
        """Tell how the tokens stand; a grammar that breaks down over them does not match."""
        try:
            return Match(self.document, self.rule, tokens, self.others).status
        except GrammarInvalid:
            return Status.NOMATCH

    def value(self, tokens: Sequence[str]) -> JsonValue:
        """Return the tokens, for want of semantics."""
        return self.document.text(tokens)

    def parses(self, tokens: Sequence[str]) -> Iterator[ParsedRule]:
        """Yield the parses, as many as may be had; raises Thrown if not even one may."""
        parses = Match(self.document, self.rule, tokens, self.others).parses()
        try:
            yield next(parses)
        except GrammarInvalid as invalid:
            raise Thrown("error.badfetch", invalid.message) from None
        with suppress(GrammarInvalid):
            yield from parses


def _check_others(document: GrammarDocument, others: Mapping[str, GrammarDocument]) -> None:
    """Refuse references to what another grammar keeps to itself, and to one of the other mode (SRGS 1.0, 2.2.2)."""
    for reference in document.outward():
        other = others[reference.uri]
        if other.mode is not document.mode:
            raise GrammarInvalid(f"{reference.uri} listens to {other.mode} and not to {document.mode}.")
        find_public(other, reference.rule)


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

    def meanings(self, tokens: Sequence[str], position: int, most: int) -> Iterator[dict[str, object]]:
        """Yield what tokens can mean that the grammar at a position matches, that one first (5.1.5, 6.3.2).

        Each has either a value or the tree of a parse; two of them may mean the same.
        """
        return islice(self._meanings(tokens, position), most)

    def _meanings(self, tokens: Sequence[str], position: int) -> Iterator[dict[str, object]]:
        mode = self.grammars[position].mode
        for grammar in self.grammars[position:]:
            if grammar.mode is not mode or grammar.status(tokens) not in COMPLETE:
                continue
            tree = None
            for tree in grammar.parses(tokens):
                yield {"tree": tree}
            if tree is None:
                yield {"value": grammar.value(tokens)}
