"""Ports for audio from a bounded range."""

import socket
from contextlib import ExitStack

import pytest

from shared.adapters.sip_trunk.rtp_ports import NoPort, PortPair, PortRange, RtpPorts
from shared.domain.errors import Invalid


@pytest.mark.parametrize(
    "text", ["", "20000", "20000-", "-1-5", "80-90", "30000-20000", "1024-70000", "2024-2024", "٢٠٢٤-3000"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    """With the form that is wanted, and the setting's name."""
    with pytest.raises(Invalid, match="FIRST-LAST"):
        PortRange.parse(text, field="PACELINE_SIP_RTP_PORTS")


def test_only_even_ports_are_for_audio() -> None:
    """The odd one above each is for its reports, and must be in the range as well."""
    assert list(PortRange.parse("20001-20006", field="x").even) == [20002, 20004]
    assert list(PortRange.parse("20000-20003", field="x").even) == [20000, 20002]


async def test_ports_are_handed_out_once_and_rest_after_their_call() -> None:
    """The next call must not hear the last one's stragglers."""
    first = _free_pair()
    ports = RtpPorts("127.0.0.1", PortRange(first, first + 3))
    taken = [ports.take(), ports.take()]
    assert {tuple(bound.getsockname()[1] for bound in pair) for pair in taken} == {
        (first, first + 1),
        (first + 2, first + 3),
    }
    with pytest.raises(NoPort, match="PACELINE_SIP_RTP_PORTS"):
        ports.take()
    close(taken[0])
    ports.give_back(first)
    with pytest.raises(NoPort):
        ports.take()
    close(taken[1])


@pytest.mark.parametrize("theirs", [0, 1])
async def test_a_pair_of_which_somebody_else_has_a_port_is_passed_over(theirs: int) -> None:
    """Two dialers on one machine may share a range; nothing of such a pair stays bound."""
    first = _free_pair()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", first + theirs))
        pair = RtpPorts("127.0.0.1", PortRange(first, first + 3)).take()
        assert pair.audio.getsockname()[1] == first + 2
        close(pair)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", first + 1 - theirs))


def close(pair: PortPair) -> None:
    """Close both sockets."""
    pair.audio.close()
    pair.reports.close()


def _free_pair() -> int:
    """Return the first of four ports that are free, an even one."""
    while True:
        with ExitStack() as probes:
            first = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port % 2 or port > 65_000:
                continue
            try:
                for offset in (1, 2, 3):
                    probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind(("127.0.0.1", port + offset))
            except OSError:
                continue
        return port
