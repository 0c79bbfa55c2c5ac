"""A VoiceXML document as frozen values: dialogs, form items, handlers and links.

Made once by `loader.py`, valid by construction, and shared by every session that runs the same bytes. Names
are the specification's. URLs in here are as written; what is resolved against another base than the
document's keeps that base.
"""

from dataclasses import dataclass, field

from shared.voicexml.executable_model import Data, Executable, FetchSettings, Script, Target, Var
from shared.voicexml.grammar.expansion import GrammarDocument
from shared.voicexml.prompt_model import Prompt

Settings = tuple[tuple[str, str], ...]


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
class GrammarElement:
    """<grammar> (3.1): inline, or somewhere else by src or expr."""

    inline: GrammarDocument | None = None
    #: An event and its message, thrown when the grammar would be listened for.
    problem: tuple[str, str] | None = None
    src: str | None = None
    expr: str | None = None
    mode: str = ""
    type: str = ""
    #: Of a form: whether it is active in the whole document (3.1.3).
    document_scope: bool = False
    base_url: str
    fetch: FetchSettings = field(default_factory=FetchSettings)
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """<option> (2.3.1.3)."""

    dtmf: str
    #: What is said to choose it; empty: speech cannot.
    text: str
    #: All the text, or also a part of it (2.2.5).
    exact: bool
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """Where a <choice> or <link> leads: exactly one of the four; a message goes with an event."""

    next: str | None
    expr: str | None
    event: str | None
    eventexpr: str | None
    message: str | None
    messageexpr: str | None
    fetch: FetchSettings
    base_url: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """<link> (2.5)."""

    grammars: tuple[GrammarElement, ...]
    dtmf: str
    leads: EventSource
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """<choice> (2.2.2)."""

    dtmf: str
    text: str
    exact: bool
    #: Instead of the text.
    grammars: tuple[GrammarElement, ...]
    leads: EventSource
    line: int


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
    properties: Settings = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitedItem(Item):
    """What all items but a block have: prompts, handlers and settings of their own."""

    prompts: tuple[Prompt, ...] = ()
    catches: tuple[Catch, ...] = ()
    properties: Settings = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Initial(VisitedItem):
    """<initial> (2.3.3): a control item, for all the fields at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputItem(VisitedItem):
    """What <filled> and <submit> mean by an input item."""

    filled: tuple[Filled, ...] = ()
    slot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(InputItem):
    """<field> (2.3.1)."""

    #: A builtin type with its parameters, as written.
    type: str | None = None
    options: tuple[Option, ...] = ()
    grammars: tuple[GrammarElement, ...] = ()
    modal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """<param> (2.3.4): exactly one of expr and value."""

    name: str
    expr: str | None
    value: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subdialog(InputItem):
    """<subdialog> (2.3.4)."""

    target: Target
    params: tuple[Param, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(InputItem):
    """<record> (2.3.6)."""

    beep: bool
    max_time_ms: int | None
    final_silence_ms: int | None
    dtmf_term: bool
    modal: bool
    type: str
    grammars: tuple[GrammarElement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(InputItem):
    """<transfer> (2.3.7): exactly one of dest and destexpr."""

    dest: str | None
    destexpr: str | None
    #: blind, bridge or consultation.
    type: str
    connect_timeout_ms: int | None
    #: 0: without end.
    max_time_ms: int
    audio: str | None
    aai: str | None
    aaiexpr: str | None
    base_url: str
    grammars: tuple[GrammarElement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectItem(InputItem):
    """<object> (2.3.5), which throws error.unsupported.objectname: there are none on this platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem(InputItem):
    """The one item of a form that stands for a <menu> (2.2): never filled, each choice leads away."""

    choices: tuple[Choice, ...]
    document_scope: bool


FormChild = Var | Script | Data | Item | Filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """<form> (2.1), or a <menu>. Children are in document order: so they are declared, visited and run."""

    id: str | None
    children: tuple[FormChild, ...]
    catches: tuple[Catch, ...]
    properties: Settings
    #: Grammars and links in document order: of two that match, the first one counts (3.1.4).
    listens: tuple[GrammarElement | Link, ...] = ()
    line: int

    @property
    def grammars(self) -> tuple[GrammarElement, ...]:
        """The form's own grammars."""
        return tuple(each for each in self.listens if isinstance(each, GrammarElement))

    @property
    def items(self) -> tuple[Item, ...]:
        """The form items in document order."""
        return tuple(child for child in self.children if isinstance(child, Item))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """<vxml> (1.5.1)."""

    url: str
    #: The URL, or what xml:base made of it.
    base_url: str
    language: str
    #: The application root document, as written.
    application: str | None
    #: In document order.
    declarations: tuple[Var | Script | Data, ...]
    catches: tuple[Catch, ...]
    properties: Settings
    links: tuple[Link, ...]
    dialogs: tuple[Form, ...]

    def dialog(self, fragment: str) -> Form | None:
        """Find the dialog of that id; the first one for an empty fragment."""
        if not fragment:
            return self.dialogs[0] if self.dialogs else None
        return next((dialog for dialog in self.dialogs if dialog.id == fragment), None)
