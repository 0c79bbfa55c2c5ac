"""Prompts (VoiceXML 2.0, 4.1)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.effects import Audio, Play, Silence, Speech

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"


def test_4_1_8_prompts_are_heard_when_the_session_waits_and_not_before(call: Call) -> None:
    """What blocks and the field have queued is played in one go."""
    heard = call(
        "<form><block>One</block><block>Two</block>"
        "<field name='a' type='digits?length=1'><prompt>Three</prompt></field></form>",
        "1",
    )
    assert [play.segments for play in heard.plays] == [
        tuple(Speech(text=text, language="en-US") for text in ("One", "Two", "Three"))
    ]


def test_4_1_8_prompts_queued_at_the_end_are_played_before_exit(call: Call) -> None:
    """The host hears Exit only after the last prompt has ended."""
    heard = call("<form><block>Goodbye<exit/></block></form>")
    (played_ms, play), (exit_ms, exit_) = heard.timeline[-2:]
    assert isinstance(play, Play)
    assert exit_ == heard.exit
    assert exit_ms - played_ms == 1_000


def test_4_1_3_audio_has_an_absolute_url_and_its_fallback(call: Call) -> None:
    """A relative src is resolved, and the content goes along for when it cannot be played."""
    heard = call("<form><block><audio src='a.wav'>Say <value expr=\"'this'\"/></audio></block></form>")
    fallback = (Speech(text="Say", language="en-US"), Speech(text="this", language="en-US"))
    assert heard.plays[0].segments == (Audio(src="http://app.example/a.wav", fallback=fallback),)


def test_4_1_3_an_audio_expr_that_is_undefined_takes_the_whole_element_away(call: Call) -> None:
    """Its alternate content is not heard either."""
    heard = call("""<form><var name="none"/><block>A<audio expr="none">B</audio>
      <audio expr="'/x/' + 1 + '.wav'"/></block></form>""")
    assert heard.said == ["A", "<http://app.example/x/1.wav>"]


def test_4_1_xml_base_is_what_urls_are_relative_to(call: Call, wrap: Wrap) -> None:
    """Of the document, and of a prompt inside it."""
    document = wrap(
        "<form><block><audio src='a.wav'/><prompt xml:base='/p/'><audio src='b.wav'/></prompt></block></form>",
        'xml:base="http://cdn.example/sounds/"',
    )
    heard = call({URL: document})
    assert heard.said == ["<http://cdn.example/sounds/a.wav>", "<http://cdn.example/p/b.wav>"]


def test_4_1_the_language_is_the_documents_or_the_prompts(call: Call, wrap: Wrap) -> None:
    """xml:lang is inherited, and en-US without one."""
    document = wrap("<form><block>A<prompt xml:lang='fr-CA'>B</prompt></block></form>", 'xml:lang="de-DE"')
    languages = [segment.language for segment in call({URL: document}).plays[0].segments]
    assert languages == ["de-DE", "fr-CA"]


def test_4_1_4_a_value_is_spoken_as_ecmascript_writes_it(call: Call) -> None:
    """Fixed text and values come apart, white space is collapsed, an empty value says nothing."""
    heard = call("""<form><block>You  owe
        <value expr="3.50"/> <value expr="''"/> <value expr="[1, 2]"/> <value expr="undefined"/></block></form>""")
    assert heard.said == ["You owe", "3.5", "1,2", "undefined"]


@pytest.mark.parametrize(
    ("element", "duration_ms"),
    [
        ("<break time='1.5s'/>", 1_500),
        ("<break time='20ms'/>", 20),
        ("<break/>", 500),
        ("<break strength='none'/>", 0),
        ("<break strength='x-strong'/>", 2_000),
    ],
)
def test_4_1_1_a_break_is_silence(call: Call, element: str, duration_ms: int) -> None:
    """By its time, else by its strength."""
    heard = call(f"<form><block><prompt>{element}</prompt></block></form>")
    assert heard.plays[0].segments == (Silence(duration_ms=duration_ms),)


def test_4_1_2_a_prompt_whose_cond_is_false_is_not_heard(call: Call) -> None:
    """In executable content as in a field."""
    heard = call(
        """<form><block><prompt cond="false">A</prompt><prompt cond="1">B</prompt></block>
        <field name="f" type="digits?length=1"><prompt cond="false">C</prompt><prompt>D</prompt></field></form>""",
        "1",
    )
    assert heard.said == ["B", "D"]


def test_4_1_6_prompts_taper_by_count(call: Call) -> None:
    """The highest count not above the counter; all prompts of that count, in order."""
    field = """<form><field name="f" type="digits?length=1">
        <prompt count="1">One</prompt><prompt count="1">Uno</prompt><prompt count="3">Three</prompt>
      </field></form>"""
    assert call(field, "", "", "", "1").said == ["One", "Uno", "One", "Uno", "Three", "Three"]


def test_4_1_6_a_false_cond_is_dropped_before_the_count_is_chosen(call: Call) -> None:
    """A higher count that may not be heard leaves the lower one."""
    field = """<form><field name="f" type="digits?length=1">
        <prompt>One</prompt><prompt count="2" cond="false">Two</prompt></field></form>"""
    assert call(field, "", "1").said == ["One", "One"]


def test_4_1_7_the_last_prompts_timeout_counts(call: Call) -> None:
    """It is the time for the first key, from the end of the prompts on."""
    heard = call("""<form><property name="timeout" value="9s"/>
      <block><prompt timeout="1s">A</prompt></block>
      <field name="f" type="digits"><prompt timeout="2s">B</prompt>
        <noinput><exit/></noinput></field></form>""")
    assert heard.timeline[-1][0] == 50 + 2 * 1_000 + 2_000


def test_4_1_7_a_prompt_without_timeout_takes_the_property(call: Call) -> None:
    """The innermost property counts: of the field, not of the form."""
    heard = call("""<form><property name="timeout" value="9s"/>
      <field name="f" type="digits"><property name="timeout" value="700ms"/><prompt>B</prompt>
        <noinput><exit/></noinput></field></form>""")
    assert heard.timeline[-1][0] == 50 + 1_000 + 700


def test_4_1_5_prompts_of_one_kind_are_one_play(call: Call) -> None:
    """Neighbours that may be interrupted are joined, and so are those that may not."""
    heard = call(
        """<form><block><prompt bargein="false">A</prompt><prompt bargein="false">B</prompt>
        <prompt>C</prompt></block><field name="f" type="digits?length=1"><prompt>D</prompt></field></form>""",
        "1",
    )
    assert [(play.bargein, len(play.segments)) for play in heard.plays] == [(False, 2), (True, 2)]


def test_4_1_1_speech_markup_goes_along_with_the_text(call: Call) -> None:
    """Nested elements are written around each text; what <sub> stands for is what is said."""
    heard = call(
        "<form><block><prompt>A<prosody rate='slow'>B <emphasis>&lt;C</emphasis></prosody>"
        "<sub alias='World Wide Web'>WWW</sub></prompt></block></form>"
    )
    assert [(each.text, each.ssml) for each in heard.plays[0].segments] == [
        ("A", ""),
        ("B", '<prosody rate="slow">B</prosody>'),
        ("<C", '<prosody rate="slow"><emphasis>&lt;C</emphasis></prosody>'),
        ("World Wide Web", ""),
    ]


def test_a_mark_is_kept_in_its_place(call: Call) -> None:
    """A named mark takes no time and says nothing."""
    assert call("<form><block><prompt>A<mark name='m'/>B</prompt></block></form>").said == ["A", "[m]", "B"]
