"""Documents that went wrong: whatever an application sends, a session ends or waits for its caller, and never breaks.

Sound documents with every element are damaged at random: elements dropped, doubled, moved and renamed, attributes
taken, swapped and given senseless values. Each goes through a whole call with a caller who does anything at any
time. The dice are seeded, so a failure names the document to look at.
"""

import copy
import random
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Final

import pytest
from lxml import etree

from shared.voicexml import events
from shared.voicexml.events import Event

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL: Final = "http://app.example/"

#: Enough to reach every kind of damage in every document, and done in two seconds.
CASES: Final = 12
DOCUMENTS_PER_CASE: Final = 25

#: A grammar of each kind.
SPOKEN: Final = """<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>
<item weight="2">go <item repeat="0-1">on</item><tag>out.f = 'go'; out.g = 1;</tag></item>
<item><ruleref uri="#s"/><tag>out = rules.s;</tag></item></one-of></rule><rule id="s">stop</rule></grammar>"""
KEYED: Final = """<grammar version="1.0" mode="dtmf" root="r"><rule id="r"><item repeat="1-3"><one-of><item>1</item>
<item>2</item></one-of></item></rule></grammar>"""
ABNF: Final = """<grammar type="application/srgs" mode="dtmf">#ABNF 1.0; mode dtmf; root $r; $r = 4 | 5 [6];
</grammar>"""

#: Between them they hold every element of VoiceXML, SRGS and SSML that is understood.
SOUND: Final = (
    f"""<var name="v" expr="1"/><script>function twice(n) {{ return 2 * n; }}</script><meta name="a" content="b"/>
    <property name="universals" value="all"/><link next="#m" dtmf="9"/><link event="help">{SPOKEN}</link>
    <catch event="error" count="2"><exit/></catch><error><log expr="_event"/><reprompt/></error>
    <form id="a">{SPOKEN}<property name="timeout" value="2s"/><initial name="i"><prompt count="1">Well?</prompt>
    <nomatch><assign name="i" expr="true"/></nomatch></initial><field name="f">{KEYED}{ABNF}
    <prompt bargein="false" timeout="1s" cond="v == 1">Key <value expr="twice(v)"/><break time="1s"/></prompt>
    <prompt count="2" bargeintype="hotword"><audio src="a.wav">no <sub alias="W">w</sub></audio><mark name="k"/>
    </prompt>
    <filled><if cond="f == 1">one<elseif cond="f$.confidence &gt; 2"/>two<else/><clear namelist="f"/></if></filled>
    <noinput count="2"><goto nextitem="g"/></noinput></field><field name="g" type="digits?minlength=1;maxlength=3">
    <option dtmf="1" value="x">one</option><enumerate><value expr="_prompt"/></enumerate><help>Help</help></field>
    <filled mode="any" namelist="f g"><log label="l">F <value expr="f"/></log><goto next="#m"/></filled></form>
    <menu id="m" dtmf="true" accept="approximate"><prompt>Say <enumerate/></prompt><choice next="#a">first
    thing</choice><choice event="exit">leave</choice><choice expr="'#b'">bee</choice><nomatch>
    <throw event="a.b" message="m"/></nomatch>
    <catch event="a"><submit next="b.vxml" namelist="v" method="post"/></catch></menu>
    <form id="b"><block name="c">B<goto expr="'b.vxml'"/></block></form>""",
    """<form><var name="list" expr="[1, {a: 2}, 'x']"/><block><data name="d" src="d.xml" namelist="list"/>
    <foreach item="x" array="list"><log expr="x"/><prompt>Item <value expr="x"/></prompt></foreach>
    <prompt><foreach item="y" array="list"><emphasis>a</emphasis><prosody rate="slow">b</prosody></foreach></prompt>
    <script srcexpr="'s.js'"/></block><subdialog name="s" src="#sub"><param name="p" expr="list"/>
    <filled><assign name="list" expr="s.q"/></filled></subdialog><record name="r" beep="true" maxtime="5s"
    modal="false"><prompt>Speak</prompt><grammar src="builtin:dtmf/boolean"/><filled>
    <log expr="r$.duration"/></filled></record>
    <transfer name="t" dest="tel:+12125550100" type="bridge" connecttimeout="3s" transferaudio="a.wav">
    <grammar src="g.grxml" mode="dtmf"/><filled><log expr="t + t$.duration"/></filled></transfer>
    <object name="o" classid="x"><param name="a" value="b"/></object><block><disconnect namelist="list"/></block>
    <catch event="error.unsupported"><clear namelist="s"/><assign name="o" expr="1"/></catch>
    <catch event="connection.disconnect"><exit expr="list"/></catch></form>
    <form id="sub"><var name="p"/><var name="q" expr="3"/><field name="f" type="boolean" modal="true"/>
    <block><if cond="f"><return namelist="p q"/><else/><return event="no.thing"/></if></block></form>""",
)  # fmt: skip

