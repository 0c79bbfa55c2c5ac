"""Keys by RFC 4733, both ways."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rtp.errors import BadTone
from shared.rtp.keys import KEYS, KeyEvent, KeyReceiver, key_packets, parse_key_event
from shared.rtp.packet import RtpPacket


def _packets(
    key: str, *, timestamp: int = 1000, sequence: int = 65533, length_ms: int = 100
) -> list[RtpPacket]:
    return list(
        key_packets(
            key, payload_type=101, ssrc=7, sequence=sequence, timestamp=timestamp, length_ms=length_ms
        )
    )


def test_a_key_is_one_event_that_grows_and_ends_three_times() -> None:
    """One timestamp, rising durations, a marker on the first, and the end repeated (RFC 4733, 2.5.1)."""
    packets = _packets("#")
    events = [parse_key_event(packet.payload) for packet in packets]
    assert events == [KeyEvent(11, 160 * n, False) for n in (1, 2, 3, 4)] + [KeyEvent(11, 800, True)] * 3
    assert [packet.marker for packet in packets] == [True, *[False] * 6]
    assert {packet.timestamp for packet in packets} == {1000}
    assert [packet.sequence for packet in packets] == [65533, 65534, 65535, 0, 1, 2, 3]


@pytest.mark.parametrize(("key", "length_ms"), [("", 100), ("12", 100), ("x", 100), ("1", 39), ("1", 6001)])
def test_what_is_no_key_is_refused(key: str, length_ms: int) -> None:
    """Only one of the sixteen keys, of a length that a receiver hears, is sent."""
    with pytest.raises(BadTone):
        _packets(key, length_ms=length_ms)


@given(keys=st.lists(st.sampled_from(KEYS), max_size=8), seed=st.integers(0, 9999))
def test_each_key_is_told_once_whatever_is_lost_or_doubled(keys: list[str], seed: int) -> None:
    """Up to all but one packet of a key may be lost, any may be doubled: the keys come out as they were pressed."""
    dice = random.Random(seed)
    receiver, told = KeyReceiver(), ""
    for index, key in enumerate(keys):
        packets = _packets(key, timestamp=(2**32 - 2000 + index * 1600) % 2**32, sequence=index * 7)
        kept = sorted(dice.sample(range(7), dice.randint(1, 7)))
        for packet in (packets[position] for position in kept):
            for _ in range(dice.choice((1, 1, 2))):
                told += receiver.take(packet) or ""
    assert told == "".join(keys)


def test_a_straggler_of_an_older_key_is_not_told_again() -> None:
    """An end packet of the last key that comes after the next key began is known."""
    receiver = KeyReceiver()
    first, second = _packets("1"), _packets("2", timestamp=2000)
    told = [receiver.take(packet) for packet in (first[0], second[0], first[-1], second[-1])]
    assert told == ["1", "2", None, None]


def test_the_remains_of_a_lost_key_do_not_come_after_the_next() -> None:
    """A key of which only a late end packet arrives, after a newer key, is not told out of order."""
    receiver = KeyReceiver()
    late, now, much_later = (
        _packets("1")[-1],
        _packets("2", timestamp=2000)[0],
        _packets("3", timestamp=900_000)[0],
    )
    assert [receiver.take(packet) for packet in (now, late, much_later)] == ["2", None, "3"]


def test_a_key_held_longer_than_a_duration_can_say_is_one_key() -> None:
    """The next segment of a long event continues it; the same key pressed again does not (2.5.1.3)."""
    receiver = KeyReceiver()
    segments = [
        _packets("5", timestamp=timestamp)[0] for timestamp in (0, 0xFFFF, 2 * 0xFFFF, 3 * 0xFFFF + 800)
    ]
    assert [receiver.take(packet) for packet in segments] == ["5", None, None, "5"]


@pytest.mark.parametrize("payload", [b"", b"\x01\x0a\x00", bytes((16, 10, 0, 160)), bytes((36, 10, 0, 160))])
def test_other_events_and_short_payloads_are_no_keys(payload: bytes) -> None:
    """Flash, fax tones and cut packets tell nothing."""
    assert parse_key_event(payload) is None
    assert KeyReceiver().take(RtpPacket(101, 1, 1, 1, payload)) is None


@given(st.lists(st.binary(max_size=8), max_size=50))
def test_noise_keeps_the_receiver_bounded(payloads: list[bytes]) -> None:
    """Whatever comes, no more than sixteen keys are remembered."""
    receiver = KeyReceiver()
    for index, payload in enumerate(payloads):
        receiver.take(RtpPacket(101, index, index * 997, 1, payload))
    assert len(receiver._told) <= 16
