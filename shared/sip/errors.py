"""What the SIP engine refuses, as types.

Bytes from the network raise `BadMessage` or `BadBody` and nothing else: whoever feeds the engine catches one base
class. `IllegalStep` is not the peer's fault but ours: a state machine was asked for a pair that its table lacks.
"""


class SipError(Exception):
    """Something that the SIP engine refuses."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        super().__init__(self.message)


class BadMessage(SipError):
    """The bytes are not a SIP message that can be acted upon.

    `status` is what a request in this shape is answered with (RFC 3261, 21.4); a response is dropped instead.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


class BadBody(SipError):
    """A session description cannot be read or cannot be met; the call cannot have this media."""


class BadArgument(SipError):
    """A value given by our own side must not reach the wire."""


class IllegalStep(SipError):
    """A state machine was asked for a step that its table does not have."""

    def __init__(self, machine: str, state: object, event: object) -> None:
        self.machine = machine
        self.state = state
        self.event = event
        super().__init__(f"The {machine} in state {state} does not take {event}.")
