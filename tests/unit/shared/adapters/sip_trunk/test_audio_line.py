"""The audio of one call, turn by turn, without a clock."""

import asyncio
import random
import select
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress

import pytest
from typing_extensions import override

from shared.adapters.sip_trunk.audio_line import AudioLine
from shared.adapters.sip_trunk.datagrams import open_socket
from shared.adapters.sip_trunk.player import Player
from shared.adapters.sip_trunk.report_line import ReportLine
from shared.adapters.sip_trunk.ticker import Ticker
from shared.domain.disposition import CalleeType
from shared.rtp.keys import key_packets
from shared.rtp.outgoing import MAX_WAITING_KEYS
from shared.rtp.packet import RtpPacket, parse_rtp
from shared.sip.offer_answer import Media
from shared.sip.sdp import Codec, Direction

_KEY_TURNS = 9
_NEVER_SECONDS = 1e6


class Deaf:
    """Hears of nothing."""

    def key_heard(self, key: str) -> None:
        """Hear of a key."""

    def recording_full(self) -> None:
        """Hear of a recording."""

    def callee_known(self, callee_type: CalleeType) -> None:
        """Hear who answered."""


@pytest.mark.parametrize("seed", range(3))
async def test_keys_are_sent_as_far_as_there_is_room(seed: int) -> None:
    """Who keeps a finger on the keypad, or a machine that pretends to, fills no memory of ours."""
    far = open_socket("127.0.0.1", 0)
    ticker = Ticker()
    reports = ReportLine(open_socket("127.0.0.1", 0), ticker, note=lambda _: None)
    line = AudioLine(
        open_socket("127.0.0.1", 0),
        ticker,
        Player(lambda _id, _whole: None),
        Deaf(),
        reports=reports,
        released=lambda _: None,
    )
    line.connect(
        Media(
            host="127.0.0.1",
            port=int(far.getsockname()[1]),
            codec=Codec.PCMU,
            payload_type=0,
            event_payload_type=101,
            direction=Direction.SENDRECV,
            ptime_ms=20,
        )
    )
    keys = "".join(random.Random(seed).choices("0123456789*#", k=10_000))
    line.dial(keys[:100])
    for key in keys[100:]:
        line.dial(key)
    sent: list[RtpPacket] = []
    for _ in range((MAX_WAITING_KEYS + 10) * _KEY_TURNS):
        line.tick()
        sent.append(parse_rtp(far.recv(2000)))
    line.close()
    ticker.close()
    far.close()
    begun = [packet for packet in sent if packet.payload_type == 101 and packet.marker]
    assert len(begun) == MAX_WAITING_KEYS
    assert "".join("0123456789*#"[packet.payload[0]] for packet in begun) == keys[:MAX_WAITING_KEYS]


