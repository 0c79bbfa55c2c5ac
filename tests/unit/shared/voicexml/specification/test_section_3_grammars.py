"""Grammars in applications (VoiceXML 2.0, 3; SRGS 1.0; SISR 1.0), by section."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.events import Said

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"


def field(grammar: str) -> str:
    """Make a form with one field, whose value or event is the exit's."""
    return f"""<form><field name="f">{grammar}<filled><exit expr="f"/></filled>
      <catch event="nomatch noinput error"><exit expr="_event"/></catch></field></form>"""


def xml(rules: str, attributes: str = "") -> str:
    """Make an inline grammar."""
    return f'<grammar version="1.0" root="r" {attributes}>{rules}</grammar>'


def abnf(rules: str, header: str = "") -> str:
    """Make an inline grammar in the other form."""
    return f'<grammar type="application/srgs"><![CDATA[#ABNF 1.0;{header} root $r;\n{rules}]]></grammar>'


DTMF = 'mode="dtmf"'


@pytest.mark.parametrize(
    ("grammar", "answer", "value"),
    [
        (
            xml(
                "<rule id='r'><item repeat='4'><ruleref uri='#d'/></item></rule><rule id='d'><one-of>"
                "<item>1</item><item>2</item></one-of></rule>",
                DTMF,
            ),
            "1212",
            "1212",
        ),
        (xml("<rule id='r'><item repeat='2-'>1</item>#</rule>", DTMF), "111#", "111#"),
        (xml("<rule id='r'><item repeat='0-1'>dtmf-1</item> pound</rule>", DTMF), "#", "#"),
        (xml("<rule id='r'>1 2</rule>", DTMF), "13", "nomatch"),
        (xml("<rule id='r'><ruleref special='VOID'/>1</rule>", DTMF), "1", "nomatch"),
        (
            xml("<rule id='r'>hello <ruleref special='GARBAGE'/></rule>"),
            "say:Hello there you",
            "hello there you",
        ),
        (
            xml("<rule id='r'><token>new york</token><ruleref special='NULL'/></rule>"),
            "say:new york",
            "new york",
        ),
        (xml("<rule id='r'>yes</rule>"), "say:no", "nomatch"),
        (abnf("$r = hello | 'x' <0-1> [please] (new york);"), "say:please new york", "please new york"),
        (
            abnf("$r = [please] (new york | boston) <1-2>;"),
            "say:please boston boston",
            "please boston boston",
        ),
        (abnf("$r = $d <3>; $d = 1 | 2 /* two */ | 3;", "mode dtmf;"), "123", "123"),
        (abnf("public $r = $NULL yes // done\n;"), "say:Yes!", "yes"),
        (abnf("$r = yes {!{out = 'Y';}!};", "tag-format <semantics/1.0>;"), "say:yes", "Y"),
        (abnf("$r = yes {literally};", "tag-format <semantics/1.0-literals>;"), "say:yes", "literally"),
    ],
)
def test_srgs_what_a_grammar_matches(call: Call, grammar: str, answer: str, value: str) -> None:
    """Sequences, alternatives, repeats, references, special rules, in both forms and both modes."""
    assert call(field(grammar), answer).exit.values == (("expr", value),)


@pytest.mark.parametrize(
    ("tags", "value"),
    [
        ("<tag>'plain'</tag>", "plain"),
        ("<tag>word</tag>", "word"),
        ("<tag>var a = 'x'; var b = 'y';</tag>", '{"a":"x","b":"y"}'),
        ("<tag>f = 'slot'</tag>", "slot"),
        ("", "yes"),
    ],
)
def test_3_1_6_tags_from_before_there_was_a_standard(call: Call, tags: str, value: str) -> None:
    """An expression, a plain word, or assignments to slots."""
    assert call(field(xml(f"<rule id='r'>yes{tags}</rule>")), "say:yes").exit.values == (("expr", value),)


def test_sisr_3_rules_are_interpreted_from_the_inside_out(call: Call) -> None:
    """Each rule has its own out; rules and meta know those that were matched before."""
    grammar = xml(
        """<tag>var unit = ' pieces';</tag><rule id="r"><tag>var sum = 0;</tag><item repeat="1-">
        <ruleref uri="#d"/><tag>sum += rules.latest(); out.last = meta.d.text;</tag></item>
        <tag>out.sum = sum + unit; out.said = meta.current().text;</tag></rule>
        <rule id="d"><one-of><item>one<tag>out = 1;</tag></item><item>two<tag>out = 2;</tag></item></one-of></rule>""",
        'tag-format="semantics/1.0"',
    )
    heard = call(field(grammar), "say:one two two")
    assert heard.exit.values == (("expr", '{"last":"two","sum":"5 pieces","said":"one two two"}'),)


def test_srgs_2_4_the_heavier_alternative_is_preferred(call: Call) -> None:
    """Then the earlier one."""
    grammar = xml(
        "<rule id='r'><one-of><item>a<tag>1</tag></item><item weight='5'>a<tag>5</tag></item></one-of></rule>",
        'tag-format="semantics/1.0-literals"',
    )
    assert call(field(grammar), "say:a").exit.values == (("expr", "5"),)


