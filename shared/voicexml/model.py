"""A VoiceXML document as frozen values.

Made once by `loader.py`, valid by construction, and shared by every session that runs the same bytes. Names
are the specification's. URLs in here are as written; a prompt keeps the base and the language that were in
force where it stood, because both are decided by the document and not by the call.

What the specification has and this interpreter does not yet run is kept as `Unsupported`, `UnsupportedItem`
or `UnsupportedDialog`, so that a document is refused only where it really goes that way.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Text to speak, white space collapsed."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """<value> (4.1.4): the text of an expression."""

    expr: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPart:
    """<audio> (4.1.3): exactly one of src and expr, and what to say if it cannot be played."""

    src: str | None
    expr: str | None
    base_url: str
    fallback: "tuple[Part, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """<break> (SSML 1.0, 2.2.3)."""

    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPart:
    """<mark> (SSML 1.0, 2.3.2)."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """An element that throws error.unsupported.<element> when it is reached."""

    element: str
    line: int


#: What a prompt is made of.
Part = Words | Value | AudioPart | Break | MarkPart | Unsupported


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """<prompt> (4.1), or the text, audio and values that stand where a prompt could."""

    parts: tuple[Part, ...]
    cond: str | None = None
    count: int = 1
    #: None: as the property says.
    bargein: bool | None = None
    #: None: as the property says. Of the last prompt before an input (4.1.7).
    timeout_ms: int | None = None
    language: str
    line: int


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
    fetch_timeout_ms: int | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """<submit> (5.3.8): exactly one of next and expr."""

    next: str | None
    expr: str | None
    #: None: all named input items of the form.
    names: tuple[str, ...] | None
    post: bool
    fetch_timeout_ms: int | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """<exit> (5.3.9): at most one of expr and names."""

    expr: str | None
    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """<disconnect> (5.3.11; the namelist is of VoiceXML 2.1)."""

    names: tuple[str, ...]
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
    | Disconnect
    | Throw
    | Log
    | Unsupported
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """<catch> and its short forms <error>, <help>, <noinput>, <nomatch> (5.2.2, 5.2.3)."""

    #: Event names; none means every event.
    events: tuple[str, ...]
    count: int
    cond: str | None
    content: tuple[Executable, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """<filled> (2.4): in an input item, or in a form with a mode and names."""

    #: Of a form: run when all of the names are filled (mode all), or any.
    needs_all: bool
    #: None: all input items of the form.
    names: tuple[str, ...] | None
    content: tuple[Executable, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """<option> (2.3.1.3). Without dtmf nothing but speech could choose it."""

    dtmf: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What all form items have (2.3). Its name is invented where the document gives none."""

    name: str
    #: Whether the document gave the name, so that <submit> may send it.
    named: bool
    expr: str | None
    cond: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Item):
    """<block> (2.3.2)."""

    content: tuple[Executable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputItem(Item):
    """What a field has in common with the input items that are not built yet."""

    catches: tuple[Catch, ...]
    properties: tuple[tuple[str, str], ...]
    filled: tuple[Filled, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(InputItem):
    """<field> (2.3.1)."""

    #: A builtin type with its parameters, as written.
    type: str | None
    prompts: tuple[Prompt, ...]
    options: tuple[Option, ...]
    #: Grammars and links that cannot be listened for yet.
    unsupported: tuple[Unsupported, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedItem(InputItem):
    """A form item that throws error.unsupported.<element> when it is visited."""

    element: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """<form> (2.1). Its children are in document order, which decides declaration, visits and filled."""

    id: str | None
    children: tuple[Var | Block | Field | UnsupportedItem | Filled | Unsupported, ...]
    catches: tuple[Catch, ...]
    properties: tuple[tuple[str, str], ...]
    line: int

    @property
    def items(self) -> tuple[Item, ...]:
        """The form items in document order."""
        return tuple(child for child in self.children if isinstance(child, Item))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedDialog:
    """A dialog that throws error.unsupported.<element> when it is entered."""

    id: str | None
    element: str
    line: int


Dialog = Form | UnsupportedDialog


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """<vxml> (1.5.1)."""

    url: str
    #: The URL, or what xml:base made of it.
    base_url: str
    language: str
    #: The application root document, as written.
    application: str | None
    #: Variables and what cannot be run yet, in document order.
    declarations: tuple[Var | Unsupported, ...]
    catches: tuple[Catch, ...]
    properties: tuple[tuple[str, str], ...]
    dialogs: tuple[Dialog, ...]

    def dialog(self, fragment: str) -> Dialog | None:
        """Find the dialog of that id; the first one for an empty fragment."""
        if not fragment:
            return self.dialogs[0] if self.dialogs else None
        return next((dialog for dialog in self.dialogs if dialog.id == fragment), None)
