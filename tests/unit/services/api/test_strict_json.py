"""JSON, and only JSON."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api import strict_json
from services.api.strict_json import MalformedJson

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('ab\\"[]{}é', max_size=4), inner),
    max_leaves=20,
)


@given(values, st.booleans())
def test_every_json_value_is_read(value: object, ascii_only: bool) -> None:
    """What an independent writer writes, escaped or not, is read back."""
    assert strict_json.loads(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(st.text('[]{}",:\\ue0149.- truefalsn', max_size=40) | st.text())
def test_any_text_is_a_value_or_malformed(text: str) -> None:
    """No text raises anything but MalformedJson, and what is read can be stored as UTF-8."""
    try:
        value = strict_json.loads(text)
    except MalformedJson:
        return
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1"),
        ("[1,\n 2,]", "line 2"),
        ("[1] 2", "line 1, column 5"),
        ("\ufeff[]", "malformed"),
        ("['a']", "malformed"),
        ("[01]", "malformed"),
        ("[+1]", "malformed"),
        ("[.5]", "malformed"),
        ("[1_000]", "malformed"),
        ("[\u0661]", "malformed"),
        ('["\t"]', "malformed"),
        ('["\0"]', "malformed"),
        ("[1] // x", "malformed"),
        ("\\", "malformed"),
        ('{"a":1,"b":{"c":1,"c":2}}', "same key twice"),
        ('{"a":1,"\\u0061":2}', "same key twice"),
        ("[NaN]", "NaN is no JSON number"),
        ("[Infinity]", "Infinity is no"),
        ("[-Infinity]", "-Infinity is no"),
        ("[1e999]", "too large"),
        ("[-1e999]", "too large"),
        ("[" + "9" * 19 + "]", "more than 18 digits"),
        ("[-" + "9" * 5000 + "]", "more than 18 digits"),
        ('["\\ud800"]', "surrogate"),
        ('["\\udc00\\ud800"]', "surrogate"),
        ('[{"\\ud800":1}]', "surrogate"),
        ('[[["a\\u0000"]]]', "NUL"),
        ("[" * 33 + "]" * 33, "deeper than 32"),
        ('{"a":' * 33 + "1" + "}" * 33, "deeper than 32"),
        ("[" * 1_000_000, "deeper than 32"),
    ],
)
def test_what_a_lenient_reader_would_take_is_malformed(text: str, words: str) -> None:
    """Each thing that readers differ on, or that a database refuses, is refused with its reason."""
    with pytest.raises(MalformedJson, match=words):
        strict_json.loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["\\ud83d\\ude00 \\u202e"]', ["😀 \u202e"]),
        ('["[[[[\\"]]]{"]', ['[[[["]]]{']),
        ('["' + "[" * 40 + '"]', ["[" * 40]),
        ('[["' + "]" * 40 + '"]]', [["]" * 40]]),
        ("[" * 32 + "]" * 32, None),
        ("[" + "[]," * 100_000 + "[]]", None),
        ('["' + "\\\\" * 100_000 + '"]', None),
        ('["' + '\\"' * 100_000 + '"]', None),
        ("[" + "9" * 18 + "]", [10**18 - 1]),
        (" [1e-999] ", [0.0]),
    ],
)
def test_what_is_well_formed_is_taken_at_any_length(text: str, value: object) -> None:
    """Brackets in texts, escapes, and long flat arrays are not depth."""
    read = strict_json.loads(text)
    assert value is None or read == value


def test_depth_does_not_depend_on_the_callers_stack() -> None:
    """The deepest that is allowed is read even where little of the stack is left."""
    limit = sys.getrecursionlimit()

    def deep(left: int) -> object:
        return deep(left - 1) if left else strict_json.loads("[" * 32 + "]" * 32)

    assert isinstance(deep(limit - 200), list)
