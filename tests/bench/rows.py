"""The rows of a benchmark and how they are printed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `beside` is the row of the same run that it is compared with."""

    what: str
    per_second: float
    beside: "Row | None" = None


def show(part: str, rows: list[Row]) -> None:
    """Print a part's rows, each with its ratio."""
    print(f"\n{part}")
    for row in rows:
        ratio = f"   {row.per_second / row.beside.per_second:5.2f} of {row.beside.what}" if row.beside else ""
        print(f"  {row.what:<58} {row.per_second:>10,.0f} /s{ratio}")
