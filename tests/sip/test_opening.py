"""A dialer that cannot call says why at its start, and not when the first phone rings."""

import resource
import socket

import pytest

from shared.adapters.sip_trunk.espeak import NoSpeech
from shared.adapters.sip_trunk.opening import CannotListen, SipSettings, open_sip_telephony
from shared.adapters.sip_trunk.rtp_ports import PortRange
from shared.adapters.sip_trunk.trunk import Trunk
from shared.domain.routing import Route
from tests.sip.caller import Drawer, Shelf, caller, trunk

RANGE = PortRange(40_000, 40_100)


async def test_without_espeak_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody searches for a package's name."""
    monkeypatch.setenv("PATH", "/nowhere")
    opening = open_sip_telephony(
        SipSettings(rtp_ports=RANGE, max_calls=1), [], fetcher=Shelf(), recordings=Drawer()
    )
    with pytest.raises(NoSpeech, match="apt-get install espeak-ng"):
        await opening.__aenter__()


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
async def test_an_address_that_cannot_be_had_is_named_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Taken by another program, or of another machine."""
    monkeypatch.setattr("shared.adapters.sip_trunk.opening.program", lambda: "espeak-ng")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = int(other.getsockname()[1])
        settings = SipSettings(host=host, port=port, rtp_ports=RANGE, max_calls=1)
        opening = open_sip_telephony(settings, [], fetcher=Shelf(), recordings=Drawer())
        with pytest.raises(CannotListen, match="PACELINE_SIP_LISTEN"):
            await opening.__aenter__()


async def test_two_sockets_for_each_call_may_be_open() -> None:
    """Many shells allow 1024 files, too few for six hundred calls: as many as the system permits are allowed."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    try:
        async with caller():  # of a thousand calls
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            assert soft == (3000 if hard == resource.RLIM_INFINITY else min(3000, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_without_a_trunk_nothing_can_leave_and_the_way_to_one_is_named() -> None:
    """The dialer runs, and holds its campaigns in these words."""
    async with caller() as telephony:
        assert "paceline trunk add" in (telephony.trouble() or "")


async def test_a_name_that_does_not_exist_is_trouble_and_ends_nothing() -> None:
    """Others go on, and the name is tried again."""
    unknown = Trunk(route=Route(name="carrier", prefix="44"), host="no-such-host.invalid")
    async with caller(unknown, trunk(9)) as telephony:
        assert telephony.trouble() is None
        telephony.use([unknown])
        assert "no-such-host.invalid" in (telephony.trouble() or "")
