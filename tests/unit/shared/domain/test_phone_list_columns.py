"""The dialect of phone lists that has a header."""

import pytest

from shared.domain.phone_list_columns import MAX_VARIABLES, Columns
from shared.domain.phone_list_encoding import UnreadableList
from shared.domain.phone_list_line import PhoneEntry, RefusedLine


def columns(header: str) -> Columns:
    """Return the columns of a line that is a header."""
    found = Columns.of(header)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "header",
    [
        "destination,name,message_reference",
        "DESTINATION,name,Message_Reference",
        ' destination , name , "message_reference" ',
        '"destination","name","message_reference"',
        "destination,name,message_reference,,,",
    ],
)
def test_the_header_names_variables_and_the_reference(header: str) -> None:
    """The columns after the first are variables, save the one that is the message reference."""
    row = columns(header).read_line(2, "tel:+16177123000;ani=5553336666,Ada,invoice-7")
    assert row == PhoneEntry(2, "+16177123000", "+15553336666", None, "invoice-7", (("name", "Ada"),))


def test_a_column_may_say_where_a_number_is_at_home() -> None:
    """It is no variable; an empty cell leaves it to the number."""
    header = columns("destination,Time_Zone,name")
    rows = [header.read_line(2, line) for line in ("+16177123000,America/Chicago,Ada", "+16177123000,,Ada")]
    assert [row and row[1:] for row in rows] == [
        ("+16177123000", None, None, None, (("name", "Ada"),), zone) for zone in ("America/Chicago", None)
    ]


@pytest.mark.parametrize("zone", ["EST5", "Mars/Olympus", "../../etc/passwd", "america/chicago"])
def test_a_row_whose_zone_is_none_is_refused(zone: str) -> None:
    """Better no call than one at the wrong hour; the reason says how a zone is written."""
    row = columns("destination,time_zone").read_line(2, f"+16177123000,{zone}")
    assert isinstance(row, RefusedLine)
    assert "America/New_York" in row.reason


@pytest.mark.parametrize("line", ["destinations,x", "tel:+16177123000", "", '"destination', "x,destination"])
def test_a_first_line_that_is_no_header_is_none(line: str) -> None:
    """Only a first column called destination makes a header."""
    assert Columns.of(line) is None


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("destination,first name", "column whose name"),
        ("destination,9lives", "column whose name"),
        ("destination,,name", "column whose name"),
        ("destination,naïve", "column whose name"),
        ("destination," + "a" * 65, "column whose name"),
        ("destination,a,A", "twice"),
        ("destination,destination", "twice"),
        ("destination,message_reference,MESSAGE_REFERENCE", "twice"),
        ("destination," + ",".join(f"v{i}" for i in range(MAX_VARIABLES + 1)), "more than 32"),
    ],
)
def test_a_header_that_cannot_be_used_refuses_the_list(header: str, words: str) -> None:
    """Names that no application could read, or that stand for two columns, refuse the list as a whole."""
    with pytest.raises(UnreadableList, match=words):
        Columns.of(header)


def test_as_many_variables_as_are_allowed_are_kept_in_order() -> None:
    """Thirty-two variables and the reference fit, in the order of the header."""
    names = [f"v{i}" for i in range(MAX_VARIABLES)]
    row = columns(",".join(["destination", *names, "message_reference"])).read_line(
        2, ",".join(["+16177123000", *names, "r"])
    )
    assert isinstance(row, PhoneEntry)
    assert row.variables == tuple((name, name) for name in names)
    assert row.message_reference == "r"


@pytest.mark.parametrize(
    ("line", "variables"),
    [
        ("+16177123000", (("a", ""), ("b", ""))),
        ("+16177123000,1", (("a", "1"), ("b", ""))),
        ("+16177123000,1,2,,,", (("a", "1"), ("b", "2"))),
        ('+16177123000,"1,5", 2 ', (("a", "1,5"), ("b", "2"))),
        ('+16177123000,"say ""hi""",2', (("a", 'say "hi"'), ("b", "2"))),
        ('"+16177123000;postd=1,2",1,2', (("a", "1"), ("b", "2"))),
    ],
)
def test_cells_that_a_spreadsheet_left_out_are_empty(
    line: str, variables: tuple[tuple[str, str], ...]
) -> None:
    """Every entry has every variable, empty where its cell is missing; a quoted comma is text."""
    row = columns("destination,a,b").read_line(2, line)
    assert isinstance(row, PhoneEntry)
    assert row.variables == variables


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("+16177123000,1,2,3", "more cells than the header has columns (3)"),
        ("+16177123000," + "x" * 1025, "The column a holds more than 1024"),
        ("+16177123000,a\x07", "U+0007"),
        ('+16177123000,"a', "quotes do not match"),
        ("911,1,2", "3 digits"),
        (",1,2", "no digit"),
        ("+16177123000;ext=1,1,2", "Only ani= and postd="),
    ],
)
def test_a_wrong_row_is_refused_alone(line: str, reason: str) -> None:
    """A row that does not fit the header, or holds no number to call, is refused with its reason."""
    row = columns("destination,a,b").read_line(2, line)
    assert isinstance(row, RefusedLine)
    assert reason in row.reason


@pytest.mark.parametrize("reference", ["a,b", "x" * 256])
def test_a_reference_in_a_column_obeys_the_same_rule(reference: str) -> None:
    """A message reference has no comma and at most 255 characters in this dialect too."""
    row = columns("destination,message_reference").read_line(2, f'+16177123000,"{reference}"')
    assert isinstance(row, RefusedLine)
    assert "message reference" in row.reason


@pytest.mark.parametrize("line", ["", ",,", " , "])
def test_an_empty_row_is_no_row(line: str) -> None:
    """A spreadsheet's empty rows are passed over."""
    assert columns("destination,a,b").read_line(2, line) is None
