"""A phone number as it is dialled: `+`, country calling code, national number; 7 to 15 digits (E.164).

What people write is read by RFC 3966's rules: an optional `tel:` and the visual separators `- . ( )` and
space between the digits. What counts is whether the number is *possible*, that is, whether its country has
numbers of that length. Whether it is *assigned* is not asked: numbering plans change faster than software,
the reserved numbers of every example and test would fail, and the carrier knows for certain.

A number without `+` is read as dialled inside the default country. The trunk prefix that people write there
(`07722 123456` in Britain, and even `+44 (0)7722 123456`) is dropped. Numbers that work only inside a town,
and short codes (911, 112, 988), are shorter than any possible number and so never dialled.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from shared.domain.errors import Invalid
from shared.domain.phone_number_lengths import LENGTHS

#: Longer than any number with a separator after every digit and `tel:` before it.
MAX_WRITTEN_CHARS: Final = 64
MAX_DIGITS: Final = 15  # E.164, section 6.2
_MAX_CODE_DIGITS = 3  # E.164, section 6.2.1

#: What may be written: `(+44) 7722-123456`, `tel:+1.202.555.0123`, `2025550123`.
_WRITTEN = re.compile(r" *(?:tel:)? *(?P<plus>[( ]*\+)?(?P<digits>[0-9 ().-]*)", re.ASCII | re.IGNORECASE)
_SEPARATORS = str.maketrans("", "", " ().-")
_ROUNDED = re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?E\+?[0-9]+", re.ASCII | re.IGNORECASE)


class InvalidNumber(Invalid):
    """A text is no phone number that can be dialled.

    `position` counts the characters of the text from 1: where the fault is, or where the digits begin.
    """

    def __init__(self, field: str, message: str, position: int) -> None:
        self.position = position
        super().__init__(field, message)


class UnreadableNumber(InvalidNumber):
    """A character stands where only digits and separators may."""


class ImpossibleNumber(InvalidNumber):
    """No country has a number of this length."""


class _Plan(NamedTuple):
    """What one calling code allows."""

    #: Possible numbers of digits after the code: spans of (fewest, most).
    spans: tuple[tuple[int, int], ...]
    #: What is dialled before a national number inside the country, '' where nothing is.
    trunk: str

    def pattern(self) -> str:
        """Return a regular expression for the possible national numbers.

        Where 0 is the trunk prefix, no national number begins with it.
        """
        first = "[1-9]" if self.trunk == "0" else "[0-9]"
        rests = (f"[0-9]{{{fewest - 1},{most - 1}}}" for fewest, most in reversed(self.spans))
        return first + "(?:" + "|".join(rests) + ")"


def _plan(entry: str) -> tuple[str, _Plan]:
    """Read `44:7,9-10/0`."""
    code, _, rest = entry.partition(":")
    spans, _, trunk = rest.partition("/")
    ends = [span.split("-") for span in spans.split(",")]
    return code, _Plan(tuple((int(end[0]), int(end[-1])) for end in ends), trunk)


_PLANS: Final = dict(map(_plan, LENGTHS.split()))


def _pattern_after(prefix: str) -> str:
    """Return a regular expression for what may follow these first digits: a trie, for few branches."""
    if prefix in _PLANS:
        return _PLANS[prefix].pattern()
    nexts = [digit for digit in "0123456789" if any(code.startswith(prefix + digit) for code in _PLANS)]
    return "(?:" + "|".join(digit + _pattern_after(prefix + digit) for digit in nexts) + ")"


#: The possible E.164 numbers as a regular expression with no groups, for readers of a million lines.
#: It does not look at what follows: put `(?![0-9])` or a separator behind it.
E164_PATTERN: Final = r"\+" + _pattern_after("")
_E164 = re.compile(E164_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumber:
    """A number that can be dialled from anywhere; raises ImpossibleNumber where no country has such a one."""

    e164: str

    def __post_init__(self) -> None:
        if not _E164.fullmatch(self.e164):
            raise ImpossibleNumber("phone_number", "This is no possible number in E.164 form.", 1)

    def __str__(self) -> str:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        return self.e164

    @classmethod
    def parse(cls, text: str, *, default_country: str = "1", field: str = "phone_number") -> Self:
        """Read a number as people write it; see `to_e164`."""
        return cls(e164=to_e164(text, default_country=default_country, field=field))

    @property
    def country_code(self) -> str:
        """The calling code without `+`: 1, 44, 852."""
        return _code_of(self.e164[1:])


def to_e164(text: str, *, default_country: str = "1", field: str = "phone_number") -> str:
    """Return the E.164 form of a number as people write it.

    `default_country` is the calling code that a number without `+` belongs to. Raises UnreadableNumber or
    ImpossibleNumber, both with `field` and a position in the text.
    """
    written = _WRITTEN.match(text, 0, MAX_WRITTEN_CHARS)
    if written is None or written.end() < len(text):
        raise _unreadable(text, written.end() if written else 0, field)
    digits = written["digits"].translate(_SEPARATORS)
    plus = bool(written["plus"])
    e164 = f"+{digits}" if plus else f"+{default_country}{digits}"
    if _E164.fullmatch(e164) and (plus or not digits.startswith("00")):
        return e164
    code = _code_of(digits) if plus else default_country
    meant = next(filter(_E164.fullmatch, _shorter(code, digits, plus=plus)), None)
    if meant is None:
        raise ImpossibleNumber(field, _why_impossible(digits, code, plus=plus), written.start("digits") + 1)
    return meant


def masked(e164: str) -> str:
    """Return the number for a log: country and North American area kept, the last two digits, `•` between.

    Elsewhere the area is masked too, since nothing in a number says where its area code ends.
    What is no E.164 number is masked whole.
    """
    if not _E164.fullmatch(e164):
        return "•••"
    shown = 1 + len(_code_of(e164[1:]))
    shown += 3 if e164.startswith("+1") else 0
    return e164[:shown] + "•" * (len(e164) - shown - 2) + e164[-2:]


def _code_of(digits: str) -> str:
    """Return the calling code that the digits begin with, or '' where there is none."""
    starts = (digits[:length] for length in range(1, _MAX_CODE_DIGITS + 1))
    return next((start for start in starts if start in _PLANS), "")


def _shorter(code: str, digits: str, *, plus: bool) -> list[str]:
    """Return the readings of digits that hold too much: the trunk prefix, or without a plus the code itself.

    What is dialled after 00 is a foreign number, and 00 no trunk prefix of anything.
    """
    plan = _PLANS.get(code)
    if plan is None or (not plus and digits.startswith("00")):
        return []
    national = digits.removeprefix(code) if plus else digits
    prefixes = (plan.trunk,) if plus else (plan.trunk, code)
    return [f"+{code}{national.removeprefix(p)}" for p in prefixes if p and national.startswith(p)]


def _why_impossible(digits: str, code: str, *, plus: bool) -> str:
    """Return the sentence for a number that no country has."""
    if not digits:
        return "There is no digit in this phone number."
    if digits.startswith("00") and not plus:
        return "An international number is written with + and not with 00 before the country code."
    if code not in _PLANS:
        return f"No country has the calling code that +{digits[:_MAX_CODE_DIGITS]} begins with."
    if len(digits) > MAX_DIGITS:
        return f"A phone number has at most {MAX_DIGITS} digits; this one has {len(digits)}."
    if plus:
        return f"No number of country code +{code} has {len(digits) - len(code)} digits after the code."
    return (
        f"A number without + is read as one of country code +{code}, and none has {len(digits)} digits; "
        "write numbers of other countries with + and their country code."
    )


def _unreadable(text: str, index: int, field: str) -> UnreadableNumber:
    """Return the refusal of the character at this index."""
    if index >= MAX_WRITTEN_CHARS:
        sentence = f"A phone number has at most {MAX_WRITTEN_CHARS} characters."
    elif _ROUNDED.fullmatch(text.strip(" ")):
        sentence = "A spreadsheet has rounded this number; format its column as text and export it again."
    else:
        sentence = f"{_description(text[index])} stands at character {index + 1} of the number."
    return UnreadableNumber(field, sentence, index + 1)


def _description(character: str) -> str:
    """Return words for a character that has no place in a phone number, safe to show whatever it is."""
    if character == "+":
        return "A + that is not the first character"
    if "!" <= character <= "~":
        return f"The {'letter' if character.isalpha() else 'character'} {character}, which is no digit,"
    name = unicodedata.name(character, "An unprintable character")
    kind = "not one of the digits 0 to 9" if character.isnumeric() else "no digit"
    return f"{name} (U+{ord(character):04X}), which is {kind},"
