"""Form items, their guards and their variables (VoiceXML 2.0, 2.1 and 2.3), one case per requirement."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
OTHER = "http://app.example/other.vxml"

ONE = "<option dtmf='1' value='one'>one</option>"


@pytest.mark.parametrize(
    ("content", "answers", "logs"),
    [
        pytest.param(
            "<form><field name='f' expr=\"'set'\"><grammar mode='dtmf' version='1.0' root='r'><rule id='r'>1</rule>"
            "</grammar><filled><log>filled</log></filled></field><block><log expr='f'/></block></form>",
            [],
            ["set"],
            id="2.3.1-expr-that-sets-a-field-keeps-it-from-being-visited",
        ),
        pytest.param(
            "<form><block name='b' expr='true'><log>b</log></block><block cond='b'><log>c</log></block></form>",
            [],
            ["c"],
            id="2.3.2-a-block-whose-variable-is-set-is-not-run",
        ),
        pytest.param(
            "<form><block name='b'><log expr='b'/></block><block><log expr='typeof b'/></block></form>",
            [],
            ["true", "boolean"],
            id="2.3.2-the-variable-of-a-block-is-true-before-its-content-is-run",
        ),
        pytest.param(
            "<form><block name='b' cond='n &lt; 2'><assign name='n' expr='n + 1'/><log expr='n'/>"
            "<clear namelist='b'/></block></form>",
            [],
            ["1", "2"],
            id="2.3.2-a-block-may-be-cleared-and-is-run-again",
        ),
        pytest.param(
            f"<form><field name='f'>{ONE}<filled><assign name='f' expr=\"'changed'\"/></filled></field>"
            "<block><log expr='f'/></block></form>",
            ["1"],
            ["changed"],
            id="2.4-a-filled-may-change-its-variable",
        ),
        pytest.param(
            f"<form><field name='f'>{ONE}<filled><clear namelist='f'/><if cond='n == 0'><assign name='n' expr='1'/>"
            "<else/><exit/></if></filled><prompt>P</prompt></field></form>",
            ["1", "1"],
            [],
            id="2.4-a-filled-that-clears-its-item-has-it-visited-again",
        ),
        pytest.param(
            f"<form><field name='a'>{ONE}</field><field name='b'>{ONE}</field>"
            "<filled mode='any' namelist='b'><log>b</log></filled>"
            "<filled mode='all' namelist='a b'><log>both</log></filled></form>",
            ["1", "1"],
            ["b", "both"],
            id="2.4-any-and-all-go-by-their-names",
        ),
        pytest.param(
            f"<form><field name='a'>{ONE}</field><field name='b'>{ONE}</field>"
            "<filled><log expr='a + b'/></filled></form>",
            ["1", "1"],
            ["oneone"],
            id="2.4-without-names-all-input-items-are-meant",
        ),
        pytest.param(
            f"<form><field name='a'>{ONE}<filled><throw event='x'/></filled><catch event='x'><log>item</log></catch>"
            "</field><catch event='x'><log>form</log></catch><block><log>on</log></block></form>",
            ["1"],
            ["item", "on"],
            id="2.4-an-event-in-an-items-filled-is-the-items",
        ),
        pytest.param(
            f"<form><field name='a'>{ONE}<catch event='x'><log>item</log></catch></field>"
            "<filled><throw event='x'/></filled><catch event='x'><log>form</log></catch></form>",
            ["1"],
            ["form"],
            id="2.4-an-event-in-a-forms-filled-is-the-forms",
        ),
        pytest.param(
            f"<form><field name='a'>{ONE}<filled><goto nextitem='c'/></filled></field>"
            "<block name='b'><log>b</log><exit/></block><block name='c'><log>c</log></block></form>",
            ["1"],
            ["c", "b"],
            id="5.3.7-nextitem-goes-there-first-and-then-on-in-order",
        ),
        pytest.param(
            "<form><block><goto expritem=\"'c' + ''\"/></block><block name='b'><log>b</log><exit/></block>"
            "<block name='c'><log>c</log></block></form>",
            [],
            ["c", "b"],
            id="5.3.7-expritem-is-evaluated",
        ),
        pytest.param(
            "<form><var name='v' expr='1'/><block><assign name='v' expr='v + 1'/><goto next='#g'/></block></form>"
            "<form id='g'><block><log expr=\"typeof v\"/></block></form>",
            [],
            ["undefined"],
            id="5.1.2-a-forms-variables-end-with-it",
        ),
        pytest.param(
            f"<form><initial name='i'><log/></initial><field name='a'>{ONE}</field></form>",
            [],
            [],
            id="2.3.3-an-initial-holds-no-executable-content",
        ),
        pytest.param(
            "<form><block><log expr='typeof f'/><log expr='f === undefined'/></block>"
            f"<field name='f'>{ONE}<filled><log expr='f'/></filled></field></form>",
            ["1"],
            ["undefined", "true", "one"],
            id="2.1.5-form-item-variables-are-there-and-undefined-at-first",
        ),
        pytest.param(
            "<form><field name='f' type='boolean'><filled><log expr='f$.utterance + f$.inputmode + (typeof f)'/>"
            "</filled></field></form>",
            ["1"],
            ["1dtmfboolean"],
            id="2.3.1-shadow-variables-of-a-key",
        ),
        pytest.param(
            "<form><field name='f' type='digits'><filled><log expr=\"f\"/></filled></field></form>",
            ["say:one two three"],
            ["123"],
            id="2.3.1-digits-that-are-said",
        ),
        pytest.param(
            "<form><field name='f'><option value='v'>big city</option><filled><log expr='f'/></filled></field></form>",
            ["say:big city"],
            ["v"],
            id="2.3.1.3-an-option-by-its-words",
        ),
        pytest.param(
            "<form><field name='f'><option>  big city\n </option><filled><log expr='f'/></filled></field></form>",
            ["say:big city"],
            ["big city"],
            id="2.3.1.3-without-a-value-the-text-without-the-space-around-it",
        ),
        pytest.param(
            "<form><field name='f'><option dtmf='3'/><filled><log expr='f'/></filled></field></form>",
            ["3"],
            ["3"],
            id="2.3.1.3-without-a-text-the-keys",
        ),
        pytest.param(
            "<form><field name='f'><option accept='approximate' value='v'>big red city</option>"
            "<filled><log expr='f'/></filled></field></form>",
            ["say:red city"],
            ["v"],
            id="2.3.1.3-an-option-said-in-part",
        ),
    ],
)
def test_what_the_application_logs(
    call: Call, wrap: Wrap, content: str, answers: list[str], logs: list[str]
) -> None:
    """Each requirement by what the application logs; n is a variable of the document."""
    document = wrap("<var name='n' expr='0'/>" + content)
    heard = call({URL: document}, *answers)
    assert heard.logs == logs


@pytest.mark.parametrize(
    "content",
    [
        "<form><field name='a'><option>x</option></field><field name='a'><option>x</option></field></form>",
        "<form id='a'><block/></form><form id='a'><block/></form>",
        "<form><block name='b'/><filled namelist='b'><log/></filled></form>",
        "<form><field name='f'><option>x</option><filled namelist='f'/></field></form>",
        "<form><field name='f'><option>x</option><filled mode='any'/></field></form>",
        "<form><field name='f'><grammar scope='document' src='g'/></field></form>",
        "<form><link event='x'><grammar scope='document' src='g'/></link><block/></form>",
        "<menu><choice event='x'><grammar scope='dialog' src='g'/></choice></menu>",
        "<form><transfer name='t'/></form>",
        "<form><transfer name='t' dest='tel:1' destexpr=\"'tel:1'\"/></form>",
        "<form><subdialog name='s' src='#a' srcexpr=\"'#a'\"/></form>",
        "<form><subdialog src='#a'><param name='p'/></subdialog></form>",
        "<form><subdialog src='#a'><param name='p' expr='1' value='2'/></subdialog></form>",
        "<form><block><prompt count='0'/></block></form>",
        "<form><block><prompt timeout='5'/></block></form>",
        "<form><block><goto/></block></form>",
        "<form><block><goto next='#a' expr='1'/></block></form>",
        "<form><block><submit/></block></form>",
        "<form><block><submit next='a' expr='b'/></block></form>",
        "<form><block><submit next='a' method='put'/></block></form>",
        "<form><block><throw/></block></form>",
        "<form><block><throw event='a' eventexpr='b'/></block></form>",
        "<form><block><throw event='a' message='a' messageexpr='b'/></block></form>",
        "<form><block><script/></block></form>",
        "<form><block><exit expr='1' namelist='a'/></block></form>",
        "<form><block><var expr='1'/></block></form>",
        "<form><block><assign name='a'/></block></form>",
        "<form><block><value/></block></form>",
        "<form><block><audio/></block></form>",
        "<form><block><audio src='a' expr='b'/></block></form>",
        "<form><block><unheardof/></block></form>",
        "<form><block><if><log/></if></block></form>",
        "<form><block><foreach item='i'><log/></foreach></block></form>",
        "<unheardof/>",
    ],
)
def test_2_a_document_that_is_not_valid_is_a_bad_fetch(call: Call, content: str) -> None:
    """5.2.6 and 6.1: whoever asked for it gets error.badfetch, and nothing of it runs."""
    assert call(content).exit.event == "error.badfetch"


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("a.b", "error.semantic"),
        ("1a", "error.semantic"),
        ("var", "error.semantic"),
    ],
)
def test_5_1_a_form_items_name_is_that_of_a_variable(call: Call, name: str, event: str) -> None:
    """5.1.1: a name that is no variable's is an error when the form is entered."""
    assert call(f"<form><block name='{name}'/></form>").exit.event == event


