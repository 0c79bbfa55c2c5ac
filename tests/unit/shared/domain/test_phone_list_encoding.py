"""Bytes to text: encodings, line ends, and files that are no text."""

import pytest

from shared.domain.phone_list_encoding import ListText, UnreadableList


def text_of(*chunks: bytes) -> str:
    """Return the text of an upload that came in these pieces."""
    reader = ListText()
    return "".join([*(reader.feed(chunk) for chunk in chunks), reader.finish()])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"a", "a"),
        ("é\n".encode(), "é\n"),
        ("é\n".encode("utf-8-sig"), "é\n"),
        (b"\xff\xfe" + "é🎉\n".encode("utf-16-le"), "é🎉\n"),
        (b"\xfe\xff" + "é🎉\n".encode("utf-16-be"), "é🎉\n"),
        (b"\xef\xbb\xbf", ""),
        (b"\xff\xfe", ""),
        (b"a\r\nb\rc\nd\r\r\n\n\r", "a\nb\nc\nd\n\n\n\n"),
        ("a\u2028b\x85c\x0bd".encode(), "a\u2028b\x85c\x0bd"),  # no line ends of a file, whatever Python says
    ],
)
def test_every_byte_order_and_line_end_comes_out_as_one(data: bytes, text: str) -> None:
    """Encodings with their mark and all three line ends give the same text, in one piece or byte by byte."""
    assert text_of(data) == text
    assert text_of(*(data[i : i + 1] for i in range(len(data)))) == text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04", "workbook or a zip"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"%PDF-1.4", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "UTF-32"),
        (b"\x00\x00\xfe\xff\x00\x00\x00a", "UTF-32"),
        (b"caf\xe9", "the byte 0xE9, which is not UTF-8"),
        (b"\xed\xa0\x80", "0xED"),  # half of a surrogate pair
        (b"\xc0\xaf", "0xC0"),  # an overlong slash
        (b"abc\xc3", "0xC3"),  # cut within a character
        (b"\xff\xfea\x00b", "UTF-16"),
        (b"\xff\xfe\x00\xd8a\x00", "UTF-16"),
        (b"a\x00b", "NUL"),
        (b"\xff\xfea\x00\x00\x00", "NUL"),
    ],
)
def test_what_is_no_text_is_refused_in_words(data: bytes, words: str) -> None:
    """Archives, workbooks, wrong encodings and NULs are refused with what they are and what to do."""
    with pytest.raises(UnreadableList, match=words) as refusal:
        text_of(data)
    assert refusal.value.field == "phone_numbers"
    with pytest.raises(UnreadableList, match=words):
        text_of(*(data[i : i + 1] for i in range(len(data))))


def test_an_ordinary_chunk_is_not_held_back() -> None:
    """What has come is given on at once; only a CR, whose LF may follow, waits."""
    reader = ListText()
    assert reader.feed(b"one\ntwo\r") == "one\ntwo"
    assert reader.feed(b"\nthree") == "\nthree"
