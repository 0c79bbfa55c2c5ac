"""From checked markup to prompts and executable content (VoiceXML 2.0, 4.1 and 5.3).

Which element may stand where is the schema's (Appendix O), written below as sets. An element that may not
stand there makes the document invalid.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.voicexml import executable_model, prompt_model
from shared.voicexml.addresses import resolve
from shared.voicexml.attributes import (
    at_most_one,
    count,
    duration,
    exactly_one,
    flag,
    names,
    one_of,
    required,
    seconds,
)
from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.executable_model import Executable, FetchSettings, Target
from shared.voicexml.markup import Node, collapsed
from shared.voicexml.prompt_model import Part, Prompt

#: What makes up a prompt wherever one could stand (the schema's `audio` group).
AUDIO = frozenset({"audio", "enumerate", "value"})

#: SSML inside a prompt or an audio (4.1.1).
_SPEECH_MARKUP = frozenset(
    {
        "break",
        "desc",
        "emphasis",
        "foreach",
        "lexicon",
        "mark",
        "metadata",
        "meta",
        "p",
        "phoneme",
        "prosody",
        "s",
        "say-as",
        "sub",
        "voice",
    }
)

#: Executable content (5.3), with the elements of VoiceXML 2.1.
EXECUTABLE = AUDIO | {
    "assign",
    "clear",
    "data",
    "disconnect",
    "exit",
    "foreach",
    "goto",
    "if",
    "log",
    "prompt",
    "reprompt",
    "return",
    "script",
    "submit",
    "throw",
    "var",
}

#: What the schema has nothing inside of.
_EMPTY = frozenset(
    {
        "assign",
        "break",
        "clear",
        "data",
        "disconnect",
        "else",
        "elseif",
        "exit",
        "goto",
        "mark",
        "reprompt",
        "return",
        "submit",
        "throw",
        "value",
        "var",
    }
)

#: They say something about a document and nothing to a caller.
_SILENT = frozenset({"desc", "meta", "metadata"})

#: How long a break of each strength is (SSML 1.0, 2.2.3 leaves it to the processor): from a comma to a
#: paragraph as a calm speaker makes them.
_BREAK_MS = MappingProxyType(
    {"none": 0, "x-weak": 100, "weak": 250, "medium": 500, "strong": 1_000, "x-strong": 2_000}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an element inherits from those around it."""

    base_url: str
    language: str

    def inside(self, node: Node) -> "Setting":
        """Return the setting within `node`, which may change the base and the language."""
        base_url = self.base_url
        if base := node.attributes.get("xml:base"):
            found = resolve(base_url, base)
            if found is None:
                raise DocumentInvalid(f"xml:base={base!r} is not a URL.", line=node.line)
            base_url, _ = found
        return Setting(base_url=base_url, language=node.attributes.get("xml:lang", self.language))


def misplaced(node: Node, parent: str) -> DocumentInvalid:
    """Say that an element may not stand there."""
    return DocumentInvalid(f"<{node.name}> may not stand in <{parent}>.", line=node.line)


def no_text(node: Node) -> None:
    """Refuse text where the schema has none."""
    if node.text:
        raise DocumentInvalid(f"<{node.name}> may not hold text: {node.text[:40]!r}.", line=node.line)


def _check_content(node: Node) -> None:
    """Refuse content where the schema has none."""
    if node.name in _EMPTY:
        for child in node.elements:
            raise misplaced(child, node.name)
        no_text(node)


def parts(children: Iterable[Node | str], setting: Setting, parent: str) -> tuple[Part, ...]:
    """Read the inside of a prompt."""
    return tuple(_parts(children, setting, parent))


def _parts(children: Iterable[Node | str], setting: Setting, parent: str) -> Iterator[Part]:
    for child in children:
        if isinstance(child, Node):
            if child.name not in AUDIO | _SPEECH_MARKUP:
                raise misplaced(child, parent)
            _check_content(child)
            if child.name not in _SILENT:
                yield _PARTS.get(child.name, _markup)(child, setting)
        elif collapsed(child):
            yield prompt_model.Words(text=collapsed(child))


def _markup(node: Node, setting: Setting) -> Part:
    inside = setting.inside(node)
    attributes = sorted((name, value) for name, value in node.attributes.items() if name != "xml:base")
    return prompt_model.Markup(
        element=node.name,
        attributes=tuple(attributes),
        alias=required(node, "alias") if node.name == "sub" else None,
        language=node.attributes.get("xml:lang"),
        parts=parts(node.children, inside, node.name),
        line=node.line,
    )


def _enumerate(node: Node, setting: Setting) -> Part:
    return prompt_model.Enumerate(parts=parts(node.children, setting, node.name), line=node.line)


def _foreach_part(node: Node, setting: Setting) -> Part:
    return prompt_model.ForeachPart(
        item=required(node, "item"),
        array=required(node, "array"),
        parts=parts(node.children, setting, node.name),
        line=node.line,
    )


