"""Choosing a catch element (VoiceXML 2.0, 5.2)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.catches import DefaultAction, count_event, default_action, prefixes, select
from shared.voicexml.model import Catch

Call = Callable[..., SimpleNamespace]


def catch(*events: str, count: int = 1, line: int = 0) -> Catch:
    """Make a catch element."""
    return Catch(events=events, count=count, cond=None, content=(), line=line)


def chosen(catches: list[Catch], event: str, times: int = 1) -> int | None:
    """Throw an event some times; return the line of the catch that takes the last one."""
    counters: dict[str, int] = {}
    for _ in range(times):
        count_event(counters, event)
    found = select(catches, event, counters, lambda _: True)
    return found.line if found else None


def test_5_2_2_an_event_is_counted_under_every_prefix_of_its_name() -> None:
    """event.foo.1 counts for event.foo, for event, and for catches without an event."""
    assert list(prefixes("event.foo.1")) == ["event.foo.1", "event.foo", "event", ""]
    counters: dict[str, int] = {}
    count_event(counters, "event.foo.1")
    count_event(counters, "event.bar")
    assert counters == {"event.foo.1": 1, "event.foo": 1, "event.bar": 1, "event": 2, "": 2}


@pytest.mark.parametrize(
    ("name", "event", "matches"),
    [
        ("error", "error", True),
        ("error", "error.badfetch.http.404", True),
        ("error.badfetch", "error.badfetch.http.404", True),
        ("error.bad", "error.badfetch", False),  # whole tokens only
        ("error.badfetch", "error", False),
        ("error.badfetch.", "error.badfetch.http", True),  # a dot at the end is ignored
        ("noinput", "nomatch", False),
    ],
)
def test_5_2_4_names_match_by_whole_tokens_from_the_front(name: str, event: str, *, matches: bool) -> None:
    """A catch takes its event and everything below it."""
    assert (chosen([catch(name)], event) is not None) is matches


def test_5_2_2_a_catch_may_name_several_events_or_none_for_all() -> None:
    """A list of names takes each of them; without names it takes whatever comes."""
    assert chosen([catch("noinput", "nomatch", line=1)], "nomatch") == 1
    assert chosen([catch(line=1)], "anything.at.all") == 1


def test_5_2_4_the_first_in_the_order_of_scopes_wins_among_equal_counts() -> None:
    """A general catch in an inner scope goes before an exact one further out."""
    assert chosen([catch("error", line=1), catch("error.semantic", line=2)], "error.semantic") == 1


@pytest.mark.parametrize(("times", "line"), [(1, 1), (2, 1), (3, 3), (4, 3), (9, 3)])
def test_5_2_4_the_highest_count_not_above_the_counter_wins(times: int, line: int) -> None:
    """Counts escalate, and the last one stays."""
    assert chosen([catch("noinput", line=1), catch("noinput", count=3, line=3)], "noinput", times) == line


def test_5_2_4_an_outer_catch_with_a_higher_count_goes_before_an_inner_one() -> None:
    """Count is decided before the scope, by the letter."""
    catches = [catch("noinput", line=1), catch("noinput", count=2, line=2)]
    assert chosen(catches, "noinput", 2) == 2


def test_5_2_4_a_catch_whose_cond_is_false_is_not_on_the_list() -> None:
    """The next one in order takes the event."""
    counters: dict[str, int] = {}
    count_event(counters, "noinput")
    found = select([catch(line=1), catch(line=2)], "noinput", counters, lambda each: each.line == 2)
    assert found is not None
    assert found.line == 2


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ("cancel", DefaultAction.IGNORE),
        ("error", DefaultAction.FAIL),
        ("error.semantic", DefaultAction.FAIL),
        ("exit", DefaultAction.LEAVE),
        ("help", DefaultAction.REPROMPT),
        ("noinput", DefaultAction.REPROMPT),
        ("nomatch", DefaultAction.REPROMPT),
        ("maxspeechtimeout", DefaultAction.REPROMPT),
        ("connection.disconnect.hangup", DefaultAction.LEAVE),
        ("connection.disconnect.transfer", DefaultAction.LEAVE),
        ("com.example.mine", DefaultAction.FAIL),
        ("noinputs", DefaultAction.FAIL),
    ],
)
def test_5_2_5_the_platform_has_a_handler_for_every_event(event: str, action: DefaultAction) -> None:
    """What no element catches is ignored, reprompted, or ends the session."""
    assert default_action(event) is action


# In a running form


def test_5_2_4_handlers_are_searched_from_the_field_outwards(call: Call) -> None:
    """Field, then form, then document; each scope's own counts for what it does not catch."""
    heard = call(
        """<nomatch>Document</nomatch><form><noinput>Form</noinput>
        <field name="a" type="digits?length=1"><noinput count="2">Field</noinput></field></form>""",
        "",
        "*",
        "",
        "1",
    )
    assert heard.said == ["Form", "Document", "Field"]


