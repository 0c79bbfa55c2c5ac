"""The errors that Paceline raises on purpose.

One tree. The docstring of a class is its default message, so that no error can exist without a sentence; the
type is the fact and the fields are the evidence, so that nobody has to search a message text.
"""


class PacelineError(Exception):
    """Something that Paceline refuses or cannot do."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        super().__init__(self.message)


class Invalid(PacelineError):
    """A value from outside is not acceptable.

    `field` names the offending input as its sender knows it; nothing was changed.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class NotFound(PacelineError):
    """There is nothing with that id, or it belongs to somebody else."""


class Conflict(PacelineError):
    """The request contradicts the present state; nothing was changed."""


class IllegalTransition(PacelineError):
    """A state machine was asked for a step that its table does not have."""

    def __init__(self, machine: str, state: object, event: object) -> None:
        self.machine = machine
        self.state = state
        self.event = event
        super().__init__(f"A {machine} in state {state} does not take {event}.")


class Unavailable(PacelineError):
    """A server that Paceline depends on does not answer; try again shortly."""
