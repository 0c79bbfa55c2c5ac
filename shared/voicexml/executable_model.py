"""Executable content as frozen values (VoiceXML 2.0, 5.3, and the elements of 2.1)."""

from dataclasses import dataclass

from shared.voicexml.prompt_model import Part, Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """The attributes that say how something is fetched (6.1.1); None: as the property says."""

    timeout_ms: int | None = None
    max_age_s: int | None = None
    max_stale_s: int | None = None
    #: What the caller hears meanwhile.
    audio: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a <submit>, <subdialog> or <data> goes to: exactly one of src and expr, and what it sends."""

    src: str | None
    expr: str | None
    #: None: what the element sends when it does not say.
    names: tuple[str, ...] | None
    post: bool
    multipart: bool
    fetch: FetchSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Var:
    """<var> (5.3.1)."""

    name: str
    expr: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """<assign> (5.3.2)."""

    name: str
    expr: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """<clear> (5.3.3); without names all form items are cleared."""

    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One arm of an <if>; cond is None for <else>."""

    cond: str | None
    content: "tuple[Executable, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """<if>, <elseif>, <else> (5.3.4)."""

    branches: tuple[Branch, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprompt:
    """<reprompt> (5.3.6)."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Goto:
    """<goto> (5.3.7): exactly one of the four is not None."""

    next: str | None
    expr: str | None
    nextitem: str | None
    expritem: str | None
    fetch: FetchSettings
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """<submit> (5.3.8); without names all named input items of the form are sent."""

    target: Target
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """<exit> (5.3.9): at most one of expr and names."""

    expr: str | None
    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """<return> (5.3.10): at most one of event, eventexpr and names."""

    event: str | None
    eventexpr: str | None
    message: str | None
    messageexpr: str | None
    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """<disconnect> (5.3.11; the namelist is of VoiceXML 2.1)."""

    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """<script> (5.3.12): exactly one of the three is not None."""

    source: str | None
    src: str | None
    expr: str | None
    #: Of the script elsewhere, if its server does not say.
    charset: str | None
    base_url: str
    fetch: FetchSettings
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """<data> (VoiceXML 2.1, 5); without a name what comes back is not kept."""

    name: str | None
    target: Target
    base_url: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreach:
    """<foreach> (VoiceXML 2.1, 6.4)."""

    item: str
    array: str
    content: "tuple[Executable, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Throw:
    """<throw> (5.2.1): exactly one of event and eventexpr, at most one of message and messageexpr."""

    event: str | None
    eventexpr: str | None
    message: str | None
    messageexpr: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """<log> (5.3.13)."""

    label: str
    expr: str | None
    parts: tuple[Part, ...]
    line: int


Executable = (
    Var
    | Assign
    | Clear
    | If
    | Prompt
    | Reprompt
    | Goto
    | Submit
    | Exit
    | Return
    | Disconnect
    | Script
    | Data
    | Foreach
    | Throw
    | Log
)
