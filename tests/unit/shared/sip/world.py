"""A network on a virtual clock, with a scripted callee at its other end.

The callee reads and writes SIP as text, by itself: it must be able to contradict the engine under test.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from shared.sip.digest import Credentials
from shared.sip.effects import Answered, CallEvent, Effect, Ended, Failed, Forget, Pinged, Send, Tell, Wake
from shared.sip.exchanges import Endpoint
from shared.sip.headers import NameAddr
from shared.sip.order import Order
from shared.sip.sdp import LocalMedia
from shared.sip.uri import SipUri, dialled_uri
from shared.sip.user_agent import UserAgent

US = ("192.0.2.1", 5060)
CALLEE = ("192.0.2.9", 5060)
SDP = (
    "v=0\r\no=- 7 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
)
HELD_SDP = SDP.replace("o=- 7 1", "o=- 7 2") + "a=sendonly\r\n"
MOVED_SDP = SDP.replace("o=- 7 1", "o=- 7 3").replace("c=IN IP4 192.0.2.9", "c=IN IP4 192.0.2.77")


def order(call_id: str = "fence-1", /, **changes: object) -> Order:
    """Return an order as the dialer would give it."""
    fields: dict[str, object] = {
        "call_id": call_id,
        "callee": dialled_uri("+12025550123", host="192.0.2.9"),
        "caller": NameAddr(uri=SipUri(user="+12025550199", host="192.0.2.1")),
        "trunk": CALLEE,
        "local": LocalMedia(host="192.0.2.1", port=30000, session_id=1),
        "ring_seconds": 30.0,
        "longest_seconds": 600.0,
        "credentials": Credentials(username="alice", password="secret"),
        "session_seconds": None,
    }
    return Order(**(fields | changes))  # type: ignore[arg-type]


def heads(text: str) -> dict[str, list[str]]:
    """Return the headers of a message by lower-case name."""
    found: dict[str, list[str]] = {}
    for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        name, _, value = line.partition(":")
        found.setdefault(name.lower(), []).append(value.strip())
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """One response of the callee, so long after the one before."""

    after: float
    status: int
    sdp: str = ""
    headers: tuple[str, ...] = ()
    tag: str = "callee"


@dataclass(slots=True)
class World:
    """The clock, the wire and the user agent under test."""

    seed: int = 1
    loss: float = 0.0
    duplicate: float = 0.0
    latency: tuple[float, float] = (0.01, 0.01)
    now: float = 1000.0
    events: list[tuple[str, CallEvent | Pinged]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    wakes: dict[str, float] = field(default_factory=dict)
    #: Everything that left either side, before loss: instant, sender, text.
    log: list[tuple[float, str, str]] = field(default_factory=list)
    agent: UserAgent = field(init=False)
    dice: random.Random = field(init=False)
    peer: Callable[[str], None] | None = None
    _heap: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.agent = UserAgent(
            endpoint=Endpoint(host=US[0], port=US[1]), dice=random.Random(f"agent {self.seed}")
        )

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something after so many seconds."""
        heapq.heappush(self._heap, (self.now + seconds, next(self._count), action))

    def act(self, effects: list[Effect]) -> None:
        """Carry effects out, as an adapter would."""
        for effect in effects:
            match effect:
                case Send(data, _):
                    text = data.decode()
                    self.log.append((self.now, "us", text))
                    self._carry(lambda text=text: self.peer and self.peer(text))  # type: ignore[misc]
                case Wake(call_id, at):
                    self.wakes.pop(call_id, None)
                    if at is not None:
                        self.wakes[call_id] = at
                case Tell(call_id, event):
                    self.events.append((call_id, event))
                case Forget(call_id):
                    assert call_id not in self.wakes
                    self.forgotten.append(call_id)

    def to_us(self, text: str) -> None:
        """Send a message to the user agent under test."""
        self.log.append((self.now, "callee", text))
        self._carry(lambda: self.act(self.agent.receive(text.encode(), CALLEE, self.now)))

    def _carry(self, deliver: Callable[[], object]) -> None:
        """Lose, double and delay a datagram, each by chance."""
        copies = 2 if self.dice.random() < self.duplicate else 1
        for _ in range(copies):
            if self.dice.random() >= self.loss:
                self.later(self.dice.uniform(*self.latency), deliver)

    def run(self, seconds: float = 4000.0) -> None:
        """Let time pass until nothing is left to happen, or so long."""
        end = self.now + seconds
        while True:
            wake = min(((at, call_id) for call_id, at in self.wakes.items()), default=None)
            if wake and (not self._heap or wake[0] <= self._heap[0][0]):
                if wake[0] > end:
                    break
                self.now = max(self.now, wake[0])
                del self.wakes[wake[1]]
                before = len(self.log)
                effects = self.agent.wake(wake[1], self.now)
                self.act(effects)
                assert wake[1] not in self.wakes or self.wakes[wake[1]] > self.now or len(self.log) > before
            elif self._heap and self._heap[0][0] <= end:
                self.now, _, action = heapq.heappop(self._heap)
                action()
            else:
                break
        self.now = end

    def told(self, call_id: str = "fence-1") -> list[CallEvent | Pinged]:
        """Return what was told of a call."""
        return [event for key, event in self.events if key == call_id]

    def last(self, call_id: str = "fence-1") -> CallEvent | Pinged:
        """Return how a call ended."""
        return self.told(call_id)[-1]

    def first_lines(self, sender: str) -> list[str]:
        """Return what one side sent, by first lines, repetitions included."""
        return [text.split("\r\n")[0] for _, who, text in self.log if who == sender]

    def methods(self) -> list[str]:
        """Return the requests that we sent, each once, in order."""
        seen: dict[tuple[str, str], None] = {}
        for _, who, text in self.log:
            if who == "us" and not text.startswith("SIP/2.0"):
                seen.setdefault((heads(text)["via"][0], text.split(" ")[0]))
        return [method for _, method in seen]

    def invites(self) -> list[str]:
        """Return the branches of our INVITEs outside of a dialog, each once."""
        texts = [text for _, who, text in self.log if who == "us" and text.startswith("INVITE")]
        return list(
            dict.fromkeys(heads(text)["via"][0] for text in texts if ";tag=" not in heads(text)["to"][0])
        )

    def assert_clean(self, call_id: str = "fence-1") -> None:
        """Assert that a call is over, told once, and has left nothing."""
        finals = [event for event in self.told(call_id) if isinstance(event, Failed | Ended)]
        assert len(finals) == 1
        assert self.told(call_id)[-1] is finals[0]
        assert sum(isinstance(event, Answered) for event in self.told(call_id)) <= 1
        assert isinstance(finals[0], Failed) or any(isinstance(e, Answered) for e in self.told(call_id))
        assert self.forgotten.count(call_id) == 1
        assert not self.wakes
        assert len(self.agent) == 0


