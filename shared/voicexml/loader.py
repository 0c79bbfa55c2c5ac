"""From bytes to a `Document`: dialogs, form items and handlers (VoiceXML 2.0, chapter 2 and 5.2).

All static checks are here and in `content_loader.py`, so that what is loaded can be run. Attributes that
VoiceXML does not know are passed over: vendors' documents are full of them and they change nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from shared.voicexml import model
from shared.voicexml.attributes import count, names, one_of, required
from shared.voicexml.content_loader import (
    AUDIO,
    Setting,
    bare_prompt,
    executable,
    misplaced,
    no_text,
    prompt,
    unsupported,
    var,
)
from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.markup import Node, parse
from shared.voicexml.model import Catch, Dialog, Document, Form

#: What a document is spoken in when it does not say.
DEFAULT_LANGUAGE = "en-US"

_VERSIONS = frozenset({"2.0", "2.1"})

_HANDLERS = frozenset({"catch", "error", "help", "noinput", "nomatch"})
_IGNORED = frozenset({"meta", "metadata"})
_DIALOGS = frozenset({"form", "menu"})
_INPUT_ITEMS = frozenset({"field", "initial", "object", "record", "subdialog", "transfer"})
_FIELD_CONTENT = _HANDLERS | AUDIO | {"filled", "grammar", "link", "option", "prompt", "property"}

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
        declarations=tuple(_declarations(root)),
        catches=_catches(root, setting),
        properties=_properties(root),
        dialogs=_dialogs(root, setting),
    )


def _declarations(root: Node) -> Iterator[model.Var | model.Unsupported]:
    for child in root.elements:
        if child.name == "var":
            yield var(child)
        elif child.name in {"data", "link", "script"}:
            yield unsupported(child)
        elif child.name not in _HANDLERS | _IGNORED | _DIALOGS | {"property"}:
            raise misplaced(child, root.name)


def _catches(parent: Node, setting: Setting) -> tuple[Catch, ...]:
    return tuple(_catch(child, setting) for child in parent.elements if child.name in _HANDLERS)


def _catch(node: Node, setting: Setting) -> Catch:
    events = node.attributes.get("event", "").split() if node.name == "catch" else [node.name]
    return Catch(
        events=tuple(events),
        count=count(node),
        cond=node.attributes.get("cond"),
        content=executable(node.children, setting, node),
        line=node.line,
    )


def _properties(parent: Node) -> tuple[tuple[str, str], ...]:
    return tuple(
        (required(child, "name"), required(child, "value"))
        for child in parent.elements
        if child.name == "property"
    )


def _dialogs(root: Node, setting: Setting) -> tuple[Dialog, ...]:
    dialogs = tuple(_dialog(child, setting) for child in root.elements if child.name in _DIALOGS)
    _check_unique((dialog.id for dialog in dialogs if dialog.id is not None), "id", root)
    return dialogs


def _dialog(node: Node, setting: Setting) -> Dialog:
    if node.name != "form":
        return model.UnsupportedDialog(id=node.attributes.get("id"), element=node.name, line=node.line)
    no_text(node)
    form = Form(
        id=node.attributes.get("id"),
        children=tuple(_form_children(node, setting)),
        catches=_catches(node, setting),
        properties=_properties(node),
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


def _form_children(
    form: Node, setting: Setting
) -> Iterator[
    model.Var | model.Block | model.Field | model.UnsupportedItem | model.Filled | model.Unsupported
]:
    for position, child in enumerate(form.elements):
        match child.name:
            case "var":
                yield var(child)
            case "block":
                yield _block(child, setting, position)
            case "filled":
                yield _form_filled(child, setting)
            case "field":
                yield _field(child, setting, position)
            case name if name in _INPUT_ITEMS:
                yield _unsupported_item(child, setting, position)
            case "data" | "grammar" | "link" | "script":
                yield unsupported(child)
            case name if name in _HANDLERS | {"property"}:
                pass  # read apart: they hold for the whole form, wherever in it they stand
            case _:
                raise misplaced(child, form.name)


def _item_name(node: Node, position: int) -> str:
    """Invent a name that a document is not to use itself: underscores in front are reserved (5.1.1)."""
    return node.attributes.get("name", f"_item{position}")


def _block(node: Node, setting: Setting, position: int) -> model.Block:
    return model.Block(
        name=_item_name(node, position),
        named="name" in node.attributes,
        expr=node.attributes.get("expr"),
        cond=node.attributes.get("cond"),
        content=executable(node.children, setting, node),
        line=node.line,
    )


def _form_filled(node: Node, setting: Setting) -> model.Filled:
    namelist = node.attributes.get("namelist")
    return model.Filled(
        needs_all=one_of(node, "mode", "all", "any") == "all",
        names=None if namelist is None else names(namelist),
        content=executable(node.children, setting, node),
        line=node.line,
    )


def _item_filled(parent: Node, setting: Setting) -> tuple[model.Filled, ...]:
    found = [child for child in parent.elements if child.name == "filled"]
    for child in found:
        # 2.4: inside an input item it is about that item alone.
        if child.attributes.keys() & {"mode", "namelist"}:
            raise DocumentInvalid("<filled> in an input item takes no mode or namelist.", line=child.line)
    return tuple(_form_filled(child, setting) for child in found)


def _unsupported_item(node: Node, setting: Setting, position: int) -> model.UnsupportedItem:
    return model.UnsupportedItem(
        element=node.name,
        name=_item_name(node, position),
        named="name" in node.attributes,
        expr=node.attributes.get("expr"),
        cond=node.attributes.get("cond"),
        catches=_catches(node, setting),
        properties=_properties(node),
        filled=(),
        line=node.line,
    )


def _field(node: Node, setting: Setting, position: int) -> model.Field:
    for child in node.elements:
        if child.name not in _FIELD_CONTENT:
            raise misplaced(child, node.name)
    return model.Field(
        name=_item_name(node, position),
        named="name" in node.attributes,
        expr=node.attributes.get("expr"),
        cond=node.attributes.get("cond"),
        type=node.attributes.get("type"),
        prompts=tuple(_field_prompts(node, setting)),
        options=tuple(_option(child) for child in node.elements if child.name == "option"),
        catches=_catches(node, setting),
        properties=_properties(node),
        filled=_item_filled(node, setting),
        unsupported=tuple(unsupported(each) for each in node.elements if each.name in {"grammar", "link"}),
        line=node.line,
    )


def _field_prompts(node: Node, setting: Setting) -> Iterator[model.Prompt]:
    bare: list[Node | str] = []
    for child in node.children:
        if isinstance(child, str) or child.name in AUDIO:
            bare.append(child)
        elif child.name == "prompt":
            if spoken := bare_prompt(bare, setting, parent=node):
                yield spoken
            bare.clear()
            yield prompt(child, setting)
    if spoken := bare_prompt(bare, setting, parent=node):
        yield spoken


def _option(node: Node) -> model.Option:
    dtmf = "".join(node.attributes.get("dtmf", "").split())
    value = node.attributes.get("value") or node.text or dtmf
    return model.Option(dtmf=dtmf, value=value or None)
