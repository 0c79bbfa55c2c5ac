"""What can be keyed into a field (VoiceXML 2.0, 2.3.1 and Appendix P)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.voicexml.errors import Thrown
from shared.voicexml.grammar.active import AnyOf, Choices
from shared.voicexml.grammar.builtin import builtin
from shared.voicexml.grammar.expansion import Mode
from shared.voicexml.grammar.matcher import Status

Call = Callable[..., SimpleNamespace]

DIGITS = Choices(choices=(("1", "one"), ("12", "twelve"), ("3", "three"), ("3", "again")))


@pytest.mark.parametrize(
    ("type_", "keys", "status"),
    [
        ("digits", "1", Status.MATCH_MORE),
        ("digits", "*", Status.NOMATCH),
        ("digits", "1" * 64, Status.MATCH),
        ("digits?length=3", "12", Status.PARTIAL),
        ("digits?length=3", "123", Status.MATCH),
        ("digits?length=3", "1234", Status.NOMATCH),
        ("digits?minlength=2;maxlength=3", "1", Status.PARTIAL),
        ("digits?minlength=2;maxlength=3", "12", Status.MATCH_MORE),
        ("digits?minlength=2;maxlength=3", "123", Status.MATCH),
        ("boolean", "1", Status.MATCH),
        ("boolean", "2", Status.MATCH),
        ("boolean", "3", Status.NOMATCH),
        ("boolean?y=7;n=9", "9", Status.MATCH),
        ("boolean?y=7;n=9", "1", Status.NOMATCH),
    ],
)
def test_appendix_p_builtin_types_tell_how_keys_stand(type_: str, keys: str, status: Status) -> None:
    """Each builtin type knows what is enough, what is not yet, and what never will be."""
    assert builtin(type_, Mode.DTMF).status(keys) is status


def test_appendix_p_a_boolean_is_a_boolean() -> None:
    """1 is true and 2 is false, unless the parameters say otherwise."""
    assert builtin("boolean", Mode.DTMF).value("1") is True
    assert builtin("boolean?n=0", Mode.DTMF).value("0") is False


@pytest.mark.parametrize(
    "type_",
    [
        "digits?minlength=5;maxlength=3",
        "digits?length=3;minlength=4",
        "digits?length=0;maxlength=0",
        "digits?minlength=-1",
        "digits?maxlength=99",
        "digits?length=\u0663",
        "digits?size=3",
        "digits?length",
        "boolean?y=1;n=1",
        "boolean?y=12",
    ],
)
def test_appendix_p_parameters_that_make_no_sense_are_a_bad_fetch(type_: str) -> None:
    """error.badfetch, in a sentence that repeats the type."""
    with pytest.raises(Thrown, match=r"error\.badfetch"):
        builtin(type_, Mode.DTMF)


def test_5_2_6_a_builtin_type_that_is_not_built_is_unsupported() -> None:
    """error.unsupported.builtin, as the specification names it."""
    with pytest.raises(Thrown, match=r"error\.unsupported\.builtin"):
        builtin("colour", Mode.DTMF)


@pytest.mark.parametrize(
    ("keys", "status"),
    [("1", Status.MATCH_MORE), ("12", Status.MATCH), ("2", Status.NOMATCH), ("3", Status.MATCH)],
)
def test_2_3_1_3_options_may_begin_alike(keys: str, status: Status) -> None:
    """A sequence that begins another one matches and may go on."""
    assert DIGITS.status(keys) is status


def test_2_3_1_3_the_first_of_two_equal_options_counts() -> None:
    """Document order decides."""
    assert DIGITS.value("3") == "three"


def test_grammars_together_match_what_any_of_them_does() -> None:
    """One may be complete while another could go on; the first that matches gives the value."""
    both = AnyOf(grammars=(builtin("digits?length=2", Mode.DTMF), DIGITS))
    assert both.status("1") is Status.MATCH_MORE
    assert both.status("3") is Status.MATCH_MORE
    assert both.status("12") is Status.MATCH
    assert both.first("12", Mode.DTMF) == 0
    assert both.first("3", Mode.DTMF) == 1
    assert both.first("3", Mode.VOICE) is None
    assert both.status("*") is Status.NOMATCH


KEYS = st.text(alphabet="0123456789*#", min_size=1, max_size=6)


@given(sequences=st.lists(KEYS, min_size=1, max_size=5), keys=KEYS)
def test_a_status_says_what_one_more_key_can_do(sequences: list[str], keys: str) -> None:
    """Only a partial or open match has a longer one, and a match stands in the list."""
    grammar = Choices(choices=tuple((sequence, sequence) for sequence in sequences))
    status = grammar.status(keys)
    longer = any(sequence.startswith(keys) and sequence != keys for sequence in sequences)
    assert (status in {Status.MATCH, Status.MATCH_MORE}) is (keys in sequences)
    assert (status in {Status.PARTIAL, Status.MATCH_MORE}) is longer


OPTIONS = """
<form><field name="f">
  <option dtmf="1" value="first">The first</option>
  <option dtmf="2"> The  second </option>
  <option dtmf="3"/>
  <option dtmf="4 5">Both</option>
  <option>Spoken only</option>
  <filled><exit expr="f"/></filled><nomatch><exit expr="'nomatch'"/></nomatch>
