"""Matching against a grammar: judged by regular expressions, which say the same in another language."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.voicexml.grammar.expansion import (
    Alternatives,
    Expansion,
    GrammarDocument,
    Mode,
    Repeat,
    Rule,
    Sequence,
    Tag,
    Token,
)
from shared.voicexml.grammar.matcher import Match, Status

LEAVES = st.sampled_from([Token(text="1"), Token(text="2"), Tag(text="t")])


def grown(inner: st.SearchStrategy[Expansion]) -> st.SearchStrategy[Expansion]:
    """Put expansions together."""
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        several.map(lambda parts: Sequence(parts=parts)),
        several.map(lambda choices: Alternatives(choices=choices)),
        st.builds(
            lambda content, least, more: Repeat(content=content, least=least, most=least + more),
            inner,
            st.integers(0, 2),
            st.integers(0, 2),
        ),
    )


EXPANSIONS = st.recursive(LEAVES, grown, max_leaves=8)


def pattern(expansion: Expansion) -> str:
    """Write an expansion as a regular expression."""
    match expansion:
        case Token(text=text):
            return text
        case Sequence(parts=parts):
            return "".join(f"(?:{pattern(part)})" for part in parts)
        case Alternatives(choices=choices):
            return "|".join(f"(?:{pattern(choice)})" for choice in choices)
        case Repeat(content=content, least=least, most=most):
            return f"(?:{pattern(content)}){{{least},{most}}}"
        case _:
            return ""


def document(expansion: Expansion) -> GrammarDocument:
    """Make a grammar of one rule."""
    return GrammarDocument(mode=Mode.DTMF, root="r", rules={"r": Rule(expansion=expansion, public=True)})


def tokens_of(parsed: dict[str, object]) -> str:
    """Return the text that a parse covers."""
    return str(parsed["text"]).replace(" ", "")


@given(expansion=EXPANSIONS, keys=st.text(alphabet="12", max_size=6))
def test_a_grammar_matches_what_its_regular_expression_does(expansion: Expansion, keys: str) -> None:
    """Exactly that; what matches has a parse that covers it, and what may go on has a longer match."""
    match = Match(document(expansion), "", keys, {})
    assert match.matches is bool(re.fullmatch(pattern(expansion), keys))
    if match.matches:
        assert tokens_of(next(match.parses())) == keys
    if match.status in {Status.MATCH, Status.NOMATCH}:
        longer = [keys + more for more in ("1", "2", "11", "12", "21", "22")]
        assert not any(re.fullmatch(pattern(expansion), each) for each in longer)


ONE = Token(text="1")


@pytest.mark.parametrize(
    ("least", "most", "keys", "status"),
    [
        (2, 2, "1", Status.PARTIAL),
        (2, 2, "11", Status.MATCH),
        (2, 2, "111", Status.NOMATCH),
        (0, 1, "1", Status.MATCH),
        (1, 3, "11", Status.MATCH_MORE),
        (1, 3, "111", Status.MATCH),
        (1, None, "1" * 9, Status.MATCH_MORE),
        (3, 3, "2", Status.NOMATCH),
    ],
)
def test_srgs_2_5_what_was_repeated_often_enough_is_over(
    least: int, most: int | None, keys: str, status: Status
) -> None:
    """After the last round nothing more can come, so that nobody waits for another key."""
    repeat = Repeat(content=ONE, least=least, most=most)
    assert Match(document(repeat), "", keys, {}).status is status
    # The same at the end of a sequence, and around one.
    assert Match(document(Sequence(parts=(Tag(text="t"), repeat))), "", keys, {}).status is status
    around = Repeat(content=Sequence(parts=(ONE,)), least=least, most=most)
    assert Match(document(around), "", keys, {}).status is status
