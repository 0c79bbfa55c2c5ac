"""One call against a scripted callee on a virtual clock: every way in which it can go."""

import pytest

from shared.sip.effects import (
    Answered,
    Cause,
    Ended,
    Failed,
    KeyByInfo,
    MediaChanged,
    Party,
    Provisional,
    Wake,
)
from shared.sip.sdp import Codec, Direction
from tests.unit.shared.sip.world import CALLEE, HELD_SDP, MOVED_SDP, SDP, Callee, Step, World, heads, order

ANSWER = [Step(0.1, 180), Step(2, 200, SDP)]


def _placed(world: World, **changes: object) -> None:
    world.act(world.agent.place(order(**changes), world.now))


def _play(script: list[Step] | list[list[Step]], **changes: object) -> tuple[World, Callee]:
    """Run one call to its end."""
    world = World()
    scripts = script if script and isinstance(script[0], list) else [script]
    callee = Callee(world, scripts)  # type: ignore[arg-type]
    _placed(world, **changes)
    world.run()
    world.assert_clean()
    return world, callee


def test_an_answered_call_that_lasts_too_long_is_hung_up_by_us() -> None:
    """Ringing and answer are told with the media, and the longest call ends in our BYE."""
    world, callee = _play(ANSWER)
    ringing, answered, ended = world.told()
    assert ringing == Provisional(status=180, media=None)
    assert isinstance(answered, Answered)
    assert (answered.media.host, answered.media.port) == ("192.0.2.9", 40000)
    assert (answered.media.codec, answered.media.event_payload_type) == (Codec.PCMU, 101)
    assert ended == Ended(by=Party.US, cause=Cause.TOO_LONG)
    assert world.methods() == ["INVITE", "ACK", "BYE"]
    assert callee.hung_up


def test_hanging_up_an_answered_call_sends_bye_at_once() -> None:
    """hang_up() on a confirmed call tells Ended before the BYE is answered, and again it does nothing."""
    world = World()
    Callee(world, [ANSWER])
    _placed(world)
    world.run(5)
    world.act(world.agent.hang_up("fence-1", world.now))
    assert world.last() == Ended(by=Party.US, cause=Cause.HUNG_UP)
    assert world.agent.hang_up("fence-1", world.now) == []
    world.run()
    world.assert_clean()


@pytest.mark.parametrize("status", [302, 404, 408, 480, 486, 487, 500, 503, 603])
def test_a_refusal_is_acknowledged_and_told_with_its_cause(status: int) -> None:
    """3xx to 6xx gets its ACK within the transaction, and the Q.850 cause is read from Reason."""
    reason = 'Reason: SIP;cause=1, Q.850;cause=17;text="User, busy"'
    world, callee = _play([Step(0.1, status, headers=(reason, "Retry-After: 12 (busy)"))])
    assert world.told() == [Failed(cause=Cause.REFUSED, status=status, q850=17, retry_after_seconds=12)]
    ack, invite = callee.acks[0], callee.received[0]
    assert heads(ack)["via"] == heads(invite)["via"]
    assert ack.split(" ")[1] == invite.split(" ")[1]
    assert world.methods() == ["INVITE", "ACK"]
    assert len(callee.acks) == 1


def test_a_repeated_refusal_is_acknowledged_each_time() -> None:
    """A 486 whose ACK was lost comes again, and gets the same ACK (17.1.1.2, timer D)."""
    world = World()
    callee = Callee(world, [[Step(0.1, 486)]])
    _placed(world)
    world.run(1)
    world.to_us(next(iter(callee.sent.values())))
    world.run()
    world.assert_clean()
    assert len(callee.acks) == 2
    assert callee.acks[0] == callee.acks[1]


def test_a_refusal_without_18x_proves_that_nothing_rang_and_one_with_18x_does_not() -> None:
    """Only a final response to an INVITE that never rang allows another INVITE for the attempt."""
    silent, _ = _play([Step(0.1, 503)])
    rang, _ = _play([Step(0.1, 183), Step(0.1, 503)])
    assert [(e.rang, e.silence_proven) for w in (silent, rang) if isinstance(e := w.last(), Failed)] == [
        (False, True),
        (True, False),
    ]


def test_a_callee_that_never_answers_is_cancelled() -> None:
    """After ring_seconds a CANCEL leaves, and its 487 is told as unanswered."""
    world, _ = _play([Step(0.1, 100), Step(0.2, 180)], ring_seconds=20.0)
    assert world.last() == Failed(cause=Cause.UNANSWERED, status=487, rang=True)
    assert world.methods() == ["INVITE", "CANCEL", "ACK"]


