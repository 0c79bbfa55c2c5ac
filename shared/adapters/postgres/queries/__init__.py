"""The named queries: SQL stands in files, each statement with its name and what it is for.

A file is a sequence of `-- name: some_name`, one or more comment lines that describe it, and the statement.
"""

import re
from functools import cache
from importlib.resources import files

_HEADER = re.compile(r"^-- name: ([a-z_]+)\n((?:-- .*\n)+)", re.MULTILINE)


@cache
def queries(file_name: str) -> dict[str, str]:
    """Return the statements of `<file_name>.sql` by name."""
    pieces = _pieces(file_name)
    statements = [piece.strip().removesuffix(";") for piece in pieces[2::3]]
    return dict(zip(pieces[0::3], statements, strict=True))


def comments(file_name: str) -> dict[str, str]:
    """Return what `<file_name>.sql` says about each statement, by name, in one line each."""
    pieces = _pieces(file_name)
    lines = [" ".join(piece.removeprefix("-- ").split("\n-- ")).strip() for piece in pieces[1::3]]
    return dict(zip(pieces[0::3], lines, strict=True))


def _pieces(file_name: str) -> list[str]:
    """Return name, comment and statement of every query in turn."""
    text = (files(__package__) / f"{file_name}.sql").read_text(encoding="utf-8")
    return _HEADER.split(text)[1:]
