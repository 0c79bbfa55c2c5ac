"""Peers that are careless, old, or mean: what they write must cost neither a call nor the engine its footing."""

import pytest

from shared.sip.dialog import dialog_of
from shared.sip.digest import Authenticator, Credentials
from shared.sip.effects import Cause, Ended, KeyByInfo, MediaChanged, Party
from shared.sip.message import Request, Response, parse_message
from shared.sip.responses import response_to
from shared.sip.sdp import Direction, parse_sdp
from tests.unit.shared.sip.world import CALLEE, HELD_SDP, MOVED_SDP, SDP, Callee, Step, World, heads, order

_ANSWER = [Step(0.1, 180), Step(2, 200, SDP)]


def _talking(answer: list[Step], contact: str = "<sip:callee@192.0.2.9>") -> tuple[World, Callee]:
    """Return a call five seconds after its INVITE, answered."""
    world = World()
    callee = Callee(world, [answer], contact=contact)
    world.act(world.agent.place(order(longest_seconds=600.0), world.now))
    world.run(5)
    return world, callee


@pytest.mark.parametrize("supported", ['Supported: "timer', "Supported: " + "a," * 65 + "timer"])
def test_a_list_of_extensions_that_cannot_be_read_names_none(supported: str) -> None:
    """A refresh with such a list is answered, and nothing is raised into the loop of all calls."""
    world, callee = _talking(_ANSWER)
    callee.request(callee.acks[0], "UPDATE", "", (supported, "Session-Expires: 300;refresher=uac"))
    world.run(5)
    assert heads(callee.replies[0])["session-expires"] == ["300;refresher=uac"]


def test_we_refresh_for_a_peer_that_knows_no_session_timers() -> None:
    """A proxy asked for the timer in the peer's name: nobody but us can refresh (RFC 4028, 9, table 2)."""
    world, callee = _talking(_ANSWER)
    callee.request(callee.acks[0], "UPDATE", "", ("Session-Expires: 90",))
    world.run()
    assert heads(callee.replies[0])["session-expires"] == ["90;refresher=uas"]
    assert world.last() == Ended(by=Party.US, cause=Cause.TOO_LONG)


def test_a_refresh_by_update_that_is_not_taken_after_all_is_sent_as_a_re_invite() -> None:
    """A gateway that passes on the other side's Allow loses no call by it."""
    allowed = Step(1, 200, SDP, headers=("Session-Expires: 100;refresher=uac", "Allow: UPDATE"))
    world = World()
    callee = Callee(world, [[allowed]], other=Step(0, 405))
    world.act(world.agent.place(order(longest_seconds=120.0), world.now))
    world.run()
    refreshes = [text.split(" ")[0] for text in callee.received if ";tag=callee" in heads(text)["to"][0]]
    assert refreshes == ["ACK", "UPDATE", "INVITE", "ACK", "BYE"]
    assert world.last() == Ended(by=Party.US, cause=Cause.TOO_LONG)


def test_requests_without_a_branch_are_told_apart_by_their_number() -> None:
    """An element older than RFC 3261 sends two keys, and both are heard (17.2.3)."""
    world, callee = _talking(_ANSWER)
    for key in "12":
        request = callee.request(
            callee.acks[0], "INFO", f"Signal={key}\r\n", ("Content-Type: application/dtmf-relay",)
        )
        world.to_us(request)
    keyed = world.log[:]
    world = World()
    callee = Callee(world, [_ANSWER])
    world.act(world.agent.place(order(), world.now))
    world.run(5)
    for _, who, text in keyed:
        if who == "callee" and text.startswith("INFO"):
            branch = heads(text)["via"][0].partition(";branch=")[2].partition(";")[0]
            found, ours = heads(text), heads(callee.acks[0])
            old = text.replace(f";branch={branch}", "").replace(found["to"][0], ours["from"][0])
            world.to_us(old.replace(found["from"][0], ours["to"][0]))
    world.run(1)
    assert [event for event in world.told() if isinstance(event, KeyByInfo)] == [
        KeyByInfo(key="1"),
        KeyByInfo(key="2"),
    ]


def test_a_prack_that_nobody_waits_for_is_refused() -> None:
    """We send no reliable provisional response, so that none can be acknowledged (RFC 3262, 3)."""
    world, callee = _talking(_ANSWER)
    callee.request(callee.acks[0], "PRACK", "", ("RAck: 1 1 INVITE",))
    world.run(1)
    assert callee.replies[0].startswith("SIP/2.0 481 ")


