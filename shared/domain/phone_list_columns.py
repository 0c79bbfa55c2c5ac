"""The second dialect of phone lists: a header, then rows; every column but the number is a variable.

    destination,message_reference,first_name
    tel:+16177123000;ani=5553336666,invoice-7,Ada

The first column is called `destination`; one called `message_reference` is the reference; one called `time_zone`
says where the number is at home, as an IANA name, where the list knows it better than its area code does (empty: the
area code decides). The others become variables of the call and so must be names that a VoiceXML application can use.
"""

import re
from typing import Final

from shared.domain.errors import Invalid
from shared.domain.phone_list_encoding import UnreadableList
from shared.domain.phone_list_line import (
    BLANKS,
    PhoneEntry,
    RefusedLine,
    cells_of,
    checked,
    is_blank,
    read_destination,
    read_reference,
    refused_line,
)
from shared.domain.time_zone import check_zone

MAX_VARIABLES: Final = 32  # posted with every call; more belongs into the application's own database
MAX_VALUE_CHARS: Final = 1024  # a paragraph to be read out
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_DESTINATION = "destination"
_REFERENCE = "message_reference"
_TIME_ZONE = "time_zone"


class Columns:
    """The rows under one header."""

    def __init__(self, names: list[str]) -> None:
        """Take the names of the columns after the first; raise UnreadableList where they cannot be used."""
        for name in names:
            if not _NAME.fullmatch(name):
                msg = "The header has a column whose name is not made of 1 to 64 letters, digits and _."
                raise UnreadableList(msg)
        if len({name.lower() for name in [_DESTINATION, *names]}) <= len(names):
            msg = "The header names a column twice."
            raise UnreadableList(msg)
        places = {name.lower(): place for place, name in enumerate(names, 1)}
        self._reference = places.get(_REFERENCE)
        self._time_zone = places.get(_TIME_ZONE)
        self._variables = [
            (place, name)
            for place, name in enumerate(names, 1)
            if place not in {self._reference, self._time_zone}
        ]
        if len(self._variables) > MAX_VARIABLES:
            msg = f"The header has more than {MAX_VARIABLES} columns for variables."
            raise UnreadableList(msg)
        self._width = 1 + len(names)

    @classmethod
    def of(cls, line: str) -> "Columns | None":
        """Return the columns that this first line names, or None where it is no header.

        Empty names at its end are a spreadsheet's padding and dropped.
        """
        if not line.lstrip(' \t"').lower().startswith(_DESTINATION):
            return None
        try:
            first, *names = (cell.strip(BLANKS) for cell in cells_of(line.strip(BLANKS)))
        except Invalid:
            return None
        while names and not names[-1]:
            names.pop()
        return cls(names) if first.lower() == _DESTINATION else None

    def read_line(self, line_no: int, line: str) -> PhoneEntry | RefusedLine | None:
        """Read a row, without its end; None where it is blank."""
        if is_blank(line):
            return None
        try:
            return self._entry(line_no, self._row(line))
        except Invalid as refusal:
            return refused_line(line_no, line, refusal.message)

    def _row(self, line: str) -> list[str]:
        """Return the row's cells, as many as the header has; those that a spreadsheet left out are empty."""
        cells = [cell.strip(BLANKS) for cell in cells_of(checked(line.strip(BLANKS)))]
        if any(cells[self._width :]):
            msg = f"The row has more cells than the header has columns ({self._width})."
            raise Invalid("phone_numbers", msg)
        return cells[: self._width] + [""] * (self._width - len(cells))

    def _entry(self, line_no: int, cells: list[str]) -> PhoneEntry:
        e164, ani, post_dial = read_destination(cells[0])
        reference = read_reference(cells[self._reference]) if self._reference else None
        variables = tuple((name, _value(name, cells[place])) for place, name in self._variables)
        time_zone = _zone(cells[self._time_zone]) if self._time_zone else None
        return PhoneEntry(line_no, e164, ani, post_dial, reference, variables, time_zone)


def _zone(text: str) -> str | None:
    """Return the time zone of a row, None where the cell is empty."""
    if text:
        check_zone(text)
    return text or None


def _value(name: str, text: str) -> str:
    if len(text) > MAX_VALUE_CHARS:
        msg = f"The column {name} holds more than {MAX_VALUE_CHARS} characters."
        raise Invalid("phone_numbers", msg)
    return text