def _value(node: Node, _: Setting) -> Part:
    return prompt_model.Value(expr=required(node, "expr"), line=node.line)


def _audio(node: Node, setting: Setting) -> Part:
    exactly_one(node, "src", "expr")
    inside, settings = setting.inside(node), fetch_settings(node)
    return prompt_model.AudioPart(
        src=node.attributes.get("src"),
        expr=node.attributes.get("expr"),
        base_url=inside.base_url,
        max_age_s=settings.max_age_s,
        max_stale_s=settings.max_stale_s,
        fallback=parts(node.children, inside, node.name),
        line=node.line,
    )


def _break(node: Node, _: Setting) -> Part:
    strength = one_of(node, "strength", "medium", *_BREAK_MS)
    time_ms = duration(node, "time")
    return prompt_model.Break(duration_ms=_BREAK_MS[strength] if time_ms is None else time_ms)


def _mark(node: Node, _: Setting) -> Part:
    exactly_one(node, "name", "nameexpr")
    return prompt_model.MarkPart(
        name=node.attributes.get("name"), nameexpr=node.attributes.get("nameexpr"), line=node.line
    )


_PARTS: Mapping[str, Callable[[Node, Setting], Part]] = MappingProxyType(
    {
        "value": _value,
        "audio": _audio,
        "break": _break,
        "mark": _mark,
        "enumerate": _enumerate,
        "foreach": _foreach_part,
    }
)


def prompt(node: Node, setting: Setting) -> Prompt:
    """Read a <prompt>."""
    inside = setting.inside(node)
    return Prompt(
        parts=parts(node.children, inside, node.name),
        cond=node.attributes.get("cond"),
        count=count(node),
        bargein=flag(node, "bargein"),
        timeout_ms=duration(node, "timeout"),
        hotword=_hotword(node),
        language=inside.language,
        line=node.line,
    )


def _hotword(node: Node) -> bool | None:
    if "bargeintype" not in node.attributes:
        return None
    return one_of(node, "bargeintype", "speech", "hotword") == "hotword"


def bare_prompt(children: list[Node | str], setting: Setting, *, parent: Node) -> Prompt | None:
    """Make a prompt of text, audio and values that stand alone (4.1.2); None if it is white space only."""
    content = parts(children, setting, parent.name)
    first = next((child.line for child in children if isinstance(child, Node)), parent.line)
    return Prompt(parts=content, language=setting.language, line=first) if content else None


def executable(children: Iterable[Node | str], setting: Setting, parent: Node) -> tuple[Executable, ...]:
    """Read executable content; runs of text, audio and values become prompts."""
    return tuple(_executable(children, setting, parent))


def _executable(children: Iterable[Node | str], setting: Setting, parent: Node) -> Iterator[Executable]:
    bare: list[Node | str] = []
    for child in children:
        if isinstance(child, str) or child.name in AUDIO:
            bare.append(child)
            continue
        if child.name not in EXECUTABLE:
            raise misplaced(child, parent.name)
        _check_content(child)
        if spoken := bare_prompt(bare, setting, parent=parent):
            yield spoken
        bare.clear()
        yield _EXECUTABLES[child.name](child, setting)
    if spoken := bare_prompt(bare, setting, parent=parent):
        yield spoken


def var(node: Node) -> executable_model.Var:
    """Read a <var>."""
    _check_content(node)
    return executable_model.Var(
        name=required(node, "name").strip(), expr=node.attributes.get("expr"), line=node.line
    )


def _var(node: Node, _: Setting) -> Executable:
    return var(node)


def _assign(node: Node, _: Setting) -> Executable:
    return executable_model.Assign(name=required(node, "name"), expr=required(node, "expr"), line=node.line)


def _clear(node: Node, _: Setting) -> Executable:
    return executable_model.Clear(names=names(node.attributes.get("namelist", "")), line=node.line)


def _if(node: Node, setting: Setting) -> Executable:
    cond: str | None = required(node, "cond")
    line = node.line
    content: list[Node | str] = []
    branches: list[executable_model.Branch] = []
    for child in node.children:
        if not isinstance(child, Node) or child.name not in {"elseif", "else"}:
            content.append(child)
            continue
        _check_content(child)
        if cond is None:
            raise DocumentInvalid(f"<{child.name}> may not follow <else>.", line=child.line)
        branches.append(
            executable_model.Branch(cond=cond, content=executable(content, setting, node), line=line)
        )
        cond = required(child, "cond") if child.name == "elseif" else None
        line = child.line
        content.clear()
    branches.append(executable_model.Branch(cond=cond, content=executable(content, setting, node), line=line))
    return executable_model.If(branches=tuple(branches), line=node.line)


def _reprompt(node: Node, _: Setting) -> Executable:
    return executable_model.Reprompt(line=node.line)


