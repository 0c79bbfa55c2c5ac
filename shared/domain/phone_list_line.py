"""One line of a phone list: `tel:+12223334444; ani=7778889999, marchcampaign`.

The whole grammar, one line at a time: what a number to call is written like, and the reason for a refusal.
"""

import csv
import re
from typing import Final, NamedTuple

from shared.domain.errors import Invalid
from shared.domain.phone_number import to_e164

MAX_REFERENCE_CHARS: Final = 255  # what the vendor's own calling interface takes
MAX_POST_DIAL_CHARS: Final = 64  # a menu three levels deep and a sixteen-digit card number, with pauses
MAX_SHOWN_CHARS: Final = 200  # enough to find the line again; reports of refused lines are kept

#: C0, DEL, C1, the two separators that some programs take for a line's end, and halves of surrogate pairs.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_POST_DIAL = re.compile(rf"[0-9*#,wp]{{1,{MAX_POST_DIAL_CHARS}}}", re.ASCII | re.IGNORECASE)
#: What may stand around a line and its fields without meaning anything.
BLANKS: Final = " \t"


class PhoneEntry(NamedTuple):
    """A number to call, as a list asks for it. A tuple, since a long list makes millions of them."""

    #: Its line in the file from 1, blank lines counted; in a JSON array its place from 1.
    line_no: int
    e164: str
    #: The caller id to show, E.164; None means the campaign's.
    ani: str | None
    #: What to dial after the answer: digits, `*`, `#`, `,` (a pause of a second), `w` (wait for a tone).
    post_dial: str | None
    #: The client's own word for this call, posted back with its result.
    message_reference: str | None
    #: Name and value of each variable of the call, in the header's order.
    variables: tuple[tuple[str, str], ...]
    #: Where the number is at home, where its list knows it better than a numbering plan; an IANA name.
    time_zone: str | None = None


class RefusedLine(NamedTuple):
    """A line that is no number to call."""

    line_no: int
    #: The line's first characters, made printable.
    text: str
    #: A sentence for the person who wrote the line.
    reason: str


class Destination(NamedTuple):
    """What a number and its parameters say: `tel:+12223334444;ani=7778889999;postd=1w234`."""

    e164: str
    ani: str | None
    post_dial: str | None


def read_line(line_no: int, line: str) -> PhoneEntry | RefusedLine | None:
    """Read a line of the plain dialect, without its end; None where it is blank."""
    if is_blank(line):
        return None
    try:
        number, reference = _halves(checked(line.strip(BLANKS)))
        e164, ani, post_dial = read_destination(number)
        return PhoneEntry(line_no, e164, ani, post_dial, read_reference(reference), ())
    except Invalid as refusal:
        return refused_line(line_no, line, refusal.message)


def is_blank(line: str) -> bool:
    """Say whether a line holds nothing: a spreadsheet writes an empty row as a row of commas."""
    return not line.strip(" \t,")


def refused_line(line_no: int, line: str, reason: str) -> RefusedLine:
    """Return the refusal of a line, with as much of it as may be shown."""
    start = line if len(line) <= MAX_SHOWN_CHARS else line[: MAX_SHOWN_CHARS - 1] + "…"
    return RefusedLine(
        line_no, "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in start), reason
    )


def checked(text: str) -> str:
    """Return the text, or raise Invalid where it holds a control character."""
    found = _CONTROL.search(text)
    if found:
        character = f"U+{ord(found[0]):04X}"
        raise _refusal(
            f"The control character {character} stands at character {found.start() + 1}; take it out."
        )
    return text


def cells_of(line: str) -> list[str]:
    """Split a row as spreadsheets write it; raise Invalid where its quotes do not match."""
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], strict=True, skipinitialspace=True))
    except csv.Error:
        raise _refusal("The quotes do not match: one is not closed, or text follows a closing one.") from None


def read_destination(text: str) -> Destination:
    """Read a number with its parameters; raise Invalid where something in it would not be dialled."""
    number, *parameters = text.split(";")
    e164 = to_e164(number)
    read: dict[str, str] = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        name = name.strip(" ").lower()
        if name in read:
            raise _refusal(f"{name}= is given twice.")
        read[name] = _parameter(name, value.strip(" "))
    return Destination(e164, read.get("ani"), read.get("postd"))


def read_reference(text: str) -> str | None:
    """Return a message reference without the blanks around it, None where it is empty."""
    reference = text.strip(BLANKS)
    if "," in reference:
        raise _refusal("A message reference holds no comma; this line has a second one.")
    if len(reference) > MAX_REFERENCE_CHARS:
        raise _refusal(f"A message reference has at most {MAX_REFERENCE_CHARS} characters.")
    return checked(reference) or None


def _halves(line: str) -> tuple[str, str]:
    """Return the number and the message reference of a line, quoted in whole, by cell or not at all."""
    cells = cells_of(line) if '"' in line else [line]
    if len(cells) == 1:
        number, _, reference = cells[0].partition(",")
        return number, reference
    number, *references = cells
    return number, ",".join(references)


def _parameter(name: str, value: str) -> str:
    """Return the value of a parameter as it will be used."""
    if name == "ani":
        return _caller_id(value)
    if name == "postd":
        return _post_dial(value)
    raise _refusal("Only ani= and postd= may follow a number; digits for after the answer go into postd=.")


def _caller_id(value: str) -> str:
    if not value:
        raise _refusal("ani= is empty; leave it out or give the caller id.")
    try:
        return to_e164(value, field="ani")
    except Invalid as refusal:
        raise _refusal(f"The caller id in ani= cannot be used. {refusal.message}") from None


def _post_dial(value: str) -> str:
    if not _POST_DIAL.fullmatch(value):
        raise _refusal(
            f"postd= holds 1 to {MAX_POST_DIAL_CHARS} of the digits 0-9, *, #, w (wait) and , or p (pause)."
        )
    return value.lower().replace("p", ",")


def _refusal(sentence: str) -> Invalid:
    return Invalid("phone_numbers", sentence)
