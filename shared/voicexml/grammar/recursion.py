"""Rules that come to themselves again before anything was heard: `$r = [$r] a`.

SRGS 1.0 lets a rule refer to itself, and a processor refuse what it cannot follow (2.2 and 5.4). This one follows
whatever a rule refers to after a token, and refuses left recursion, which a match from left to right would follow for
ever: such a grammar says the same with the reference at its end. It is refused as a whole and at once, wherever in it
that is: who is heard to say its other words would else be told nothing of it.

What is found here lies within one grammar. A circle through several is refused by the match, which goes no deeper than
its limit.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

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
    references_in,
)

#: How often the rules are gone through for those that may match nothing; each time finds what refers to those found
#: before, and people's grammars need two. What is beyond is left to the match.
_PASSES = 8


def left_recursive(rules: Mapping[str, Rule]) -> frozenset[str]:
    """Return the rules that cannot be followed: they begin with themselves, or with one that does."""
    empty: AbstractSet[str] = frozenset()
    begins: dict[str, set[str]] = {}
    for _ in range(_PASSES):
        begins = {name: set() for name in rules}
        found = {name for name, rule in rules.items() if _first(rule.expansion, empty, begins[name])}
        if found == empty:
            break
        empty = found
    return _circles(begins)


def _first(expansion: Expansion, empty: Collection[str], found: set[str]) -> bool:
    """Add the rules that an expansion may refer to before a token; tell whether it may match nothing."""
    match expansion:
        case Tag() | Special.NULL | Special.GARBAGE:
            return True
        case Sequence(parts=parts):
            return all(_first(part, empty, found) for part in parts)
        case Alternatives(choices=choices):
            return sum(_first(choice, empty, found) for choice in choices) > 0  # each is looked into
        case Repeat(content=content, least=least, most=most):
            return (most != 0 and _first(content, empty, found)) or not least
        case RuleReference(uri="", rule=rule):
            found.add(rule)
            return rule in empty
        case _:
            return False


def _circles(begins: Mapping[str, AbstractSet[str]]) -> frozenset[str]:
    """Return who leads into a circle: without those that lead nowhere, then those that lead to nobody else."""
    led_to: dict[str, list[str]] = {name: [] for name in begins}
    for name, firsts in begins.items():
        for first in firsts:
            led_to[first].append(name)
    left = {name: len(firsts) for name, firsts in begins.items()}
    done = [name for name, count in left.items() if not count]
    while done:
        name = done.pop()
        del left[name]
        for before in led_to[name]:
            left[before] -= 1
            if not left[before]:
                done.append(before)
    return frozenset(left)


def check_recursion(document: GrammarDocument, rule: str, others: Mapping[str, GrammarDocument]) -> None:
    """Refuse a rule from which one can be reached that cannot be followed; raises GrammarInvalid."""
    if not any(each.left_recursive for each in (document, *others.values())):
        return
    pending, seen = [(document, rule or document.root)], set[tuple[int, str]]()
    while pending:
        here, name = pending.pop()
        if (id(here), name) in seen or name not in here.rules:
            continue
        seen.add((id(here), name))
        if name in here.left_recursive:
            raise GrammarInvalid(
                f"The rule {name!r} begins with itself, or with a rule that does (left recursion); let it end so."
            )
        for reference in references_in(here.rules[name].expansion):
            other = others.get(reference.uri) if reference.uri else here
            if other is not None:
                pending.append((other, reference.rule or other.root))
