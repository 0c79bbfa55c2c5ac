"""Reading a document: what is tolerated, what is refused, and at which line."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.voicexml.attributes import milliseconds
from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.limits import MAX_DOCUMENT_BYTES
from shared.voicexml.loader import load
from shared.voicexml.model import Block, Form
from shared.voicexml.prompt_model import Prompt, Words

Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"

HEAD = "<vxml version='2.0'>"


def test_a_doctype_is_tolerated_and_not_fetched() -> None:
    """Real documents have one."""
    doctype = '<!DOCTYPE vxml PUBLIC "-//W3C//DTD VOICEXML 2.0//EN" "http://127.0.0.1:1/vxml.dtd">'
    assert load(f"{doctype}<vxml version='2.0'><form/></vxml>".encode(), URL).dialogs


@pytest.mark.parametrize("version", ["2.0", "2.1", " 2.1 "])
def test_both_versions_are_read_with_and_without_the_namespace(version: str) -> None:
    """Many documents forget it."""
    for namespace in ("", ' xmlns="http://www.w3.org/2001/vxml"'):
        document = load(f"<vxml version='{version}'{namespace}><form id='a'/></vxml>".encode(), URL)
        assert document.dialog("a") == document.dialog("")


def test_comments_and_white_space_do_not_split_speech() -> None:
    """Words are collapsed as speech has no layout."""
    document = load(f"{HEAD}<form><block> One <!-- x -->\n two </block></form></vxml>".encode(), URL)
    form = document.dialogs[0]
    assert isinstance(form, Form)
    (item,) = form.items
    assert isinstance(item, Block)
    (prompt,) = item.content
    assert isinstance(prompt, Prompt)
    assert prompt.parts == (Words(text="One two"),)


BOMB = """<!DOCTYPE vxml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"""
FILE = """<!DOCTYPE vxml [<!ENTITY a SYSTEM "file:///etc/passwd">]>"""


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "empty"),
        ("no xml", "Start tag"),
        (f"{HEAD}", "Premature end"),
        (f"{BOMB}{HEAD}<form><block>&b;</block></form></vxml>", "Entities"),
        (f"{FILE}{HEAD}<form><block>&a;</block></form></vxml>", "Entities"),
        (f"{FILE}{HEAD}</vxml>", "Entities"),
        ("<!DOCTYPE vxml SYSTEM 'x.dtd'>" + HEAD + "<form><block>&x;</block></form></vxml>", "Entities"),
        ("<html/>", "<html>"),
        ("<vxml/>", "version"),
        ("<vxml version='1.0'/>", "version"),
        ("<vxml version='2.0' xmlns='http://www.w3.org/1999/xhtml'/>", "not VoiceXML"),
        (f"{HEAD}<form xmlns:x='urn:x'><x:y/></form></vxml>", "not VoiceXML"),
        (HEAD + "<form>" * 65 + "</form>" * 65 + "</vxml>", "deeper than 64"),
        (HEAD + "<form/>" * 20_001 + "</vxml>", "more than 20000"),
        (" " * (MAX_DOCUMENT_BYTES + 1), "longer than"),
        (f"{HEAD}text</vxml>", "may not hold text"),
        (f"{HEAD}<block/></vxml>", "<block> may not stand in <vxml>"),
        (f"{HEAD}<form><exit/></form></vxml>", "<exit> may not stand in <form>"),
        (f"{HEAD}<form><block><field/></block></form></vxml>", "<field> may not stand in <block>"),
        (f"{HEAD}<form><block><nonsense/></block></form></vxml>", "<nonsense> may not stand"),
        (f"{HEAD}<form><block><prompt><exit/></prompt></block></form></vxml>", "may not stand in <prompt>"),
        (f"{HEAD}<form><block><log><audio src='a'/></log></block></form></vxml>", "may not stand in <log>"),
        (f"{HEAD}<form><field><block/></field></form></vxml>", "<block> may not stand in <field>"),
        (f"{HEAD}<form id='a'/><form id='a'/></vxml>", "id='a' is used 2 times"),
        (f"{HEAD}<form><field name='a'/><block name='a'/></form></vxml>", "name='a' is used 2 times"),
        (f"{HEAD}<form><block name='a'/><filled namelist='a'/></form></vxml>", "no input item"),
        (f"{HEAD}<form><field><filled mode='any'/></field></form></vxml>", "no mode or namelist"),
        (f"{HEAD}<form><filled mode='some'/></form></vxml>", "not all or any"),
        (f"{HEAD}<var/></vxml>", "needs the attribute name"),
        (f"{HEAD}<property name='a'/></vxml>", "needs the attribute value"),
        (f"{HEAD}<form><block><assign name='a'/></block></form></vxml>", "needs the attribute expr"),
        (f"{HEAD}<form><block><value/></block></form></vxml>", "needs the attribute expr"),
        (f"{HEAD}<form><block><if>A</if></block></form></vxml>", "needs the attribute cond"),
        (f"{HEAD}<form><block><if cond='1'><else/><elseif cond='1'/></if></block></form></vxml>", "<else>"),
        (f"{HEAD}<form><block><goto/></block></form></vxml>", "needs one of"),
        (f"{HEAD}<form><block><goto next='a' expr='b'/></block></form></vxml>", "only one of"),
        (f"{HEAD}<form><block><audio/></block></form></vxml>", "needs one of"),
        (f"{HEAD}<form><block><audio src='a' expr='b'/></block></form></vxml>", "only one of"),
        (f"{HEAD}<form><block><submit/></block></form></vxml>", "needs one of"),
        (f"{HEAD}<form><block><submit next='a' method='put'/></block></form></vxml>", "not get or post"),
        (f"{HEAD}<form><block><exit expr='1' namelist='a'/></block></form></vxml>", "only one of"),
        (f"{HEAD}<form><block><throw/></block></form></vxml>", "needs one of"),
        (f"{HEAD}<form><block><prompt bargein='yes'>A</prompt></block></form></vxml>", "true nor false"),
        (f"{HEAD}<form><block><prompt timeout='5'>A</prompt></block></form></vxml>", "not a time"),
        (f"{HEAD}<form><block><prompt count='0'>A</prompt></block></form></vxml>", "from 1 on"),
        (f"{HEAD}<form><catch count='x'/></form></vxml>", "from 1 on"),
    ],
)
def test_what_is_not_valid_is_refused_in_a_sentence(document: str, reason: str) -> None:
    """Hostile, oversized, misplaced, incomplete, contradictory: each with its reason."""
    with pytest.raises(DocumentInvalid, match=r"^Line [0-9]+: ") as refused:
        load(document.encode(), URL)
    assert reason in str(refused.value)


def test_64_elements_may_be_inside_one_another_and_no_more() -> None:
    """The limit is exact."""
    nested = "<vxml version='2.0'><form><block>{}{}</block></form></vxml>"
    load(nested.format("<if cond='1'>" * 61, "</if>" * 61).encode(), URL)
    with pytest.raises(DocumentInvalid, match="deeper than 64"):
        load(nested.format("<if cond='1'>" * 62, "</if>" * 62).encode(), URL)


def test_a_refusal_names_the_line() -> None:
    """So that its author finds it."""
    with pytest.raises(DocumentInvalid) as refused:
        load(f"{HEAD}\n<form>\n<block>\n<goto/>\n</block></form></vxml>".encode(), URL)
    assert refused.value.line == 4


def test_attributes_that_voicexml_does_not_know_are_passed_over() -> None:
    """Vendors add their own, with a namespace and without."""
    load(b"<vxml version='2.0' xmlns:v='urn:v' v:x='1' y='2'><form z='3'/></vxml>", URL)


def test_metadata_may_hold_anything() -> None:
    """RDF or whatever its author likes (6.2.2)."""
    load(
        b"<vxml version='2.0'><metadata><a xmlns='urn:a'><b/></a></metadata><meta name='c' content='d'/></vxml>",
        URL,
    )


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(body: bytes) -> None:
    """Nothing but DocumentInvalid comes out."""
    with pytest.raises(DocumentInvalid):
        load(body, URL)


PIECES = st.sampled_from(
    [
        "<form>",
        "</form>",
        "<block>",
        "</block>",
        "<if cond='1'>",
        "<else/>",
        "</if>",
        "text",
        "<exit/>",
        "<field name='a'>",
        "</field>",
        "<prompt>",
        "</prompt>",
        "<audio src='a'>",
        "</audio>",
        "<catch>",
        "</catch>",
    ]
)


@given(st.lists(PIECES, max_size=12))
def test_elements_in_any_order_are_read_or_refused(pieces: list[str]) -> None:
    """The reader never fails in another way than by refusing."""
    with suppress(DocumentInvalid):
        assert load(f"{HEAD}{''.join(pieces)}</vxml>".encode(), URL).url == URL


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3s", 3_000),
        ("850ms", 850),
        ("0.7s", 700),
        (".5s", 500),
        ("+1.5s", 1_500),
        ("1.s", 1_000),
        (" 2s ", 2_000),
        ("5", None),
        ("s", None),
        ("-1s", None),
        ("1e3s", None),
        ("\u0663s", None),
        ("1 s", None),
        ("9999999999s", None),
    ],
)
def test_6_5_a_time_is_a_number_and_its_unit(text: str, value: int | None) -> None:
    """Seconds or milliseconds, in ASCII digits, not negative."""
    assert milliseconds(text) == value
