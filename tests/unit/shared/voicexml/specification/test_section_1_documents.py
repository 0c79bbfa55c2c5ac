"""Documents as they may be written: declarations, encodings, namespaces, bases (VoiceXML 2.0, 1.5.1 and Appendix O)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml import effects

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
NAMESPACE = 'xmlns="http://www.w3.org/2001/vxml"'
FORM = "<form><block><log>é</log></block></form>"
DOCUMENT = f'<vxml version="2.0" {NAMESPACE}>{FORM}</vxml>'
PUBLIC = '"-//W3C//DTD VOICEXML 2.0//EN" "http://www.w3.org/TR/voicexml20/vxml.dtd"'
SCHEMA = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.w3.org/2001/vxml http://www.w3.org/TR/voicexml20/vxml.xsd"'
)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(DOCUMENT.encode(), id="plain"),
        pytest.param(f'<?xml version="1.0"?>{DOCUMENT}'.encode(), id="declared"),
        pytest.param(f"<!DOCTYPE vxml PUBLIC {PUBLIC}>{DOCUMENT}".encode(), id="public-doctype"),
        pytest.param(f'<!DOCTYPE vxml SYSTEM "vxml.dtd">{DOCUMENT}'.encode(), id="system-doctype"),
        pytest.param(f"<!DOCTYPE vxml [<!ELEMENT vxml ANY>]>{DOCUMENT}".encode(), id="declarations"),
        pytest.param(f'<?xml-stylesheet href="a"?><!-- a -->{DOCUMENT}<!-- b -->'.encode(), id="around"),
        pytest.param(f"\n  {DOCUMENT}\n".encode(), id="space-around"),
        pytest.param(f'<vxml version="2.0">{FORM}</vxml>'.encode(), id="no-namespace"),
        pytest.param(f'<vxml version="2.1" {NAMESPACE} {SCHEMA}>{FORM}</vxml>'.encode(), id="schema"),
        pytest.param(f'<vxml version=" 2.0 " {NAMESPACE}>{FORM}</vxml>'.encode(), id="space-in-version"),
        pytest.param(f'<vxml version="2.0" xml:lang="fr" {NAMESPACE}>{FORM}</vxml>'.encode(), id="language"),
        pytest.param(
            '<v:vxml version="2.0" xmlns:v="http://www.w3.org/2001/vxml"><v:form><v:block><v:log>é</v:log>'
            "</v:block></v:form></v:vxml>".encode(),
            id="prefix",
        ),
        pytest.param(f'<?xml version="1.0" encoding="UTF-16"?>{DOCUMENT}'.encode("utf-16"), id="utf-16"),
        pytest.param(f'<?xml version="1.0" encoding="ISO-8859-1"?>{DOCUMENT}'.encode("latin-1"), id="latin-1"),
        pytest.param(b"\xef\xbb\xbf" + DOCUMENT.encode(), id="byte-order-mark"),
        pytest.param(DOCUMENT.replace("é", "<![CDATA[é]]>").encode(), id="cdata"),
        pytest.param(DOCUMENT.replace("é", "&#233;<!-- x --><?y z?>").encode(), id="reference"),
    ],
)  # fmt: skip
def test_1_5_1_a_document_in_every_dress(call: Call, body: bytes) -> None:
    """All of it is XML, and the same document."""
    assert call({URL: body}).logs == ["é"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"<vxml {NAMESPACE}>{FORM}</vxml>", id="no-version"),
        pytest.param(f'<vxml version="1.0" {NAMESPACE}>{FORM}</vxml>', id="version-1.0"),
        pytest.param(f'<vxml version="2.0" xmlns="urn:x">{FORM}</vxml>', id="another-namespace"),
        pytest.param(f'\n<?xml version="1.0"?>{DOCUMENT}', id="declaration-behind-space"),
        pytest.param(DOCUMENT.replace("</form>", ""), id="not-well-formed"),
        pytest.param(DOCUMENT.replace("é", "&eacute;"), id="unknown-entity"),
        pytest.param(f'<vxml version="2.0" xml:base="http://[" {NAMESPACE}>{FORM}</vxml>', id="no-base"),
    ],
)
def test_5_2_6_what_is_no_such_document_is_a_bad_fetch(call: Call, body: str) -> None:
    """For whoever asked for it."""
    assert call({URL: body}).exit.event == "error.badfetch"


@pytest.mark.parametrize("base", ["http://app.example/sub/", "/sub/", "sub/", "sub/any.vxml"])
@pytest.mark.parametrize(
    ("content", "log"),
    [
        ("<form><block><goto next='two.vxml'/></block></form>", "two"),
        ("<form><block><goto next='#b'/></block></form><form id='b'><block><log>b</log></block></form>", "b"),
        ("<script src='s.js'/><form><block><log expr='s'/></block></form>", "script"),
        ("<form><block><throw event='x'/></block></form><catch event='x'><script src='s.js'/><log expr='s'/></catch>",
         "script"),
        ("<form><subdialog name='s' src='sub.vxml'><filled><log expr='s.r'/></filled></subdialog></form>", "sub"),
    ],
)  # fmt: skip
def test_1_5_1_the_base_of_a_document(call: Call, wrap: Wrap, base: str, content: str, log: str) -> None:
    """What is relative is so to the base; a mere fragment is in the document itself (5.3.7)."""
    sub = "<form><var name='r' expr=\"'sub'\"/><block><return namelist='r'/></block></form>"
    heard = call(
        {
            URL: wrap(content, f"xml:base='{base}'"),
            "http://app.example/sub/two.vxml": wrap("<form><block><log>two</log></block></form>"),
            "http://app.example/sub/sub.vxml": wrap(sub),
            "http://app.example/sub/s.js": "var s = 'script'",
        }
    )
    assert heard.logs == [log]


def test_1_5_2_a_root_is_relative_to_the_base(call: Call, wrap: Wrap) -> None:
    """Like every other address."""
    leaf = wrap("<form><block><log expr='r'/></block></form>", "xml:base='sub/' application='root.vxml'")
    root = wrap("<var name='r' expr='1'/>")
    assert call({URL: leaf, "http://app.example/sub/root.vxml": root}).logs == ["1"]


def test_5_2_audio_in_a_handler_of_the_root_is_found_beside_the_leaf(call: Call, wrap: Wrap) -> None:
    """A handler is executed as if it stood in the active document; a base of its own starts from there."""
    handler = (
        "<catch event='x'><prompt xml:base='deep/'><audio src='a.wav'/></prompt><audio src='b.wav'/></catch>"
    )
    heard = call(
        {
            URL: wrap("<form><block><goto next='sub/leaf.vxml'/></block></form>"),
            "http://app.example/sub/leaf.vxml": wrap(
                "<form><block><throw event='x'/></block></form>", "application='../root.vxml'"
            ),
            "http://app.example/root.vxml": wrap(handler),
        }
    )
    found = [
        segment.src for play in heard.plays for segment in play.segments if isinstance(segment, effects.Audio)
    ]
    assert found == ["http://app.example/sub/deep/a.wav", "http://app.example/sub/b.wav"]
