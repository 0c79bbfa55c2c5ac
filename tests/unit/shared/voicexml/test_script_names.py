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
        ("for (const each of list) {}", "each", "", ""),
        ("a = 1; b.c = 2; d == 3; e => { f = 4 }", "", "", "a"),
        ("let a = 1\nvar b = 2", "a b", "", ""),
        ("x = function named() { var hidden }; class C { m() { var hidden } }", "", "", "x"),
        ("var a = /var b = {\"/g, c = 'var d', e = `var f`; // var g\n/* var h */", "a c e", "", ""),
        ("if (a / b / c) var d = a / 2", "d", "", ""),
    ],
)
def test_top_level_names_are_found(source: str, variables: str, functions: str, assigned: str) -> None:
    """Those of functions inside are not, nor what stands in strings, comments and patterns."""
    assert find_names(source) == ScriptNames(
        variables=variables.split(), functions=functions.split(), assigned=assigned.split()
    )


@pytest.mark.parametrize(
    "source", ["", "var", "function", "{{{", "'", "`", "/", "var a = (", "class", "\x00", "=>"]
)
def test_a_faulty_script_is_no_trouble(source: str) -> None:
    """The engine will say what is wrong with it."""
    assert isinstance(find_names(source), ScriptNames)
