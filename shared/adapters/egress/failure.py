"""What went wrong with a request, as a sentence that a customer reads in the log of a delivery.

The texts are ours: a peer's words, and the operating system's with addresses in them, are not passed on.
"""

import os
from typing import Final

import aiohttp

from shared.adapters.egress.guard import EgressRefused, LookupsHeldUp

#: Everything that a receiver, a name server or the network between can make a request raise.
EXPECTED: Final = (EgressRefused, LookupsHeldUp, aiohttp.ClientError, TimeoutError, OSError)

# First match wins: a class stands above those that it is derived from.
_SENTENCES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, "No connection could be made in time."),
    (aiohttp.ClientConnectorDNSError, "The host name could not be resolved."),
    (aiohttp.ClientConnectorCertificateError, "The TLS certificate was not accepted"),
    (aiohttp.ClientConnectorSSLError, "The TLS handshake failed."),
    (aiohttp.ClientConnectorError, "The connection could not be opened"),
    (aiohttp.InvalidURL, "The URL cannot be read."),
    (aiohttp.NonHttpUrlClientError, "The URL is not one of http or https."),
    (aiohttp.ClientPayloadError, "The answer broke off, or was not valid HTTP."),
    (aiohttp.ClientResponseError, "The answer was not valid HTTP."),
    (aiohttp.ServerDisconnectedError, "The connection was closed before an answer came."),
    (OSError, "The connection broke off"),
    (aiohttp.ClientError, "The request failed."),
)


def failure_sentence(error: BaseException, *, answered: bool) -> str:
    """Say what happened; `answered` if the status line had come by then."""
    if isinstance(error, EgressRefused | LookupsHeldUp):
        return error.message
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError):
        return "The answer did not end in time." if answered else "No answer came in time."
    sentence = next(text for kind, text in _SENTENCES if isinstance(error, kind))
    return sentence if sentence.endswith(".") else f"{sentence}: {_detail(error)}."


def _detail(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(getattr(error.certificate_error, "verify_message", "") or "it does not fit the host")
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if isinstance(number, int) and number > 0 else "no reason is known"
