"""What VoiceXML 2.0 and 2.1 require, one small application for each requirement, by section.

The applications are in text files beside this one, because a document is read best as it stands:

    ## section and requirement
    > what the caller does at each input, separated by |: keys, say:words, nothing, hangup, an outcome
    = what the application logs, and behind an exclamation mark the event that ended it
    the dialogs of the first document, or of several:
    @ name attributes          a document with these dialogs
    @@ name                    a file with this content

A document has a variable n that is 0, if it is the only one. In square brackets stand grammars: `[keys 12]`,
`[words new york]` and `[meaning go<tag>out.a = 1;</tag>]`, a rule with its interpretation.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

HOST = "http://app.example/"
FILES = ("applications", "control", "dialogs", "documents")

_GRAMMAR = "<grammar {} version='1.0' root='r'><rule id='r'>{}</rule></grammar>"
_KINDS = {"keys": "mode='dtmf'", "words": "mode='voice'", "meaning": "tag-format='semantics/1.0'"}
_SHORT = re.compile(r"\[(keys|words|meaning) ([^\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A requirement and how to see it."""

    answers: tuple[str, ...]
    expected: str
    #: By name: attributes of the document, or None for another file, and the content.
    parts: tuple[tuple[str, str | None, str], ...]


def _written_out(short: re.Match[str]) -> str:
    kind, rule = short.groups()
    return _GRAMMAR.format(_KINDS[kind], " ".join(rule) if kind == "keys" else rule)


def _read(text: str) -> Assertion:
    answers: tuple[str, ...] = ()
    expected = ""
    parts: list[tuple[str, str | None, str]] = []
    for line in text.splitlines():
        mark, _, rest = line.partition(" ")
        name, _, attributes = rest.partition(" ")
        match mark:
            case ">":
                answers = tuple("" if answer == "nothing" else answer for answer in rest.split(" | "))
            case "=":
                expected = rest
            case "@":
                parts.append((name, attributes, ""))
            case "@@":
                parts.append((name, None, ""))
            case _:
                name, kind, content = parts.pop() if parts else ("start.vxml", "", "<var name='n' expr='0'/>")
                parts.append((name, kind, f"{content}{line}\n"))
    written = ((name, kind, _SHORT.sub(_written_out, content)) for name, kind, content in parts)
    return Assertion(answers=answers, expected=expected, parts=tuple(written))


def _assertions() -> Iterator[object]:
    for file in FILES:
        for block in (Path(__file__).parent / f"{file}.txt").read_text().split("\n## ")[1:]:
            title, _, text = block.partition("\n")
            yield pytest.param(_read(text.strip("\n")), id=title)


@pytest.mark.parametrize("assertion", list(_assertions()))
def test_the_application_does_what_is_required(call: Call, wrap: Wrap, assertion: Assertion) -> None:
    """What it logs and how it ends."""
    documents = {
        HOST + name: content if attributes is None else wrap(content, attributes)
        for name, attributes, content in assertion.parts
    }
    heard = call(documents, *assertion.answers)
    ended = [f"!{heard.exit.event}"] if heard.exit.event else []
    assert " ".join([*heard.logs, *ended]) == assertion.expected
