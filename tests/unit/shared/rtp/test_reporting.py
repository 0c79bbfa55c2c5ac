"""Reports about a call's audio: when they leave, what they say, and what is believed."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rtp.outgoing import Outgoing
from shared.rtp.packet import RtpPacket
from shared.rtp.reporting import Reporting
from shared.rtp.rtcp import Goodbye, ReceiverReport, ReportBlock, SenderReport, pack_report, parse_rtcp

START: Final = 1000.0
UNIX: Final = 1_800_000_000.0
FRAME: Final = b"\xff" * 160
BLOCK: Final = ReportBlock(
    ssrc=5, fraction_lost=0, lost=0, highest_sequence=0, jitter=0, last_report=0, delay=0
)


def reporting(seed: int = 1) -> tuple[Reporting, Outgoing]:
    """Return reports of a call that begins at START, and what it sends."""
    out = Outgoing(ssrc=5, sequence=65_530, timestamp=0, payload_type=0)
    return Reporting(out, cname="a", rng=Random(seed), now=START, unix_now=UNIX), out


def send(out: Outgoing, packets: int) -> None:
    """Send so many packets."""
    for _ in range(packets):
        out.tick(FRAME)


def report(one: Reporting, now: float) -> SenderReport | ReceiverReport:
    """Return the report that leaves now."""
    (found,) = parse_rtcp(one.report(now))
    assert isinstance(found, SenderReport | ReceiverReport)
    return found


def middle(sent: SenderReport | ReceiverReport) -> int:
    """Return what a report is recognised by."""
    assert isinstance(sent, SenderReport)
    return sent.ntp >> 16 & 0xFFFFFFFF


def test_reports_leave_each_five_seconds_more_or_less_and_the_first_sooner() -> None:
    """From half to one and a half of the interval over e - 3/2, and calls keep no step (RFC 3550, 6.3.1)."""
    one, _ = reporting()
    first = [one.pause_seconds() for _ in range(1000)]
    one.report(START)
    later = [one.pause_seconds() for _ in range(1000)]
    assert min(first) == pytest.approx(2.5 * 0.5 / 1.21828, rel=0.01)
    assert max(first) == pytest.approx(2.5 * 1.5 / 1.21828, rel=0.01)
    assert min(later) == pytest.approx(5 * 0.5 / 1.21828, rel=0.01)
    assert max(later) == pytest.approx(5 * 1.5 / 1.21828, rel=0.01)
    assert reporting(2)[0].pause_seconds() == reporting(2)[0].pause_seconds() != first[0]


def test_who_sent_says_so_and_who_did_not_only_listens() -> None:
    """A sender's report counts packets and octets, at the clock of its audio; a receiver's has none of it."""
    one, out = reporting()
    send(out, 100)
    first = report(one, START + 2)
    assert isinstance(first, SenderReport)
    assert (first.ssrc, first.packets, first.octets, first.timestamp) == (5, 100, 16_000, 16_000)
    assert first.ntp >> 32 == UNIX + 2 + 2_208_988_800
    assert isinstance(report(one, START + 7), ReceiverReport)
    send(out, 1)
    assert isinstance(report(one, START + 12), SenderReport)


def test_what_is_heard_is_reported_from_every_eighth_packet() -> None:
    """Of 400 packets 40 are missing, and those that came are 5 ms off by chance: as if each had been looked at."""
    every, eighth = reporting()[0], reporting()[0]
    dice = Random(1)  # in no step with what is looked at
    came = 0
    for index in range(400):
        if index % 10 == 7:
            continue
        came += 1
        packet = RtpPacket(0, (65_500 + index) % 65_536, index * 160, 9, FRAME)
        now = START + index * 0.02 + dice.choice((0, 0.005))
        every.reception.take(packet.numbers, now)
        if came % 8 == 1:
            eighth.reception.take(packet.numbers, now, count=8)
    exact, sampled = (report(one, START + 8).blocks[0] for one in (every, eighth))
    assert exact.ssrc == sampled.ssrc == 9
    assert exact.lost == 40
    assert sampled.lost == pytest.approx(40, abs=7)
    assert sampled.highest_sequence == pytest.approx(exact.highest_sequence, abs=9)
    assert sampled.jitter == pytest.approx(exact.jitter, abs=12)
    assert exact.jitter > 10


def test_a_key_says_nothing_about_jitter() -> None:
    """Its packets all have the timestamp at which it went down."""
    one, _ = reporting()
    for index in range(20):
        stamp = min(index, 5) * 160
        one.reception.take((index, stamp, 9), START + index * 0.02, timed=index <= 5)
    assert report(one, START + 1).blocks[0].jitter == 0


def test_a_report_answers_the_far_ends_last() -> None:
    """It repeats the middle of that one's time and says how long it lay here, as round trips are measured (6.4.1)."""
    one, _ = reporting()
    one.reception.take((1, 0, 9), START)
    theirs = SenderReport(ssrc=9, ntp=0x1111_2222_3333_4444, timestamp=0, packets=1, octets=160)
    one.take(pack_report(theirs, "b"), START + 1)
    (block,) = report(one, START + 1.5).blocks
    assert (block.last_report, block.delay) == (0x2222_3333, 32_768)


