"""Which names the functions of a script assign to although nobody declares them: `function f() { q = 5 }`.

In ECMAScript such a name becomes a variable of the global object. VoiceXML has no scope for that, but a script's
variables are those of the element that it stands in (VoiceXML 2.0, 5.3.12), and there such a name is declared, before
the script runs, as are those that it assigns to outside of its functions. In an expression nothing is declared: what it
writes to a name that nobody has declared is lost, and to read that name is an error.

What counts as declared is read generously: anywhere in the script, as a parameter, in a pattern or a list. A name that
is taken for declared is merely left as it was.
"""

import re
from collections.abc import Iterator, Sequence

_DECLARING = frozenset({"var", "let", "const"})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
#: What stands before brackets that are no parameters, though a block follows.
_STATEMENTS = frozenset({"if", "for", "while", "switch", "with"})
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def undeclared_assignments(tokens: Sequence[str]) -> list[str]:
    """Return the names, once each, that are assigned to somewhere and declared nowhere, in the order of the script."""
    assigned = list(dict.fromkeys(_assigned(tokens)))
    if not assigned:
        return []
    declared = {*_declarations(tokens, frozenset(assigned)), *_parameters(tokens, frozenset(assigned))}
    return [name for name in assigned if name not in declared]


def _assigned(tokens: Sequence[str]) -> Iterator[str]:
    """Yield what stands left of `=`, and what `for (each in list)` goes through."""
    for position, following in enumerate(tokens[1:]):
        if following not in {"=", "in", "of"} or not _NAME.fullmatch(tokens[position]):
            continue
        looped = position > 1 and tokens[position - 2] == "for"
        if (following == "=" or looped) and (not position or tokens[position - 1] != "."):
            yield tokens[position]


def _declarations(tokens: Sequence[str], wanted: frozenset[str]) -> Iterator[str]:
    """Yield the names of var, let and const, functions and classes, and all that stands in a pattern."""
    depth, lists, pattern, before = 0, [-1], -1, ""
    for lexeme in tokens:
        if lexeme in _CLOSING and depth:
            depth -= 1
        while depth < lists[-1] or (depth == lists[-1] and lexeme in {";", "in", "of"}):
            lists.pop()
        if depth <= pattern:
            pattern = -1
        begins = before in _DECLARING or (before == "," and depth == lists[-1])
        if lexeme in _OPENING:
            if begins and pattern < 0 and lexeme != "(":
                pattern = depth
            depth += 1
        elif lexeme in _DECLARING and before != ".":
            lists.append(depth)
        elif lexeme in wanted and (begins or pattern >= 0 or before in {"function", "class"}):
            yield lexeme
        before = lexeme


def _parameters(tokens: Sequence[str], wanted: frozenset[str]) -> Iterator[str]:
    """Yield the names in the brackets of functions, methods, arrows and catch, and those right before an arrow."""
    ends, until = _ends(tokens), -1
    for position, (lexeme, following) in enumerate(zip(tokens, [*tokens[1:], ""], strict=True)):
        if lexeme == "(" and position in ends and _takes_parameters(tokens, position, ends[position]):
            until = max(until, ends[position])
        elif lexeme in wanted and (position < until or following == "=>"):
            yield lexeme


def _takes_parameters(tokens: Sequence[str], start: int, end: int) -> bool:
    following = tokens[end + 1] if end + 1 < len(tokens) else ""
    return following == "=>" or (following == "{" and (not start or tokens[start - 1] not in _STATEMENTS))


def _ends(tokens: Sequence[str]) -> dict[int, int]:
    """Return where each round bracket closes."""
    opened: list[int] = []
    ends: dict[int, int] = {}
    for position, lexeme in enumerate(tokens):
        if lexeme == "(":
            opened.append(position)
        elif lexeme == ")" and opened:
            ends[opened.pop()] = position
    return ends
