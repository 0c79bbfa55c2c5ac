"""A trunk that answers at random and out of its mind: every call ends once, and nothing of it is left.

Seeded, in this process, with the timers of a test: refusals, forks, answers after a CANCEL, good-byes by the dozen,
descriptions that are none, keys and audio of nobody's, while the calls play, record and transfer.
"""

import asyncio
import gc
import itertools
import random
import re
import socket
import struct
from collections import Counter
from dataclasses import replace
from typing import Final

import pytest

from shared.adapters.sip_trunk.datagrams import Address, open_socket
from shared.adapters.sip_trunk.sip_call import SipCall
from shared.adapters.sip_trunk.telephony import SipTelephony
from shared.domain.routing import Route
from shared.sip.timing import Timings
from shared.telephony.port import Answered, Ended, LiveCall, NoTrunk, Silence, TransferEnded
from tests.sip.caller import call_to, caller, trunk

CALLS: Final = 120
_AT_ONCE: Final = 60
_RINGS: Final = range(180, 190)
#: Of <asm/socket.h> and <linux/sock_diag.h>: what a socket's buffers hold and may hold, nine numbers.
_SO_MEMINFO: Final = 55
_MEMORY_OF_SOCKET: Final = struct.Struct("@9I")
#: What the trunk does takes half a second: what is not there so much later was never said, on a slow machine too.
SLOW_SECONDS: Final = 5.0
#: 64*T1 is longer than that; a good-bye that is not heard for so long is none.
TIMINGS: Final = Timings(t1_seconds=0.1, t2_seconds=1.0, t4_seconds=0.1)
#: After which a test has failed, whatever the machine does.
PATIENCE_SECONDS: Final = 500.0


def heads(text: str) -> dict[str, str]:
    """Return the headers of a message by lower-case name, the first of each."""
    found: dict[str, str] = {}
    for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        name, _, value = line.partition(":")
        found.setdefault(name.lower(), value.strip())
    return found


