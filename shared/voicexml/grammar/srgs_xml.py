"""The XML form of a grammar (SRGS 1.0), from checked markup to values."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from shared.voicexml.addresses import resolve
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
    references_in,
)
from shared.voicexml.grammar.recursion import left_recursive
from shared.voicexml.grammar.tokens import as_tokens
from shared.voicexml.markup import Node

_REPEAT = re.compile(r"\s*([0-9]{1,6})\s*(?:(-)\s*([0-9]{1,6})?)?\s*")
_WEIGHT = re.compile(r"\+?(?:[0-9]{1,9}\.?[0-9]{0,9}|\.[0-9]{1,9})")
_PROBABILITY = re.compile(r"(?:1(?:\.0{0,9})?|0?\.[0-9]{1,9}|0\.?)")
_RULE_NAME = re.compile(r"[^\s.:\-\"'<>#]{1,200}")

#: They say something about a grammar or a rule and match nothing.
_SILENT = frozenset({"example", "lexicon", "meta", "metadata"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    mode: Mode
    base_url: str


def read_grammar(root: Node, base_url: str, mode: str = "") -> GrammarDocument:
    """Read <grammar>; `mode` is what the reference to it says. Raises GrammarInvalid."""
    if root.name != "grammar":
        raise GrammarInvalid(f"Line {root.line}: a grammar begins with <grammar> and not <{root.name}>.")
    version = root.attributes.get("version", "1.0").strip()
    if version != "1.0":
        raise GrammarInvalid(f"Line {root.line}: version {version!r} of a grammar is not 1.0.")
    base = resolve(base_url, root.attributes.get("xml:base", ""))
    if base is None:
        raise GrammarInvalid(f"Line {root.line}: xml:base is not a URL.")
    reader = _Reader(mode=_mode(root, mode), base_url=base[0])
    document = GrammarDocument(
        mode=reader.mode,
        root=root.attributes.get("root", "").strip(),
        rules=MappingProxyType(_rules(root, reader)),
        tag_format=root.attributes.get("tag-format", "").strip(),
        language=root.attributes.get("xml:lang", ""),
        tags=tuple(child.raw_text for child in root.elements if child.name == "tag"),
        base_url=reader.base_url,
    )
    return checked(document)


def checked(document: GrammarDocument) -> GrammarDocument:
    """Refuse a root that is not there, and references to rules that are not there; raises GrammarInvalid.

    Returns the grammar with the rules that no match can follow.
    """
    rules = document.rules
    if document.root and document.root not in rules:
        raise GrammarInvalid(f"The root rule {document.root!r} is not defined.")
    refers = False
    for rule in rules.values():
        for reference in references_in(rule.expansion):
            if not reference.uri and reference.rule not in rules:
                raise GrammarInvalid(f"The rule {reference.rule!r} is referred to and not defined.")
            refers = True
    return replace(document, left_recursive=left_recursive(rules)) if refers else document


def _mode(root: Node, preset: str) -> Mode:
    # VoiceXML 2.0, 3.1.1.4: for an inline grammar the attribute is that of the element itself.
    word = root.attributes.get("mode", preset or "voice").strip()
    try:
        return Mode(word)
    except ValueError:
        raise GrammarInvalid(f"Line {root.line}: mode={word!r} is neither voice nor dtmf.") from None


def _rules(root: Node, reader: _Reader) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    _no_text(root)
    for child in root.elements:
        if child.name in _SILENT | {"tag"}:
            continue
        if child.name != "rule":
            raise GrammarInvalid(f"Line {child.line}: <{child.name}> may not stand in <grammar>.")
        name = child.attributes.get("id", "").strip()
        place = f"Line {child.line}"
        check_rule_name(name, place)
        if name in rules:
            raise GrammarInvalid(f"{place}: the rule {name!r} is defined twice.")
        scope = child.attributes.get("scope", "private")
        if scope not in {"private", "public"}:
            raise GrammarInvalid(f"{place}: scope={scope!r} is neither private nor public.")
        parts = tuple(_parts(child.children, reader))
        if not parts:
            raise GrammarInvalid(f"{place}: the rule {name!r} is empty; refer to NULL or VOID.")
        rules[name] = Rule(expansion=_joined(parts), public=scope == "public")
    return rules


def check_rule_name(name: str, place: str) -> None:
    """Refuse what cannot be the name of a rule (3.1); raises GrammarInvalid."""
    if not _RULE_NAME.fullmatch(name) or name in Special.__members__:
        raise GrammarInvalid(f"{place}: {name!r} cannot be the name of a rule.")


def _no_text(node: Node) -> None:
    if node.raw_text:
        raise GrammarInvalid(f"Line {node.line}: <{node.name}> holds elements, and no text beside them.")


def _sequence(children: Iterable[Node | str], reader: _Reader) -> Expansion:
    return _joined(tuple(_parts(children, reader)))


def _joined(parts: tuple[Expansion, ...]) -> Expansion:
    return parts[0] if len(parts) == 1 else Sequence(parts=parts)


def _parts(children: Iterable[Node | str], reader: _Reader) -> Iterator[Expansion]:
    for child in children:
        if isinstance(child, str):
            yield from as_tokens(child, reader.mode)
        elif child.name not in _SILENT:
            read = _PARTS.get(child.name)
            if read is None:
                raise GrammarInvalid(f"Line {child.line}: <{child.name}> may not stand in a rule.")
            yield read(child, reader)


def _item(node: Node, reader: _Reader) -> Expansion:
    content = _sequence(node.children, reader)
    text = node.attributes.get("repeat")
    check_probability(node.attributes.get("repeat-prob", "1"), f"Line {node.line}")
    if text is None:
        return content
    return repeated(content, text, f"Line {node.line}")


def check_probability(text: str, place: str) -> None:
    """Refuse what is no probability of a repeat (2.5.1), which changes nothing over text; raises GrammarInvalid."""
    if not _PROBABILITY.fullmatch(text.strip()):
        raise GrammarInvalid(f"{place}: the probability {text!r} is not a number from 0 to 1.")


def repeated(content: Expansion, text: str, place: str) -> Repeat:
    """Read a repeat such as 3, 0-1 or 2- (2.5); raises GrammarInvalid."""
    match = _REPEAT.fullmatch(text)
    if match is None:
        raise GrammarInvalid(f"{place}: {text!r} is not a repeat such as 3, 0-1 or 2-.")
    least = int(match[1])
    most = least if match[2] is None else int(match[3]) if match[3] else None
    if most is not None and most < least:
        raise GrammarInvalid(f"{place}: the repeat {text!r} ends before it begins.")
    return Repeat(content=content, least=least, most=most)


def _one_of(node: Node, reader: _Reader) -> Expansion:
    weighted: list[tuple[float, Expansion]] = []
    _no_text(node)
    for child in node.elements:
        if child.name != "item":
            raise GrammarInvalid(f"Line {child.line}: <one-of> holds <item> and not <{child.name}>.")
        weighted.append((_weight(child), _item(child, reader)))
    if not weighted:
        raise GrammarInvalid(f"Line {node.line}: <one-of> needs an <item>.")
    # Stable: among equals the first one stays first.
    weighted.sort(key=lambda each: -each[0])
    return Alternatives(choices=tuple(choice for _, choice in weighted))


def _weight(node: Node) -> float:
    text = node.attributes.get("weight", "1").strip()
    if not _WEIGHT.fullmatch(text):
        raise GrammarInvalid(f"Line {node.line}: weight={text!r} is not a number from 0 on.")
    return float(text)


def _token(node: Node, reader: _Reader) -> Expansion:
    tokens = as_tokens(node.text, reader.mode)
    return tokens[0] if len(tokens) == 1 else Sequence(parts=tokens)


def _tag(node: Node, _: _Reader) -> Expansion:
    return Tag(text=node.raw_text)


def _reference(node: Node, reader: _Reader) -> Expansion:
    uri, special = node.attributes.get("uri"), node.attributes.get("special")
    if (uri is None) is (special is None):
        raise GrammarInvalid(f"Line {node.line}: <ruleref> needs one of uri and special.")
    if special is not None:
        if special not in Special.__members__:
            raise GrammarInvalid(f"Line {node.line}: {special!r} is no special rule.")
        return Special(special)
    return reference(uri or "", reader.base_url)


def reference(uri: str, base_url: str) -> RuleReference:
    """Read a reference such as #rule, other.grxml or other.grxml#rule; raises GrammarInvalid."""
    found = resolve(base_url, uri.strip())
    if found is None:
        raise GrammarInvalid(f"{uri!r} is not a URL.")
    # A mere fragment is a rule of this grammar, wherever that came from.
    absolute, fragment = "" if uri.strip().startswith("#") else found[0], found[1]
    if not absolute and not fragment:
        raise GrammarInvalid("A reference to a rule names nothing.")
    return RuleReference(uri=absolute, rule=fragment)


_PARTS: Mapping[str, Callable[[Node, _Reader], Expansion]] = MappingProxyType(
    {"item": _item, "one-of": _one_of, "ruleref": _reference, "tag": _tag, "token": _token}
)
