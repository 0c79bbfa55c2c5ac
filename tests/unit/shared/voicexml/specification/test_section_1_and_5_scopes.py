"""Applications, subdialogs, scopes and events (VoiceXML 2.0, 1.5, 2.3.4, 5.1 to 5.3), by section."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
LEAF = "http://app.example/leaf.vxml"
ROOT = "http://app.example/root.vxml"
SUB = "http://app.example/sub.vxml"

IN_APPLICATION = "application='root.vxml'"


def test_1_5_1_a_document_without_a_dialog_ends_the_session(call: Call, wrap: Wrap) -> None:
    """There is nothing to execute."""
    assert call({URL: wrap("<var name='a'/>")}).exit.reason == "exit"


def test_1_5_2_the_root_is_loaded_before_its_leaf(call: Call, wrap: Wrap) -> None:
    """Its variables, handlers, properties and scripts hold in the leaf."""
    root = """<script>function twice(x) { return 2 * x }</script><var name="r" expr="twice(2)"/>
      <property name="timeout" value="9s"/><noinput>Root handler<exit/></noinput>"""
    leaf = """<var name="l" expr="r + 1"/><form><block><log expr="application.r + ' ' + document.l"/></block>
      <field name="f" type="digits"/></form>"""
    heard = call({URL: wrap(leaf, IN_APPLICATION), ROOT: wrap(root)})
    assert heard.logs == ["4 5"]
    assert heard.said == ["Root handler"]
    assert [fetch.url for fetch in heard.fetches] == [URL, ROOT]


def test_1_5_2_from_leaf_to_leaf_the_application_lives_on(call: Call, wrap: Wrap) -> None:
    """Its variables keep their values, and the root is not fetched again."""
    one = "<form><block><assign name='r' expr='5'/><goto next='leaf.vxml'/></block></form>"
    two = "<form><block><log expr='r'/></block></form>"
    heard = call(
        {
            URL: wrap(one, IN_APPLICATION),
            LEAF: wrap(two, IN_APPLICATION),
            ROOT: wrap("<var name='r' expr='1'/>"),
        }
    )
    assert heard.logs == ["5"]
    assert [fetch.url for fetch in heard.fetches] == [URL, ROOT, LEAF]


@pytest.mark.parametrize(
    ("way", "value"), [("<goto next='root.vxml'/>", "5"), ("<submit next='root.vxml'/>", "1")]
)
def test_1_5_2_from_leaf_to_root_only_a_submit_begins_anew(
    call: Call, wrap: Wrap, way: str, value: str
) -> None:
    """A goto keeps the application's variables."""
    leaf = f"<form><block><assign name='application.r' expr='5'/>{way}</block></form>"
    root = "<var name='r' expr='1'/><form><block><log expr='r'/></block></form>"
    assert call({URL: wrap(leaf, IN_APPLICATION), ROOT: wrap(root)}).logs == [value]


def test_1_5_2_another_application_has_variables_of_its_own(call: Call, wrap: Wrap) -> None:
    """The old one's are gone."""
    one = "<form><block><goto next='leaf.vxml'/></block></form>"
    two = "<form><block><log expr='typeof r'/></block></form>"
    heard = call({URL: wrap(one, IN_APPLICATION), ROOT: wrap("<var name='r' expr='1'/>"), LEAF: wrap(two)})
    assert heard.logs == ["undefined"]


def test_1_5_2_a_root_may_not_name_a_root_itself(call: Call, wrap: Wrap) -> None:
    """error.semantic."""
    heard = call({URL: wrap("<form/>", IN_APPLICATION), ROOT: wrap("", "application='other.vxml'")})
    assert heard.exit.event == "error.semantic"


def test_2_3_4_a_subdialog_has_variables_of_its_own_and_returns_some(call: Call, wrap: Wrap) -> None:
    """The caller's are neither seen nor changed; what is returned becomes properties of the item."""
    heard = call(
        {
            URL: wrap(
                """<var name="v" expr="1"/><form><subdialog name="s" src="sub.vxml"/>
                <filled><log expr="v + ' ' + s.a + ' ' + s.b.c"/></filled></form>"""
            ),
            SUB: wrap(
                """<form><var name="a" expr="'A'"/><var name="b" expr="({c: 2})"/><block>
                <log expr="typeof v"/><return namelist="a b"/></block></form>"""
            ),
        }
    )
    assert heard.logs == ["undefined", "1 A 2"]


def test_2_3_4_params_set_the_variables_of_the_form(call: Call, wrap: Wrap) -> None:
    """They go before the variables' own expressions; objects are handed over as they are."""
    heard = call(
        {
            URL: wrap(
                """<form><var name="n" expr="({deep: 'yes'})"/><subdialog name="s" src="#sub">
                <param name="a" expr="n"/><param name="b" value="literal"/></subdialog></form>
                <form id="sub"><var name="a" expr="'own'"/><var name="b"/>
                <block><log expr="a.deep + ' ' + b"/><return/></block></form>"""
            )
        }
    )
    assert heard.logs == ["yes literal"]


def test_2_3_4_a_param_without_its_variable_is_an_error(call: Call) -> None:
    """error.semantic in the subdialog."""
    heard = call(
        """<form><subdialog name="s" src="#sub"><param name="nobody" value="1"/></subdialog></form>
        <form id="sub"><block>No</block></form>"""
    )
    assert heard.exit.event == "error.semantic"


def test_2_3_4_a_returned_event_is_thrown_in_the_caller(call: Call) -> None:
    """At the subdialog item, with its message."""
    heard = call(
        """<form><subdialog name="s" src="#sub"><catch event="my.event"><log expr="_event + ' ' + _message"/>
        <exit/></catch></subdialog></form>
        <form id="sub"><block><return event="my.event" messageexpr="'told ' + 1"/></block></form>"""
    )
    assert heard.logs == ["my.event told 1"]


