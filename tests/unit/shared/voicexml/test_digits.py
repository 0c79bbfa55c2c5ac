"""What can be keyed into a field (VoiceXML 2.0, 2.3.1 and Appendix P)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.voicexml.digits import AnyOf, Choices, DigitString, Status, builtin
from shared.voicexml.errors import Thrown

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
    assert builtin(type_).status(keys) is status


def test_appendix_p_a_boolean_is_a_boolean() -> None:
    """1 is true and 2 is false, unless the parameters say otherwise."""
    assert builtin("boolean").value("1") is True
    assert builtin("boolean?n=0").value("0") is False


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
        builtin(type_)


def test_5_2_6_a_builtin_type_that_is_not_built_is_unsupported() -> None:
    """error.unsupported.builtin, as the specification names it."""
    with pytest.raises(Thrown, match=r"error\.unsupported\.builtin"):
        builtin("currency")


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
    both = AnyOf(grammars=(DigitString(shortest=2, longest=2), DIGITS))
    assert both.status("1") is Status.MATCH_MORE
    assert both.status("3") is Status.MATCH_MORE
    assert both.status("12") is Status.MATCH
    assert both.value("12") == "12"
    assert both.value("3") == "three"
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


def test_a_field_without_any_grammar_takes_no_key(call: Call) -> None:
    """Every key is nomatch, silence is noinput."""
    field = """<form><field name="f"><nomatch><exit expr="'nomatch'"/></nomatch>
      <noinput><exit expr="'noinput'"/></noinput></field></form>"""
    assert call(field, "1").exit.values == (("expr", "nomatch"),)
    assert call(field, "").exit.values == (("expr", "noinput"),)