def test_how_the_far_end_hears_us_is_what_it_reports() -> None:
    """Loss of all that was sent, jitter in seconds, and a round trip by a report of ours that it answers."""
    one, out = reporting()
    send(out, 200)
    sent = report(one, START + 4)
    answer = replace(BLOCK, lost=50, jitter=80, last_report=middle(sent), delay=65_536)
    one.take(pack_report(ReceiverReport(ssrc=9, blocks=(answer,)), "b"), START + 5.25)
    assert one.heard_there is not None
    assert (one.heard_there.loss, one.heard_there.jitter_seconds) == (0.25, 0.01)
    assert one.heard_there.round_trip_seconds == pytest.approx(0.25, abs=0.001)


def _of_another_source(sent: int) -> ReportBlock:
    return replace(BLOCK, ssrc=6, lost=9, last_report=sent)


def _of_a_report_never_sent(sent: int) -> ReportBlock:
    return replace(BLOCK, last_report=sent ^ 1)


def _of_minutes_ago(sent: int) -> ReportBlock:
    return replace(BLOCK, last_report=sent)


@pytest.mark.parametrize(
    ("block", "heard"),
    [(_of_another_source, False), (_of_a_report_never_sent, True), (_of_minutes_ago, True)],
)
def test_what_cannot_be_checked_is_not_believed(block: Callable[[int], ReportBlock], heard: bool) -> None:
    """Somebody else's report says nothing about us, and a round trip needs a report that was sent."""
    one, out = reporting()
    send(out, 10)
    sent = middle(report(one, START + 1))
    one.take(pack_report(ReceiverReport(ssrc=9, blocks=(block(sent),)), "b"), START + 100)
    assert (one.heard_there is not None) == heard
    assert one.heard_there is None or one.heard_there.round_trip_seconds is None


def test_loss_stays_between_none_and_all() -> None:
    """Doubled packets and a count beyond what was sent are possible on the wire, and no share."""
    one, out = reporting()
    send(out, 10)
    for lost, loss in ((-5, 0.0), (8_000_000, 1.0)):
        one.take(pack_report(ReceiverReport(ssrc=9, blocks=(replace(BLOCK, lost=lost),)), "b"), START)
        assert one.heard_there is not None
        assert one.heard_there.loss == loss


@given(datagrams=st.lists(st.binary(max_size=200), max_size=20))
def test_noise_changes_nothing_that_matters(datagrams: list[bytes]) -> None:
    """Whatever comes, the next report leaves and can be read."""
    one, out = reporting()
    send(out, 1)
    for datagram in datagrams:
        one.take(datagram, START)
    assert report(one, START + 5).ssrc == 5


def test_a_flood_is_not_read_to_its_end() -> None:
    """Between two reports of ours eight datagrams are read; with the next report the count begins anew."""
    one, out = reporting()
    send(out, 100)
    for lost in range(100):
        one.take(pack_report(ReceiverReport(ssrc=9, blocks=(replace(BLOCK, lost=lost),)), "b"), START)
    assert one.heard_there is not None
    assert one.heard_there.loss == 0.07
    one.report(START + 5)
    one.take(pack_report(ReceiverReport(ssrc=9, blocks=(replace(BLOCK, lost=99),)), "b"), START)
    assert one.heard_there.loss == 0.99


def test_the_end_is_said() -> None:
    """A good-bye stands behind a report (6.1), and names the source that leaves."""
    one, _ = reporting()
    assert parse_rtcp(one.goodbye()) == (ReceiverReport(ssrc=5), Goodbye(ssrcs=(5,)))
