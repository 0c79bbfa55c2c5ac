"""One call as it is ordered: everything that is settled before the INVITE leaves."""

import re
from dataclasses import dataclass
from typing import Final

from shared.sip.capabilities import ABOUT_US, SDP_BODY
from shared.sip.dialog import MAX_FORWARDS
from shared.sip.digest import Credentials
from shared.sip.effects import Address
from shared.sip.errors import BadArgument
from shared.sip.exchanges import Endpoint
from shared.sip.headers import CSeq, NameAddr, SessionExpires
from shared.sip.message import HeaderList, Request
from shared.sip.sdp import LocalMedia, write_offer
from shared.sip.session_timer import MIN_SE_SECONDS
from shared.sip.uri import SipUri

_CALL_ID: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~@]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be dialled, as whom, and for how long."""

    #: The attempt's fence: one Call-ID per attempt, so that the edge can refuse a second INVITE.
    call_id: str
    callee: SipUri
    #: From; without a tag.
    caller: NameAddr
    #: Where the INVITE goes.
    trunk: Address
    local: LocalMedia
    credentials: Credentials | None = None
    #: P-Asserted-Identity (RFC 3325), for trunks that take the caller id from there.
    asserted_identity: NameAddr | None = None
    #: From the INVITE's leaving to the CANCEL.
    ring_seconds: float
    #: From the answer to the BYE.
    longest_seconds: float
    #: The refresh interval that we ask for (RFC 4028); None asks for none, yet a peer's is honoured.
    session_seconds: int | None = 1800
    #: Whether requests within the call go to the address in the peer's Contact or Record-Route; else to the trunk.
    follows_contact: bool = True

    def __post_init__(self) -> None:
        if _CALL_ID.fullmatch(self.call_id) is None:
            raise BadArgument("A Call-ID must be 1 to 128 characters of a token, with @ allowed.")
        if self.session_seconds is not None and self.session_seconds < MIN_SE_SECONDS:
            raise BadArgument(f"A session interval must be at least {MIN_SE_SECONDS} seconds (RFC 4028, 4).")


def session_headers(
    seconds: int | None, *, least_seconds: int = MIN_SE_SECONDS, refresher: str | None = None
) -> HeaderList:
    """Return the headers that ask for a session timer; `least_seconds` is the highest Min-SE that we heard of."""
    if seconds is None:
        return ()
    asked = SessionExpires(max(seconds, least_seconds), refresher)
    return ("Session-Expires", str(asked)), ("Min-SE", str(least_seconds))


def invite_of(
    order: Order,
    endpoint: Endpoint,
    *,
    tag: str,
    branch: str,
    cseq: int,
    headers: HeaderList,
) -> Request:
    """Return the INVITE (8.1.1, 13.2.1); `headers` are those that change from try to try."""
    asserted: HeaderList = ()
    if order.asserted_identity is not None:
        asserted = (("P-Asserted-Identity", str(order.asserted_identity)),)
    return Request(
        method="INVITE",
        uri=order.callee,
        vias=(endpoint.via(branch),),
        sender=order.caller.with_tag(tag),
        to=NameAddr(uri=order.callee),
        call_id=order.call_id,
        cseq=CSeq(cseq, "INVITE"),
        headers=(
            MAX_FORWARDS,
            ("Contact", f"<{endpoint.contact}>"),
            ("User-Agent", endpoint.user_agent),
            *ABOUT_US,
            *asserted,
            *headers,
            SDP_BODY,
        ),
        body=write_offer(order.local),
    )
