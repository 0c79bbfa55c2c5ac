"""The stream that we send."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rtp.errors import BadTone
from shared.rtp.keys import KEYS, KeyReceiver
from shared.rtp.outgoing import MAX_WAITING_KEYS, Outgoing
from shared.rtp.packet import RtpPacket
from shared.rtp.serial import sequence_distance, timestamp_distance

_FRAME = b"\xff" * 160


def _outgoing(event_payload_type: int | None = 101) -> Outgoing:
    return Outgoing(
        ssrc=7, sequence=65530, timestamp=2**32 - 800, payload_type=0, event_payload_type=event_payload_type
    )


def test_audio_goes_out_with_rising_numbers_and_one_marker_per_spurt() -> None:
    """Sequence and timestamp wrap together; after a pause the time has gone on and the marker is set."""
    stream = _outgoing()
    sent = [stream.tick(payload) for payload in [_FRAME] * 8 + [None] * 3 + [_FRAME] * 2]
    packets = [packet for packet in sent if packet is not None]
    assert [packet.sequence for packet in packets] == [*range(65530, 65536), 0, 1, 2, 3]
    assert [packet.marker for packet in packets] == [True, *[False] * 7, True, False]
    assert timestamp_distance(packets[7].timestamp, packets[8].timestamp) == 4 * 160
    assert (stream.packets, stream.octets) == (10, 1600)


def test_keys_take_the_place_of_audio_and_are_heard_as_pressed() -> None:
    """Keys leave in order with a pause between, and audio goes on after them."""
    stream, receiver, told = _outgoing(), KeyReceiver(), ""
    assert all(stream.press(key) for key in "1#1")
    sent = [stream.tick(_FRAME) for _ in range(60)]
    for packet in sent:
        if packet is not None and packet.payload_type == 101:
            told += receiver.take(packet) or ""
    assert told == "1#1"
    assert not stream.pressing
    assert sent[-1] is not None
    assert sent[-1].payload_type == 0


@given(
    plan=st.lists(st.one_of(st.none(), st.just(_FRAME), st.sampled_from(KEYS)), max_size=80),
)
def test_numbers_never_contradict_each_other(plan: list[bytes | str | None]) -> None:
    """Whatever is sent, each packet's number follows the last, and no timestamp goes back."""
    stream = _outgoing()
    sent: list[RtpPacket] = []
    for step in plan:
        if isinstance(step, str):
            stream.press(step)
        packet = stream.tick(step if isinstance(step, bytes) else None)
        if packet is not None:
            sent.append(packet)
    for before, after in pairwise(sent):
        assert sequence_distance(before.sequence, after.sequence) == 1
        assert timestamp_distance(before.timestamp, after.timestamp) >= 0


@given(
    plan=st.lists(
        st.one_of(st.none(), st.sampled_from([_FRAME, _FRAME[:80]]), st.sampled_from(KEYS)), max_size=80
    ),
)
def test_the_short_way_sends_what_the_long_one_does(plan: list[bytes | str | None]) -> None:
    """Byte by byte, and with the same counts for the reports."""
    long, short = _outgoing(), _outgoing()
    octets = 0
    for step in plan:
        if isinstance(step, str):
            long.press(step)
            short.press(step)
        payload = step if isinstance(step, bytes) else None
        packet = long.tick(payload)
        assert short.frame(payload) == (None if packet is None else packet.pack())
        octets += 0 if packet is None else len(packet.payload)
    assert short.packets == long.packets
    assert short.octets == long.octets == octets


def test_keys_are_refused_where_they_cannot_be_sent() -> None:
    """Without telephone events, or with too many waiting, a key is not taken; what is no key is an error."""
    assert not _outgoing(None).press("1")
    stream = _outgoing()
    assert [stream.press("1") for _ in range(MAX_WAITING_KEYS + 1)].count(True) == MAX_WAITING_KEYS
    with pytest.raises(BadTone):
        _outgoing().press("x")