def test_a_silent_peer_times_out_and_proves_nothing() -> None:
    """Without any response the INVITE is repeated by timer A until timer B, and silence is not proven."""
    world = World()
    _placed(world, ring_seconds=60.0)
    world.run()
    world.assert_clean()
    last = world.last()
    assert last == Failed(cause=Cause.TIMED_OUT)
    assert isinstance(last, Failed)
    assert not last.silence_proven
    times = [at - 1000 for at, _, _ in world.log]
    assert times == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]  # RFC 3261, 17.1.1.2


def test_a_cancel_waits_for_a_provisional_response() -> None:
    """Before anything came back no CANCEL may leave; it leaves with the first provisional."""
    world = World()
    callee = Callee(world, [[Step(3, 180)]])
    _placed(world)
    world.run(1)
    world.act(world.agent.hang_up("fence-1", world.now))
    world.run(1)
    assert world.methods() == ["INVITE"]
    world.run()
    world.assert_clean()
    assert world.methods() == ["INVITE", "CANCEL", "ACK"]
    assert world.last() == Failed(cause=Cause.CANCELLED, status=487, rang=True)
    assert len(callee.invites) == 1


def test_a_200_that_crosses_our_cancel_is_acknowledged_and_hung_up() -> None:
    """The callee answered while the CANCEL travelled: ACK and BYE, and nobody hears of an answer."""
    world = World()
    callee = Callee(world, [[Step(0.1, 180), Step(1.895, 200, SDP)]])
    _placed(world)
    world.run(2.005)
    world.act(world.agent.hang_up("fence-1", world.now))
    world.run()
    world.assert_clean()
    assert world.last() == Failed(cause=Cause.CANCELLED, status=200, rang=True)
    assert world.methods() == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert callee.hung_up


def test_a_cancel_without_effect_gives_up_and_still_meets_a_late_answer() -> None:
    """64*T1 after a CANCEL that nobody honours the call is over; a late 200 gets ACK and BYE."""
    world = World()
    callee = Callee(world, [[Step(0.1, 180), Step(55, 200, SDP)]], answers_cancel=False)
    _placed(world, ring_seconds=5.0)
    world.run()
    world.assert_clean()
    assert world.last() == Failed(cause=Cause.UNANSWERED, rang=True)
    assert callee.hung_up


def test_a_peer_that_wakes_after_the_time_out_is_cancelled() -> None:
    """A 180 after timer B is met with a CANCEL, so that no phone rings for a call that was given up."""
    world = World()
    callee = Callee(world, [[Step(40, 180)]])
    _placed(world, ring_seconds=60.0)
    world.run()
    world.assert_clean()
    assert world.last() == Failed(cause=Cause.TIMED_OUT)
    assert list(callee.final.values()) == [487]


def test_a_repeated_2xx_is_acknowledged_each_time() -> None:
    """The ACK of a 2xx is sent again, byte for byte, whenever the 2xx comes again."""
    world = World()
    callee = Callee(world, [ANSWER])
    _placed(world)
    world.run(3)
    (invite,) = callee.invites
    for _ in range(3):
        world.to_us(callee.sent[invite])
    world.run()
    world.assert_clean()
    assert len(callee.acks) == 4
    assert len(set(callee.acks)) == 1


def test_the_second_fork_to_answer_is_hung_up() -> None:
    """A 2xx with another To tag makes a dialog of its own, which gets ACK and BYE."""
    world, callee = _play([Step(0.1, 180), Step(1, 200, SDP), Step(0.2, 200, SDP, tag="other")])
    byes = [heads(text)["to"][0] for text in callee.received if text.startswith("BYE")]
    assert [text.rpartition("=")[2] for text in byes] == ["other", "callee"]
    assert isinstance(world.last(), Ended)
    assert sum(isinstance(event, Answered) for event in world.told()) == 1


def test_early_media_is_told_and_serves_a_2xx_without_a_body() -> None:
    """The answer in a 183 is told as early media, and stands when the 2xx repeats none."""
    world, _ = _play([Step(0.1, 183, SDP), Step(1, 180), Step(1, 200)])
    progress, ringing, answered, _ = world.told()
    assert isinstance(progress, Provisional)
    assert isinstance(answered, Answered)
    assert progress.media == answered.media
    assert ringing == Provisional(status=180, media=progress.media)


def test_a_repeated_provisional_is_told_once() -> None:
    """A peer that says 180 every second says one thing."""
    world, _ = _play([Step(0.1, 180), Step(1, 180), Step(1, 180), Step(1, 486)])
    assert [type(event) for event in world.told()] == [Provisional, Failed]


