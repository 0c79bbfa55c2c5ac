"""From checked markup to <grammar>, <link>, <option> and <choice> (VoiceXML 2.0, 2.2 to 2.5 and 3.1).

A grammar inside a document is made here, once for all sessions. One that is wrong does not make the document
invalid: its event is kept, and thrown where somebody would have to listen for it.
"""

from shared.voicexml import model
from shared.voicexml.attributes import at_most_one, exactly_one, one_of
from shared.voicexml.content_loader import Setting, fetch_settings, misplaced
from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.grammar.expansion import GrammarDocument, GrammarInvalid, check_mode
from shared.voicexml.grammar.srgs_abnf import read_abnf
from shared.voicexml.grammar.srgs_xml import read_grammar
from shared.voicexml.markup import Node, collapsed

#: The types that are understood, and those that older documents give them.
XML_TYPES = frozenset({"application/srgs+xml", "application/grammar+xml", "text/xml", "application/xml"})
ABNF_TYPES = frozenset({"application/srgs", "application/grammar"})

BAD_GRAMMAR = "error.badfetch"
UNSUPPORTED_FORMAT = "error.unsupported.format"


def grammar(node: Node, setting: Setting, *, document_scope: bool = False) -> model.GrammarElement:
    """Read a <grammar>; `document_scope` is what holds for its dialog."""
    at_most_one(node, "src", "srcexpr")
    outside = bool(node.attributes.keys() & {"src", "srcexpr"})
    inside = bool(node.raw_text) or any(True for _ in node.elements)
    if outside is inside:
        # 3.1.1: one of them exactly, else the document is not valid.
        raise DocumentInvalid("<grammar> needs one of src, srcexpr and a content.", line=node.line)
    base_url = setting.inside(node).base_url
    inline, problem = (None, None) if outside else _inline(node, base_url)
    scope = one_of(node, "scope", "document" if document_scope else "dialog", "dialog", "document")
    return model.GrammarElement(
        inline=inline,
        problem=problem,
        src=node.attributes.get("src"),
        expr=node.attributes.get("srcexpr"),
        mode=node.attributes.get("mode", "").strip(),
        type=media_type(node.attributes.get("type", "")),
        document_scope=scope == "document",
        base_url=base_url,
        fetch=fetch_settings(node),
        line=node.line,
    )


def grammars_without_scope(parent: Node, setting: Setting) -> tuple[model.GrammarElement, ...]:
    """Read the grammars of an input item, link or choice, which are active where that is (3.1.3)."""
    found = [child for child in parent.elements if child.name == "grammar"]
    for child in found:
        if "scope" in child.attributes:
            raise DocumentInvalid(f"<grammar> in <{parent.name}> takes no scope.", line=child.line)
    return tuple(grammar(child, setting) for child in found)


def _inline(node: Node, base_url: str) -> tuple[GrammarDocument | None, tuple[str, str] | None]:
    try:
        return _read_inline(node, base_url), None
    except GrammarInvalid as invalid:
        return None, (BAD_GRAMMAR, invalid.message)
    except UnsupportedFormat as unsupported:
        return None, (UNSUPPORTED_FORMAT, str(unsupported))


class UnsupportedFormat(Exception):
    """A grammar is written in a language that is not understood here."""


def media_type(text: str) -> str:
    """Write a media type as the tables here have it: without parameters, in small letters."""
    return text.partition(";")[0].strip().lower()


def _read_inline(node: Node, base_url: str) -> GrammarDocument:
    type_ = media_type(node.attributes.get("type", ""))
    mode = node.attributes.get("mode", "").strip()
    text = node.raw_text.lstrip("\ufeff")
    if type_ and type_ not in XML_TYPES | ABNF_TYPES:
        raise UnsupportedFormat(f"A grammar of the type {type_!r} is not understood.")
    if text.startswith("#ABNF") or type_ in ABNF_TYPES:
        document = read_abnf(text, base_url, mode)
        check_mode(document.mode, mode)
        return document
    if text and not type_ and not any(True for _ in node.elements):
        raise UnsupportedFormat(f"The grammar {text[:20]!r} is in no format that is understood.")
    return read_grammar(node, base_url)


def option(node: Node) -> model.Option:
    """Read an <option>; its value is what is said, if it says nothing else (2.3.1.3)."""
    dtmf = _keys(node)
    value = node.attributes.get("value", node.text or dtmf or None)
    return model.Option(dtmf=dtmf, text=node.text, exact=_exact(node, "exact"), value=value)


def _exact(node: Node, preset: str) -> bool:
    other = "approximate" if preset == "exact" else "exact"
    return one_of(node, "accept", preset, other) == "exact"


def leads(node: Node, setting: Setting) -> model.EventSource:
    """Read where a <choice> or <link> leads."""
    exactly_one(node, "next", "expr", "event", "eventexpr")
    at_most_one(node, "message", "messageexpr")
    return model.EventSource(
        next=node.attributes.get("next"),
        expr=node.attributes.get("expr"),
        event=node.attributes.get("event"),
        eventexpr=node.attributes.get("eventexpr"),
        message=node.attributes.get("message"),
        messageexpr=node.attributes.get("messageexpr"),
        fetch=fetch_settings(node),
        base_url=setting.inside(node).base_url,
        line=node.line,
    )


def link(node: Node, setting: Setting) -> model.Link:
    """Read a <link>."""
    for child in node.elements:
        if child.name != "grammar":
            raise misplaced(child, node.name)
    return model.Link(
        grammars=grammars_without_scope(node, setting),
        dtmf=_keys(node),
        leads=leads(node, setting),
        line=node.line,
    )


def _keys(node: Node) -> str:
    keys = "".join(node.attributes.get("dtmf", "").split())
    if any(key not in "0123456789*#ABCD" for key in keys):
        raise DocumentInvalid(f"dtmf={keys!r} are not keys of the telephone.", line=node.line)
    return keys


def choice(node: Node, setting: Setting, *, preset: str, key: str) -> model.Choice:
    """Read a <choice>; `preset` is its menu's accept, `key` the key it gets by its place (2.2.1)."""
    return model.Choice(
        dtmf=_keys(node) or key,
        text=collapsed(_texts(node)),
        exact=_exact(node, preset),
        grammars=grammars_without_scope(node, setting),
        leads=leads(node, setting),
        line=node.line,
    )


def _texts(node: Node) -> str:
    return " ".join(
        child if isinstance(child, str) else "" if child.name == "grammar" else _texts(child)
        for child in node.children
    )
