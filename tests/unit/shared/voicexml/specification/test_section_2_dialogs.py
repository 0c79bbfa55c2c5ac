"""Forms, menus, links and their items (VoiceXML 2.0, 2), by section."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
ROOT = "http://app.example/root.vxml"

CITIES = """<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r">
  <item repeat="0-1">from <ruleref uri="#c"/><tag>out.origin = rules.c;</tag></item>
  <item repeat="0-1">to <ruleref uri="#c"/><tag>out.target = rules.c;</tag></item></rule>
  <rule id="c"><one-of><item>new york<tag>out = 'NYC';</tag></item><item>boston<tag>out = 'BOS';</tag></item>
  </one-of></rule></grammar>"""
PLACES = """<grammar version="1.0" root="c" tag-format="semantics/1.0-literals"><rule id="c"><one-of>
  <item>new york<tag>NYC</tag></item><item>boston<tag>BOS</tag></item></one-of></rule></grammar>"""

MIXED = f"""<form>{CITIES}<initial name="i"><prompt>Where?</prompt><nomatch count="2"><assign name="i" expr="true"/>
  <reprompt/></nomatch></initial>
  <field name="origin">{PLACES}<prompt>From?</prompt></field>
  <field name="target">{PLACES}<prompt>To?</prompt></field>
  <filled mode="any"><log expr="'any ' + origin + ' ' + target"/></filled>
  <filled><log expr="'all ' + origin + ' ' + target"/><exit/></filled></form>"""


def test_2_1_5_mixed_initiative_fills_all_that_was_said(call: Call) -> None:
    """One utterance fills both fields, and the initial is done."""
    heard = call(MIXED, "say:From New York to Boston")
    assert heard.said == ["Where?"]
    assert heard.logs == ["any NYC BOS", "all NYC BOS"]


def test_2_3_3_after_an_initial_the_rest_is_asked_for(call: Call) -> None:
    """What was not said is asked for, item by item."""
    heard = call(MIXED, "say:to boston", "say:new york")
    assert heard.said == ["Where?", "From?"]
    assert heard.logs == ["any undefined BOS", "any NYC BOS", "all NYC BOS"]


def test_2_3_3_an_initial_may_be_given_up(call: Call) -> None:
    """Setting its variable leads to the fields."""
    heard = call(MIXED, "say:what", "say:what", "say:boston", "say:boston")
    assert heard.said == ["Where?", "Where?", "From?", "To?"]


def test_2_3_1_a_modal_field_hears_nothing_but_itself(call: Call) -> None:
    """Neither the form's grammars nor links."""
    form = """<link event="out"><grammar version="1.0" root="r"><rule id="r">out</rule></grammar></link>
      <form><field name="f" modal="{}" type="digits"><nomatch><exit expr="'nomatch'"/></nomatch></field>
      <catch event="out"><exit expr="'link'"/></catch></form>"""
    assert call(form.format("true"), "say:out").exit.values == (("expr", "nomatch"),)
    assert call(form.format("false"), "say:out").exit.values == (("expr", "link"),)


def test_2_3_1_the_slot_names_the_part_that_fills_the_field(call: Call) -> None:
    """Of a structured result; a field whose slot is not there takes the whole."""
    heard = call(
        """<form><field name="f" slot="drink.size"><grammar version="1.0" root="r" tag-format="semantics/1.0">
        <rule id="r">big<tag>out.drink = {size: 'L'};</tag></rule></grammar>
        <filled><log expr="f + ' ' + f$.utterance + ' ' + f$.inputmode + ' ' + f$.confidence"/>
        <log expr="f$.interpretation.drink.size + application.lastresult$.interpretation.drink.size"/>
        <log expr="application.lastresult$[0].utterance + application.lastresult$.length"/></filled>
        </field></form>""",
        "say:Big",
    )
    assert heard.logs == ["L big voice 1", "LL", "big1"]


def test_2_2_a_menu_by_keys_and_by_words(call: Call) -> None:
    """Choices lead to dialogs, and a handled event leads back to the menu."""
    menu = """<menu dtmf="true"><prompt>Say <enumerate/></prompt><choice next="#a">sports news</choice>
      <choice event="weather">weather</choice><choice dtmf="0" expr="'#' + 'a'">zero</choice>
      <catch event="weather">Rain<reprompt/></catch></menu><form id="a"><block>A</block></form>"""
    prompt = ["Say", "sports news", "weather", "zero"]
    assert call(menu, "1").said == [*prompt, "A"]
    assert call(menu, "say:Sports News").said == [*prompt, "A"]
    assert call(menu, "0").said == [*prompt, "A"]
    assert call(menu, "2", "say:zero").said == [*prompt, "Rain", *prompt, "A"]


