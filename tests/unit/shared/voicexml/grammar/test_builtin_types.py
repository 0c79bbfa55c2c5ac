"""Builtin types (VoiceXML 2.0, 2.3.1 and Appendix P) by keys and by words, as a field gets them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

BASE = "http://app.example/"
URL = BASE + "start.vxml"


def grammar(rules: str, attributes: str = "", mode: str = "voice") -> str:
    """Make an inline grammar, whose root is r."""
    return f'<grammar version="1.0" root="r" mode="{mode}" {attributes}>{rules}</grammar>'


def rule(body: str, more: str = "", attributes: str = "", mode: str = "voice") -> str:
    """Make an inline grammar with a root rule, and perhaps more of them."""
    return grammar(f'<rule id="r">{body}</rule>{more}', attributes, mode)


def field(content: str, attributes: str = "", show: str = "JSON.stringify(f)") -> str:
    """Make a form with one field, which logs its value or the event."""
    return (
        f"<form><field name='f' {attributes}>{content}<filled><log expr=\"{show}\"/></filled>"
        "<catch event='nomatch noinput error'><log expr='_event'/><exit/></catch></field></form>"
    )


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


ANSWERED: list[tuple[Any, ...]] = [
    ("boolean", field("", 'type="boolean"'), ["1"], ["true"]),
    ("boolean-2", field("", 'type="boolean"'), ["2"], ["false"]),
    ("boolean-3", field("", 'type="boolean"'), ["3"], ["nomatch"]),
    ("boolean-4", field("", 'type="boolean"'), ["say:yes"], ["true"]),
    ("boolean-5", field("", 'type="boolean"'), ["say:No."], ["false"]),
    ("boolean-6", field("", 'type="boolean"'), ["say:maybe"], ["nomatch"]),
    ("boolean-y-7-n-9", field("", 'type="boolean?y=7;n=9"'), ["7"], ["true"]),
    ("boolean-y-7-n-9-2", field("", 'type="boolean?y=7;n=9"'), ["9"], ["false"]),
    ("boolean-y-7-n-9-3", field("", 'type="boolean?y=7;n=9"'), ["1"], ["nomatch"]),
    ("boolean-y-7", field("", 'type="boolean?y=7"'), ["2"], ["false"]),
    ("boolean-y-2", field("", 'type="boolean?y=2"'), ["2"], ["error.badfetch"]),
    ("boolean-n-9", field("", 'type="boolean?n=9"'), ["1"], ["true"]),
    ("boolean-y-7-n-9-4", field("", 'type="boolean?y=7;n=9"'), ["say:yes"], ["true"]),
    ("boolean-y-a", field("", 'type="boolean?y=a"'), ["1"], ["error.badfetch"]),
    ("boolean-z-1", field("", 'type="boolean?z=1"'), ["1"], ["error.badfetch"]),
    ("boolean-7", field("", 'type="boolean?"'), ["1"], ["true"]),
    ("boolean-8", field("", 'type=" boolean "'), ["1"], ["true"]),
    ("boolean-undefined-in-say-nothing", field("", 'type="boolean"'), [""], ["noinput"]),
    ("date", field("", 'type="date"'), ["20261231"], ['"20261231"']),
    ("date-2", field("", 'type="date"'), ["20261301"], ["nomatch"]),
    ("date-3", field("", 'type="date"'), ["20261232"], ["nomatch"]),
    ("date-4", field("", 'type="date"'), ["2026"], ["nomatch"]),
    ("date-5", field("", 'type="date"'), ["say:december 31st 2026"], ['"20261231"']),
    ("date-6", field("", 'type="date"'), ["say:december thirty first"], ['"????1231"']),
    ("date-7", field("", 'type="date"'), ["say:december 31"], ['"????1231"']),
    ("date-8", field("", 'type="date"'), ["say:December 31, 2026"], ['"20261231"']),
    ("date-9", field("", 'type="date"'), ["say:31 december 2026"], ['"20261231"']),
    ("date-10", field("", 'type="date"'), ["say:the 31st of december 2026"], ['"20261231"']),
    ("date-11", field("", 'type="date"'), ["say:2026-12-31"], ['"20261231"']),
    ("date-12", field("", 'type="date"'), ["say:december"], ['"????12??"']),
    ("date-13", field("", 'type="date"'), ["say:december fifth two thousand six"], ['"20061205"']),
    ("date-14", field("", 'type="date"'), ["say:december 5 nineteen ninety nine"], ['"19991205"']),
    ("date-15", field("", 'type="date"'), ["20260230"], ["nomatch"]),
    ("date-16", field("", 'type="date"'), ["20240229"], ['"20240229"']),
    ("date-17", field("", 'type="date"'), ["20260431"], ["nomatch"]),
    ("digits", field("", 'type="digits"'), ["1234#"], ['"1234"']),
    ("digits-2", field("", 'type="digits"'), ["say:one two three"], ['"123"']),
    ("digits-3", field("", 'type="digits"'), ["say:1 2 3"], ['"123"']),
    ("digits-4", field("", 'type="digits"'), ["say:oh nine"], ['"09"']),
    ("digits-5", field("", 'type="digits"'), ["say:twelve"], ["nomatch"]),
    ("digits-6", field("", 'type="digits"'), ["say:double two"], ['"22"']),
    ("digits-7", field("", 'type="digits"'), ["0"], ['"0"']),
    ("digits-8", field("", 'type="digits"'), ["12*"], ["nomatch"]),
    ("digits-length-4", field("", 'type="digits?length=4"'), ["1234"], ['"1234"']),
    ("digits-length-4-2", field("", 'type="digits?length=4"'), ["123#"], ["nomatch"]),
    ("digits-length-4-3", field("", 'type="digits?length=4"'), ["say:1 2 3 4"], ['"1234"']),
    ("digits-length-4-4", field("", 'type="digits?length=4"'), ["say:1 2 3"], ["nomatch"]),
    ("digits-minlength-2-maxlength-4", field("", 'type="digits?minlength=2;maxlength=4"'), ["1#"], ["nomatch"]),
    ("digits-minlength-2-maxlength-4-2", field("", 'type="digits?minlength=2;maxlength=4"'), ["12#"], ['"12"']),
    ("digits-minlength-2-maxlength-4-3", field("", 'type="digits?minlength=2;maxlength=4"'), ["1234"], ['"1234"']),
    ("digits-minlength-2", field("", 'type="digits?minlength=2"'), ["1#"], ["nomatch"]),
    ("digits-maxlength-2", field("", 'type="digits?maxlength=2"'), ["12"], ['"12"']),
    ("digits-minlength-4-maxlength-2", field("", 'type="digits?minlength=4;maxlength=2"'), ["12"], ["error.badfetch"]),
    ("digits-minlength-3-length-2", field("", 'type="digits?minlength=3;length=2"'), ["12"], ["error.badfetch"]),
    ("digits-length-abc", field("", 'type="digits?length=abc"'), ["12"], ["error.badfetch"]),
    ("digits-length-1", field("", 'type="digits?length=-1"'), ["12"], ["error.badfetch"]),
    ("digits-len-1", field("", 'type="digits?len=1"'), ["1"], ["error.badfetch"]),
    ("digits-minlength-2-maxlength-4-4", field("", 'type="digits?minlength=2;;maxlength=4"'), ["12#"], ['"12"']),
    ("digits-minlength-2-maxlength-4-5", field("", 'type="digits? minlength = 2 ; maxlength = 4"'), ["12#"], ['"12"']),
    ("digits-minlength-2-amp-maxlength-4", field("", 'type="digits?minlength=2&amp;maxlength=4"'), ["12#"],
     ["error.badfetch"]),
    ("digits-minlength-0-maxlength-4", field("", 'type="digits?minlength=0;maxlength=4"'), ["12#"], ['"12"']),
    ("digits-minlength-3-maxlength-9-length-5", field("", 'type="digits?minlength=3;maxlength=9;length=5"'),
     ["12345"], ['"12345"']),
    ("currency", field("", 'type="currency"'), ["12*34"], ['"12.34"']),
    ("currency-2", field("", 'type="currency"'), ["12"], ['"12.00"']),
    ("currency-3", field("", 'type="currency"'), ["*50"], ['"0.50"']),
    ("currency-4", field("", 'type="currency"'), ["12*34"], ['"12.34"']),
    ("currency-5", field("", 'type="currency"'), ["12*5#"], ['"12.50"']),
    ("currency-6", field("", 'type="currency"'), ["say:twelve dollars"], ['"12.00"']),
    ("currency-7", field("", 'type="currency"'), ["say:twelve dollars and fifty cents"], ['"12.50"']),
    ("currency-8", field("", 'type="currency"'), ["say:$12.50"], ['"USD12.50"']),
    ("currency-9", field("", 'type="currency"'), ["say:fifty cents"], ['"0.50"']),
    ("currency-10", field("", 'type="currency"'), ["say:one us dollar"], ['"USD1.00"']),
    ("currency-11", field("", 'type="currency"'), ["say:twelve dollars fifty"], ['"12.50"']),
    ("currency-12", field("", 'type="currency"'), ["say:ten euros"], ['"EUR10.00"']),
    ("currency-13", field("", 'type="currency"'), ["say:ten pounds"], ['"GBP10.00"']),
    ("currency-14", field("", 'type="currency"'), ["say:hello"], ["nomatch"]),
    ("currency-15", field("", 'type="currency"'), ["say:USD 12.50"], ['"USD12.50"']),
    ("number", field("", 'type="number"'), ["123"], ['"123"']),
    ("number-2", field("", 'type="number"'), ["12*5"], ['"12.5"']),
    ("number-3", field("", 'type="number"'), ["*5"], ['".5"']),
    ("number-4", field("", 'type="number"'), ["1*2*3"], ["nomatch"]),
    ("number-5", field("", 'type="number"'), ["say:minus five"], ['"-5"']),
    ("number-6", field("", 'type="number"'), ["say:one hundred twenty three"], ['"123"']),
    ("number-7", field("", 'type="number"'), ["say:three point one four"], ['"3.14"']),
    ("number-8", field("", 'type="number"'), ["say:negative one point five"], ['"-1.5"']),
    ("number-9", field("", 'type="number"'), ["say:plus five"], ['"+5"']),
    ("number-10", field("", 'type="number"'), ["say:-12.5"], ['"-12.5"']),
    ("number-11", field("", 'type="number"'), ["say:5"], ['"5"']),
    ("number-12", field("", 'type="number"'), ["say:two hundred and six thousand"], ['"206000"']),
    ("number-13", field("", 'type="number"'), ["say:banana"], ["nomatch"]),
    ("number-14", field("", 'type="number"'), ["say:and"], ["nomatch"]),
    ("number-15", field("", 'type="number"'), ["say:one two"], ["nomatch"]),
    ("number-16", field("", 'type="number"'), ["say:hundred"], ['"100"']),
    ("number-17", field("", 'type="number"'), ["say:zero"], ['"0"']),
    ("number-18", field("", 'type="number"'), ["say:twenty-one"], ['"21"']),
    ("number-19", field("", 'type="number"'), ["say:five five"], ["nomatch"]),
    ("phone", field("", 'type="phone"'), ["5551234"], ['"5551234"']),
    ("phone-2", field("", 'type="phone"'), ["8005551234*789"], ['"8005551234x789"']),
    ("phone-3", field("", 'type="phone"'), ["say:800 555 1234"], ['"8005551234"']),
    ("phone-4", field("", 'type="phone"'), ["say:eight oh oh five five five"], ['"800555"']),
    ("phone-5", field("", 'type="phone"'), ["say:800-555-1234 extension 12"], ['"8005551234x12"']),
    ("phone-6", field("", 'type="phone"'), ["say:(800) 555-1234"], ['"8005551234"']),
    ("phone-7", field("", 'type="phone"'), ["say:555 1234 ext 7"], ['"5551234x7"']),
    ("phone-8", field("", 'type="phone"'), ["say:800-555-1234 x12"], ['"8005551234x12"']),
    ("phone-9", field("", 'type="phone"'), ["*12"], ["nomatch"]),
    ("time", field("", 'type="time"'), ["0930"], ['"0930?"']),
    ("time-2", field("", 'type="time"'), ["1530"], ['"1530h"']),
    ("time-3", field("", 'type="time"'), ["0000"], ['"0000h"']),
    ("time-4", field("", 'type="time"'), ["2400"], ["nomatch"]),
    ("time-5", field("", 'type="time"'), ["1260"], ["nomatch"]),
    ("time-6", field("", 'type="time"'), ["1200"], ['"1200?"']),
    ("time-7", field("", 'type="time"'), ["say:five thirty"], ['"0530?"']),
    ("time-8", field("", 'type="time"'), ["say:five pm"], ['"0500p"']),
    ("time-9", field("", 'type="time"'), ["say:five p m"], ['"0500p"']),
    ("time-10", field("", 'type="time"'), ["say:noon"], ['"1200p"']),
    ("time-11", field("", 'type="time"'), ["say:midnight"], ['"1200a"']),
    ("time-12", field("", 'type="time"'), ["say:five o'clock"], ['"0500?"']),
    ("time-13", field("", 'type="time"'), ["say:five o'clock a.m."], ['"0500a"']),
    ("time-14", field("", 'type="time"'), ["say:17:45"], ['"1745h"']),
    ("time-15", field("", 'type="time"'), ["say:5:45 pm"], ['"0545p"']),
    ("time-16", field("", 'type="time"'), ["say:half past five"], ['"0530?"']),
    ("time-17", field("", 'type="time"'), ["say:hello"], ["nomatch"]),
    ("time-18", field("", 'type="time"'), ["say:ten forty five am"], ['"1045a"']),
    ("time-19", field("", 'type="time"'), ["say:seventeen hundred hours"], ['"1700h"']),
    ("time-20", field("", 'type="time"'), ["say:0530"], ['"0530?"']),
    ("time-21", field("", 'type="time"'), ["say:twelve oh five"], ['"1205?"']),
    ("unknown-type", field("", 'type="colour"'), ["1"], ["error.unsupported.builtin"]),
    ("unknown-builtin-uri", field('<grammar src="builtin:colour"/>'), ["1"], ["error.unsupported.builtin"]),
    ("builtin-grammar-digits", field('<grammar src="builtin:grammar/digits?minlength=2"/>'), ["say:1 2"], ['"12"']),
    ("builtin-dtmf-boolean", field('<grammar src="builtin:dtmf/boolean?y=5;n=6"/>'), ["5"], ["true"]),
    ("builtin-dtmf-not-voice", field('<grammar src="builtin:dtmf/boolean"/>'), ["say:yes"], ["nomatch"]),
    ("builtin-srcexpr", field('<grammar srcexpr="\'builtin:dtmf/digits?length=\' + 2"/>'), ["12"], ['"12"']),
    ("builtin-in-choice", ("<menu><choice next='#t'>"
      "<grammar src='builtin:dtmf/digits?length=2'/></choice></menu><form id='t'><block>"
      "<log>t</log></block></form>"), ["12"], ["t"]),
    ("builtin-mode-conflict", field('<grammar mode="voice" src="builtin:dtmf/boolean"/>'), ["1"], ["error.badfetch"]),
    ("type-grammar", field(rule("maybe"), 'type="boolean"'), ["say:maybe"], ['"maybe"']),
    ("type-grammar2", field(rule("maybe"), 'type="boolean"'), ["say:yes"], ["true"]),
    ("typed-shadow", field("", 'type="boolean"', "f$.utterance + f$.inputmode + typeof f$.interpretation"), ["1"],
     ["1dtmfboolean"]),
    ("typed-value-string", field("", 'type="digits"', "typeof f"), ["12#"], ["string"]),
    ("slot-with-type", field("", 'type="digits?length=2" slot="x"'), ["12"], ['"12"']),
]  # fmt: skip


def test_appendix_p_what_a_field_of_a_type_gets(call: Call, wrap: Wrap) -> None:
    """The value in its form, nomatch, or the event for parameters that make no sense."""
    assert dict(different(call, wrap, ANSWERED)) == {}
