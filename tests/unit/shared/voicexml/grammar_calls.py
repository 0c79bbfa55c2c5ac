"""Calls into applications with grammars: how a document is put together in few words, and what was logged of its call.

The calls of a table are one test: a test costs many times what a call does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]
BASE = "http://app.example/"
URL = BASE + "start.vxml"
SCRIPTS = 'tag-format="semantics/1.0"'
LITERALS = 'tag-format="semantics/1.0-literals"'
OTHERWISE = "<nomatch><log>nomatch</log><exit/></nomatch><noinput><log>noinput</log><exit/></noinput>"


def grammar(rules: str, attributes: str = "", mode: str = "voice") -> str:
    """Make an inline grammar, whose root is r."""
    return f'<grammar version="1.0" root="r" mode="{mode}" {attributes}>{rules}</grammar>'


def rule(body: str, more: str = "", attributes: str = "", mode: str = "voice") -> str:
    """Make an inline grammar with a root rule, and perhaps more of them."""
    return grammar(f'<rule id="r">{body}</rule>{more}', attributes, mode)


def keys(body: str, more: str = "", attributes: str = "") -> str:
    """Make an inline grammar of keys."""
    return rule(body, more, attributes, "dtmf")


def says(words: str, slots: str = "", attributes: str = "", mode: str = "voice") -> str:
    """Make an inline grammar of some words that fill slots by a script."""
    tag = f"<tag>{slots}</tag>" if slots else ""
    return rule(f"{words}{tag}", "", f"{SCRIPTS} {attributes}", mode)


def abnf(rules: str, header: str = "") -> str:
    """Make an inline grammar in the ABNF form, whose root is r."""
    return f'<grammar type="application/srgs"><![CDATA[#ABNF 1.0;{header} root $r;\n{rules}]]></grammar>'


def external(rules: str, root: str = 'root="m"', mode: str = "") -> str:
    """Make a grammar of its own, whose root is m."""
    namespace = "http://www.w3.org/2001/06/grammar"
    return f'<grammar xmlns="{namespace}" version="1.0" {root} {mode}>{rules}</grammar>'


NEVER = rule("never")


def item(name: str = "f", heard: str = NEVER, more: str = "", attributes: str = "") -> str:
    """Make a field of a form, which logs its name and value."""
    return (
        f"<field name='{name}' {attributes}>{heard}{more}"
        f"<filled><log expr=\"'{name}=' + JSON.stringify({name})\"/></filled></field>"
    )


def field(content: str, attributes: str = "", show: str = "JSON.stringify(f)") -> str:
    """Make a form with one field, which logs its value or the event."""
    return (
        f"<form><field name='f' {attributes}>{content}<filled><log expr=\"{show}\"/></filled>"
        "<catch event='nomatch noinput error'><log expr='_event'/><exit/></catch></field></form>"
    )


def document(content: str, attributes: str = "") -> str:
    """Make a document of its own."""
    return f'<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" {attributes}>{content}</vxml>'


LEAF = "application='root.vxml'"
ROOT = document(
    f"<link event='x'>{rule('rootlink')}</link><form id='rf' scope='document'>{says('rootform', 'out.g=1;')}"
    f"{item('g')}</form><catch event='x'><log>x in root</log><exit/></catch>"
)


def leaf(content: str) -> Mapping[str, str]:
    """Make a leaf document, and a root with a link and a form of its own."""
    return {URL: document(content, LEAF), BASE + "root.vxml": ROOT}


def run(
    call: Call,
    wrap: Wrap,
    content: str | Mapping[str, str],
    answers: list[str],
    files: Mapping[str, object],
) -> list[str]:
    """Place the call; return what was logged, and the event that ended it if one did."""
    start = content if isinstance(content, Mapping) else {URL: wrap(content)}
    documents = {**start, **{BASE + name: body for name, body in files.items()}}
    heard = call(documents, *answers)
    logs: list[str] = heard.logs
    return [*logs, heard.exit.event] if heard.exit.event else logs


def different(call: Call, wrap: Wrap, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the logs of each call that logs something else than its row says.

    A row has a name, a document, what the caller does, what is logged, and perhaps further files. The calls of a
    table are one test, because a test costs many times what a call does.
    """
    for name, content, answers, logs, *files in rows:
        found = run(call, wrap, content, answers, files[0] if files else {})
        if found != logs:
            yield name, found