#: What attributes and texts are given: the empty, the huge, the wrong kind, names of the interpreter's own.
SENSELESS: Final = (
    "", "0", "-1", "1e999", "true", "#", "#a", "#nowhere", "a b", "undefined", "null", "({})", "[]", "this", "1n",
    "Symbol()", "new Proxy({}, {get() { throw 1; }})", "while (true);", "zz.y", "_event", "application", "session",
    "dialog.f", "f$", "lastresult$", "_item0", "_menu", "http://[", "99999999999s", ".5s", "builtin:", "x" * 3_000,
    "builtin:dtmf/digits?length=99", "#ABNF 1.0; root $r; $r = $r;", "0-", "b.vxml", "start.vxml#b", "\u202e\U0001f600",
)  # fmt: skip


def damaged(document: str, dice: random.Random) -> str:
    """Change a document here and there."""
    root = etree.fromstring(document)
    elements = list(root.iter(etree.Element))
    attributes = sorted({str(name) for element in elements for name in element.attrib})
    for _ in range(dice.randint(1, 5)):
        _damage(elements, attributes, dice)
    return etree.tostring(root, encoding="unicode")


def _damage(elements: list[etree._Element], attributes: list[str], dice: random.Random) -> None:
    one, other = dice.choice(elements), dice.choice(elements)
    parent, name = one.getparent(), dice.choice(attributes)
    match dice.randrange(8):
        case 0 if parent is not None:
            parent.remove(one)
        case 1 if parent is not None:
            parent.insert(dice.randint(0, len(parent)), copy.deepcopy(one))
        case 2:
            one.insert(dice.randint(0, len(one)), copy.deepcopy(other))
        case 3:
            one.attrib.update(other.attrib)
        case 4:
            one.attrib.pop(name, "")
        case 5:
            one.tag = other.tag
        case 6:
            one.text = dice.choice(SENSELESS)
        case _:
            one.set(dice.choice(sorted(map(str, one.attrib)) or [name]), dice.choice(SENSELESS))


def anything(dice: random.Random) -> Iterable[tuple[int, Event]]:
    """Let things happen at moments of their own, whether or not anybody waits for them."""
    heard: tuple[Event, ...] = (
        events.Digit(key=dice.choice("0123456789*#ABCDx")),
        events.Said(text=dice.choice(["go", "first", "help", "", "x " * 100]), confidence=dice.random()),
        events.HungUp(),
        events.MarkReached(name="k"),
        events.CalleeTypeKnown(callee_type="fax"),
        events.TransferEnded(transfer_id=9, outcome="busy", duration_ms=1),
        events.TimerFired(timer_id=7),
    )
    return [(dice.randint(0, 20_000), dice.choice(heard)) for _ in range(6)]


@pytest.mark.parametrize("case", range(CASES))
def test_a_damaged_document_ends_in_an_event_or_goes_on(call: Call, wrap: Wrap, case: int) -> None:
    """No exception leaves the session, and every call comes to its end: the caller goes at the latest."""
    dice = random.Random(case)
    answers = ("1", "say:go on", "", "12", "busy", "noinput", "9", "say:stop", "3")
    for _ in range(DOCUMENTS_PER_CASE):
        start, other = dice.sample(SOUND, 2)
        documents = {
            URL + "start.vxml": damaged(wrap(start), dice),
            URL + "b.vxml": damaged(wrap(other), dice) if dice.random() < 0.5 else wrap(other),
            URL + "s.js": "var z = 1;",
            URL + "d.xml": "<d><e f='1'>g</e></d>",
            URL + "g.grxml": damaged(KEYED, dice),
        }
        given = dice.sample(answers, 6)
        heard = call(documents, *given, at=(*anything(dice), (600_000, events.HungUp())))
        assert heard.exit.reason in {"exit", "disconnect", "hangup", "error"}
        assert (heard.exit.reason == "error") is bool(heard.exit.event)
