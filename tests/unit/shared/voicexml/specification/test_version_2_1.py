"""What VoiceXML 2.1 adds, by its sections."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.events import Digit, MarkReached

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
DATA = "http://app.example/d.xml"

XML = """<?xml version="1.0"?><q:list xmlns:q="urn:q" count="2"><item id="a">One</item><!-- no --><item>Two</item>
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
        ("d.documentElement.firstChild.nextSibling.nodeName", "item"),
        ("d.getElementsByTagNameNS('urn:q', 'list')[0].nodeType == 1", "true"),
        ("d.getElementsByTagName('item')[0].attributes.getNamedItem('id').value", "a"),
        ("d.nodeType == Node.DOCUMENT_NODE", "true"),
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
