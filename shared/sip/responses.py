"""How a request is answered (RFC 3261, 8.2.6 and 18.2): what a response copies, and where it goes."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from shared.sip.effects import Address
from shared.sip.headers import Via
from shared.sip.message import HeaderList, Request, Response
from shared.sip.uri import DEFAULT_PORT

REASONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        200: "OK",
        400: "Bad Request",
        403: "Forbidden",
        405: "Method Not Allowed",
        415: "Unsupported Media Type",
        416: "Unsupported URI Scheme",
        420: "Bad Extension",
        422: "Session Interval Too Small",
        481: "Call/Transaction Does Not Exist",
        488: "Not Acceptable Here",
        491: "Request Pending",
        500: "Server Internal Error",
        505: "Version Not Supported",
        513: "Message Too Large",
    }
)


def response_to(
    request: Request,
    status: int,
    *,
    source: Address,
    to_tag: str,
    headers: HeaderList = (),
    body: bytes = b"",
) -> Response:
    """Return the response to a request that came from this address."""
    top, *others = request.vias
    return Response(
        status=status,
        reason=REASONS[status],
        vias=(top.received_from(*source), *others),
        sender=request.sender,
        to=request.to if request.to.tag else request.to.with_tag(to_tag),
        call_id=request.call_id,
        cseq=request.cseq,
        headers=headers,
        body=body,
    )


def response_address(via: Via, source: Address) -> Address:
    """Return where a response goes (18.2.2; RFC 3581, 4): to the sender's host, whatever the Via says.

    `maddr` and a foreign sent-by are not followed: they would let a stranger aim our packets at somebody else.
    """
    if via.parameter("rport") is not None:
        return source
    return source[0], via.port or DEFAULT_PORT


def ack_of_refusal(invite: Request, response: Response) -> Request:
    """Return the ACK for a 3xx-6xx: it belongs to the INVITE's own transaction (17.1.1.3)."""
    return replace(_same_place(invite, "ACK"), to=response.to)


def cancel_of(invite: Request) -> Request:
    """Return the CANCEL of an INVITE that has had a provisional response (9.1)."""
    return _same_place(invite, "CANCEL")


def _same_place(invite: Request, method: str) -> Request:
    """Return a request that every hop routes exactly as the INVITE: same URI, Via, Route; neither body nor more."""
    kept = tuple(pair for pair in invite.headers if pair[0] in {"Route", "Max-Forwards"})
    return replace(invite, method=method, cseq=replace(invite.cseq, method=method), headers=kept, body=b"")
