"""Where executable content may lead, as values (VoiceXML 2.0, Appendix C).

A transition is returned and not raised: only events travel as exceptions, so that reading a function shows
whether it can end the form.
"""

from dataclasses import dataclass

from shared.voicexml.events import Pairs
from shared.voicexml.model import Form
from shared.voicexml.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Another dialog: of a document that was just fetched, or of the present one."""

    place: Place
    #: None: the document has no dialog, and the session ends.
    dialog: Form | None
    #: Whether the document is entered anew, with its variables.
    fresh: bool
    #: Whether the application's variables live on (1.5.2).
    same_application: bool = False
    #: Names that were given to a subdialog (2.3.4).
    params: tuple[str, ...] = ()
    #: Whether the dialog begins with what was just heard: its grammar matched from another one (2.1.6).
    heard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NextItem:
    """<goto nextitem>: that form item is selected next, whatever its guard condition says (5.3.7)."""

    name: str
    #: Whether the item's prompts are queued; not after a catch element without <reprompt> (5.3.6).
    prompts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """An event was handled, and the form goes on."""

    #: Whether prompts are queued on the next turn: the handler said <reprompt> (5.3.6).
    prompts: bool
    #: The event that was handled.
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """<return>: the end of a subdialog, with an event or with the values that were given (5.3.10)."""

    event: str = ""
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The end of the session. An `event` that nobody caught makes it an error."""

    values: Pairs = ()
    event: str = ""
    message: str = ""


Transition = Destination | NextItem | Again | Returned | Leave

#: What ends the dialogs of a context: of a subdialog, or of the session.
End = Returned | Leave
