"""What the two ends of a call tell each other about its audio, read here by hand as RFC 3550, 6.4 draws it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from typing_extensions import override

from shared.adapters.sip_trunk.report_line import Quality
from tests.sip.callee import PATIENCE_SECONDS, callee
from tests.sip.caller import call_to, caller, follow, place, the_end, trunk
from tests.sip.ear import Ear, open_ear

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, BYE = 200, 201, 202, 203
#: What the callee sends: 40 packets, every fifth of the numbers left out.
CALLEE: Final = 0x0CA11EE0
SEQUENCE: Final = [number for number in range(50) if number % 5 != 4]
#: Every eighth packet is looked at: the 33rd is the last.
LAST_LOOKED_AT: Final = SEQUENCE[32]
MISSING: Final = LAST_LOOKED_AT + 1 - 33
SENT_AT: Final = 0x1111_2222_3333_4444


class Report(NamedTuple):
    """A sender's report with one block."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    about: int
    loss: int
    highest: int
    jitter: int
    answers: int
    delay: int


class Desk(asyncio.DatagramProtocol):
    """The callee's port for reports."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[bytes] = asyncio.Queue()

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._came.put_nowait(data)

    async def next_of(self, kind: int) -> bytes:
        """Return the next datagram that has a part of a kind, and begins with a report (6.1)."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                data = await self._came.get()
                assert kinds(data)[:2] in ([SENDER_REPORT, DESCRIPTION], [RECEIVER_REPORT, DESCRIPTION])
                if kind in kinds(data):
                    return data

    async def report_up_to(self, highest: int) -> Report:
        """Return the first report that has seen so much of the callee's audio."""
        while True:
            data = await self.next_of(SENDER_REPORT)
            if (
                data[0] == 0x81
                and (report := Report(*struct.unpack_from("!IQIIIIIIIII", data, 4))).highest >= highest
            ):
                return report


def kinds(datagram: bytes) -> list[int]:
    """Return the kinds of a compound packet's parts."""
    found, position = [], 0
    while position < len(datagram):
        _, kind, words = struct.unpack_from("!BBH", datagram, position)
        found.append(kind)
        position += 4 * (words + 1)
    assert position == len(datagram)
    return found


@asynccontextmanager
async def open_desk(port: int) -> AsyncIterator[tuple[Desk, asyncio.DatagramTransport]]:
    """Open the callee's port for reports."""
    transport, desk = await asyncio.get_running_loop().create_datagram_endpoint(
        Desk, local_addr=("127.0.0.1", port)
    )
    try:
        yield desk, transport
    finally:
        transport.close()


async def test_each_side_learns_how_the_other_hears_it(tmp_path: Path) -> None:
    """Reports leave for the port above the callee's audio, are right, answer the callee's, and a good-bye follows."""
    told: list[Quality] = []
    async with (
        open_ear() as (ear, port),
        open_desk(port + 1) as (desk, mouth),
        callee(
            tmp_path, "listens", options=("-key", "ear_port", str(port), "-key", "formats", "0 101")
        ) as far,
        caller(trunk(far.port), note_quality=told.append) as telephony,
    ):
        live = await place(telephony, call_to())
        following = asyncio.create_task(follow(live, talk_seconds=None))
        async with asyncio.timeout(PATIENCE_SECONDS):
            host, audio_port = await ear.source
        speak(ear, (host, audio_port))
        theirs = struct.pack("!BBHIQIII", 0x80, SENDER_REPORT, 6, CALLEE, SENT_AT, 0, 40, 6400)
        mouth.sendto(theirs, (host, audio_port + 1))
        report = await desk.report_up_to(LAST_LOOKED_AT)
        check(report, ear)
        block = (ear.ssrc, report.packets // 2, 0, 80, report.ntp >> 16 & 0xFFFFFFFF, 0)
        mouth.sendto(
            struct.pack("!BBHIIIIIII", 0x81, RECEIVER_REPORT, 7, CALLEE, *block), (host, audio_port + 1)
        )
        lie((host, audio_port + 1), ear.ssrc)
        await live.hang_up()
        assert the_end(await following).ending.sip_status == 200
        assert await far.verdict() == 0, far.log()
        goodbye = await desk.next_of(BYE)
    assert goodbye.endswith(struct.pack("!BBHI", 0x81, BYE, 1, ear.ssrc))
    check_quality(told)


def speak(ear: Ear, to: tuple[str, int]) -> None:
    """Send the callee's audio."""
    for number in SEQUENCE:
        header = struct.pack("!BBHII", 0x80, 0, number, number * 160, CALLEE)
        ear.transport.sendto(header + b"\xff" * 160, to)


def lie(to: tuple[str, int], ssrc: int) -> None:
    """Say as a stranger that all is lost, and that the call is over; and a few things that mean nothing."""
    lost = struct.pack("!BBHIIIIIII", 0x81, RECEIVER_REPORT, 7, CALLEE, ssrc, 0x7FFFFF, 0, 80, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        for datagram in (lost, struct.pack("!BBHI", 0x81, BYE, 1, CALLEE), b"", b"\x81", b"\xff" * 2000):
            stranger.sendto(datagram, to)


def check(report: Report, ear: Ear) -> None:
    """See that a report says what the ear heard, and what it spoke."""
    assert report.ssrc == ear.ssrc
    assert report.octets == 160 * report.packets
    assert report.packets <= len(ear.packets)
    assert report.timestamp == ear.packets[0][3] + 160 * report.packets
    assert (report.about, report.highest, report.loss & 0xFFFFFF) == (CALLEE, LAST_LOOKED_AT, MISSING)
    assert report.answers == SENT_AT >> 16 & 0xFFFFFFFF
    assert 0 < report.delay < 20 * 65_536


def check_quality(told: list[Quality]) -> None:
    """See that the call's record is what either side counted."""
    (quality,) = told
    assert quality.loss_here == pytest.approx(MISSING / (LAST_LOOKED_AT + 1))
    assert quality.there is not None
    assert 0.1 < quality.there.loss <= 0.5
    assert quality.there.jitter_seconds == 0.01
    assert quality.there.round_trip_seconds is not None
    assert quality.there.round_trip_seconds < PATIENCE_SECONDS
