"""Variables, events and executable content (VoiceXML 2.0, 5), one case per requirement."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml import effects

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
NEXT = "http://app.example/next.vxml"
ROOT = "http://app.example/root.vxml"

FIELD = "<field name='f'><option dtmf='1'>one</option>{}</field>"


@pytest.mark.parametrize(
    ("content", "answers", "logs"),
    [
        pytest.param(
            "<var name='x' expr='1'/><form><var name='x' expr='2'/><block><var name='x' expr='3'/>"
            "<log expr=\"[x, dialog.x, document.x, application.x].join(' ')\"/></block></form>",
            [],
            ["3 2 1 1"],
            id="5.1.2-each-scope-by-its-name",
        ),
        pytest.param(
            "<form><block><var name='x' expr='3'/><log expr='x'/></block><block><log expr='typeof x'/></block></form>",
            [],
            ["3", "undefined"],
            id="5.1.2-an-anonymous-scope-ends-with-its-block",
        ),
        pytest.param(
            "<var name='x' expr='1'/><form><block><assign name='document.x' expr='x + 1'/><log expr='x'/>"
            "</block></form>",
            [],
            ["2"],
            id="5.3.2-a-scope-may-be-named-in-an-assignment",
        ),
        pytest.param(
            "<form><block><throw event='a.b'/></block><catch event='a.b.c'><log>longer</log></catch>"
            "<catch event='a.bc'><log>other</log></catch><catch event='a'><log>prefix</log></catch></form>",
            [],
            ["prefix"],
            id="5.2.4-an-event-is-caught-by-its-prefix",
        ),
        pytest.param(
            "<form><block><throw event='a.b'/></block><catch event='a'><log>first</log></catch>"
            "<catch event='a.b'><log>exact</log></catch></form>",
            [],
            ["first"],
            id="5.2.4-the-first-that-matches-and-not-the-longest",
        ),
        pytest.param(
            "<form><block><throw event='x'/></block><catch event='y x z'><log expr='_event'/></catch></form>",
            [],
            ["x"],
            id="5.2.2-a-catch-of-several-events",
        ),
        pytest.param(
            "<form><block><throw event='x'/></block><catch><log expr='_event'/></catch></form>",
            [],
            ["x"],
            id="5.2.2-a-catch-without-an-event-takes-all",
        ),
        pytest.param(
            "<form><block><throw event='x' message='why'/></block><catch event='x'><log expr='_message'/>"
            "</catch></form>",
            [],
            ["why"],
            id="5.2.1-a-message",
        ),
        pytest.param(
            "<form><block><throw event='x'/></block><catch event='x'><log expr='typeof _message'/></catch></form>",
            [],
            ["undefined"],
            id="5.2.2-no-message-is-undefined",
        ),
        pytest.param(
            "<form><block><throw eventexpr=\"'x' + '.y'\" messageexpr=\"1 + 1\"/></block>"
            "<catch event='x.y'><log expr='_event + _message'/></catch></form>",
            [],
            ["x.y2"],
            id="5.2.1-event-and-message-by-expression",
        ),
        pytest.param(
            "<form><block><throw event='x'/></block><catch event='x' cond='false'><log>no</log></catch>"
            "<catch event='x'><log>yes</log></catch></form>",
            [],
            ["yes"],
            id="5.2.4-a-catch-whose-cond-is-false-is-out",
        ),
        pytest.param(
            "<form>"
            + FIELD.format(
                "<noinput count='1'><log>1</log></noinput><noinput count='3'><log>3</log><exit/></noinput>"
            )
            + "</form>",
            [],
            ["1", "1", "3"],
            id="5.2.4-the-highest-count-that-is-not-above-the-counter",
        ),
        pytest.param(
            "<form>"
            + FIELD.format(
                "<catch event='noinput nomatch' count='2'><log>2</log><exit/></catch>"
                "<noinput><log>n</log></noinput><nomatch><log>m</log></nomatch>"
            )
            + "</form>",
            ["7", "7"],
            ["m", "2"],
            id="5.2.2-each-event-has-its-own-counter",
        ),
        pytest.param(
            "<form>"
            + FIELD.format(
                "<noinput><log>n</log></noinput><nomatch><log>m</log></nomatch>"
                "<catch event='' count='3'><log>3</log><exit/></catch>"
            )
            + "</form>",
            ["7", "", "7"],
            ["m", "n", "3"],
            id="5.2.2-a-catch-of-all-counts-all",
        ),
        pytest.param(
            "<form>"
            + FIELD.format("<error><log>e</log><exit/></error>")
            + "<filled><throw event='error.my.own'/>"
            "</filled><error><log expr='_event'/></error></form>",
            ["1"],
            ["error.my.own"],
            id="5.2.3-error-is-short-for-a-catch",
        ),
        pytest.param(
            "<property name='universals' value='all'/><form>"
            + FIELD.format("<help count='2'><log>2</log><exit/></help><help><log>1</log></help>")
            + "</form>",
            ["say:help", "say:help"],
            ["1", "2"],
            id="5.2.3-help-is-counted-like-the-rest",
        ),
        pytest.param(
            "<catch event='x'><log>document</log></catch><form><block><throw event='x'/></block></form>",
            [],
            ["document"],
            id="5.2.4-a-handler-of-the-document",
        ),
        pytest.param(
            "<form><catch event='x'><throw event='y'/></catch><catch event='y'><log>y</log></catch>"
            "<block><throw event='x'/></block></form>",
            [],
            ["y"],
            id="5.2-a-handler-may-throw",
        ),
        pytest.param(
            "<form><block><if cond='n == 0'><log>0</log><elseif cond='n == 1'/><log>1</log><else/><log>2</log></if>"
            "<if cond='n'><log>no</log></if></block></form>",
            [],
            ["0"],
            id="5.3.4-if-elseif-else",
        ),
        pytest.param(
            "<form><block><reprompt/><log>on</log></block></form>",
            [],
            ["on"],
            id="5.3.6-reprompt-outside-of-a-handler-does-nothing",
        ),
        pytest.param(
            "<form id='a'><block><assign name='n' expr='n + 1'/><if cond='n &lt; 3'><goto next='#a'/></if>"
            "<log expr='n'/></block></form>",
            [],
            ["3"],
            id="5.3.7-a-form-may-go-to-itself-and-begins-anew",
        ),
        pytest.param(
            "<form><block><goto expr=\"'#' + 'b'\"/></block></form><form id='b'><block><log>b</log></block></form>",
            [],
            ["b"],
            id="5.3.7-goto-by-expression",
        ),
        pytest.param(
            "<form><block><goto next='#nowhere'/></block><catch event='error.badfetch'><log>bad</log></catch></form>",
            [],
            ["bad"],
            id="5.3.7-a-dialog-that-is-not-there",
        ),
        pytest.param(
            "<form><block><script>var a = 1; function f(x) { return x + a; }</script><log expr='f(1)'/></block>"
            "<block><log expr='typeof f'/></block></form>",
            [],
            ["2", "undefined"],
            id="5.3.12-a-script-in-a-block-is-the-blocks",
        ),
        pytest.param(
            "<script>function f(x) { return x + n; } var g = 5;</script><form><block><log expr='f(1) + g'/>"
            "<log expr='document.g'/></block></form>",
            [],
            ["6", "5"],
            id="5.3.12-a-script-of-the-document-is-the-documents",
        ),
        pytest.param(
            "<form><script>var s = 4;</script><block><log expr='dialog.s'/></block></form>",
            [],
            ["4"],
            id="5.3.12-a-script-of-a-form-is-the-dialogs",
        ),
        pytest.param(
            "<form><block><script>n = 8;</script><log expr='document.n'/></block></form>",
            [],
            ["8"],
            id="5.1-scripts-and-elements-share-their-variables",
        ),
        pytest.param(
            "<form><block><log label='l' expr='n'/><log>a <value expr='n + 1'/> b</log></block></form>",
            [],
            ["0", "a 1 b"],
            id="5.3.13-log",
        ),
        pytest.param(
            "<form><block><clear namelist='n'/><log expr='typeof n'/></block></form>",
            [],
            ["undefined"],
            id="5.3.3-clear-a-variable-of-the-document",
        ),
        pytest.param(
            "<form><block name='b'><throw event='x'/></block><catch event='x'><log>x</log><exit/></catch></form>",
            [],
            ["x"],
            id="5.2-an-event-in-a-block",
        ),
        pytest.param(
            "<form><var name='v' expr='nothing'/><catch event='error.semantic'><log expr='_event'/><exit/>"
            "</catch></form>",
            [],
            ["error.semantic"],
            id="5.2.2-an-event-while-a-form-is-initialised-is-the-forms",
        ),
    ],
)
def test_what_the_application_logs(
    call: Call, wrap: Wrap, content: str, answers: list[str], logs: list[str]
) -> None:
    """Each requirement by what the application logs; n is a variable of the document, 0 at first."""
    assert call({URL: wrap("<var name='n' expr='0'/>" + content)}, *answers).logs == logs


@pytest.mark.parametrize(
    "content",
    [
        "<assign name='undeclared' expr='1'/>",
        "<assign name='v' expr='undeclared'/>",
        "<var name='a.b'/>",
        "<var name='session.x' expr='1'/>",
        "<assign name='session.id' expr='1'/>",
        "<if cond='1 +'><log/></if>",
        "<if cond='undeclared'><log/></if>",
        "<clear namelist='undeclared'/>",
        "<exit namelist='undeclared'/>",
        "<exit expr='undeclared'/>",
        "<log expr='undeclared'/>",
        "<throw eventexpr='undeclared'/>",
        "<goto expr='undeclared'/>",
        "<goto expritem='undeclared'/>",
        "<submit next='next.vxml' namelist='undeclared'/>",
        "<submit expr='undeclared'/>",
        "<script>undeclared.x = 1;</script>",
        "<script>syntax error</script>",
        "<script>throw new Error('mine');</script>",
        "<foreach item='i' array='undeclared'><log/></foreach>",
        "<foreach item='i' array='v'><log/></foreach>",
        "<data name='d' srcexpr='undeclared'/>",
        "<return/>",
        "<disconnect namelist='undeclared'/>",
    ],
)
def test_5_2_6_what_cannot_be_done_is_a_semantic_error(call: Call, content: str) -> None:
    """error.semantic, caught where it happened."""
    heard = call(
        f"<form><var name='v' expr='1'/><block>{content}<log>not reached</log></block>"
        "<catch event='error.semantic'><log>semantic</log><exit/></catch></form>"
    )
    assert heard.logs == ["semantic"]


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (404, "error.badfetch.http.404"),
        (500, "error.badfetch.http.500"),
        (403, "error.badfetch.http.403"),
        ("fail:no connection", "error.badfetch"),
        ("<html/>", "error.badfetch"),
        ("not xml", "error.badfetch"),
        ("<vxml version='1.0'/>", "error.badfetch"),
        ("", "error.badfetch"),
    ],
)
@pytest.mark.parametrize(
    "element",
    [
        "<goto next='next.vxml'/>",
        "<submit next='next.vxml'/>",
        "<submit method='post' expr=\"'next.vxml'\"/>",
    ],
)
def test_5_2_6_a_document_that_cannot_be_had_is_a_bad_fetch(
    call: Call, wrap: Wrap, element: str, status: int | str, event: str
) -> None:
    """Thrown where the transition was asked for, with HTTP's status in its name."""
    heard = call(
        {
            URL: wrap(
                f"<form><block>{element}</block><catch event='error.badfetch'><log expr='_event'/><exit/>"
                f"</catch></form>"
            ),
            NEXT: status,
        }
    )
    assert heard.logs == [event]


