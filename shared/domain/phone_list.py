"""A list of numbers to call, read from hostile bytes of any length as they arrive.

Two dialects, told apart by the first line that is not blank.

*Plain*, one number in a line, as the scheduling API's documents show it:

    tel:+12223334444; ani=7778889999, marchcampaign

`tel:` may be missing; `ani=` is the caller id; `postd=` holds what to dial after the answer; what follows the
first comma is the message reference, and it holds no comma itself. A spreadsheet may have put quotes around
the whole line or around each cell. A comma inside `postd=` needs the latter, since a comma ends the number;
`p`, RFC 2806's name for the same pause of a second, never does.

*With a header*, as the same vendor's contact files have it: the first column is called `destination`, the
others are variables of the call (`shared.domain.phone_list_columns`).

A line that is wrong is refused alone, with its number in the file and a reason; a file that is no list is
refused as a whole. A quote that is never closed spoils its own line only: no cell reaches over a line's end.

Nearly every line of a long list is plain, so one regular expression takes a chunk of them at once; what it
does not take goes to `read_line`, which knows the whole grammar. A test holds the two to one answer.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.domain.errors import Invalid
from shared.domain.phone_list_columns import Columns
from shared.domain.phone_list_encoding import ListText, UnreadableList
from shared.domain.phone_list_line import (
    MAX_REFERENCE_CHARS,
    PhoneEntry,
    RefusedLine,
    read_line,
    refused_line,
)
from shared.domain.phone_number import E164_PATTERN

__all__ = [
    "ListTooLong",
    "PhoneEntry",
    "PhoneListLimits",
    "PhoneListParser",
    "RefusedLine",
    "UnreadableList",
    "parse_json_entries",
]

MAX_LINE_CHARS: Final = (
    64 * 1024
)  # a hundred times the longest sensible line; a database dump has longer ones

Row = PhoneEntry | RefusedLine
_ReadLine = Callable[[int, str], Row | None]


def _plain_lines() -> re.Pattern[str]:
    """Return the pattern that takes one line whatever it is: number, ani, reference; or the line as it is.

    The first alternative is what `read_line` would accept with ASCII and no quotes; the second is the rest.
    """
    number = rf"({E164_PATTERN}|(?!00)1?[0-9]{{10}})(?![0-9])"
    word = r"!#-+\--~"  # ASCII without space, comma and quote
    reference = rf"(?:, ?([{word}][ {word}]{{0,{MAX_REFERENCE_CHARS - 1}}})(?<! ))?"
    return re.compile(rf"(?:(?:tel:)?{number}(?:; ?ani={number})?{reference}|([^\n]*))\n")


_PLAIN_LINES = _plain_lines()
#: Makes an entry without the Python code of NamedTuple's own constructor.
_ENTRY = tuple.__new__


class ListTooLong(Invalid):
    """The list has more lines than one upload may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneListLimits:
    """What one list may cost."""

    #: Lines that are not blank, refused ones too. 64 MiB of ordinary lines are 1.5 million.
    max_lines: int = 2_000_000
    #: As many again, for lists with an empty line after each. Without an end, a file of nothing but line ends kept the
    #: process from everybody else for minutes.
    max_blank_lines: int = 2_000_000


