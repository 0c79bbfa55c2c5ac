"""Calls over a network that loses, doubles and reorders, against callees that do whatever a script can say.

What must hold whatever happens: every call ends and is told once, nothing stays armed, and no attempt has a second
INVITE unless the first was refused before any 18x.
"""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.sip.effects import Answered, Cause, Failed
from tests.unit.shared.sip.world import HELD_SDP, SDP, Callee, Step, World, heads, order

_CHALLENGE = ('WWW-Authenticate: Digest realm="trunk", nonce="n1", qop="auth"',)
_provisionals = st.lists(
    st.builds(
        Step,
        after=st.floats(0, 8),
        status=st.sampled_from([100, 180, 183]),
        sdp=st.sampled_from(["", SDP]),
        headers=st.sampled_from([(), ("Require: 100rel", "RSeq: 1"), ("Require: 100rel", "RSeq: 2")]),
        tag=st.sampled_from(["callee", "fork"]),
    ),
    max_size=4,
)
_finals = st.lists(
    st.one_of(
        st.builds(
            Step,
            after=st.floats(0, 40),
            status=st.just(200),
            sdp=st.sampled_from([SDP, ""]),
            headers=st.sampled_from(
                [(), ("Session-Expires: 90;refresher=uac",), ("Session-Expires: 90;refresher=uas",)]
            ),
            tag=st.sampled_from(["callee", "fork"]),
        ),
        st.builds(Step, after=st.floats(0, 40), status=st.sampled_from([486, 503, 603, 422])),
        st.builds(Step, after=st.floats(0, 4), status=st.just(401), headers=st.just(_CHALLENGE)),
    ),
    max_size=3,
)
_scripts = st.lists(st.builds(lambda a, b: a + b, _provisionals, _finals), min_size=1, max_size=3)
_requests = st.lists(
    st.tuples(
        st.floats(0, 60),
        st.sampled_from(["BYE", "INVITE", "UPDATE", "INFO", "OPTIONS", "REFER"]),
        st.sampled_from(["", HELD_SDP]),
        st.just(()),
    ),
    max_size=4,
).map(tuple)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**16),
    loss=st.sampled_from([0.0, 0.1, 0.4, 0.8]),
    duplicate=st.sampled_from([0.0, 0.3]),
    spread=st.sampled_from([0.0, 0.3, 2.0]),
    scripts=_scripts,
    requests=_requests,
    hangs_up_after=st.one_of(st.none(), st.floats(0, 60)),
    answers_bye=st.booleans(),
    answers_cancel=st.booleans(),
    acks=st.booleans(),
)
def test_every_call_ends_and_leaves_nothing(
    seed: int,
    loss: float,
    duplicate: float,
    spread: float,
    scripts: list[list[Step]],
    requests: tuple[tuple[float, str, str, tuple[str, ...]], ...],
    hangs_up_after: float | None,
    answers_bye: bool,
    answers_cancel: bool,
    acks: bool,
) -> None:
    """Whatever the network and the callee do, the call ends once, and rings at most once."""
    world = World(seed=seed, loss=loss, duplicate=duplicate, latency=(0.01, 0.01 + spread))
    callee = Callee(
        world,
        scripts,
        requests=requests,
        answers_bye=answers_bye,
        answers_cancel=answers_cancel,
        acks_our_answers=acks,
    )
    world.act(world.agent.place(order(longest_seconds=120.0, session_seconds=90), world.now))
    if hangs_up_after is not None:
        world.later(hangs_up_after, lambda: world.act(world.agent.hang_up("fence-1", world.now)))
    world.run(2000)
    world.assert_clean()
    _assert_rings_once(world, callee)


def _assert_rings_once(world: World, callee: Callee) -> None:
    """Assert that each INVITE but the last was refused, as the callee saw it, before any 18x was."""
    *earlier, _ = world.invites()
    seen = [text for _, who, text in world.log if who == "callee"]
    for via in earlier:
        branch = via.partition("branch=")[2].partition(";")[0]
        statuses = [
            int(text.split(" ")[1])
            for text in seen
            if text.startswith("SIP") and branch in text and " INVITE" in text
        ]
        assert any(status in {401, 422} for status in statuses)
    assert len(callee.invites) <= len(world.invites()) <= 4


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
def test_a_hundred_calls_at_once_over_a_lossy_network(loss: float) -> None:
    """With a tenth of all datagrams lost every call is still answered and hung up (INVITE and BYE are repeated)."""
    world = World(seed=7, loss=loss, latency=(0.01, 0.2))
    callee = Callee(world, [[Step(0.1, 180), Step(1, 200, SDP)]])
    for index in range(100):
        call = order(f"fence-{index}", longest_seconds=20.0)
        world.later(index / 50, lambda call=call: world.act(world.agent.place(call, world.now)))  # type: ignore[misc]
    world.run(600)
    assert sorted(world.forgotten) == sorted(f"fence-{index}" for index in range(100))
    answered = [key for key, event in world.events if isinstance(event, Answered)]
    failed = [event for _, event in world.events if isinstance(event, Failed)]
    assert len(set(answered)) == len(answered) == 100 - len(failed)
    assert all(event.cause in {Cause.TIMED_OUT, Cause.UNANSWERED} for event in failed)
    assert len(failed) <= (0 if loss < 0.2 else 3)
    assert len(callee.invites) + sum(event.cause is Cause.TIMED_OUT for event in failed) >= 100
    assert not world.wakes


