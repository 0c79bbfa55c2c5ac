"""Documents that mean harm: each ends its own session, within limits and with a name for what it did.

What can only be ended from outside (a native search that no limit of the engine interrupts) is for the pool's
wall deadline, which has its own tests.
"""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.limits import MAX_DOCUMENT_BYTES

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"

LOOP = "while (true) {}"
REGEX = "/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaX')"
HEAP = "var a = []; while (true) a.push(new Array(100000).fill('x'))"
STACK = "(function f() { f() })()"


@pytest.mark.parametrize("script", [LOOP, REGEX, HEAP, STACK])
def test_a_script_that_does_not_end_is_an_error_like_any_other(call: Call, script: str) -> None:
    """error.semantic, which the application may handle once or twice."""
    heard = call(
        f"<form><block><script><![CDATA[{script}]]></script></block>"
        "<catch event='error.semantic'>Caught<exit/></catch></form>"
    )
    assert heard.said == ["Caught"]


def test_an_application_that_goes_on_looping_ends(call: Call) -> None:
    """After some scripts that ran too long nobody is asked any more."""
    heard = call(f"<form><catch><reprompt/></catch><field name='f' cond='(function(){{{LOOP}}})()'/></form>")
    assert heard.exit.reason == "error"


def test_a_script_bomb_inside_a_grammar_is_stopped(call: Call) -> None:
    """Semantic interpretation has the same limits."""
    heard = call(
        f"""<form><field name="f"><grammar version="1.0" root="r" mode="dtmf" tag-format="semantics/1.0">
        <rule id="r">1<tag>{LOOP}</tag></rule></grammar><error><exit expr="_event"/></error></field></form>""",
        "1",
    )
    assert heard.exit.values == (("expr", "error.semantic"),)


FOREIGN = "<!DOCTYPE vxml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"

ENTITIES = '<!DOCTYPE vxml [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {second} "{f"&{first};" * 10}">' for first, second in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "document",
    [
        ENTITIES + "]><vxml version='2.0'><form><block>&i;</block></form></vxml>",
        FOREIGN + "<vxml version='2.0'><form><block>&x;</block></form></vxml>",
        "<vxml version='2.0'>" + " " * 10 * 1024 * 1024 + "</vxml>",
        "<vxml version='2.0'><form><block>" + "<if cond='true'>" * 100_000,
        "<vxml version='2.0'>" + "<var name='a'/>" * (MAX_DOCUMENT_BYTES // 20) + "</vxml>",
        "<vxml version='2.0'><form>" + "<block/>" * 30_000 + "</form></vxml>",
    ],
    ids=["entity bomb", "foreign entity", "10 MB", "deep", "many declarations", "many items"],
)
def test_a_document_that_would_burst_is_not_read(call: Call, document: str) -> None:
    """error.badfetch, and the session is over."""
    assert call({URL: document}).exit.event == "error.badfetch"


@pytest.mark.parametrize(
    ("rules", "event"),
    [
        ("<rule id='r'><ruleref uri='#r'/></rule>", "error.badfetch"),
        (
            "<rule id='r'><one-of><item>1</item><item><ruleref uri='#r'/> 2</item></one-of></rule>",
            "error.badfetch",
        ),
        (
            "<rule id='r'>3<ruleref uri='#q'/></rule><rule id='q'><ruleref uri='#q'/> 1</rule>",
            "error.badfetch",
        ),
        ("<rule id='r'><ruleref uri='#q'/></rule><rule id='q'><ruleref uri='#r'/></rule>", "error.badfetch"),
        (
            "<rule id='r'><item repeat='999999'><item repeat='999999'><ruleref special='NULL'/>1</item></item></rule>",
            "nomatch",
        ),
    ],
)
def test_a_recursive_grammar_is_refused_or_matches_nothing(call: Call, rules: str, event: str) -> None:
    """Where it cannot be followed it throws; where it can, the keys do not match it."""
    heard = call(
        f"""<form><field name="f"><grammar version="1.0" root="r" mode="dtmf">{rules}</grammar>
        <catch><exit expr="_event"/></catch></field></form>""",
        "3",
    )
    assert heard.exit.values[0][1] == event


