"""RTP packets: what is read, and what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rtp.errors import BadPacket
from shared.rtp.packet import MAX_PACKET_BYTES, RtpPacket, is_rtcp, numbers_of, parse_rtp

_packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=480),
    marker=st.booleans(),
)


@given(packet=_packets)
def test_a_packet_survives_the_wire(packet: RtpPacket) -> None:
    """parse(pack(x)) is x, and who looks at its numbers alone sees the same."""
    assert parse_rtp(packet.pack()) == packet
    assert numbers_of(packet.pack()) == packet.numbers


@given(data=st.binary(max_size=MAX_PACKET_BYTES + 10))
def test_noise_is_refused_or_read(data: bytes) -> None:
    """No datagram raises anything but BadPacket, and none yields more than it holds."""
    with suppress(BadPacket):
        assert len(parse_rtp(data).payload) <= len(data) - 12


@pytest.mark.parametrize(
    ("header", "rest", "payload"),
    [
        ("80000001000000020000000301", "aa", "01aa"),
        ("a0000001000000020000000301", "aa0202", "01aa"),
        ("82000001000000020000000300000000", "00000000ff", "ff"),
        ("90000001000000020000000300010001", "deadbeefff", "ff"),
    ],
    ids=["plain", "padding", "csrc", "extension"],
)
def test_csrc_extension_and_padding_are_left_out(header: str, rest: str, payload: str) -> None:
    """The payload begins after the CSRC list and the extension, and ends before the padding (RFC 3550, 5.1)."""
    assert parse_rtp(bytes.fromhex(header + rest)).payload == bytes.fromhex(payload)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "8000000100000002000003",
        "40000001000000020000000301",
        "8f000001000000020000000301",
        "90000001000000020000000300",
        "90000001000000020000000300010005ff",
        "a0000001000000020000000300",
        "a00000010000000200000003ff",
        "80" * (MAX_PACKET_BYTES + 1),
    ],
    ids=[
        "empty",
        "short",
        "version 1",
        "csrc beyond the end",
        "extension header beyond the end",
        "extension beyond the end",
        "padding 0",
        "padding beyond the start",
        "too long",
    ],
)
def test_a_packet_that_contradicts_itself_is_refused(data: str) -> None:
    """Lengths that point outside of the packet are refused."""
    with pytest.raises(BadPacket):
        parse_rtp(bytes.fromhex(data))


def test_rtcp_on_the_same_port_is_told_apart() -> None:
    """RFC 5761, 4: packet types 200 to 204 are RTCP, G.711 with or without marker is RTP."""
    assert [is_rtcp(bytes((0x80, second))) for second in (200, 201, 203, 204, 0, 0x80, 101, 0x80 | 101)] == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert not is_rtcp(b"")
