"""Ports for audio from a bounded range."""

import socket

import pytest

from shared.adapters.sip_trunk.rtp_ports import NoPort, PortRange, RtpPorts
from shared.domain.errors import Invalid


@pytest.mark.parametrize(
    "text", ["", "20000", "20000-", "-1-5", "80-90", "30000-20000", "1024-70000", "2024-2024", "٢٠٢٤-3000"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    """With the form that is wanted, and the setting's name."""
    with pytest.raises(Invalid, match="FIRST-LAST"):
        PortRange.parse(text, field="PACELINE_SIP_RTP_PORTS")


def test_only_even_ports_are_for_audio() -> None:
    """The odd ones are RTCP's by custom."""
    assert list(PortRange.parse("20001-20006", field="x").even) == [20002, 20004, 20006]


async def test_ports_are_handed_out_once_and_rest_after_their_call() -> None:
    """The next call must not hear the last one's stragglers."""
    first = _free_pair()
    ports = RtpPorts("127.0.0.1", PortRange(first, first + 3))
    taken = [ports.take(), ports.take()]
    assert {bound.getsockname()[1] for bound in taken} == {first, first + 2}
    with pytest.raises(NoPort, match="PACELINE_SIP_RTP_PORTS"):
        ports.take()
    taken[0].close()
    ports.give_back(first)
    with pytest.raises(NoPort):
        ports.take()
    taken[1].close()


async def test_a_port_that_somebody_else_has_is_passed_over() -> None:
    """Two dialers on one machine may share a range."""
    first = _free_pair()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", first))
        bound = RtpPorts("127.0.0.1", PortRange(first, first + 3)).take()
        assert bound.getsockname()[1] == first + 2
        bound.close()


def _free_pair() -> int:
    """Return an even port that is free with the even one after it."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
        ):
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            if port % 2 or port > 65_000:
                continue
            try:
                two.bind(("127.0.0.1", port + 2))
            except OSError:
                continue
        return port
