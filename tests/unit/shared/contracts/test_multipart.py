"""A form with files (RFC 7578)."""

from email.parser import BytesParser

from shared.contracts.multipart import FilePart, multipart

SOUND = b"RIFF\x00\r\n--boundary\xff"


def test_fields_and_files_come_out_as_they_went_in() -> None:
    """Names, values, types and bytes, by the standard library's own reader."""
    file = FilePart(name="r", filename="r.wav", content_type="audio/x-wav", content=SOUND)
    content_type, body = multipart([("a", "b & ü"), ("a", "")], [file])
    message = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = list(message.walk())[1:]
    assert [part.get_param("name", header="Content-Disposition") for part in parts] == ["a", "a", "r"]
    assert [part.get_payload(decode=True) for part in parts] == ["b & ü".encode(), b"", SOUND]
    assert (parts[2].get_content_type(), parts[2].get_filename()) == ("audio/x-wav", "r.wav")


def test_a_name_cannot_end_its_own_header() -> None:
    """Quotes and line ends are escaped as browsers do."""
    _, body = multipart([('a"\r\nX: y', "v")], [])
    assert b'name="a%22%0D%0AX: y"' in body


def test_the_same_parts_make_the_same_bytes() -> None:
    """And others another boundary."""
    assert multipart([("a", "b")], []) == multipart([("a", "b")], [])
    assert multipart([("a", "b")], [])[0] != multipart([("a", "c")], [])[0]
