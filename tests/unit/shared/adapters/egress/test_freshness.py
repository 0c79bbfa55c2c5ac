"""Whether a stored document may be used again (RFC 9111; VoiceXML 2.0, 6.1.2)."""

import pytest

from shared.adapters.egress.freshness import Use, cache_directives, use_of, validity

DATE = "Sat, 21 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "lifetime_seconds"),
    [
        ({"Cache-Control": "max-age=60"}, 60),
        ({"Cache-Control": 'public, MAX-AGE="60"'}, 60),
        ({"Cache-Control": "max-age=60, s-maxage=5"}, 5),
        ({"Date": DATE, "Expires": "Sat, 21 Nov 2026 08:01:00 GMT"}, 60),
        ({"Date": DATE, "Expires": "Sat, 21 Nov 2026 08:01:00 GMT", "Cache-Control": "max-age=7"}, 7),
        ({"Date": DATE, "Expires": "0", "ETag": '"a"'}, 0),
        ({"Date": DATE, "Expires": "Sat, 21 Nov 2026 07:00:00 GMT", "ETag": '"a"'}, 0),
        ({"Cache-Control": "no-cache, max-age=60", "ETag": '"a"'}, 0),
        ({"Cache-Control": "max-age=nonsense", "ETag": '"a"'}, 0),
        ({"Last-Modified": DATE}, 0),
        ({"Cache-Control": "max-age=60", "Vary": "Accept-Encoding, Set-Cookie-2"}, 60),
    ],
)
def test_a_server_says_how_long_a_document_is_fresh(headers: dict[str, str], lifetime_seconds: int) -> None:
    """By s-maxage, max-age or Expires, in this order; without any not at all, and then it needs a validator."""
    found = validity(headers)
    assert found is not None
    assert found.lifetime_seconds == lifetime_seconds


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cache-Control": "no-store, max-age=60"},
        {"Cache-Control": "private, max-age=60"},
        {"Cache-Control": "max-age=60", "Vary": "*"},
        {"Cache-Control": "max-age=60", "Vary": "Cookie"},
        {"Cache-Control": "max-age=60", "Vary": "Accept-Encoding , cookie"},
        {"Cache-Control": "max-age=0"},
        {"Expires": "Sat, 21 Nov 2026 08:01:00 GMT"},
    ],
)
def test_a_document_that_is_of_no_use_to_the_next_call_is_not_stored(headers: dict[str, str]) -> None:
    """It is for one reader, may not be kept, or could neither be used nor asked about."""
    assert validity(headers) is None


@pytest.mark.parametrize(
    ("cache_control", "resident_seconds", "max_age_s", "max_stale_s", "use"),
    [
        ("max-age=60", 59.0, -1, -1, Use.FRESH),
        ("max-age=60", 60.0, -1, -1, Use.REVALIDATE),
        ("max-age=60", 10.0, 9, -1, Use.REVALIDATE),
        ("max-age=60", 10.0, 10, -1, Use.FRESH),
        ("max-age=60", 0.5, 0, -1, Use.REVALIDATE),
        ("max-age=60", 70.0, -1, 10, Use.FRESH),
        ("max-age=60", 71.0, -1, 10, Use.REVALIDATE),
        ("max-age=60", 70.0, 65, 10, Use.REVALIDATE),
        ("max-age=60, must-revalidate", 61.0, -1, 10, Use.REVALIDATE),
        ("max-age=60, must-revalidate", 59.0, -1, 10, Use.FRESH),
    ],
)
def test_maxage_and_maxstale_decide_with_the_server(
    cache_control: str, resident_seconds: float, max_age_s: int, max_stale_s: int, use: Use
) -> None:
    """6.1.2: never older than maxage; past its time only as far as maxstale, unless its server forbids it."""
    stored = validity({"Cache-Control": cache_control})
    assert stored is not None
    assert use_of(stored, resident_seconds, max_age_s=max_age_s, max_stale_s=max_stale_s) is use


def test_a_document_is_as_old_as_it_was_when_it_came() -> None:
    """Age counts: another cache had it before."""
    stored = validity({"Cache-Control": "max-age=60", "Age": "50"})
    assert stored is not None
    assert use_of(stored, 9.0, max_age_s=-1, max_stale_s=-1) is Use.FRESH
    assert use_of(stored, 10.0, max_age_s=-1, max_stale_s=-1) is Use.REVALIDATE


def test_directives_are_read_as_they_come() -> None:
    """Names without regard to case, the first of two counts, and empty ones are none."""
    assert cache_directives('No-Cache, max-age="5",max-age=6,, x') == {
        "no-cache": "",
        "max-age": "5",
        "x": "",
    }