@pytest.mark.parametrize("host", ["0.0.0.0", "224.0.0.9", "[::]", "255.255.255.255"])
def test_a_contact_that_is_nobodys_address_is_not_followed(host: str) -> None:
    """The ACK and the BYE go to the trunk, and not to ourselves or to a crowd."""
    world, _ = _talking(_ANSWER, contact=f"<sip:a@{host}:5070>")
    call = world.agent.call("fence-1")
    assert call is not None
    assert call._talk is not None
    assert call._talk.dialog.next_hop == CALLEE


@pytest.mark.parametrize(
    ("trunk", "named", "followed"),
    [
        ("8.8.8.8", "9.9.9.9", True),
        ("8.8.8.8", "127.0.0.1", False),
        ("8.8.8.8", "10.0.0.7", False),
        ("8.8.8.8", "169.254.169.254", False),
        ("8.8.8.8", "[::1]", False),
        ("10.0.0.1", "10.0.0.7", True),
        ("10.0.0.1", "9.9.9.9", True),
        ("10.0.0.1", "127.0.0.1", False),
        ("2620:fe::fe", "[::ffff:127.0.0.1]", False),
        ("fd00::1", "[::ffff:127.0.0.1]", False),
        ("fd00::1", "[fd00::7]", True),
        ("127.0.0.1", "127.0.0.9", True),
    ],
)
@pytest.mark.parametrize("header", ["Contact", "Record-Route"])
def test_an_address_is_followed_where_it_means_the_same_to_both(
    trunk: str, named: str, header: str, *, followed: bool
) -> None:
    """A carrier that says 127.0.0.1 has no business with what runs on our machine."""
    world = World()
    callee = Callee(world, [_ANSWER])
    world.act(world.agent.place(order(), world.now))
    world.run(5)
    invite = parse_message(callee.received[0].encode())
    assert isinstance(invite, Request)
    route = (header, f"<sip:x@{named}:5070;lr>")
    answer = response_to(invite, 200, source=(trunk, 5060), to_tag="t", headers=(route,))
    dialog = dialog_of(invite, answer, trunk=(trunk, 5060), follows=True)
    assert dialog.next_hop == ((named.strip("[]"), 5070) if followed else (trunk, 5060))


@pytest.mark.parametrize("line", ["m=audio 40000 RTP/AVP 0 101", "c=IN IP4 192.0.2.9", "a=ptime:20", "v=0"])
@pytest.mark.parametrize("blank", [" ", "\t", "  "])
def test_a_blank_at_the_end_of_a_line_of_a_description_means_nothing(line: str, blank: str) -> None:
    """Some gateways write one, and the call is a call all the same."""
    assert parse_sdp(SDP.replace(line, line + blank).encode()) == parse_sdp(SDP.encode())


def test_a_hold_with_a_blank_behind_it_is_a_hold() -> None:
    """We send nothing to who says that he hears nothing."""
    (line,) = parse_sdp(HELD_SDP.replace("sendonly", "sendonly ").encode()).media
    assert line.direction is Direction.SENDONLY


def test_two_realms_that_ask_in_one_response_are_both_answered() -> None:
    """A proxy that forks hands on the challenges of both branches (22.3)."""
    refusal = (
        "SIP/2.0 407 No\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n"
        'Call-ID: c\r\nCSeq: 1 INVITE\r\nProxy-Authenticate: Digest realm="a", nonce="1"\r\n'
        'Proxy-Authenticate: Digest realm="b", nonce="2", algorithm=SHA-256\r\n'
        'Proxy-Authenticate: Digest realm="b", nonce="3", algorithm=MD5\r\n\r\n'
    )
    response = parse_message(refusal.encode())
    assert isinstance(response, Response)
    auth = Authenticator(Credentials(username="u", password="p"))
    assert auth.learn(response)
    signed = [value for _, value in auth.headers("INVITE", "sip:b@h", "x")]
    assert ['realm="a"' in signed[0], 'realm="b"' in signed[1], "algorithm=SHA-256" in signed[1]] == [
        True
    ] * 3
    assert not auth.learn(response)


def test_an_answer_that_was_replaced_before_the_call_was_taken_stays_replaced() -> None:
    """A 2xx that repeats the first answer does not undo the UPDATE that came between (13.2.1)."""
    world = World()
    early = Step(0.1, 183, SDP, headers=("Require: 100rel", "RSeq: 1"))
    callee = Callee(world, [[early, Step(2, 200, SDP)]])
    world.act(world.agent.place(order(longest_seconds=20.0), world.now))
    world.run(1)
    prack = next(text for text in callee.received if text.startswith("PRACK"))
    callee.request(prack, "UPDATE", MOVED_SDP)
    world.run(4)
    assert [event.media.host for event in world.told() if isinstance(event, MediaChanged)] == ["192.0.2.77"]
    call = world.agent.call("fence-1")
    assert call is not None
    assert call.media is not None
    assert call.media.host == "192.0.2.77"