def test_2_1_6_1_an_error_in_a_guard_is_the_forms(call: Call) -> None:
    """A cond that cannot be evaluated throws error.semantic."""
    heard = call(
        "<form><block cond='nothing.at.all'/><catch event='error.semantic'><exit expr='1'/></catch></form>"
    )
    assert heard.exit.values == (("expr", "1"),)


def test_2_3_4_a_subdialog_is_a_context_of_its_own(call: Call) -> None:
    """Neither the caller's variables nor its handlers reach into it."""
    heard = call(
        """<var name="v" expr="1"/><form><var name="w" expr="2"/>
        <subdialog name="s" src="#sub"><filled><log expr="s.r"/></filled></subdialog>
        <catch event="x"><log>the caller's</log></catch></form>
        <form id="sub"><var name="r" expr="typeof w"/><block><assign name="v" expr="9"/>
        <log expr="v"/><return namelist="r"/></block></form>"""
    )
    assert heard.logs == ["9", "undefined"]


def test_2_3_4_the_callers_document_is_as_it_was(call: Call) -> None:
    """What a subdialog of the same document does to its variables is done to its own."""
    heard = call(
        """<var name="v" expr="1"/><form><subdialog src="#sub"/><block><log expr="v"/></block></form>
        <form id="sub"><block><assign name="v" expr="9"/><return/></block></form>"""
    )
    assert heard.logs == ["1"]


