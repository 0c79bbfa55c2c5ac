"""Variables, expressions and scripts (VoiceXML 2.0, 5.1, 5.3.1 to 5.3.3 and 5.3.12), one case per sentence."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
ROOT = "http://app.example/root.vxml"
IN_APPLICATION = "application='root.vxml'"
CAUGHT = "<form><catch event='error'><log expr='_event'/></catch><block>{}</block></form>"
X = "<var name='x' expr=\"'{}'\"/>"
PARAM = "<form><subdialog name='s' src='#sub'><param name='p' expr='5'/></subdialog></form><form id='sub'>{}</form>"


@pytest.mark.parametrize(
    "name", ["_x", "$x", "x$", "goto", "abstract", "int", "é", "переменная", "x1", "undefined"]
)
def test_5_1_1_a_variable_is_named_as_in_ecmascript(call: Call, name: str) -> None:
    """By letters of any script, digits, underscores and dollars."""
    assert call(f"<form><block><var name='{name}' expr='1'/></block></form>").exit.event == ""


@pytest.mark.parametrize(
    "name",
    [
        "x.y",
        "1x",
        "x-y",
        "",
        "x y",
        "if",
        "var",
        "class",
        "session",
        "application",
        "document",
        "dialog",
        "\u0661",
    ],
)
def test_5_1_1_what_is_no_name_is_a_semantic_error(call: Call, name: str) -> None:
    """Reserved words, the names of the scopes, and a dot too."""
    assert call(f"<form><block><var name='{name}' expr='1'/></block></form>").exit.event == "error.semantic"


@pytest.mark.parametrize(
    ("content", "logs"),
    [
        pytest.param("<var name='x'/><log expr='typeof x'/>", "undefined", id="5.3.1-without-expr"),
        pytest.param(
            "<var name='x' expr='1'/><var name='x' expr='2'/><log expr='x'/>", "2", id="5.3.1-twice"
        ),
        pytest.param(
            "<var name='x' expr='1'/><var name='x'/><log expr='x'/>", "1", id="5.3.1-again-without-expr"
        ),
        pytest.param(
            "<var name='f' expr='function(a) { return a }'/><log expr='f(1)'/>", "1", id="5.1.1-function"
        ),
        pytest.param("<var name='x' expr='nope'/>", "error.semantic", id="5.3.1-not-declared"),
        pytest.param("<assign name='x' expr='1'/>", "error.semantic", id="5.3.2-not-declared"),
        pytest.param(
            "<var name='x'/><assign name='x' expr='nope'/>", "error.semantic", id="5.3.2-faulty-value"
        ),
        pytest.param("<assign name='x.a' expr='1'/>", "error.semantic", id="5.3.2-property-of-nothing"),
        pytest.param(
            "<var name='x' expr='({})'/><assign name='x.a' expr='1'/><log expr='x.a'/>",
            "1",
            id="5.3.2-property",
        ),
        pytest.param(
            "<var name='x' expr='[1, 2]'/><assign name='x[1]' expr='5'/><log expr='x'/>",
            "1,5",
            id="5.3.2-element",
        ),
        pytest.param(
            "<var name='i' expr='1'/><var name='x' expr='[1, 2]'/><assign name='x[i]' expr='5'/><log expr='x'/>",
            "1,5",
            id="5.3.2-element-by-a-variable",
        ),
        pytest.param(
            "<var name='x' expr='({})'/><assign name='x[\"a b\"]' expr='5'/><log expr='x[\"a b\"]'/>",
            "5",
            id="5.3.2-element-by-a-text",
        ),
        pytest.param("<assign name='dialog.q' expr='1'/>", "error.semantic", id="5.3.2-new-in-a-scope"),
        pytest.param("<assign name='application' expr='1'/>", "error.semantic", id="5.3.2-a-scope-itself"),
        pytest.param("<assign name='session.connection' expr='1'/>", "error.semantic", id="5.1.2-session"),
        pytest.param("<assign name='session.x' expr='1'/>", "error.semantic", id="5.1.2-new-in-the-session"),
        pytest.param("<clear namelist='nope'/>", "error.semantic", id="5.3.3-not-declared"),
        pytest.param(
            "<var name='x' expr='1'/><clear namelist='x'/><log expr='typeof x'/>",
            "undefined",
            id="5.3.3-variable",
        ),
        pytest.param("<if cond='nope'/>", "error.semantic", id="5.3.4-not-declared"),
        pytest.param("<if cond='1 ='/>", "error.semantic", id="5.3.4-no-expression"),
        pytest.param("<if cond='\"false\"'><log>yes</log></if>", "yes", id="5.3.4-text-is-true"),
        pytest.param(
            "<if cond='null'><elseif cond='\"\"'/><elseif cond='0/0'/><else/><log>no</log></if>",
            "no",
            id="5.3.4-false",
        ),
        pytest.param(
            "<if cond='1 &lt; 2 &amp;&amp; 3 &gt; 2'><log>yes</log></if>", "yes", id="5.1.1-escapes"
        ),
        pytest.param(
            "<if cond='1'><var name='v' expr='1'/></if><log expr='v'/>", "1", id="5.1.2-if-is-no-scope"
        ),
        pytest.param(
            "<log expr='1 + // c&#10; 2'/><log expr='3 /* c */'/><log expr='(4, 5)'/>",
            "3 3 5",
            id="5.1.1-comments",
        ),
        pytest.param(
            "<log expr='new Date(2004, 2, 16).getFullYear()'/><log expr='new Date(0).toJSON()'/>",
            "2004 1970-01-01T00:00:00.000Z",
            id="5.1.1-date",
        ),
        pytest.param(
            '<log expr=\'"a1b".replace(/[0-9]/, "-") + Math.max(1, parseInt("7x"))\'/>',
            "a-b7",
            id="5.1.1-library",
        ),
        pytest.param("<throw eventexpr='nope'/>", "error.semantic", id="5.2.1-eventexpr"),
        pytest.param("<log expr='nope'/>", "error.semantic", id="5.3.13-log"),
        pytest.param(
            "<log expr='session.connection.originator === session.connection.local'/>",
            "true",
            id="5.1.4-originator",
        ),
        pytest.param(
            "<log expr='session.connection.protocol.name + session.connection.protocol.version'/>",
            "sip2.0",
            id="5.1.4-protocol",
        ),
        pytest.param(
            "<log expr='typeof session.connection.redirect + typeof session.connection.aai'/>",
            "undefinedundefined",
            id="5.1.4-unknown",
        ),
        pytest.param(
            "<script>session.connection.local.uri = 'x'</script>",
            "error.semantic",
            id="5.1.2-a-script-writes-to-the-session",
        ),
        pytest.param(
            "<script>session.foo = 1</script>", "error.semantic", id="5.1.2-a-script-adds-to-the-session"
        ),
        pytest.param(
            "<script>session.telephone.foo = 1</script>",
            "error.semantic",
            id="5.1.2-a-script-adds-to-a-variable-of-the-session",
        ),
        pytest.param(
            "<script>telephone = 1</script>", "error.semantic", id="5.1.2-a-script-without-the-scope"
        ),
        pytest.param(
            "<script>var telephone = 1</script><log expr='telephone + typeof session.telephone'/>",
            "1object",
            id="5.1.2-a-variable-of-the-same-name",
        ),
        pytest.param("<var name='session.foo' expr='1'/>", "error.semantic", id="5.1.2-declared-there"),
        pytest.param(
            "<var name='v' expr='session.foo = 1'/>", "error.semantic", id="5.1.2-an-expression-adds"
        ),
        pytest.param("<clear namelist='session.telephone'/>", "error.semantic", id="5.1.2-cleared"),
        pytest.param(
            "<script>var a = f(); function f() { return 3 }</script><log expr='a'/>", "3", id="5.3.12-hoisted"
        ),
        pytest.param(
            "<script><![CDATA[<!--\nvar s = 1 < 2;\n//-->]]></script><log expr='s'/>",
            "true",
            id="5.3.12-hidden-in-a-comment",
        ),
        pytest.param("<script><!-- x -->var s = 1;</script><log expr='s'/>", "1", id="5.3.12-comment"),
        pytest.param("<script>throw 'x'</script>", "error.semantic", id="5.3.12-throws"),
        pytest.param("<script>nope()</script>", "error.semantic", id="5.3.12-not-declared"),
        pytest.param(
            "<script>try { nope() } catch (e) { var m = 'caught' }</script><log expr='m'/>",
            "caught",
            id="5.3.12-catches",
        ),
        pytest.param(
            "<script>function f() { q = 5 } f();</script><log expr='q'/>",
            "5",
            id="5.3.12-assigned-in-a-function",
        ),
        pytest.param(
            "<script>function f() { q = 5 }</script><log expr='typeof q'/><log expr='f() || q'/><assign name='q' "
            "expr='q + 1'/><log expr='q'/>",
            "undefined 5 6",
            id="5.3.12-assigned-in-a-function-that-is-called-later",
        ),
        pytest.param(
            "<script>function sum(list) { s = 0; for (i = 0; i != list.length; i++) s += list[i]; return s }</script>"
            "<log expr='sum([1, 2, 3]) + i'/>",
            "9",
            id="5.3.12-a-loop-in-a-function",
        ),
        pytest.param(
            "<script>function f(x) { x = 5; var y = 6 } f(1);</script><log expr='typeof x + typeof y'/>",
            "undefinedundefined",
            id="5.3.12-a-functions-own-variables",
        ),
        pytest.param(
            "<log expr='(q = 5)'/><log expr='q'/>", "5 error.semantic", id="5.3.12-assigned-in-an-expression"
        ),
        pytest.param("<script>'use strict'; var q = 1;</script><log expr='q'/>", "1", id="5.3.12-strict"),
        pytest.param(
            "<script>let q = 1; const z = 2; function inc() { q++ }</script><script>inc()</script><log expr='q + z'/>",
            "4",
            id="5.3.12-let-and-const",
        ),
        pytest.param(
            "<script>class K { m() { return 3 } }</script><log expr='new K().m()'/>", "3", id="5.3.12-class"
        ),
        pytest.param("<script>const f = (a) => a * 2</script><log expr='f(4)'/>", "8", id="5.3.12-arrow"),
        pytest.param(
            "<script>var {a, b: [c]} = {a: 1, b: [2]}</script><log expr='a + c'/>", "3", id="5.3.12-pattern"
        ),
        pytest.param(
            "<script>if (true) { function g() { return 1 } }</script><log expr='g()'/>",
            "1",
            id="5.3.12-function-in-a-block",
        ),
        pytest.param(
            "<script>for (let i = 0; i != 3; i++) var last = i</script><log expr='last + typeof i'/>",
            "2undefined",
            id="5.3.12-loop",
        ),
    ],
)
def test_5_1_expressions_and_scripts(call: Call, content: str, logs: str) -> None:
    """As ECMAScript has them; what fails is a semantic error."""
    assert " ".join(call(CAUGHT.format(content)).logs) == logs


@pytest.mark.parametrize(
    ("leaf", "root", "logs"),
    [
        pytest.param(
            X.format("d")
            + "<form>"
            + X.format("g")
            + "<block>"
            + X.format("b")
            + "<log expr='x + dialog.x + document.x + application.x'/></block></form>",
            X.format("a"),
            "bgda",
            id="5.1.3-each-scope-by-its-name",
        ),
        pytest.param(
            X.format("d")
            + "<form><block><assign name='x' expr='1'/><log expr='application.x + x'/></block></form>",
            X.format("a"),
            "a1",
            id="5.3.2-the-nearest-is-set",
        ),
        pytest.param(
            "<form><block><log expr='typeof document.x + x'/></block></form>",
            X.format("a"),
            "undefineda",
            id="5.1.2-of-the-root-in-the-leaf",
        ),
        pytest.param(
            "<form><block><assign name='application.x' expr='1'/><log expr='f(2)'/></block></form>",
            X.format("a") + "<script>function f(y) { return x + y }</script>",
            "3",
            id="5.3.12-function-of-the-root",
        ),
        pytest.param(
            "<form><var name='x' expr='1'/><block><goto next='#b'/></block></form>"
            "<form id='b'><block><log expr='typeof x'/></block></form>",
            "",
            "undefined",
            id="5.1.2-dialog-ends",
        ),
        pytest.param(
            "<form><block name='b'/><block><log expr='dialog.b'/></block></form>",
            "",
            "true",
            id="5.1.2-items-are-the-dialogs",
        ),
        pytest.param(
            "<form><var name='a' expr='1'/><block name='c' expr='a + 1'/><block><log expr='c'/></block></form>",
            "",
            "2",
            id="2.1.6-in-document-order",
        ),
        pytest.param(
            "<var name='n' expr='0'/><form id='a'><script>n = n + 1</script><block><if cond='n &lt; 3'>"
            "<goto next='#a'/></if><log expr='n'/></block></form>",
            "",
            "3",
            id="5.3.12-of-a-form-at-each-entry",
        ),
        pytest.param(
            PARAM.format(
                "<var name='p' expr='1'/><var name='q' expr='p + 1'/><block><log expr='q'/><return/></block>"
            ),
            "",
            "6",
            id="2.3.4-param-goes-before-expr",
        ),
        pytest.param(
            "<form><catch event='e'><log expr='_event + _message'/></catch><catch event='f'>"
            "<log expr='typeof _message'/></catch><block><throw event='e' messageexpr='1 + 1'/></block>"
            "<block><throw event='f'/></block><block><log expr='typeof _event'/></block></form>",
            "",
            "e2 undefined undefined",
            id="5.2.2-event-and-message",
        ),
    ],
)
def test_5_1_2_each_scope_has_its_variables(call: Call, wrap: Wrap, leaf: str, root: str, logs: str) -> None:
    """And they end with it."""
    assert " ".join(call({URL: wrap(leaf, IN_APPLICATION), ROOT: wrap(root)}).logs) == logs


@pytest.mark.parametrize(
    ("attributes", "encoding"),
    [
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("", "utf-16"),
        ("charset='ISO-8859-1'", "latin-1"),
        ("charset='UTF-16'", "utf-16"),
        ("charset='utf-16le'", "utf-16-le"),
        ("charset='windows-1251'", "cp1251"),
        ("charset='x-nobody-knows'", "utf-8"),
        ("charset='punycode'", "utf-8"),
    ],
)
def test_5_3_12_a_script_elsewhere_has_an_encoding(
    call: Call, wrap: Wrap, attributes: str, encoding: str
) -> None:
    """UTF-8 unless it says so itself or the element does."""
    letter = "ж" if encoding == "cp1251" else "é"
    document = wrap(CAUGHT.format(f"<script src='a.js' {attributes}/><log expr='a'/>"))
    heard = call({URL: document, "http://app.example/a.js": f"var a = '{letter}'".encode(encoding)})
    assert heard.logs == [letter]
