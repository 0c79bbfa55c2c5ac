"""RTCP: reports and good-byes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rtp.errors import BadPacket
from shared.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    ntp_time,
    pack_goodbye,
    pack_report,
    parse_rtcp,
    round_trip_seconds,
)

_word = st.integers(0, 2**32 - 1)
_blocks = st.lists(
    st.builds(
        ReportBlock,
        ssrc=_word,
        fraction_lost=st.integers(0, 255),
        lost=st.integers(-(1 << 23), (1 << 23) - 1),
        highest_sequence=_word,
        jitter=_word,
        last_report=_word,
        delay=_word,
    ),
    max_size=4,
).map(tuple)
_reports = st.one_of(
    st.builds(
        SenderReport,
        ssrc=_word,
        ntp=st.integers(0, 2**64 - 1),
        timestamp=_word,
        packets=_word,
        octets=_word,
        blocks=_blocks,
    ),
    st.builds(ReceiverReport, ssrc=_word, blocks=_blocks),
)


@given(report=_reports, cname=st.text(max_size=40))
def test_a_report_survives_the_wire(report: SenderReport | ReceiverReport, cname: str) -> None:
    """A report is read as it was written; its SDES is skipped, and the whole is a multiple of four bytes."""
    data = pack_report(report, cname)
    assert len(data) % 4 == 0
    assert parse_rtcp(data) == (report,)


@given(data=st.binary(max_size=300))
def test_noise_is_refused_or_read(data: bytes) -> None:
    """No datagram raises anything but BadPacket."""
    with suppress(BadPacket):
        parse_rtcp(data)


def test_a_goodbye_names_its_source_after_a_report() -> None:
    """A BYE stands in a compound packet that begins with a report (6.1)."""
    assert parse_rtcp(pack_goodbye(7, "a")) == (ReceiverReport(ssrc=7), Goodbye(ssrcs=(7,)))


@pytest.mark.parametrize(
    "data", ["80c9", "81c90001000000010000", "80c80001000000ff", "82cb0001000000ff", "40c90001000000ff"]
)
def test_a_report_shorter_than_it_says_is_refused(data: str) -> None:
    """Lengths and counts that point outside of the packet are refused."""
    with pytest.raises(BadPacket):
        parse_rtcp(bytes.fromhex(data))


def test_the_round_trip_is_what_rfc_3550_computes() -> None:
    """The example of figure 2: 0xb710:8000 - 0xb705:2000 - 0x0005:4000 is 6.125 seconds."""
    block = ReportBlock(
        ssrc=1,
        fraction_lost=0,
        lost=0,
        highest_sequence=0,
        jitter=0,
        last_report=0xB7052000,
        delay=0x00054000,
    )
    assert round_trip_seconds(block, 0xB44D_B710_8000_0000) == 6.125
    assert ntp_time(0.5) == (2_208_988_800 << 32) + (1 << 31)
