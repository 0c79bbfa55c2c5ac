"""Finding what a script declares (VoiceXML 2.0, 5.3.12)."""

import pytest

from shared.voicexml.script_names import ScriptNames, find_names


@pytest.mark.parametrize(
    ("source", "variables", "functions", "assigned"),
    [
        ("var a = 1, b = f(1, 2), c;", "a b c", "", ""),
        ("var a = [1, 2].map(function (x) { var hidden = x; return hidden }), b", "a b", "", ""),
        ("function f(x) { var hidden; g = 1 } function g() {}", "", "f g", ""),
        ("for (var i = 0; i < 3; i++) { var inner = i }", "i inner", "", ""),
        ("for (const each of list) {}", "", "", ""),
        ("var {a, b: c, d = [1, f(x)], ...e} = o, [g, [h]] = [1, [2]]", "a c d e g h", "", ""),
        ("if (a) { let b = 1; const c = 2; var d }", "d", "", ""),
        ("a = 1; b.c = 2; d == 3; e => { f = 4 }", "", "", "a f"),
        ("let a = 1\nvar b = 2", "a b", "", ""),
        ("x = function named() { var hidden }, class C { m() { var hidden } }", "", "", "x"),
        ("var a = /var b = {\"/g, c = 'var d', e = `var f`; // var g\n/* var h */", "a c e", "", ""),
        ("if (a / b / c) var d = a / 2", "d", "", ""),
    ],
)
def test_top_level_names_are_found(source: str, variables: str, functions: str, assigned: str) -> None:
    """What functions inside declare is not, nor what stands in strings, comments and patterns."""
    assert find_names(source) == ScriptNames(
        variables=variables.split(), functions=functions.split(), assigned=assigned.split()
    )


@pytest.mark.parametrize(
    ("source", "late", "run"),
    [
        ("class C { m() {} } x = class D {}", "C", ""),
        ("if (a) { function f() {} }", "f", ""),
        ("let a = 1; const b = () => { let c = 2 };", "", "var a = 1; var   b = () => { let c = 2 };"),
        ("for (let i of l) {}", "", ""),
        ("x.let = 'const y'; /* let */", "", ""),
    ],
)
def test_what_would_end_with_the_script_outlives_it(source: str, late: str, run: str) -> None:
    """Classes and functions in blocks are taken at its end; let and const outside of blocks become var."""
    names = find_names(source)
    assert names.late == late.split()
    assert names.source == (run or source)


FAULTY = ["", "var", "function", "{{{", "'", "`", "/", "var a = (", "class", "\x00", "=>"]
LONG = ["[" * 9_000, "let [" * 2_000, "var {a" + ",b = {" * 2_000]


@pytest.mark.parametrize("source", [*FAULTY, *LONG])
def test_a_faulty_script_is_no_trouble(source: str) -> None:
    """The engine will say what is wrong with it."""
    assert isinstance(find_names(source), ScriptNames)