class Listening(Deaf):
    """Hears keys."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    @override
    def key_heard(self, key: str) -> None:
        self.keys.append(key)


@pytest.mark.parametrize("payload_type", [96, 101])
async def test_keys_are_heard_by_the_number_of_either_side(payload_type: int) -> None:
    """The callee answered 96 where we offered 101, and sends its keys as one or the other (RFC 3264, 6.1)."""
    far = open_socket("127.0.0.1", 0)
    ticker = Ticker()
    heard = Listening()
    reports = ReportLine(open_socket("127.0.0.1", 0), ticker, note=lambda _: None)
    line = AudioLine(
        open_socket("127.0.0.1", 0),
        ticker,
        Player(lambda _id, _whole: None),
        heard,
        reports=reports,
        released=lambda _: None,
    )
    line.connect(
        Media(
            host="127.0.0.1",
            port=int(far.getsockname()[1]),
            codec=Codec.PCMU,
            payload_type=0,
            event_payload_type=96,
            other_event_payload_type=101,
            direction=Direction.SENDRECV,
            ptime_ms=20,
        )
    )
    for packet in key_packets("5", payload_type=payload_type, ssrc=1, sequence=1, timestamp=160):
        far.sendto(packet.pack(), ("127.0.0.1", line.port))
        ticker.arrivals.deliver()
    line.close()
    ticker.close()
    far.close()
    assert heard.keys == ["5"]


async def test_a_line_keeps_its_attributes_where_they_are_found_without_a_look() -> None:
    """Beyond thirty CPython looks each of them up anew, a dozen in each of a hundred packets a second of each call."""
    ticker = Ticker()
    reports = ReportLine(open_socket("127.0.0.1", 0), ticker, note=lambda _: None)
    line = AudioLine(
        open_socket("127.0.0.1", 0),
        ticker,
        Player(lambda _id, _whole: None),
        Deaf(),
        reports=reports,
        released=lambda _: None,
    )
    count = len(vars(line))
    line.close()
    ticker.close()
    assert count <= 30


def voice(number: int, payload_type: int = 0) -> bytes:
    """Return a packet of audio."""
    return RtpPacket(payload_type, number, 160 * number, 7, b"\xff" * 160).pack()


def key(pressed: str, number: int) -> bytes:
    """Return the first packet of a key."""
    return next(
        key_packets(pressed, payload_type=101, ssrc=7, sequence=number, timestamp=160 * number)
    ).pack()


def bound_by_number(host: str) -> socket.socket:
    """Bind to a port that is asked for, as those of calls are: one that the system chose goes with the peer."""
    while True:
        with open_socket("0.0.0.0", 0) as free:
            port = int(free.getsockname()[1])
        with suppress(OSError):  # somebody else's by now
            return open_socket(host, port)


class Scene:
    """A connected line, its callee, and somebody else who sends to it."""

    def __init__(self, *, host: str = "127.0.0.1", home: str = "127.0.0.1", to: str = "127.0.0.1") -> None:
        self.stack = ExitStack()
        self.heard = Listening()
        self.far, self.other = (self.opened() for _ in range(2))
        self.ticker = Ticker(frame_seconds=_NEVER_SECONDS)  # turns are given by hand
        self.line = AudioLine(
            bound_by_number(host),
            self.ticker,
            Player(lambda _id, _whole: None),
            self.heard,
            reports=ReportLine(open_socket("127.0.0.1", 0), self.ticker, note=lambda _: None),
            released=lambda _: None,
            home=home,
        )
        self.to = (to, self.line.port)
        self.number = 0
        self.describe(self.far)

    def opened(self, port: int = 0) -> socket.socket:
        """Open a socket for as long as the scene."""
        return self.stack.enter_context(open_socket("127.0.0.1", port))

    def describe(self, far: socket.socket) -> None:
        """Agree on where the callee is."""
        host, port = far.getsockname()
        self.line.connect(
            Media(
                host=host,
                port=port,
                codec=Codec.PCMU,
                payload_type=0,
                event_payload_type=101,
                direction=Direction.SENDRECV,
                ptime_ms=20,
            )
        )

    def say(self, sender: socket.socket, count: int = 1) -> None:
        """Send audio, and give the line the chance to read it."""
        for _ in range(count):
            self.number += 1
            sender.sendto(voice(self.number), self.to)
            self.ticker.arrivals.deliver()

    def press(self, sender: socket.socket, pressed: str) -> None:
        """Send a key, and give the line the chance to read it."""
        self.number += 1
        sender.sendto(key(pressed, self.number), self.to)
        self.ticker.arrivals.deliver()

    async def hears(self, sender: socket.socket, count: int = 1) -> None:
        """Send audio, each packet of which must be taken for the callee's before the next is sent."""
        for _ in range(count):
            wanted = self.line.received + 1
            self.say(sender)
            await self.until(lambda wanted=wanted: self.line.received >= wanted)  # type: ignore[misc]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Read what comes until something holds."""
        async with asyncio.timeout(60):
            while not condition():
                self.ticker.arrivals.deliver()
                await asyncio.sleep(0)

    def is_sent_to(self, listener: socket.socket) -> bool:
        """Give the line a turn; return whether its packet comes here."""
        self.line.tick()
        return bool(select.select([listener], [], [], 60)[0] and listener.recv(2000))

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.ticker.now += seconds

    def close(self) -> None:
        """End the call."""
        self.line.close()
        self.ticker.close()
        self.stack.close()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Connect a line to a callee."""
    opened = Scene()
    yield opened
    opened.close()


async def test_nobody_else_is_heard_while_the_callee_is(scene: Scene) -> None:
    """Not even with what lay on the socket before the callee's first packet was read."""
    for packet in (key("1", 1), key("2", 2)):
        scene.other.sendto(packet, scene.to)
    scene.far.sendto(voice(3), scene.to)
    scene.other.sendto(key("3", 4), scene.to)
    await scene.until(lambda: scene.line.received == 1)
    scene.number = 4
    for pressed, sender in (("4", scene.other), ("5", scene.far), ("6", scene.other), ("7", scene.far)):
        scene.press(sender, pressed)
    await scene.until(lambda: scene.heard.keys[-1:] == ["7"])
    scene.say(scene.other, 20)
    await scene.hears(scene.far, 20)
    assert scene.heard.keys == ["5", "7"]


