"""Matching tokens against a grammar: how they stand, and how they were parsed.

For each expansion and position the set of positions where it may end is worked out once and kept, so that an
ambiguous grammar costs no more than its size times the square of the input. That an expansion asked for a
token just behind the last one tells that more input could match, which is what decides between waiting for
another key and being done. Rules are followed to a bounded depth and with a bounded amount of work: a grammar
that is as good as left-recursive is refused in the midst; what is so by its text alone does not come here
(`recursion.py`).
"""

from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Tokens
from enum import StrEnum
from itertools import pairwise

from shared.voicexml.grammar.expansion import (
    Alternatives,
    Expansion,
    GrammarDocument,
    GrammarInvalid,
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
        #: Which of how many alternatives a parse takes, in the order in which it comes to them.
        self._decisions: list[int] = []
        self._options: list[int] = []
        self._taken = 0
        #: Of the grammars, in the order in which a parse came to them.
        self._numbers: dict[int, int] = {}
        self._document = document
        self._name, self._rule = find_rule(document, rule)
        ends = self._reach(document, self._rule.expansion, 0)
        self.matches = len(self._tokens) in ends

    @property
    def status(self) -> Status:
        """How the tokens stand."""
        return standing(matches=self.matches, more=self._more)

    def parses(self) -> Iterator[ParsedRule]:
        """Yield the parses of tokens that match, which differ in the alternatives that they take.

        Each is made anew: at an alternative of which there are several, it goes by a list of decisions, and the
        last one of these that could be another one is, the next time. Raises GrammarInvalid if they are too much
        work together.
        """
        self._work = 0
        self._decisions, self._options = [], []
        while True:
            self._taken = 0
            yield self._parsed_rule(self._document, self._name, self._rule, 0, len(self._tokens))
            while self._decisions and self._decisions[-1] + 1 == self._options[-1]:
                self._decisions.pop()
                self._options.pop()
            if not self._decisions:
                return
            self._decisions[-1] += 1

    def _decide(self, options: int) -> int:
        """Take the next decision; the first of its options, where there is none yet."""
        if options == 1:
            return 0
        if self._taken == len(self._decisions):
            self._decisions.append(0)
            self._options.append(options)
        self._taken += 1
        return self._decisions[self._taken - 1]

    def _reach(self, document: GrammarDocument, expansion: Expansion, start: int) -> frozenset[int]:
        """Return where an expansion may end. Two calls for each nesting, because the stack has an end too."""
        ends = self._leaf(expansion, start)
        if ends is not None:
            return ends
        key = (id(document), id(expansion), start)
        if key in self._ends:
            return self._ends[key]
        self._depth += 1
        if self._depth > MAX_GRAMMAR_DEPTH:
            raise GrammarInvalid(
                "The grammar is too deep to be listened for, or comes back to a rule before anything is heard."
            )
        self._count(1)
        match expansion:
            case Sequence(parts=parts):
                ends = self._in_order(document, parts, start)
            case Alternatives(choices=choices):
                ends = self._any_of(document, choices, start)
            case Repeat() as repeat:
                ends = self._again(document, repeat, start)
            case RuleReference() as reference:
                other, _, rule = self._follow(document, reference)
                ends = self._reach(other, rule.expansion, start)
            case _:
                raise AssertionError("What has no other expansion inside is a leaf.")
        self._depth -= 1
        self._ends[key] = ends
        return ends

    def _leaf(self, expansion: Expansion, start: int) -> frozenset[int] | None:
        """Return where it may end, if it is one that has no other inside."""
        match expansion:
            case Token(text=text):
                return self._token(text, start)
            case Tag() | Special.NULL:
                return frozenset({start})
            case Special.VOID:
                return frozenset()
            case Special.GARBAGE:
                # Whatever is said; at least something of it is still to come at the end of the input.
                self._more = True
                return frozenset(range(start, len(self._tokens) + 1))
            case _:
                return None

    def _count(self, work: int) -> None:
        """Count what was done, positions that are looked up again included; raises GrammarInvalid."""
        self._work += work
        if self._work > MAX_GRAMMAR_WORK:
            raise GrammarInvalid("The grammar is too ambiguous to be listened for, or repeats too often.")

    def _token(self, text: str, start: int) -> frozenset[int]:
        if start == len(self._tokens):
            self._more = True
            return frozenset()
        return frozenset({start + 1}) if self._tokens[start] == text else frozenset()

    def _any_of(
        self, document: GrammarDocument, choices: tuple[Expansion, ...], start: int
    ) -> frozenset[int]:
        # Of a thousand towns all but a few are out at their first word, which takes a sixteenth of the time.
        self._count(1 + len(choices) // 16)
        reached: set[int] = set()
        for choice in choices:
            if self._may_begin(choice, start):
                reached |= self._reach(document, choice, start)
        return frozenset(reached)

    def _may_begin(self, choice: Expansion, start: int) -> bool:
        first = choice.parts[0] if isinstance(choice, Sequence) and choice.parts else choice
        return not isinstance(first, Token) or bool(self._token(first.text, start))

    def _in_order(
        self, document: GrammarDocument, parts: tuple[Expansion, ...], start: int
    ) -> frozenset[int]:
        reached = frozenset({start})
        for part in parts:
            self._count(len(reached))
            following: set[int] = set()
            for each in reached:
                following |= self._reach(document, part, each)
            reached = frozenset(following)
        return reached

    def _again(self, document: GrammarDocument, repeat: Repeat, start: int) -> frozenset[int]:
        reached, found = frozenset({start}), set[int]()
        # More rounds than there are tokens cannot consume anything new.
        most = len(self._tokens) + 1 + repeat.least if repeat.most is None else repeat.most
        for count in range(most + 1):
            if count >= repeat.least:
                if reached <= found:
                    break
                found |= reached
            if count == most:
                # Not a step further: it would ask for a token that cannot be.
                break
            self._count(1 + len(reached))
            following: set[int] = set()
            for each in reached:
                following |= self._reach(document, repeat.content, each)
            if not following:
                break
            reached = frozenset(following)
        return frozenset(found)

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
        parts = list(self._parts(document, rule.expansion, start, end))
        return {
            "rule": name,
            # Which of the grammars: its own tags are for all its rules.
            "grammar": self._numbers.setdefault(id(document), len(self._numbers)),
            "text": document.text(self._tokens[start:end]),
            "format": document.tag_format,
            "head": list(document.tags),
            "parts": _telling(document, parts),
        }

    def _parts(
        self, document: GrammarDocument, expansion: Expansion, start: int, end: int
    ) -> Iterator[dict[str, object]]:
        """Yield what an expansion that spans the tokens from start to end is made of."""
        # Rules that match nothing can still be nested by the million.
        self._count(1)
        match expansion:
            case Tag(text=text):
                yield {"tag": text}
            case Sequence(parts=parts):
                yield from self._split(document, parts, start, end)
            case Alternatives(choices=choices):
                self._count(len(choices) // 16)
                fitting = [
                    each
                    for each in choices
                    if self._may_begin(each, start) and end in self._reach(document, each, start)
                ]
                yield from self._parts(document, fitting[self._decide(len(fitting))], start, end)
            case Repeat(content=content):
                if end > start:
                    yield from self._rounds(document, content, start, end)
            case RuleReference() as reference:
                other, name, rule = self._follow(document, reference)
                yield self._parsed_rule(other, name, rule, start, end)
            case _:
                pass

    def _split(
        self, document: GrammarDocument, parts: tuple[Expansion, ...], start: int, end: int
    ) -> Iterator[dict[str, object]]:
        """Divide a span among the parts of a sequence: from the end, what each part could leave over."""
        steps = [frozenset({start})]
        for part in parts:
            reached = (self._reach(document, part, each) for each in steps[-1])
            steps.append(frozenset(found for ends in reached for found in ends))
            self._count(len(steps[-1]))
        cuts = [end]
        for part, before in zip(reversed(parts), reversed(steps[:-1]), strict=True):
            cuts.append(
                next(each for each in sorted(before) if cuts[-1] in self._reach(document, part, each))
            )
        cuts.reverse()
        for part, left, right in zip(parts, cuts[:-1], cuts[1:], strict=True):
            yield from self._parts(document, part, left, right)

    def _rounds(
        self, document: GrammarDocument, content: Expansion, start: int, end: int
    ) -> Iterator[dict[str, object]]:
        """Divide a span among rounds that each consume something, the fewest that do."""
        came_from: dict[int, int] = {start: start}
        pending = [start]
        while end not in came_from and pending:
            at = pending.pop(0)
            for reached in sorted(self._reach(document, content, at)):
                if reached not in came_from:
                    came_from[reached] = at
                    pending.append(reached)
        cuts = [end]
        while cuts[-1] != start:
            cuts.append(came_from[cuts[-1]])
        cuts.reverse()
        for left, right in pairwise(cuts):
            yield from self._parts(document, content, left, right)


def _telling(document: GrammarDocument, parts: list[dict[str, object]]) -> list[dict[str, object]]:
    """Leave out of a rule's tags and rules what says nothing: those without a tag anywhere.

    Whoever has declared a format gets the meaning of the last rule, though (SISR 1.0, 3.2.3).
    """
    if any("tag" in part or part["parts"] for part in parts):
        return parts
    return parts[-1:] if document.tag_format else []


def find_rule(document: GrammarDocument, name: str) -> tuple[str, Rule]:
    """Return a rule by its name, or the root rule; raises GrammarInvalid."""
    wanted = name or document.root
    rule = document.rules.get(wanted)
    if rule is None:
        raise GrammarInvalid(
            f"There is no rule {wanted!r} in the grammar." if wanted else "The grammar has no root rule."
        )
    return wanted, rule


def find_public(document: GrammarDocument, name: str) -> Rule:
    """Find a rule that others may refer to (SRGS 1.0, 3.2): the root or a public one. Raises GrammarInvalid."""
    _, rule = find_rule(document, name)
    if name and not rule.public:
        raise GrammarInvalid(
            f"The rule {name!r} is private; give it scope='public' to refer to it from elsewhere."
        )
    return rule
