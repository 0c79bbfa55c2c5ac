"""Every point of the published document has a test that names it."""

import re
from pathlib import Path

#: The points, by the numbers under which they are known in this repository.
POINTS = {*range(1, 15), *range(20, 34), *range(40, 47), *range(50, 77)}
TESTS = Path(__file__).parents[4] / "integration" / "plum"


def test_every_point_is_named_by_a_test() -> None:
    """In the sentence that says what it promises."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(TESTS.glob("test_*.py")))
    named = {
        int(number)
        for sentence in re.findall(r'"""(PLUM-[^"]*)', text)
        for number in re.findall(r"PLUM-([0-9]+)", sentence)
    }
    assert sorted(POINTS - named) == []
