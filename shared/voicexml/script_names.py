"""Which names a script declares, so that they can be put where VoiceXML wants them (5.3.12).

A script runs inside nested `with` statements, where `var` would make a variable of the surrounding function.
So its top-level declarations are found first and made variables of the VoiceXML scope; `let` and `const`, which
would end with the script, are written as `var` there. This reads only as much ECMAScript as that takes: comments,
strings, regular expressions and the bodies of functions are skipped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.voicexml.script_assignments import undeclared_assignments

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
    |(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
    |(?P<number>\.?[0-9][0-9A-Za-z_.]*)
    |(?P<sign>=>|[=!<>]=+|\+\+|--|&&|\|\||.)
    """,
    re.VERBOSE | re.DOTALL,
)
_REGULAR_EXPRESSION = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")

#: After these a slash begins a regular expression and does not divide.
_BEFORE_VALUE = frozenset(
    [
        "(",
        ",",
        "=",
        ":",
        "[",
        "!",
        "&",
        "|",
        "?",
        "{",
        "}",
        ";",
        "+",
        "-",
        "*",
        "%",
        "~",
        "^",
        "<",
        ">",
        "&&",
        "||",
        "==",
        "===",
        "!=",
        "!==",
        "=>",
    ]
)
_WORDS_BEFORE_VALUE = frozenset({"return", "typeof", "case", "in", "of", "delete", "void", "throw"})

_DECLARING = frozenset({"var", "let", "const"})

_BRACKETS = MappingProxyType({"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1})


@dataclass(slots=True)
class ScriptNames:
    """The names that a script leaves behind; each list may name one twice."""

    #: Declared with var, also inside blocks, or with let or const outside of them.
    variables: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    #: Classes, and functions inside blocks: there when the script has run.
    late: list[str] = field(default_factory=list)
    #: Assigned to, declared or not; in functions, those that nobody declares.
    assigned: list[str] = field(default_factory=list)
    #: The script to be run.
    source: str = field(default="", compare=False)


def find_names(source: str) -> ScriptNames:
    """Read a script; a faulty one gives whatever can be made out, the engine will say what is wrong."""
    tokens = list(_tokens(source))
    lexemes = [lexeme for lexeme, _ in tokens]
    scan = _Scan(lexemes)
    names = scan.run()
    outside = frozenset(names.assigned)
    names.assigned += (name for name in undeclared_assignments(lexemes) if name not in outside)
    names.source = _with_vars(source, [tokens[position] for position in scan.lexical])
    return names


def _with_vars(source: str, keywords: list[tuple[str, int]]) -> str:
    """Write var for each of the keywords, and spaces so that nothing moves."""
    parts, done = [], 0
    for lexeme, start in keywords:
        parts += [source[done:start], "var".ljust(len(lexeme))]
        done = start + len(lexeme)
    return "".join([*parts, source[done:]])


def _tokens(source: str) -> Iterator[tuple[str, int]]:
    """Return each lexeme and where it begins."""
    position, before = 0, ";"
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            return
        if match[0] == "/" and (before in _BEFORE_VALUE or before in _WORDS_BEFORE_VALUE):
            match = _REGULAR_EXPRESSION.match(source, position) or match
            before = "/regular expression/"
            yield before, position
        elif match.lastgroup != "skip":
            before = '""' if match.lastgroup == "string" else match[0]
            yield before, position
        position = match.end()


class _Scan:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0
        self._names = ScriptNames()
        #: Brackets of every kind that are open.
        self._depth = 0
        #: Where let and const are said outside of every block.
        self.lexical: list[int] = []

    def run(self) -> ScriptNames:
        """Go through the script once, from its beginning to its end."""
        before = ";"
        while self._position < len(self._tokens):
            lexeme = self._tokens[self._position]
            self._position += 1
            self._depth += _BRACKETS.get(lexeme, 0)
            if lexeme in _DECLARING and before != ".":
                self._declares(lexeme)
            elif lexeme == "function":
                self._function(statement=before in {";", "{", "}", ")"})
                lexeme = "}"
            elif lexeme == "class":
                self._class(statement=before in {";", "}"})
                lexeme = "}"
            elif lexeme == "=>" and self._peek() == "{":
                self._skip_block()
            elif self._peek() == "=" and _is_name(lexeme) and before != ".":
                self._names.assigned.append(lexeme)
            before = lexeme
        return self._names

    def _peek(self, ahead: int = 0) -> str:
        position = self._position + ahead
        return self._tokens[position] if position < len(self._tokens) else ""

    def _declares(self, keyword: str) -> None:
        found = len(self._names.variables)
        if keyword != "var" and self._depth == 0:
            self.lexical.append(self._position - 1)
        self._declaration()
        if keyword != "var" and self._depth > 0:
            del self._names.variables[found:]  # it ends with its block

    def _declaration(self) -> None:
        """Take the names of `var a = f(1, 2), b`; what they are set to is skipped by counting brackets."""
        depth, expects_name = 0, True
        while (lexeme := self._peek()) and not (depth == 0 and lexeme in {";", "in", "of"}):
            if expects_name and lexeme in {"{", "["}:
                self._pattern()
                expects_name = False
                continue
            if expects_name and _is_name(lexeme):
                self._names.variables.append(lexeme)
                expects_name = False
            elif lexeme == "function":
                self._position += 1
                self._function(statement=False)
                continue
            elif lexeme == "," and depth == 0:
                expects_name = True
            elif lexeme in _DECLARING and depth == 0:
                return  # the semicolon was left out
            depth += _BRACKETS.get(lexeme, 0)
            if depth < 0:
                return
            self._position += 1

    def _pattern(self) -> None:
        """Take the names of `{a, b: c, d = 1}` and `[a, [b]]`."""
        depth = 0
        while lexeme := self._peek():
            self._position += 1
            depth += _BRACKETS.get(lexeme, 0)
            if depth == 0:
                return
            if lexeme == "=":
                self._skip_value()
            elif _is_name(lexeme) and self._peek() != ":":
                self._names.variables.append(lexeme)

    def _skip_value(self) -> None:
        """Skip what a name in a pattern is if nothing is given for it."""
        depth = 0
        while (lexeme := self._peek()) and not (depth == 0 and lexeme in {",", "}", "]"}):
            depth += _BRACKETS.get(lexeme, 0)
            self._position += 1

    def _function(self, *, statement: bool) -> None:
        if statement and _is_name(self._peek()):
            names = self._names.functions if self._depth == 0 else self._names.late
            names.append(self._peek())
        self._skip_to_body()

    def _class(self, *, statement: bool) -> None:
        if statement and self._depth == 0 and _is_name(self._peek()):
            self._names.late.append(self._peek())
        self._skip_to_body()

    def _skip_to_body(self) -> None:
        depth = 0
        while (lexeme := self._peek()) and not (lexeme == "{" and depth == 0):
            depth += {"(": 1, ")": -1}.get(lexeme, 0)
            self._position += 1
        self._skip_block()

    def _skip_block(self) -> None:
        depth = 0
        while lexeme := self._peek():
            depth += {"{": 1, "}": -1}.get(lexeme, 0)
            self._position += 1
            if depth == 0:
                return


def _is_name(lexeme: str) -> bool:
    return bool(re.match(r"[A-Za-z_$]", lexeme)) and lexeme not in {"function", "class"}
