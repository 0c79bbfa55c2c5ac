"""What VoiceXML 2.1 adds, by its sections."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.effects import Listen
from shared.voicexml.events import Digit, MarkReached, Said

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
DATA = "http://app.example/d.xml"

XML = """<?xml version="1.0"?><q:list xmlns:q="urn:q" count="2"><item id="a">One</item
><!-- no --><item q:n="2">Two<?p i?></item>
</q:list>"""


def with_data(wrap: Wrap, content: str, data: str = XML) -> dict[str, str]:
    """Make documents in which a block reads the data."""
    document = wrap(
        f"""<form><catch event="error"><log expr="_event"/><exit/></catch>
        <block><data name="d" src="d.xml"/>{content}</block></form>"""
    )
    return {URL: document, DATA: data}


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("d.documentElement.tagName", "q:list"),
        ("d.documentElement.namespaceURI", "urn:q"),
        ("d.documentElement.getAttribute('count')", "2"),
        ("d.getElementsByTagName('item').length", "2"),
        ("d.getElementsByTagName('item').item(1).firstChild.data", "Two"),
        ("d.documentElement.firstChild.nextSibling.nextSibling.nodeName", "item"),
        ("d.getElementsByTagNameNS('urn:q', 'list')[0].nodeType == 1", "true"),
        ("d.getElementsByTagName('item')[0].attributes.getNamedItem('id').value", "a"),
        ("d.nodeType == Node.DOCUMENT_NODE", "true"),
        ("d.documentElement.firstChild.nextSibling.data", " no "),
        ("d.documentElement.childNodes[1].nodeType == Node.COMMENT_NODE", "true"),
        ("d.getElementsByTagName('item')[1].lastChild.target", "p"),
        ("d.getElementsByTagName('item')[1].textContent", "Two"),
        ("d.getElementsByTagName('item')[1].getAttributeNS('urn:q', 'n')", "2"),
        ("d.getElementsByTagName('item')[1].getAttribute('q:n')", "2"),
        ("DOMException.NO_MODIFICATION_ALLOWED_ERR", "7"),
    ],
)
def test_5_data_is_a_document_to_be_read(call: Call, wrap: Wrap, expr: str, text: str) -> None:
    """By the DOM's names."""
    assert call(with_data(wrap, f'<log expr="{expr}"/>')).logs == [text]


def test_5_data_cannot_be_changed(call: Call, wrap: Wrap) -> None:
    """Trying to is an exception."""
    content = "<script>d.documentElement.removeChild(d.documentElement.firstChild)</script>"
    assert call(with_data(wrap, content)).logs == ["error.semantic"]


@pytest.mark.parametrize(
    ("data", "event"),
    [
        ("<a>", "error.badfetch"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "error.badfetch"),
        ('<?access-control allow="other.example"?><a/>', "error.noauthorization"),
    ],
)
def test_5_data_that_cannot_be_had(call: Call, wrap: Wrap, data: str, event: str) -> None:
    """Its event says whether it is no data or not for this document."""
    assert call(with_data(wrap, "", data)).logs == [event]


def test_5_data_sends_variables_and_may_keep_nothing(call: Call, wrap: Wrap) -> None:
    """Without a name it is but a message to the server."""
    document = wrap(
        """<form><var name="a" expr="1"/><block><data src="d.xml" method="post" namelist="a"/>Done</block></form>"""
    )
    heard = call({URL: document, DATA: "not XML"})
    assert heard.said == ["Done"]
    assert heard.fetches[1].form == (("a", "1"),)


def test_6_4_foreach_goes_through_a_copy_of_an_array(call: Call) -> None:
    """In executable content and in prompts; what is added meanwhile is not visited."""
    heard = call(
        """<form><var name="list" expr="['a', 'b']"/><block>
        <foreach item="each" array="list"><script>list.push('c')</script><log expr="each"/></foreach>
        <prompt><foreach item="x" array="[1, 2]">Number <value expr="x"/><break time="1s"/></foreach></prompt>
        </block></form>"""
    )
    assert heard.logs == ["a", "b"]
    assert heard.said == ["Number", "1", "(1000 ms)", "Number", "2", "(1000 ms)"]


def test_6_4_what_is_no_array_is_an_error(call: Call) -> None:
    """error.semantic."""
    form = "<form><block><foreach item='x' array='42'/></block></form>"
    assert call(form).exit.event == "error.semantic"


