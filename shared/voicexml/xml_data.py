"""XML that <data> fetched, as the JSON that the engine's DOM is made of (see `dom_prelude.py`)."""

import json
import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from lxml import etree

from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.markup import parse_tree

_XML = "{http://www.w3.org/XML/1998/namespace}"

#: VoiceXML 2.1, Appendix E: who may read the data.
_ACCESS = re.compile(rb"<\?access-control\s*(.*?)\?>", re.DOTALL)
_ALLOW = re.compile(rb"""allow\s*=\s*["']([^"']*)["']""")
_DENY = re.compile(rb"""deny\s*=\s*["']([^"']*)["']""")


def data_json(body: bytes) -> str:
    """Read XML; raises DocumentInvalid as a VoiceXML document would.

    The nodes of the document are its root and what stands around that: comments and processing instructions.
    """
    root = parse_tree(body, whole=True)
    before = reversed(list(root.itersiblings(preceding=True)))
    return json.dumps([_tree(node) for node in (*before, root, *root.itersiblings())])


def _tree(element: etree._Element) -> list[object]:
    # The stubs say that every tag is a text; those of comments and of what is for processors are functions.
    kind = cast("object", element.tag)
    if kind is etree.Comment:
        return [element.text]
    if kind is etree.ProcessingInstruction:
        target, _, content = str(element).removeprefix("<?").removesuffix("?>").partition(" ")
        return [target, content]
    if not isinstance(kind, str):
        raise DocumentInvalid("Entities are not resolved; write the text itself.", line=1)
    name = etree.QName(element)
    children: list[object] = [element.text] if element.text else []
    for child in element:
        children.append(_tree(child))
        if child.tail:
            children.append(child.tail)
    prefixes = {uri: prefix for prefix, uri in element.nsmap.items() if prefix}
    attributes = [_attribute(str(key), str(value), prefixes) for key, value in element.attrib.items()]
    prefixed = f"{element.prefix}:{name.localname}" if element.prefix else name.localname
    return [prefixed, name.namespace, attributes, children]


def _attribute(key: str, value: str, prefixes: Mapping[str, str]) -> list[str | None]:
    if key.startswith(_XML):
        return ["xml:" + key.removeprefix(_XML), _XML[1:-1], value]
    name = etree.QName(key)
    prefix = prefixes.get(name.namespace or "")
    return [f"{prefix}:{name.localname}" if prefix else name.localname, name.namespace, value]


def may_read(body: bytes, document_url: str) -> bool:
    """Tell whether the data may be read by a document from there; it may if the data does not say."""
    found = _ACCESS.search(body[:4096])
    if found is None:
        return True
    host = (urlsplit(document_url).hostname or "").encode()
    allow, deny = _ALLOW.search(found[1]), _DENY.search(found[1])
    if deny is not None and _covers(deny[1], host):
        return False
    return allow is not None and _covers(allow[1], host)


def _covers(patterns: bytes, host: bytes) -> bool:
    return any(
        pattern in {b"*", host} or (pattern.startswith(b"*.") and host.endswith(pattern[1:]))
        for pattern in patterns.split()
    )