@pytest.mark.parametrize(
    ("accept", "said", "found"), [("exact", "news", False), ("approximate", "news", True)]
)
def test_2_2_5_a_phrase_is_said_exactly_or_in_part(
    call: Call, accept: str, said: str, *, found: bool
) -> None:
    """By the accept attribute of menu or choice."""
    menu = f"""<menu accept="{accept}"><choice next="#a">sports news today</choice><nomatch><exit/></nomatch></menu>
      <form id="a"><block>A</block></form>"""
    assert call(menu, f"say:{said}").said == (["A"] if found else [])


def test_2_2_4_a_template_enumerates_with_text_and_key(call: Call) -> None:
    """In a field its options are enumerated, also in a handler."""
    heard = call(
        """<form><field name="f"><prompt>Choose</prompt><option dtmf="1" value="x">ex</option>
        <option dtmf="2">why</option><nomatch><enumerate><value expr="_dtmf"/> is <value expr="_prompt"/>
        </enumerate><exit/></nomatch></field></form>""",
        "9",
    )
    assert heard.said == ["Choose", "1", "is", "ex", "2", "is", "why"]


def test_2_3_1_3_an_option_is_said(call: Call) -> None:
    """Its text is a grammar."""
    form = """<form><field name="f"><option value="x">the first one</option><filled><exit expr="f"/></filled>
      </field></form>"""
    assert call(form, "say:The first one.").exit.values == (("expr", "x"),)


def test_2_4_filled_of_a_form_runs_by_mode_and_names(call: Call) -> None:
    """In document order, after the input items' own."""
    heard = call(
        """<form><field name="a" type="digits?length=1"><filled><log>own a</log></filled></field>
        <field name="b" type="digits?length=1"/><field name="c" type="digits?length=1"/>
        <filled mode="any" namelist="a b"><log>any</log></filled>
        <filled mode="all" namelist="a b"><log>all</log></filled></form>""",
        "1",
        "2",
        "3",
    )
    assert heard.logs == ["own a", "any", "any", "all"]


def test_2_5_a_link_leads_away_from_wherever_it_is_heard(call: Call) -> None:
    """By key or words, to a dialog or an event, with its message."""
    links = """<link next="#away" dtmf="9"/><link event="help" messageexpr="'please ' + 1">
      <grammar version="1.0" root="r"><rule id="r">aid</rule></grammar></link>
      <form><field name="f" type="digits"><help><log expr="_message"/><exit/></help></field></form>
      <form id="away"><block>Away</block></form>"""
    assert call(links, "say:aid").logs == ["please 1"]
    only = links.replace("digits", "boolean")
    assert call(only, "9").said == ["Away"]


def test_2_5_a_roots_link_holds_in_its_leaf_and_leads_into_the_root(call: Call, wrap: Wrap) -> None:
    """A mere fragment is a dialog of the document in which the link stands."""
    root = "<link next='#r' dtmf='9'/><form id='r'><block>Root dialog</block></form>"
    leaf = "<form><field name='f' type='boolean'/></form>"
    heard = call({URL: wrap(leaf, "application='root.vxml'"), ROOT: wrap(root)}, "9")
    assert heard.said == ["Root dialog"]


def test_3_1_3_a_form_for_the_whole_document_is_entered_by_what_was_said(call: Call) -> None:
    """Its items are filled with what another dialog heard."""
    heard = call(
        f"""<form><field name="f" type="digits"/></form>
        <form id="other" scope="document">{CITIES}<field name="target">{PLACES}</field>
        <filled><log expr="'went to ' + target"/></filled></form>""",
        "say:to boston",
    )
    assert heard.logs == ["went to BOS"]


def test_3_1_4_an_items_own_grammar_goes_before_those_around_it(call: Call) -> None:
    """Where both match."""
    heard = call(
        """<link event="linked" dtmf="1"/><form><field name="f" type="boolean">
        <filled><exit expr="'field'"/></filled></field><catch event="linked"><exit expr="'link'"/></catch></form>""",
        "1",
    )
    assert heard.exit.values == (("expr", "field"),)


