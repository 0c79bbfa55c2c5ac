"""Menus, choices and links (VoiceXML 2.0, 2.2 and 2.5), one case per requirement."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
ROOT = "http://app.example/root.vxml"

OUT = "<grammar version='1.0' root='r'><rule id='r'>out</rule></grammar>"
NINE = "<grammar mode='dtmf' version='1.0' root='r'><rule id='r'>9</rule></grammar>"
TARGETS = "<form id='a'><block><log>a</log></block></form><form id='b'><block><log>b</log></block></form>"
FIELD = "<field name='f'><option dtmf='1'>one</option><nomatch><log>nomatch</log><exit/></nomatch></field>"


@pytest.mark.parametrize(
    ("content", "answers", "logs"),
    [
        pytest.param(
            "<menu dtmf='true'><choice next='#a'>x</choice><choice dtmf='*' next='#b'>y</choice></menu>",
            ["*"],
            ["b"],
            id="2.2.1-star-pound-and-zero-may-be-given-beside-dtmf-true",
        ),
        pytest.param(
            "<menu dtmf='true'><choice dtmf='0' next='#a'>x</choice><choice next='#b'>y</choice></menu>",
            ["1"],
            ["b"],
            id="2.2.1-keys-are-given-to-the-choices-that-have-none",
        ),
        pytest.param(
            "<menu><choice dtmf='1 2' next='#a'>x</choice><choice dtmf='1 3' next='#b'>y</choice></menu>",
            ["13"],
            ["b"],
            id="2.2.2-a-choice-of-several-keys",
        ),
        pytest.param(
            f"<menu><choice next='#a'>x{OUT}</choice><choice next='#b'>y</choice></menu>",
            ["say:out"],
            ["a"],
            id="2.2.2-a-choices-grammar-instead-of-its-text",
        ),
        pytest.param(
            "<menu><choice accept='approximate' next='#a'>big red news</choice><choice next='#b'>y</choice></menu>",
            ["say:red news"],
            ["a"],
            id="2.2.5-a-choice-may-override-the-menus-accept",
        ),
        pytest.param(
            "<menu><choice event='x' message='m'>x</choice><catch event='x'><log expr='_event + _message'/><exit/>"
            "</catch></menu>",
            ["say:x"],
            ["xm"],
            id="2.2.2-a-choice-throws-an-event-with-a-message",
        ),
        pytest.param(
            "<menu><choice eventexpr=\"'x' + '.y'\" messageexpr=\"'m' + 1\">x</choice><catch event='x'>"
            "<log expr='_event + _message'/><exit/></catch></menu>",
            ["say:x"],
            ["x.ym1"],
            id="2.2.2-event-and-message-by-expression",
        ),
        pytest.param(
            "<menu id='m'><choice expr=\"'#' + 'b'\">x</choice></menu>",
            ["say:x"],
            ["b"],
            id="2.2.2-the-address-by-expression",
        ),
        pytest.param(
            "<form><block><goto next='#m'/></block></form><menu id='m'><choice next='#b'>x</choice></menu>",
            ["say:x"],
            ["b"],
            id="2.2-a-menu-is-a-dialog-with-an-id",
        ),
        pytest.param(
            f"<form>{FIELD}</form><menu id='m' scope='document'><choice dtmf='7' next='#b'>x</choice></menu>",
            ["7"],
            ["b"],
            id="2.2.1-a-menu-of-the-whole-document-is-heard-in-its-forms",
        ),
        pytest.param(
            f"<form>{FIELD}</form><menu id='m'><choice dtmf='7' next='#b'>x</choice></menu>",
            ["7"],
            ["nomatch"],
            id="2.2.1-another-menu-is-not",
        ),
        pytest.param(
            "<menu><choice next='#a'>x</choice><noinput count='2'><log>2</log><exit/></noinput>"
            "<noinput><log>1</log></noinput></menu>",
            [],
            ["1", "2"],
            id="5.2.2-a-menu-counts-its-events",
        ),
        pytest.param(
            f"<form><link next='#b'>{OUT}</link>{FIELD}</form>",
            ["say:out"],
            ["b"],
            id="2.5-a-forms-link",
        ),
        pytest.param(
            f"<form><field name='f'><link next='#b'>{OUT}</link><option>one</option></field></form>",
            ["say:out"],
            ["b"],
            id="2.5-a-fields-link",
        ),
        pytest.param(
            f"<form><initial><link next='#b'>{OUT}</link></initial>{FIELD}</form>",
            ["say:out"],
            ["b"],
            id="2.5-an-initials-link",
        ),
        pytest.param(
            f"<link dtmf='9 9' event='x'/><form>{FIELD}<catch event='x'><log>x</log><exit/></catch></form>",
            ["99"],
            ["x"],
            id="2.5-a-link-by-its-keys",
        ),
        pytest.param(
            f"<link event='x'>{OUT}{NINE}</link><form>{FIELD}<catch event='x'>"
            "<log expr='application.lastresult$.utterance'/><exit/></catch></form>",
            ["9"],
            ["9"],
            id="2.5-a-link-with-two-grammars",
        ),
        pytest.param(
            f"<link eventexpr=\"'x.' + 'y'\" messageexpr=\"'m' + 'n'\">{OUT}</link><form>{FIELD}<catch event='x'>"
            "<log expr='_event + _message'/><exit/></catch></form>",
            ["say:out"],
            ["x.ymn"],
            id="2.5-event-and-message-of-a-link-by-expression",
        ),
        pytest.param(
            f"<link expr=\"'#' + 'b'\">{OUT}</link><form>{FIELD}</form>",
            ["say:out"],
            ["b"],
            id="2.5-the-address-of-a-link-by-expression",
        ),
        pytest.param(
            f"<link event='x'>{OUT}</link><form><field name='f'><option>one</option><catch event='x'><log>field</log>"
            "<exit/></catch></field><catch event='x'><log>form</log></catch></form>",
            ["say:out"],
            ["field"],
            id="2.5-a-links-event-is-thrown-where-the-caller-is",
        ),
        pytest.param(
            f"<link next='#a'>{OUT}</link><form><link next='#b'>{OUT}</link>{FIELD}</form>",
            ["say:out"],
            ["b"],
            id="3.1.4-the-inner-link-goes-before-the-outer-one",
        ),
        pytest.param(
            f"<form><link next='#a'>{OUT}</link><link next='#b'>{OUT}</link>{FIELD}</form>",
            ["say:out"],
            ["a"],
            id="3.1.4-of-two-links-of-a-scope-the-first",
        ),
        pytest.param(
            f"<form><link next='#a'>{OUT}</link><grammar version='1.0' root='r' tag-format='semantics/1.0'>"
            f"<rule id='r'>"
            f"out<tag>out.f = 1;</tag></rule></grammar>{FIELD}<filled><log>filled</log></filled></form>",
            ["say:out"],
            ["a"],
            id="3.1.4-of-a-link-and-a-grammar-of-a-form-the-first",
        ),
        pytest.param(
            f"<form><grammar version='1.0' root='r' tag-format='semantics/1.0'><rule id='r'>out<tag>out.f = 1;</tag>"
            f"</rule></grammar><link next='#a'>{OUT}</link>{FIELD}<filled><log>filled</log></filled></form>",
            ["say:out"],
            ["filled"],
            id="3.1.4-and-the-other-way-round",
        ),
        pytest.param(
            f"<link event='help'>{OUT}</link><form>{FIELD}<help><log>help</log><exit/></help></form>",
            ["say:out"],
            ["help"],
            id="2.5-a-link-may-throw-a-predefined-event",
        ),
        pytest.param(
            f"<link event='x'>{OUT}</link><form><record name='r' modal='false' dtmfterm='false' maxtime='3s'>"
            "<filled><log expr='r$.maxtime'/></filled></record></form>",
            ["maxtime"],
            ["true"],
            id="2.3.6-a-recording-that-ran-into-its-longest-time",
        ),
    ],
)
def test_what_the_application_logs(call: Call, content: str, answers: list[str], logs: list[str]) -> None:
    """Each requirement by what the application logs."""
    assert call(content + TARGETS, *answers).logs == logs


def test_2_2_4_enumerate_without_a_template_says_every_choice(call: Call) -> None:
    """In the order of the document, in a catch element too."""
    heard = call(
        """<menu><prompt><enumerate/></prompt><choice event="x">ay</choice><choice event="x">bee</choice>
        <noinput count="2"><exit/></noinput><noinput>Choose <enumerate/></noinput></menu>"""
    )
    assert heard.said == ["ay", "bee", "Choose", "ay", "bee"]


def test_2_2_4_enumerate_elsewhere_is_a_semantic_error(call: Call) -> None:
    """There is nothing to enumerate in a block."""
    assert call("<form><block><enumerate/></block></form>").exit.event == "error.semantic"


def test_2_2_3_menus_of_the_root_are_heard_in_its_leaf(call: Call, wrap: Wrap) -> None:
    """A document-scoped menu of the root leads into the root."""
    heard = call(
        {
            URL: wrap(f"<form>{FIELD}</form>", "application='root.vxml'"),
            ROOT: wrap(
                "<menu scope='document'><choice dtmf='7' next='#b'>x</choice></menu>"
                "<form id='b'><block><log>root's b</log></block></form>"
            ),
        },
        "7",
    )
    assert heard.logs == ["root's b"]


def test_2_5_a_relative_address_of_a_roots_link_starts_from_the_root(call: Call, wrap: Wrap) -> None:
    """It is resolved against the document that holds the link."""
    heard = call(
        {
            URL: wrap(f"<form>{FIELD}</form>", "application='deep/root.vxml'"),
            "http://app.example/deep/root.vxml": wrap(f"<link next='target.vxml'>{OUT}</link>"),
            "http://app.example/deep/target.vxml": wrap("<form><block><log>deep</log></block></form>"),
        },
        "say:out",
    )
    assert heard.logs == ["deep"]
