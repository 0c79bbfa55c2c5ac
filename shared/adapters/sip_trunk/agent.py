"""The SIP user agent on a socket: it carries out what the engine asks for, and keeps its clock.

One socket, one heap of alarms and one timer of the loop for all calls. An alarm that was replaced stays in the heap
until its time or until the heap is mostly such leftovers; `_wakes` says which entries still count.
"""

import asyncio
import heapq
import re
import socket
from collections.abc import Callable
from typing import Final

from shared.adapters.sip_trunk.datagrams import Address, Datagrams
from shared.clock import monotonic_seconds
from shared.sip.call_table import CallState
from shared.sip.effects import CallEvent, Effect, Forget, Pinged, Send, Tell, Wake
from shared.sip.order import Order
from shared.sip.uri import SipUri
from shared.sip.user_agent import UserAgent

#: What hears of a call, and that nothing of it is left (None).
Listener = Callable[[CallEvent | None], None]
#: What hears the answer to an OPTIONS, or that there is none; None says that the network has nobody there.
PingListener = Callable[[Pinged | None], None]

#: An ICMP error quotes at least 8 bytes of UDP (RFC 792), Linux 500 and more (RFC 1812, 4.3.2.3). A request is
#: recognised by its first lines, in which its branch stands; a shorter quotation proves nothing.
_BRANCH: Final = re.compile(
    rb"\A(?P<method>INVITE|OPTIONS) [^\r\n]*\r\nVia: [^\r\n]*;branch=(?P<branch>[^;\r\n]+)"
)
#: Leftovers below this are not worth a rebuild.
_FEW_ALARMS: Final = 256