def test_arbitrary_bytes_change_nothing() -> None:
    """Noise, and valid messages with bytes flipped, raise nothing and leave no state behind."""
    world = World()
    callee = Callee(world, [[Step(0.1, 180), Step(1, 200, SDP)]])
    world.act(world.agent.place(order(longest_seconds=60.0), world.now))
    world.run(5)
    dice = random.Random(5)
    samples = [text.encode() for _, _, text in world.log]
    for _ in range(3000):
        data = bytearray(dice.choice(samples))
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        for effect in world.agent.receive(
            bytes(data[: dice.randrange(len(data) + 1)]), ("198.51.100.66", 9), world.now
        ):
            assert effect is not None
    assert len(world.agent) == 1
    world.run()
    assert len(world.agent) == 0
    assert callee.received


_NASTY = (
    "Require: 100rel",
    "Require: ;;,",
    "RSeq: 1",
    "RSeq: 99999999999",
    "RSeq: x",
    "Session-Expires: 90;refresher=uac",
    "Session-Expires: 0",
    "Session-Expires: ;",
    "Min-SE: 7200",
    "Contact: <sip:[::1]:9>",
    "Contact: *",
    "Contact: <>",
    "Contact: <tel:+1>",
    "Record-Route: <sip:a;lr>, <sip:b>",
    "Record-Route: <<<",
    'WWW-Authenticate: Digest realm="r", nonce="n"',
    'Proxy-Authenticate: Digest realm="q", nonce="n", stale=true',
    "Reason: Q.850;cause=999999999999",
    "Retry-After: 99999999999999999999",
    "P-Asserted-Identity: <",
    "Content-Type: application/sdp",
    "Content-Encoding: gzip",
    "Content-Length: 0",
    "Allow: UPDATE, ,",
    "CSeq: 1 INVITE",
    "Max-Forwards: 0",
)
_BODIES = (
    "",
    SDP,
    HELD_SDP,
    SDP[:60],
    "v=0\r\n",
    SDP.replace("40000", "0"),
    SDP.replace("192.0.2.9", "0.0.0.0"),
)


@pytest.mark.parametrize("seed", range(40))
def test_well_addressed_nonsense_within_a_call_raises_nothing(seed: int) -> None:
    """Whatever a peer that knows the dialog sends, the engine takes it, stays bounded, and the call ends."""
    dice = random.Random(seed)
    world = World(seed=seed)
    callee = Callee(world, [[Step(0.1, dice.choice((100, 180, 183)), dice.choice(_BODIES))]])
    world.act(world.agent.place(order(longest_seconds=60.0, session_seconds=90), world.now))
    world.run(1)
    invite = callee.received[0]
    ack = invite.replace("To: ", "X: ").replace("\r\nX: ", "\r\nTo: ", 1)
    found = heads(ack)
    for _ in range(80):
        nasty = tuple(dice.sample(_NASTY, dice.randrange(4)))
        if dice.random() < 0.5:
            status = dice.choice(
                (100, 180, 183, 199, 200, 200, 302, 401, 407, 408, 422, 481, 486, 487, 491, 503)
            )
            ours = [text for _, who, text in world.log if who == "us" and not text.startswith("SIP")]
            callee.reply(
                dice.choice(ours), Step(0, status, dice.choice(_BODIES), nasty, dice.choice(("callee", "x")))
            )
        else:
            method = dice.choice(
                ("INVITE", "UPDATE", "ACK", "BYE", "INFO", "PRACK", "CANCEL", "OPTIONS", "NOTIFY")
            )
            of = f"X\r\nFrom: {found['from'][0]}\r\nTo: {found['to'][0]};tag=callee\r\nCall-ID: fence-1\r\n\r\n"
            callee.request(of, method if dice.random() < 0.9 else "BYE", dice.choice(_BODIES), nasty)
        world.run(dice.choice((0.05, 0.3, 3.0)))
    call = world.agent.call("fence-1")
    if call is not None:
        assert len(call._desk.servers._exchanges) <= 32
        assert len(call._invitation.dialogs) <= 2 * 16
    world.run()
    world.assert_clean()


@given(data=st.binary(max_size=2000))
@settings(max_examples=100, deadline=None)
def test_noise_raises_nothing(data: bytes) -> None:
    """No datagram raises."""
    world = World()
    world.agent.receive(data, ("198.51.100.66", 9), 0.0)
    world.agent.receive(b"SIP/2.0 200 " + data, ("198.51.100.66", 9), 0.0)


def test_a_flood_within_a_call_keeps_state_bounded() -> None:
    """A peer that sends ever new requests, forks and reliable provisionals grows nothing without limit."""
    world = World()
    script = [Step(0.001, 183, SDP, ("Require: 100rel", f"RSeq: {n}"), f"t{n % 200}") for n in range(1, 1000)]
    callee = Callee(world, [[*script, *(Step(0.001, 200, SDP, tag=f"t{n}") for n in range(200))]])
    world.act(world.agent.place(order(longest_seconds=300.0), world.now))
    world.run(3)
    call = world.agent.call("fence-1")
    assert call is not None
    winner = next(ack for ack in callee.acks if heads(ack)["to"][0].endswith("t0"))
    for _ in range(500):
        world.act(
            world.agent.receive(callee.request(winner, "OPTIONS").encode(), ("192.0.2.9", 5060), world.now)
        )
    assert len(call._invitation.dialogs) <= 2 * 16  # early ones, and those that answered
    assert len(call._desk.servers._exchanges) <= 32
    assert len(call._desk.clients._exchanges) <= 32 + 16 + 2
    world.run()
    world.assert_clean()
