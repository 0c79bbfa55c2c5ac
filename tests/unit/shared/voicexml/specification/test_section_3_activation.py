"""Which grammars are heard, and how they are found (VoiceXML 2.0, 3.1; SRGS 1.0), one case per requirement."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
ROOT = "http://app.example/root.vxml"
GRAMMAR = "http://app.example/g.grxml"

KEYS = (
    "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' mode='{mode}' root='one'>"
    "<rule id='one' scope='public'>{one}</rule><rule id='two' scope='public'>{two}</rule></grammar>"
)
DTMF = KEYS.format(mode="dtmf", one="1", two="2")
END = "</rule></grammar>"
ABNF = "#ABNF 1.0;\nmode dtmf;\nroot $one;\npublic $one = 1;\npublic $two = 2 | 3 <0-1> 4;\n"
FIELD = (
    "<form><field name='f'>{}<filled><log expr='f'/></filled><nomatch><log>nomatch</log><exit/></nomatch>"
    "<noinput><log>noinput</log><exit/></noinput></field></form>"
)


@pytest.mark.parametrize(
    ("element", "file", "answer", "log"),
    [
        ("<grammar src='g.grxml'/>", DTMF, "1", "1"),
        ("<grammar src='g.grxml#two'/>", DTMF, "2", "2"),
        ("<grammar src='g.grxml#two'/>", DTMF, "1", "nomatch"),
        ("<grammar srcexpr=\"'g.' + 'grxml'\"/>", DTMF, "1", "1"),
        ("<grammar src='g.grxml' type='application/srgs+xml' mode='dtmf'/>", DTMF, "1", "1"),
        ("<grammar src='g.grxml' type='application/srgs'/>", ABNF, "1", "1"),
        ("<grammar src='g.grxml#two'/>", ABNF, "34", "34"),
        ("<grammar src='g.grxml#two'/>", ABNF, "4", "4"),
        ("<grammar src='g.grxml'/>", KEYS.format(mode="voice", one="big red", two="no"), "say:big red", "big red"),
        ("<grammar src='builtin:dtmf/digits?length=2'/>", DTMF, "42", "42"),
        ("<grammar src='builtin:grammar/boolean'/>", DTMF, "say:yes", "true"),
        ("<grammar mode='dtmf' version='1.0' root='r'><rule id='r'><item repeat='2'>7</item></rule></grammar>",
         DTMF, "77", "77"),
        ("<grammar mode='dtmf' version='1.0' root='r'><rule id='r'><ruleref uri='g.grxml#two'/> *</rule></grammar>",
         DTMF, "2*", "2*"),
        ("<grammar version='1.0' root='r'><rule id='r'><one-of><item weight='0.1'>a</item></one-of></rule></grammar>",
         DTMF, "say:a", "a"),
        ("<grammar version='1.0' root='r'><rule id='r'>call <ruleref special='GARBAGE'/></rule></grammar>",
         DTMF, "say:call my mother", "call my mother"),
        ("<grammar version='1.0' root='r' tag-format='semantics/1.0-literals'><rule id='r'>yes<tag>Y</tag>" + END,
         DTMF, "say:YES!", "Y"),
        ("<grammar mode='dtmf' type='application/srgs'>#ABNF 1.0; mode dtmf; root $r; $r = 5;</grammar>",
         DTMF, "5", "5"),
    ],
)  # fmt: skip
def test_3_1_1_a_grammar_in_every_form(
    call: Call, wrap: Wrap, element: str, file: str, answer: str, log: str
) -> None:
    """Inline and elsewhere, by rule, in XML and ABNF, builtin."""
    heard = call({URL: wrap(FIELD.format(element)), GRAMMAR: file}, answer)
    assert heard.logs == [log]


@pytest.mark.parametrize(
    ("element", "file", "event"),
    [
        ("<grammar src='g.grxml'/>", 404, "error.badfetch.http.404"),
        ("<grammar src='g.grxml#three'/>", DTMF, "error.badfetch"),
        ("<grammar src='g.grxml'/>", "<html/>", "error.badfetch"),
        ("<grammar src='g.grxml' type='application/x-nuance'/>", DTMF, "error.unsupported.format"),
        ("<grammar src='builtin:dtmf/planets'/>", DTMF, "error.unsupported.builtin"),
        ("<grammar srcexpr='nothing'/>", DTMF, "error.semantic"),
        ("<grammar version='1.0' root='r'><rule id='q'>a</rule></grammar>", DTMF, "error.badfetch"),
    ],
)
def test_3_1_1_a_grammar_that_cannot_be_had(
    call: Call, wrap: Wrap, element: str, file: str | int, event: str
) -> None:
    """The event says why, and an application may catch it."""
    assert call({URL: wrap(FIELD.format(element)), GRAMMAR: file}).exit.event == event


NEVER = "<grammar version='1.0' root='r'><rule id='r'>never</rule></grammar>"
GLOBAL = (
    "<grammar {} version='1.0' root='r' tag-format='semantics/1.0'><rule id='r'>go<tag>out.g = 'gone';</tag></rule>"
    "</grammar>"
)
OTHER = (
    "<form id='o' {}>"
    + GLOBAL
    + "<field name='g'>"
    + NEVER
    + "<filled><log expr=\"'o ' + g\"/></filled></field></form>"
)


@pytest.mark.parametrize(
    ("form_scope", "grammar_scope", "log"),
    [
        ("scope='document'", "", "o gone"),
        ("", "scope='document'", "o gone"),
        ("", "", "nomatch"),
        ("scope='document'", "scope='dialog'", "nomatch"),
        ("scope='dialog'", "scope='document'", "o gone"),
    ],
)
def test_3_1_3_a_form_grammar_has_the_scope_of_its_form_unless_it_says_otherwise(
    call: Call, form_scope: str, grammar_scope: str, log: str
) -> None:
    """Of the document: it is heard in other forms, and leads into its own with what was said."""
    content = FIELD.format("<option>here</option>") + OTHER.format(form_scope, grammar_scope)
    assert call(content, "say:go").logs == [log]


def test_3_1_3_a_grammar_of_the_root_is_heard_in_its_leaves(call: Call, wrap: Wrap) -> None:
    """A form of document scope in the root is entered from any leaf."""
    heard = call(
        {
            URL: wrap(FIELD.format("<option>here</option>"), "application='root.vxml'"),
            ROOT: wrap(OTHER.format("scope='document'", "")),
        },
        "say:go",
    )
    assert heard.logs == ["o gone"]


def test_3_1_4_inner_grammars_go_before_outer_ones(call: Call, wrap: Wrap) -> None:
    """Field, form, document, root: each hides those outside of it for the same words."""
    link = "<link event='{}'><grammar version='1.0' root='r'><rule id='r'>go</rule></grammar></link>"
    catches = "<catch event='form doc root'><log expr='_event'/><exit/></catch>"

    def said(form: str, document: str) -> list[str]:
        leaf = f"{document}<form>{form}<field name='f'><option>x</option></field></form>{catches}"
        heard = call({URL: wrap(leaf, "application='root.vxml'"), ROOT: wrap(link.format("root"))}, "say:go")
        logs: list[str] = heard.logs
        return logs

    assert said(link.format("form"), link.format("doc")) == ["form"]
    assert said("", link.format("doc")) == ["doc"]
    assert said("", "") == ["root"]


@pytest.mark.parametrize(
    ("slot", "said", "value"),
    [
        ("", "{f: 'name'}", "name"),
        ("slot='s'", "{s: 'slot', f: 'name'}", "slot"),
        ("slot='a.b'", "{a: {b: 'deep'}}", "deep"),
        ("", "'simple'", "simple"),
        ("", "7", "7"),
    ],
)
def test_3_1_6_2_a_fields_grammar_fills_it_with_its_slot_or_the_whole(
    call: Call, slot: str, said: str, value: str
) -> None:
    """By the name of the slot, which is the field's own where none is given."""
    grammar = (
        "<grammar version='1.0' root='r' tag-format='semantics/1.0'><rule id='r'>go"
        f"<tag>out = {said};</tag></rule></grammar>"
    )
    heard = call(
        f"<form><field name='f' {slot}>{grammar}<filled><log expr='f'/></filled></field></form>", "say:go"
    )
    assert heard.logs == [value]


