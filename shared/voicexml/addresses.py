"""Making addresses absolute, whatever an application wrote there."""

from functools import lru_cache
from urllib.parse import urldefrag, urljoin

#: A campaign's sessions resolve the same few addresses, which takes longer than to look them up. Longer ones are not
#: kept, so that what is kept is 2 MiB at most.
_SHORT_CHARACTERS = 1_024


def resolve(base_url: str, url: str) -> tuple[str, str] | None:
    """Return the absolute URL and its fragment; None if it is no URL at all, such as `http://[`.

    White space around it means nothing, and a space within is written as a URL has it (VoiceXML 2.0, Appendix O:
    anyURI).
    """
    short = len(base_url) + len(url) <= _SHORT_CHARACTERS
    return _resolved_before(base_url, url) if short else _resolved(base_url, url)


def _resolved(base_url: str, url: str) -> tuple[str, str] | None:
    try:
        absolute, fragment = urldefrag(urljoin(base_url, url.strip()))
    except ValueError:
        return None
    return without_spaces(absolute), fragment


def without_spaces(url: str) -> str:
    """Write spaces as a URL has them."""
    return url.replace(" ", "%20")


_resolved_before = lru_cache(maxsize=512)(_resolved)
