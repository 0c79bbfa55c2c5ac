"""The caller's side of a tried application: what is shown, and what is answered.

Two of them: lines for people, and JSON lines for programs. Both show the same happenings and give the same
answers.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from services.cli.screen import Screen
from shared.domain.errors import Invalid

#: What happened: a name and its facts, as a program reads them.
Happening = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the caller does: exactly one of these, or nothing at all, which is silence."""

    dtmf: str = ""
    say: str | None = None
    hangup: bool = False
    #: How the other side of a transfer behaves: answer, busy, noanswer or hangup.
    transfer: str = ""


class Terminal(Protocol):
    """Whoever tries the application."""

    def show(self, happening: Happening) -> None:
        """Show what happened."""

    def answer(self, *, transfer: bool) -> Answer:
        """Ask for the next answer; at the end of the input the caller hangs up. Raises Invalid."""


class JsonTerminal:
    """A program: JSON lines out, JSON lines in."""

    def __init__(self, screen: Screen, lines: Iterable[str]) -> None:
        self._screen = screen
        self._lines: Iterator[str] = iter(lines)

    def show(self, happening: Happening) -> None:
        """Write a line, in ASCII: whatever the encoding of the pipe is, a program reads the same."""
        self._screen.write(json.dumps(happening))

    def answer(self, *, transfer: bool) -> Answer:
        """Read a line; `transfer` makes no difference to a program, which was told what it answers."""
        del transfer
        # Some programs begin what they write with a mark of its encoding.
        line = next((line for line in self._lines if line.strip("\ufeff \t\r\n")), None)
        return Answer(hangup=True) if line is None else _read(line)


#: What an answer may be, for whoever gave another one.
_ANSWERS = (
    'An answer is one of {"dtmf": "1"}, {"say": "yes"}, {"silence": true}, {"hangup": true} and, to a transfer, '
    '{"transfer": "answer"}, "busy", "noanswer" or "hangup".'
)

_FACTS = {"dtmf": str, "say": str, "silence": bool, "hangup": bool, "transfer": str}
_TRANSFERS = frozenset({"answer", "busy", "noanswer", "hangup"})


def _read(line: str) -> Answer:
    try:
        content = json.loads(line.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise Invalid("answer", f"{line.strip()[:80]!r} is not JSON. {_ANSWERS}") from None
    if not isinstance(content, dict) or len(content) != 1:
        raise Invalid("answer", f"{line.strip()[:80]!r} is no answer. {_ANSWERS}")
    ((name, value),) = content.items()
    if not isinstance(value, _FACTS.get(name, ())) or (name == "transfer" and value not in _TRANSFERS):
        raise Invalid("answer", f"{line.strip()[:80]!r} is no answer. {_ANSWERS}")
    if name == "silence":
        return Answer()
    return Answer(**content)


class PlainTerminal:
    """A person: what is said, and a prompt to answer at."""

    def __init__(self, screen: Screen, lines: Iterable[str]) -> None:
        self._screen = screen
        self._lines: Iterator[str] = iter(lines)

    def show(self, happening: Happening) -> None:
        """Write a line for a person."""
        self._screen.say(_sentence(happening))

    def answer(self, *, transfer: bool) -> Answer:
        """Read a line: keys, words, nothing for silence, or `hangup`."""
        line = next(self._lines, None)
        if line is None:
            return Answer(hangup=True)
        text = line.strip()
        if text == "hangup":
            return Answer(hangup=True)
        if transfer:
            return Answer(transfer=text if text in _TRANSFERS else "answer")
        if text and all(key in "0123456789*#" for key in text):
            return Answer(dtmf=text)
        return Answer(say=text) if text else Answer()


def _sentence(happening: Happening) -> str:
    match happening:
        case {"event": "prompt", "text": text}:
            return f"  {text}"
        case {"event": "audio", "src": src}:
            return f"  (plays {src})"
        case {"event": "listen", "timeout_ms": timeout_ms}:
            return f"? keys, words, Enter for {timeout_ms} ms of silence, or hangup"
        case {"event": "transfer", "dest": dest, "type": type_}:
            return f"? {type_} transfer to {dest}: answer, busy, noanswer or hangup"
        case {"event": "log", "text": text}:
            return f"log: {text}"
        case {"event": "error", "name": name, "message": message}:
            return f"{name}: {message}"
        case {"event": "exit", "reason": reason, "values": values}:
            return f"The application ended ({reason}), with {json.dumps(values, ensure_ascii=False)}."
        case _:
            return json.dumps(happening, ensure_ascii=False)
