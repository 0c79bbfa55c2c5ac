"""Which trunk takes a number."""

from dataclasses import dataclass

import pytest

from shared.domain.errors import Invalid
from shared.domain.routing import Route, in_order, parse_prefix


@dataclass(frozen=True)
class Line:
    """A trunk as routing sees it."""

    route: Route


def names(e164: str, *routes: tuple[str, str, int]) -> list[str]:
    """Return the order of trunks for a number."""
    lines = [Line(Route(name=name, prefix=prefix, priority=priority)) for name, prefix, priority in routes]
    return [line.route.name for line in in_order(lines, e164)]


def test_the_longest_prefix_comes_first_then_the_priority_then_the_name() -> None:
    """And a trunk whose prefix does not fit does not come at all."""
    routes = [
        ("world", "", 1),
        ("uk", "44", 9),
        ("london", "4420", 50),
        ("london-2", "4420", 10),
        ("us", "1", 1),
    ]
    assert names("+442079460000", *routes) == ["london-2", "london", "uk", "world"]
    assert names("+12025550100", *routes) == ["us", "world"]
    assert names("+12025550100", ("b", "1", 5), ("a", "1", 5)) == ["a", "b"]


def test_without_a_fitting_trunk_there_is_none() -> None:
    """Nobody is asked to carry what he does not sell."""
    assert names("+12025550100", ("uk", "44", 1)) == []


@pytest.mark.parametrize(("text", "digits"), [("", ""), ("44", "44"), ("+4420", "4420"), (" 1 ", "1")])
def test_a_prefix_is_digits(text: str, digits: str) -> None:
    """With a plus before them or not."""
    assert parse_prefix(text) == digits


@pytest.mark.parametrize("text", ["++1", "1-2", "٤٤", "1" * 16])
def test_anything_else_is_no_prefix(text: str) -> None:
    """The sentence shows the form."""
    with pytest.raises(Invalid, match="digits"):
        parse_prefix(text)
