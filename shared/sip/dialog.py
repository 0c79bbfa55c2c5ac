"""A dialog as its caller keeps it (RFC 3261, 12): how to reach the peer, and in which order requests go."""

import ipaddress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from shared.sip.effects import Address
from shared.sip.errors import BadMessage
from shared.sip.headers import CSeq, NameAddr, Via
from shared.sip.limits import MAX_ROUTES
from shared.sip.message import HeaderList, Message, Request, Response, header_list
from shared.sip.uri import DEFAULT_PORT, SipUri, Uri

MAX_FORWARDS: Final = ("Max-Forwards", "70")  # RFC 3261, 8.1.1.6
_EVERYBODY: Final = "255.255.255.255"  # RFC 919


@dataclass(slots=True, kw_only=True)
class Dialog:
    """One dialog, early or confirmed."""

    call_id: str
    local: NameAddr
    remote: NameAddr
    #: In the order in which a request passes them.
    routes: tuple[NameAddr, ...]
    #: The peer's Contact: where requests go in the end.
    target: Uri
    local_cseq: int
    remote_cseq: int | None = None
    #: Where a request goes when the next hop's name would need DNS, or its address may not be followed.
    trunk: Address
    #: Whether the next hop's own address is followed; else everything goes to the trunk.
    follows: bool
    #: The last RSeq that we acknowledged (RFC 3262, 4).
    acknowledged_rseq: int | None = None

    @property
    def remote_tag(self) -> str:
        """What names the dialog among the forks of one call."""
        return self.remote.tag or ""

    def next_cseq(self, method: str) -> CSeq:
        """Return the CSeq of the next request (12.2.1.1)."""
        self.local_cseq += 1
        return CSeq(self.local_cseq, method)

    @property
    def request_uri(self) -> Uri:
        """The URI of the next request: the peer's Contact, or a strict router's."""
        return self._strict_router or self.target

    @property
    def _strict_router(self) -> SipUri | None:
        """The first route where it is one of before RFC 3261, which is sent what it expects (12.2.1.1)."""
        first = self.routes[0].uri if self.routes else None
        return first if isinstance(first, SipUri) and not first.loose else None

    def request(self, cseq: CSeq, via: Via, headers: HeaderList = (), body: bytes = b"") -> Request:
        """Return a request within the dialog (12.2.1.1); strict routers get what they expect."""
        strict = self._strict_router is not None
        routes = (*self.routes[1:], NameAddr(uri=self.target)) if strict else self.routes
        return Request(
            method=cseq.method,
            uri=self.request_uri,
            vias=(via,),
            sender=self.local,
            to=self.remote,
            call_id=self.call_id,
            cseq=cseq,
            headers=(*(("Route", str(route)) for route in routes), MAX_FORWARDS, *headers),
            body=body,
        )

    @property
    def next_hop(self) -> Address:
        """Where the next request goes: the first route's address, else the target's; the trunk where neither is one."""
        hop = literal_address(self.routes[0].uri if self.routes else self.target) if self.follows else None
        return hop if hop is not None and _may_be_followed(hop[0], self.trunk[0]) else self.trunk

    def refresh_target(self, message: Message) -> None:
        """Take the peer's new Contact, where the message has one (12.2.1.2, 12.2.2)."""
        self.target = contact_of(message) or self.target


def literal_address(uri: Uri) -> Address | None:
    """Return the address of a URI whose host is one party's; None where a name would have to be resolved."""
    host = _literal(uri.host.strip("[]")) if isinstance(uri, SipUri) else None
    return None if host is None or not isinstance(uri, SipUri) else (host, uri.port or DEFAULT_PORT)


@lru_cache(maxsize=256)
def _literal(host: str) -> str | None:
    """Return an IP address in its usual form, None for one that is nobody's; few gateways occur, and each often."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    nobodys = address.is_unspecified or address.is_multicast or str(address) == _EVERYBODY
    return None if nobodys else str(address)


@lru_cache(maxsize=256)
def _may_be_followed(host: str, trunk: str) -> bool:
    """Whether an address that a peer names can mean there what it means here.

    What somebody on the public network calls 127.0.0.1 or 10.0.0.7 is his own: written by mistake, or to have us write
    to machines of ours. The trunk knows the way.
    """
    there, here = ipaddress.ip_address(host), ipaddress.ip_address(trunk)
    if isinstance(there, ipaddress.IPv6Address):
        there = there.ipv4_mapped or there  # a socket of IPv6 may reach both
    return (there.is_global or not here.is_global) and (here.is_loopback or not there.is_loopback)


def contact_of(message: Message) -> Uri | None:
    """Return the URI of the first Contact; None where there is none that can be called."""
    try:
        contacts = header_list(message, "Contact")
        uri = NameAddr.parse(contacts[0]).uri if contacts else None
    except BadMessage:
        return None
    if not isinstance(uri, SipUri):
        return None
    return replace(uri, headers="") if uri.headers else uri


def routes_of(response: Response) -> tuple[NameAddr, ...]:
    """Return the route set that a response gives the caller: Record-Route reversed (12.1.2).

    One that cannot be read is none: the ACK of a 2xx must leave in any case, and the trunk may know the way.
    """
    try:
        recorded = header_list(response, "Record-Route")
        return (
            tuple(NameAddr.parse(entry) for entry in reversed(recorded))
            if len(recorded) <= MAX_ROUTES
            else ()
        )
    except BadMessage:
        return ()


def dialog_of(invite: Request, response: Response, *, trunk: Address, follows: bool) -> Dialog:
    """Return the dialog that a response to our INVITE makes (12.1.2).

    A peer that gives no Contact is reached where the INVITE went.
    """
    return Dialog(
        call_id=invite.call_id,
        local=invite.sender,
        remote=response.to,
        routes=routes_of(response),
        target=contact_of(response) or invite.uri,
        local_cseq=invite.cseq.number,
        trunk=trunk,
        follows=follows,
    )