@pytest.mark.parametrize(
    "sdp", ["", "v=0\r\nm=audio 0 RTP/AVP 0\r\n", "v=0\r\nm=audio 4000 RTP/SAVP 0\r\n", "nonsense"]
)
def test_an_answer_without_usable_audio_is_hung_up(sdp: str) -> None:
    """A 2xx whose description we cannot meet is acknowledged and hung up, and told as bad media."""
    world, callee = _play([Step(0.1, 180), Step(1, 200, sdp)])
    assert world.last() == Failed(cause=Cause.BAD_MEDIA, status=200, rang=True)
    assert callee.hung_up


def test_a_reliable_provisional_is_acknowledged_by_prack_once_and_in_order() -> None:
    """Each RSeq gets one PRACK in the early dialog; repetitions and gaps get none (RFC 3262, 4)."""
    reliable = [Step(0.1, 183, SDP, headers=("Require: 100rel", f"RSeq: {n}")) for n in (7, 7, 8, 10)]
    world, callee = _play([*reliable, Step(0.5, 200, SDP)])
    pracks = [heads(text) for text in callee.received if text.startswith("PRACK")]
    invite = heads(callee.received[0])["cseq"][0]
    assert [found["rack"] for found in pracks] == [[f"7 {invite}"], [f"8 {invite}"]]
    assert all(found["to"][0].endswith(";tag=callee") for found in pracks)
    numbers = [
        int(heads(text)["cseq"][0].split()[0]) for text in callee.received if text[:3] in {"PRA", "BYE"}
    ]
    assert numbers == sorted(set(numbers))
    assert isinstance(world.last(), Ended)


def test_requests_in_the_dialog_follow_the_recorded_route() -> None:
    """Record-Route is used in reverse, the Contact becomes the Request-URI, and loose routers are kept."""
    world = World()
    routes = "<sip:p2.example;lr>, <sip:198.51.100.7;lr>"
    callee = Callee(world, [ANSWER], record_route=routes, contact="<sip:them@host.example:5070>")
    _placed(world, longest_seconds=5.0)
    world.run()
    world.assert_clean()
    bye = next(text for text in callee.received if text.startswith("BYE"))
    assert bye.startswith("BYE sip:them@host.example:5070 SIP/2.0")
    assert heads(bye)["route"] == ["<sip:198.51.100.7;lr>", "<sip:p2.example;lr>"]


def test_a_strict_router_gets_the_request_uri_it_expects() -> None:
    """Without lr the first route becomes the Request-URI and the target the last route (12.2.1.1)."""
    world = World()
    callee = Callee(world, [ANSWER], record_route="<sip:p1.example>", contact="<sip:them@host.example>")
    _placed(world, longest_seconds=5.0)
    world.run()
    bye = next(text for text in callee.received if text.startswith("BYE"))
    assert bye.startswith("BYE sip:p1.example SIP/2.0")
    assert heads(bye)["route"] == ["<sip:them@host.example>"]


def _conversation(*requests: tuple[float, str, str, tuple[str, ...]]) -> tuple[World, Callee]:
    world = World()
    callee = Callee(world, [ANSWER], requests=requests)
    _placed(world, longest_seconds=100.0)
    world.run()
    world.assert_clean()
    return world, callee


def test_a_bye_from_the_peer_ends_the_call_with_its_cause() -> None:
    """The peer's BYE is answered 200 and told with the Q.850 cause of its Reason."""
    world, callee = _conversation((1, "BYE", "", ("Reason: Q.850;cause=16",)))
    assert world.last() == Ended(by=Party.PEER, cause=Cause.HUNG_UP, q850=16)
    assert callee.replies[0].startswith("SIP/2.0 200")


def test_byes_that_cross_are_both_answered() -> None:
    """Both sides hang up at once: each BYE gets its 200, and the call ends once."""
    world = World(latency=(0.1, 0.1))
    callee = Callee(world, [ANSWER], requests=((1.0, "BYE", "", ()),))
    _placed(world, longest_seconds=1.15)
    world.run()
    world.assert_clean()
    assert world.methods().count("BYE") == 1
    assert any(reply.startswith("SIP/2.0 200") and "BYE" in reply for reply in callee.replies)


