"""Matching tokens against a grammar: how they stand, and how they were parsed.

For each expansion and position the set of positions where it may end is worked out once and kept, so that an
ambiguous grammar costs no more than its size times the square of the input. That an expansion asked for a
token just behind the last one tells that more input could match, which is what decides between waiting for
another key and being done. Rules are followed to a bounded depth and with a bounded amount of work: a grammar
that is left-recursive, or as good as, is refused in the midst.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Tokens
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from shared.voicexml.grammar.expansion import (
    Alternatives,
    Expansion,
    GrammarDocument,
    GrammarInvalid,
    Mode,
    Repeat,
    Rule,
    RuleReference,
    Sequence,
    Special,
    Tag,
    Token,
)
from shared.voicexml.limits import MAX_GRAMMAR_DEPTH, MAX_GRAMMAR_WORK


class Status(StrEnum):
    """How the tokens so far stand towards a grammar."""

    #: No continuation can match.
    NOMATCH = "nomatch"
    #: More tokens are needed.
    PARTIAL = "partial"
    #: They match, and no further token could.
    MATCH = "match"
    #: They match, and more tokens could too.
    MATCH_MORE = "match_more"


def standing(*, matches: bool, more: bool) -> Status:
    """Name how tokens stand."""
    if matches:
        return Status.MATCH_MORE if more else Status.MATCH
    return Status.PARTIAL if more else Status.NOMATCH


#: A rule that was matched, for whoever interprets it: its name, the tokens, and its tokens, tags and rules in
#: order. JSON can write it.
ParsedRule = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Place:
    """A rule's expansion or a part of it, in its grammar; compared by identity, because it is shared."""

    document: GrammarDocument
    expansion: Expansion