def test_3_1_6_1_a_forms_grammar_fills_every_item_whose_slot_it_has(call: Call) -> None:
    """And no other; what has a path finds it."""
    grammar = (
        "<grammar version='1.0' root='r' tag-format='semantics/1.0'><rule id='r'>go"
        "<tag>out.a = 1; out.deep = {b: 2}; out.other = 3;</tag></rule></grammar>"
    )
    heard = call(
        f"<form>{grammar}<field name='a'>{NEVER}</field><field name='b' slot='deep.b'>{NEVER}</field>"
        f"<field name='c'>{NEVER}<noinput><log expr=\"[a, b, typeof c].join(' ')\"/><exit/></noinput></field></form>",
        "say:go",
    )
    assert heard.logs == ["1 2 undefined"]


RESULT = (
    "[application.lastresult$.length, application.lastresult$[0].utterance, application.lastresult$.inputmode, "
    "application.lastresult$.confidence, application.lastresult$.interpretation].join('/')"
)


def test_5_1_5_the_last_result_lists_what_was_heard(call: Call) -> None:
    """application.lastresult$ as a list and as its first member."""
    field = (
        f"<field name='f'><option value='v'>go now</option><filled><log expr=\"{RESULT}\"/></filled></field>"
    )
    assert call(f"<form>{field}</form>", "say:go now").logs == ["1/go now/voice/1/v"]


@pytest.mark.parametrize(
    ("answer", "log"), [("say:what", "1/what/voice/1/"), ("7", "1/7/dtmf/1/"), ("", "noinput undefined")]
)
def test_5_1_5_a_nomatch_counts_as_a_recognition_and_a_noinput_does_not(
    call: Call, answer: str, log: str
) -> None:
    """What was not understood is in application.lastresult$, without a meaning."""
    field = (
        f"<field name='f'><option dtmf='1'>go now</option><nomatch><log expr=\"{RESULT}\"/><exit/></nomatch>"
        "<noinput><log expr=\"'noinput ' + typeof application.lastresult$\"/><exit/></noinput></field>"
    )
    assert call(f"<form>{field}</form>", answer).logs == [log]


def test_5_1_5_the_last_result_may_be_changed_by_the_application(call: Call) -> None:
    """It is a variable like others."""
    field = (
        "<field name='f'><option>go</option><filled><assign name='application.lastresult$.utterance' expr=\"'x'\"/>"
        "<log expr='application.lastresult$.utterance'/></filled></field>"
    )
    assert call(f"<form>{field}</form>", "say:go").logs == ["x"]
