"""Cells of CSV that a spreadsheet may open."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.csv_cells import csv_rows, harmless


@pytest.mark.parametrize(
    "first", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_what_begins_like_a_formula_becomes_text(first: str) -> None:
    """With an apostrophe before it, and nothing else changed."""
    assert harmless(f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("cell", "text"),
    [(None, ""), ("", ""), (7, "7"), (-7, "-7"), ("Ada", "Ada"), ("a=b", "a=b"), ("'x", "'x")],
)
def test_what_is_harmless_stays_as_it_is(cell: object, text: str) -> None:
    """A number below zero is no formula where it is a number."""
    assert harmless(cell) == text


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4), max_size=5)
)
def test_rows_come_back_as_they_were_written(rows: list[list[str]]) -> None:
    """Commas, quotes and line ends inside cells included; apart from the apostrophe no cell begins dangerously."""
    read = list(csv.reader(io.StringIO(csv_rows(rows).decode(), newline="")))
    assert read == [[harmless(cell) for cell in row] for row in rows]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in read for cell in row)
