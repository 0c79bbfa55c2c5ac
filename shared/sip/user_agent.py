"""The user agent: many calls on one UDP socket. Datagrams in, effects out.

It reads each datagram once, finds the call by its Call-ID, and answers what belongs to no call without keeping
anything: a stranger cannot make it grow. What cannot be read is dropped and counted, unanswered, since the Via that
would say where an answer goes is part of what cannot be trusted.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from shared.sip.answers import content_type
from shared.sip.call import Call
from shared.sip.capabilities import ABOUT_US, ACCEPT, ALLOW, EXTENSIONS, SDP_TYPE
from shared.sip.dialog import MAX_FORWARDS
from shared.sip.effects import Address, Effect, Forget, Pinged, Send, Tell, Wake
from shared.sip.errors import BadArgument, BadMessage, SipError
from shared.sip.exchanges import Dice, Endpoint, Tokens
from shared.sip.headers import CSeq, NameAddr
from shared.sip.message import HeaderList, Request, Response, option_tags, parse_message
from shared.sip.order import Order
from shared.sip.responses import response_address, response_to
from shared.sip.timing import Timings
from shared.sip.transaction import CLIENT, Do, Transaction, event_of
from shared.sip.uri import SipUri

#: A hundred trunks, each silent and asked every five seconds, have seven pings under way until timer F ends them; more
#: mean that nobody reaps them.
_MAX_PINGS: Final = 1024


class TooManyCalls(SipError):
    """The user agent carries as many calls as it may; place this one elsewhere or later."""


@dataclass(slots=True, kw_only=True)
class _Ping:
    """An OPTIONS under way."""

    transaction: Transaction
    data: bytes
    to: Address
    branch: str
    begun_at: float


@dataclass(slots=True, kw_only=True)
class UserAgent:
    """Calls and keep-alives of one socket."""

    endpoint: Endpoint
    dice: Dice
    timings: Timings = field(default_factory=Timings)
    max_calls: int = 1000
    #: Datagrams that were no SIP message.
    unreadable: int = 0
    #: Responses that belong to nothing of ours.
    strays: int = 0
    _calls: dict[str, Call] = field(default_factory=dict)
    _pings: dict[str, _Ping] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many calls are not yet forgotten."""
        return len(self._calls)

    def call(self, call_id: str) -> Call | None:
        """Return a call, None when it is forgotten."""
        return self._calls.get(call_id)

    def place(self, order: Order, now: float) -> list[Effect]:
        """Start a call; raises TooManyCalls, and BadArgument when the Call-ID is in use."""
        if order.call_id in self._calls:
            raise BadArgument("This Call-ID is in use: an attempt is placed once.")
        if len(self._calls) >= self.max_calls:
            raise TooManyCalls
        call = Call(order, endpoint=self.endpoint, dice=self.dice, timings=self.timings)
        effects = call.start(now)
        self._calls[order.call_id] = call
        return effects

    def hang_up(self, call_id: str, now: float) -> list[Effect]:
        """End a call; nothing when it is already forgotten."""
        call = self._calls.get(call_id)
        return [] if call is None else self._after(call.hang_up(now))

    def unroutable(self, call_id: str, now: float) -> list[Effect]:
        """Take note that the network refused the datagram just sent for a call."""
        call = self._calls.get(call_id)
        return [] if call is None else self._after(call.unroutable(now))

    def wake(self, call_id: str, now: float) -> list[Effect]:
        """Do what is due for a call or a ping."""
        call = self._calls.get(call_id)
        if call is not None:
            return self._after(call.wake(now))
        ping = self._pings.get(call_id)
        return [] if ping is None else self._ping_due(call_id, ping, now)

    def receive(self, datagram: bytes, source: Address, now: float) -> list[Effect]:
        """Take a datagram; never raises for what it holds."""
        if not datagram.strip(b"\r\n\x00"):
            return []  # a keep-alive of the network's (RFC 5626, 3.5.1)
        try:
            message = parse_message(datagram)
        except BadMessage:
            self.unreadable += 1
            return []
        if isinstance(message, Response) and len(message.vias) != 1:
            self.strays += 1  # meant for somebody before us (8.1.3.3)
            return []
        call = self._calls.get(message.call_id)
        if call is not None:
            return self._after(call.receive(message, source, now))
        if isinstance(message, Response):
            return self._stray_response(message, now)
        return _stray_request(message, source)

    def _after(self, effects: list[Effect]) -> list[Effect]:
        """Let go of a call that says so."""
        if effects and isinstance(effects[-1], Forget):
            del self._calls[effects[-1].call_id]
        return effects

    # Keep-alives.

    def ping(self, target: SipUri, to: Address, now: float) -> list[Effect]:
        """Send an OPTIONS; Pinged follows, under the key that the effects carry."""
        if len(self._pings) >= _MAX_PINGS:
            raise TooManyCalls
        tokens = Tokens(self.dice)
        key, branch = tokens.token(), tokens.branch()
        us = NameAddr(uri=self.endpoint.contact)
        request = Request(
            method="OPTIONS",
            uri=target,
            vias=(self.endpoint.via(branch),),
            sender=us.with_tag(tokens.token()),
            to=NameAddr(uri=target),
            call_id=key,
            cseq=CSeq(tokens.cseq(), "OPTIONS"),
            headers=(MAX_FORWARDS, ("Contact", str(us)), ("User-Agent", self.endpoint.user_agent), ACCEPT),
        )
        ping = _Ping(
            transaction=Transaction(CLIENT, self.timings),
            data=bytes(request),
            to=to,
            branch=branch,
            begun_at=now,
        )
        ping.transaction.begin(now)
        self._pings[key] = ping
        return [Send(ping.data, to), Wake(key, ping.transaction.deadline)]

    def _ping_due(self, key: str, ping: _Ping, now: float) -> list[Effect]:
        done = ping.transaction.expire(now)
        if Do.TIME_OUT in done:
            return self._ping_over(key, ping, None, now)
        sends: list[Effect] = [Send(ping.data, ping.to) for step in done if step is Do.SEND]
        return [*sends, Wake(key, ping.transaction.deadline)]

    def _stray_response(self, response: Response, now: float) -> list[Effect]:
        ping = self._pings.get(response.call_id)
        if ping is None or response.vias[0].branch != ping.branch or response.cseq.method != "OPTIONS":
            self.strays += 1
            return []
        done = ping.transaction.take(event_of(response.status), now)
        if Do.DELIVER in done:
            return self._ping_over(response.call_id, ping, response.status, now)
        return [Wake(response.call_id, ping.transaction.deadline)]

    def _ping_over(self, key: str, ping: _Ping, status: int | None, now: float) -> list[Effect]:
        """Tell the result; a repeated response is a stray from now on, so that timer K need not run."""
        del self._pings[key]
        return [Tell(key, Pinged(status=status, seconds=now - ping.begun_at)), Wake(key, None), Forget(key)]


