"""The rows and tables of a benchmark and how they are printed."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `beside` is the row of the same run that it is compared with."""

    what: str
    per_second: float
    beside: "Row | None" = None
    #: The ratio that is asked for.
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Figures that are read side by side; the first column says what a line is about."""

    title: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]


def show(part: str, found: Sequence[Row | Table]) -> None:
    """Print a part's rows, each with its ratio, and its tables."""
    print(f"\n{part}")
    width = max((len(each.what) for each in found if isinstance(each, Row)), default=0)
    for each in found:
        if isinstance(each, Table):
            _show_table(each)
            continue
        print(f"  {each.what:<{width}} {each.per_second:>8,.0f} /s{_ratio(each)}")


def _ratio(row: Row) -> str:
    if row.beside is None:
        return ""
    target = "" if row.target is None else f" (target {row.target})"
    return f"   {row.per_second / row.beside.per_second:5.2f} of {row.beside.what}{target}"


def _show_table(table: Table) -> None:
    print(f"  {table.title}")
    widths = [
        max(len(line[place]) for line in [table.columns, *table.lines]) for place in range(len(table.columns))
    ]
    for line in [table.columns, *table.lines]:
        first, *others = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("    " + "  ".join([first, *others]))
