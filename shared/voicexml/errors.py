"""What can go wrong in a VoiceXML session, as types.

Two kinds, and they must not be mixed up. `Thrown` is VoiceXML's own event (5.2): it travels as an exception
until a catch element takes it, and an application may well expect it. Everything else ends the work that met
it: a document that is not valid, a session that has used up its share, a host that breaks the protocol.
"""

from typing import Self


class VoiceXmlError(Exception):
    """Something that the interpreter refuses or cannot do."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        super().__init__(self.message)


class Thrown(VoiceXmlError):
    """A VoiceXML event on its way to a catch element (VoiceXML 2.0, 5.2).

    `event` is its dotted name; `text` becomes `_message` and may be None, which the application sees as
    undefined.
    """

    def __init__(self, event: str, text: str | None = None) -> None:
        self.event = event
        self.text = text
        super().__init__(f"{event}: {text}" if text else event)


class DocumentInvalid(VoiceXmlError):
    """The document is not VoiceXML that can be run; correct it at the line that is named.

    The session turns it into `error.badfetch` for whoever asked for the document (5.2.6).
    """

    def __init__(self, message: str, *, line: int) -> None:
        self.line = line
        super().__init__(f"Line {line}: {message}")


class ScriptFailed(VoiceXmlError):
    """An ECMAScript expression could not be evaluated.

    The interpreter turns it into `error.semantic` with the line of the element that held the expression.
    """

    def thrown_at(self, line: int) -> Thrown:
        """Return the VoiceXML event for this failure in the element at `line` of the active document."""
        return Thrown("error.semantic", f"Line {line}: {self.message}")


class Exhausted(VoiceXmlError):
    """The application used more than a session may; no catch element sees this, the session ends."""

    @classmethod
    def of(cls, what: str, most: int) -> Self:
        """Say which limit was reached, for instance `of("form items visited", 1_000)`."""
        return cls(f"More than {most} {what} without waiting for the caller; the application seems to loop.")


class SessionMisuse(VoiceXmlError):
    """The host spoke out of turn: a session begins once, and takes events only after that."""


class CodecError(VoiceXmlError):
    """A frame does not hold an event or effect of this version; both sides must run the same release."""