def test_2_3_4_an_event_that_a_subdialog_does_not_catch_ends_the_session(call: Call) -> None:
    """The handlers of the calling dialog are not asked: only <return event> reaches them."""
    heard = call(
        """<form><subdialog src="#sub"/><catch event="x"><log>caller</log></catch></form>
        <form id="sub"><block><throw event="x"/></block></form>"""
    )
    assert heard.logs == []
    assert heard.exit.event == "x"


def test_2_3_4_return_hands_objects_and_undefined_over(call: Call) -> None:
    """The result is an object with a property for each name."""
    heard = call(
        """<form><subdialog name="s" src="#sub"><filled><log expr="s.o.a + typeof s.u + ('u' in s)"/></filled>
        </subdialog></form>
        <form id="sub"><block><var name="o" expr="{a: 7}"/><var name="u"/><return namelist="o u"/></block></form>"""
    )
    assert heard.logs == ["7undefinedtrue"]


def test_5_3_10_return_with_an_undeclared_name_is_an_error_in_the_subdialog(call: Call) -> None:
    """error.semantic is thrown where the <return> stands."""
    heard = call(
        """<form><subdialog name="s" src="#sub"/></form><form id="sub"><block><return namelist="nothing"/>
        <catch event="error.semantic"/></block><catch event="error.semantic"><log>in it</log><return/></catch></form>"""
    )
    assert heard.exit.event == "error.badfetch", "a block holds no handlers"
    heard = call(
        """<form><subdialog name="s" src="#sub"/></form><form id="sub"><block><return namelist="nothing"/>
        </block><catch event="error.semantic"><log>in it</log><return/></catch></form>"""
    )
    assert heard.logs == ["in it"]


