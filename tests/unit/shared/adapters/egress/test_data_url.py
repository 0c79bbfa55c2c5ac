"""Documents that are written into their own address (RFC 2397)."""

import pytest

from shared.adapters.egress.data_url import read_data_url
from shared.ports.fetching import FetchFailed


@pytest.mark.parametrize(
    ("url", "content_type", "body"),
    [
        ("data:audio/wav;base64,UklGRg==", "audio/wav", b"RIFF"),
        ("data:,a%20b", "text/plain", b"a b"),
        ("data:text/plain;charset=utf-8,x,y", "text/plain;charset=utf-8", b"x,y"),
    ],
)
def test_a_data_url_holds_its_document(url: str, content_type: str, body: bytes) -> None:
    """In base64 or escaped."""
    document = read_data_url(url, max_bytes=100)
    assert (document.content_type, document.body, document.status) == (content_type, body, 200)


@pytest.mark.parametrize("url", ["data:", "data:audio/wav", "data:a;base64,@@@", "data:," + "a" * 101])
def test_what_is_none_or_too_long_is_refused(url: str) -> None:
    """In a sentence, like any document that cannot be had."""
    with pytest.raises(FetchFailed):
        read_data_url(url, max_bytes=100)