class Hostile:
    """A trunk; `refused` is what all of them told one dialer, whose socket brings it in the order of its sending."""

    def __init__(self, seed: int, refused: dict[str, bool]) -> None:
        self.dice = random.Random(seed)
        self.loop = asyncio.get_running_loop()
        self.bound, self.audio, self.stranger = (open_socket("127.0.0.1", 0) for _ in range(3))
        self.port, self.audio_port = (int(one.getsockname()[1]) for one in (self.bound, self.audio))
        self.us: Address = ("127.0.0.1", 9)
        #: The socket that hears us, in this same process.
        self.dialer: socket.socket | None = None
        self.branches: set[str] = set()
        self.rang: set[str] = set()
        #: By call: whether its phone had rung when it was first refused.
        self.refused = refused
        #: Dialogs that were acknowledged and are not over.
        self.talking: set[tuple[str, str]] = set()
        self.over: set[tuple[str, str]] = set()
        self.rang_twice: list[str] = []
        self.cseq = 1
        self.loop.add_reader(self.bound.fileno(), self.readable)

    def close(self) -> None:
        """Say nothing more."""
        self.loop.remove_reader(self.bound.fileno())
        for one in (self.bound, self.audio, self.stranger):
            one.close()

    def say(self, text: str, *, about: str = "", status: int = 0) -> None:
        """Send a message a little later, some twice, and some of them damaged or from a stranger as well."""
        for _ in range(self.dice.choice((1, 1, 1, 2))):
            self.loop.call_later(self.dice.random() * 0.03, self.send, text.encode(), about, status)
        if self.dice.random() < 0.1:
            damaged = bytearray(text.encode())
            damaged[self.dice.randrange(len(damaged))] = self.dice.randrange(256)
            self.loop.call_later(0.01, self.send, bytes(damaged), about, 0 if status in _RINGS else status)

    def send(self, data: bytes, about: str, status: int) -> None:
        """Send now."""
        if self.bound.fileno() < 0:
            return
        if self.dialer is not None and has_much_to_read(self.dialer):
            # What the kernel drops was never said, and a phone that rang unheard is no phone that is rung twice.
            self.loop.call_later(0.01, self.send, data, about, status)
            return
        if about and status in _RINGS:
            self.rang.add(about)
        elif about and status >= 300:
            self.refused.setdefault(about, about in self.rang)
        self.bound.sendto(data, self.us)

    def sdp(self) -> str:
        """Return a description, most of them sound."""
        dice = self.dice
        host = dice.choice(("127.0.0.1",) * 9 + ("0.0.0.0", "224.1.2.3", "240.0.0.1"))
        kinds = dice.choice(("0 101", "0 101", "8 101", "0", "18"))
        way = dice.choice(("sendrecv", "sendrecv", "sendonly", "inactive"))
        sound = (
            f"v=0\r\no=- 7 {dice.randrange(99)} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {self.audio_port} RTP/AVP {kinds}\r\na=rtpmap:101 telephone-event/8000\r\na={way}\r\n"
        )
        return dice.choice((sound,) * 12 + ("", "v=0\r\n" + "m=audio 1 RTP/AVP 0\r\n" * 300))

    def answer(self, text: str, status: int, *, sdp: str = "", tag: str = "t") -> None:
        """Answer a request."""
        found = heads(text)
        to = found["to"] if ";tag=" in found["to"] or status == 100 else f"{found['to']};tag={tag}"
        more = self.dice.choice(
            (
                "",
                "",
                'WWW-Authenticate: Digest realm="a", nonce="1"\r\n',
                "Retry-After: 0\r\n",
                "Reason: Q.850;cause=999\r\n",
                "Require: 100rel\r\nRSeq: 1\r\n",
                f"X: {'a' * 4000}\r\n",
                "Session-Expires: 1;refresher=uac\r\n",
            )
        )
        self.say(
            f"SIP/2.0 {status} So\r\nVia: {found['via']}\r\nFrom: {found['from']}\r\nTo: {to}\r\n"
            f"Call-ID: {found['call-id']}\r\nCSeq: {found['cseq']}\r\nContact: <sip:x@127.0.0.1:{self.port}>\r\n{more}"
            f"{'Content-Type: application/sdp' if sdp else 'X: y'}\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}",
            about=base_of(found["call-id"]) if "INVITE" in found["cseq"] else "",
            status=status,
        )

    def ask(self, invite: str, method: str, tag: str = "t") -> None:
        """Send a request within a call."""
        self.cseq += 1
        found, sdp = heads(invite), self.sdp() if method in {"INVITE", "UPDATE"} else ""
        self.say(
            f"{method} sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{self.cseq};rport\r\n"
            f"From: {found['to']};tag={tag}\r\nTo: {found['from']}\r\nCall-ID: {found['call-id']}\r\n"
            f"CSeq: {self.cseq} {method}\r\nContent-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
        )

    def readable(self) -> None:
        """Hear all that we said: whoever takes one datagram a turn falls behind on a slow machine, and loses some."""
        while self.bound.fileno() >= 0:
            try:
                data, self.us = self.bound.recvfrom(65_535)
            except BlockingIOError:
                return
            self.hear(data.decode())

    def hear(self, text: str) -> None:
        """Take a message."""
        method, found = text.split(" ", maxsplit=1)[0], heads(text)
        tag = found["to"].partition(";tag=")[2]
        match method:
            case "INVITE" if not tag:
                self.invited(text, found)
            case "INVITE" | "UPDATE" | "PRACK":
                self.answer(text, self.dice.choice((200, 200, 401, 481, 491)), sdp=self.sdp())
            case "CANCEL":
                self.cancelled(text)
            case "ACK" if found["via"] not in self.branches:  # of a 2xx: of its own
                self.talking.add((found["call-id"], tag))
            case "BYE":
                self.over.add((found["call-id"], tag))
                self.answer(text, self.dice.choice((200, 200, 481, 500)))
            case _:
                pass

    def invited(self, text: str, found: dict[str, str]) -> None:
        """Let it ring, refuse it, answer it, answer it many times, or say nothing."""
        if found["via"] in self.branches:
            return
        self.branches.add(found["via"])
        dice, after = self.dice, 0.0
        if self.refused.get(base_of(found["call-id"])):
            self.rang_twice.append(found["call-id"])
        for _ in range(dice.randrange(4)):
            after += dice.random() * 0.1
            self.loop.call_later(after, self.answer, text, dice.choice((100, 180, 181, 183, 199)))
        last = dice.choice((200,) * 14 + (401, 407, 404, 422, 486, 487, 503, 503, 603, 302, 699, 0, 0))
        if last:
            self.loop.call_later(after + dice.random() * 0.2, self.settle, text, last)

    def settle(self, text: str, status: int) -> None:
        """Give the final response, and after a good one no peace."""
        if status >= 300:
            self.answer(text, status)
            return
        for fork in range(self.dice.choice((1, 1, 1, 2, 40))):
            self.answer(text, status, sdp=self.sdp(), tag=f"t{fork}" if fork else "t")
        for _ in range(self.dice.choice((0, 1, 3, 30))):
            kind = self.dice.choice(
                ("INVITE", "INVITE", "UPDATE", "INFO", "OPTIONS", "ACK", "REFER", "CANCEL")
            )
            self.loop.call_later(self.dice.random() * 0.3, self.ask, text, kind)
        self.noise(text)

    def cancelled(self, text: str) -> None:
        """End the call, or answer it all the same, or neither."""
        self.answer(text, 200)
        invite = text.replace(" CANCEL\r\n", " INVITE\r\n")
        chance = self.dice.random()
        if chance < 0.8:
            self.answer(invite, 487 if chance < 0.4 else 200, sdp=self.sdp())

    def noise(self, invite: str) -> None:
        """Send audio, keys, reports and nonsense to where our audio is."""
        found = re.search(r"m=audio (\d+)", invite)
        for turn in range(self.dice.choice((0, 20, 200)) if found else 0):
            kind = self.dice.choice((0, 0, 8, 101, 72, 73, 127))
            first = self.dice.choice((0x80, 0x80, 0x90, 0xBF, 0x00))
            head = struct.pack("!BBHII", first, kind, turn, turn * 160, 7)
            data = head + self.dice.randbytes(self.dice.choice((0, 1, 4, 160, 1600)))
            port = int(found[1]) + self.dice.choice((0, 0, 0, 1)) if found else 9
            self.dice.choice((self.audio, self.audio, self.stranger)).sendto(data, ("127.0.0.1", port))