def test_a_peer_that_goes_on_hanging_up_cannot_keep_a_call_alive() -> None:
    """BYEs after the end get their 200 without being remembered, so that the call is forgotten on time."""
    world = World()
    callee = Callee(world, [ANSWER])
    _placed(world, longest_seconds=50.0)
    world.run(53)  # the BYE is answered; timers K and M run
    for _ in range(100):
        callee.request(callee.acks[0], "BYE")
        world.run(1)
    assert {reply.split(" ")[1] for reply in callee.replies[:3]} == {"200"}
    assert world.forgotten == ["fence-1"]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_hold_and_a_new_address_are_answered_and_told(method: str) -> None:
    """A re-INVITE or UPDATE with an offer is answered, mirrored, and told as changed media."""
    world, callee = _conversation((1, method, HELD_SDP, ()), (2, method, MOVED_SDP, ()), (9, "BYE", "", ()))
    held, moved = (event.media for event in world.told() if isinstance(event, MediaChanged))
    assert (held.direction, held.sends) == (Direction.RECVONLY, False)
    assert (moved.direction, moved.host) == (Direction.SENDRECV, "192.0.2.77")
    first, second = (reply for reply in callee.replies if f" {method}" in reply)
    assert "a=recvonly" in first
    assert "a=sendrecv" in second
    versions = [reply.partition("o=- 1 ")[2].split(" ")[0] for reply in (first, second)]
    assert versions == ["2", "3"]


def test_a_reinvite_without_an_offer_gets_ours() -> None:
    """A re-INVITE without a body is answered with an offer of every codec (14.2)."""
    _, callee = _conversation((1, "INVITE", "", ()), (9, "BYE", "", ()))
    reply = next(reply for reply in callee.replies if " INVITE" in reply)
    assert "RTP/AVP 0 8 101" in reply


@pytest.mark.parametrize(
    ("method", "body", "extra", "status"),
    [
        ("OPTIONS", "", (), 200),
        ("INFO", "", (), 200),
        ("REFER", "", ("Refer-To: <sip:x@y.example>",), 405),
        ("OPTIONS", "", ("Require: teleport",), 420),
        ("INVITE", "<x/>", ("Content-Type: text/xml",), 415),
        ("INVITE", SDP.replace("RTP/AVP", "RTP/SAVP"), (), 488),
        ("UPDATE", "", ("Session-Expires: 30",), 422),
        ("CANCEL", "", (), 481),
    ],
)
def test_other_requests_in_the_dialog_are_answered(
    method: str, body: str, extra: tuple[str, ...], status: int
) -> None:
    """Each request within the call gets the answer that RFC 3261, 8.2 has for it, and the call goes on."""
    world, callee = _conversation((1, method, body, extra), (9, "BYE", "", ()))
    assert int(callee.replies[0].split(" ")[1]) == status
    assert world.last() == Ended(by=Party.PEER, cause=Cause.HUNG_UP)


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [("application/dtmf-relay", "Signal=#\r\nDuration=160", "#"), ("application/dtmf", "5", "5")],
)
def test_a_key_by_info_is_told(kind: str, body: str, key: str) -> None:
    """INFO with a key, in either of the two common bodies, tells the key."""
    world, _ = _conversation((1, "INFO", body, (f"Content-Type: {kind}",)), (9, "BYE", "", ()))
    assert KeyByInfo(key=key) in world.told()


def test_a_repeated_request_gets_the_same_answer() -> None:
    """A retransmitted re-INVITE is absorbed: it changes nothing and gets no second answer of another kind."""
    world = World()
    callee = Callee(world, [ANSWER])
    _placed(world, longest_seconds=60.0)
    world.run(5)
    message = callee.request(callee.acks[0], "UPDATE", HELD_SDP)
    world.run(1)
    world.to_us(message)
    world.run()
    world.assert_clean()
    updates = [reply for reply in callee.replies if " UPDATE" in reply]
    assert len(updates) == 2
    assert updates[0] == updates[1]
    assert sum(isinstance(event, MediaChanged) for event in world.told()) == 1


def test_a_request_with_an_old_cseq_is_refused() -> None:
    """A request out of order gets 500 (12.2.2), and one of an unknown dialog 481."""
    world = World()
    callee = Callee(world, [ANSWER])
    _placed(world, longest_seconds=60.0)
    world.run(5)
    message = callee.request(callee.acks[0], "UPDATE")
    world.run(1)
    world.to_us(message.replace("z9hG4bKcallee", "z9hG4bKother"))
    world.to_us(message.replace("z9hG4bKcallee", "z9hG4bKthird").replace("tag=callee", "tag=stranger"))
    world.run()
    assert [reply.split(" ")[1] for reply in callee.replies] == ["200", "500", "481"]


def test_an_answer_of_ours_that_is_never_acknowledged_ends_the_call() -> None:
    """A 2xx to the peer's re-INVITE is repeated for 64*T1, and then the call is hung up (13.3.1.4)."""
    world = World()
    callee = Callee(world, [ANSWER], acks_our_answers=False)
    _placed(world, longest_seconds=600.0)
    world.run(5)
    callee.request(callee.acks[0], "INVITE", HELD_SDP)
    world.run()
    world.assert_clean()
    assert world.last() == Ended(by=Party.US, cause=Cause.PEER_SILENT)
    assert sum(" INVITE" in reply for reply in callee.replies) == 11