@dataclass(slots=True)
class Callee:
    """A scripted user agent server that keeps RFC 3261's rules of repetition."""

    world: World
    #: What it says to an INVITE; a list of scripts is used up INVITE by INVITE.
    scripts: list[list[Step]]
    #: What it does once its 2xx is acknowledged: after so long, a method, with a body.
    requests: tuple[tuple[float, str, str, tuple[str, ...]], ...] = ()
    contact: str = "<sip:callee@192.0.2.9>"
    record_route: str = ""
    answers_bye: bool = True
    answers_cancel: bool = True
    acks_our_answers: bool = True
    #: What it says to any other request within the dialog.
    other: Step = field(default_factory=lambda: Step(0, 200))
    invites: dict[str, list[Step]] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    final: dict[str, int] = field(default_factory=dict)
    acked: set[str] = field(default_factory=set)
    acks: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    hung_up: bool = False
    _cseq: int = 100

    def __post_init__(self) -> None:
        self.world.peer = self.receive

    def receive(self, text: str) -> None:
        """Take a datagram."""
        self.received.append(text)
        if text.startswith("SIP/2.0"):
            self.replies.append(text)
            if (
                self.acks_our_answers
                and int(text.split(" ")[1]) >= 200
                and "INVITE" in heads(text)["cseq"][0]
            ):
                self._ack(text)
            return
        method = text.split(" ", maxsplit=1)[0]
        {"INVITE": self._invite, "CANCEL": self._cancel, "ACK": self._acked, "BYE": self._bye}.get(
            method, self._other
        )(text)

    def _invite(self, text: str) -> None:
        branch = heads(text)["via"][0]
        if ";tag=" in heads(text)["to"][0]:
            self.reply(text, Step(0, 200, SDP))
            return
        if branch in self.invites:
            if branch in self.sent and branch not in self.acked:
                self.world.to_us(self.sent[branch])
            return
        self.invites[branch] = script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self._go_on(text, branch, list(script))

    def _go_on(self, text: str, branch: str, script: list[Step]) -> None:
        if not script:
            return
        step = script.pop(0)

        def say() -> None:
            if branch in self.final and self.final[branch] >= 300:
                return
            self.sent[branch] = self.reply(text, step)
            if step.status >= 200:
                self.final[branch] = step.status
                self._repeat(branch, 0.5, self.world.now + 32)
            self._go_on(text, branch, script)

        self.world.later(step.after, say)

    def _repeat(self, branch: str, wait: float, until: float) -> None:
        def again() -> None:
            if branch not in self.acked and self.world.now < until:
                self.world.to_us(self.sent[branch])
                self._repeat(branch, min(2 * wait, 4.0), until)

        self.world.later(wait, again)

    def reply(self, text: str, step: Step) -> str:
        """Send a response to a request."""
        found = heads(text)
        to = found["to"][0]
        if step.status > 100 and ";tag=" not in to:
            to += f";tag={step.tag}"
        lines = [
            f"SIP/2.0 {step.status} Whatever It Is",
            *(f"Via: {via.replace(';rport', f';received={US[0]};rport=5061')}" for via in found["via"]),
            f"From: {found['from'][0]}",
            f"To: {to}",
            f"Call-ID: {found['call-id'][0]}",
            f"CSeq: {found['cseq'][0]}",
            *([f"Contact: {self.contact}"] if step.status > 100 else []),
            *([f"Record-Route: {self.record_route}"] if self.record_route and step.status > 100 else []),
            *step.headers,
            *(["Content-Type: application/sdp"] if step.sdp else []),
            f"Content-Length: {len(step.sdp)}",
        ]
        message = "\r\n".join(lines) + "\r\n\r\n" + step.sdp
        self.world.to_us(message)
        return message

    def _cancel(self, text: str) -> None:
        if not self.answers_cancel:
            return
        branch = heads(text)["via"][0]
        self.reply(text, Step(0, 200))
        if branch in self.invites and branch not in self.final:
            invite = next(m for m in self.received if m.startswith("INVITE") and heads(m)["via"][0] == branch)
            self.final[branch] = 487
            self.sent[branch] = self.reply(invite, Step(0, 487))
            self._repeat(branch, 0.5, self.world.now + 32)

    def _acked(self, text: str) -> None:
        number = heads(text)["cseq"][0].split(" ")[0]
        self.acks.append(text)
        for message in list(self.received):
            if message.startswith("INVITE") and heads(message)["cseq"][0].split(" ")[0] == number:
                branch = heads(message)["via"][0]
                first = branch not in self.acked and self.final.get(branch, 0) // 100 == 2
                self.acked.add(branch)
                if first:
                    for after, method, body, extra in self.requests:
                        self.world.later(after, partial(self.request, text, method, body, extra))

    def _bye(self, text: str) -> None:
        self.hung_up = True
        if self.answers_bye:
            self.reply(text, Step(0, 200))

    def _other(self, text: str) -> None:
        self.reply(text, self.other)

    def request(self, of: str, method: str, body: str = "", extra: tuple[str, ...] = ()) -> str:
        """Send a request within the dialog of this ACK."""
        self._cseq += 1
        found = heads(of)
        lines = [
            f"{method} sip:{US[0]}:{US[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {CALLEE[0]}:{CALLEE[1]};branch=z9hG4bKcallee{self._cseq};rport",
            f"From: {found['to'][0]}",
            f"To: {found['from'][0]}",
            f"Call-ID: {found['call-id'][0]}",
            f"CSeq: {self._cseq} {method}",
            "Max-Forwards: 70",
            f"Contact: {self.contact}",
            *extra,
            *(["Content-Type: application/sdp"] if body.startswith("v=0") else []),
            f"Content-Length: {len(body)}",
        ]
        message = "\r\n".join(lines) + "\r\n\r\n" + body
        self._until_answered(message, 0.5, self.world.now + 32)
        return message

    def _until_answered(self, message: str, wait: float, until: float) -> None:
        branch = heads(message)["via"][0].split(";rport")[0]
        if any(branch in reply for reply in self.replies) or self.world.now > until:
            return
        self.world.to_us(message)
        self.world.later(wait, lambda: self._until_answered(message, min(2 * wait, 4.0), until))

    def _ack(self, response: str) -> None:
        """Acknowledge our answer to the callee's own re-INVITE."""
        found = heads(response)
        lines = [
            f"ACK sip:{US[0]}:{US[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {CALLEE[0]}:{CALLEE[1]};branch=z9hG4bKack{self._cseq};rport",
            f"From: {found['from'][0]}",
            f"To: {found['to'][0]}",
            f"Call-ID: {found['call-id'][0]}",
            f"CSeq: {found['cseq'][0].split(' ')[0]} ACK",
            "Content-Length: 0",
        ]
        self.world.to_us("\r\n".join(lines) + "\r\n\r\n")
