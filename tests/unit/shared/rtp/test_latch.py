"""Where audio is sent, and who may move it."""

from shared.rtp.latch import MAX_MOVES, Latch, described_anew, heard

SDP_ADDRESS, NAT, THIEF = ("10.0.0.5", 4000), ("203.0.113.7", 31000), ("198.51.100.66", 9)


def _hear(
    latch: Latch, *sources: tuple[str, int], at: float = 0.0, agreed: bool = True
) -> tuple[Latch, list[bool]]:
    played = []
    for source in sources:
        latch, plays = heard(latch, source, at, agreed=agreed)
        played.append(plays)
    return latch, played


def test_audio_goes_to_the_description_until_somebody_is_believed() -> None:
    """One or two packets from elsewhere move nothing; the third in a row does, and is played."""
    latch, played = _hear(Latch(described=SDP_ADDRESS), NAT, NAT)
    assert (latch.target, played) == (SDP_ADDRESS, [False, False])
    latch, played = _hear(latch, NAT)
    assert (latch.target, played) == (NAT, [True])


def test_the_described_address_is_believed_at_once_and_taken_back() -> None:
    """When the SDP's own address sends, it wins, even after a quicker stranger."""
    latch, _ = _hear(Latch(described=SDP_ADDRESS), THIEF, THIEF, THIEF)
    latch, played = _hear(latch, SDP_ADDRESS, THIEF)
    assert (latch.target, played) == (SDP_ADDRESS, [True, False])


def test_nobody_takes_a_stream_that_flows() -> None:
    """While the latched source sends, any number of packets from elsewhere is neither played nor followed."""
    latch, _ = _hear(Latch(described=SDP_ADDRESS), NAT, NAT, NAT)
    for second in range(50):
        latch, played = _hear(latch, THIEF, THIEF, THIEF, THIEF, NAT, at=second * 0.02)
        assert (latch.target, played) == (NAT, [False, False, False, False, True])


def test_after_silence_a_new_source_is_followed_a_few_times() -> None:
    """A network handover is followed after two seconds of silence; a source that swings is not followed for ever."""
    latch, _ = _hear(Latch(described=SDP_ADDRESS), NAT, NAT, NAT)
    for move in range(MAX_MOVES + 2):
        latch, _ = _hear(latch, *[("203.0.113.8", 1000 + move)] * 3, at=(move + 1) * 3.0)
    assert latch.target == ("203.0.113.8", 1000 + MAX_MOVES - 1)


def test_packets_of_another_kind_prove_nothing() -> None:
    """Only RTP of an agreed payload type counts."""
    latch, played = _hear(Latch(described=SDP_ADDRESS), *[NAT] * 10, agreed=False)
    assert (latch.target, any(played)) == (SDP_ADDRESS, False)


def test_two_strangers_by_turns_are_not_believed() -> None:
    """The packets must come in a row."""
    latch, _ = _hear(Latch(described=SDP_ADDRESS), *[NAT, THIEF] * 10)
    assert latch.target == SDP_ADDRESS


def test_a_new_description_begins_anew_and_the_same_one_changes_nothing() -> None:
    """A re-INVITE with another address lets go of the latch; a refresh keeps it."""
    latch, _ = _hear(Latch(described=SDP_ADDRESS), NAT, NAT, NAT)
    assert described_anew(latch, SDP_ADDRESS) is latch
    assert described_anew(latch, ("10.0.0.6", 4000)).target == ("10.0.0.6", 4000)
