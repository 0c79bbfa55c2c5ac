"""Prompts (VoiceXML 2.0, 4.1), one case per requirement."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml import effects, events

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
FIELD = "<field name='f'><option dtmf='1'>one</option>{}</field>"
QUIT = "<noinput count='3'><exit/></noinput><noinput><reprompt/></noinput>"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            "<form><block>Plain <value expr='1 + 1'/> text</block></form>",
            ["Plain", "2", "text"],
            id="4.1.2-text-and-values-alone-are-a-prompt",
        ),
        pytest.param(
            "<form><block><prompt cond='false'>no</prompt><prompt cond='1'>yes</prompt></block></form>",
            ["yes"],
            id="4.1-a-cond-is-converted-to-boolean",
        ),
        pytest.param(
            "<form><block><prompt>A<audio src='a.wav'>B</audio></prompt></block></form>",
            ["A", "<http://app.example/a.wav>"],
            id="4.1.3-audio-is-resolved-against-the-document",
        ),
        pytest.param(
            "<form><block><prompt xml:base='http://cdn.example/x/'><audio src='a.wav'/></prompt></block></form>",
            ["<http://cdn.example/x/a.wav>"],
            id="4.1-the-base-of-a-prompt",
        ),
        pytest.param(
            "<form><block><prompt><audio expr=\"'b' + '.wav'\"/><audio expr='undefined'>gone</audio></prompt></block>"
            "</form>",
            ["<http://app.example/b.wav>"],
            id="4.1.3-an-undefined-expression-takes-the-audio-away",
        ),
        pytest.param(
            "<form><block><prompt>A<break time='1.5s'/>B<break strength='none'/></prompt></block></form>",
            ["A", "(1500 ms)", "B", "(0 ms)"],
            id="4.1.1-a-break",
        ),
        pytest.param(
            "<form><block><prompt><sub alias='World Wide Web Consortium'>W3C</sub></prompt></block></form>",
            ["World Wide Web Consortium"],
            id="4.1.1-a-substitute",
        ),
        pytest.param(
            "<form><block><prompt><p><s>One.</s><s>Two.</s></p><emphasis>three</emphasis><prosody rate='slow'>four"
            "</prosody><voice gender='female'>five</voice><say-as interpret-as='digits'>6</say-as>"
            "<phoneme ph='x'>seven</phoneme></prompt></block></form>",
            ["One.", "Two.", "three", "four", "five", "6", "seven"],
            id="4.1.1-speech-markup-of-every-kind",
        ),
        pytest.param(
            "<form><block><prompt><desc>not heard</desc>A<mark name='m'/><metadata><x/></metadata></prompt>"
            "</block></form>",
            ["A", "[m]"],
            id="4.1.1-descriptions-are-not-said",
        ),
        pytest.param(
            "<form>"
            + FIELD.format(
                "<prompt count='1'>1a</prompt><prompt count='1'>1b</prompt><prompt count='3'>3</prompt>"
                + QUIT
            )
            + "</form>",
            ["1a", "1b", "1a", "1b", "3"],
            id="4.1.6-the-highest-count-not-above-the-counter-and-all-of-it",
        ),
        pytest.param(
            "<form>"
            + FIELD.format("<prompt count='2' cond='false'>2</prompt><prompt count='1'>1</prompt>" + QUIT)
            + "</form>",
            ["1", "1", "1"],
            id="4.1.6-prompts-whose-cond-is-false-are-out-before-they-are-counted",
        ),
        pytest.param(
            "<form>" + FIELD.format("<prompt count='2'>2</prompt>" + QUIT) + "</form>",
            ["2", "2"],
            id="4.1.6-no-prompt-at-all-while-the-counter-is-below",
        ),
        pytest.param(
            "<form><var name='n' expr='0'/>"
            + FIELD.format(
                "<prompt count='1'>1</prompt><prompt count='2'>2</prompt><noinput><assign name='n' expr='n + 1'/>"
                "<if cond='n == 2'><clear namelist='f'/><elseif cond='n == 4'/><exit/></if><reprompt/></noinput>"
            )
            + "</form>",
            ["1", "2", "1", "2"],
            id="4.1.6-clear-begins-the-count-anew",
        ),
        pytest.param(
            "<form><block>A</block><block>B</block>"
            + FIELD.format("<prompt>C</prompt><noinput><exit/></noinput>")
            + "</form>",
            ["A", "B", "C"],
            id="4.1.8-what-is-queued-in-blocks-is-heard-before-the-fields-own",
        ),
        pytest.param(
            "<form><block>A<exit/></block><block>B</block></form>",
            ["A"],
            id="5.3.9-what-is-queued-is-heard-before-the-exit",
        ),
        pytest.param(
            "<form><block><prompt><value expr=\"[1, 2]\"/><value expr='null'/><value expr='undefined'/>"
            "</prompt></block></form>",
            ["1,2", "null", "undefined"],
            id="4.1.4-a-value-as-ecmascript-writes-it",
        ),
        pytest.param(
            "<form><block><prompt bargeintype='speech'>A</prompt><prompt bargeintype='hotword'>B</prompt>"
            "</block></form>",
            ["A", "B"],
            id="4.1.5-types-of-barge-in-are-taken",
        ),
        pytest.param(
            "<form><var name='v' expr=\"'early'\"/><block><prompt><value expr='v'/></prompt><assign name='v' "
            "expr=\"'late'\"/></block></form>",
            ["early"],
            id="4.1.8-values-are-those-of-the-moment-of-queueing",
        ),
    ],
)
def test_what_is_heard(call: Call, content: str, said: list[str]) -> None:
    """Each requirement by what the caller hears."""
    heard = call(content)
    assert heard.said == said


@pytest.mark.parametrize("expr", ["nothing", "a.b.c", "1 +"])
@pytest.mark.parametrize(
    "element", ["<value expr='{}'/>", "<audio expr='{}'/>", "<prompt cond='{}'>x</prompt>"]
)
def test_4_1_an_expression_that_fails_is_a_semantic_error(call: Call, element: str, expr: str) -> None:
    """error.semantic, wherever in a prompt it stands."""
    assert call(f"<form><block>{element.format(expr)}</block></form>").exit.event == "error.semantic"


def test_4_1_7_the_timeout_of_the_last_prompt_counts(call: Call) -> None:
    """Of all that are queued before the input."""
    heard = call(
        "<form><block><prompt timeout='1s'>A</prompt></block>"
        + FIELD.format("<prompt timeout='7s'>B</prompt><noinput><exit/></noinput>")
        + "</form>"
    )
    listens = [effect for effect in heard.effects if isinstance(effect, effects.Listen)]
    assert [listen.timeout_ms for listen in listens] == [7_000]


def test_4_1_5_1_a_prompt_that_must_be_heard_keeps_the_keys_out(call: Call) -> None:
    """A key during it is not an answer; the same key after it is."""
    form = (
        "<form>" + FIELD.format("<prompt bargein='{}'>A</prompt><filled><log expr='f'/></filled>") + "</form>"
    )
    keys = [(500, events.Digit(key="1"))]
    assert call(form.format("true"), at=keys).logs == ["one"]
    heard = call(form.format("false"), "1", at=keys)
    assert heard.logs == ["one"]
    assert [type(effect) for effect in heard.effects].count(effects.StopPlay) == 0


def test_4_1_3_alternate_content_goes_along_with_the_audio(call: Call) -> None:
    """The host plays it when the file cannot be had; it may hold audio itself."""
    heard = call("<form><block><audio src='a.wav'>A <audio src='b.wav'>B</audio></audio></block></form>")
    (audio,) = heard.plays[0].segments
    assert isinstance(audio, effects.Audio)
    assert [type(each) for each in audio.fallback] == [effects.Speech, effects.Audio]


def test_4_1_1_the_language_is_that_of_the_nearest_element(call: Call, wrap: Wrap) -> None:
    """xml:lang of vxml, of prompt and of speech markup."""
    heard = call(
        {
            URL: wrap(
                "<form><block><prompt>A</prompt><prompt xml:lang='de-DE'>B<s xml:lang='fr-FR'>C</s></prompt>"
                "</block></form>",
                "xml:lang='en-GB'",
            )
        }
    )
    speech = [segment for play in heard.plays for segment in play.segments]
    assert [segment.language for segment in speech] == ["en-GB", "de-DE", "fr-FR"]


def test_6_1_1_audio_is_heard_while_a_document_is_fetched(call: Call, wrap: Wrap) -> None:
    """The queued prompts to their end, then the audio until the document is there."""
    heard = call(
        {
            URL: wrap(
                "<form><block>Wait.<goto next='next.vxml' fetchaudio='hold.wav'/></block></form>",
            ),
            "http://app.example/next.vxml": wrap("<form><block>Thanks.</block></form>"),
        }
    )
    assert heard.said == ["Wait.", "<http://app.example/hold.wav>", "Thanks."]
    kinds = [type(effect) for effect in heard.effects]
    assert kinds.count(effects.StopPlay) == 1


@pytest.mark.parametrize(
    ("settings", "heard_hold"),
    [
        ("<property name='fetchaudio' value='hold.wav'/>", True),
        (
            "<property name='fetchaudio' value='hold.wav'/><property name='fetchaudiodelay' value='20ms'/>",
            True,
        ),
        (
            "<property name='fetchaudio' value='hold.wav'/><property name='fetchaudiodelay' value='2s'/>",
            False,
        ),
    ],
)
def test_6_3_5_the_audio_during_a_fetch_may_be_a_property_and_wait(
    call: Call, wrap: Wrap, settings: str, *, heard_hold: bool
) -> None:
    """Fetchaudiodelay keeps it away from fetches that are quick."""
    heard = call(
        {
            URL: wrap(settings + "<form><block><submit next='next.vxml'/></block></form>"),
            "http://app.example/next.vxml": wrap("<form><block>Thanks.</block></form>"),
        }
    )
    assert ("<http://app.example/hold.wav>" in heard.said) is heard_hold
    assert heard.said[-1] == "Thanks."
