"""The ABNF form of a grammar (SRGS 1.0), from text to the same values as the XML form.

    #ABNF 1.0 UTF-8;
    mode dtmf; root $pin; tag-format <semantics/1.0>;
    public $pin = $digit <4> | star {out = 'none'};

A recursive descent over tokens of one regular expression; each rule of the specification's Appendix D that
can be nested is one function.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from shared.voicexml.addresses import resolve
from shared.voicexml.grammar.expansion import (
    Alternatives,
    Expansion,
    GrammarDocument,
    GrammarInvalid,
    Mode,
    Rule,
    RuleReference,
    Sequence,
    Special,
    Tag,
)
from shared.voicexml.grammar.srgs_xml import (
    check_probability,
    check_rule_name,
    checked,
    reference,
    repeated,
)
from shared.voicexml.grammar.tokens import as_tokens
from shared.voicexml.limits import MAX_DEPTH, MAX_GRAMMAR_TOKENS

_HEADER = re.compile(r"\ufeff?#ABNF\s+1\.0(?:\s+[A-Za-z0-9_.:\-]+)?\s*;")

#: The same in a file, in whatever encoding: those that matter write these characters as ASCII, but for zeros.
_ENCODED = re.compile(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*#ABNF(?:\s+1\.0\s+([A-Za-z0-9_.:\-]+))?")
_FIRST_LINE_BYTES = 256

#: One token; the groups are named for what they are.
_LEXEME = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<tag>\{!\{.*?\}!\}|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})
    |(?P<uri>\$<[^>]*>(?:~<[^>]*>)?)
    |(?P<rule>\$[^\s;=|(){}\[\]<>$"/!*+]+)
    |(?P<weight>/\s*[0-9.]+\s*/)
    |(?P<repeat><\s*[0-9]+\s*(?:-\s*[0-9]*)?\s*(?:/[0-9.\s]+/)?\s*>)
    |(?P<angle><[^>]*>)
    |(?P<quoted>"(?:[^"\\]|\\.)*")
    |(?P<language>!\[?[A-Za-z][A-Za-z0-9\-]*\]?)
    |(?P<sign>[;=|()\[\]])
    |(?P<word>[^\s;=|(){}\[\]<>$"/!]+)
    """,
    re.VERBOSE | re.DOTALL,
)


