"""Which catch element takes an event (VoiceXML 2.0, 5.2.4), as pure functions.

The specification's steps: list the catches of the active scopes, innermost first and in document order; drop
those whose event does not match and whose cond is false; find the highest count that is not above the event's
counter; take the first with that count.

A counter is kept for every prefix of an event's name (5.2.2), so a catch for `error` counts all errors, and
one without an event counts everything: that counter is kept under the empty name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum

from shared.voicexml.errors import Thrown
from shared.voicexml.limits import MAX_EVENT_CHARACTERS
from shared.voicexml.model import Catch


class DefaultAction(Enum):
    """What the platform does with an event that no element catches (5.2.5)."""

    IGNORE = "ignore"
    REPROMPT = "reprompt"
    #: End the session, which is then not an error.
    LEAVE = "leave"
    #: End the session and report the event.
    FAIL = "fail"


#: 5.2.5, by the longest prefix. The platform's own announcements are silence: it cannot know the language.
_DEFAULT_ACTIONS: Mapping[str, DefaultAction] = {
    "cancel": DefaultAction.IGNORE,
    "connection.disconnect": DefaultAction.LEAVE,
    "exit": DefaultAction.LEAVE,
    "help": DefaultAction.REPROMPT,
    "maxspeechtimeout": DefaultAction.REPROMPT,
    "noinput": DefaultAction.REPROMPT,
    "nomatch": DefaultAction.REPROMPT,
    "": DefaultAction.FAIL,
}


def event_name(text: str, line: int) -> str:
    """Read the name of an event that an application throws; raises Thrown for what can be none."""
    name = text.strip()
    if not name or " " in name:
        raise Thrown(
            "error.semantic", f"Line {line}: {name[:MAX_EVENT_CHARACTERS]!r} is not the name of an event."
        )
    if len(name) > MAX_EVENT_CHARACTERS:
        raise Thrown(
            "error.semantic",
            f"Line {line}: An event's name must be at most {MAX_EVENT_CHARACTERS} characters.",
        )
    return name


def prefixes(event: str) -> Iterator[str]:
    """Yield every name that stands for the event, longest first and the empty one last."""
    while event:
        yield event
        event = event.rpartition(".")[0]
    yield ""


def default_action(event: str) -> DefaultAction:
    """Say what becomes of an event that no element catches."""
    return next(_DEFAULT_ACTIONS[name] for name in prefixes(event) if name in _DEFAULT_ACTIONS)


def count_event(counters: dict[str, int], event: str) -> None:
    """Count an event under all of its prefixes (5.2.2)."""
    for name in prefixes(event):
        counters[name] = counters.get(name, 0) + 1


def select(
    catches: Iterable[Catch],
    event: str,
    counters: Mapping[str, int],
    holds: Callable[[Catch], bool],
) -> Catch | None:
    """Find the catch for an event that was counted already; `holds` evaluates a cond.

    `catches` are in the order of the scopes, innermost first.
    """
    ready = [catch for catch in catches if catch.count <= _counted(catch, event, counters) and holds(catch)]
    # max returns the first of equals: the innermost scope, and there the first in the document.
    return max(ready, key=lambda catch: catch.count, default=None)


def _counted(catch: Catch, event: str, counters: Mapping[str, int]) -> int:
    """Return the counter that this catch goes by; 0, below every count, if it is for other events."""
    wanted = {name.rstrip(".") for name in catch.events} or {""}
    return next((counters.get(name, 0) for name in prefixes(event) if name in wanted), 0)
