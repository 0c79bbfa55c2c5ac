"""The multipart engine: bytes in, parts out, and no byte read twice or lost."""

from itertools import pairwise

import pytest
from aiohttp import FormData
from hypothesis import example, given
from hypothesis import strategies as st

from services.api.body_errors import BodyTooLarge, UnreadableBody
from services.api.multipart_body import (
    MAX_AROUND_BYTES,
    MAX_PART_HEADER_BYTES,
    MAX_PARTS,
    OPENING_BYTES,
    MultipartParser,
    PartBegun,
    PartData,
    opening_boundary,
)
from shared.domain.errors import PacelineError

Part = tuple[PartBegun, bytes]


def parts_of(body: bytes, *cuts: int, boundary: str = "b") -> list[Part]:
    """Read a whole body, cut at these places."""
    parser = MultipartParser(boundary)
    at = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    events = [event for start, end in pairwise(at) for event in parser.feed(body[start:end])]
    parser.finish()
    parts: list[Part] = []
    for event in events:
        if isinstance(event, PartBegun):
            parts.append((event, b""))
        elif isinstance(event, PartData):
            begun, data = parts.pop()
            parts.append((begun, data + event.data))
    return parts


def part(headers: str, data: bytes = b"") -> bytes:
    """Write one part of a body whose boundary is `b`."""
    return f"--b\r\n{headers}\r\n\r\n".encode() + data + b"\r\n"


def field(name: str, data: bytes) -> Part:
    """Return a part that is a field."""
    return PartBegun(name, None, ""), data


NAMED = 'Content-Disposition: form-data; name="a"'
BODY = part(NAMED, b"1") + part('Content-Disposition: form-data; name="c"', b"\r\n--\r\n-b") + b"--b--\r\n"


@pytest.mark.parametrize("preamble", [b"", b"\r\n", b"to be ignored\r\n", b"--\r\n"])
@pytest.mark.parametrize("epilogue", [b"", b"to be ignored", b"\r\n--b\r\n"])
def test_parts_come_out_as_they_went_in_however_the_body_is_cut(preamble: bytes, epilogue: bytes) -> None:
    """Every cut of a body into two gives the same parts, with or without text around them."""
    body = preamble + BODY + epilogue
    expected = [field("a", b"1"), field("c", b"\r\n--\r\n-b")]
    for cut in range(len(body) + 1):
        assert parts_of(body, cut) == expected
    assert parts_of(body, *range(len(body))) == expected


def test_blanks_after_a_boundary_are_none_of_the_part() -> None:
    """RFC 2046 lets a boundary be padded; the padding belongs to nothing, wherever the body is cut."""
    body = BODY.replace(b"--b\r\n", b"--b \t\r\n")
    for cut in range(len(body) + 1):
        assert parts_of(body, cut) == [field("a", b"1"), field("c", b"\r\n--\r\n-b")]


@given(
    st.lists(
        st.tuples(st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1), st.binary()),
        min_size=1,
    ),
    st.lists(st.integers(0, 500)),
)
@example([("a", b"\r\n--b"[:4])], [3])
async def test_what_aiohttp_writes_is_read_back(fields: list[tuple[str, bytes]], cuts: list[int]) -> None:
    """Whatever an independent client packs into a multipart comes out of it unchanged."""
    form = FormData(quote_fields=False)
    for name, data in fields:
        form.add_field(name, data, filename=f"{name}.csv")
    payload = form()
    written = bytearray()

    class Sink:
        async def write(self, data: bytes) -> None:
            written.extend(data)

    await payload.write(Sink())  # type: ignore[arg-type]
    boundary = str(payload.headers["Content-Type"]).partition("boundary=")[2]
    parts = parts_of(bytes(written), *cuts, boundary=boundary)
    assert [(begun.name, begun.file_name, data) for begun, data in parts] == [
        (name, f"{name}.csv", data) for name, data in fields
    ]