#: Declarations that are about the whole grammar (4.5 to 4.9).
_ONCE = frozenset({"base", "language", "mode", "root", "tag-format"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lexeme:
    kind: str
    text: str
    line: int


def abnf_text(body: bytes) -> str | None:
    """Decode a file in the ABNF form, by the encoding that its first line names; None if it is something else."""
    head = body[:_FIRST_LINE_BYTES].replace(b"\0", b"")
    found = _ENCODED.search(head)
    if found is None:
        return None
    wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    encoding = "utf-16" if wide else (found[1] or b"utf-8").decode()
    try:
        return body.decode(encoding).lstrip("\ufeff \t\r\n")
    except (LookupError, UnicodeDecodeError):
        raise GrammarInvalid(f"The grammar is not written in {encoding}, as it says.") from None


def read_abnf(text: str, base_url: str, mode: str = "") -> GrammarDocument:
    """Read a grammar; raises GrammarInvalid."""
    header = _HEADER.match(text)
    if header is None:
        raise GrammarInvalid("A grammar in the ABNF form begins with '#ABNF 1.0;'.")
    return _Parser(list(_lexemes(text, header.end())), base_url, mode).grammar()


def _lexemes(text: str, position: int) -> Iterator[_Lexeme]:
    line = text.count("\n", 0, position) + 1
    count = 0
    while position < len(text):
        match = _LEXEME.match(text, position)
        count += 1
        if match is None or count > MAX_GRAMMAR_TOKENS:
            raise GrammarInvalid(f"Line {line}: {text[position : position + 20]!r} is not understood.")
        if match.lastgroup != "space":
            yield _Lexeme(kind=match.lastgroup or "", text=match[0], line=line)
        line += match[0].count("\n")
        position = match.end()


class _Parser:
    def __init__(self, lexemes: list[_Lexeme], base_url: str, mode: str) -> None:
        self._lexemes = lexemes
        self._position = 0
        self._depth = 0
        self._base_url = base_url
        #: What the reference to the grammar says; empty: nothing.
        self._wanted = mode
        self._mode = Mode.VOICE
        self._header: dict[str, str] = {}
        self._tags: list[str] = []
        self._rules: dict[str, Rule] = {}

    def grammar(self) -> GrammarDocument:
        """Read the header and the rules."""
        while self._declaration():
            pass
        self._mode = Mode.DTMF if self._header.get("mode", self._wanted) == "dtmf" else Mode.VOICE
        while self._position < len(self._lexemes):
            self._rule()
        document = GrammarDocument(
            mode=self._mode,
            root=self._header.get("root", ""),
            rules=MappingProxyType(self._rules),
            tag_format=self._header.get("tag-format", ""),
            language=self._header.get("language", ""),
            tags=tuple(self._tags),
            base_url=self._base_url,
        )
        return checked(document)

    def _declaration(self) -> bool:
        """Take a declaration of the header (4.1 to 4.11); False at the first rule."""
        first = self._peek()
        if first is None or first.kind == "rule" or first.text in {"public", "private"}:
            return False
        if first.kind == "tag":
            self._tags.append(_inside(self._next().text))
            self._expect(";")
            return True
        name, values = self._next().text, []
        while (found := self._next()).text != ";":
            values.append(found.text)
        self._declare(name, values, first.line)
        return True

    def _declare(self, name: str, values: list[str], line: int) -> None:
        value = values[0].strip("<>$ ") if values else ""
        if name in _ONCE and name in self._header:
            raise GrammarInvalid(f"Line {line}: {name!r} is declared twice.")
        if name == "base":
            base = resolve(self._base_url, value)
            if base is None:
                raise GrammarInvalid(f"The base {value!r} is not a URL.")
            self._base_url = base[0]
        elif name == "mode" and value not in {"dtmf", "voice"}:
            raise GrammarInvalid(f"Line {line}: the mode {value!r} is neither voice nor dtmf.")
        elif name not in {"language", "root", "tag-format", "lexicon", "meta", "http-equiv", "mode"}:
            raise GrammarInvalid(f"Line {line}: {name!r} is no declaration of a grammar.")
        self._header[name] = value

    def _rule(self) -> None:
        first = self._next()
        public = first.text == "public"
        if first.text in {"public", "private"}:
            first = self._next()
        name = first.text[1:]
        if first.kind != "rule" or name in self._rules:
            raise GrammarInvalid(f"Line {first.line}: {first.text!r} cannot begin a rule here.")
        check_rule_name(name, f"Line {first.line}")
        self._expect("=")
        self._rules[name] = Rule(expansion=self._alternatives(), public=public)
        self._expect(";")

    def _alternatives(self) -> Expansion:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise GrammarInvalid(f"The grammar nests deeper than {MAX_DEPTH}.")
        weighted: list[tuple[float, Expansion]] = [self._weighted()]
        while self._take("|"):
            weighted.append(self._weighted())
        self._depth -= 1
        weighted.sort(key=lambda each: -each[0])
        choices = tuple(choice for _, choice in weighted)
        return choices[0] if len(choices) == 1 else Alternatives(choices=choices)

    def _weighted(self) -> tuple[float, Expansion]:
        found = self._peek()
        weight = 1.0
        if found is not None and found.kind == "weight":
            try:
                weight = float(self._next().text.strip("/ "))
            except ValueError:
                raise GrammarInvalid(f"Line {found.line}: {found.text!r} is no weight.") from None
        return weight, self._sequence()

    def _sequence(self) -> Expansion:
        parts: list[Expansion] = []
        while (found := self._peek()) is not None and found.text not in {";", "|", ")", "]"}:
            if found.kind == "repeat":
                if not parts:
                    raise GrammarInvalid(f"Line {found.line}: there is nothing to repeat.")
                count, probable, probability = self._next().text.strip("<> ").partition("/")
                if probable:
                    check_probability(probability.strip("/ "), f"Line {found.line}")
                parts.append(repeated(parts.pop(), count.strip(), f"Line {found.line}"))
            elif found.kind == "language":
                self._next()  # one language is as good as another for text
            else:
                parts.append(self._part())
        if not parts:
            line = found.line if found else 0
            raise GrammarInvalid(f"Line {line}: an expansion is empty; write $NULL.")
        return parts[0] if len(parts) == 1 else Sequence(parts=tuple(parts))

    def _part(self) -> Expansion:
        found = self._next()
        match found.kind:
            case "tag":
                return Tag(text=_inside(found.text))
            case "rule":
                name = found.text[1:]
                return Special(name) if name in Special.__members__ else RuleReference(uri="", rule=name)
            case "uri":
                return reference(found.text[2:].partition(">")[0], self._base_url)
            case "word" | "quoted":
                tokens = as_tokens(found.text, self._mode)
                return tokens[0] if len(tokens) == 1 else Sequence(parts=tokens)
            case _:
                return self._group(found)

    def _group(self, opening: _Lexeme) -> Expansion:
        if opening.text == "(":
            content: Expansion = Sequence(parts=()) if self._is_next(")") else self._alternatives()
            self._expect(")")
            return content
        if opening.text == "[":
            content = repeated(self._alternatives(), "0-1", f"Line {opening.line}")
            self._expect("]")
            return content
        raise GrammarInvalid(f"Line {opening.line}: {opening.text!r} may not stand here.")

    def _peek(self) -> _Lexeme | None:
        return self._lexemes[self._position] if self._position < len(self._lexemes) else None

    def _next(self) -> _Lexeme:
        found = self._peek()
        if found is None:
            raise GrammarInvalid("The grammar ends in the midst of a rule or declaration.")
        self._position += 1
        return found

    def _is_next(self, text: str) -> bool:
        found = self._peek()
        return found is not None and found.text == text

    def _take(self, text: str) -> bool:
        if self._is_next(text):
            self._position += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        found = self._next()
        if found.text != text:
            raise GrammarInvalid(f"Line {found.line}: {text!r} is missing before {found.text!r}.")


def _inside(tag: str) -> str:
    return tag[3:-3].strip() if tag.startswith("{!{") else tag[1:-1].strip()