CHALLENGE = 'Digest realm="trunk", nonce="n1", qop="auth,auth-int", algorithm=MD5'


@pytest.mark.parametrize(
    ("status", "asks", "answers"),
    [(401, "WWW-Authenticate", "authorization"), (407, "Proxy-Authenticate", "proxy-authorization")],
)
@pytest.mark.parametrize("trying", [[], [Step(0.1, 100)]], ids=["at once", "after 100"])
def test_a_challenge_is_answered_in_a_new_transaction(
    status: int, asks: str, answers: str, trying: list[Step]
) -> None:
    """401 and 407 get one signed INVITE with the same Call-ID and From tag and the next CSeq."""
    challenge = Step(0.1, status, headers=(f"{asks}: {CHALLENGE}",))
    world, callee = _play([[*trying, challenge], ANSWER])
    first, second = (heads(text) for text in callee.received if text.startswith("INVITE"))
    assert (first["call-id"], first["from"]) == (second["call-id"], second["from"])
    assert int(second["cseq"][0].split()[0]) == int(first["cseq"][0].split()[0]) + 1
    assert 'username="alice"' in second[answers][0]
    assert "nc=00000001" in second[answers][0]
    assert isinstance(world.last(), Ended)
    signed = [text for text in callee.received if answers in heads(text)]
    assert [text.split(" ")[0] for text in signed] == ["INVITE", "ACK", "BYE"]


def test_a_wrong_password_is_tried_once() -> None:
    """A second challenge for the same realm is a refusal; a stale nonce is exchanged once, and no more."""
    again = f"WWW-Authenticate: {CHALLENGE}"
    world, _ = _play([Step(0.1, 401, headers=(again,))])
    assert len(world.invites()) == 2
    assert world.last() == Failed(cause=Cause.REFUSED, status=401)


def test_a_stale_nonce_is_exchanged_once() -> None:
    """stale=true with a new nonce is worth one more try, and never a second."""
    scripts = [
        [Step(0.1, 401, headers=(f'WWW-Authenticate: Digest realm="trunk", nonce="n{n}", stale=true',))]
        for n in range(6)
    ]
    world, _ = _play(scripts)
    assert len(world.invites()) == 3
    assert world.last() == Failed(cause=Cause.REFUSED, status=401)


def test_a_challenge_after_ringing_is_a_refusal() -> None:
    """Once a 18x was seen there is no second INVITE, whatever the refusal asks for."""
    world, _ = _play([Step(0.1, 180), Step(0.1, 401, headers=(f"WWW-Authenticate: {CHALLENGE}",))])
    assert len(world.invites()) == 1
    assert world.last() == Failed(cause=Cause.REFUSED, status=401, rang=True)


def test_a_challenge_without_credentials_is_a_refusal() -> None:
    """A trunk that wants a password which we do not have is told as it answered."""
    world, _ = _play([Step(0.1, 407, headers=(f"Proxy-Authenticate: {CHALLENGE}",))], credentials=None)
    assert world.last() == Failed(cause=Cause.REFUSED, status=407)


def test_a_422_is_met_with_a_longer_interval_once() -> None:
    """Session Interval Too Small is answered with the Min-SE that it asks for (RFC 4028, 7.3)."""
    too_small = Step(0.1, 422, headers=("Min-SE: 3600",))
    world, callee = _play([[too_small], ANSWER], session_seconds=1800)
    first, second = (heads(text) for text in callee.received if text.startswith("INVITE"))
    assert (first["session-expires"], second["session-expires"]) == (["1800"], ["3600"])
    assert second["min-se"] == ["3600"]
    assert isinstance(world.last(), Ended)
    world, _ = _play([[too_small]], session_seconds=1800)
    assert (len(world.invites()), world.last()) == (2, Failed(cause=Cause.REFUSED, status=422))


@pytest.mark.parametrize(("allow", "method"), [("Allow: UPDATE", "UPDATE"), ("Allow: BYE", "INVITE")])
def test_we_refresh_a_session_that_is_ours_to_refresh(allow: str, method: str) -> None:
    """Half-way through the interval an UPDATE leaves, or a re-INVITE where the peer has no UPDATE."""
    answer = Step(1, 200, SDP, headers=("Session-Expires: 100;refresher=uac", allow))
    world = World()
    kept = Step(0, 200, headers=("Session-Expires: 100;refresher=uac",))
    callee = Callee(world, [[answer]], other=kept)
    _placed(world, longest_seconds=130.0)
    world.run()
    world.assert_clean()
    refreshes = [
        text for text in callee.received if text.startswith(method) and ";tag=callee" in heads(text)["to"][0]
    ]
    assert len(refreshes) == (2 if method == "UPDATE" else 1)  # the re-INVITE's 2xx keeps no timer
    assert heads(refreshes[0])["session-expires"] == ["100;refresher=uac"]
    assert isinstance(world.last(), Ended)