def test_3_1_1_a_grammar_is_fetched_with_what_it_refers_to(call: Call, wrap: Wrap) -> None:
    """By src or srcexpr, relative to its own document, once in a session; a fragment names the rule."""
    base = "http://app.example/"
    grammars = {
        base + "g/a.grxml": "<grammar version='1.0' root='x' mode='dtmf'><rule id='x'>9</rule>"
        "<rule id='two' scope='public'>1 <ruleref uri='b.gram'/></rule></grammar>",
        base + "g/b.gram": "#ABNF 1.0;\nmode dtmf; root $q;\npublic $q = 2;",
    }
    document = wrap(
        """<form><field name="a"><grammar mode="dtmf" src="g/a.grxml#two"/></field>
        <field name="b"><grammar mode="dtmf" srcexpr="'g/' + 'a.grxml'"/></field>
        <filled><exit expr="a + '+' + b"/></filled></form>"""
    )
    heard = call({URL: document} | grammars, "12", "9")
    assert heard.exit.values == (("expr", "12+9"),)
    assert len(heard.fetches) == 3


@pytest.mark.parametrize(
    ("property_", "attributes", "fetched"),
    [
        ("", "", [(-1, -1)]),
        ("", 'maxage="0"', [(0, -1)] * 3),
        ("<property name='grammarmaxage' value='9'/>", "", [(9, -1)] * 3),
        ("<property name='grammarmaxage' value='9'/>", 'maxage="5" maxstale="4"', [(5, 4)] * 3),
        ("<property name='grammarmaxstale' value='8'/>", "", [(-1, 8)]),
        ("<property name='grammarmaxstale' value='8'/>", 'maxstale="4"', [(-1, 4)]),
    ],
)
def test_6_1_2_a_grammar_is_asked_for_again_if_the_application_says_how_old_it_may_be(
    call: Call, wrap: Wrap, property_: str, attributes: str, fetched: list[tuple[int, int]]
) -> None:
    """At each visit, and the host knows how old its copy is; without a word, once in a session is enough."""
    grammar = "<grammar version='1.0' root='x' mode='dtmf'><rule id='x'>9</rule></grammar>"
    document = wrap(
        f"""{property_}<form><field name="a"><grammar mode="dtmf" src="g.grxml" {attributes}/></field>
        <filled><exit/></filled></form>"""
    )
    heard = call(
        {"http://app.example/start.vxml": document, "http://app.example/g.grxml": grammar}, "1", "2", "9"
    )
    assert heard.exit.reason == "exit"
    assert [(fetch.max_age_s, fetch.max_stale_s) for fetch in heard.fetches[1:]] == fetched


@pytest.mark.parametrize(
    ("grammar", "event"),
    [
        ("<grammar src='none.grxml'/>", "error.badfetch.http.404"),
        ("<grammar srcexpr='undefinedName'/>", "error.semantic"),
        ("<grammar type='application/x-gsl'>[yes]</grammar>", "error.unsupported.format"),
        ("<grammar src='builtin:grammar/colour'/>", "error.unsupported.builtin"),
        (xml("<rule id='x'>1</rule>"), "error.badfetch"),
        (xml("<rule id='r'><ruleref uri='#nobody'/></rule>"), "error.badfetch"),
        (xml("<rule id='r'><ruleref uri='#r'/>1</rule>"), "error.badfetch"),
        (xml("<rule id='r'><item repeat='3-1'>1</item></rule>"), "error.badfetch"),
        (xml("<rule id='r'>x</rule>", DTMF), "error.badfetch"),
        (abnf("$r = ;"), "error.badfetch"),
        (abnf("$r = (a;"), "error.badfetch"),
    ],
)
def test_5_2_6_a_grammar_that_cannot_be_listened_for(call: Call, grammar: str, event: str) -> None:
    """Its event is thrown at the item that would listen."""
    assert call(field(grammar), "1").exit.values == (("expr", event),)


def test_2_3_1_2_builtin_grammars_by_reference(call: Call) -> None:
    """builtin:dtmf for keys, builtin:grammar for words."""
    both = "<grammar src='builtin:dtmf/digits?length=2'/><grammar src='builtin:grammar/boolean'/>"
    assert call(field(both), "42").exit.values == (("expr", "42"),)
    assert call(field(both), "say:yes").exit.values == (("expr", "true"),)


def test_6_3_6_universal_commands_are_heard_if_the_property_says_so(call: Call) -> None:
    """help, exit and cancel as events; none of them by default."""
    form = """<form><property name="universals" value="{}"/><field name="f" type="digits">
      <help>Helped<exit/></help><nomatch>Nothing<exit/></nomatch></field></form>"""
    assert call(form.format("help exit"), "say:help").said == ["Helped"]
    assert call(form.format("none"), "say:help").said == ["Nothing"]
    assert call(form.format("all"), "say:exit").exit.reason == "exit"


def test_6_3_2_input_modes_decide_what_is_heard(call: Call) -> None:
    """Keys alone, words alone, or both."""
    form = """<form><property name="inputmodes" value="dtmf"/><field name="f" type="boolean">
      <filled><exit expr="f"/></filled><noinput><exit expr="'noinput'"/></noinput></field></form>"""
    assert call(form, "say:yes").exit.values == (("expr", "noinput"),)
    assert call(form, "1").exit.values == (("expr", "true"),)


@pytest.mark.parametrize(("confidence", "log"), [(0.4, "nomatch"), (0.6, "true 0.6")])
def test_6_3_2_what_was_hardly_understood_is_a_nomatch(call: Call, confidence: float, log: str) -> None:
    """By the property confidencelevel."""
    heard = call(
        """<form><field name="f" type="boolean"><nomatch><log expr="_event"/><exit/></nomatch>
        <filled><log expr="f + ' ' + f$.confidence"/></filled></field></form>""",
        at=[(500, Said(text="yes", confidence=confidence))],
    )
    assert heard.logs == [log]
