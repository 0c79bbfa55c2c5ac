"""The requests of ours that are under way in one call: sent, repeated, and matched with their responses."""

from dataclasses import dataclass, field

from shared.sip.effects import Effect, Send
from shared.sip.exchanges import ClientExchange
from shared.sip.limits import MAX_CLIENT_TRANSACTIONS
from shared.sip.message import Response
from shared.sip.responses import ack_of_refusal
from shared.sip.transaction import Do, TxEvent, event_of


@dataclass(slots=True)
class ClientSide:
    """Client transactions of one call."""

    outbox: list[Effect]
    _exchanges: dict[tuple[str, str], ClientExchange] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._exchanges

    @property
    def full(self) -> bool:
        """Whether the peer has made us send more than a call needs: then only BYE and ACK still leave."""
        return len(self._exchanges) >= MAX_CLIENT_TRANSACTIONS

    @property
    def deadline(self) -> float | None:
        """When the next timer fires."""
        deadlines = (exchange.transaction.deadline for exchange in self._exchanges.values())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def begin(self, exchange: ClientExchange, now: float) -> None:
        """Send a request for the first time."""
        self._exchanges[exchange.key] = exchange
        exchange.transaction.begin(now)
        self._send(exchange)

    def drop(self, exchange: ClientExchange) -> None:
        """Forget a request that never left."""
        self._exchanges.pop(exchange.key, None)

    def abandon_invites(self, now: float) -> None:
        """Stop waiting for the final response of every INVITE that has none (they have no timer of their own)."""
        for exchange in self._exchanges.values():
            if exchange.open and exchange.request.method == "INVITE":
                exchange.transaction.take(TxEvent.ABANDON, now)

    def receive(self, response: Response, now: float) -> ClientExchange | None:
        """Take a response; return the request that it belongs to when its user must know, else None."""
        exchange = self._exchanges.get((response.vias[0].branch, response.cseq.method))
        if exchange is None:
            return None
        done = exchange.transaction.take(event_of(response.status), now)
        if Do.ACK in done:
            self.outbox.append(Send(bytes(ack_of_refusal(exchange.request, response)), exchange.to))
        self._sweep()
        return exchange if Do.DELIVER in done else None

    def expire(self, now: float) -> list[ClientExchange]:
        """Repeat what is due; return the requests that timed out."""
        timed_out = []
        for exchange in list(self._exchanges.values()):
            for done in exchange.transaction.expire(now):
                if done is Do.SEND:
                    self._send(exchange)
                elif done is Do.TIME_OUT:
                    timed_out.append(exchange)
        self._sweep()
        return timed_out

    def _send(self, exchange: ClientExchange) -> None:
        exchange.sends += 1
        self.outbox.append(Send(exchange.data, exchange.to))

    def _sweep(self) -> None:
        over = [key for key, exchange in self._exchanges.items() if exchange.transaction.over]
        for key in over:
            del self._exchanges[key]