async def test_others_are_passed_over_by_the_machine_itself(scene: Scene) -> None:
    """For as long as the callee talks, so that they cost us nothing: it says that nobody is there."""
    for _ in range(100):
        await scene.hears(scene.far)
        assert scene.is_sent_to(scene.far)
        scene.wait(0.02)
    scene.other.connect(scene.to)
    async with asyncio.timeout(60):
        with suppress(ConnectionRefusedError):
            while True:
                scene.other.send(voice(1))
                await asyncio.sleep(0)


async def test_another_source_may_follow_only_when_the_callee_is_silent(scene: Scene) -> None:
    """Two seconds, and three packets; and the callee is believed at once when it sends again."""
    await scene.hears(scene.far, 20)
    for _ in range(3):
        scene.wait(0.5)
        assert scene.is_sent_to(scene.far)
        scene.say(scene.other, 5)
        assert scene.is_sent_to(scene.far)
    scene.wait(0.6)
    assert scene.is_sent_to(scene.far)
    scene.say(scene.other, 2)
    await scene.hears(scene.other, 5)
    assert scene.is_sent_to(scene.other)
    scene.press(scene.other, "1")
    await scene.until(lambda: scene.heard.keys == ["1"])
    await scene.hears(scene.far, 5)
    assert scene.is_sent_to(scene.far)
    scene.press(scene.other, "2")
    scene.press(scene.far, "3")
    await scene.until(lambda: len(scene.heard.keys) > 1)
    assert scene.heard.keys == ["1", "3"]


async def test_a_callee_who_moves_by_its_description_is_heard_and_answered_there(scene: Scene) -> None:
    """At once, and who is at the old address no more."""
    await scene.hears(scene.far, 20)
    scene.describe(scene.other)
    assert scene.is_sent_to(scene.other)
    await scene.hears(scene.other, 20)
    scene.press(scene.far, "1")
    scene.press(scene.other, "2")
    await scene.until(lambda: bool(scene.heard.keys))
    assert scene.heard.keys == ["2"]


@pytest.mark.parametrize("home", ["127.0.0.1", "192.0.2.1"])
async def test_who_talks_is_not_cut_out(home: str) -> None:
    """Whoever else sends all the while, and whether the machine passes over that or we do."""
    scene = Scene(host="0.0.0.0", home=home)
    for _ in range(200):
        await scene.hears(scene.far)
        scene.say(scene.other)
        scene.wait(0.02)
    assert scene.is_sent_to(scene.far)
    assert scene.line.received == 200
    scene.close()


@pytest.mark.parametrize("reads", [True, False])
async def test_a_callee_whose_port_is_closed_for_a_while_is_there_again_afterwards(
    scene: Scene, *, reads: bool
) -> None:
    """What its machine says of that ends nothing, and costs no packet more than were sent into the void."""
    await scene.hears(scene.far, 20)
    port = int(scene.far.getsockname()[1])
    scene.far.close()
    for _ in range(3):
        scene.line.tick()
        if reads:
            scene.ticker.arrivals.deliver()
    again = scene.opened(port)
    for _ in range(5):
        assert scene.is_sent_to(again)
        await scene.hears(again, 10)
    assert scene.line.unsent == 0


async def test_a_callee_is_heard_alone_again_after_a_pause(scene: Scene) -> None:
    """When nobody else has taken its place meanwhile."""
    await scene.hears(scene.far, 20)
    scene.wait(5)
    assert scene.is_sent_to(scene.far)
    scene.say(scene.other, 2)
    await scene.hears(scene.far, 20)
    scene.press(scene.other, "1")
    scene.press(scene.far, "2")
    await scene.until(lambda: bool(scene.heard.keys))
    assert scene.heard.keys == ["2"]


@pytest.mark.parametrize(("home", "to"), [("127.0.0.1", "127.0.0.1"), ("192.0.2.1", "127.0.0.2")])
async def test_a_line_on_all_addresses_is_found_where_the_far_end_was_told(home: str, to: str) -> None:
    """Also where that is not the address from which the way to it begins."""
    scene = Scene(host="0.0.0.0", home=home, to=to)
    await scene.hears(scene.far, 20)
    assert scene.is_sent_to(scene.far)
    await scene.hears(scene.far, 20)
    scene.close()