@pytest.mark.parametrize("url", ["ftp://app.example/a", "mailto:a@b", "http://", "file:///etc/passwd", "//"])
def test_5_2_6_an_address_that_cannot_be_fetched_is_a_bad_fetch(call: Call, url: str) -> None:
    """Only http and https are fetched."""
    assert call(f"<form><block><goto next='{url}'/></block></form>").exit.event.startswith("error.badfetch")


def test_5_3_8_submit_sends_all_named_input_items_by_default(call: Call, wrap: Wrap) -> None:
    """By GET in the query; without a name, control items and variables are not sent."""
    heard = call(
        {
            URL: wrap(
                "<form><var name='v' expr='1'/><block name='b'/>"
                + FIELD.format("")
                + "<field><option dtmf='2'>two</option></field><block><submit next='next.vxml?q=1'/></block></form>"
            ),
            NEXT: wrap("<form><block><log>there</log></block></form>"),
        },
        "1",
        "2",
    )
    assert heard.logs == ["there"]
    assert heard.fetches[-1].url == NEXT + "?q=1&f=one"
    assert heard.fetches[-1].form == ()


@pytest.mark.parametrize(
    ("namelist", "form"),
    [
        ("", ()),
        ("v", (("v", "a b&c"),)),
        ("v document.d", (("v", "a b&c"), ("document.d", "7"))),
        ("o", (("o", '{"x":1}'),)),
        ("o.x", (("o.x", "1"),)),
    ],
)
def test_5_3_8_submit_posts_what_its_namelist_names(
    call: Call, wrap: Wrap, namelist: str, form: tuple[tuple[str, str], ...]
) -> None:
    """In the form of HTML forms; an empty list sends nothing."""
    heard = call(
        {
            URL: wrap(
                "<var name='d' expr='7'/><form><var name='v' expr=\"'a b&amp;c'\"/><var name='o' expr='{x: 1}'/>"
                f"<block><submit next='next.vxml' method='post' namelist='{namelist}'/></block></form>"
            ),
            NEXT: wrap("<form><block/></form>"),
        }
    )
    assert (heard.fetches[-1].method, heard.fetches[-1].form) == ("POST", form)


