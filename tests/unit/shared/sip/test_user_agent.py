"""The user agent: placing, pinging, and strangers."""

import random

import pytest

from shared.sip.effects import Forget, Pinged, Send, Tell, Wake
from shared.sip.errors import BadArgument
from shared.sip.exchanges import Endpoint
from shared.sip.uri import SipUri
from shared.sip.user_agent import TooManyCalls, UserAgent
from tests.unit.shared.sip.world import CALLEE, SDP, Callee, Step, World, heads, order

_TRUNK = SipUri(host="192.0.2.9")


def _agent(**changes: int) -> UserAgent:
    return UserAgent(endpoint=Endpoint(host="192.0.2.1", port=5060), dice=random.Random(1), **changes)  # type: ignore[arg-type]


def test_a_call_is_placed_once_and_only_up_to_the_limit() -> None:
    """The same Call-ID is refused while it lives, and so is a call too many; nothing is sent for either."""
    agent = _agent(max_calls=2)
    agent.place(order("a"), 0.0)
    with pytest.raises(BadArgument):
        agent.place(order("a"), 0.0)
    agent.place(order("b"), 0.0)
    with pytest.raises(TooManyCalls):
        agent.place(order("c"), 0.0)
    assert len(agent) == 2


@pytest.mark.parametrize("call_id", ["", "a b", "a\r\nX: y", "a" * 129])
def test_a_call_id_is_a_word(call_id: str) -> None:
    """What would break the header, or is no fence, is refused."""
    with pytest.raises(BadArgument):
        order(call_id)
    with pytest.raises(BadArgument):
        order(session_seconds=30)


def test_an_effect_names_its_call_and_the_invite_says_what_it_must() -> None:
    """Placing sends the INVITE to the trunk and sets one alarm."""
    send, wake = _agent().place(order(), 5.0)
    assert isinstance(send, Send)
    assert send.to == CALLEE
    assert wake == Wake("fence-1", 5.5)
    text = send.data.decode()
    found = heads(text)
    assert text.startswith("INVITE sip:+12025550123@192.0.2.9;user=phone SIP/2.0\r\n")
    assert found["call-id"] == ["fence-1"]
    assert found["via"][0].startswith("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK")
    assert found["via"][0].endswith(";rport")
    assert found["contact"] == ["<sip:192.0.2.1:5060>"]
    assert found["supported"] == ["100rel, timer"]


def test_a_ping_is_answered_by_any_status() -> None:
    """OPTIONS is told with its status and round trip, repeated when lost, and forgotten."""
    agent = _agent()
    send, wake = agent.ping(_TRUNK, CALLEE, 10.0)
    assert isinstance(send, Send)
    assert isinstance(wake, Wake)
    again, _ = agent.wake(wake.call_id, 10.5)
    assert again == send
    found = heads(send.data.decode())
    answer = (
        f"SIP/2.0 405 No\r\nVia: {found['via'][0]}\r\nFrom: {found['from'][0]}\r\nTo: {found['to'][0]};tag=x\r\n"
        f"Call-ID: {found['call-id'][0]}\r\nCSeq: {found['cseq'][0]}\r\n\r\n"
    )
    assert agent.receive(answer.replace("branch=", "branch=x").encode(), CALLEE, 10.6) == []
    provisional = answer.replace("405 No", "100 Trying").encode()
    assert isinstance(agent.receive(provisional, CALLEE, 10.6)[0], Wake)
    told = agent.receive(answer.encode(), CALLEE, 10.75)
    assert told == [
        Tell(wake.call_id, Pinged(status=405, seconds=0.75)),
        Wake(wake.call_id, None),
        Forget(wake.call_id),
    ]
    assert agent.receive(answer.encode(), CALLEE, 10.8) == []
    assert agent.wake(wake.call_id, 11.0) == []


def test_a_ping_without_an_answer_is_told_after_timer_f() -> None:
    """After 32 seconds the trunk counts as away."""
    world = World()
    world.act(world.agent.ping(_TRUNK, CALLEE, world.now))
    world.run()
    ((_, event),) = world.events
    assert event == Pinged(status=None, seconds=32.0)
    assert not world.wakes


def test_pings_are_bounded() -> None:
    """Pings that nobody collects do not pile up."""
    agent = _agent()
    for _ in range(1024):
        agent.ping(_TRUNK, CALLEE, 0.0)
    with pytest.raises(TooManyCalls):
        agent.ping(_TRUNK, CALLEE, 0.0)


@pytest.mark.parametrize(
    ("method", "to", "status"),
    [
        ("OPTIONS", "", 200),
        ("INVITE", "", 403),
        ("BYE", ";tag=1", 481),
        ("INVITE", ";tag=1", 481),
        ("CANCEL", "", 481),
        ("SUBSCRIBE", "", 405),
        ("ACK", ";tag=1", None),
    ],
)
def test_a_stranger_is_answered_and_leaves_nothing(method: str, to: str, status: int | None) -> None:
    """Each request outside of a call has one answer, the same when repeated, sent to where it came from."""
    agent = _agent()
    request = (
        f"{method} sip:x@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9:7000;branch=z9hG4bKa;maddr=1.2.3.4\r\n"
        f"From: <sip:s@t>;tag=9\r\nTo: <sip:x@192.0.2.1>{to}\r\nCall-ID: stranger\r\nCSeq: 1 {method}\r\n\r\n"
    ).encode()
    first = agent.receive(request, ("198.51.100.66", 999), 0.0)
    assert agent.receive(request, ("198.51.100.66", 999), 1.0) == first
    if status is None:
        assert first == []
        return
    (effect,) = first
    assert isinstance(effect, Send)
    assert effect.data.startswith(f"SIP/2.0 {status} ".encode())
    assert effect.to == ("198.51.100.66", 7000)
    assert len(agent) == 0


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\0", b"\r\n"])
def test_keep_alives_of_the_network_are_no_errors(data: bytes) -> None:
    """Empty lines keep a translation open (RFC 5626, 3.5.1) and are not counted as noise."""
    agent = _agent()
    assert agent.receive(data, CALLEE, 0.0) == []
    assert agent.unreadable == 0


def test_a_response_with_two_vias_is_somebody_elses() -> None:
    """RFC 3261, 8.1.3.3: it is dropped, and the call goes on."""
    world = World()
    callee = Callee(world, [[Step(0.1, 180)]])
    world.act(world.agent.place(order(), world.now))
    world.run(1)
    ok = callee.reply(callee.received[0], Step(0, 200, SDP)).replace(
        "From:", "Via: SIP/2.0/UDP 192.0.2.1\r\nFrom:"
    )
    assert world.agent.receive(ok.encode(), CALLEE, world.now) == []
    assert world.agent.strays == 1


def test_hanging_up_or_waking_what_is_forgotten_does_nothing() -> None:
    """A late alarm or a second hang-up meets no call and no error."""
    agent = _agent()
    assert agent.hang_up("gone", 0.0) == agent.wake("gone", 0.0) == agent.unroutable("gone", 0.0) == []
