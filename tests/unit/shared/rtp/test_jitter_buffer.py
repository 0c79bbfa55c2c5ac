"""The jitter buffer under jitter, loss, reordering, drift and restarts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rtp.jitter_buffer import Fate, JitterBuffer
from shared.rtp.packet import RtpPacket

START = 2**32 - 800  # the timestamps wrap after five frames


def _packet(index: int, *, start: int = START, ssrc: int = 1, size: int = 160) -> RtpPacket:
    return RtpPacket(0, index % 65536, (start + index * 160) % 2**32, ssrc, bytes([index % 256]) * size)


def _ticks(buffer: JitterBuffer, count: int) -> list[int | None]:
    return [frame[0] if (frame := buffer.tick()) is not None else None for _ in range(count)]


def test_frames_come_out_in_order_after_the_depth_is_gathered() -> None:
    """Nothing comes out before three frames are there; then one per tick, across the wrap."""
    buffer = JitterBuffer()
    heard: list[int | None] = []
    for index in range(10):
        buffer.put(_packet(index))
        heard += _ticks(buffer, 1)
    assert heard == [None, None, 0, 1, 2, 3, 4, 5, 6, 7]


@given(seed=st.integers(0, 10_000), loss=st.sampled_from([0.0, 0.1, 0.3]))
def test_whatever_the_network_does_no_frame_is_heard_twice_or_out_of_order(seed: int, loss: float) -> None:
    """With loss, doubles and delays up to 80 ms the frames that come out rise, and the buffer stays bounded."""
    dice = random.Random(seed)
    arrivals = sorted(
        (index * 0.02 + dice.uniform(0, 0.08), index)
        for index in range(150)
        for _ in range(2 if dice.random() < 0.1 else 1)
        if dice.random() >= loss
    )
    buffer = JitterBuffer()
    heard: list[int] = []
    for tick in range(200):
        while arrivals and arrivals[0][0] <= tick * 0.02:
            buffer.put(_packet(arrivals.pop(0)[1]))
        heard += [frame for frame in _ticks(buffer, 1) if frame is not None]
        assert len(buffer._frames) <= buffer.limit
    assert heard == sorted(set(heard))
    assert len(heard) + buffer.late + buffer.dropped + len(buffer._frames) >= 150 * (1 - loss) * 0.6


def test_with_jitter_below_the_depth_nothing_is_lost() -> None:
    """Delays up to 35 ms are ridden out by a depth of 60 ms without a single gap."""
    dice = random.Random(3)
    arrivals = sorted((index * 0.02 + dice.uniform(0, 0.035), index) for index in range(200))
    buffer = JitterBuffer()
    heard: list[int | None] = []
    for tick in range(210):
        while arrivals and arrivals[0][0] <= tick * 0.02:
            buffer.put(_packet(arrivals.pop(0)[1]))
        heard += _ticks(buffer, 1)
    first = heard.index(0)
    assert heard[first : first + 200] == list(range(200))
    assert buffer.late == 0


def test_a_missing_frame_is_a_gap_and_its_late_packet_is_dropped() -> None:
    """The turn of a frame passes whether it is there or not."""
    buffer = JitterBuffer()
    for index in (0, 1, 2, 4, 5):
        buffer.put(_packet(index))
    assert _ticks(buffer, 4) == [0, 1, 2, None]
    assert buffer.put(_packet(3)) is Fate.LATE
    assert buffer.put(_packet(4)) is Fate.DOUBLE
    assert _ticks(buffer, 2) == [4, 5]
    assert (buffer.gaps, buffer.late, buffer.doubles) == (1, 1, 1)


def test_a_double_of_a_frame_already_heard_is_known() -> None:
    """A copy that comes after its frame was handed out counts as a double, not as late."""
    buffer = JitterBuffer()
    for index in range(4):
        buffer.put(_packet(index))
    _ticks(buffer, 2)
    assert buffer.put(_packet(0)) is Fate.DOUBLE


def test_a_sender_faster_than_our_clock_does_not_raise_the_delay_for_ever() -> None:
    """Beyond the limit the oldest frames go, and what is heard is recent."""
    buffer = JitterBuffer()
    for index in range(100):
        buffer.put(_packet(index))
    assert (len(buffer._frames), buffer.dropped) == (20, 80)
    assert _ticks(buffer, 1) == [80]


@pytest.mark.parametrize("change", [{"ssrc": 2}, {"start": START + 100_000}])
def test_another_stream_replaces_what_was_buffered(change: dict[str, int]) -> None:
    """Another SSRC or a jump of the timestamps starts over."""
    buffer = JitterBuffer()
    for index in range(5):
        buffer.put(_packet(index))
    _ticks(buffer, 1)
    assert buffer.put(_packet(50, **change)) is Fate.RESTARTED
    buffer.put(_packet(51, **change))
    buffer.put(_packet(52, **change))
    assert _ticks(buffer, 4) == [50, 51, 52, None]


def test_silence_suppression_is_a_gap_in_time_and_then_goes_on() -> None:
    """After a pause of the sender frames are gathered anew."""
    buffer = JitterBuffer()
    for index in range(3):
        buffer.put(_packet(index))
    assert _ticks(buffer, 6) == [0, 1, 2, None, None, None]
    for index in range(30, 34):
        buffer.put(_packet(index))
    assert _ticks(buffer, 4) == [30, 31, 32, 33]


def test_a_burst_while_playing_skips_to_what_is_recent() -> None:
    """What a sender held back for half a second is not played with that delay for the rest of the call."""
    buffer = JitterBuffer()
    for index in range(4):
        buffer.put(_packet(index))
    assert _ticks(buffer, 2) == [0, 1]
    for index in range(4, 40):
        buffer.put(_packet(index))
    assert (buffer.dropped, _ticks(buffer, 2)) == (18, [20, 21])


def test_a_sender_whose_clock_jumps_by_part_of_a_frame_is_followed() -> None:
    """Frames off the old grid are played on the new one after one gap."""
    buffer = JitterBuffer(depth=1)
    buffer.put(_packet(0))
    buffer.put(_packet(1, start=START + 80))
    buffer.put(_packet(2, start=START + 80))
    assert _ticks(buffer, 4) == [0, None, 1, 2]


def test_packets_of_other_lengths_become_frames() -> None:
    """A packet of 30 ms is a frame and a filled-up half; one of 60 ms is three frames; an empty one is none."""
    buffer = JitterBuffer(depth=1)
    buffer.put(_packet(0, size=480))
    buffer.put(_packet(3, size=0))
    frames = [buffer.tick() for _ in range(3)]
    assert all(frame is not None and len(frame) == 160 for frame in frames)
    buffer.put(_packet(9, size=240))
    assert [len(buffer.tick() or b"") for _ in range(8)].count(160) == 2
