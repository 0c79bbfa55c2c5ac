"""What narrows a long list: ids, pages and instants, read from a request's parameters.

A parameter that is there and empty is one that was left out: `?state=&after=` is what a form makes of empty fields.
"""

import re
from datetime import datetime
from string import digits
from typing import Final

from services.api.request_body import Fields
from shared.domain.errors import Invalid
from shared.domain.phone_number import to_e164
from shared.domain.wall_clock import FIRST_YEAR, LAST_YEAR
from shared.ports.delivery_desk import Page

#: What one page holds where nothing is said, and at most.
USUAL_LIMIT: Final = 100
HIGHEST_LIMIT: Final = 1_000

#: Digits and nothing else, up to what a bigint holds.
_ID: Final = re.compile(r"[0-9]{1,18}")
#: RFC 3339, of which an offset is a part: an instant without one would be somebody's guess.
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


def text_of(fields: Fields, name: str) -> str | None:
    """Return a text without the spaces around it; None if it was left out or is empty."""
    return (fields.text(name).strip() or None) if name in fields.names else None


def id_of(fields: Fields, name: str) -> int | None:
    """Return an id; None if it was left out. Raises Invalid."""
    text = text_of(fields, name)
    if text is None:
        return None
    if _ID.fullmatch(text) is None:
        raise Invalid(name, f"The {name} must be a whole number.")
    return int(text)


def number_of(fields: Fields, name: str) -> str | None:
    """Return a phone number in E.164; None if it was left out. Raises Invalid.

    A + that a client left as it is arrives as a space. Where a number may be read with it and without it, and these are
    two people's, nobody guesses.
    """
    text = text_of(fields, name)
    if text is None:
        return None
    if not (fields.text(name).startswith(" ") and text[0] in digits):
        return to_e164(text, field=name)
    readings = dict.fromkeys(filter(None, (_possible(f"+{text}"), _possible(text))))
    if len(readings) > 1:
        raise Invalid(
            name,
            f"The {name} begins with a space, and may be any of {', '.join(readings)}: write its + as %2B.",
        )
    return next(iter(readings), None) or to_e164(text, field=name)


def _possible(text: str) -> str | None:
    try:
        return to_e164(text)
    except Invalid:
        return None


def page_of(fields: Fields) -> Page:
    """Return `after` and `limit`; raises Invalid."""
    return Page(after=id_of(fields, "after") or 0, limit=limit_of(fields))


def limit_of(fields: Fields, *, usual: int = USUAL_LIMIT, highest: int = HIGHEST_LIMIT) -> int:
    """Return how many rows are wanted at most; raises Invalid."""
    limit = id_of(fields, "limit")
    if limit is None:
        limit = usual
    if not 1 <= limit <= highest:
        raise Invalid("limit", f"The limit must be between 1 and {highest}.")
    return limit


def instant_of(fields: Fields, name: str) -> datetime | None:
    """Return an instant; None if it was left out. Raises Invalid."""
    text = text_of(fields, name)
    if text is None:
        return None
    refusal = Invalid(name, f"The {name} must be an instant such as 2026-11-21T08:00:00Z.")
    # A + that a client left as it is arrives as a space.
    text = re.sub(r" ([0-9]{2}:[0-9]{2})$", r"+\1", text)
    if _INSTANT.fullmatch(text) is None:
        raise refusal
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise refusal from error
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise refusal
    return instant