def test_a_session_that_the_peer_does_not_refresh_is_hung_up() -> None:
    """Without a refresh our BYE leaves a third of the interval, at most 32 s, before its end (RFC 4028, 10)."""
    answer = Step(1, 200, SDP, headers=("Session-Expires: 300;refresher=uas", "Require: timer"))
    world, _ = _play([answer])
    assert world.last() == Ended(by=Party.US, cause=Cause.SESSION_EXPIRED)
    bye = next(at for at, who, text in world.log if who == "us" and text.startswith("BYE"))
    assert bye == pytest.approx(1000 + 1 + 0.02 + 300 - 32)


def test_a_session_that_the_peer_refreshes_lives_on() -> None:
    """Each UPDATE of the peer begins a new interval, and is told the interval back (RFC 4028, 9)."""
    answer = Step(1, 200, SDP, headers=("Session-Expires: 90;refresher=uas",))
    world = World()
    refresh = ("Session-Expires: 90;refresher=uac", "Supported: timer")
    callee = Callee(
        world, [[answer]], requests=tuple((at, "UPDATE", "", refresh) for at in (45.0, 90.0, 135.0))
    )
    _placed(world, longest_seconds=600.0)
    world.run()
    world.assert_clean()
    assert world.last() == Ended(by=Party.US, cause=Cause.SESSION_EXPIRED)
    bye = next(at for at, who, text in world.log if who == "us" and text.startswith("BYE"))
    assert bye == pytest.approx(1001.04 + 135 + 60, abs=0.05)
    assert heads(callee.replies[0])["session-expires"] == ["90;refresher=uac"]
    assert heads(callee.replies[0])["require"] == ["timer"]


def test_a_peer_may_leave_the_refreshing_to_us() -> None:
    """A re-INVITE that names us as refresher is obeyed: our UPDATE or re-INVITE follows at half of the interval."""
    world = World()
    asked = ("Session-Expires: 90;refresher=uas",)
    callee = Callee(world, [ANSWER], requests=((1.0, "INVITE", SDP, asked),))
    _placed(world, longest_seconds=60.0)
    world.run()
    world.assert_clean()
    refreshes = [
        text
        for text in callee.received
        if text.startswith("INVITE") and ";tag=callee" in heads(text)["to"][0]
    ]
    assert [heads(text)["session-expires"] for text in refreshes] == [["90;refresher=uac"]]


def test_a_cancel_of_a_re_invite_comes_too_late() -> None:
    """A re-INVITE is answered at once: its CANCEL gets 200 and changes nothing (9.2)."""
    world = World()
    callee = Callee(world, [ANSWER])
    _placed(world, longest_seconds=20.0)
    world.run(5)
    invite = callee.request(callee.acks[0], "INVITE", HELD_SDP)
    world.run(0.5)
    cancel = (
        invite.partition("Content-Type")[0]
        .replace("INVITE sip", "CANCEL sip")
        .replace("101 INVITE", "101 CANCEL")
    )
    world.to_us(cancel + "Content-Length: 0\r\n\r\n")
    world.run(0.5)
    assert callee.replies[-1].startswith("SIP/2.0 200 OK")
    assert "101 CANCEL" in callee.replies[-1]
    world.run()
    world.assert_clean()


def test_a_refresh_that_finds_no_call_ends_it() -> None:
    """481 to our refresh says that the peer has lost the call: it is hung up (RFC 4028, 10)."""
    answer = Step(1, 200, SDP, headers=("Session-Expires: 100;refresher=uac", "Allow: UPDATE"))
    world = World()
    Callee(world, [[answer]], other=Step(0, 481))
    _placed(world)
    world.run()
    world.assert_clean()
    assert world.last() == Ended(by=Party.US, cause=Cause.SESSION_EXPIRED)
    update, bye = (at for at, who, text in world.log if who == "us" and text[:3] in {"UPD", "BYE"})
    assert bye - update == pytest.approx(0.02)


def test_a_refresh_that_is_refused_for_now_is_sent_again() -> None:
    """491 and 500 to a refresh cost a little time, and the session goes on; only its end ends it."""
    for status, pause in ((491, (2.1, 4.0)), (500, (30.0, 30.0))):
        answer = Step(1, 200, SDP, headers=("Session-Expires: 200;refresher=uac", "Allow: UPDATE"))
        world = World()
        Callee(world, [[answer]], other=Step(0, status))
        _placed(world, longest_seconds=140.0)
        world.run()
        world.assert_clean()
        first, second, *_ = (at for at, who, text in world.log if who == "us" and text.startswith("UPDATE"))
        assert pause[0] - 0.001 <= second - first - 0.02 <= pause[1] + 0.001
        assert world.last() == Ended(by=Party.US, cause=Cause.TOO_LONG)


