"""Phone numbers: what is read, what is refused and why, and that the rule is libphonenumber's."""

import re

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, ValidationResult

from shared.domain.phone_number import (
    E164_PATTERN,
    ImpossibleNumber,
    InvalidNumber,
    PhoneNumber,
    UnreadableNumber,
    masked,
    to_e164,
)
from shared.domain.phone_number_lengths import LENGTHS, METADATA_VERSION

CODES = {entry.partition(":")[0]: entry for entry in LENGTHS.split()}

#: Calling codes whose plan may differ from the table's when a newer release of libphonenumber is installed.
#: In a year of its releases about this many change; more than that is a table that was forgotten.
MAX_DRIFT = 12


def metadata_of(code: str) -> PhoneMetadata:
    """Return the metadata of the main region of a calling code."""
    region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)][0]
    found = (
        PhoneMetadata.metadata_for_nongeo_region(int(code))
        if region == "001"
        else PhoneMetadata.metadata_for_region(region)
    )
    assert found is not None
    return found


def spans(lengths: list[int]) -> str:
    """Write lengths as the table does: `7,9-10`."""
    starts = [length for length in lengths if length - 1 not in lengths]
    ends = [length for length in lengths if length + 1 not in lengths]
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def entry_of(code: str) -> str:
    """Return the table's entry for a calling code as the installed metadata has it."""
    plan = metadata_of(code)
    assert plan.general_desc is not None
    possible = [length for length in plan.general_desc.possible_length if 7 <= length + len(code) <= 15]
    return f"{code}:{spans(possible)}" + (f"/{plan.national_prefix}" if plan.national_prefix else "")


INSTALLED = {
    str(code): entry_of(str(code)) for code in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE, key=str)
}
DRIFTED = {code for code in CODES | INSTALLED if CODES.get(code) != INSTALLED.get(code)}


def libphonenumber_reads(e164: str) -> str | None:
    """Return libphonenumber's reading of a number with +, or None where it is not possible from abroad."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if possible else None


def reading(text: str, country: str = "1") -> str | None:
    """Return our reading of a text, or None where it is refused."""
    try:
        return to_e164(text, default_country=country)
    except InvalidNumber:
        return None


def test_the_committed_table_is_that_of_libphonenumber() -> None:
    """The table of lengths is the metadata's own; against a newer release only a few codes may have moved."""
    allowed = 0 if phonenumbers.__version__ == METADATA_VERSION else MAX_DRIFT
    assert len(DRIFTED) <= allowed, " ".join(INSTALLED.values())


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+12223334444", "+12223334444"),
        ("tel:+12223334444", "+12223334444"),
        ("tel:+14443332222", "+14443332222"),
        ("TEL:+14443332222", "+14443332222"),
        ("Tel: +1 444 333 2222", "+14443332222"),
        ("7778889999", "+17778889999"),
        ("17778889999", "+17778889999"),
        ("tel:12223456547", "+12223456547"),
        (" (202) 555-0123 ", "+12025550123"),
        ("1.202.555.0123", "+12025550123"),
        ("+1-202-555-0123", "+12025550123"),
        ("(+44) 7722-123456", "+447722123456"),
        ("+44 (0)7722 123456", "+447722123456"),  # the trunk 0 is no part of the number
        ("+49 (0)30 1234567", "+49301234567"),
        ("+1 1 202 555 0123", "+12025550123"),
        ("+39 06 1234 5678", "+390612345678"),  # Italy has no trunk prefix: its 0 stays
        ("+2904123", "+2904123"),  # seven digits are the fewest
        ("+870773111632", "+870773111632"),  # satellite: possible, whatever a policy says of it
    ],
)
def test_numbers_as_people_write_them_are_read(text: str, e164: str) -> None:
    """Every usual way of writing a number is read as the E.164 number that it means."""
    assert PhoneNumber.parse(text).e164 == e164


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("07722123456", "44", "+447722123456"),
        ("7722123456", "44", "+447722123456"),
        ("447722123456", "44", "+447722123456"),
        ("020 7946 0018", "44", "+442079460018"),
        ("8 916 123-45-67", "7", "+79161234567"),
        ("06 1234 5678", "39", "+390612345678"),
        ("+12025550123", "44", "+12025550123"),
    ],
)
def test_a_number_without_plus_belongs_to_the_default_country(text: str, country: str, e164: str) -> None:
    """National numbers are read in the default country, with or without its trunk prefix and its own code."""
    assert to_e164(text, default_country=country) == e164


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("1-800-FLOWERS", 7, "letter F"),
        ("+1202555012\uff13", 12, "FULLWIDTH DIGIT THREE (U+FF13), which is not one of the digits"),
        ("\u0663\u0663\u0663", 1, "ARABIC-INDIC DIGIT THREE"),
        ("+1202\u200b5550123", 6, "ZERO WIDTH SPACE (U+200B)"),
        ("+1202\u00a05550123", 6, "NO-BREAK SPACE"),
        ("+1202\u22125550123", 6, "MINUS SIGN"),
        ("\u200e+12025550123", 1, "LEFT-TO-RIGHT MARK"),
        ("+12025550123\x00", 13, "U+0000"),
        ("+12025550123\n", 13, "U+000A"),
        ("\ud800", 1, "U+D800"),
        ("++12025550123", 2, "A + that is not the first"),
        ("+12025550123;ext=4", 13, "character ;"),
        ("tel:tel:+12025550123", 5, "letter t"),
        ("1.20256E+10", 8, "spreadsheet has rounded"),
        ("1" * 65, 65, "at most 64 characters"),
        ("1" * 1_000_000, 65, "at most 64 characters"),
    ],
)
def test_a_character_that_is_no_digit_is_refused_in_place(text: str, position: int, words: str) -> None:
    """What no telephone dials is refused with its position and its name, never dropped."""
    with pytest.raises(UnreadableNumber) as refusal:
        PhoneNumber.parse(text)
    assert (refusal.value.position, refusal.value.field) == (position, "phone_number")
    assert words in refusal.value.message
    assert refusal.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 1, "no digit"),
        ("tel:", 5, "no digit"),
        ("+", 2, "no digit"),
        ("911", 1, "none has 3 digits"),
        ("112", 1, "none has 3 digits"),
        ("+1911", 2, "+1 has 3 digits after"),
        ("5550123", 1, "none has 7 digits"),
        ("+15550123", 2, "+1 has 7 digits after"),
        ("+120255501234", 2, "+1 has 11 digits after"),
        ("442079460018", 1, "write numbers of other countries with +"),
        ("00442079460018", 1, "not with 00"),
        ("+0442079460018", 2, "No country has the calling code"),
        ("+9991234567", 2, "No country has the calling code"),
        ("+1" + "2" * 15, 2, "at most 15 digits"),
        ("+4901", 2, "+49 has 2 digits after"),
    ],
)
def test_a_number_that_no_country_has_is_refused(text: str, position: int, words: str) -> None:
    """Short codes, emergency and local numbers and wrong lengths are refused, and the sentence says why."""
    with pytest.raises(ImpossibleNumber) as refusal:
        to_e164(text, field="ani")
    assert (refusal.value.position, refusal.value.field) == (position, "ani")
    assert words in refusal.value.message


