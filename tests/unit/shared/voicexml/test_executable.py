"""Executable content (VoiceXML 2.0, 5.3)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.effects import Exit, HangUp, Log, Play

Call = Callable[..., SimpleNamespace]


def block(content: str) -> str:
    """Make a form of one block that reports its errors."""
    return f"<form><error><log expr='_event'/><exit/></error><block>{content}</block></form>"


def test_5_3_1_a_variable_is_declared_where_it_stands(call: Call) -> None:
    """A block's variables end with the block; without an expression they are undefined."""
    heard = call("""
      <form><block><var name="a"/><var name="b" expr="2"/><log expr="typeof a + b"/></block>
        <block><log expr="typeof b"/></block></form>""")
    assert heard.logs == ["undefined2", "undefined"]


def test_5_3_1_a_second_declaration_is_an_assignment(call: Call) -> None:
    """As in ECMAScript; without an expression it changes nothing."""
    heard = call(
        block("""<var name="a" expr="1"/><var name="a"/><log expr="a"/>
      <var name="a" expr="2"/><log expr="a"/>""")
    )
    assert heard.logs == ["1", "2"]


@pytest.mark.parametrize("name", ["a.b", "1a", "a b", "dialog", "session", "typeof", "a-b"])
def test_5_3_1_a_name_that_cannot_be_a_variable_is_a_semantic_error(call: Call, name: str) -> None:
    """error.semantic when it is declared."""
    assert call(block(f"<var name='{name}' expr='1'/>")).logs == ["error.semantic"]


def test_5_3_2_an_assignment_goes_where_the_variable_was_declared(call: Call) -> None:
    """Through the scopes, not into the innermost one."""
    heard = call("""
      <var name="a" expr="'document'"/>
      <form><block><assign name="a" expr="'changed'"/></block>
        <block><log expr="a + document.a + application.a"/></block></form>""")
    assert heard.logs == ["changedchangedchanged"]


def test_5_3_2_an_inner_variable_hides_the_outer_one(call: Call) -> None:
    """The outer one is still there under its scope's name."""
    heard = call("""
      <var name="a" expr="1"/><form><var name="a" expr="2"/>
        <block><var name="a" expr="3"/><assign name="a" expr="a + 10"/>
          <log expr="[a, dialog.a, document.a]"/></block></form>""")
    assert heard.logs == ["13,2,1"]


@pytest.mark.parametrize(
    "assignment",
    [
        "name='missing' expr='1'",
        "name='dialog.missing' expr='1'",
        "name='dialog' expr='1'",
        "name='session.id' expr='1'",
        "name='id' expr='1'",
        "name='a + b' expr='1'",
        "name='a' expr='missing'",
        "name='a' expr='1 +'",
    ],
)
def test_5_3_2_only_what_was_declared_can_be_assigned(call: Call, assignment: str) -> None:
    """error.semantic, and nothing is left behind."""
    heard = call(block(f"<var name='a'/><assign {assignment}/>"))
    assert heard.logs == ["error.semantic"]


def test_5_3_2_properties_of_a_variable_can_be_assigned(call: Call) -> None:
    """Objects and lists are ECMAScript's."""
    heard = call(
        block("""<var name="a" expr="({list: [1, 2]})"/><assign name="a.list[1]" expr="5"/>
      <assign name="a.more" expr="'m'"/><log expr="JSON.stringify(a)"/>""")
    )
    assert heard.logs == ['{"list":[1,5],"more":"m"}']


def test_5_3_3_clear_makes_variables_undefined(call: Call) -> None:
    """Any variables, not only form items; one that was not declared is an error."""
    heard = call(
        block("""<var name="a" expr="1"/><clear namelist="a"/><log expr="typeof a"/>
      <clear namelist="missing"/>""")
    )
    assert heard.logs == ["undefined", "error.semantic"]


def test_5_3_3_clear_without_names_clears_the_form_items(call: Call) -> None:
    """And leaves the form's variables alone."""
    heard = call("""
      <form><var name="n" expr="0"/>
        <block>Again<assign name="n" expr="n + 1"/></block>
        <block cond="n == 1"><clear/></block></form>""")
    assert heard.said == ["Again", "Again"]


