"""From checked markup to form items (VoiceXML 2.0, 2.2 and 2.3)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from shared.voicexml import model
from shared.voicexml.attributes import (
    at_most_one,
    count,
    duration,
    exactly_one,
    flag,
    names,
    one_of,
    required,
)
from shared.voicexml.content_loader import (
    AUDIO,
    Setting,
    bare_prompt,
    executable,
    misplaced,
    prompt,
    target,
)
from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.grammar_loader import choice, grammars_without_scope, link, option
from shared.voicexml.markup import Node
from shared.voicexml.model import Catch
from shared.voicexml.prompt_model import Prompt

HANDLERS = frozenset({"catch", "error", "help", "noinput", "nomatch"})

#: What every visited item may hold (the schema's input item content).
_VISITED = HANDLERS | AUDIO | {"prompt", "property"}
_INPUT = _VISITED | {"filled"}
_CONTENT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "field": _INPUT | {"grammar", "link", "option"},
        "initial": _VISITED | {"link"},
        "object": _INPUT | {"param"},
        "record": _INPUT | {"grammar"},
        "subdialog": _INPUT | {"param"},
        "transfer": _INPUT | {"grammar"},
    }
)

ITEMS = frozenset(_CONTENT) | {"block"}

#: Choices that get a key by their place: the digits from 1 to 9 (2.2.1).
_MOST_KEYS = 9

#: Appendix E.
_AUDIO_TYPES = frozenset({"audio/basic", "audio/x-alaw-basic", "audio/wav", "audio/x-wav"})


def catches(parent: Node, setting: Setting) -> tuple[Catch, ...]:
    """Read the handlers in an element."""
    return tuple(_catch(child, setting) for child in parent.elements if child.name in HANDLERS)


def _catch(node: Node, setting: Setting) -> Catch:
    events = node.attributes.get("event", "").split() if node.name == "catch" else [node.name]
    return Catch(
        events=tuple(events),
        count=count(node),
        cond=node.attributes.get("cond"),
        # 5.2: what is relative in a handler is so to the document that is active when it runs.
        content=executable(node.children, replace(setting, base_url=""), node),
        line=node.line,
    )


def properties(parent: Node) -> model.Settings:
    """Read the properties in an element."""
    return tuple(
        (required(child, "name"), required(child, "value"))
        for child in parent.elements
        if child.name == "property"
    )


def filled(node: Node, setting: Setting) -> model.Filled:
    """Read a <filled>."""
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
    return tuple(filled(child, setting) for child in found)


def item(node: Node, setting: Setting, position: int) -> model.Item:
    """Read a form item."""
    if node.name == "block":
        return model.Block(**_named(node, position), content=executable(node.children, setting, node))
    for child in node.elements:
        if child.name not in _CONTENT[node.name]:
            raise misplaced(child, node.name)
    return _ITEMS[node.name](node, setting, position)


def _named(node: Node, position: int) -> dict[str, Any]:
    return {
        # A name that a document is not to use itself: underscores in front are reserved (5.1.1).
        "name": node.attributes.get("name", f"_item{position}").strip(),
        "named": "name" in node.attributes,
        "expr": node.attributes.get("expr"),
        "cond": node.attributes.get("cond"),
        "line": node.line,
    }


def _visited(node: Node, setting: Setting, position: int) -> dict[str, Any]:
    return _named(node, position) | {
        "prompts": tuple(prompts(node, setting)),
        "catches": catches(node, setting),
        "properties": properties(node),
        "links": tuple(link(child, setting) for child in node.elements if child.name == "link"),
    }


def _input(node: Node, setting: Setting, position: int) -> dict[str, Any]:
    common = _visited(node, setting, position)
    slot = node.attributes.get("slot", common["name"]).strip()
    return common | {"filled": _item_filled(node, setting), "slot": slot}


def prompts(node: Node, setting: Setting) -> Iterator[Prompt]:
    """Read the prompts in an element, and what stands for one."""
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


def _field(node: Node, setting: Setting, position: int) -> model.Item:
    return model.Field(
        **_input(node, setting, position),
        type=node.attributes.get("type"),
        options=tuple(option(child) for child in node.elements if child.name == "option"),
        grammars=grammars_without_scope(node, setting),
        modal=flag(node, "modal") or False,
    )


def _initial(node: Node, setting: Setting, position: int) -> model.Item:
    return model.Initial(**_visited(node, setting, position))


def _object(node: Node, setting: Setting, position: int) -> model.Item:
    for child in node.elements:
        if child.name == "param":
            _param(child)
            one_of(child, "valuetype", "data", "ref")
    return model.ObjectItem(**_input(node, setting, position))


def _subdialog(node: Node, setting: Setting, position: int) -> model.Item:
    return model.Subdialog(
        **_input(node, setting, position),
        target=target(node, "src", "srcexpr"),
        params=tuple(_param(child) for child in node.elements if child.name == "param"),
    )


def _param(node: Node) -> model.Param:
    exactly_one(node, "expr", "value")
    return model.Param(
        name=required(node, "name").strip(),
        expr=node.attributes.get("expr"),
        value=node.attributes.get("value"),
        line=node.line,
    )


def _record(node: Node, setting: Setting, position: int) -> model.Item:
    modal = flag(node, "modal")
    dtmf_term = flag(node, "dtmfterm")
    return model.Record(
        **_input(node, setting, position),
        beep=flag(node, "beep") or False,
        max_time_ms=duration(node, "maxtime"),
        final_silence_ms=duration(node, "finalsilence"),
        dtmf_term=True if dtmf_term is None else dtmf_term,
        modal=True if modal is None else modal,
        type=node.attributes.get("type", "").partition(";")[0].strip(),
        grammars=grammars_without_scope(node, setting),
    )


def records(type_: str) -> bool:
    """Tell whether a recording can be made in a format; the platform's own has no name."""
    return not type_ or type_ in _AUDIO_TYPES


