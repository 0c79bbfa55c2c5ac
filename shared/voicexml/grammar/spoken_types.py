"""Dates, times, amounts of money and telephone numbers as they are said in plain English (VoiceXML 2.0, Appendix P).

Each function takes the words of a whole utterance and returns the value in the form that Appendix P gives its
type, or None if the words are no such thing. What is not said is left open there: the year of a date is ????,
the half of the day of a time is ?, and a currency is not named, because a dollar can be that of many countries.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from shared.voicexml.grammar.spoken_numbers import amount_of, digits_of, whole_of

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

_ORDINALS: Mapping[str, str] = MappingProxyType(
    {
        "first": "one",
        "second": "two",
        "third": "three",
        "fourth": "four",
        "fifth": "five",
        "sixth": "six",
        "seventh": "seven",
        "eighth": "eight",
        "ninth": "nine",
        "tenth": "ten",
        "eleventh": "eleven",
        "twelfth": "twelve",
        "thirteenth": "thirteen",
        "fourteenth": "fourteen",
        "fifteenth": "fifteen",
        "sixteenth": "sixteen",
        "seventeenth": "seventeen",
        "eighteenth": "eighteen",
        "nineteenth": "nineteen",
        "twentieth": "twenty",
        "thirtieth": "thirty",
    }
)

Words = tuple[str, ...]


def read_date(words: Words) -> str | None:
    """Read a date: `2026-12-31`, `december 31st 2026`, `the thirty-first of december`; yyyymmdd."""
    if len(words) == 1 and (found := re.fullmatch(r"([0-9]{4})([-/]?)([0-9]{2})\2([0-9]{2})", words[0])):
        return _date(int(found[3]), int(found[4]), found[1])
    said = tuple(word for word in words if word not in {"the", "of"})
    month = next((at for at, word in enumerate(said) if word in _MONTHS), None)
    if month is None:
        return None
    before, after, number = said[:month], said[month + 1 :], _MONTHS.index(said[month]) + 1
    if before:
        day = _day(before)
        return None if day is None else _dated(number, day, after)
    # The longest words that can be a day are the day; the rest is the year.
    for length in range(len(after), 0, -1):
        day = _day(after[:length])
        found_date = None if day is None else _dated(number, day, after[length:])
        if found_date is not None:
            return found_date
    return _dated(number, None, after)


def _dated(month: int, day: int | None, year: Words) -> str | None:
    said = _year(year) if year else "????"
    return None if said is None else _date(month, day, said)


def _date(month: int, day: int | None, year: str) -> str | None:
    if not 1 <= month <= len(_MONTHS) or (day is not None and not 1 <= day <= _MONTH_DAYS[month - 1]):
        return None
    return f"{year}{month:02d}" + ("??" if day is None else f"{day:02d}")


def _day(words: Words) -> int | None:
    if len(words) == 1 and (found := re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)?", words[0])):
        return int(found[1])
    parts = tuple(part for word in words for part in word.split("-"))
    return whole_of(tuple(_ORDINALS.get(part, part) for part in parts))


def _year(words: Words) -> str | None:
    """Read 2026, two thousand twenty-six, twenty twenty-six or nineteen oh six."""
    whole = whole_of(words)
    if whole is not None:
        return str(whole) if 1_000 <= whole <= 9_999 else None  # noqa: PLR2004 - years of four digits
    for at in range(1, len(words)):
        century, rest = whole_of(words[:at]), _two_digits(words[at:])
        if century is not None and 10 <= century <= 99 and rest is not None:  # noqa: PLR2004 - two digits
            return f"{century}{rest}"
    return None


def _two_digits(words: Words) -> str | None:
    """Read what is written with two digits: `oh six`, `ten`, `forty-five`, `05`."""
    digits = digits_of(words)
    if digits is not None:
        return digits if len(digits) == 2 else None  # noqa: PLR2004
    whole = whole_of(words)
    return str(whole) if whole is not None and 10 <= whole <= 99 else None  # noqa: PLR2004


_HALVES: Mapping[str, str] = MappingProxyType(
    {
        "am": "a",
        "a m": "a",
        "in the morning": "a",
        "pm": "p",
        "p m": "p",
        "in the afternoon": "p",
        "in the evening": "p",
        "at night": "p",
        "hours": "h",
        "h": "h",
    }
)
_NAMED: Mapping[str, str] = MappingProxyType({"noon": "1200p", "midday": "1200p", "midnight": "1200a"})
_HALF_OF_DAY = re.compile(rf"(.*?[0-9]|.*?(?= )) ?({'|'.join(_HALVES)})", re.DOTALL)
_NOON, _HOURS, _MINUTES = 12, 24, 60


def read_time(words: Words) -> str | None:
    """Read a time of day: `17:45`, `half past five`, `five thirty pm`, `seventeen hundred hours`; hhmmx."""
    text = " ".join(words).replace(".", "")
    if text in _NAMED:
        return _NAMED[text]
    split = _HALF_OF_DAY.fullmatch(text)
    said, half = (split[1].strip(), _HALVES[split[2]]) if split else (text, "")
    found = _hour_and_minute(tuple(said.replace("o'clock", "").split()))
    if found is None or not found[0] < _HOURS or not found[1] < _MINUTES:
        return None
    hour, minute = found
    if half in {"a", "p"} and not 1 <= hour <= _NOON:
        return None
    return f"{hour:02d}{minute:02d}{half or ('?' if 1 <= hour <= _NOON else 'h')}"


def _hour_and_minute(words: Words) -> tuple[int, int] | None:
    if len(words) == 1 and (found := re.fullmatch(r"([0-9]{1,2}):?([0-9]{2})?", words[0])):
        return int(found[1]), int(found[2] or 0)
    for relation in ("past", "after", "to"):
        if relation in words:
            at = words.index(relation)
            return _around(words[:at], relation, whole_of(words[at + 1 :]))
    hour = whole_of(words)
    if hour is not None:
        # Seventeen hundred is an hour too.
        return (hour // 100, hour % 100) if hour >= 100 else (hour, 0)  # noqa: PLR2004
    for at in range(1, len(words)):
        hour, minute = whole_of(words[:at]), _two_digits(words[at:])
        if hour is not None and minute is not None:
            return hour, int(minute)
    return None


def _around(words: Words, relation: str, hour: int | None) -> tuple[int, int] | None:
    """Read what is said of an hour: `quarter to`, `half past`, `ten minutes after`."""
    quarters = {"half": 30, "quarter": 15, "a quarter": 15}
    said = " ".join(words).removesuffix(" minutes")
    minutes = quarters.get(said) or whole_of(tuple(said.split()))
    if hour is None or minutes is None or not 1 <= hour <= _NOON:
        return None
    if relation != "to":
        return hour, minutes
    return (hour - 1) or _NOON, _MINUTES - minutes


#: What is said of money; the empty name is that of a currency which several countries call so.
_CURRENCIES: Mapping[str, str] = MappingProxyType(
    {"dollar": "", "peso": "", "buck": "", "euro": "EUR", "pound": "GBP", "yen": "JPY", "franc": "CHF"}
)
_COUNTRIES: Mapping[str, str] = MappingProxyType({"us": "USD", "canadian": "CAD", "australian": "AUD"})
_SIGNS: Mapping[str, str] = MappingProxyType({"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"})
_CODES = frozenset({"usd", "eur", "gbp", "jpy", "chf", "cad", "aud", "mxn"})
_FRACTIONS = frozenset({"cent", "cents", "penny", "pence"})


def read_currency(words: Words) -> str | None:
    """Read an amount of money: `$12.50`, `usd 12.50`, `twelve dollars and fifty cents`; UUUmm.nn or mm.nn."""
    sign, said = _SIGNS.get(words[0][0], ""), tuple(word.lstrip("".join(_SIGNS)) for word in words)
    if said[0] in _CODES:
        sign, said = said[0].upper(), said[1:]
    units = [at for at, word in enumerate(said) if word.removesuffix("s") in _CURRENCIES]
    if not units:
        if said and said[-1] in _FRACTIONS:
            return _money(sign, "0", said)
        whole = amount_of(said)
        return None if whole is None or whole[0] in "+-" else sign + money(whole)
    at = units[0]
    sign = sign or _CURRENCIES[said[at].removesuffix("s")]
    if at and said[at - 1] in _COUNTRIES:
        return _money(_COUNTRIES[said[at - 1]], amount_of(said[: at - 1]), said[at + 1 :])
    return _money(sign, amount_of(said[:at]), said[at + 1 :])


def _money(sign: str, whole: str | None, fraction: Words) -> str | None:
    if whole is None or whole[0] in "+-":
        return None
    if not fraction:
        return sign + money(whole)
    rest = tuple(word for word in fraction if word != "and" and word not in _FRACTIONS)
    cents = whole_of(rest)
    return None if cents is None or cents > 99 or "." in whole else f"{sign}{whole}.{cents:02d}"  # noqa: PLR2004


def money(amount: str) -> str:
    """Write an amount with two decimals."""
    whole, _, cents = amount.partition(".")
    return f"{whole or '0'}.{cents:0<2}"


def read_phone(words: Words) -> str | None:
    """Read a telephone number: `(800) 555-1234 extension 12`; digits, and an x before those of the extension."""
    text = re.sub(r"[-().+]", " ", " ".join(words))
    number, *extension = re.split(r"\b(?:extension|ext|x) *(?=\w)", text, maxsplit=1)
    digits = digits_of(tuple(number.split()))
    if digits is None or not extension:
        return digits
    more = digits_of(tuple(extension[0].split()))
    return None if more is None else f"{digits}x{more}"


def read_number(words: Words) -> str | None:
    """Read a number: `minus twenty-one point five`."""
    return amount_of(words)