def test_a_refresh_whose_interval_is_too_short_is_sent_with_a_longer_one() -> None:
    """422 to a refresh is met at once with the Min-SE that it asks for."""
    answer = Step(1, 200, SDP, headers=("Session-Expires: 100;refresher=uac", "Allow: UPDATE"))
    world = World()
    callee = Callee(world, [[answer]], other=Step(0, 422, headers=("Min-SE: 120",)))
    _placed(world, longest_seconds=52.0)
    world.run()
    updates = [heads(text)["session-expires"][0] for text in callee.received if text.startswith("UPDATE")]
    assert updates[:2] == ["100;refresher=uac", "120;refresher=uac"]


def test_a_repeated_2xx_to_our_re_invite_is_acknowledged_again() -> None:
    """The refresh by re-INVITE keeps the rules of the INVITE: each 2xx gets the same ACK."""
    answer = Step(1, 200, SDP, headers=("Session-Expires: 100;refresher=uac",))
    world = World()
    callee = Callee(world, [[answer]])
    _placed(world, longest_seconds=80.0)
    world.run(60)
    ok = [text for _, who, text in world.log if who == "callee" and " INVITE" in text][-1]
    before = len(callee.acks)
    world.to_us(ok)
    world.run()
    world.assert_clean()
    assert len(callee.acks) == before + 1
    assert callee.acks[-1] == callee.acks[-2]


def test_two_offers_at_once_are_refused_with_491() -> None:
    """While an offer of ours is open, the peer's offer is refused, and its request without one is answered."""
    answer = Step(1, 200, SDP, headers=("Session-Expires: 100;refresher=uac",))
    world = World(latency=(0.2, 0.2))
    callee = Callee(world, [[answer]], acks_our_answers=False)
    _placed(world, longest_seconds=70.0)
    world.run(51.5)
    assert world.methods().count("INVITE") == 2
    callee.request(callee.acks[0], "INVITE", HELD_SDP)
    callee.request(callee.acks[0], "UPDATE")
    world.run(0.5)
    assert sorted(reply.split(" ")[1] for reply in callee.replies) == ["200", "491"]


def test_while_our_offer_awaits_its_answer_another_is_refused() -> None:
    """A re-INVITE without an offer opens ours until the ACK brings the answer; meanwhile UPDATE with one gets 491."""
    world = World()
    callee = Callee(world, [ANSWER], acks_our_answers=False)
    _placed(world)
    world.run(5)
    callee.request(callee.acks[0], "INVITE")
    world.run(0.2)
    callee.request(callee.acks[0], "UPDATE", HELD_SDP)
    world.run(0.2)
    assert [reply.split(" ")[1] for reply in callee.replies] == ["200", "491"]


def test_the_answer_in_an_ack_is_taken() -> None:
    """When our 2xx held the offer, the ACK's description changes the media (RFC 3264, 4)."""
    world = World()
    callee = Callee(world, [ANSWER], acks_our_answers=False)
    _placed(world)
    world.run(5)
    callee.request(callee.acks[0], "INVITE")
    world.run(0.2)
    ack = callee.request(callee.acks[0], "ACK", MOVED_SDP).replace("CSeq: 102 ACK", "CSeq: 101 ACK")
    world.act(world.agent.receive(ack.encode(), CALLEE, world.now))
    (changed,) = (event for event in world.told() if isinstance(event, MediaChanged))
    assert changed.media.host == "192.0.2.77"


def test_nothing_is_told_after_the_end() -> None:
    """An answer to our offer that comes while our BYE is under way is acknowledged, and no news any more."""
    world = World()
    callee = Callee(world, [ANSWER], acks_our_answers=False, answers_bye=False)
    _placed(world)
    world.run(5)
    callee.request(callee.acks[0], "INVITE")
    world.run(0.2)
    world.act(world.agent.hang_up("fence-1", world.now))
    ack = callee.request(callee.acks[0], "ACK", MOVED_SDP).replace("CSeq: 102 ACK", "CSeq: 101 ACK")
    world.act(world.agent.receive(ack.encode(), CALLEE, world.now))
    world.run()
    world.assert_clean()