def _transfer(node: Node, setting: Setting, position: int) -> model.Item:
    exactly_one(node, "dest", "destexpr")
    at_most_one(node, "bridge", "type")
    at_most_one(node, "aai", "aaiexpr")
    bridged = "bridge" if flag(node, "bridge") else "blind"
    return model.Transfer(
        **_input(node, setting, position),
        dest=node.attributes.get("dest"),
        destexpr=node.attributes.get("destexpr"),
        type=one_of(node, "type", bridged, "blind", "bridge", "consultation"),
        connect_timeout_ms=duration(node, "connecttimeout"),
        max_time_ms=duration(node, "maxtime") or 0,
        audio=node.attributes.get("transferaudio"),
        aai=node.attributes.get("aai"),
        aaiexpr=node.attributes.get("aaiexpr"),
        base_url=setting.inside(node).base_url,
        grammars=grammars_without_scope(node, setting),
    )


_ITEMS: Mapping[str, Callable[[Node, Setting, int], model.Item]] = MappingProxyType(
    {
        "field": _field,
        "initial": _initial,
        "object": _object,
        "record": _record,
        "subdialog": _subdialog,
        "transfer": _transfer,
    }
)


def menu_item(node: Node, setting: Setting) -> model.MenuItem:
    """Read the inside of a <menu> as one item (2.2)."""
    return model.MenuItem(
        name="_menu",
        named=False,
        expr=None,
        cond=None,
        prompts=tuple(prompts(node, setting)),
        choices=tuple(_choices(node, setting)),
        document_scope=one_of(node, "scope", "dialog", "document") == "document",
        line=node.line,
    )


def _choices(node: Node, setting: Setting) -> Iterator[model.Choice]:
    by_place = flag(node, "dtmf") or False
    accept = one_of(node, "accept", "exact", "approximate")
    given = 0
    for child in node.elements:
        if child.name != "choice":
            continue
        own = "".join(child.attributes.get("dtmf", "").split())
        if by_place and own and own not in {"*", "#", "0"}:
            raise DocumentInvalid("A menu with dtmf=true leaves its choices *, # and 0.", line=child.line)
        key = ""
        if by_place and not own and given < _MOST_KEYS:
            given += 1
            key = str(given)
        yield choice(child, setting, preset=accept, key=key)
