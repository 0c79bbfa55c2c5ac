"""Header values with parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.header_values import HeaderValue, header_value


@pytest.mark.parametrize(
    ("text", "value", "parameters"),
    [
        ("", "", {}),
        ("Text/CSV", "text/csv", {}),
        (" text/csv ;", "text/csv", {}),
        ("text/csv;charset=UTF-8", "text/csv", {"charset": "UTF-8"}),
        ('a ; B = "c d" ; e=f;', "a", {"b": "c d", "e": "f"}),
        ("a;;b=c", "a", {"b": "c"}),
        ("a;b=", "a", {"b": ""}),
        ('a;b=""', "a", {"b": ""}),
        ('a;b="x;y=z"', "a", {"b": "x;y=z"}),
        (r'a;b="\"\\\C:\x"', "a", {"b": r'"\\C:\x'}),
        ("a;filename*=UTF-8''%e2", "a", {"filename*": "UTF-8''%e2"}),
    ],
)
def test_values_are_read_as_clients_write_them(text: str, value: str, parameters: dict[str, str]) -> None:
    """Blanks, case, quotes and stray semicolons are read as browsers and curl mean them."""
    assert header_value(text) == HeaderValue(value, parameters)


@pytest.mark.parametrize(
    "text", ['a;b="c', "a;b", "a;=b", "a;b=c d", "a;b=1;B=2", 'a;b="c"d', "a;é=1", "a; b=c, d=e"]
)
def test_what_is_not_well_formed_is_none(text: str) -> None:
    """Parameters that two readers could read differently are not read at all."""
    assert header_value(text) is None


@given(st.text('a;=" \\\t,', max_size=30) | st.text())
def test_any_text_is_a_value_or_none(text: str) -> None:
    """No header breaks the reader."""
    assert header_value(text) is None or isinstance(header_value(text), HeaderValue)
