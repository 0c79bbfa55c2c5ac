"""Arithmetic on numbers that wrap: 16-bit sequence numbers and 32-bit timestamps (RFC 3550, A.1; RFC 1982).

Of two numbers the one that is less than half the circle ahead is the later.
"""

from typing import Final

_SEQUENCE: Final = 1 << 16
_TIMESTAMP: Final = 1 << 32


def sequence_after(sequence: int, steps: int = 1) -> int:
    """Return the sequence number so many steps on."""
    return (sequence + steps) % _SEQUENCE


def timestamp_after(timestamp: int, ticks: int) -> int:
    """Return the timestamp so many ticks on."""
    return (timestamp + ticks) % _TIMESTAMP


def sequence_distance(earlier: int, later: int) -> int:
    """Return how many steps lead from one to the other: -32768 to 32767."""
    return (later - earlier + _SEQUENCE // 2) % _SEQUENCE - _SEQUENCE // 2


def timestamp_distance(earlier: int, later: int) -> int:
    """Return how many ticks lead from one to the other: -2**31 to 2**31 - 1."""
    return (later - earlier + _TIMESTAMP // 2) % _TIMESTAMP - _TIMESTAMP // 2