def test_every_body_that_is_cut_short_is_refused() -> None:
    """A multipart without its closing boundary is never taken for whole, wherever it ends."""
    closed = len(BODY) - len(b"\r\n")  # the line end after the closing boundary may be missing
    for end in range(closed):
        with pytest.raises(UnreadableBody, match="ends before its closing boundary"):
            parts_of(BODY[:end])
    assert len(parts_of(BODY[:closed])) == 2


@pytest.mark.parametrize(
    ("headers", "begun"),
    [
        (NAMED, PartBegun("a", None, "")),
        ("content-disposition:attachment;name=a", PartBegun("a", None, "")),
        ('CONTENT-DISPOSITION: Form-Data ; NAME="a b" ;', PartBegun("a b", None, "")),
        ('Content-Disposition: form-data; name="pro\\"fi\\\\les"', PartBegun('pro"fi\\les', None, "")),
        ('Content-Disposition: form-data; name="é"', PartBegun("é", None, "")),
        (NAMED + "\r\nContent-Type: Text/CSV; charset=UTF-8", PartBegun("a", None, "text/csv")),
        (NAMED + "\r\nContent-Type: ;;=", PartBegun("a", None, "")),
        (NAMED + "\r\nContent-Transfer-Encoding: 8BIT", PartBegun("a", None, "")),
        (NAMED + '; filename="x.csv"', PartBegun("a", "x.csv", "")),
        (NAMED + '; filename=""', PartBegun("a", "", "")),
        (NAMED + '; filename="../../etc/passwd"', PartBegun("a", "passwd", "")),
        (NAMED + '; filename="C:\\Users\\jrobe\\api-test-1.csv"', PartBegun("a", "api-test-1.csv", "")),
        (NAMED + '; filename="con.csv"', PartBegun("a", "con.csv", "")),
        (NAMED + '; filename="../"', PartBegun("a", "unnamed", "")),
        (NAMED + '; filename="' + "x" * 4096 + '"', PartBegun("a", "x" * 255, "")),
        (NAMED + "; filename*=UTF-8''na%C3%AFve%2Fm%C3%A4rz.csv", PartBegun("a", "märz.csv", "")),
        (NAMED + "; filename*=UTF-8''a%00%0Ab.csv", PartBegun("a", "ab.csv", "")),
        (NAMED + "; filename*=UTF-8''%FF.csv", PartBegun("a", "\ufffd.csv", "")),
    ],
)
def test_the_headers_of_a_part_are_read_as_clients_write_them(headers: str, begun: PartBegun) -> None:
    """Name, file name and type come out of any disposition; a file's path does not."""
    assert parts_of(part(headers, b"x") + b"--b--") == [(begun, b"x")]


def test_a_file_name_that_is_no_utf8_is_shown_as_well_as_it_goes() -> None:
    """A file's name is only shown, so bytes that are no text do not refuse the file."""
    body = part(NAMED + '; filename="m?rz.csv"').replace(b"?", b"\xe4") + b"--b--"
    assert parts_of(body)[0][0].file_name == "m\ufffdrz.csv"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (part("Content-Type: text/plain"), "Each part needs"),
        (part("Content-Disposition: form-data"), "Each part needs"),
        (part('Content-Disposition: form-data; name=""'), "Each part needs"),
        (part('Content-Disposition: form-data; name="a'), "Each part needs"),
        (part('Content-Disposition: form-data; name="a"; name="b"'), "Each part needs"),
        (part('Content-Disposition: form-data; name="' + "a" * 257 + '"'), "Each part needs"),
        (part('Content-Disposition: form-data; name="?"').replace(b"?", b"\xff"), "Each part needs"),
        (b"--b\r\n\r\n1\r\n", "Each part needs"),
        (part(NAMED + "\r\n" + NAMED), "two headers Content-Disposition"),
        (part(NAMED + "\r\n folded"), "a header that is none"),
        (part(NAMED + "\r\nno colon"), "a header that is none"),
        (part(NAMED + "\r\nX: a\0b"), "a header that is none"),
        (part(NAMED + "\r\nX: a\nb"), "a header that is none"),
        (part(NAMED + "\r\nContent-Transfer-Encoding: base64"), "The part a has a transfer encoding"),
        (part(NAMED + "\r\nContent-Type: text/plain; charset=latin-1"), "The part a is not in UTF-8"),
        (b"--b\n" + NAMED.encode(), "not followed by a line end"),
        (b"--bc\r\n" + NAMED.encode(), "not followed by a line end"),
        (b"--b" + b" " * 100, "not followed by a line end"),
        (part(NAMED, b"x\r\n--bc\r\n"), "not followed by a line end"),
        (b"x" * (MAX_AROUND_BYTES + 100), "does not begin with its boundary"),
        (BODY + b"x" * MAX_AROUND_BYTES, "goes on after its closing boundary"),
    ],
)
def test_what_is_no_multipart_is_refused(body: bytes, words: str) -> None:
    """Headers, boundaries and surroundings that another reader might read differently are refused."""
    with pytest.raises(UnreadableBody, match=words):
        parts_of(body)
    with pytest.raises(UnreadableBody, match=words):
        parts_of(body, *range(0, len(body), 7))