def test_5_2_4_the_innermost_handler_of_an_event_takes_it(call: Call) -> None:
    """A field's own before the form's, the form's before the document's."""
    document = (
        "<noinput>Document<exit/></noinput><form>{form}<field name='a' type='digits'>{field}</field></form>"
    )
    form, field = "<noinput>Form<exit/></noinput>", "<noinput>Field<exit/></noinput>"
    assert call(document.format(form=form, field=field)).said == ["Field"]
    assert call(document.format(form=form, field="")).said == ["Form"]
    assert call(document.format(form="", field="")).said == ["Document"]


def test_5_2_2_counters_are_the_items_and_survive_a_visit_to_another_item(call: Call) -> None:
    """Each item counts its own events until the form is entered anew."""
    heard = call(
        """<form>
        <field name="a" type="digits?length=1"><noinput count="1">A1<goto nextitem="b"/></noinput>
          <noinput count="2">A2<exit/></noinput></field>
        <field name="b" type="digits?length=1"><noinput>B1<goto nextitem="a"/></noinput></field></form>"""
    )
    assert heard.said == ["A1", "B1", "A2"]


def test_5_3_3_clear_resets_the_counters_of_an_item(call: Call) -> None:
    """After <clear> the first noinput is the first again."""
    heard = call(
        """<form><var name="n" expr="0"/><field name="a" type="digits?length=1">
        <noinput>One<assign name="n" expr="n + 1"/><if cond="n &lt; 3"><clear namelist="a"/></if></noinput>
        <noinput count="2">Two<exit/></noinput></field></form>"""
    )
    assert heard.said == ["One", "One", "One", "Two"]


def test_5_2_2_the_handler_sees_the_event_and_its_message(call: Call) -> None:
    """_event and _message are variables of the handler; without a message it is undefined."""
    heard = call("""
      <form><catch event="my"><log expr="_event + ':' + _message"/></catch>
        <block><throw event="my.event" message="why"/></block>
        <block><throw eventexpr="'my.' + 'other'" messageexpr="1 + 1"/></block>
        <block><throw event="my.last"/></block></form>""")
    assert heard.logs == ["my.event:why", "my.other:2", "my.last:undefined"]


def test_5_2_a_handler_sees_the_variables_of_the_place_that_threw(call: Call) -> None:
    """A catch of the document reads the form's variables and those of the block."""
    heard = call("""
      <catch><log expr="inForm + inBlock"/></catch>
      <form><var name="inForm" expr="'f'"/>
        <block><var name="inBlock" expr="'b'"/><throw event="e"/></block></form>""")
    assert heard.logs == ["fb"]


def test_5_2_what_a_handler_throws_is_handled_from_where_the_first_event_was(call: Call) -> None:
    """A document's handler may throw to a handler of the field inside it."""
    heard = call("""
      <noinput><throw event="again"/></noinput>
      <form><field name="a" type="digits?length=1"><catch event="again">Field<exit/></catch></field></form>""")
    assert heard.said == ["Field"]


def test_5_2_a_handler_does_not_see_the_variables_of_the_one_that_threw_to_it(call: Call) -> None:
    """It runs where the first event was thrown, and the other handler's scope has ended."""
    heard = call("""
      <form><var name="inForm" expr="1"/>
        <catch event="first"><var name="inHandler" expr="1"/><throw event="second"/></catch>
        <catch event="second"><log expr="typeof inForm + typeof inHandler"/></catch>
        <block><throw event="first"/></block></form>""")
    assert heard.logs == ["numberundefined"]


def test_5_2_3_the_short_forms_catch_what_they_say(call: Call) -> None:
    """<error>, <help>, <noinput> and <nomatch> are catch elements."""
    heard = call("""
      <form><error><log expr="'error ' + _event"/></error><help><log>help</log></help>
        <block><throw event="help"/></block><block><value expr="nothing"/></block></form>""")
    assert heard.logs == ["help", "error error.semantic"]


def test_5_2_5_an_event_nobody_catches_ends_the_session_with_its_name_and_message(call: Call) -> None:
    """The host learns what went wrong and where."""
    heard = call("<form><block>\n<value expr='nothing'/></block></form>")
    assert (heard.exit.reason, heard.exit.event) == ("error", "error.semantic")
    assert heard.exit.message == "Line 2: ReferenceError: nothing is not defined"


def test_5_2_4_a_cond_that_fails_throws_instead(call: Call) -> None:
    """error.semantic of a catch's own cond goes to the catches that do not ask it."""
    heard = call("""
      <form><catch event="my" cond="nothing">Mine</catch><error>Error<exit/></error>
        <block><throw event="my"/></block></form>""")
    assert heard.said == ["Error"]