def has_much_to_read(bound: socket.socket) -> bool:
    """Tell whether a socket's buffer is half full: a slow machine does not read as fast as it is written to."""
    if bound.fileno() < 0:
        return False
    held, room, *_ = _MEMORY_OF_SOCKET.unpack(
        bound.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMORY_OF_SOCKET.size)
    )
    return bool(held > room // 2)


def base_of(call_id: str) -> str:
    """Return whose call it is, whichever trunk it went through."""
    return re.sub(r"\.\d$", "", call_id)


async def meddle(live: LiveCall, dice: random.Random) -> None:
    """Do with a call what applications do, and what they should not."""
    for _ in range(dice.randrange(5)):
        await asyncio.sleep(dice.random() * 0.15)
        match dice.randrange(5):
            case 0:
                await live.play(1, (Silence(dice.choice((0, 200))),), bargein=True)
            case 1:
                await live.record("it", longest_seconds=0.1, stop_keys="5")
            case 2:
                await live.transfer("+442071838750", bridge=dice.random() < 0.5, ring_seconds=dice.random())
            case 3:
                await live.end_transfer()
            case _:
                await live.hang_up()


async def see_through(telephony: SipTelephony, number: int, dice: random.Random) -> Counter[str]:
    """Place one call and follow it; its end must be told once, and last."""
    ring_seconds = dice.choice((0.2, SLOW_SECONDS, SLOW_SECONDS))
    call = replace(call_to(f"fence{number}", longest_call_seconds=1), ring_seconds=ring_seconds)
    now = asyncio.get_running_loop().time()
    try:
        live = await telephony.place(call, not_before=now, send_by=now + PATIENCE_SECONDS)
    except NoTrunk:
        return Counter(("no trunk",))
    told: Counter[str] = Counter()
    meddling: asyncio.Task[None] | None = None
    last = None
    async for last in live.events():
        told[type(last).__name__] += 1
        if isinstance(last, Answered):
            meddling = asyncio.create_task(meddle(live, dice))
        if isinstance(last, TransferEnded):
            told[last.reason] += 1
    assert isinstance(last, Ended)
    assert told["Ended"] == 1
    assert told["Answered"] <= 1
    if meddling is not None:
        await meddling
    return told


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_call_through_a_hostile_trunk_ends_and_leaves_nothing(seed: int) -> None:
    """Nobody is left talking to nobody, no phone rings twice, and ports, turns and tasks are as before."""
    before = calls_in_memory()  # what a failed test's traceback holds is none of ours
    dice, told, room = random.Random(seed), Counter[str](), asyncio.Semaphore(_AT_ONCE)
    refused: dict[str, bool] = {}
    one, two = Hostile(seed, refused), Hostile(-seed, refused)
    trunks = (trunk(one.port, "one"), replace(trunk(two.port, "two"), route=Route(name="two", priority=200)))
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        caller(*trunks, timings=TIMINGS, patience_seconds=SLOW_SECONDS) as telephony,
    ):
        tasks = len(asyncio.all_tasks())
        hearing = telephony._agent._socket
        assert hearing is not None
        one.dialer = two.dialer = hearing._socket

        async def go(number: int) -> None:
            async with room:
                told.update(await see_through(telephony, number, dice))

        calls = itertools.count()
        while (
            told["Answered"] <= CALLS / 10
        ):  # a slow machine answers some in time, and the next calls are more
            await asyncio.gather(*map(go, itertools.islice(calls, CALLS)))
            await asyncio.sleep(0.05)
        while one.talking - one.over or two.talking - two.over:
            await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == tasks
    one.close()
    two.close()
    assert one.rang_twice + two.rang_twice == []
    assert len(one.over) + len(two.over) >= told["Answered"]
    assert [live for live in calls_in_memory() if not any(live is each for each in before)] == []


def calls_in_memory() -> list[SipCall]:
    """Return every call that something still holds."""
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, SipCall)]
