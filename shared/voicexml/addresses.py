"""Making addresses absolute, whatever an application wrote there."""

from urllib.parse import urldefrag, urljoin


def resolve(base_url: str, url: str) -> tuple[str, str] | None:
    """Return the absolute URL and its fragment; None if it is no URL at all, such as `http://[`."""
    try:
        absolute, fragment = urldefrag(urljoin(base_url, url))
    except ValueError:
        return None
    return absolute, fragment