def test_2_3_4_goto_and_exit_inside_a_subdialog(call: Call) -> None:
    """A dialog that is gone to returns to the caller; an exit ends the whole session."""
    heard = call(
        """<form><subdialog name="s" src="#one"/><block><log expr="s.x"/></block>
        <subdialog name="t" src="#three"/><block>Never</block></form>
        <form id="one"><block><goto next="#two"/></block></form>
        <form id="two"><var name="x" expr="2"/><block><return namelist="x"/></block></form>
        <form id="three"><block><exit expr="'bye'"/></block></form>"""
    )
    assert heard.logs == ["2"]
    assert heard.exit.values == (("expr", "bye"),)
    assert heard.said == []


def test_2_3_4_variables_are_sent_to_the_subdialogs_document(call: Call, wrap: Wrap) -> None:
    """By the namelist, as a submit does."""
    heard = call(
        {
            URL: wrap(
                """<form><var name="q" expr="'a b'"/><subdialog name="s" src="sub.vxml" namelist="q"/></form>"""
            ),
            SUB: wrap("<form><block><return/></block></form>"),
        }
    )
    assert heard.fetches[1].url == SUB + "?q=a+b"


def test_5_3_10_a_return_outside_of_a_subdialog_is_an_error(call: Call) -> None:
    """error.semantic."""
    assert call("<form><block><return/></block></form>").exit.event == "error.semantic"


def test_5_1_2_scripts_and_variables_are_initialised_in_document_order(call: Call) -> None:
    """At the level of the document and of the form."""
    heard = call(
        """<var name="a" expr="1"/><script>var b = a + 1;</script><var name="c" expr="b + 1"/>
        <form><script>var d = c + 1;</script><var name="e" expr="d + 1"/>
        <block><log expr="document.b + ' ' + dialog.d + ' ' + e"/></block></form>"""
    )
    assert heard.logs == ["2 4 5"]


def test_5_3_12_what_a_script_declares_belongs_to_its_scope(call: Call) -> None:
    """Functions see the scopes around them, and a block's variables are gone after it."""
    heard = call(
        """<form><var name="n" expr="1"/>
        <block><script><![CDATA[ var i; for (i = 0; i < 3; i++) n += i; function f() { return n }
          late = 7; ]]></script><log expr="f() + ' ' + i + ' ' + late"/></block>
        <block><log expr="typeof i + ' ' + typeof f + ' ' + n"/></block></form>"""
    )
    assert heard.logs == ["4 3 7", "undefined undefined 4"]


def test_5_3_12_a_script_is_fetched_or_evaluated_to_an_address(call: Call, wrap: Wrap) -> None:
    """By src and, in 2.1, srcexpr; a bad one is error.badfetch, a faulty one error.semantic."""
    base = "http://app.example/"
    document = wrap(
        """<form><catch event="error"><log expr="_event"/></catch>
        <block><script src="a.js"/><log expr="fromA"/></block>
        <block><script srcexpr="'a' + '.js'"/><log expr="fromA"/></block>
        <block><script src="none.js"/></block><block><script>var = ;</script></block></form>"""
    )
    heard = call({URL: document, base + "a.js": "var fromA = 'A';"})
    assert heard.logs == ["A", "A", "error.badfetch.http.404", "error.semantic"]


def test_5_2_1_an_event_is_caught_where_it_was_thrown(call: Call) -> None:
    """The handler sees the variables of that place."""
    heard = call(
        """<catch event="e"><log expr="inner + _event"/><exit/></catch>
        <form><block><var name="inner" expr="'in '"/><throw event="e.f"/></block></form>"""
    )
    assert heard.logs == ["in e.f"]


def test_5_2_a_relative_address_in_a_roots_handler_is_of_the_leaf(call: Call, wrap: Wrap) -> None:
    """Handlers hold as if they were copied (5.2)."""
    leaf = "http://app.example/deep/leaf.vxml"
    heard = call(
        {
            leaf: wrap("<form><block><throw event='go'/></block></form>", "application='../root.vxml'"),
            ROOT: wrap("<catch event='go'><goto next='next.vxml'/></catch>"),
            "http://app.example/deep/next.vxml": wrap("<form><block>Here</block></form>"),
        },
        url=leaf,
    )
    assert heard.said == ["Here"]


def test_5_3_4_conditions_are_tried_in_order(call: Call) -> None:
    """The first that holds, or else."""
    heard = call(
        """<form><block><foreach item="x" array="[1, 2, 3]"><if cond="x == 1">one<elseif cond="x == 2"/>two
        <else/>more</if></foreach></block></form>"""
    )
    assert heard.said == ["one", "two", "more"]


def test_5_1_4_the_connections_facts(call: Call) -> None:
    """With the callee's type as the telephony knows it."""
    heard = call("<form><block><log expr='session.connection.callee_type'/></block></form>")
    assert heard.logs == ["unknown"]


def test_1_5_2_a_document_that_is_fetched_again_begins_anew(call: Call, wrap: Wrap) -> None:
    """Only a mere fragment stays in the document."""
    document = wrap(
        """<var name="n" expr="0"/><form><block><assign name="n" expr="n + 1"/><goto next="{}#b"/></block></form>
        <form id="b"><block><assign name="n" expr="n + 1"/><log expr="n"/></block></form>"""
    )
    assert call({URL: document.format("")}).logs == ["2"]
    assert call({URL: document.format("start.vxml")}).logs == ["1"]