@pytest.mark.parametrize("e164", ["12025550123", "+1202555012", "+12025550123 ", "+\u06612025550123", ""])
def test_a_value_that_is_not_e164_cannot_be_built(e164: str) -> None:
    """A PhoneNumber holds an E.164 number and nothing else, however it is made."""
    with pytest.raises(ImpossibleNumber):
        PhoneNumber(e164=e164)


@given(st.sampled_from(sorted(CODES)), st.text("0123456789", min_size=1, max_size=14))
@example("598", "00041234")
@example("1", "1234567890")
@example("7", "8123456789")
def test_an_e164_number_is_possible_exactly_when_libphonenumber_says_so(code: str, national: str) -> None:
    """Over all calling codes and lengths, the inline rule and libphonenumber agree on every E.164 number.

    Apart from three things that are not E.164: a national number that begins with the trunk 0, more than 15
    or fewer than 7 digits, and digits that libphonenumber rewrites (carrier codes, obsolete prefixes).
    """
    e164 = f"+{code}{national}"
    trunk = CODES[code].partition("/")[2]
    assume(code not in DRIFTED and 7 <= len(code + national) <= 15)
    assume(not (trunk == "0" and national.startswith("0")))
    theirs = libphonenumber_reads(e164)
    if theirs in {None, e164} and reading(e164) in {None, e164}:
        assert reading(e164) == theirs


def test_for_every_country_and_length_the_verdict_is_that_of_libphonenumber() -> None:
    """Each calling code with each length of digits after it is possible here exactly where it is there."""
    parted = []
    for code in sorted(set(CODES) - DRIFTED):
        for length in range(max(1, 7 - len(code)), 16 - len(code)):
            e164 = f"+{code}" + "54321678954321"[:length]
            theirs = libphonenumber_reads(e164)
            if theirs in {None, e164} and reading(e164) != theirs:
                parted.append((e164, theirs))
    assert parted == []


@given(st.sampled_from(sorted(CODES)), st.text("0123456789", min_size=1, max_size=15))
def test_the_pattern_and_the_reader_are_one_rule(code: str, national: str) -> None:
    """The regular expression takes exactly the numbers that the reader returns unchanged."""
    e164 = f"+{code}{national}"
    assert bool(re.fullmatch(E164_PATTERN, e164)) == (reading(e164) == e164)


@given(st.text())
@example("(" * 60 + "+")
@example(" " * 64)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is written, the answer is an E.164 number or a refusal with a position within the text."""
    e164 = reading(text)
    if e164 is not None:
        assert to_e164(e164) == e164
        assert PhoneNumber(e164=e164).country_code in CODES
        return
    with pytest.raises(InvalidNumber) as refusal:
        to_e164(text)
    assert 1 <= refusal.value.position <= len(text) + 1
    assert refusal.value.message.isprintable()


def test_every_example_number_of_libphonenumber_is_possible() -> None:
    """The example numbers of every region and type that are possible from abroad are accepted as they are."""
    refused = []
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in phonenumbers.PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else ""
            if e164 and libphonenumber_reads(e164) == e164 and reading(e164) != e164:
                refused.append(e164)
    assert [e164 for e164 in refused if 8 <= len(e164) <= 16] == []


@pytest.mark.parametrize(
    ("e164", "shown"),
    [
        ("+12025550123", "+1202•••••23"),
        ("+447722123456", "+44••••••••56"),
        ("+2904123", "+290••23"),
        ("2025550123", "•••"),
        ("Mrs Smith", "•••"),
        ("", "•••"),
    ],
)
def test_a_masked_number_shows_too_little_to_call(e164: str, shown: str) -> None:
    """A log shows country, North American area and the last two digits; what is no number is hidden whole."""
    assert masked(e164) == shown
