"""Documents that are not valid, and therefore cannot be had (VoiceXML 2.0, 5.2.6 and Appendix O)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.loader import load

Call = Callable[..., SimpleNamespace]

URL = "http://app.example/start.vxml"
VXML = '<vxml version="2.0" xmlns="http://www.w3.org/2001/vxml">{}</vxml>'

#: Whole documents.
DOCUMENTS = (
    "",
    '<vxml version="2.0"><form>',
    "<html/>",
    '<vxml xmlns="http://www.w3.org/2001/vxml"><form/></vxml>',
    '<vxml version="9" xmlns="http://www.w3.org/2001/vxml"><form/></vxml>',
    '<vxml version="2.0" xmlns="http://example.com/"><form/></vxml>',
    VXML.format("<form><block><x:y xmlns:x='urn:x'/></block></form>"),
)

#: Children of <vxml>.
TOP = """
<foo/>|<field name='f'/>|<block/>|<if cond='1'/>|<prompt>x</prompt>|text|<choice next='#x'/>|<option>x</option>
<filled/>|<grammar>x</grammar>|<initial/>|<assign name='x' expr='1'/>|<log>x</log>|<var/>|<var name='x'>text</var>
<script src='a' srcexpr='b'/>|<script src='a'>x</script>|<script src='a' fetchhint='x'/>|<property/>
<property name='x'/>|<meta/>|<meta content='x'/>|<meta name='x'/>|<meta name='x' http-equiv='y' content='z'/>
<form scope='x'/>|<menu dtmf='x'/>|<form id='a'/><form id='a'/>|<form id='a'/><menu id='a'/>|<menu scope='x'/>
<menu accept='x'/>|<menu><foo/></menu>|<menu><choice>x</choice></menu>
<menu><choice next='#a' event='b'>x</choice></menu>|<menu><filled/></menu>
<menu><choice next='#a' expr='b'>x</choice></menu>|<menu><choice next='#a' accept='x'>x</choice></menu>
<menu dtmf='true'><choice dtmf='5' next='#a'>x</choice></menu>|<menu><field name='f'/></menu>|<data src='a'>x</data>
"""

#: Children of <form>.
FORM = """
<foo/>|text|<form/>|<menu/>|<prompt>x</prompt>|<if cond='1'/>|<assign name='x' expr='1'/>
<field name='f'><foo/></field>|<field name='f' modal='x'/>|<field name='f'><grammar src='a'>x</grammar></field>
<field name='f'/><field name='f'/>|<field name='f'><option accept='x'>a</option></field>
<field name='f'><filled mode='any'/></field>|<filled mode='some'/>|<field name='f'><filled namelist='f'/></field>
<filled namelist='nope'/>|<record name='r' beep='x'/>|<link/>|<record name='r' maxtime='5'/>
<record name='r' finalsilence='x'/>|<record name='r' dtmfterm='1'/>|<transfer name='t'/>
<transfer dest='tel:1' destexpr='x'/>|<transfer dest='tel:1' bridge='x'/>|<transfer dest='tel:1' connecttimeout='1'/>
<transfer dest='tel:1' maxtime='x'/>|<transfer dest='tel:1' aai='a' aaiexpr='b'/>|<subdialog name='s'/>
<subdialog name='s' src='a' srcexpr='b'/>|<subdialog name='s' src='a' method='x'/>|<link next='a' event='b'/>
<subdialog name='s' src='#a'><param expr='1'/></subdialog>|<subdialog name='s' src='#a'><param name='x'/></subdialog>
<subdialog name='s' src='#a'><param name='x' expr='1' value='2'/></subdialog>
<object classid='x'><param expr='1'/></object>
<object classid='x'><param name='a' value='1' valuetype='odd'/></object>|<initial name='i'><filled/></initial>
<initial name='i'><grammar>x</grammar></initial>|<catch event='e' count='0'/>|<catch event='e' count='x'/>
<link next='a' expr='b'/>|<link event='a' eventexpr='b'/>|<link next='a' event='b' eventexpr='c'/>
"""

#: Executable content.
CONTENT = """
<foo/>|<field name='f'/>|<block/>|<filled/>|<catch event='x'/>|<grammar>x</grammar>|<property name='a' value='b'/>
<option/>|<link next='#x'/>|<else/>|<elseif cond='1'/>|<param name='x' expr='1'/>|<choice next='#x'/>
<meta name='a' content='b'/>|<if/>|<if cond='1'><elseif/></if>|<if cond='1'><else/><else/></if>
<if cond='1'><else/><elseif cond='1'/></if>|<assign expr='1'/>|<if cond='1'><else>x</else></if>|<assign name='x'/>
<var/>|<goto/>|<goto next='#a' expr='b'/>|<goto next='#a' nextitem='b'/>|<goto nextitem='a' expritem='b'/>
<goto expr='a' expritem='b'/>|<goto next='x' fetchtimeout='x'/>|<goto next='x' maxage='x'/>
<goto next='x' maxstale='1.5'/>|<goto next='x' fetchhint='x'/>|<submit/>|<submit next='a' expr='b'/>|<throw/>
<submit next='a' method='put'/>|<submit next='a' enctype='text/xml'/>|<submit next='x' fetchhint='x'/>|<data/>
<exit>x</exit>|<throw event='a' eventexpr='b'/>|<throw event='a' message='a' messageexpr='b'/>
<exit expr='1' namelist='x'/>|<return event='a' namelist='b'/>|<return event='a' eventexpr='b'/>
<return message='a' messageexpr='b'/>|<foreach item='x'/>|<log><prompt>x</prompt></log>|<foreach array='x'/>
<data src='a' srcexpr='b'/>|<data src='a' method='put'/>|<data src='a' fetchhint='x'/>|<disconnect><foo/></disconnect>
<reprompt>x</reprompt>|<var name='x'>x</var>|<script/>|<assign name='x' expr='1'>x</assign>|<clear><foo/></clear>
<throw event='a'><foo/></throw>|<submit next='x'><foo/></submit>|<goto next='#x'>x</goto>|<return>x</return>
<script src='a'>x</script>
"""


def rows(table: str, around: str) -> list[str]:
    """Read a table: cases are apart by bars and lines."""
    return [
        VXML.format(around.format(case)) for line in table.split("\n") for case in line.split("|") if case
    ]


@pytest.mark.parametrize(
    "document",
    [
        *DOCUMENTS,
        *rows(TOP, "{}<form><block/></form>"),
        *rows(FORM, "<form>{}<block/></form>"),
        *rows(CONTENT, "<form><block cond='false'>{}</block></form>"),
    ],
)
def test_5_2_6_what_is_not_valid_is_refused_as_a_whole(document: str) -> None:
    """Before anything of it is executed."""
    with pytest.raises(DocumentInvalid):
        load(document.encode(), URL)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_5_2_6_what_is_not_valid_cannot_be_had(call: Call, document: str) -> None:
    """error.badfetch for whoever asked for it."""
    before = VXML.format("<form><block><log>on</log><goto next='next.vxml'/></block></form>")
    heard = call({URL: before, "http://app.example/next.vxml": document})
    assert (heard.logs, heard.exit.event) == (["on"], "error.badfetch")


@pytest.mark.parametrize(
    "content",
    [
        "<form foo='bar'><block baz='x'><log>on</log></block></form>",
        "<form xmlns:x='urn:x' x:y='1'><block><log>on</log></block></form>",
        "<meta http-equiv='refresh' content='0; url=x'/><form><block><log>on</log></block></form>",
        "<metadata><r:RDF xmlns:r='urn:r'>x</r:RDF></metadata><form><block><log>on</log></block></form>",
        "<?x y?><!-- z --><form><block><log>on</log><var name='x'> </var></block></form>",
        "<form><object cond='0'><param name='x' value='' valuetype='ref'/></object><block><log>on</log></block></form>",
    ],
)
def test_what_means_nothing_is_passed_over(call: Call, content: str) -> None:
    """Attributes of others, remarks and what is about the document."""
    assert call({URL: VXML.format(content)}).logs == ["on"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ('<v:vxml version="2.0" xmlns:v="http://www.w3.org/2001/vxml">{}</v:vxml>'.format(
            "<v:form><v:block>é</v:block></v:form>"), "é"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>' + VXML.format("<form><block>é</block></form>"), "latin-1"),
        ('<?xml version="1.0" encoding="UTF-16"?>' + VXML.format("<form><block>é</block></form>"), "utf-16"),
        ("\ufeff" + VXML.format("<form><block>é</block></form>"), "utf-8"),
        ('<!DOCTYPE vxml PUBLIC "-//W3C//DTD VOICEXML 2.0//EN" "http://www.w3.org/TR/voicexml20/vxml.dtd">'
            + VXML.format("<form><block>é</block></form>"), "utf-8"),
    ],
)  # fmt: skip
def test_1_a_document_may_be_written_in_each_way_of_xml(call: Call, document: str, said: str) -> None:
    """Encodings, prefixes and document types."""
    encoding = "utf-8" if said == "é" else said
    assert call({URL: document.encode(encoding)}).said == ["é"]
