"""Finding what a script's functions assign to although nobody declares it (VoiceXML 2.0, 5.3.12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.voicexml.script_assignments import undeclared_assignments
from shared.voicexml.script_names import find_names


@pytest.mark.parametrize(
    ("source", "assigned"),
    [
        ("function f() { q = 5 }", "q"),
        ("function f() { if (a) q = 5; else r = 6 }", "q r"),
        ("function f() { for (i = 0, n = 9; i < n; i++) {} }", "i n"),
        ("function f() { for (each in list) {} for (one of list) {} }", "each one"),
        ("function f() { while ((m = next()) !== null) {} }", "m"),
        ("var f = function () { q = 5 }, g = () => { r = 6 }, h = x => s = x", "q r s"),
        ("var o = {m() { q = 5 }, n: function () { r = 6 }}", "q r"),
        ("class C { m() { q = 5 } }", "q"),
        ("function f() { q = r = 5; s == 1; t.u = 2; v += 1; w => 1 }", "q r"),
        ("function f() { var a = 1\n q = 5 }", "q"),
        ("function f() { q = 1 } function g() { q = 2 }", "q"),
        ("function f(a, b = 1, {c, d: e}, ...g) { a = b = c = e = g = 2 }", ""),
        ("function f() { var a = 1, b; let c; const d = h(1, 2), e = 1; a = b = c = d = e = 2 }", ""),
        ("function f() { var {a, b: [c]} = o, [d, e] = l; a = c = d = e = 2 }", ""),
        ("function f() { for (var i = 0, n = 1; i < n;) { i = n = 2 } }", ""),
        ("function f() { try {} catch (e) { e = 1 } }", ""),
        ("var f = (a, b) => { a = b = 1 }, g = a => { a = 1 }, o = {m(c) { c = 1 }}", ""),
        ("function f() { function g() {} class C {} g = C = 1; f = 2 }", ""),
        ("var a; function f() { a = 1; b = 2 } let b", ""),
        ("function f() { 'q = 5'; `r = 6`; /s = 7/ } // t = 8\n/* u = 9 */", ""),
    ],
)
def test_what_is_declared_nowhere_is_found(source: str, assigned: str) -> None:
    """However it is written; not what is declared, a parameter, a property, a text or a comment."""
    assert [
        name for name in find_names(source).assigned if name not in source_variables(source)
    ] == assigned.split()


def source_variables(source: str) -> list[str]:
    """Return what a script declares outside of its functions, and assigns to: that is listed in any case."""
    names = find_names(source)
    return [*names.variables, *names.functions]


@pytest.mark.parametrize(
    "source",
    ["var ", "function f(", "{", "var {", "a=1,", "for (a in ", "a=>", "(", "f(a){", ") =", "var a=[", "}"],
)
def test_nothing_that_is_no_script_is_trouble(source: str) -> None:
    """The engine will say what is wrong with it."""
    assert set(find_names(f"a = 1;{source * 2_000}").assigned) <= {"a"}


_WORDS = "a q = , ; ( ) { } [ ] => . in of for var let const function class if catch 1"


@given(st.lists(st.sampled_from(_WORDS.split(" ")), max_size=40))
def test_no_order_of_words_is_trouble(words: list[str]) -> None:
    """Of an ECMAScript that is none, either: what is found was there, and is named once."""
    found = undeclared_assignments(words)
    assert set(found) <= set(words)
    assert len(set(found)) == len(found)
