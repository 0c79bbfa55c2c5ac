"""One line of a phone list: what each part may hold, and the sentence for what it may not."""

import pytest

from shared.domain.phone_list_line import PhoneEntry, RefusedLine, read_line

N = "+12223334444"
A = "+17778889999"


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("tel:+12223334444; ani=7778889999, marchcampaign", (N, A, None, "marchcampaign")),
        ("tel:+12223334444;ani=7778889999", (N, A, None, None)),
        ("TEL:+12223334444 ; ANI = 7778889999 ,marchcampaign", (N, A, None, "marchcampaign")),
        ("12223334444", (N, None, None, None)),
        ("(222) 333-4444,x", (N, None, None, "x")),
        ("tel:+12223334444;ani=tel:+17778889999", (N, A, None, None)),
        ("tel:+12223334444;postd=1234", (N, None, "1234", None)),
        ("tel:+12223334444;postd=1w2p3*#;ani=7778889999,r", (N, A, "1w2,3*#", "r")),
        ("tel:+12223334444;ani=7778889999;POSTD=1W2", (N, A, "1w2", None)),
        ('"tel:+12223334444;postd=1,,2",r', (N, None, "1,,2", "r")),
        ('tel:+12223334444,"r"', (N, None, None, "r")),
        ('"tel:+12223334444", r', (N, None, None, "r")),
        ('tel:+12223334444,5" pipe', (N, None, None, '5" pipe')),
        ("+12223334444,", (N, None, None, None)),
        ("+12223334444,  ", (N, None, None, None)),
        (" +12223334444,  two words \t", (N, None, None, "two words")),
        ("+12223334444," + "é" * 255, (N, None, None, "é" * 255)),
        ("+12223334444,<b>&amp;' OR 1=1 --", (N, None, None, "<b>&amp;' OR 1=1 --")),
        ("+12223334444,=1+1", (N, None, None, "=1+1")),
        ("+12223334444,👩‍👩‍👧", (N, None, None, "👩‍👩‍👧")),  # joiners are no control characters
    ],
)
def test_a_line_gives_its_number_caller_id_digits_and_reference(
    line: str, entry: tuple[str, str | None, str | None, str | None]
) -> None:
    """Each documented and each usual way of writing a line is understood."""
    e164, ani, post_dial, reference = entry
    assert read_line(7, line) == PhoneEntry(7, e164, ani, post_dial, reference, ())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("tel:+12223334444;ani=", "ani= is empty"),
        ("tel:+12223334444;ani", "ani= is empty"),
        ("tel:+12223334444;ani=911", "The caller id in ani= cannot be used. A number without +"),
        ("tel:+12223334444;ani=Alice", "The caller id in ani= cannot be used. The letter A"),
        ("tel:+12223334444;ani=7778889999;ani=7778889999", "ani= is given twice"),
        ("tel:+12223334444;ext=12", "digits for after the answer go into postd="),
        ("tel:+12223334444;isub=12", "Only ani= and postd="),
        ("tel:2223334444;phone-context=+1", "Only ani= and postd="),
        ("tel:+12223334444;", "Only ani= and postd="),
        ("tel:+12223334444;postd=", "postd= holds 1 to 64"),
        ("tel:+12223334444;postd=A", "postd= holds 1 to 64"),
        ("tel:+12223334444;postd=" + "1" * 65, "postd= holds 1 to 64"),
        ("tel:+12223334444;postd=\u0663", "postd= holds 1 to 64"),
        ("+12223334444,a,b", "this line has a second one"),
        ('+12223334444,"a,b"', "this line has a second one"),
        ('"+12223334444,a,b"', "this line has a second one"),
        ('"+12223334444","a","b"', "this line has a second one"),
        ("tel:+12223334444;postd=1,,2", "this line has a second one"),
        ("+12223334444," + "a" * 256, "at most 255 characters"),
        ("+12223334444,a\x00b", "U+0000 stands at character 15"),
        ("+12223334444,a\tb", "U+0009"),
        ("+12223334444\ta", "U+0009"),
        ("+12223334444,a\x1b[31m", "U+001B"),
        ("+12223334444,a\x85b", "U+0085"),
        ("+12223334444,a\u2028b", "U+2028"),
        ('"+12223334444', "quotes do not match"),
        ('"+12223334444"x,r', "quotes do not match"),
        (",reference", "no digit"),
        ('""', "no digit"),
        ("1.22233E+10,r", "spreadsheet has rounded"),
        ("# a comment", "character #"),
        ("DROP TABLE number;", "letter D"),
    ],
)
def test_a_wrong_line_is_refused_with_its_reason(line: str, reason: str) -> None:
    """A line that would not be called as it stands is refused, and the sentence says what to change."""
    refusal = read_line(7, line)
    assert isinstance(refusal, RefusedLine)
    assert refusal.line_no == 7
    assert reason in refusal.reason
    assert refusal.reason.isprintable()


@pytest.mark.parametrize("line", ["", " ", "\t", ",", " ,\t,, "])
def test_a_blank_line_is_no_row(line: str) -> None:
    """Nothing, blanks and a spreadsheet's empty row are passed over."""
    assert read_line(1, line) is None


def test_a_refusal_shows_a_line_that_is_safe_to_show() -> None:
    """However long and whatever it holds, what is kept of a refused line is short and printable."""
    refusal = read_line(1, "x\x1b[31m\u202e\ud800" + "y" * 1000)
    assert isinstance(refusal, RefusedLine)
    assert refusal.text.startswith("x\ufffd[31m\ufffd\ufffdyyy")
    assert refusal.text.endswith("y…")
    assert len(refusal.text) == 200
