"""Variables and expressions: the scope chain of VoiceXML 2.0, 5.1, and the engine's limits."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.voicexml import ecmascript
from shared.voicexml.ecmascript import UNDEFINED, DataModel, JsonText
from shared.voicexml.errors import ScriptFailed
from shared.voicexml.events import SessionVariables


def make_model(seed: int = 1, now: float = 1_800_000_000.0) -> DataModel:
    """Make the scopes of a running dialog."""
    model = DataModel(SessionVariables(session_id="s", ani="1", dnis="2"), seed=seed, now=now)
    model.push("application", "document")
    model.push("dialog")
    return model


@pytest.fixture
def model() -> DataModel:
    """Give the scopes of a running dialog."""
    return make_model()


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        ("undefined", UNDEFINED),
        ("null", None),
        ("1 == 1", True),
        ("false", False),
        ("1 / 4", 0.25),
        ("-1 / 0", -math.inf),
        ("'a' + 1", "a1"),
        ("''", ""),
        ("({a: [1, null]})", JsonText('{"a":[1,null]}')),
        ("10n ** 20n", "100000000000000000000"),
        ("'\\ud83d\\ude00'", "\U0001f600"),
        ("'a\\ud800b'", "a\ufffdb"),
        ("'a\\0b'", "a\ufffdb"),
        ("1 // with a comment", 1.0),
        ("'x'.repeat(5000)", "x" * 5_000),
        ("Array(3000).fill('ab').reduce((all, each) => all + each)", "ab" * 3_000),
    ],
)
def test_values_come_out_as_what_they_are(model: DataModel, expr: str, value: object) -> None:
    """Undefined is not null, objects are JSON, text is what can be written."""
    found = model.evaluate(expr)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_comes_out_too(model: DataModel) -> None:
    """As a float that is unlike itself."""
    found = model.evaluate("0 / 0")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    ("expr", "text"),
    [("1.0", "1"), ("0.1 + 0.2", "0.30000000000000004"), ("[1,[2]]", "1,2"), ("null", "null")],
)
def test_text_is_written_as_ecmascript_writes_it(model: DataModel, expr: str, text: str) -> None:
    """Numbers without a point of Python's, lists with commas."""
    assert model.text(expr) == text


@pytest.mark.parametrize(
    "expr", ["missing", "1 +", "throw 1", "null.x", "(function () { throw 'x' })()", "", ");("]
)
def test_what_cannot_be_evaluated_fails_in_a_sentence(model: DataModel, expr: str) -> None:
    """Whatever the engine throws, strings included."""
    with pytest.raises(ScriptFailed) as failed:
        model.evaluate(expr)
    assert failed.value.message


@pytest.mark.parametrize(
    "expr",
    [
        "'text'",
        '"it\'s"',
        "'a\\nb'",
        "''",
        "'a' + 'b'",
        "0",
        "012",
        "4294967296",
        "true",
        "null",
        "undefined",
        "outer",
        "shadowed",
        "dialog.shadowed",
        "shadowed.length",
        "thing.inner.n",
        "thing.absent",
        "thing.absent.n",
        "nothing",
        "nothing.at.all",
        "absent",
        "absent.n",
        "session.telephone.ani",
        "application",
        "Math.PI",
        "this",
        " outer ",
        "outer.",
    ],
)
def test_what_needs_no_compiler_comes_to_the_same_as_with_it(expr: str) -> None:
    """Literals and names are looked up; in parentheses they are compiled, with the same value or message."""

    def outcome(source: str) -> object:
        model = make_model()
        model.unwind(2)
        model.declare("outer", "'from the document'")
        model.declare("shadowed", "'document'")
        model.push("dialog")
        model.declare("shadowed", "'dialog'")
        model.declare("thing", "({inner: {n: 1}})")
        model.declare("nothing", None)
        try:
            model.declare("found", source)
            model.assign("outer", source)
            return model.evaluate(source), model.evaluate("[found, outer]")
        except ScriptFailed as failure:
            return failure.message

    assert outcome(expr) == outcome(f"({expr})")


def test_a_scope_that_is_entered_again_is_a_new_one(model: DataModel) -> None:
    """Whether or not something happened in between, and also where a dialog waits for a subdialog."""
    depth = model.depth
    for value in ("1", "2"):
        model.push()
        assert model.evaluate("typeof x") == "undefined"
        model.declare("x", value)
        model.suspend()
        model.push("application", "document")
        model.push()
        assert model.evaluate("typeof x") == "undefined"
        model.resume()
        assert model.evaluate("x") == float(value)
        model.unwind(depth)


def test_an_assignment_to_what_was_not_declared_leaves_nothing_behind(model: DataModel) -> None:
    """Expressions cannot make global variables."""
    model.evaluate("leaked = 1")
    assert model.evaluate("typeof leaked") == "undefined"


def test_5_1_2_scopes_are_variables_too(model: DataModel) -> None:
    """The document is its own application as long as it has no root."""
    model.declare("a", "1")
    assert model.evaluate("dialog.a") == 1
    model.unwind(2)
    model.declare("b", "2")
    assert model.evaluate("document.b + application.b") == 4
    assert model.evaluate("typeof a") == "undefined"


def test_5_1_2_a_closure_keeps_its_scope(model: DataModel) -> None:
    """A function made in a dialog reads the dialog's variables wherever it is called."""
    model.declare("a", "1")
    model.declare("f", "function () { return a }")
    model.push()
    model.declare("a", "2")
    assert model.evaluate("f() + a") == 3


