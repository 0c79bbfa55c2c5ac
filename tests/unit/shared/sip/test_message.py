"""Messages: bounded before they are parsed, written without a way to smuggle."""

import pytest

from shared.sip.errors import BadArgument, BadMessage
from shared.sip.headers import CSeq, NameAddr, Via
from shared.sip.limits import MAX_DATAGRAM_BYTES, MAX_HEADERS
from shared.sip.message import Request, Response, header, header_values, option_tags, parse_message
from shared.sip.uri import SipUri

HEAD = (
    "OPTIONS sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:x@y>;tag=1\r\n"
    "To: <sip:a@b.example>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
)


def test_headers_are_found_by_any_of_their_names() -> None:
    """Names compare without case, and the short form is the long one."""
    message = parse_message((HEAD + "k: timer\r\nSUPPORTED: 100rel, x\r\nX-Y: 1\r\nx-y : 2\r\n\r\n").encode())
    assert option_tags(message, "Supported") == {"timer", "100rel", "x"}
    assert header_values(message, "x-Y") == ("1", "2")
    assert header(message, "nothing") is None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD.encode() + b"X: " + b"a" * MAX_DATAGRAM_BYTES + b"\r\n\r\n", 513),
        ((HEAD + "X: y\r\n" * (MAX_HEADERS + 1) + "\r\n").encode(), 400),
        ((HEAD + "X: " + "a" * 5000 + "\r\n\r\n").encode(), 400),
        ((HEAD + "X: a\x00b\r\n\r\n").encode(), 400),
        ((HEAD + "X: a\nY: b\r\n\r\n").encode(), 400),
        (HEAD.encode() + b"X: \xff\r\n\r\n", 400),
        ((HEAD + "no colon\r\n\r\n").encode(), 400),
        (HEAD.encode(), 400),
        ((HEAD + "Via: " + "SIP/2.0/UDP h," * 70 + "SIP/2.0/UDP h\r\n\r\n").encode(), 400),
        ((HEAD + "Max-Forwards: 256\r\n\r\n").encode(), 400),
        (HEAD.replace("Call-ID: c", "Call-ID: c d").encode() + b"\r\n", 400),
        (HEAD.replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia").encode() + b"\r\n", 505),
        (b"", 400),
    ],
    ids=[
        "datagram",
        "headers",
        "long header",
        "control",
        "bare line feed",
        "not UTF-8",
        "no colon",
        "no end",
        "Vias",
        "Max-Forwards",
        "Call-ID",
        "version",
        "empty",
    ],
)
def test_beyond_a_limit_or_malformed_is_refused(data: bytes, status: int) -> None:
    """Each refusal carries the status that a request would be answered with."""
    with pytest.raises(BadMessage) as refused:
        parse_message(data)
    assert refused.value.status == status


@pytest.mark.parametrize("text", ["a\r\nX: y", "a\nb", "a\x00b"])
def test_no_header_of_ours_can_hold_a_line_break(text: str) -> None:
    """A value from a setting or a campaign that would add a header is refused before it is sent."""
    request = Request(
        method="OPTIONS",
        uri=SipUri(host="h"),
        vias=(Via(host="h"),),
        sender=NameAddr(display=text, uri=SipUri(host="h")),
        to=NameAddr(uri=SipUri(host="h")),
        call_id="c",
        cseq=CSeq(1, "OPTIONS"),
    )
    with pytest.raises(BadArgument):
        bytes(request)
    response = Response(
        status=200,
        reason="OK",
        vias=request.vias,
        sender=request.to,
        to=request.to,
        call_id="c",
        cseq=request.cseq,
        headers=(("X", text),),
    )
    with pytest.raises(BadArgument):
        bytes(response)