def test_a_refresh_that_is_answered_after_the_end_is_acknowledged_and_no_more() -> None:
    """The description in that 2xx is another than before, and nobody's any more."""
    timer = ("Session-Expires: 90;refresher=uac",)
    world = World(latency=(0.5, 0.5))
    callee = Callee(world, [[Step(0.1, 200, MOVED_SDP, headers=timer)]])
    _placed(world)
    world.run(46.3)  # our re-INVITE is under way
    world.act(world.agent.hang_up("fence-1", world.now))
    world.run()
    world.assert_clean()
    methods = [text.split(" ")[0] for text in callee.received]
    assert "ACK" in methods[methods.index("BYE") :]


def test_a_challenge_within_the_call_is_answered() -> None:
    """A proxy that challenges the BYE gets it again, signed, with the next CSeq."""
    world = World()
    callee = Callee(world, [ANSWER], answers_bye=False)
    _placed(world, longest_seconds=5.0)
    world.run(7.5)
    bye = next(text for text in callee.received if text.startswith("BYE"))
    callee.answers_bye = True
    callee.reply(bye, Step(0, 407, headers=(f"Proxy-Authenticate: {CHALLENGE}",)))
    world.run()
    world.assert_clean()
    signed = [
        text for text in callee.received if text.startswith("BYE") and "proxy-authorization" in heads(text)
    ]
    assert len(signed) == 1
    assert int(heads(signed[0])["cseq"][0].split()[0]) == int(heads(bye)["cseq"][0].split()[0]) + 1


def test_the_network_refusing_the_first_invite_proves_that_nothing_rang() -> None:
    """An INVITE that never left may be placed elsewhere; one that was repeated may have arrived."""
    world = World()
    _placed(world)
    world.act(world.agent.unroutable("fence-1", world.now))
    world.run()
    world.assert_clean()
    assert world.last() == Failed(cause=Cause.UNROUTABLE, sent=False)
    late = World()
    _placed(late)
    late.run(1)
    late.act(late.agent.unroutable("fence-1", late.now))
    late.run()
    late.assert_clean()
    assert late.last() == Failed(cause=Cause.UNROUTABLE, sent=True)


def test_a_call_that_is_woken_too_early_asks_again() -> None:
    """A clock that drops a fraction of a millisecond must not put a call to sleep for ever."""
    world = World()
    _placed(world)
    (at,) = world.wakes.values()
    assert world.agent.wake("fence-1", at - 0.0004) == [Wake("fence-1", at)]


def test_the_far_end_says_where_it_sees_us() -> None:
    """Received and rport of our own Via are kept (RFC 3581)."""
    world = World()
    Callee(world, [ANSWER])
    _placed(world)
    world.run(5)
    call = world.agent.call("fence-1")
    assert call is not None
    assert call.seen_as == ("192.0.2.1", 5061)


def test_an_early_bye_ends_in_a_cancel() -> None:
    """A peer that hangs up before its 2xx reached us gets 200, and the INVITE is cancelled."""
    world = World()
    callee = Callee(world, [[Step(0.1, 180)]])
    _placed(world)
    world.run(1)
    invite = heads(callee.received[0])
    ack = f"X\r\nFrom: {invite['from'][0]}\r\nTo: {invite['to'][0]};tag=callee\r\nCall-ID: fence-1\r\n\r\n"
    callee.request(ack, "BYE")
    world.run()
    world.assert_clean()
    assert world.methods() == ["INVITE", "CANCEL", "ACK"]
    assert world.last() == Failed(cause=Cause.HUNG_UP, status=487, rang=True)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_new_contact_of_the_peer_is_followed(method: str) -> None:
    """A re-INVITE or UPDATE moves the remote target (12.2.2)."""
    world = World()
    callee = Callee(world, [ANSWER])
    _placed(world, longest_seconds=20.0)
    world.run(5)
    callee.contact = "<sip:moved@192.0.2.9>"
    callee.request(callee.acks[0], method, MOVED_SDP)
    world.run()
    world.assert_clean()
    assert any(text.startswith("BYE sip:moved@192.0.2.9 ") for text in callee.received)


def test_where_a_name_would_need_dns_requests_go_to_the_trunk() -> None:
    """The ACK goes to the address in the Contact, and to the trunk when that is a name or not to be followed."""
    for contact, follows, expected in [
        ("<sip:a@198.51.100.5:5070>", True, ("198.51.100.5", 5070)),
        ("<sip:a@198.51.100.5:5070>", False, CALLEE),
        ("<sip:a@gateway.example>", True, CALLEE),
    ]:
        world = World()
        Callee(world, [ANSWER], contact=contact)
        _placed(world, follows_contact=follows)
        world.run(5)
        call = world.agent.call("fence-1")
        assert call is not None
        assert call._talk is not None
        assert call._talk.dialog.next_hop == expected
