"""The audio of one call, turn by turn, without a clock."""

import random

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
