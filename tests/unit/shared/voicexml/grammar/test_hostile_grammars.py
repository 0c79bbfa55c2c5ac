"""Grammars that are built to take long: each is bounded by counted work, so that no clock is needed to see it."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

Call = Callable[..., SimpleNamespace]

FIELD = (
    "<form><property name='maxnbest' value='30'/><field name='f'>{}<filled><log expr='f'/></filled>"
    "<catch event='nomatch error'><log expr='_event'/><exit/></catch></field></form>"
)


def grammar(rules: str, attributes: str = "") -> str:
    """Make an inline grammar, whose root is r."""
    return f'<grammar version="1.0" root="r" {attributes}>{rules}</grammar>'


def doubling(levels: int, last: str) -> str:
    """Make rules each of which refers to the next one twice."""
    rules = (
        f'<rule id="a{level}"><ruleref uri="#a{level + 1}"/><ruleref uri="#a{level + 1}"/></rule>'
        for level in range(levels)
    )
    root = '<rule id="r"><ruleref uri="#a0"/></rule>'
    return grammar(root + "".join(rules) + f'<rule id="a{levels}">{last}</rule>')


def chain(levels: int) -> str:
    """Make rules each of which refers to the next one."""
    rules = (f'<rule id="a{level}"><ruleref uri="#a{level + 1}"/></rule>' for level in range(levels))
    root = '<rule id="r"><ruleref uri="#a0"/></rule>'
    return grammar(root + "".join(rules) + f'<rule id="a{levels}">a</rule>')


SIXTY = " ".join("a" * 60)
OPTIONAL = '<item repeat="0-1">a</item>'
TAGGED = '<one-of><item>a<tag>"1"</tag></item><item>a<tag>"2"</tag></item></one-of>'
TOWNS = "".join(f"<item>{number} elm street</item>" for number in range(5_000))


@pytest.mark.parametrize(
    ("rules", "said", "log"),
    [
        pytest.param(doubling(17, OPTIONAL + "<tag>1</tag>"), "a", "error.badfetch", id="a-parse-of-262144-rules"),
        pytest.param(doubling(8, OPTIONAL), "a", "a", id="a-parse-of-512-rules"),
        pytest.param(chain(150), "a", "a", id="150-rules-deep"),
        pytest.param(chain(250), "a", "error.badfetch", id="250-rules-deep"),
        pytest.param(
            grammar(f'<rule id="r"><item repeat="60">{TAGGED}</item></rule>', 'tag-format="semantics/1.0"'),
            SIXTY,
            "[object Object]",
            id="2-to-the-60-parses",
        ),
        pytest.param(grammar(f'<rule id="r">{OPTIONAL * 3_000}</rule>'), SIXTY, "nomatch", id="3000-optional-words"),
        pytest.param(
            grammar('<rule id="r">' + '<ruleref special="GARBAGE"/>a' * 60 + "</rule>"), SIXTY, SIXTY, id="garbage"
        ),
        pytest.param(
            grammar('<rule id="r"><item repeat="999999"><item repeat="0-1">a</item></item></rule>'),
            "a",
            "error.badfetch",
            id="a-million-times-nothing",
        ),
        pytest.param(
            grammar(
                '<rule id="r"><item repeat="0-"><item repeat="0-"><item repeat="0-">a</item></item></item>b</rule>'
            ),
            SIXTY,
            "nomatch",
            id="repeats-in-repeats",
        ),
        pytest.param(
            grammar(f'<rule id="r"><one-of>{TOWNS}</one-of></rule>'),
            "4999 elm street",
            "4999 elm street",
            id="a-long-list-is-none-of-them",
        ),
    ],
)  # fmt: skip
def test_srgs_a_grammar_is_bounded_by_the_work_it_takes(call: Call, rules: str, said: str, log: str) -> None:
    """It matches, does not match or is refused, and the session goes on."""
    assert call(FIELD.format(rules), f"say:{said}").logs == [log]