def test_6_3_a_mark_is_named_by_an_expression(call: Call) -> None:
    """Evaluated when the prompt is queued."""
    assert call("""<form><block><prompt><mark nameexpr="'m' + 1"/>A</prompt></block></form>""").said == [
        "[m1]",
        "A",
    ]


def test_6_3_the_mark_that_was_reached_is_told(call: Call) -> None:
    """In the field's shadow variables and the last result."""
    heard = call(
        """<form><field name="f" type="digits?length=1"><prompt>A<mark name="half"/>B</prompt>
        <filled><log expr="f$.markname + application.lastresult$.markname + f$.marktime"/></filled></field></form>""",
        at=[(500, MarkReached(name="half", at_ms=500)), (1_500, Digit(key="1", at_ms=1_500))],
    )
    assert heard.logs == ["halfhalf1000"]


def test_9_disconnect_hands_values_over(call: Call) -> None:
    """They are the session's result, with those of a later exit."""
    heard = call(
        """<form><var name="a" expr="1"/><block><disconnect namelist="a"/></block>
        <catch event="connection.disconnect"><exit namelist="b"/></catch></form><!-- b is declared below -->
        """.replace("<form>", "<var name='b' expr='2'/><form>")
    )
    assert heard.exit.values == (("a", "1"), ("b", "2"))


def said(text: str) -> Said:
    """Say something, of which there is a recording."""
    return Said(text=text, recording="u1", recording_ms=1_500, recording_bytes=12_000)


VOICE_FIELD = """<form><property name="recordutterance" value="{}"/><field name="f">
<grammar version="1.0" root="r"><rule id="r">yes</rule></grammar>
<filled><log expr="f$.recording + ' ' + f$.recordingsize + ' ' + f$.recordingduration"/>
<audio expr="f$.recording"/></filled>
<nomatch><log expr="typeof f$ + application.lastresult$.recording + application.lastresult$[0].recordingsize"/><exit/>
</nomatch></field></form>"""


def test_7_what_was_said_is_kept_if_the_property_says_so(call: Call) -> None:
    """The field's shadow variables tell where it is, how long and how large; it can be played."""
    heard = call(VOICE_FIELD.format("true"), at=[(100, said("yes"))])
    assert heard.logs == ["recording:u1 12000 1500"]
    assert heard.said == ["<recording:u1>"]
    (listen,) = (effect for effect in heard.effects if isinstance(effect, Listen))
    assert listen.keep_sound


def test_7_of_a_nomatch_the_last_result_alone_has_it(call: Call) -> None:
    """The field is not filled."""
    heard = call(VOICE_FIELD.format("true"), at=[(100, said("no"))])
    assert heard.logs == ["undefinedrecording:u112000"]


def test_7_without_the_property_there_is_no_recording(call: Call) -> None:
    """Whatever the host did; nor of keys, which make no sound."""
    heard = call(VOICE_FIELD.format("false"), at=[(100, said("yes"))])
    assert heard.logs == ["undefined undefined undefined"]
    assert not any(effect.keep_sound for effect in heard.effects if isinstance(effect, Listen))
    by_keys = VOICE_FIELD.format("true").replace('"f">', '"f" type="digits?length=1">')
    assert call(by_keys, "1").logs == ["undefined undefined undefined"]


def test_7_a_recording_of_what_was_said_is_sent(call: Call, wrap: Wrap) -> None:
    """As one of a <record> is."""
    form = VOICE_FIELD.format("true").replace(
        "</filled>",
        "<var name='sound' expr='f$.recording'/><submit next='d.xml' method='post' namelist='sound'/></filled>",
    )
    heard = call({URL: wrap(form), DATA: wrap("<form/>")}, at=[(100, said("yes"))])
    assert heard.fetches[1].recordings == (("sound", "recording:u1"),)


@pytest.mark.parametrize(
    ("sound_type", "event"), [("audio/x-wav", ""), ("audio/mpeg", "error.unsupported.format")]
)
def test_7_the_format_is_one_that_can_be_recorded(call: Call, sound_type: str, event: str) -> None:
    """Another one is refused where the session would listen."""
    form = VOICE_FIELD.format("true").replace(
        "<field", f'<property name="recordutterancetype" value="{sound_type}"/><field'
    )
    heard = call(form, at=[(100, Said(text="no"))])
    assert heard.exit.event == event
    assert [e.sound_type for e in heard.effects if isinstance(e, Listen)] == ([] if event else [sound_type])
