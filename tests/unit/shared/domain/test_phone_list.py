"""Phone lists: two dialects, any encoding and cutting, and hostile files of any kind."""

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.domain.errors import Invalid
from shared.domain.phone_list import (
    MAX_LINE_CHARS,
    ListTooLong,
    PhoneEntry,
    PhoneListLimits,
    PhoneListParser,
    RefusedLine,
    Row,
    UnreadableList,
    parse_json_entries,
)
from shared.domain.phone_list_line import read_line

VECTORS = Path(__file__).parents[3] / "vectors" / "phone_lists"
FILES = sorted(path for path in VECTORS.iterdir() if path.suffix != ".json")
LIMITS = PhoneListLimits()


def read(data: bytes, *cuts: int, limits: PhoneListLimits = LIMITS) -> list[Row]:
    """Read a whole list, cut at these places."""
    parser = PhoneListParser(limits)
    ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    rows = [row for start, end in pairwise(ends) for row in parser.feed(data[start:end])]
    return rows + parser.finish()


def outcome(data: bytes, *cuts: int) -> list[Row] | str:
    """Return the rows, or a word where the list is refused as a whole."""
    try:
        return read(data, *cuts)
    except UnreadableList:
        return "unreadable"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_as_programs_save_them(path: Path) -> None:
    """Each file gives the entries and refusals written down beside it, or is refused with the word there."""
    expected = json.loads(path.with_name(path.name + ".json").read_text("utf-8"))
    if "unreadable" in expected:
        with pytest.raises(UnreadableList, match=expected["unreadable"]):
            read(path.read_bytes())
        return
    rows = read(path.read_bytes())
    entries = [row for row in rows if isinstance(row, PhoneEntry)]
    refusals = [row for row in rows if isinstance(row, RefusedLine)]
    assert json.loads(json.dumps(entries)) == expected["entries"]
    assert [[row.line_no, row.text] for row in refusals] == [refused[:2] for refused in expected["refused"]]
    assert all(words in row.reason for row, (_, _, words) in zip(refusals, expected["refused"], strict=True))
    assert [row.line_no for row in rows] == sorted(row.line_no for row in rows)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_may_come_byte_by_byte(path: Path) -> None:
    """A file that arrives one byte at a time is read exactly as in one piece."""
    data = path.read_bytes()
    assert outcome(data, *range(len(data))) == outcome(data)


