"""Rows of CSV that a spreadsheet may open: no cell of them can become a formula.

What a callee, a list or an application wrote stands in these cells, and a spreadsheet runs what begins like a formula.
Such a cell gets an apostrophe before it, which spreadsheets take for "this is text". A phone number is written as a
`tel:` URI, which needs none, and which a phone list takes back as it is.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

#: What formulas begin with; the last four are the wide forms that some spreadsheets read as the narrow ones.
_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_rows(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as UTF-8 with the line ends of RFC 4180; None is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[harmless(cell) for cell in row] for row in rows])
    return text.getvalue().encode()


def harmless(cell: object) -> str:
    """Return a cell's text, which no spreadsheet runs. Whole numbers stay as they are, below zero as well."""
    if cell is None:
        return ""
    text = str(cell)
    return f"'{text}" if text.startswith(_DANGEROUS) and not isinstance(cell, int) else text