class SipAgent:
    """Calls and keep-alives on one socket of the running loop."""

    def __init__(self, user_agent: UserAgent) -> None:
        self._agent = user_agent
        self._loop = asyncio.get_running_loop()
        self._socket: Datagrams | None = None
        self._listeners: dict[str, Listener] = {}
        self._pings: dict[str, PingListener] = {}
        #: The branch of each INVITE or OPTIONS that has not been answered, and what it belongs to.
        self._unanswered: dict[bytes, str] = {}
        self._branches: dict[str, bytes] = {}
        self._wakes: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._timer: asyncio.Handle | None = None
        #: For when it is set; not every loop's handle says so.
        self._timer_at = 0.0

    def open(self, bound: Datagrams) -> None:
        """Begin to send through this socket, which hands what it hears to `received` and `refused`."""
        self._socket = bound

    @property
    def family(self) -> socket.AddressFamily:
        """Which addresses can be reached; any before a socket is open."""
        return socket.AddressFamily.AF_UNSPEC if self._socket is None else self._socket.family

    @property
    def calls(self) -> int:
        """How many calls are not yet forgotten."""
        return len(self._agent)

    def place(self, order: Order, listener: Listener) -> None:
        """Start a call; raises the engine's TooManyCalls and BadArgument."""
        effects = self._agent.place(order, self._now())
        self._listeners[order.call_id] = listener
        self._act(effects)

    def hang_up(self, call_id: str) -> None:
        """End a call; nothing when it is already forgotten."""
        self._act(self._agent.hang_up(call_id, self._now()))

    def unheard(self, call_id: str) -> bool:
        """Whether a call's INVITE is without any response, not even 100."""
        call = self._agent.call(call_id)
        return call is not None and call.state is CallState.CALLING

    @property
    def quiet(self) -> bool:
        """Whether nothing is left to be said to anybody: what remains only waits for stragglers."""
        states = (self._agent.call(call_id) for call_id in self._listeners)
        return all(call is None or call.state is CallState.TERMINATED for call in states)

    def ping(self, target: SipUri, to: Address, listener: PingListener) -> None:
        """Send an OPTIONS; the listener hears of its answer once. Raises the engine's TooManyCalls."""
        effects = self._agent.ping(target, to, self._now())
        self._pings |= {effect.call_id: listener for effect in effects if isinstance(effect, Wake)}
        self._act(effects)

    def close(self) -> None:
        """Stop at once; nothing is told or sent any more."""
        self._listeners.clear()
        self._pings.clear()
        self._wakes.clear()
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.close()

    # What the socket brings.

    def received(self, datagram: bytes, source: Address) -> None:
        """Take a datagram."""
        self._act(self._agent.receive(datagram, source, self._now()))

    def refused(self, quoted: bytes, _to: Address) -> None:
        """Take note that the network had nobody for a datagram that begins like this."""
        found = _BRANCH.match(quoted)
        key = None if found is None else self._unanswered.get(found["branch"])
        if key is None:
            return
        if (ping := self._pings.pop(key, None)) is not None:
            self._answered(key)
            ping(None)
        else:
            self._act(self._agent.unroutable(key, self._now()))

    # What the engine wants.

    def _act(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(data, to):
                    self._send(data, to)
                case Wake(call_id, at):
                    self._set_alarm(call_id, at)
                case Tell(call_id, event):
                    self._tell(call_id, event)
                case Forget(call_id):
                    self._forget(call_id)
        self._note_branches(effects)
        self._set_timer()

    def _note_branches(self, effects: list[Effect]) -> None:
        """Remember which datagram belongs to whom: the effects of one step are all of one call."""
        key = next((effect.call_id for effect in effects if isinstance(effect, Wake)), None)
        if key is None or (key not in self._listeners and key not in self._pings):
            return
        for effect in effects:
            found = _BRANCH.match(effect.data) if isinstance(effect, Send) else None
            if found is not None:
                self._answered(key)
                self._unanswered[found["branch"]] = key
                self._branches[key] = found["branch"]

    def _answered(self, key: str) -> None:
        branch = self._branches.pop(key, None)
        if branch is not None:
            self._unanswered.pop(branch, None)

    def _send(self, data: bytes, to: Address) -> None:
        if self._socket is not None:
            self._socket.send(data, to)

    def _tell(self, key: str, event: CallEvent | Pinged) -> None:
        self._answered(key)
        if isinstance(event, Pinged):
            if (ping := self._pings.pop(key, None)) is not None:
                ping(event)
        elif (listener := self._listeners.get(key)) is not None:
            listener(event)

    def _forget(self, key: str) -> None:
        self._answered(key)
        self._wakes.pop(key, None)
        self._pings.pop(key, None)
        if (listener := self._listeners.pop(key, None)) is not None:
            listener(None)

    # The clock.

    def _now(self) -> float:
        # The loop's own word is as old as its iteration: a retransmission would be timed by what came before it.
        return monotonic_seconds()

    def _set_alarm(self, key: str, at: float | None) -> None:
        if at is None:
            self._wakes.pop(key, None)
            return
        self._wakes[key] = at
        heapq.heappush(self._heap, (at, key))
        if len(self._heap) > _FEW_ALARMS + 2 * len(self._wakes):
            self._heap = [(due, who) for who, due in self._wakes.items()]
            heapq.heapify(self._heap)

    def _set_timer(self) -> None:
        while self._heap and self._wakes.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        due = self._heap[0][0] if self._heap else None
        if self._timer is not None:
            if due is not None and self._timer_at <= due:
                return  # it looks again when it fires
            self._timer.cancel()
        self._timer = None
        if due is not None:
            self._timer, self._timer_at = self._loop.call_at(due, self._ring), due

    def _ring(self) -> None:
        self._timer = None
        now = self._now()
        try:
            while self._heap and self._heap[0][0] <= now:
                at, key = heapq.heappop(self._heap)
                if self._wakes.get(key) == at:
                    del self._wakes[key]
                    self._act(self._agent.wake(key, now))
        finally:
            self._set_timer()  # a mistake of ours in one call must not stop the clock of all others