class Match:
    """One attempt to match tokens against a rule of a grammar."""

    def __init__(
        self, document: GrammarDocument, rule: str, tokens: Tokens[str], others: Mapping[str, GrammarDocument]
    ) -> None:
        """`others` are the grammars that may be referred to, by URL. Raises GrammarInvalid."""
        self._tokens = tuple(tokens)
        self._others = others
        self._ends: dict[tuple[int, int, int], frozenset[int]] = {}
        self._more = False
        self._work = 0
        self._depth = 0
        self._document = document
        self._name, self._rule = find_rule(document, rule)
        ends = self._reach(_Place(document, self._rule.expansion), 0)
        self.matches = len(self._tokens) in ends

    @property
    def status(self) -> Status:
        """How the tokens stand."""
        return standing(matches=self.matches, more=self._more)

    def parse(self) -> ParsedRule:
        """Return the first parse of tokens that match."""
        return self._parsed_rule(self._document, self._name, self._rule, 0, len(self._tokens))

    def _reach(self, place: _Place, start: int) -> frozenset[int]:
        key = (id(place.document), id(place.expansion), start)
        if key in self._ends:
            return self._ends[key]
        self._depth += 1
        if self._depth > MAX_GRAMMAR_DEPTH:
            raise GrammarInvalid("The grammar is too deep to be listened for.")
        self._count(1)
        ends = frozenset(self._walk(place, start))
        self._depth -= 1
        self._ends[key] = ends
        return ends

    def _count(self, work: int) -> None:
        """Count what was done, positions that are looked up again included; raises GrammarInvalid."""
        self._work += work
        if self._work > MAX_GRAMMAR_WORK:
            raise GrammarInvalid("The grammar is too ambiguous to be listened for, or repeats too often.")

    def _walk(self, place: _Place, start: int) -> Iterator[int]:
        match place.expansion:
            case Token(text=text):
                yield from self._token(text, start)
            case Sequence(parts=parts):
                yield from self._in_order(place.document, parts, start)
            case Alternatives(choices=choices):
                for choice in choices:
                    yield from self._reach(_Place(place.document, choice), start)
            case Repeat() as repeat:
                yield from self._again(place.document, repeat, start)
            case RuleReference() as reference:
                document, _, rule = self._follow(place.document, reference)
                yield from self._reach(_Place(document, rule.expansion), start)
            case Special.GARBAGE:
                # Whatever is said; at least something of it is still to come at the end of the input.
                self._more = True
                yield from range(start, len(self._tokens) + 1)
            case Tag() | Special.NULL:
                yield start
            case Special.VOID:
                pass

    def _token(self, text: str, start: int) -> Iterator[int]:
        if start == len(self._tokens):
            self._more = True
        elif self._tokens[start] == text:
            yield start + 1

    def _in_order(
        self, document: GrammarDocument, parts: tuple[Expansion, ...], start: int
    ) -> frozenset[int]:
        reached = frozenset({start})
        for part in parts:
            self._count(len(reached))
            reached = frozenset(end for each in reached for end in self._reach(_Place(document, part), each))
        return reached

    def _again(self, document: GrammarDocument, repeat: Repeat, start: int) -> set[int]:
        place = _Place(document, repeat.content)
        reached, found = frozenset({start}), set[int]()
        # More rounds than there are tokens cannot consume anything new.
        most = len(self._tokens) + 1 + repeat.least if repeat.most is None else repeat.most
        for count in range(most + 1):
            if count >= repeat.least:
                if reached <= found:
                    break
                found |= reached
            self._count(1 + len(reached))
            following = frozenset(end for each in reached for end in self._reach(place, each))
            if count < most and not following:
                break
            reached = following
        return found

    def _follow(
        self, document: GrammarDocument, reference: RuleReference
    ) -> tuple[GrammarDocument, str, Rule]:
        if not reference.uri:
            return document, *find_rule(document, reference.rule)
        other = self._others.get(reference.uri)
        if other is None:
            raise GrammarInvalid(f"The grammar {reference.uri} is not at hand.")
        return other, *find_rule(other, reference.rule)

    def _parsed_rule(
        self, document: GrammarDocument, name: str, rule: Rule, start: int, end: int
    ) -> ParsedRule:
        return {
            "rule": name,
            # 5.1.5: keys are one string of keys, words are apart.
            "text": ("" if document.mode is Mode.DTMF else " ").join(self._tokens[start:end]),
            "format": document.tag_format,
            "head": list(document.tags),
            "parts": list(self._parts(_Place(document, rule.expansion), start, end)),
        }

    def _parts(self, place: _Place, start: int, end: int) -> Iterator[object]:
        """Yield what an expansion that spans the tokens from start to end is made of."""
        match place.expansion:
            case Tag(text=text):
                yield {"tag": text}
            case Sequence(parts=parts):
                yield from self._split(place.document, parts, start, end)
            case Alternatives(choices=choices):
                places = (_Place(place.document, choice) for choice in choices)
                yield from self._parts(
                    next(each for each in places if end in self._reach(each, start)), start, end
                )
            case Repeat(content=content):
                if end > start:
                    yield from self._rounds(_Place(place.document, content), start, end)
            case RuleReference() as reference:
                document, name, rule = self._follow(place.document, reference)
                yield self._parsed_rule(document, name, rule, start, end)
            case _:
                pass

    def _split(
        self, document: GrammarDocument, parts: tuple[Expansion, ...], start: int, end: int
    ) -> Iterator[object]:
        """Divide a span among the parts of a sequence: from the end, what each part could leave over."""
        steps = [frozenset({start})]
        for part in parts:
            reached = (self._reach(_Place(document, part), each) for each in steps[-1])
            steps.append(frozenset(found for ends in reached for found in ends))
        cuts = [end]
        for part, before in zip(reversed(parts), reversed(steps[:-1]), strict=True):
            place = _Place(document, part)
            cuts.append(next(each for each in sorted(before) if cuts[-1] in self._reach(place, each)))
        cuts.reverse()
        for part, left, right in zip(parts, cuts[:-1], cuts[1:], strict=True):
            yield from self._parts(_Place(document, part), left, right)

    def _rounds(self, place: _Place, start: int, end: int) -> Iterator[object]:
        """Divide a span among rounds that each consume something, the fewest that do."""
        came_from: dict[int, int] = {start: start}
        pending = [start]
        while end not in came_from and pending:
            at = pending.pop(0)
            for reached in sorted(self._reach(place, at)):
                if reached not in came_from:
                    came_from[reached] = at
                    pending.append(reached)
        cuts = [end]
        while cuts[-1] != start:
            cuts.append(came_from[cuts[-1]])
        cuts.reverse()
        for left, right in pairwise(cuts):
            yield from self._parts(place, left, right)


def find_rule(document: GrammarDocument, name: str) -> tuple[str, Rule]:
    """Return a rule by its name, or the root rule; raises GrammarInvalid."""
    wanted = name or document.root
    rule = document.rules.get(wanted)
    if rule is None:
        raise GrammarInvalid(
            f"There is no rule {wanted!r} in the grammar." if wanted else "The grammar has no root rule."
        )
    return wanted, rule
