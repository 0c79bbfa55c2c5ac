"""The form interpretation algorithm, by section of VoiceXML 2.0."""

from collections.abc import Callable
from types import SimpleNamespace

Call = Callable[..., SimpleNamespace]

#: Asks for one key and says what the field holds.
CHOICE = """
<field name="choice" type="digits?length=1">
  <prompt>Choose</prompt>
  <filled><prompt>Got <value expr="choice"/></prompt></filled>
</field>
"""


def test_2_1_6_items_are_visited_in_document_order_until_none_is_left(call: Call) -> None:
    """Blocks run one after the other, and a form without work left ends the session."""
    heard = call("<form><block>One</block><block>Two</block></form>")
    assert heard.said == ["One", "Two"]
    assert (heard.exit.reason, heard.exit.values) == ("exit", ())


def test_2_1_6_only_the_first_form_of_a_document_is_entered(call: Call) -> None:
    """A second form is reached by a transition or not at all (1.5.1)."""
    assert call("<form><block>One</block></form><form><block>Two</block></form>").said == ["One"]


def test_2_1_5_an_item_whose_variable_is_defined_is_not_visited(call: Call) -> None:
    """An `expr` fills the form item variable from the start."""
    heard = call("<form><block name='a' expr='1'>One</block><block expr='undefined'>Two</block></form>")
    assert heard.said == ["Two"]


def test_2_1_5_an_item_whose_cond_is_false_waits_for_it(call: Call) -> None:
    """The guard condition is asked anew at every selection."""
    heard = call("""
      <form><var name="open" expr="0"/>
        <block cond="open">Second</block>
        <block>First<assign name="open" expr="1"/></block>
      </form>""")
    assert heard.said == ["First", "Second"]


def test_2_1_6_1_form_items_and_variables_are_initialised_in_document_order(call: Call) -> None:
    """A variable may use those before it, and sees nothing of those after it."""
    heard = call("""
      <form><var name="a" expr="'x'"/><block name="b" expr="undefined"><value expr="a + c"/></block>
        <var name="c" expr="a + typeof b + typeof d"/><var name="d" expr="1"/></form>""")
    assert heard.said == ["xxundefinedundefined"]


def test_2_3_1_a_field_is_filled_by_what_the_caller_keys(call: Call) -> None:
    """The field's variable holds the digits as a string."""
    heard = call(f"<form>{CHOICE}<block><value expr='typeof choice'/></block></form>", "5")
    assert heard.said == ["Choose", "Got", "5", "string"]


def test_2_3_1_the_shadow_variable_tells_about_the_input(call: Call) -> None:
    """name$ has the keys, the mode, the confidence and the interpretation."""
    heard = call(
        """<form><field name="f" type="boolean"><filled>
          <log><value expr="f"/> <value expr="f$.utterance"/> <value expr="f$.inputmode"/>
            <value expr="f$.confidence"/> <value expr="f$.interpretation"/></log>
        </filled></field></form>""",
        "2",
    )
    assert heard.logs == ["false 2 dtmf 1 false"]


def test_5_1_5_the_last_result_is_the_applications(call: Call) -> None:
    """application.lastresult$ is a list of results, with the properties of the first one."""
    heard = call(
        """<form><block><log expr="typeof lastresult$"/></block>
        <field name="f" type="digits?length=2"><filled>
          <log expr="lastresult$.utterance + application.lastresult$[0].inputmode + lastresult$.length"/>
        </filled></field></form>""",
        "42",
    )
    assert heard.logs == ["undefined", "42dtmf1"]


def test_5_1_5_the_last_result_is_undefined_again_while_the_next_input_is_awaited(call: Call) -> None:
    """What was recognised before does not pass for what was not recognised now."""
    heard = call(
        """<form><field name="a" type="digits?length=1"/>
        <field name="b" type="digits?length=1"><noinput><exit expr="typeof lastresult$"/></noinput></field></form>""",
        "1",
    )
    assert heard.exit.values == (("expr", "undefined"),)


def test_2_1_6_2_a_field_without_input_is_visited_again(call: Call) -> None:
    """By default noinput reprompts, and the field is still undefined."""
    assert call(f"<form>{CHOICE}</form>", "", "", "7").said == ["Choose", "Choose", "Choose", "Got", "7"]


def test_5_3_6_after_a_handler_without_reprompt_no_prompts_are_queued(call: Call) -> None:
    """The handler speaks instead of the field, for that one turn."""
    heard = call(f"<form><noinput>Hello?</noinput>{CHOICE}</form>", "", "3")
    assert heard.said == ["Choose", "Hello?", "Got", "3"]


def test_5_3_6_reprompt_queues_the_prompts_behind_the_handlers_own(call: Call) -> None:
    """<reprompt> asks for the normal prompts, wherever it stands in the handler."""
    heard = call(f"<form><noinput><reprompt/>Hello?</noinput>{CHOICE}</form>", "", "3")
    assert heard.said == ["Choose", "Hello?", "Choose", "Got", "3"]


def test_5_3_6_a_goto_to_an_item_in_a_handler_queues_no_prompts_unless_reprompt_is_said(call: Call) -> None:
    """Only a new dialog or <reprompt> brings the normal prompts back."""
    form = """<form><field name="a" type="digits?length=1"><prompt>A</prompt>
        <noinput>{reprompt}<goto nextitem="b"/></noinput></field>
      <field name="b" type="digits?length=1"><prompt>B</prompt><filled><exit/></filled></field></form>"""
    assert call(form.format(reprompt=""), "", "1").said == ["A"]
    assert call(form.format(reprompt="<reprompt/>"), "", "1").said == ["A", "B"]


