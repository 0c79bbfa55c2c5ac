"""The peer's requests within one call: answered once, and again with the same bytes when they are repeated."""

from dataclasses import dataclass, field

from shared.sip.effects import Address, Effect, Send
from shared.sip.exchanges import ServerExchange, server_key
from shared.sip.limits import MAX_SERVER_TRANSACTIONS
from shared.sip.message import Request, Response
from shared.sip.responses import response_address, response_to
from shared.sip.timing import Timings
from shared.sip.transaction import INVITE_SERVER, SERVER, Do, Transaction, TxEvent, TxState, event_of


@dataclass(slots=True)
class ServerSide:
    """Server transactions of one call."""

    outbox: list[Effect]
    timings: Timings
    _exchanges: dict[tuple[str, str, str, int], ServerExchange] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether nothing is remembered."""
        return not self._exchanges

    @property
    def deadline(self) -> float | None:
        """When the next timer fires."""
        deadlines = (exchange.transaction.deadline for exchange in self._exchanges.values())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    @property
    def awaits_answer(self) -> bool:
        """Whether a 2xx of ours held an offer that no ACK has answered yet."""
        return any(
            exchange.offers and exchange.transaction.state is TxState.ACCEPTED
            for exchange in self._exchanges.values()
        )

    def absorb(self, request: Request, source: Address, now: float) -> bool:
        """Deal with a repeated request and with CANCEL; whether that was all."""
        exchange = self._exchanges.get(server_key(request))
        if exchange is None or request.method == "ACK":
            return False
        if request.method == "CANCEL":  # too late: the INVITE was answered at once (9.2)
            self._stateless(
                response_to(request, 200, source=source, to_tag=exchange.request.to.tag or ""), source
            )
            return True
        if Do.SEND in exchange.transaction.take(TxEvent.REQUEST, now):
            self.outbox.append(Send(exchange.data, exchange.to))
        return True

    def acknowledge(self, ack: Request, now: float) -> ServerExchange | None:
        """Take an ACK; return the INVITE that it acknowledges for the first time."""
        exchange = self._exchanges.get(server_key(ack)) or self._accepted(ack.cseq.number)
        if exchange is None:
            return None
        before = exchange.transaction.state
        if before in {TxState.COMPLETED, TxState.CONFIRMED, TxState.ACCEPTED, TxState.ACKNOWLEDGED}:
            exchange.transaction.take(TxEvent.ACK, now)
        return exchange if before is TxState.ACCEPTED else None

    def _accepted(self, cseq: int) -> ServerExchange | None:
        """Find the INVITE of this number: the ACK of a 2xx has a branch of its own (13.2.2.4)."""
        for exchange in self._exchanges.values():
            if exchange.request.method == "INVITE" and exchange.request.cseq.number == cseq:
                return exchange
        return None

    def answer(
        self, request: Request, response: Response, source: Address, now: float, *, offers: bool
    ) -> None:
        """Send the final response to a new request and remember it."""
        invites = request.method == "INVITE"
        exchange = ServerExchange(
            transaction=Transaction(INVITE_SERVER if invites else SERVER, self.timings),
            request=request,
            data=bytes(response),
            to=response_address(request.vias[0], source),
            offers=offers,
        )
        exchange.transaction.begin(now)
        exchange.transaction.take(event_of(response.status), now)
        self.outbox.append(Send(exchange.data, exchange.to))
        if len(self._exchanges) >= MAX_SERVER_TRANSACTIONS:
            # The oldest: its request is the least likely to come again.
            del self._exchanges[next(iter(self._exchanges))]
        self._exchanges[server_key(request)] = exchange

    def refuse(self, request: Request, status: int, source: Address, to_tag: str) -> None:
        """Answer without remembering: the same request gets the same answer again."""
        if request.method != "ACK":
            self._stateless(response_to(request, status, source=source, to_tag=to_tag), source)

    def _stateless(self, response: Response, source: Address) -> None:
        self.outbox.append(Send(bytes(response), response_address(response.vias[0], source)))

    def expire(self, now: float) -> bool:
        """Repeat what is due; whether a 2xx of ours was never acknowledged."""
        silent = False
        for exchange in list(self._exchanges.values()):
            for done in exchange.transaction.expire(now):
                if done is Do.SEND:
                    self.outbox.append(Send(exchange.data, exchange.to))
                silent = silent or done is Do.NO_ACK
        over = [key for key, exchange in self._exchanges.items() if exchange.transaction.over]
        for key in over:
            del self._exchanges[key]
        return silent