def test_2_3_6_a_recording_is_kept_played_and_sent(call: Call, wrap: Wrap) -> None:
    """With its shadow variables; the submit says what to send along."""
    heard = call(
        {
            URL: wrap(
                """<form><record name="r" beep="true" maxtime="10s" finalsilence="2s"><prompt>Speak</prompt>
                <filled><log expr="r$.duration + ' ' + r$.size + ' ' + r$.termchar + ' ' + r$.maxtime"/>
                <prompt>You said <audio expr="r"/><value expr="r"/></prompt>
                <submit next="sub.vxml" method="post" enctype="multipart/form-data"/></filled></record></form>"""
            ),
            "http://app.example/sub.vxml": wrap("<form/>"),
        },
        "#",
    )
    assert heard.logs == ["5000 40000 # false"]
    (_, name) = heard.fetches[1].recordings[0]
    assert name.startswith("recording:")
    assert heard.said == ["Speak", "You said", f"<{name}>", f"<{name}>"]
    assert heard.fetches[1].multipart


def test_2_3_6_silence_instead_of_a_recording_is_noinput(call: Call) -> None:
    """And a hang-up leaves what was said until then."""
    form = """<form><record name="r"><noinput>Nothing<exit/></noinput></record>
      <catch event="connection.disconnect.hangup"><log expr="r != undefined"/></catch></form>"""
    assert call(form, "noinput").said == ["Nothing"]
    assert call(form, "hangup").logs == ["true"]


TRANSFER = """<form><transfer name="t" dest="tel:+12125550123" {}>
  <filled><log expr="t + ' ' + t$.duration"/></filled></transfer>
  <catch><log expr="_event"/><exit/></catch></form>"""


@pytest.mark.parametrize(
    ("attributes", "outcome", "log"),
    [
        ("bridge='true'", "busy", "busy 2.5"),
        ("bridge='true'", "far_end_disconnect", "far_end_disconnect 2.5"),
        ("type='consultation'", "noanswer", "noanswer 2.5"),
        ("bridge='false'", "transferred", "connection.disconnect.transfer"),
        ("", "transferred", "connection.disconnect.transfer"),
        ("bridge='true'", "hangup", "connection.disconnect.hangup"),
        ("bridge='true'", "error.connection.baddestination", "error.connection.baddestination"),
    ],
)
def test_2_3_7_a_transfer_ends_in_a_value_or_an_event(
    call: Call, attributes: str, outcome: str, log: str
) -> None:
    """A value for how a bridge ended, events for what ends more than the transfer."""
    assert call(TRANSFER.format(attributes), outcome).logs == [log]


def test_2_3_7_a_callers_command_ends_a_bridge(call: Call) -> None:
    """near_end_disconnect, with what was keyed."""
    form = """<form><transfer name="t" dest="tel:+1" bridge="true"><grammar mode="dtmf" version="1.0" root="r">
      <rule id="r">9</rule></grammar><filled><log expr="t + t$.utterance + t$.inputmode"/></filled></transfer></form>"""
    assert call(form, "9").logs == ["near_end_disconnect9dtmf"]


@pytest.mark.parametrize(
    ("dest", "event"), [("", "error.connection.baddestination"), ("fax:1", "error.unsupported.uri")]
)
def test_2_3_7_a_destination_that_is_none(call: Call, dest: str, event: str) -> None:
    """An event says so before anything is dialled."""
    assert call(f"<form><transfer dest='{dest}'/></form>").exit.event == event


@pytest.mark.parametrize(
    "content",
    [
        "<form><subdialog name='s'/></form>",
        "<form><transfer dest='tel:1' bridge='true' type='blind'/></form>",
        "<form><field><grammar/></field></form>",
        "<form><field><grammar src='a' srcexpr='b'/></field></form>",
        "<form><block><script src='a'>var b;</script></block></form>",
        "<form><block><data name='a'/></block></form>",
        "<menu><choice>nowhere</choice></menu>",
        "<menu dtmf='true'><choice dtmf='1' next='#a'>a</choice></menu>",
        "<link/>",
        "<form><block><return event='a' namelist='b'/></block></form>",
        "<form><block><mark name='a' nameexpr='b'/></block></form>",
    ],
)
def test_attributes_that_contradict_one_another_make_a_document_invalid(call: Call, content: str) -> None:
    """error.badfetch for whoever asked for it."""
    assert call(content).exit.event == "error.badfetch"