def test_2_3_4_a_subdialogs_root_is_loaded_for_it_alone(call: Call, wrap: Wrap) -> None:
    """The subdialog's application is not the caller's, even if it has the same root."""
    root = "http://app.example/root.vxml"
    heard = call(
        {
            URL: wrap(
                "<form><block><assign name='application.v' expr='5'/></block><subdialog src='other.vxml'/>"
                "<block><log expr='application.v'/></block></form>",
                "application='root.vxml'",
            ),
            OTHER: wrap(
                "<form><block><log expr='application.v'/><assign name='application.v' expr='6'/><return/>"
                "</block></form>",
                "application='root.vxml'",
            ),
            root: wrap("<var name='v' expr='1'/>"),
        }
    )
    assert heard.logs == ["1", "5"]


def test_2_1_6_2_3_a_form_level_grammar_fills_what_was_filled_before(call: Call) -> None:
    """Mixed initiative may correct an item that has a value."""
    grammar = """<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>
      <item>red<tag>out.a = 'red';</tag></item><item>blue<tag>out.a = 'blue';</tag></item>
      <item>done<tag>out.b = 'done';</tag></item></one-of></rule></grammar>"""
    own = """<grammar version="1.0" root="r"><rule id="r">nothing</rule></grammar>"""
    heard = call(
        f"""<form>{grammar}<field name="a">{own}<filled><log expr="'a ' + a"/></filled></field>
        <field name="b">{own}<filled><log expr="a + b"/></filled></field></form>""",
        "say:red",
        "say:blue",
        "say:done",
    )
    assert heard.logs == ["a red", "a blue", "bluedone"]


def test_2_3_3_a_form_level_match_ends_every_initial(call: Call) -> None:
    """Before any <filled> is run; what matches without filling anything does not."""
    grammar = """<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>
      <item>x<tag>out.f = 1;</tag></item><item>none<tag>out.other = 1;</tag></item></one-of></rule></grammar>"""
    own = """<grammar version="1.0" root="r"><rule id="r">y</rule></grammar>"""
    heard = call(
        f"""<form>{grammar}<initial name="i"><prompt>I</prompt></initial><initial name="j"/>
        <field name="f">{own}<filled><log expr="i + ' ' + j"/></filled></field></form>""",
        "say:none",
        "say:x",
    )
    assert heard.said == ["I", "I"]
    assert heard.logs == ["true true"]


def test_2_3_3_events_of_an_initial_are_counted_and_help_is_its_own(call: Call) -> None:
    """An initial has handlers, counters and prompts like an input item."""
    own = """<grammar version="1.0" root="r"><rule id="r">y</rule></grammar>"""
    heard = call(
        f"""<form>{own}<initial name="i"><prompt count="1">A</prompt><prompt count="2">B</prompt>
        <noinput count="1"><log>1</log><reprompt/></noinput>
        <noinput count="2"><log>2</log><assign name="i" expr="true"/></noinput></initial>
        <field name="f">{own}<prompt>F</prompt><noinput><exit/></noinput></field></form>"""
    )
    assert heard.said == ["A", "B"]
    assert heard.logs == ["1", "2"]