@pytest.mark.parametrize(
    "expr",
    [
        "session.id = 'x'",
        "id = 'x'",
        "session = {}",
        "session.connection.remote.uri = 'x'",
        "session.foo = 1",
        "session.connection.foo = 1",
        "delete session.id",
        "delete session.telephone.ani",
        "Object.defineProperty(session, 'id', {value: 'x'})",
        "Object.setPrototypeOf(session, {foo: 1})",
        "Object.freeze(session)",
        "Object.assign(session, {foo: 1})",
        "Object.create(session).foo = 1",
    ],
)
def test_5_1_2_a_script_cannot_change_the_session(model: DataModel, expr: str) -> None:
    """Nor what is inside its variables, nor add to it; the host goes on to."""
    with pytest.raises(ScriptFailed, match="belongs to the session and cannot be changed"):
        model.evaluate(expr)
    model.set_callee_type("voice")
    model.set_fact("new", 1)
    assert (
        model.evaluate("session.id + session.connection.remote.uri + typeof session.foo") == "stel:2undefined"
    )
    assert (
        model.evaluate("session.callee_type + session.connection.callee_type + session.new") == "voicevoice1"
    )


def test_5_1_4_the_sessions_variables_are_objects_like_others_to_read(model: DataModel) -> None:
    """Their names can be listed, they have a text, and the originator is one of the two sides."""
    assert model.evaluate("Object.keys(session.telephone) + ' ' + ('id' in session)") == "ani,dnis true"
    assert model.wire_text("session.telephone") == '{"ani":"1","dnis":"2"}'
    model.set_callee_type("voice")
    assert model.evaluate("session.connection.originator === connection.local && session === session.session")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
)
def test_values_that_are_stored_are_there(value: object) -> None:
    """Whatever JSON can write arrives in the engine."""
    model = make_model()
    model.store("stored", value)
    found = model.evaluate("stored")
    if isinstance(found, JsonText):
        assert json.loads(found) == value
    else:
        assert found == (value.replace("\0", "\ufffd") if isinstance(value, str) else value)


def test_math_random_is_seeded() -> None:
    """Equal seeds give equal numbers, all between 0 and 1 and well spread."""
    numbers = [make_model(seed=5).evaluate("[Math.random(), Math.random()].join()") for _ in range(2)]
    assert numbers[0] == numbers[1]
    assert make_model(seed=6).evaluate("Math.random()") != make_model(seed=5).evaluate("Math.random()")
    mean = make_model().evaluate("Array.from({length: 2000}, Math.random).reduce((a, b) => a + b) / 2000")
    assert isinstance(mean, float)
    assert mean == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        ("Date.now()", 1_800_000_000_000.0),
        ("new Date().getTime()", 1_800_000_000_000.0),
        ("new Date().constructor === Date", True),
        ("new (new Date().constructor)().getTime()", 1_800_000_000_000.0),
        ("new Date(5).getTime()", 5.0),
        ("new Date() instanceof Date", True),
        ("typeof Date()", "string"),
        ("Date.UTC(1970, 0, 1)", 0.0),
        ("Date.parse('1970-01-01T00:00:01Z')", 1_000.0),
        ("typeof performance + typeof Atomics + typeof WeakRef", "undefined" * 3),
    ],
)
def test_there_is_no_clock_but_the_sessions(model: DataModel, expr: str, value: object) -> None:
    """Every way to the time of day leads to the start of the session."""
    assert model.evaluate(expr) == value


def test_a_session_is_not_born_under_the_limit_of_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's clock counts all that the process does; what a busy moment interrupts must be no script of ours."""
    monkeypatch.setattr(ecmascript, "SCRIPT_CPU_SECONDS", 1e-9)
    born = DataModel(
        SessionVariables(session_id="s", ani="1", dnis="2", callee_type="voice"), seed=1, now=0.0
    )
    with pytest.raises(ScriptFailed, match="longer"):
        born.evaluate("(function () { for (let i = 0; i < 1e6; i++); })()")


@pytest.mark.parametrize("expr", ["(function () { while (true); })()", "/(a+)+$/.test('a'.repeat(40) + 'b')"])
def test_a_script_has_a_limit_of_time(model: DataModel, expr: str) -> None:
    """It is stopped, be it a loop or a regular expression, and the session goes on."""
    with pytest.raises(ScriptFailed, match=r"longer than 0\.15 s"):
        model.evaluate(expr)
    assert model.evaluate("1 + 1") == 2


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        ("(function () { var a = []; while (true) a.push('x'.repeat(1000)); })()", "memory"),
        ("(function f() { f(); })()", "stack"),
        ("'x'.repeat(70000)", "longer than"),
        ("(function () { var a = {}; a.a = a; return a; })()", "circular"),
    ],
)
def test_a_script_has_limits_of_memory_depth_and_length(model: DataModel, expr: str, reason: str) -> None:
    """And the session goes on."""
    with pytest.raises(ScriptFailed) as failed:
        model.evaluate(expr)
    assert reason in failed.value.message
    assert model.evaluate("1 + 1") == 2


@pytest.mark.parametrize(
    "vandalism",
    [
        "String.prototype.toWellFormed = String.prototype.replaceAll = null",
        "JSON.stringify = () => 7",
        "Object.defineProperty = Object.hasOwn = Reflect.apply = null",
        "Function = Boolean = String = Map = null",
    ],
)
def test_a_script_that_bends_the_built_ins_harms_only_itself(model: DataModel, vandalism: str) -> None:
    """What the interpreter needs it has put aside."""
    model.declare("a", "1")
    model.evaluate(f"({vandalism}, 0)")
    model.assign("a", "a + 1")
    assert model.evaluate("a") == 2
    assert model.condition("a == 2")
    assert model.text("'x'") == "x"


def test_many_expressions_do_not_fill_the_memory(model: DataModel) -> None:
    """What is compiled is kept only up to a point."""
    for number in range(3_000):
        assert model.evaluate(f"{number} + {'1 + ' * 50} 0") == number + 50