class PhoneListParser:
    """Reads a list chunk by chunk; every row comes out once, in the order of the file.

    Memory is a small multiple of the chunk that is fed plus one line. `feed` and `finish` raise
    UnreadableList where this is no phone list and ListTooLong where it is too long a one; then nothing of the
    upload may be kept, and the parser is spent.
    """

    def __init__(self, limits: PhoneListLimits) -> None:
        self._limits = limits
        self._text = ListText()
        #: The start of a line whose end has not come, in the pieces in which it came.
        self._held: list[str] = []
        self._held_chars = 0
        self._next_line_no = 1
        self._rows_read = 0
        #: None until the first line that is not blank has told the dialect.
        self._columns: Columns | None = None
        self._dialect_known = False
        self._failure: Invalid | None = None

    def feed(self, data: bytes) -> list[Row]:
        """Return the rows that these bytes complete."""
        return self._rows(self._text.feed, data)

    def finish(self) -> list[Row]:
        """Return the rows that were held back; the list ends here."""
        return self._rows(lambda _: self._text.finish() + "\n", b"")

    def _rows(self, decode: Callable[[bytes], str], data: bytes) -> list[Row]:
        if self._failure is not None:
            raise self._failure
        try:
            rows = self._read(self._whole_lines(decode(data)))
            self._count(rows)
        except Invalid as failure:
            self._failure = failure
            raise
        return rows

    def _whole_lines(self, text: str) -> str:
        """Return the lines that are complete now, each with its end, and hold back the rest."""
        end = text.rfind("\n") + 1
        whole = "".join((*self._held, text[:end])) if end else ""
        if end:
            self._held, self._held_chars = [], 0
        if end < len(text):
            self._held.append(text[end:])
            self._held_chars += len(text) - end
            _check_length(self._held_chars, self._next_line_no + whole.count("\n"))
        return whole

    def _read(self, text: str) -> list[Row]:
        if not self._dialect_known:
            text = self._open(text)
        first_line_no = self._next_line_no
        self._next_line_no += text.count("\n")
        if self._columns is None:
            return _plain_rows(text, first_line_no)
        return _rows_of(text, first_line_no, self._columns.read_line)

    def _open(self, text: str) -> str:
        """Tell the dialect by the first line that is not blank; return the text with the header taken out."""
        first = len(text) - len(text.lstrip(" \t\n,"))
        start = text.rfind("\n", 0, first) + 1
        end = text.find("\n", start)
        if end < 0:
            return text
        _check_length(end - start, self._next_line_no + text.count("\n", 0, start))
        self._columns = Columns.of(text[start:end])
        self._dialect_known = True
        return text[:start] + text[end:] if self._columns else text

    def _count(self, rows: list[Row]) -> None:
        self._rows_read += len(rows)
        if self._rows_read > self._limits.max_lines:
            msg = f"One list holds at most {self._limits.max_lines:,} numbers; send several."
            raise ListTooLong("phone_numbers", msg)
        if self._next_line_no - 1 - self._rows_read > self._limits.max_blank_lines:
            msg = f"One list holds at most {self._limits.max_blank_lines:,} blank lines; take them out."
            raise ListTooLong("phone_numbers", msg)


def parse_json_entries(items: list[object]) -> list[Row]:
    """Read the JSON form of a list: each item is a text like a line of the plain dialect.

    `line_no` is the place in the array from 1. An item that is no text, or an empty one, is refused.
    """
    return [_json_entry(place, item) for place, item in enumerate(items, 1)]


def _json_entry(place: int, item: object) -> Row:
    if not isinstance(item, str):
        return refused_line(
            place, _shown(item), "Each entry of the array must be a text: put it into quotes."
        )
    if len(item) > MAX_LINE_CHARS:
        return refused_line(place, item, f"An entry has at most {MAX_LINE_CHARS} characters.")
    return read_line(place, item) or refused_line(place, item, "The entry is empty.")


def _shown(item: object) -> str:
    """Return an item that is no text as its sender wrote it; what is nested is not gone through."""
    if isinstance(item, list | dict):
        return "[…]" if isinstance(item, list) else "{…}"
    return json.dumps(item)


def _plain_rows(text: str, first_line_no: int) -> list[Row]:
    """Read whole lines of the plain dialect."""
    rows = [
        _ENTRY(
            PhoneEntry,
            (
                line_no,
                number if number[0] == "+" else "+1" + number[-10:],
                (ani if ani[0] == "+" else "+1" + ani[-10:]) if ani else None,
                None,
                reference or None,
                (),
                None,
            ),
        )
        if number
        else _careful_row(line_no, line, read_line)
        for line_no, (number, ani, reference, line) in enumerate(_PLAIN_LINES.findall(text), first_line_no)
        if number or line
    ]
    return [row for row in rows if row]


def _rows_of(text: str, first_line_no: int, read: _ReadLine) -> list[Row]:
    """Read whole lines one at a time."""
    rows = (
        _careful_row(line_no, line, read)
        for line_no, line in enumerate(text.split("\n")[:-1], first_line_no)
        if line
    )
    return [row for row in rows if row]


def _careful_row(line_no: int, line: str, read: _ReadLine) -> Row | None:
    _check_length(len(line), line_no)
    return read(line_no, line)


def _check_length(chars: int, line_no: int) -> None:
    if chars > MAX_LINE_CHARS:
        msg = (
            f"Line {line_no} is longer than {MAX_LINE_CHARS} characters, so this is no list of phone numbers."
        )
        raise UnreadableList(msg)
