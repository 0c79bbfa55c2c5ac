"""<data> and <foreach> of VoiceXML 2.1 (5, 6 and Appendices D and E), one case per property or sentence."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

BASE = "http://app.example/"
URL = BASE + "start.vxml"
DATA = BASE + "d.xml"
CAUGHT = "<form><catch event='error'><log expr='_event'/></catch><block>{}</block></form>"

XML = """<?xml version="1.0" encoding="UTF-8"?>
<?access-control allow="*"?>
<!-- top -->
<quote xmlns="urn:q" xmlns:x="urn:x" sym="F"><name id="n1" x:a="v" xml:lang="en">Ford &amp; Co</name><!--c--><last
><![CDATA[3<4]]></last><x:e/><?pi da ta?>  <n>1</n><n>2</n></quote>"""

#: Of `r`, the root, and `f`, its first child: what it is.
READ = """
r.nodeName = quote | r.localName = quote | r.prefix = null | r.namespaceURI = urn:q | r.nodeType = 1
r.nodeValue = null | r.tagName = quote | r.parentNode === d = true | r.ownerDocument === d = true
d.ownerDocument = null | d.parentNode = null | d.nodeType = 9 | d.nodeName = #document | d.nodeValue = null
d.attributes = null | d.doctype = null | d.childNodes.length = 3 | d.firstChild.target = access-control
d.firstChild.nextSibling.data.trim() = top | d.lastChild === r = true | r.hasChildNodes() = true
r.hasAttributes() = true | d.hasAttributes() = false | r.childNodes.length = 8 | r.childNodes.item(0) === f = true
r.childNodes.item(99) = null | f.previousSibling = null | r.lastChild.nextSibling = null
f.firstChild.nodeValue = Ford & Co | f.firstChild.data = Ford & Co | f.firstChild.nodeName = #text
f.firstChild.nodeType = 3 | f.firstChild.length = 9 | f.firstChild.substringData(0, 4) = Ford
f.firstChild.substringData(5, 99) = & Co | f.nextSibling.nodeType = 8 | f.nextSibling.nodeName = #comment
f.nextSibling.data = c | f.textContent = Ford & Co | r.getElementsByTagName('last').item(0).firstChild.data = 3<4
r.getElementsByTagName('*').length = 5 | d.getElementsByTagName('*').length = 6
d.getElementsByTagNameNS('urn:x', 'e').length = 1 | d.getElementsByTagNameNS('*', 'e')[0].nodeName = x:e
d.getElementsByTagNameNS('urn:q', '*').length = 5 | d.getElementsByTagName('x:e')[0].prefix = x
d.getElementsByTagName('x:e')[0].firstChild = null | r.getAttribute('sym') = F | r.getAttribute('none') =
r.hasAttribute('sym') = true | r.hasAttribute('none') = false | r.getAttributeNode('sym').value = F
r.getAttributeNode('none') = null | f.getAttributeNS('urn:x', 'a') = v | f.hasAttributeNS('urn:x', 'a') = true
f.getAttributeNodeNS('urn:x', 'a').name = x:a | f.getAttribute('xml:lang') = en | f.attributes.length = 3
f.attributes.getNamedItem('id').nodeValue = n1 | f.attributes.getNamedItem('id').nodeType = 2
f.attributes.item(0).nodeName = id | f.attributes.getNamedItemNS('urn:x', 'a').localName = a
f.attributes[0].specified = true | f.attributes[0].ownerElement === f = true | f.attributes[0].parentNode = null
f.attributes[0].firstChild.data = n1 | r.childNodes[4].nodeType = 7 | r.childNodes[4].target = pi
r.childNodes[4].data = da ta | r.childNodes[4].nodeName = pi | Node.ELEMENT_NODE = 1 | Node.CDATA_SECTION_NODE = 4
r.TEXT_NODE = 3 | DOMException.NOT_FOUND_ERR = 8 | typeof d = object
"""

#: What would change the document.
CHANGES = """
d.createElement('x') | d.createTextNode('x') | d.importNode(r, true) | d.createDocumentFragment()
r.setAttribute('a', 'b') | r.removeAttribute('sym') | r.setAttributeNS('u', 'a', 'b') | r.appendChild(f)
r.removeChild(f) | r.insertBefore(f, f) | r.replaceChild(f, f) | r.cloneNode(true) | f.firstChild.appendData('x')
f.firstChild.splitText(1) | f.firstChild.data = 'x' | r.nodeValue = 'x' | r.attributes[0].value = 'x'
r.attributes.setNamedItem(f) | r.attributes.removeNamedItem('sym') | r.childNodes[4].data = 'x'
f.firstChild.deleteData(0, 1) | r.textContent = 'x'
"""


def cells(table: str) -> list[str]:
    """Read a table: cells are apart by bars and lines."""
    return [cell.strip() for line in table.strip().split("\n") for cell in line.split(" | ")]


def escaped(expr: str) -> str:
    """Write an expression for an attribute in quotation marks."""
    return expr.replace("&", "&amp;").replace("<", "&lt;")


def with_data(wrap: Wrap, content: str, data: str | bytes = XML) -> dict[str, str | bytes]:
    """Make documents in which a block reads the data."""
    content = f"<data name='d' src='d.xml'/>{content}"
    return {URL: wrap(CAUGHT.format(content)), DATA: data}


def test_appendix_d_what_can_be_read(call: Call, wrap: Wrap) -> None:
    """By the names of DOM Level 2 Core."""
    rows = [cell.rpartition(" =") for cell in cells(READ)]
    variables = "<var name='r' expr='d.documentElement'/><var name='f' expr='r.firstChild'/>"
    logs = "".join(f'<log expr="String({escaped(expr)})"/>' for expr, _, _ in rows)
    heard = call(with_data(wrap, variables + logs))
    values = dict(zip((expr for expr, _, _ in rows), heard.logs, strict=True))
    assert values == {expr: value.strip() for expr, _, value in rows}


def test_appendix_d_nothing_can_be_changed(call: Call, wrap: Wrap) -> None:
    """NO_MODIFICATION_ALLOWED_ERR, whatever is tried; an index that is none has an error of its own."""
    tried = [*cells(CHANGES), "f.firstChild.substringData(-1, 2)"]
    script = "".join(
        f"try {{ {escaped(each)}; codes.push(0) }} catch (e) {{ codes.push(e.code) }}\n" for each in tried
    )
    content = f"""<script>var r = d.documentElement, f = r.firstChild, codes = [];
    {script}</script><log expr="codes"/><log expr="r.getAttribute('sym') + f.textContent"/>"""
    heard = call(with_data(wrap, content))
    codes = dict(zip(tried, heard.logs[0].split(","), strict=True))
    assert codes == dict.fromkeys(tried[:-1], "7") | {tried[-1]: "1"}
    assert heard.logs[1] == "FFord & Co"


@pytest.mark.parametrize(
    ("data", "logs"),
    [
        ("<a>hi</a>", "hi"),
        ('<?access-control allow="other.example"?><a>hi</a>', "error.noauthorization"),
        ('<?access-control allow="app.example"?><a>hi</a>', "hi"),
        ('<?access-control allow="other.example *.example"?><a>hi</a>', "hi"),
        ("<?access-control allow='*'?><a>hi</a>", "hi"),
        ("<?access-control allow='*' deny='app.example'?><a>hi</a>", "error.noauthorization"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"), "é"),
        ('<!DOCTYPE a SYSTEM "x.dtd"><a>hi</a>', "hi"),
        ("<a><b></a>", "error.badfetch"),
        ("", "error.badfetch"),
        ("<a>" + "<!---->" * 30_000 + "</a>", "error.badfetch"),
        ("<?p?>" * 30_000 + "<a/>", "error.badfetch"),
    ],
)
def test_5_1_who_may_read_it(call: Call, wrap: Wrap, data: str | bytes, logs: str) -> None:
    """Whoever its instruction allows, if it has one and is XML."""
    heard = call(with_data(wrap, "<log expr='d.documentElement.firstChild.data'/>", data))
    assert heard.logs == [logs]


@pytest.mark.parametrize(
    ("content", "logs"),
    [
        ("<data name='x' srcexpr=\"'d' + '.xml'\"/><log expr='x.documentElement.nodeName'/>", "quote"),
        ("<data name='o' src='d.xml'/><log expr='typeof document.o + typeof o'/>", "undefinedobject"),
        ("<data src='e.xml'/><log expr='typeof x'/>", "undefined"),
        ("<data name='x' src='d.xml'/><data name='x' src='e.xml'/>", "error.badfetch"),
        ("<data name='x.y' src='d.xml'/>", "error.semantic"),
        ("<data name='x' src='http://['/>", "error.badfetch"),
        (
            "<data xml:base='http://other.example/' name='x' src='d.xml'/><log expr='x.lastChild.nodeName'/>",
            "o",
        ),
        (
            "<foreach item='i' array='[1, 2, 3]'><if cond='i == 2'><log>two</log><else/><log expr='i'/></if></foreach>",
            "1 two 3",
        ),
        ("<foreach item='i' array='[1, 2]'/><log expr='i'/>", "2"),
        ("<foreach item='i' array='[]'><log>no</log></foreach>", ""),
        ("<foreach item='o' array='[1, 2]'/><log expr='document.o'/>", "2"),
        (
            "<foreach item='i' array='[1, 2]'><foreach item='j' array='[3, 4]'><log expr='i + j'/></foreach></foreach>",
            "4 5 5 6",
        ),
        (
            """<assign name='o' expr='[{}]'/><foreach item='i' array='o'><script>i.v = 5</script></foreach>
            <log expr='o[0].v'/>""",
            "5",
        ),
        ("<foreach item='i' array='[1,,3]'><log expr='typeof i'/></foreach>", "number undefined number"),
        ("<foreach item='i' array='nope'/>", "error.semantic"),
        ("<foreach item='i' array='\"abc\"'/>", "error.semantic"),
        ("<foreach item='i' array='document.o'/>", "error.semantic"),
        ("<foreach item='i.x' array='[1]'/>", "error.semantic"),
    ],
)
def test_5_and_6_data_and_foreach(call: Call, wrap: Wrap, content: str, logs: str) -> None:
    """As executable content, in the scope in which they stand."""
    documents = {
        URL: wrap("<var name='o'/>" + CAUGHT.format(content)),
        DATA: XML,
        BASE + "e.xml": "no XML",
        "http://other.example/d.xml": "<o/>",
    }
    assert " ".join(call(documents).logs) == logs


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            """<var name="p" expr="[{a: 'x.wav', t: 'T'}, {a: 'y.wav', t: 'U'}]"/><prompt><foreach item="i" array="p">
            <audio expr="i.a"><value expr="i.t"/></audio><break time="300ms"/></foreach></prompt>""",
            "<x.wav> (300 ms) <y.wav> (300 ms)",
        ),
        ("<foreach item='i' array='[1, 2]'>n<value expr='i'/></foreach>", "n 1 n 2"),
        ("<foreach item='i' array='[1, 2]'><prompt><value expr='i'/></prompt></foreach>", "1 2"),
    ],
)
def test_6_what_foreach_says(call: Call, content: str, said: str) -> None:
    """In a prompt and around it, in order."""
    heard = call(f"<form><block>{content}</block></form>")
    assert " ".join(heard.said).replace(BASE, "") == said
