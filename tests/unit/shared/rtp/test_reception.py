"""Statistics of a source."""

import pytest

from shared.rtp.packet import Numbers
from shared.rtp.reception import Reception


def _packet(index: int, ssrc: int = 1, first: int = 65530) -> Numbers:
    return (first + index) % 65536, (index * 160) % 2**32, ssrc


def test_loss_is_counted_across_the_wrap_of_the_sequence() -> None:
    """Of 100 packets every tenth is missing: expected, lost and the fraction say so."""
    reception = Reception()
    for index in range(101):
        if index % 10 != 5:
            reception.take(_packet(index), index * 0.02)
    block = reception.report()
    assert (reception.expected, reception.lost) == (101, 10)
    assert block is not None
    assert (block.fraction_lost, block.lost, block.highest_sequence) == (256 * 10 // 101, 10, 65530 + 100)
    assert reception.report() is not None
    later = reception.report()
    assert later is not None
    assert later.fraction_lost == 0


def test_reordering_is_no_loss() -> None:
    """Packets that come a little late are counted once, and the highest number stays."""
    reception = Reception()
    for index in (0, 1, 3, 2, 5, 4, 6, 7, 6):
        reception.take(_packet(index), 0.1)
    assert (reception.expected, reception.lost) == (8, -1)


@pytest.mark.parametrize(("spread", "least", "most"), [(0.0, 0, 1), (0.01, 20, 90)])
def test_jitter_is_what_packets_are_off_their_time(spread: float, least: int, most: int) -> None:
    """Packets on time have no jitter; packets 10 ms early and late by turns have some 80 samples at most."""
    reception = Reception()
    for index in range(200):
        reception.take(_packet(index), 1 + index * 0.02 + (spread if index % 2 else 0))
    assert least <= reception.jitter <= most


def test_another_source_begins_anew() -> None:
    """A new SSRC, or a jump of the numbers, is another stream and no loss."""
    reception = Reception()
    for index in range(10):
        reception.take(_packet(index), index * 0.02)
    reception.take(_packet(10, ssrc=2), 0.2)
    assert (reception.expected, reception.lost) == (1, 0)
    reception.take(_packet(30000, ssrc=2), 0.22)
    assert (reception.expected, reception.lost) == (1, 0)
    assert Reception().report() is None