NUMBERS = ["+12223334444", "2223334444", "12223334444", "+447722123456"]
ODD_NUMBERS = [
    "+4407722123456",
    "0023334444",
    "+1222333444",
    "911",
    "122233344445",
    "1222333444",
    "",
    "+1 222 333-4444",
]
REFERENCES = [
    "invoice-1",
    "a b",
    "a" * 255,
    "a" * 256,
    "a ",
    'a"b',
    '"r"',
    "a,b",
    "märz",
    "a\x85b",
    "a\u2028b",
]
PIECES = ["", " ", ",", '"', ";", "0", "1", "+", "\t", "é", "\x85", "tel:", "TEL:", ";ani=", ";postd=1w2"]


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Make a line that the fast pattern takes, or one that is a step or two away from it."""
    number, ani = (draw(st.sampled_from(NUMBERS * 3 + ODD_NUMBERS)) for _ in range(2))
    line = draw(st.sampled_from(["", "tel:"])) + number
    line += draw(st.sampled_from(["", f";ani={ani}", f"; ani={ani}"]))
    line += draw(st.sampled_from(["", ",", ", "])) + draw(st.sampled_from(["", *REFERENCES]))
    for at, piece, dropped in draw(
        st.lists(st.tuples(st.integers(0, 60), st.sampled_from(PIECES), st.integers(0, 2)), max_size=2)
    ):
        start = at % (len(line) + 1)
        line = line[:start] + piece + line[start + dropped :]
    return line


rubbish = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30)
any_lines = st.lists(st.one_of(lines(), lines(), rubbish), max_size=8)


@settings(max_examples=300)
@given(any_lines)
@example(["", "a" * 300])
def test_the_fast_path_and_the_grammar_give_one_answer(texts: list[str]) -> None:
    """A list that is read at once gives what its lines give when each is read by the whole grammar."""
    plain = ["0", *texts]  # a first line that is no header, so that none is taken for one
    one_by_one = [row for no, text in enumerate(plain, 1) if (row := read_line(no, text))]
    assert read("\n".join(plain).encode()) == one_by_one


@given(
    any_lines,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    st.lists(st.integers(0, 400), max_size=12),
    st.sampled_from(["", "destination,a,message_reference", "\n,\n destination"]),
)
def test_any_cutting_gives_the_same_rows(
    texts: list[str], end: str, encoding: str, cuts: list[int], header: str
) -> None:
    """Wherever the network cuts a list, within a character or between CR and LF, the rows are the same."""
    data = end.join([header, *texts]).encode(encoding, errors="replace")
    assert outcome(data, *cuts) == outcome(data)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_are_rows_or_an_unreadable_list(data: bytes, cuts: list[int]) -> None:
    """No bytes whatever raise anything but UnreadableList, and every row can be shown."""
    rows = outcome(data, *cuts)
    assert all(
        row.text.isprintable() and len(row.text) <= 200 for row in rows if isinstance(row, RefusedLine)
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_are_those_of_the_file(end: str) -> None:
    """A refusal names the line that the person sees in an editor: blank lines and the header count."""
    data = end.join(["", "destination,a", "", "911,x", "", "+12025550123,y"]).encode()
    assert [row.line_no for row in read(data)] == [4, 6]


@pytest.mark.parametrize("cuts", [(), (10,), tuple(range(0, MAX_LINE_CHARS, 1000))])
@pytest.mark.parametrize("before", [b"", b"+12025550123\n", b"destination\n"])
@pytest.mark.parametrize("filler", [b"x", b" ", b"1", b'"'])
def test_a_line_without_end_is_refused_with_the_list(
    cuts: tuple[int, ...], before: bytes, filler: bytes
) -> None:
    """A line longer than 64 Ki characters is no line of a phone list, whether its end ever comes or not."""
    longest = filler * MAX_LINE_CHARS
    assert outcome(before + longest + b"\n", *cuts) != "unreadable"
    assert outcome(before + longest + filler + b"\n", *cuts) == "unreadable"
    assert outcome(before + longest + filler, *cuts) == "unreadable"


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    """The refusal comes as soon as the line is too long, not when the upload is over."""
    parser = PhoneListParser(LIMITS)
    parser.feed(b"1" * MAX_LINE_CHARS)
    with pytest.raises(UnreadableList, match="Line 1 is longer than 65536"):
        parser.feed(b"1")


def test_a_list_has_so_many_lines_and_no_more() -> None:
    """Lines beyond the limit refuse the list; refused ones count, blank ones do not."""
    limits = PhoneListLimits(max_lines=3)
    data = b"+12025550123\n\n911\n,\n+12025550124\n"
    assert len(read(data, limits=limits)) == 3
    with pytest.raises(ListTooLong, match="at most 3 numbers"):
        read(data + b"x", limits=limits)


@pytest.mark.parametrize("opening", [b"", b"destination\n"])
@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \t\n", b"\r"])
def test_blank_lines_have_an_end_too(opening: bytes, blank: bytes) -> None:
    """A list may have many of them, and one of nothing else would be read for minutes."""
    limits = PhoneListLimits(max_blank_lines=50)
    numbers = b"+12025550100\n+12025550101\n"
    assert len(read(opening + numbers + blank * 48, limits=limits)) == 2
    with pytest.raises(ListTooLong, match="at most 50 blank lines"):
        read(opening + numbers + blank * 51, limits=limits)


def test_after_a_refusal_the_parser_stays_refused() -> None:
    """A caller that goes on after the refusal cannot get half a list by it."""
    parser = PhoneListParser(LIMITS)
    with pytest.raises(UnreadableList):
        parser.feed(b"PK\x03\x04" + bytes(8))
    with pytest.raises(UnreadableList):
        parser.feed(b"+12025550123\n")
    with pytest.raises(UnreadableList):
        parser.finish()


def test_a_hundred_thousand_lines_in_network_sized_pieces() -> None:
    """A long list keeps every number, its order and its line number through pieces of uneven size."""
    rng = random.Random(20261121)
    data = "".join(f"tel:+1202{i:07d};ani=+12025550100,invoice-{i}\n" for i in range(100_000)).encode()
    rows = read(data, *(rng.randrange(len(data)) for _ in range(60)))
    assert rows == [
        PhoneEntry(i + 1, f"+1202{i:07d}", "+12025550100", None, f"invoice-{i}", ()) for i in range(100_000)
    ]


def test_the_json_form_reads_each_text_as_a_line() -> None:
    """The documented array gives one row for each item, numbered from 1."""
    assert parse_json_entries(
        ["tel:+12223334444;ani=7778889999", "tel:+14443332222; ani=9998887777, marchcampaign"]
    ) == [
        PhoneEntry(1, "+12223334444", "+17778889999", None, None, ()),
        PhoneEntry(2, "+14443332222", "+19998887777", None, "marchcampaign", ()),
    ]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (12223334444, "must be a text"),
        (True, "must be a text"),
        (None, "must be a text"),
        (["tel:+12223334444"], "must be a text"),
        ({"phone_number": "+12223334444"}, "must be a text"),
        ("", "is empty"),
        (" , ", "is empty"),
        ("destination", "letter d"),
        ("+12223334444\n+14443332222", "U+000A"),
        ("+12223334444,a\r\nX-Injected: 1", "U+000D"),
        ("+12223334444,\ud800", "U+D800"),
        ("+12223334444,\0", "U+0000"),
        ("+" * (MAX_LINE_CHARS + 1), "at most 65536 characters"),
    ],
)
def test_a_bad_item_of_the_json_form_is_refused_alone(item: object, reason: str) -> None:
    """What is no text, or no number, is refused in its place and harms no other item."""
    first, second = parse_json_entries([item, "+12223334444"])
    assert isinstance(first, RefusedLine)
    assert isinstance(second, PhoneEntry)
    assert (first.line_no, second.line_no) == (1, 2)
    assert reason in first.reason
    assert first.text.isprintable()


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (12223334444, "12223334444"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ([1], "[…]"),
        ({"a": 1}, "{…}"),
    ],
)
def test_an_item_that_is_no_text_is_shown_as_it_was_sent(item: object, text: str) -> None:
    """Its sender knows JSON, and not what our language calls its types."""
    [refused] = parse_json_entries([item])
    assert isinstance(refused, RefusedLine)
    assert refused.text == text


def test_the_json_form_survives_what_no_json_reader_would_give_it() -> None:
    """An item nested deeper than Python's stack is refused like any other that is no text."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert isinstance(parse_json_entries([deep])[0], RefusedLine)
    while deep:  # taken apart by hand, since freeing it whole is the interpreter's recursion, not ours
        deep = deep[0]  # type: ignore[assignment]


def test_both_refusals_of_a_list_name_the_field() -> None:
    """A client learns which of its fields was refused."""
    assert issubclass(UnreadableList, Invalid)
    with pytest.raises(Invalid) as refusal:
        read(b"1\n2\n", limits=PhoneListLimits(max_lines=1))
    assert refusal.value.field == "phone_numbers"