def _goto(node: Node, _: Setting) -> Executable:
    exactly_one(node, "next", "expr", "nextitem", "expritem")
    return executable_model.Goto(
        next=node.attributes.get("next"),
        expr=node.attributes.get("expr"),
        nextitem=node.attributes.get("nextitem"),
        expritem=node.attributes.get("expritem"),
        fetch=fetch_settings(node),
        line=node.line,
    )


def fetch_settings(node: Node) -> FetchSettings:
    """Read how something is fetched (6.1.1); when that happens does not depend on a fetchhint."""
    one_of(node, "fetchhint", "prefetch", "safe")
    return FetchSettings(
        timeout_ms=duration(node, "fetchtimeout"),
        max_age_s=seconds(node, "maxage"),
        max_stale_s=seconds(node, "maxstale"),
        audio=node.attributes.get("fetchaudio"),
    )


def target(node: Node, src: str, expr: str) -> Target:
    """Read where an element goes to and what it sends; `src` and `expr` are its names for the URL."""
    exactly_one(node, src, expr)
    namelist = node.attributes.get("namelist")
    return Target(
        src=node.attributes.get(src),
        expr=node.attributes.get(expr),
        names=None if namelist is None else names(namelist),
        post=one_of(node, "method", "get", "post") == "post",
        multipart=one_of(node, "enctype", "application/x-www-form-urlencoded", "multipart/form-data")
        == "multipart/form-data",
        fetch=fetch_settings(node),
    )


def _submit(node: Node, _: Setting) -> Executable:
    return executable_model.Submit(target=target(node, "next", "expr"), line=node.line)


def _return(node: Node, _: Setting) -> Executable:
    at_most_one(node, "event", "eventexpr", "namelist")
    at_most_one(node, "message", "messageexpr")
    return executable_model.Return(
        event=node.attributes.get("event"),
        eventexpr=node.attributes.get("eventexpr"),
        message=node.attributes.get("message"),
        messageexpr=node.attributes.get("messageexpr"),
        names=names(node.attributes.get("namelist", "")),
        line=node.line,
    )


def script(node: Node, setting: Setting) -> executable_model.Script:
    """Read a <script>, which is inline or somewhere else, and never both (5.3.12)."""
    at_most_one(node, "src", "srcexpr")
    outside = bool(node.attributes.keys() & {"src", "srcexpr"})
    if outside is bool(node.raw_text):
        raise DocumentInvalid("<script> needs one of src, srcexpr and a text.", line=node.line)
    return executable_model.Script(
        source=None if outside else node.raw_text,
        src=node.attributes.get("src"),
        expr=node.attributes.get("srcexpr"),
        charset=node.attributes.get("charset"),
        base_url=setting.inside(node).base_url,
        fetch=fetch_settings(node),
        line=node.line,
    )


def data(node: Node, setting: Setting) -> executable_model.Data:
    """Read a <data>."""
    _check_content(node)
    return executable_model.Data(
        name=node.attributes.get("name"),
        target=target(node, "src", "srcexpr"),
        base_url=setting.inside(node).base_url,
        line=node.line,
    )


def _foreach(node: Node, setting: Setting) -> Executable:
    return executable_model.Foreach(
        item=required(node, "item"),
        array=required(node, "array"),
        content=executable(node.children, setting, node),
        line=node.line,
    )


def _exit(node: Node, _: Setting) -> Executable:
    at_most_one(node, "expr", "namelist")
    return executable_model.Exit(
        expr=node.attributes.get("expr"),
        names=names(node.attributes.get("namelist", "")),
        line=node.line,
    )


def _disconnect(node: Node, _: Setting) -> Executable:
    return executable_model.Disconnect(names=names(node.attributes.get("namelist", "")), line=node.line)


def _throw(node: Node, _: Setting) -> Executable:
    exactly_one(node, "event", "eventexpr")
    at_most_one(node, "message", "messageexpr")
    return executable_model.Throw(
        event=node.attributes.get("event"),
        eventexpr=node.attributes.get("eventexpr"),
        message=node.attributes.get("message"),
        messageexpr=node.attributes.get("messageexpr"),
        line=node.line,
    )


def _log(node: Node, setting: Setting) -> Executable:
    for child in node.elements:
        if child.name != "value":
            raise misplaced(child, node.name)
    return executable_model.Log(
        label=node.attributes.get("label", ""),
        expr=node.attributes.get("expr"),
        parts=parts(node.children, setting, node.name),
        line=node.line,
    )


_EXECUTABLES: Mapping[str, Callable[[Node, Setting], Executable]] = MappingProxyType(
    {
        "assign": _assign,
        "clear": _clear,
        "data": data,
        "disconnect": _disconnect,
        "exit": _exit,
        "foreach": _foreach,
        "goto": _goto,
        "if": _if,
        "log": _log,
        "prompt": prompt,
        "reprompt": _reprompt,
        "return": _return,
        "script": script,
        "submit": _submit,
        "throw": _throw,
        "var": _var,
    }
)