def _stray_request(request: Request, source: Address) -> list[Effect]:
    """Answer a request outside of any call (8.2), keeping nothing (8.2.7)."""
    if request.method == "ACK":
        return []
    status, headers = _stray_status(request)
    # The same for a repeated request, as a stateless server must (8.2.7).
    tag = hashlib.sha256(f"{request.call_id} {request.vias[0].branch}".encode()).hexdigest()[:16]
    response = response_to(request, status, source=source, to_tag=tag, headers=headers)
    return [Send(bytes(response), response_address(request.vias[0], source))]


def _stray_status(request: Request) -> tuple[int, HeaderList]:
    if request.to.tag is not None or request.method in {"BYE", "CANCEL"}:
        return 481, ()
    if request.method not in {"OPTIONS", "INVITE"}:
        return 405, (ALLOW,)
    if not isinstance(request.uri, SipUri):
        return 416, ()
    try:
        unknown = option_tags(request, "Require") - EXTENSIONS
    except BadMessage:
        return 400, ()
    if unknown:
        return 420, (("Unsupported", ", ".join(sorted(unknown))),)
    if request.body and content_type(request) != SDP_TYPE:
        return 415, (ACCEPT,)
    if request.method == "INVITE":
        return 403, ()  # we call, and are not called
    return 200, (*ABOUT_US, ACCEPT)
