"""What every part of a call shares: who we are, the dice, the credentials, and the way out for requests."""

from dataclasses import dataclass, field

from shared.sip.client_side import ClientSide
from shared.sip.dialog import Dialog
from shared.sip.digest import Authenticator
from shared.sip.effects import Address, CallEvent, Effect, Ended, Failed, Send, Tell
from shared.sip.exchanges import ClientExchange, Endpoint, Purpose, Tokens
from shared.sip.headers import CSeq
from shared.sip.message import HeaderList, Request, Response
from shared.sip.order import Order
from shared.sip.server_side import ServerSide
from shared.sip.timing import Timings
from shared.sip.transaction import CLIENT, INVITE_CLIENT, Transaction

#: A request is sent at most so often: once unsigned, once for the realm of a proxy, once for that of the far end,
#: and once for a stale nonce.
MAX_TRIES = 4


@dataclass(slots=True, kw_only=True)
class Desk:
    """The means of one call."""

    order: Order
    endpoint: Endpoint
    timings: Timings
    tokens: Tokens
    tag: str
    auth: Authenticator
    outbox: list[Effect] = field(default_factory=list)
    clients: ClientSide = field(init=False)
    servers: ServerSide = field(init=False)
    _ended: bool = False

    def __post_init__(self) -> None:
        self.clients = ClientSide(self.outbox)
        self.servers = ServerSide(self.outbox, self.timings)

    def tell(self, event: CallEvent) -> None:
        """Tell the user of the call; its end is the last that it hears, whatever still comes from the wire."""
        if self._ended:
            return
        self._ended = isinstance(event, Failed | Ended)
        self.outbox.append(Tell(self.order.call_id, event))

    def signed(self, method: str, uri: str) -> HeaderList:
        """Return the headers that sign a request, none before the first challenge."""
        return self.auth.headers(method, uri, self.tokens.token()) if self.auth.challenged else ()

    def begin(
        self,
        purpose: Purpose,
        request: Request,
        to: Address,
        now: float,
        *,
        dialog: Dialog | None = None,
        tries: int = 1,
    ) -> ClientExchange:
        """Send a request of ours for the first time."""
        machine = INVITE_CLIENT if request.method == "INVITE" else CLIENT
        exchange = ClientExchange(
            purpose=purpose,
            transaction=Transaction(machine, self.timings),
            request=request,
            data=bytes(request),
            to=to,
            dialog=dialog,
            tries=tries,
        )
        self.clients.begin(exchange, now)
        return exchange

    def begin_in(
        self,
        dialog: Dialog,
        purpose: Purpose,
        method: str,
        now: float,
        *,
        headers: HeaderList = (),
        body: bytes = b"",
        tries: int = 1,
    ) -> ClientExchange:
        """Send a request within a dialog."""
        cseq, via = dialog.next_cseq(method), self.endpoint.via(self.tokens.branch())
        about_us: HeaderList = (("User-Agent", self.endpoint.user_agent),)
        signed = self.signed(method, str(dialog.request_uri))
        request = dialog.request(cseq, via, (*about_us, *headers, *signed), body)
        return self.begin(purpose, request, dialog.next_hop, now, dialog=dialog, tries=tries)

    def sign_again(self, exchange: ClientExchange, response: Response, now: float) -> ClientExchange | None:
        """Send a challenged in-dialog request again; None where that would be in vain."""
        if exchange.dialog is None or exchange.tries >= MAX_TRIES or not self.auth.learn(response):
            return None
        kept = tuple(pair for pair in exchange.request.headers if pair[0] in _REPEATED)
        return self.begin_in(
            exchange.dialog,
            exchange.purpose,
            exchange.request.method,
            now,
            headers=kept,
            body=exchange.request.body,
            tries=exchange.tries + 1,
        )

    def acknowledge(self, exchange: ClientExchange, dialog: Dialog) -> None:
        """Send the ACK of a 2xx, and remember it for the next time that this 2xx comes (13.2.2.4).

        It carries the credentials of its INVITE (22.1).
        """
        invite = exchange.request
        kept = tuple(pair for pair in invite.headers if pair[0] in {"Authorization", "Proxy-Authorization"})
        via = self.endpoint.via(self.tokens.branch())
        data = bytes(dialog.request(CSeq(invite.cseq.number, "ACK"), via, kept))
        exchange.acks[dialog.remote_tag] = (data, dialog.next_hop)
        self.outbox.append(Send(data, dialog.next_hop))

    def acknowledge_again(self, exchange: ClientExchange, tag: str) -> bool:
        """Send the ACK of a repeated 2xx; whether this 2xx was a repetition."""
        known = exchange.acks.get(tag)
        if known is not None:
            self.outbox.append(Send(*known))
        return known is not None


#: Headers that a request keeps when it is sent again; the dialog adds Route and Max-Forwards itself.
_REPEATED = frozenset(
    {
        "Allow",
        "Contact",
        "Content-Type",
        "Min-SE",
        "RAck",
        "Session-Expires",
        "Supported",
    }
)