def test_parts_and_their_headers_are_bounded() -> None:
    """A thousand parts and eight kilobytes of headers are taken, one more is not."""
    assert len(parts_of(part(NAMED) * MAX_PARTS + b"--b--")) == MAX_PARTS
    with pytest.raises(BodyTooLarge, match="more than 1000 parts"):
        parts_of(part(NAMED) * (MAX_PARTS + 1) + b"--b--")
    room = MAX_PART_HEADER_BYTES - len(f"\r\n{NAMED}\r\nX: \r\n\r\n")
    assert len(parts_of(part(f"{NAMED}\r\nX: " + "x" * room) + b"--b--")) == 1
    with pytest.raises(BodyTooLarge, match="too long"):
        parts_of(part(f"{NAMED}\r\nX: " + "x" * (room + 1)) + b"--b--")


def test_what_is_held_back_is_no_more_than_a_boundary() -> None:
    """A file's bytes come out as they go in, but for as many as could begin a boundary."""
    parser = MultipartParser("b" * 70)
    parser.feed(b"--" + b"b" * 70 + f"\r\n{NAMED}\r\n\r\n".encode())
    events = parser.feed(b"x" * 1000)
    assert sum(len(event.data) for event in events if isinstance(event, PartData)) >= 1000 - 74


@given(st.binary(), st.lists(st.integers(0, 100)))
def test_any_bytes_are_parts_or_a_refusal(body: bytes, cuts: list[int]) -> None:
    """Nothing that is fed to the engine raises anything but its two refusals."""
    for start in (b"", b"--b\r\n", f"--b\r\n{NAMED}\r\n\r\n".encode()):
        try:
            parts_of(start + body, *cuts)
        except PacelineError as error:
            assert isinstance(error, UnreadableBody | BodyTooLarge)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("head", "boundary"),
    [
        (b"--b\r\nContent-Disposition", "b"),
        (b"--b\r\ncontent-type: x", "b"),
        (b"--" + b"b" * 70 + b"\r\nContent-", "b" * 70),
        (b"--a b\r\nContent-", "a b"),
        (b"--a \r\nContent-", None),
        (b"--b\nContent-", None),
        (b"--b\r\n\r\n", None),
        (b"--b--\r\n", None),
        (b"b\r\nContent-", None),
        (b"--\r\nContent-", None),
        (b"--" + b"b" * 71 + b"\r\nContent-", None),
        (b"", None),
    ],
)
def test_the_opening_of_a_body_tells_its_boundary(head: bytes, boundary: str | None) -> None:
    """A boundary line followed by a header of a part is what no form and no JSON begins with."""
    assert opening_boundary(head[:OPENING_BYTES]) == boundary