def test_5_3_8_multipart_is_asked_for_by_enctype(call: Call, wrap: Wrap) -> None:
    """multipart/form-data, also without a recording."""
    heard = call(
        {
            URL: wrap(
                "<form><block><submit next='next.vxml' method='post' enctype='multipart/form-data'/></block></form>"
            ),
            NEXT: wrap("<form><block/></form>"),
        }
    )
    assert heard.fetches[-1].multipart


@pytest.mark.parametrize(
    ("element", "values"),
    [
        ("<exit/>", ()),
        ("<exit expr=\"'done'\"/>", (("expr", "done"),)),
        ("<exit namelist='v w'/>", (("v", "1"), ("w", "two"))),
        ("<disconnect namelist='v'/>", (("v", "1"),)),
    ],
)
def test_5_3_9_what_an_application_hands_over(
    call: Call, element: str, values: tuple[tuple[str, str], ...]
) -> None:
    """By expr or namelist of <exit>, and by the namelist of <disconnect>."""
    heard = call(
        f"<form><var name='v' expr='1'/><var name='w' expr=\"'two'\"/><block>{element}</block></form>"
    )
    assert heard.exit.values == values


def test_5_3_9_exit_in_a_subdialog_ends_the_session(call: Call) -> None:
    """<exit> returns to the interpreter's context, from however deep."""
    heard = call(
        "<form><subdialog src='#s'><filled><log>no</log></filled></subdialog></form>"
        "<form id='s'><block><exit expr='7'/></block></form>"
    )
    assert heard.logs == []
    assert heard.exit.values == (("expr", "7"),)


