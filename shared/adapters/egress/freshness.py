"""Whether a stored document may be used again (RFC 9111, and VoiceXML 2.0, 6.1.2), as pure functions.

Only what its server says is believed: a document without a word about its age is asked for again each time, with its
validators, because an application's next page is as a rule made for one caller. Ages count from when the document came,
on a clock that does not jump; the server's own Date is used only to read its Expires.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

#: The headers that are looked at.
HEADERS: Final = ("Age", "Cache-Control", "Date", "ETag", "Expires", "Last-Modified", "Vary")

#: A year and more is for ever, and nine digits are thirty.
_SECONDS = re.compile(r"[0-9]{1,9}")


class Use(Enum):
    """What becomes of a stored document."""

    #: It is the answer.
    FRESH = "fresh"
    #: Its server is asked whether it has changed.
    REVALIDATE = "revalidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """What a server said of a document's age."""

    #: From when it came.
    lifetime_seconds: int
    #: How old it was when it came.
    age_seconds: int
    #: Not to be used past its lifetime, or at all, without asking.
    must_revalidate: bool
    etag: str
    last_modified: str

    @property
    def validators(self) -> dict[str, str]:
        """Return the headers of a question whether it has changed; none if its server gave nothing to ask with."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


def validity(headers: Mapping[str, str]) -> Validity | None:
    """Read what an answer's headers say; None if it may not be stored, or not used for another call.

    `headers` are some of `HEADERS`, spelled as there. A document for one reader only (`private`, `Vary: *`, and
    `Vary: Cookie`, since a call's cookies are its own) is not stored: these are the documents of many calls. What else
    a document may vary by is the same in all requests.
    """
    directives = cache_directives(headers.get("Cache-Control", ""))
    varies_by = {name.strip().lower() for name in headers.get("Vary", "").split(",")}
    if directives.keys() & {"no-store", "private"} or varies_by & {"*", "cookie"}:
        return None
    etag, last_modified = headers.get("ETag", "").strip(), headers.get("Last-Modified", "").strip()
    lifetime = 0 if "no-cache" in directives else _lifetime_seconds(directives, headers)
    if lifetime <= 0 and not etag and not last_modified:
        return None
    return Validity(
        lifetime_seconds=lifetime,
        age_seconds=_whole(headers.get("Age", "")) or 0,
        must_revalidate=bool(directives.keys() & {"no-cache", "must-revalidate", "proxy-revalidate"}),
        etag=etag,
        last_modified=last_modified,
    )


def cache_directives(text: str) -> dict[str, str]:
    """Read Cache-Control (RFC 9111, 5.2); names in lower case, values without quotes."""
    directives: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name.strip():
            directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    return directives


def use_of(stored: Validity, resident_seconds: float, *, max_age_s: int, max_stale_s: int) -> Use:
    """Decide by 6.1.2; -1 stands for an attribute that is absent."""
    age = stored.age_seconds + resident_seconds
    if 0 <= max_age_s < age:
        return Use.REVALIDATE
    stale_seconds = age - stored.lifetime_seconds
    if stale_seconds < 0:
        return Use.FRESH
    if stored.must_revalidate or stale_seconds > max_stale_s:
        return Use.REVALIDATE
    return Use.FRESH


def _lifetime_seconds(directives: Mapping[str, str], headers: Mapping[str, str]) -> int:
    """Return how long it is fresh (RFC 9111, 4.2.1); what cannot be read is no time at all."""
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return _whole(directives[name]) or 0
    expires, date = _date(headers.get("Expires", "")), _date(headers.get("Date", ""))
    return max(0, int((expires - date).total_seconds())) if expires and date else 0


def _whole(text: str) -> int | None:
    return int(text) if _SECONDS.fullmatch(text.strip()) else None


def _date(text: str) -> datetime | None:
    """Read an HTTP date; `0` and other nonsense in Expires mean that it has expired."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return found if found.tzinfo is not None else None
