"""What is fetched, how, and what is sent along (VoiceXML 2.0, 5.3.7 to 5.3.9 and 6.1), one case per sentence."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

BASE = "http://app.example/"
URL = BASE + "start.vxml"
NEXT = BASE + "next.vxml"
VARIABLES = """<var name="o" expr="({a: 1, b: {c: 2}})"/><var name="u"/><var name="n" expr="null"/>
<var name="s" expr="'a b&amp;c'"/><var name="i" expr="1.5"/><var name="t" expr="true"/><var name="list" expr="[1, 2]"/>
<var name="q" expr="'é€'"/>"""
CAUGHT = f"<form>{VARIABLES}<catch event='error'><log expr='_event'/></catch><block>HERE</block></form>"
TWO = "<form id='a'><block><log>A</log></block></form><form id='b'><block><log>B</log></block></form>"
WAIT = "<property name='fetchaudio' value='wait.wav'/>"


def documents(
    wrap: Wrap, element: str, settings: str = "", other: str | int | bytes = ""
) -> dict[str, object]:
    """Make a document with an element in a block, and the one that it leads to."""
    return {
        URL: wrap(settings + CAUGHT.replace("HERE", element)),
        NEXT: other or wrap(TWO),
        BASE + "d.xml": "<d/>",
        BASE + "a.js": "1",
    }


@pytest.mark.parametrize(
    ("element", "logs"),
    [
        ("<goto next='next.vxml'/>", "A"),
        ("<goto next='next.vxml#b'/>", "B"),
        ("<goto next='next.vxml?x=1#b'/>", "B"),
        ("<goto next='./x/../next.vxml'/>", "A"),
        ("<goto expr=\"'next' + '.vxml#b'\"/>", "B"),
        ("<goto next='next.vxml#none'/>", "error.badfetch"),
        ("<goto next='#none'/>", "error.badfetch"),
        ("<goto nextitem='none'/>", "error.badfetch"),
        ("<goto expr='nope'/>", "error.semantic"),
        ("<goto next='ftp://x/y'/>", "error.badfetch"),
        ("<goto next='mailto:x'/>", "error.badfetch"),
        ("<goto next='http://['/>", "error.badfetch"),
        ("<submit next='next.vxml' namelist='nope'/>", "error.semantic"),
        ("<submit next='next.vxml' namelist='s;i'/>", "error.semantic"),
        ("<submit expr='nope'/>", "error.semantic"),
        ("<exit namelist='nope'/>", "error.semantic"),
        ("<exit expr='nope'/>", "error.semantic"),
        ("<disconnect namelist='nope'/>", "error.semantic"),
    ],
)
def test_5_3_7_where_it_leads(call: Call, wrap: Wrap, element: str, logs: str) -> None:
    """To the dialog of the fragment, else to the first; an error is thrown where it was asked for."""
    assert call(documents(wrap, element)).logs == [logs]


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (400, ".http.400"),
        (401, ".http.401"),
        (403, ".http.403"),
        (500, ".http.500"),
        (503, ".http.503"),
        ("fail:It took too long.", ""),
        ("<vxml", ""),
        ("<vxml version='2.0'><foo/></vxml>", ""),
    ],
)
def test_5_2_6_what_cannot_be_had(call: Call, wrap: Wrap, answer: str | int, event: str) -> None:
    """error.badfetch, with the status that its server gave."""
    assert call(documents(wrap, "<goto next='next.vxml'/>", "", answer)).logs == ["error.badfetch" + event]


@pytest.mark.parametrize(
    ("namelist", "query"),
    [
        ("s i t", "s=a+b%26c&i=1.5&t=true"),
        ("u n", "u=undefined&n=null"),
        ("o.a o.b.c", "o.a=1&o.b.c=2"),
        ("list", "list=%5B1%2C2%5D"),
        ("q", "q=%C3%A9%E2%82%AC"),
        (" i\n\ti s ", "i=1.5&s=a+b%26c"),
        ("session.connection.local.uri", "session.connection.local.uri=tel%3A%2B12125550100"),
        ("", ""),
    ],
)
def test_5_3_8_what_a_submit_sends(call: Call, wrap: Wrap, namelist: str, query: str) -> None:
    """Each name once, as text; objects as JSON."""
    heard = call(documents(wrap, f"<submit next='next.vxml' namelist='{namelist}'/>"))
    assert heard.fetches[1].url == NEXT + ("?" if query else "") + query


@pytest.mark.parametrize(
    ("element", "sent"),
    [
        ("<submit next='next.vxml?z=1' namelist='i'/>", ("GET", NEXT + "?z=1&i=1.5", (), False)),
        ("<submit expr=\"'next.vxml'\" namelist='i'/>", ("GET", NEXT + "?i=1.5", (), False)),
        ("<submit next='next.vxml' method='post' namelist='s'/>", ("POST", NEXT, (("s", "a b&c"),), False)),
        (
            "<submit next='next.vxml' method='post' enctype='multipart/form-data' namelist='i'/>",
            ("POST", NEXT, (("i", "1.5"),), True),
        ),
        ("<data src='next.vxml' namelist='i'/>", ("GET", NEXT + "?i=1.5", (), False)),
        ("<goto next='next.vxml'/>", ("GET", NEXT, (), False)),
    ],
)
def test_5_3_8_how_it_is_sent(
    call: Call, wrap: Wrap, element: str, sent: tuple[str, str, tuple[tuple[str, str], ...], bool]
) -> None:
    """In the query of a GET, else in the body."""
    fetch = call(documents(wrap, element)).fetches[1]
    assert (fetch.method, fetch.url, fetch.form, fetch.multipart) == sent


def test_5_3_8_without_a_namelist_the_named_input_items_are_sent(call: Call, wrap: Wrap) -> None:
    """Variables and blocks are not."""
    form = """<form><var name="v" expr="1"/><field name="f" expr="'x'" type="digits"/><block name="b"/>
    <field expr="'z'" type="digits"/><field name="g" expr="'y'" type="digits"/><block>
    <submit next="next.vxml"/></block></form>"""
    assert call({URL: wrap(form), NEXT: wrap(TWO)}).fetches[1].url == NEXT + "?f=x&g=y"


@pytest.mark.parametrize(
    ("element", "values"),
    [
        ("<exit/>", ()),
        ("<exit expr='1'/>", (("expr", "1"),)),
        ("<exit expr='u'/>", (("expr", "undefined"),)),
        ("<exit expr='null'/>", (("expr", "null"),)),
        ("<exit expr='({a: [1, {b: 2}]})'/>", (("expr", '{"a":[1,{"b":2}]}'),)),
        ("<exit namelist='i s t'/>", (("i", "1.5"), ("s", "a b&c"), ("t", "true"))),
        ("<exit namelist='o.b o.a'/>", (("o.b", '{"c":2}'), ("o.a", "1"))),
        ("<exit namelist='u n'/>", (("u", "undefined"), ("n", "null"))),
        ("<disconnect namelist='list i'/>", (("list", "[1,2]"), ("i", "1.5"))),
    ],
)
def test_5_3_9_values_of_each_type_are_handed_over(
    call: Call, wrap: Wrap, element: str, values: tuple[tuple[str, str], ...]
) -> None:
    """By their names, or as `expr`."""
    assert call(documents(wrap, element)).exit.values == values


@pytest.mark.parametrize(
    ("element", "purpose"),
    [
        ("<goto next='next.vxml'/>", "document"),
        ("<script src='a.js'/>", "script"),
        ("<data src='d.xml'/>", "data"),
    ],
)
@pytest.mark.parametrize(
    ("attributes", "fetched"),
    [("", (9, 8, 7_000)), ("maxage='3' maxstale='2' fetchtimeout='1s' fetchhint='safe'", (3, 2, 1_000))],
)
def test_6_1_each_kind_has_properties_of_its_own(
    call: Call, wrap: Wrap, element: str, purpose: str, attributes: str, fetched: tuple[int, int, int]
) -> None:
    """And attributes that go before them."""
    settings = f"""<property name="{purpose}maxage" value="9"/><property name="{purpose}maxstale" value="8"/>
    <property name="fetchtimeout" value="7s"/>"""
    fetch = call(documents(wrap, element.replace("/>", f" {attributes}/>"), settings)).fetches[1]
    assert (fetch.max_age_s, fetch.max_stale_s, fetch.timeout_ms, fetch.purpose) == (*fetched, purpose)


@pytest.mark.parametrize(
    ("element", "settings", "said"),
    [
        ("hello<goto next='next.vxml' fetchaudio='w.wav'/>", "", "hello <w.wav>"),
        ("<goto next='next.vxml'/>", WAIT, "<wait.wav>"),
        ("<goto next='next.vxml' fetchaudio='w.wav'/>", WAIT, "<w.wav>"),
        ("<goto next='next.vxml'/>", WAIT + "<property name='fetchaudiodelay' value='2s'/>", ""),
        ("<goto next='next.vxml'/>", WAIT + "<property name='fetchaudiodelay' value='10ms'/>", "<wait.wav>"),
        ("x<data src='d.xml' fetchaudio='w.wav'/>", "", "x <w.wav>"),
        ("x<script src='a.js'/>", WAIT, "x"),
        ("x<goto next='none.vxml'/>", "", "x"),
    ],
)
def test_6_1_1_what_is_heard_during_a_fetch(
    call: Call, wrap: Wrap, element: str, settings: str, said: str
) -> None:
    """After what was queued; not at all if the fetch is quicker than the delay."""
    heard = call(documents(wrap, element, settings))
    assert " ".join(heard.said).replace(BASE, "") == said


@pytest.mark.parametrize(
    "settings",
    [
        "<property name='documentmaxage' value='x'/>",
        "<property name='documentmaxstale' value='-1'/>",
        "<property name='fetchtimeout' value='7'/>",
        WAIT + "<property name='fetchaudiodelay' value='2'/>",
        WAIT + "<property name='fetchaudiominimum' value=''/>",
    ],
)
def test_6_3_5_a_property_without_sense_is_told_where_it_is_used(
    call: Call, wrap: Wrap, settings: str
) -> None:
    """error.semantic."""
    assert call(documents(wrap, "<goto next='next.vxml'/>", settings)).logs == ["error.semantic"]


@pytest.mark.parametrize(
    ("address", "url"),
    [("a b.vxml", "a%20b.vxml"), (" c.vxml ", "c.vxml"), ("x?q=1 2", "x?q=1%202"), ("a%20b", "a%20b")],
)
def test_6_1_3_an_address_may_have_spaces(call: Call, wrap: Wrap, address: str, url: str) -> None:
    """They are written as a URL has them; also in that of a recording."""
    heard = call(documents(wrap, f"<audio src='{address}'/><goto next='{address}'/>"))
    assert heard.fetches[1].url == BASE + url
    assert heard.said == [f"<{BASE}{url}>"]


@pytest.mark.parametrize("time", ["-1s", "5", "5 s", "5S", "5sec", "5m", "s", "1e3ms", "\u0661s", "1,5s"])
def test_6_5_what_is_no_time(call: Call, time: str) -> None:
    """A number without a unit, with another one, or below zero."""
    document = f"<form><field name='f' type='digits'><prompt timeout='{time}'>x</prompt></field></form>"
    assert call(document).exit.event == "error.badfetch"