def test_5_3_7_goto_nextitem_asks_neither_variable_nor_cond(call: Call) -> None:
    """The named item is visited even when it was before and its cond is false."""
    heard = call("""
      <form><var name="turns" expr="0"/>
        <block name="again" cond="turns == 0">Turn<assign name="turns" expr="turns + 1"/></block>
        <block><if cond="turns &lt; 3"><goto nextitem="again"/></if></block>
        <block cond="turns &lt; 3"><goto expritem="'ag' + 'ain'"/></block>
      </form>""")
    assert heard.said == ["Turn", "Turn", "Turn"]


def test_5_3_7_an_unknown_item_is_a_bad_fetch(call: Call) -> None:
    """error.badfetch is thrown in the form, where it can be caught."""
    heard = call("<form><catch event='error.badfetch'>None</catch><block><goto nextitem='x'/></block></form>")
    assert heard.said == ["None"]


def test_2_1_4_entering_a_form_anew_forgets_its_variables_and_counters(call: Call) -> None:
    """A goto to the present form initialises it again, prompts begin with the first."""
    heard = call(
        """<var name="rounds" expr="0"/>
        <form id="f"><field name="a" type="digits?length=1">
          <prompt count="1">First</prompt><prompt count="2">Second</prompt>
          <noinput count="1"><reprompt/></noinput>
          <filled><assign name="rounds" expr="rounds + 1"/>
            <if cond="rounds == 1"><goto next="#f"/></if></filled>
        </field></form>""",
        "",
        "1",
        "1",
    )
    assert heard.said == ["First", "Second", "First"]


# Filled (2.4)

TWO_FIELDS = """
<form>
  <field name="a" type="digits?length=1"><prompt>A</prompt></field>
  <field name="b" type="digits?length=1"><prompt>B</prompt></field>
  {filled}
</form>
"""


def test_2_4_a_form_level_filled_waits_for_all_its_items(call: Call) -> None:
    """Mode all, the default, runs once when the last of them is filled."""
    heard = call(TWO_FIELDS.format(filled="<filled><log expr='a + b'/></filled>"), "1", "2")
    assert heard.logs == ["12"]


def test_2_4_mode_any_runs_for_each_input(call: Call) -> None:
    """Mode any runs whenever one of its items was filled just now."""
    filled = "<filled mode='any'><log expr='a + typeof b'/></filled>"
    assert call(TWO_FIELDS.format(filled=filled), "1", "2").logs == ["1undefined", "1string"]


def test_2_4_a_namelist_limits_a_filled_to_its_items(call: Call) -> None:
    """Items outside of the namelist neither trigger it nor hold it back."""
    filled = "<filled namelist='a'><log expr='a'/></filled>"
    assert call(TWO_FIELDS.format(filled=filled), "1", "2").logs == ["1"]


def test_2_4_filled_elements_run_in_document_order(call: Call) -> None:
    """Those of the item and those of the form, as they stand."""
    heard = call(
        """<form><filled><log>one</log></filled>
        <field name="a" type="digits?length=1"><filled><log>two</log></filled><filled><log>three</log></filled>
        </field><filled><log>four</log></filled></form>""",
        "1",
    )
    assert heard.logs == ["one", "two", "three", "four"]


def test_2_4_a_transition_in_a_filled_ends_the_turn(call: Call) -> None:
    """The <filled> elements behind it do not run."""
    heard = call(
        """<form><field name="a" type="digits?length=1"><filled><exit expr="a"/></filled></field>
        <filled><log>no</log></filled></form>""",
        "1",
    )
    assert heard.logs == []
    assert heard.exit.values == (("expr", "1"),)


def test_5_3_3_clearing_a_field_in_its_filled_asks_again(call: Call) -> None:
    """The cleared variable makes the field eligible again, with its first prompt."""
    heard = call(
        """<form><var name="tries" expr="0"/><field name="a" type="digits?length=1">
          <prompt count="1">First</prompt><prompt count="2">Second</prompt>
          <filled><assign name="tries" expr="tries + 1"/>
            <if cond="tries == 1"><clear namelist="a"/></if></filled>
        </field></form>""",
        "1",
        "2",
    )
    assert heard.said == ["First", "First"]


def test_an_error_while_a_form_is_initialised_ends_the_session_even_if_it_was_handled(call: Call) -> None:
    """A form that is half declared is not visited; a handler that leads elsewhere is followed."""
    form = "<form><catch event='error.semantic'>Oh{then}</catch><var name='a' expr='nothing'/></form>"
    heard = call(form.format(then=""))
    assert heard.said == ["Oh"]
    assert (heard.exit.reason, heard.exit.event) == ("error", "error.semantic")
    heard = call(form.format(then="<goto next='#b'/>") + "<form id='b'><block>B</block></form>")
    assert heard.said == ["Oh", "B"]
    assert heard.exit.reason == "exit"


def test_2_3_5_an_object_throws_when_it_is_visited(call: Call) -> None:
    """error.unsupported.objectname reaches the form's handlers, and the items before it are run."""
    heard = call(
        "<form><block>Before</block><object name='x' classid='any'/>"
        "<catch event='error.unsupported.objectname'>Sorry<exit/></catch></form>"
    )
    assert heard.said == ["Before", "Sorry"]


def test_5_2_6_an_item_that_is_never_visited_does_no_harm(call: Call) -> None:
    """Its cond is asked like that of any other item."""
    assert call("<form><object cond='false'/><block>Fine</block></form>").exit.reason == "exit"
