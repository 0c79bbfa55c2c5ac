"""Rules that begin with themselves, which SRGS 1.0 lets a processor refuse (5.4)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.voicexml.grammar.expansion import GrammarInvalid
from shared.voicexml.grammar.matcher import Match
from shared.voicexml.grammar.srgs_abnf import read_abnf


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ("$r = a [$r];", ""),
        ("$r = a $r b | c;", ""),
        ("$r = $q a; $q = b $r;", ""),
        ("$r = $VOID $r;", ""),
        ("$r = $r<0> a;", ""),
        ("$r = a; $q = a;", ""),
        ("$r = [$r] a;", "r"),
        ("$r = a | $r b;", "r"),
        ("$r = (a | ($r)) b;", "r"),
        ("$r = {1} $NULL $r;", "r"),
        ("$r = $GARBAGE $r;", "r"),
        ("$r = a<0-1> $r;", "r"),
        ("$r = $q $r | a; $q = [b];", "r"),
        ("$r = $q $r | a; $q = b;", ""),
        ("$r = $q; $q = $r;", "q r"),
        ("$r = $q a; $q = [$q] b;", "q r"),
        ("$r = a $q; $q = [$q] b;", "q"),
        ("$r = a; $q = $q;", "q"),
    ],
)
def test_srgs_5_4_rules_that_begin_with_themselves_are_found(rules: str, found: str) -> None:
    """Whatever may be empty stands before them; and who begins with one of them."""
    assert grammar(rules) == frozenset(found.split())


def grammar(rules: str) -> frozenset[str]:
    """Read a grammar in the ABNF form, and return the rules that cannot be followed."""
    return read_abnf(f"#ABNF 1.0; root $r;\n{rules}", "http://app.example/", "").left_recursive


_PARTS = st.sampled_from(["a", "$q", "$s", "[a]", "[$q]", "($s | b)", "$NULL", "{1}"])
_RULE = st.lists(_PARTS, min_size=1, max_size=3).map(" ".join)


@settings(max_examples=60)
@given(st.tuples(_RULE, _RULE, _RULE))
def test_a_rule_that_begins_with_none_is_followed_and_one_that_does_is_not(
    rules: tuple[str, str, str],
) -> None:
    """The match agrees: at the beginning it comes to its depth exactly if something was found."""
    text = "#ABNF 1.0; root $r;\n" + "".join(
        f"${name} = {rule};\n" for name, rule in zip("rqs", rules, strict=True)
    )
    document = read_abnf(text, "http://app.example/", "")
    try:
        Match(document, "r", (), {})
        followed = True
    except GrammarInvalid:
        followed = False
    assert followed is ("r" not in document.left_recursive)


def test_a_long_chain_of_rules_is_no_circle() -> None:
    """Nor does it take long; what is deeper than a match goes is told by the match."""
    chain = "".join(f"$r{number} = $r{number + 1};" for number in range(2_000))
    assert grammar(f"$r = $r0; {chain} $r2000 = [a];") == frozenset()