</field></form>
"""


@pytest.mark.parametrize(
    ("keys", "value"),
    [("1", "first"), ("2", "The second"), ("3", "3"), ("45", "Both"), ("9", "nomatch")],
)
def test_2_3_1_3_an_option_fills_the_field_with_its_value(call: Call, keys: str, value: str) -> None:
    """The value, else the text, else the keys themselves."""
    assert call(OPTIONS, keys).exit.values == (("expr", value),)


def test_3_1_4_an_input_item_without_any_grammar_is_an_error(call: Call) -> None:
    """error.semantic, when an input is expected and nothing could be heard."""
    field = """<form><field name="f"><error><exit expr="_event"/></error></field></form>"""
    assert call(field, "1").exit.values == (("expr", "error.semantic"),)


@pytest.mark.parametrize(
    ("type_", "keys", "value"),
    [
        ("date", "20261121", "20261121"),
        ("date", "20261321", None),
        ("time", "0930", "0930?"),
        ("time", "1830", "1830h"),
        ("time", "2460", None),
        ("number", "12*5", "12.5"),
        ("currency", "12*5", "12.50"),
        ("phone", "5551234*789", "5551234x789"),
    ],
)
def test_appendix_p_builtin_types_by_keys(type_: str, keys: str, value: str | None) -> None:
    """Each type's value has the form that the specification gives it."""
    grammar = builtin(type_, Mode.DTMF)
    matches = grammar.status(keys) in {Status.MATCH, Status.MATCH_MORE}
    assert (grammar.value(keys) if matches else None) == value


@pytest.mark.parametrize(
    ("type_", "said", "value"),
    [
        ("boolean", "yes", True),
        ("boolean", "no", False),
        ("digits?length=3", "one two oh", "120"),
        ("digits?length=3", "1234", None),
        ("number", "minus twenty one point five", "-21.5"),
        ("number", "two thousand and six", "2006"),
        ("currency", "twelve dollars and five cents", "12.05"),
        ("date", "november 21st 2026", "20261121"),
        ("date", "november 21", "????1121"),
        ("time", "2 30 pm", "0230p"),
        ("phone", "555 1234 extension 7", "5551234x7"),
    ],
)
def test_appendix_p_builtin_types_by_words(type_: str, said: str, value: object) -> None:
    """The same values, from plain English."""
    grammar, words = builtin(type_, Mode.VOICE), tuple(said.split())
    matches = grammar.status(words) in {Status.MATCH, Status.MATCH_MORE}
    assert (grammar.value(words) if matches else None) == value
