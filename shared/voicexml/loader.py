"""From bytes to a `Document`: its dialogs and declarations (VoiceXML 2.0, chapters 1 and 2).

All static checks are here and in the loaders of the parts, so that what is loaded can be run. Attributes that
VoiceXML does not know are passed over: vendors' documents are full of them and they change nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from shared.voicexml import model
from shared.voicexml.attributes import exactly_one, one_of, required
from shared.voicexml.content_loader import AUDIO, Setting, data, misplaced, no_text, script, var
from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.executable_model import Data, Script, Var
from shared.voicexml.grammar_loader import grammar, link
from shared.voicexml.item_loader import HANDLERS, ITEMS, catches, filled, item, menu_item, properties
from shared.voicexml.markup import Node, parse
from shared.voicexml.model import Document, Form

#: What a document is spoken in when it does not say.
DEFAULT_LANGUAGE = "en-US"

_VERSIONS = frozenset({"2.0", "2.1"})

_IGNORED = frozenset({"lexicon", "meta", "metadata"})
_DIALOGS = frozenset({"form", "menu"})
_MENU_CONTENT = HANDLERS | AUDIO | {"choice", "prompt", "property"}

#: Of a document and of a form: what is read apart, because it holds for the whole wherever in it it stands.
_APART = HANDLERS | {"property", "link"}

#: What `load` is to a session: a host may put a cache in its place.
Load = Callable[[bytes, str], Document]


def load(body: bytes, url: str) -> Document:
    """Read a document that was fetched from `url`; raises DocumentInvalid."""
    root = parse(body)
    if root.name != "vxml":
        raise DocumentInvalid(f"The document is <{root.name}> and not <vxml>.", line=root.line)
    if root.attributes.get("version", "").strip() not in _VERSIONS:
        raise DocumentInvalid("<vxml> needs version 2.0 or 2.1.", line=root.line)
    no_text(root)
    setting = Setting(base_url=url, language=DEFAULT_LANGUAGE).inside(root)
    return Document(
        url=url,
        base_url=setting.base_url,
        language=setting.language,
        application=root.attributes.get("application"),
        declarations=tuple(_declarations(root, setting)),
        catches=catches(root, setting),
        properties=properties(root),
        links=_links(root, setting),
        dialogs=_dialogs(root, setting),
    )


def _declarations(root: Node, setting: Setting) -> Iterator[Var | Script | Data]:
    for child in root.elements:
        match child.name:
            case "var":
                yield var(child)
            case "script":
                yield script(child, setting)
            case "data":
                yield data(child, setting)
            case "meta":
                _check_meta(child)
            case name if name not in _APART | _IGNORED | _DIALOGS:
                raise misplaced(child, root.name)
            case _:
                pass


def _check_meta(node: Node) -> None:
    """6.2.1: it has a content, and exactly one of two kinds of name; it says nothing to a call."""
    exactly_one(node, "name", "http-equiv")
    required(node, "content")


def _links(parent: Node, setting: Setting) -> tuple[model.Link, ...]:
    return tuple(link(child, setting) for child in parent.elements if child.name == "link")


def _dialogs(root: Node, setting: Setting) -> tuple[Form, ...]:
    dialogs = tuple(_dialog(child, setting) for child in root.elements if child.name in _DIALOGS)
    _check_unique((dialog.id for dialog in dialogs if dialog.id is not None), "id", root)
    return dialogs


def _dialog(node: Node, setting: Setting) -> Form:
    return _menu(node, setting) if node.name == "menu" else _form(node, setting)


def _id(node: Node) -> str | None:
    """Read a name that other documents may refer to; white space around it is none of it."""
    value = node.attributes.get("id")
    return None if value is None else value.strip()


def _menu(node: Node, setting: Setting) -> Form:
    for child in node.elements:
        if child.name not in _MENU_CONTENT:
            raise misplaced(child, node.name)
    return Form(
        id=_id(node),
        children=(menu_item(node, setting),),
        catches=catches(node, setting),
        properties=properties(node),
        line=node.line,
    )


def _form(node: Node, setting: Setting) -> Form:
    no_text(node)
    document_scope = one_of(node, "scope", "dialog", "document") == "document"
    form = Form(
        id=_id(node),
        children=tuple(_form_children(node, setting)),
        catches=catches(node, setting),
        properties=properties(node),
        listens=tuple(
            link(child, setting)
            if child.name == "link"
            else grammar(child, setting, document_scope=document_scope)
            for child in node.elements
            if child.name in {"grammar", "link"}
        ),
        line=node.line,
    )
    # 2.3: a name that is not unique among the items of a form makes the fetch of the document fail.
    _check_unique((item.name for item in form.items), "name", node)
    _check_filled(form)
    return form


def _check_unique(found: Iterable[str], what: str, node: Node) -> None:
    for value, times in Counter(found).items():
        if times > 1:
            raise DocumentInvalid(f"{what}={value!r} is used {times} times.", line=node.line)


def _check_filled(form: Form) -> None:
    inputs = {item.name for item in form.items if isinstance(item, model.InputItem)}
    for child in form.children:
        if not isinstance(child, model.Filled):
            continue
        for name in child.names or ():
            # 2.4: a filled that names a control item or nothing at all is invalid.
            if name not in inputs:
                raise DocumentInvalid(f"<filled> names {name!r}, no input item here.", line=child.line)


def _form_children(form: Node, setting: Setting) -> Iterator[model.FormChild]:
    for position, child in enumerate(form.elements):
        match child.name:
            case "var":
                yield var(child)
            case "script":
                yield script(child, setting)
            case "data":
                yield data(child, setting)
            case "filled":
                yield filled(child, setting)
            case name if name in ITEMS:
                yield item(child, setting, position)
            case name if name in _APART | {"grammar"}:
                pass
            case _:
                raise misplaced(child, form.name)