def test_a_grammar_that_nests_to_the_right_matches_as_far_as_it_may(call: Call) -> None:
    """Recursion that consumes something is a grammar like any other."""
    heard = call(
        """<form><field name="f"><grammar version="1.0" root="r" mode="dtmf"><rule id="r">1<item repeat="0-1">
        <ruleref uri="#r"/></item></rule></grammar><filled><exit expr="f$.utterance"/></filled></field></form>""",
        "1" * 20,
    )
    assert heard.exit.values == (("expr", "1" * 20),)


def test_grammars_that_refer_to_one_another_for_ever_are_fetched_once_each(call: Call, wrap: Wrap) -> None:
    """A circle of grammars is a grammar; a chain without end runs out of fetches."""
    base = "http://app.example/"
    documents = {
        f"{base}g{number}": f"<grammar version='1.0' root='r' mode='dtmf'><rule id='r' scope='public'>1"
        f"<item repeat='0-1'><ruleref uri='g{number + 1}'/></item></rule></grammar>"
        for number in range(400)
    }
    form = "<form><field name='f'><grammar mode='dtmf' src='g0'/></field></form>"
    heard = call({URL: wrap(form)} | documents)
    assert heard.exit.event == "error.badfetch"
    assert len(heard.fetches) <= 301


@pytest.mark.parametrize(
    "content",
    [
        "<form id='a'><block><goto next='#a'/></block></form>",
        "<form><block><goto next='start.vxml'/></block></form>",
        "<form><block name='b'><goto nextitem='b'/></block></form>",
        "<form><catch event='x'><throw event='x'/></catch><block><throw event='x'/></block></form>",
        "<form><block name='b'><clear namelist='b'/></block></form>",
        "<form><block><submit next='start.vxml'/></block></form>",
    ],
)
def test_going_in_circles_ends(call: Call, content: str) -> None:
    """An application that never comes to listen is stopped."""
    assert call(content).exit.reason == "error"


@pytest.mark.parametrize("src", ["#a", "start.vxml"])
def test_subdialogs_inside_themselves_end(call: Call, src: str) -> None:
    """Nesting has a bottom."""
    heard = call(f"<form id='a'><subdialog name='s' src='{src}'/></form>")
    assert heard.exit.reason == "error"
    assert "nested" in heard.exit.message


def test_a_prompt_that_grows_without_end_is_stopped(call: Call) -> None:
    """Lists are gone through element by element, and counted."""
    heard = call(
        """<form><block><prompt><foreach item="a" array="new Array(100000).fill(1)">x</foreach></prompt>
        </block></form>"""
    )
    assert heard.exit.reason == "error"


def test_a_list_without_contents_is_counted_too(call: Call) -> None:
    """Going through nothing is work all the same."""
    heard = call(
        """<form><block><foreach item="a" array="new Array(1000000).fill(1)"></foreach></block></form>"""
    )
    assert heard.exit.reason == "error"


@pytest.mark.parametrize(
    "content",
    [
        "<form><block><throw event='{name}'/></block>{caught}</form>",
        "<form><block><throw eventexpr=\"'{name}'\"/></block>{caught}</form>",
        "<menu><choice dtmf='1' event='{name}'>one</choice>{caught}</menu>",
    ],
)
def test_an_event_with_an_endless_name_is_none(call: Call, content: str) -> None:
    """It would be counted under each of its prefixes: a name of 200,000 characters took ten gigabytes."""
    caught = "<catch><exit expr='_event'/></catch>"
    heard = call(content.format(name="a." * 500 + "a", caught=caught), "1")
    assert heard.exit.values == (("expr", "error.semantic"),)


@pytest.mark.parametrize(
    "content",
    [
        "<form><block><prompt><prosody rate='{long}'>{many}</prosody></prompt></block></form>",
        "<form id='f'><block><throw event='error' message='{long}'/></block><error><goto next='#f'/></error></form>",
    ],
    ids=["markup around every word", "messages of errors"],
)
def test_what_is_said_beside_the_text_is_counted_too(call: Call, content: str) -> None:
    """Markup is written around each text, and errors are told: both were hundreds of megabytes of one answer."""
    heard = call(content.format(long="x" * 20_000, many="a<break/>" * 100))
    assert "characters" in heard.exit.message
