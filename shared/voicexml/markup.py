"""Hostile bytes in, a small checked tree out: the only module that knows lxml.

lxml and not defusedxml: it keeps line numbers and is five times faster. Its parser is told to fetch nothing
and to expand nothing; entity declarations are refused outright, since an application that can generate XML
has no need of them. A DOCTYPE is tolerated, because real documents have one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from lxml import etree

from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.limits import MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_NODES

VOICEXML_NAMESPACE = "http://www.w3.org/2001/vxml"
GRAMMAR_NAMESPACE = "http://www.w3.org/2001/06/grammar"
SPEECH_NAMESPACE = "http://www.w3.org/2001/10/synthesis"

#: What may stand in a document: its own elements, and grammars and speech markup under their own names.
#: Many documents in the field have no namespace at all, and nothing else could be meant.
_NAMESPACES = frozenset({VOICEXML_NAMESPACE, GRAMMAR_NAMESPACE, SPEECH_NAMESPACE, None})
_XML = "{http://www.w3.org/XML/1998/namespace}"

#: Its content is RDF or whatever its author likes, and means nothing to a call (6.2.2).
_OPAQUE = "metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An element: its local name, attributes (xml:lang and xml:base by these names), texts and elements."""

    name: str
    attributes: Mapping[str, str]
    children: "tuple[Node | str, ...]"
    line: int

    @property
    def elements(self) -> "Iterator[Node]":
        """The child elements, without the text between them."""
        return (child for child in self.children if isinstance(child, Node))

    @property
    def text(self) -> str:
        """The text directly inside, white space collapsed."""
        return collapsed(" ".join(child for child in self.children if isinstance(child, str)))

    @property
    def raw_text(self) -> str:
        """The text directly inside, as it stands but for white space around it."""
        return "".join(child for child in self.children if isinstance(child, str)).strip()


def collapsed(text: str) -> str:
    """Trim and collapse white space as speech has none."""
    return " ".join(text.split())


def parse(body: bytes) -> Node:
    """Read a document; raises DocumentInvalid if it is not well-formed or larger than a session may load."""
    return _node(parse_tree(body))


def parse_tree(body: bytes, *, whole: bool = False) -> etree._Element:
    """Read any XML, checked for its size and for entities; raises DocumentInvalid.

    `whole`: with comments and processing instructions, which mean nothing to VoiceXML.
    """
    if len(body) > MAX_DOCUMENT_BYTES:
        raise DocumentInvalid(f"The document is longer than {MAX_DOCUMENT_BYTES} bytes.", line=1)
    # Counted before they are read: to walk over a great many takes lxml quadratic time.
    if whole and body.count(b"<!--") + body.count(b"<?") > MAX_NODES:
        raise DocumentInvalid(f"There are more than {MAX_NODES} comments and instructions.", line=1)
    # A parser of its own per document: lxml's keep their error log and are not meant to be shared.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=not whole,
        remove_pis=not whole,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        reason = (error.msg or "The document is not XML").partition(", line ")[0]
        raise DocumentInvalid(f"{reason}.", line=error.lineno or 1) from None
    _check_entities(root)
    _check_size(root)
    return root


def _check_entities(root: etree._Element) -> None:
    doctype = cast("etree.DTD | None", root.getroottree().docinfo.internalDTD)
    # lxml's stubs do not know this method of a DTD.
    if doctype is not None and any(True for _ in doctype.iterentities()):  # type: ignore[attr-defined]
        raise DocumentInvalid("Entities may not be declared; write the text itself.", line=1)


def _check_size(root: etree._Element) -> None:
    depth = 0
    for seen, (event, element) in enumerate(etree.iterwalk(root, events=("start", "end"))):
        depth += 1 if event == "start" else -1
        line = _line(element)
        if depth > MAX_DEPTH:
            raise DocumentInvalid(f"Elements nest deeper than {MAX_DEPTH}.", line=line)
        # Each element is seen twice, at its start and at its end.
        if seen > 2 * MAX_NODES:
            raise DocumentInvalid(f"There are more than {MAX_NODES} elements.", line=line)


def _node(element: etree._Element) -> Node:
    name = _local_name(element)
    return Node(
        name=name,
        attributes=dict(_attributes(element)),
        children=() if name == _OPAQUE else tuple(_children(element)),
        line=_line(element),
    )


def _line(element: etree._Element) -> int:
    # The stubs give it no type; it is None only for elements that were not parsed.
    return cast("int | None", element.sourceline) or 1


def _local_name(element: etree._Element) -> str:
    line = _line(element)
    if not isinstance(element.tag, str):
        raise DocumentInvalid("Entities are not resolved; write the text itself.", line=line)
    name = etree.QName(element)
    if name.namespace not in _NAMESPACES:
        raise DocumentInvalid(f"<{name.localname}> of {name.namespace} is not VoiceXML.", line=line)
    return name.localname


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        name = str(key)
        if name.startswith(_XML):
            yield "xml:" + name.removeprefix(_XML), str(value)
        elif not name.startswith("{"):
            yield name, str(value)


def _children(element: etree._Element) -> Iterator[Node | str]:
    if element.text:
        yield element.text
    for child in element:
        yield _node(child)
        if child.tail:
            yield child.tail