@pytest.mark.parametrize(("n", "said"), [(1, "one"), (2, "two"), (3, "three"), (4, "many")])
def test_5_3_4_the_first_branch_that_holds_is_run(call: Call, n: int, said: str) -> None:
    """<if>, the <elseif>s in order, else <else>."""
    heard = call(f"""<form><var name="n" expr="{n}"/><block>
      <if cond="n == 1">one<elseif cond="n == 2"/>two<elseif cond="n == 3"/>three<else/>many</if>
    </block></form>""")
    assert heard.said == [said]


def test_5_3_4_without_a_branch_that_holds_nothing_is_run(call: Call) -> None:
    """And conditions may be nested."""
    heard = call(block("<if cond='0'>A</if><if cond=\"'x'\"><if cond='null'>B<else/>C</if></if>"))
    assert heard.said == ["C"]


@pytest.mark.parametrize(
    ("element", "values"),
    [
        ("<exit/>", ()),
        ("<exit expr=\"'left'\"/>", (("expr", "left"),)),
        ("<exit expr='({n: 1})'/>", (("expr", '{"n":1}'),)),
        ("<exit namelist='a b.c'/>", (("a", "1"), ("b.c", "x"))),
        ("<exit namelist='a a'/>", (("a", "1"),)),
    ],
)
def test_5_3_9_exit_hands_its_values_over(call: Call, element: str, values: object) -> None:
    """As text; objects as JSON; an expression under the name expr."""
    heard = call(block(f"<var name='a' expr='1'/><var name='b' expr=\"({{c: 'x'}})\"/>{element}Not heard"))
    assert heard.exit == Exit(reason="exit", values=values)  # type: ignore[arg-type]
    assert heard.said == []


def test_5_3_9_a_name_that_was_not_declared_is_a_semantic_error(call: Call) -> None:
    """Of <exit> as of <submit> and <disconnect>."""
    for element in ("<exit namelist='a'/>", "<disconnect namelist='a'/>", "<submit next='x' namelist='a'/>"):
        assert call(block(element)).logs == ["error.semantic"]


def test_5_3_11_disconnect_plays_what_is_queued_hangs_up_and_tells_the_application(call: Call) -> None:
    """connection.disconnect.hangup is thrown, the session goes on and ends as disconnected."""
    heard = call("""
      <form><catch event="connection.disconnect.hangup"><log>gone</log><exit namelist="b"/></catch>
        <block><var name="a" expr="1"/>Goodbye<disconnect namelist="a"/></block>
        <var name="b" expr="2"/></form>""")
    kinds = [type(effect) for effect in heard.effects if isinstance(effect, Play | HangUp | Log | Exit)]
    assert kinds == [Play, HangUp, Log, Exit]
    assert (heard.exit.reason, heard.exit.values) == ("disconnect", (("a", "1"), ("b", "2")))


def test_5_3_11_a_handler_that_disconnects_again_ends_the_session(call: Call) -> None:
    """The event is thrown once."""
    heard = call("""
      <form><catch event="connection.disconnect.hangup"><log>gone</log><disconnect/></catch>
        <block><disconnect/></block></form>""")
    assert heard.logs == ["gone"]
    assert sum(isinstance(effect, HangUp) for effect in heard.effects) == 1
    assert heard.exit.reason == "disconnect"


def test_5_3_13_log_puts_label_text_and_expression_together(call: Call) -> None:
    """For the operator; nothing is played."""
    heard = call(block("<log label='who' expr=\"'c'\">a <value expr=\"'b'\"/></log>"))
    logs = [effect for effect in heard.effects if isinstance(effect, Log)]
    assert logs == [Log(label="who", text="a b c")]
    assert heard.said == []


@pytest.mark.parametrize("event", ["eventexpr='undefinedName'", "event=''", "event='a b'"])
def test_5_2_1_an_event_needs_a_name(call: Call, event: str) -> None:
    """Without one error.semantic is thrown instead."""
    assert call(block(f"<throw {event}/>")).logs == ["error.semantic"]


def test_elements_that_are_not_reached_do_no_harm(call: Call) -> None:
    """A document is not refused for what it does not use."""
    assert call(block("<if cond='false'><return/></if>Fine")).said == ["Fine"]
