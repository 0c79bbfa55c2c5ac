"""What is said, by whom and when it is asked for again (VoiceXML 2.0, 4.1 and 2.2.4), one case per sentence."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml import effects

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
BLOCK = "<form><block>{}</block></form>"
PROMPT = "<form><block><prompt>{}</prompt></block></form>"
MENU = """<menu><prompt>{}</prompt><choice dtmf="1" next="#x">one</choice>
<choice dtmf="2 3" next="#x">two things</choice><choice next="#x">three</choice>
<choice dtmf="4" next="#x">four<grammar version="1.0" root="r"><rule id="r">4</rule></grammar></choice>
<noinput><exit/></noinput></menu><form id="x"/>"""
FIELD = """<form><field name="f">{}<option dtmf="1" value="a">alpha</option><option>beta gamma</option>
<noinput><exit/></noinput></field></form>"""
AGAIN = """<form><field name="f"><option dtmf="1">one</option>{}<noinput count="4"><exit/></noinput>
<noinput><reprompt/></noinput></field></form>"""
WAV = "<http://app.example/a.wav>"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            BLOCK.format("<value expr='1.5'/><value expr='0.1 + 0.2'/>"),
            "1.5 0.30000000000000004",
            id="4.1.4-fraction",
        ),
        pytest.param(
            BLOCK.format("<value expr='1e21'/><value expr='-0'/>"), "1e+21 0", id="4.1.4-large-and-zero"
        ),
        pytest.param(
            BLOCK.format("<value expr='1/0'/><value expr='0/0'/>"), "Infinity NaN", id="4.1.4-no-number"
        ),
        pytest.param(
            BLOCK.format("<value expr='true'/><value expr=\"''\"/>x"), "true x", id="4.1.4-flag-and-nothing"
        ),
        pytest.param(BLOCK.format("<value expr='[1, [2, 3], null]'/>"), "1,2,3,", id="4.1.4-array"),
        pytest.param(
            BLOCK.format("<value expr='({toString: function() { return 7 }})'/>"), "7", id="4.1.4-object"
        ),
        pytest.param(
            "<script>function f(a) { return a + '!' }</script>" + BLOCK.format("<value expr=\"f('x')\"/>"),
            "x!",
            id="4.1.4-function",
        ),
        pytest.param(BLOCK.format("a&#233;&amp;&lt;b<![CDATA[ < c]]>"), "aé&<b < c", id="4.1-characters"),
        pytest.param(BLOCK.format("  a \n\t b  "), "a b", id="4.1-white-space"),
        pytest.param(BLOCK.format("a<!-- x --> b<?p i?> c"), "a b c", id="4.1-comments"),
        pytest.param(BLOCK.format("<prompt/><prompt>  </prompt>x"), "x", id="4.1-empty-prompts"),
        pytest.param(
            BLOCK.format("<prompt cond='false'><value expr='nope'/></prompt>x"), "x", id="4.1-cond-first"
        ),
        pytest.param(BLOCK.format("<prompt cond='\"false\"'>x</prompt>"), "x", id="4.1-cond-string"),
        pytest.param(
            "<var name='u'/>" + BLOCK.format("a<audio expr='u'>x</audio>b"),
            "a b",
            id="4.1.3-undefined-variable",
        ),
        pytest.param(
            BLOCK.format("<audio expr='null'/><audio expr='7'/><audio expr='[8]'/>"),
            "<http://app.example/null> <http://app.example/7> <http://app.example/8>",
            id="4.1.3-no-text",
        ),
        pytest.param(
            PROMPT.format("<p xml:base='http://c/'><audio src='a.wav'/></p>"),
            "<http://c/a.wav>",
            id="4.1-base-of-p",
        ),
        pytest.param(
            PROMPT.format("<break strength='weak'/><break size='small'/>"),
            "(250 ms) (500 ms)",
            id="4.1-breaks",
        ),
        pytest.param(PROMPT.format("<lexicon uri='x.xml' type='t'/><desc>d</desc>x"), "x", id="4.1-lexicon"),
        pytest.param(
            PROMPT.format("<prosody rate='slow'><emphasis>a <value expr='1'/></emphasis></prosody>"),
            "a 1",
            id="4.1-nested-markup",
        ),
        pytest.param(MENU.format("<enumerate/>"), "one two things three four", id="2.2.4-alone"),
        pytest.param(
            MENU.format("<enumerate>[<value expr='_prompt'/>]</enumerate>"),
            "[ one ] [ two things ] [ three ] [ four ]",
            id="2.2.4-_prompt",
        ),
        pytest.param(
            MENU.format("<enumerate><value expr='_dtmf'/></enumerate>"),
            "1 2 3 undefined undefined",
            id="2.2.4-_dtmf",
        ),
        pytest.param(
            MENU.format("<enumerate><audio src='a.wav'/><break time='1s'/></enumerate>"),
            " ".join([WAV, "(1000 ms)"] * 4),
            id="2.2.4-template",
        ),
        pytest.param(
            MENU.format("<enumerate/>").replace("prompt>", "_>").replace("<_>", "").replace("</_>", ""),
            "one two things three four",
            id="2.2.4-without-a-prompt",
        ),
        pytest.param(
            FIELD.format("<prompt>P <enumerate/></prompt>"), "P alpha beta gamma", id="2.3.1.3-options"
        ),
        pytest.param(
            FIELD.format(
                "<prompt>P</prompt><noinput><enumerate><value expr='_prompt'/></enumerate><exit/></noinput>"
            ),
            "P alpha beta gamma",
            id="2.2.4-in-a-catch-of-a-field",
        ),
        pytest.param(
            FIELD.format("P <audio src='a.wav'/> Q <value expr='1'/>"),
            f"P {WAV} Q 1",
            id="4.1.2-bare-in-a-field",
        ),
        pytest.param(
            AGAIN.format("<prompt count='1'>1</prompt><prompt count='3'>3</prompt>"),
            "1 1 3 3",
            id="4.1.6-gap",
        ),
        pytest.param(
            AGAIN.format("<prompt>1</prompt><prompt count='2'>2</prompt>"), "1 2 2 2", id="4.1.6-default"
        ),
        pytest.param(
            AGAIN.format("<prompt count='2'>2</prompt><prompt cond='f == 1'>1</prompt>"),
            "2 2 2",
            id="4.1.6-nothing-first",
        ),
        pytest.param(
            "<form><block>one</block><transfer name='t' dest='tel:1'><prompt>two</prompt></transfer></form>",
            "one two",
            id="4.1.8-before-a-transfer",
        ),
        pytest.param(
            "<form><block>one</block><record name='r'><prompt>two</prompt></record></form>",
            "one two",
            id="4.1.8-before-a-recording",
        ),
        pytest.param(
            "<form><catch event='e'>two</catch><block>one<throw event='e'/></block></form>",
            "one two",
            id="4.1.8-over-an-event",
        ),
        pytest.param(
            BLOCK.format("one<throw event='error.x'/>"), "one", id="4.1.8-before-an-error-that-ends-it"
        ),
    ],
)
def test_what_is_heard(call: Call, content: str, said: str) -> None:
    """In the order of the document, and nothing else."""
    assert " ".join(call(content).said) == said


@pytest.mark.parametrize(
    ("content", "event"),
    [
        pytest.param(BLOCK.format("<value expr='nope'/>"), "error.semantic", id="4.1.4-not-declared"),
        pytest.param(BLOCK.format("<value expr='1 +'/>"), "error.semantic", id="4.1.4-no-expression"),
        pytest.param(BLOCK.format("<value/>"), "error.badfetch", id="4.1.4-missing"),
        pytest.param(BLOCK.format("<value expr='1'>x</value>"), "error.badfetch", id="4.1.4-not-empty"),
        pytest.param(BLOCK.format("<prompt cond='nope'>x</prompt>"), "error.semantic", id="4.1-cond"),
        pytest.param(BLOCK.format("<prompt count='0'>x</prompt>"), "error.badfetch", id="4.1.6-count"),
        pytest.param(
            BLOCK.format("<prompt bargein='maybe'>x</prompt>"), "error.badfetch", id="4.1.5-bargein"
        ),
        pytest.param(
            BLOCK.format("<prompt bargeintype='energy'>x</prompt>"), "error.badfetch", id="4.1.5.1-type"
        ),
        pytest.param(BLOCK.format("<prompt timeout='5'>x</prompt>"), "error.badfetch", id="4.1.7-timeout"),
        pytest.param(BLOCK.format("<audio src='a' expr='b'/>"), "error.badfetch", id="4.1.3-both"),
        pytest.param(BLOCK.format("<audio/>"), "error.badfetch", id="4.1.3-none"),
        pytest.param(BLOCK.format("<audio expr='nope'>x</audio>"), "error.semantic", id="4.1.3-not-declared"),
        pytest.param(
            BLOCK.format("<audio src='a' fetchtimeout='3'/>"), "error.badfetch", id="4.1.3-fetchtimeout"
        ),
        pytest.param(BLOCK.format("<audio src='a' fetchhint='no'/>"), "error.badfetch", id="4.1.3-fetchhint"),
        pytest.param(BLOCK.format("<audio src='a' maxage='-1'/>"), "error.badfetch", id="4.1.3-maxage"),
        pytest.param(
            "<property name='audiomaxage' value='x'/>" + BLOCK.format("x"),
            "error.semantic",
            id="6.3.5-audiomaxage",
        ),
        pytest.param(PROMPT.format("<break strength='odd'/>"), "error.badfetch", id="4.1-strength"),
        pytest.param(PROMPT.format("<break time='3'/>"), "error.badfetch", id="4.1-time"),
        pytest.param(PROMPT.format("<sub>x</sub>"), "error.badfetch", id="4.1-alias"),
        pytest.param(PROMPT.format("<blink>x</blink>"), "error.badfetch", id="4.1-unknown"),
        pytest.param(PROMPT.format("<prompt>x</prompt>"), "error.badfetch", id="4.1-inside-itself"),
        pytest.param(PROMPT.format("<if cond='1'>x</if>"), "error.badfetch", id="4.1-if"),
        pytest.param(PROMPT.format("<var name='x'/>"), "error.badfetch", id="4.1-var"),
        pytest.param(BLOCK.format("<emphasis>x</emphasis>"), "error.badfetch", id="4.1.1-markup-alone"),
        pytest.param(BLOCK.format("<break/>"), "error.badfetch", id="4.1.1-break-alone"),
        pytest.param(BLOCK.format("<mark name='x'/>"), "error.badfetch", id="4.1.1-mark-alone"),
        pytest.param(BLOCK.format("<enumerate/>"), "error.semantic", id="2.2.4-without-choices"),
        pytest.param(
            "<form><field name='f' type='boolean'><enumerate/></field></form>",
            "error.semantic",
            id="2.2.4-without-options",
        ),
        pytest.param(
            BLOCK.format("<prompt xml:lang='xx-XX'>x</prompt>"),
            "error.unsupported.language",
            id="4.1-no-language",
        ),
        pytest.param(
            BLOCK.format("<prompt xml:lang='what is this'>x</prompt>"),
            "error.unsupported.language",
            id="4.1-no-tag",
        ),
        pytest.param(
            PROMPT.format("<s xml:lang='qaa'>x</s>"),
            "error.unsupported.language",
            id="4.1-language-of-a-part",
        ),
        pytest.param(
            PROMPT.format("<voice xml:lang='english'>x</voice>"), "error.unsupported.language", id="4.1-voice"
        ),
        pytest.param(BLOCK.format("<prompt xml:lang='fr-CA'>x</prompt>"), "", id="4.1-language"),
        pytest.param(BLOCK.format("<prompt xml:lang='EN-us'>x</prompt>"), "", id="4.1-any-case"),
        pytest.param(PROMPT.format("<p xml:lang='cmn-Hans'>x</p>"), "", id="4.1-three-letters"),
        pytest.param(PROMPT.format("<p xml:lang=''>x</p>"), "", id="4.1-left-open"),
    ],
)
def test_what_cannot_be_said(call: Call, content: str, event: str) -> None:
    """A malformed document cannot be had, a failing expression is a semantic error."""
    assert call(content).exit.event == event


@pytest.mark.parametrize(
    ("content", "languages"),
    [
        ("<prompt>a<p xml:lang='fr'>b<s>c</s></p>d</prompt>", "en-GB fr fr en-GB"),
        ("<prompt xml:lang='de'>a<voice xml:lang='it'>b</voice></prompt>c", "de it en-GB"),
    ],
)
def test_4_1_the_language_is_that_of_the_nearest_element(
    call: Call, wrap: Wrap, content: str, languages: str
) -> None:
    """Of the document where none says."""
    heard = call({URL: wrap(BLOCK.format(content), "xml:lang='en-GB'")})
    spoken = [segment.language for play in heard.plays for segment in play.segments]
    assert " ".join(spoken) == languages


@pytest.mark.parametrize(
    ("before", "timeout_ms"),
    [
        ("<block><prompt timeout='7s'>a</prompt></block>{}", 7_000),
        ("<block><prompt timeout='7s'>a</prompt></block>{}<prompt>b</prompt>", 5_000),
        ("{}<prompt timeout='7s'>a</prompt><prompt timeout='3s'>b</prompt>", 3_000),
        ("{}<prompt timeout='7s'>a</prompt><prompt>b</prompt>", 5_000),
        ("{}<property name='timeout' value='9s'/><prompt>b</prompt>", 9_000),
    ],
)
def test_4_1_7_the_timeout_is_that_of_the_last_prompt(call: Call, before: str, timeout_ms: int) -> None:
    """Wherever it was queued; without one, that of the property."""
    content = before.format("<field name='f'>") + "<option>x</option><noinput><exit/></noinput></field>"
    heard = call(f"<form>{content}</form>")
    (listen,) = (each for each in heard.effects if isinstance(each, effects.Listen))
    assert listen.timeout_ms == timeout_ms


@pytest.mark.parametrize(
    ("given", "property_", "seconds"),
    [("", "", -1), ("5", "", 5), ("", "60", 60), ("0", "60", 0)],
)
def test_6_1_2_how_old_a_recording_may_be(call: Call, given: str, property_: str, seconds: int) -> None:
    """And how long it may have expired: by the element, else by the properties audiomaxage and audiomaxstale."""
    for name, told in (("maxage", (seconds, -1)), ("maxstale", (-1, seconds))):
        settings = f"<property name='audio{name}' value='{property_}'/>" if property_ else ""
        attributes = f"{name}='{given}'" if given else ""
        heard = call(settings + BLOCK.format(f"<audio src='a.wav' {attributes}>x</audio>"))
        ((audio,),) = (play.segments for play in heard.plays)
        assert (audio.max_age_s, audio.max_stale_s) == told


def test_4_1_8_prompts_wait_over_documents_and_subdialogs(call: Call, wrap: Wrap) -> None:
    """They are heard together when somebody listens or the session ends."""
    heard = call(
        {
            URL: wrap(
                "<form><block>one</block><subdialog name='s' src='sub.vxml'/>"
                "<block><goto next='next.vxml'/></block></form>"
            ),
            "http://app.example/sub.vxml": wrap(BLOCK.format("two<return/>")),
            "http://app.example/next.vxml": wrap(BLOCK.format("three")),
        }
    )
    assert [[segment.text for segment in play.segments] for play in heard.plays] == [["one", "two", "three"]]
