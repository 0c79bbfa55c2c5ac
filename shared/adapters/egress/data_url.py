"""A document that is written into its own address (RFC 2397): a caller's recording, played back, has no server."""

import base64
import binascii
from urllib.parse import unquote_to_bytes

from shared.ports.fetching import FetchedDocument, FetchFailed

SCHEME = "data:"


def read_data_url(url: str, *, max_bytes: int) -> FetchedDocument:
    """Read `data:TYPE;base64,...` or `data:TYPE,...`; raises FetchFailed."""
    head, comma, text = url.removeprefix(SCHEME).partition(",")
    if not comma:
        raise FetchFailed("The data URL holds no data.", sent=False)
    media_type = head.removesuffix(";base64")
    try:
        body = base64.b64decode(text, validate=True) if head != media_type else unquote_to_bytes(text)
    except (binascii.Error, ValueError) as error:
        raise FetchFailed("The data URL is not base64.", sent=False) from error
    if len(body) > max_bytes:
        raise FetchFailed(f"The data URL holds more than {max_bytes} bytes.", sent=False)
    return FetchedDocument(url=SCHEME, status=200, content_type=media_type or "text/plain", body=body)