def test_1_5_2_the_roots_handlers_properties_and_variables_hold_in_its_leaf(call: Call, wrap: Wrap) -> None:
    """Handlers with the variables of the leaf, properties under those of the leaf."""
    heard = call(
        {
            URL: wrap(
                "<var name='v' expr=\"'leaf'\"/><form>"
                + FIELD.format("")
                + "<catch event='y'><log expr='application.v'/><exit/></catch></form>",
                "application='root.vxml'",
            ),
            ROOT: wrap(
                "<var name='v' expr=\"'root'\"/><property name='timeout' value='9s'/>"
                "<catch event='noinput'><log expr='v'/><throw event='y'/></catch>"
            ),
        }
    )
    assert heard.logs == ["leaf", "root"]
    assert next(each.timeout_ms for each in heard.effects if isinstance(each, effects.Listen)) == 9_000


def test_5_2_4_the_leafs_handler_goes_before_the_roots(call: Call, wrap: Wrap) -> None:
    """Among equal counts the inner scope wins; a higher count of the root wins over it."""
    heard = call(
        {
            URL: wrap(
                "<noinput><log>leaf</log></noinput><form>" + FIELD.format("") + "</form>",
                "application='root.vxml'",
            ),
            ROOT: wrap(
                "<noinput><log>root 1</log></noinput><noinput count='2'><log>root 2</log><exit/></noinput>"
            ),
        }
    )
    assert heard.logs == ["leaf", "root 2"]


@pytest.mark.parametrize("problem", [404, "<vxml version='2.0' application='x.vxml'/>", "not xml"])
def test_1_5_2_a_root_that_cannot_be_used(call: Call, wrap: Wrap, problem: int | str) -> None:
    """The document is not entered: its fetch has failed."""
    heard = call(
        {URL: wrap("<form><block><log>no</log></block></form>", "application='root.vxml'"), ROOT: problem}
    )
    assert heard.logs == []
    assert heard.exit.event.startswith("error.")


@pytest.mark.parametrize(
    "content",
    [
        "<form><block><prompt xml:base='http://['>A</prompt></block></form>",
        "<form><field name='f'><grammar src='http://['/></field></form>",
        "<form><field name='f'><grammar srcexpr=\"'http://['\"/></field></form>",
        "<form><field name='f'><grammar root='r' xml:base='http://['><rule id='r'>a</rule></grammar></field></form>",
        "<form><field name='f'><grammar root='r'><rule id='r'><ruleref uri='http://['/></rule></grammar></field></form>",
        "<form><field name='f'><grammar>#ABNF 1.0; base &lt;http://[&gt;; root $r; $r = a;</grammar></field></form>",
        "<form><block><goto next='http://['/></block></form>",
        "<form><block><script src='http://['/></block></form>",
        "<form><subdialog src='http://['/></form>",
    ],
)
def test_5_2_6_what_is_no_address_at_all_is_a_bad_fetch(call: Call, content: str) -> None:
    """Wherever an address may stand."""
    assert call(content).exit.event == "error.badfetch"


def test_4_1_3_an_address_of_audio_that_is_none_leaves_its_alternate_content(call: Call) -> None:
    """The host cannot fetch it, and plays what stands inside."""
    assert call("<form><block><audio src='http://['>A</audio></block></form>").said == ["<http://[>"]
