"""G.711 against the Recommendation's segments, computed here from its decision values, independently."""

import random
import struct

import pytest

from shared.rtp.g711 import PCMA, PCMU, SILENCE_PCMA, SILENCE_PCMU, Law, a_to_mu, mu_to_a


def _mu_by_the_book(code: int) -> int:
    """Return the value of a µ-law code by table 2 of G.711: chords of 16 steps that double, in 14 bits, then 16."""
    inverted = code ^ 0xFF
    chord, step = inverted >> 4 & 7, inverted & 15
    edges = [33 * 2**n - 33 for n in range(9)]  # 0, 33, 99, 231 … : where each chord begins, less the bias
    width = 2 ** (chord + 1)
    low = edges[chord] + step * width
    value = 0 if (chord, step) == (0, 0) else low
    return (-1 if inverted & 0x80 else 1) * value * 4


def _a_by_the_book(code: int) -> int:
    """Return the value of an A-law code by table 1: 32 steps of 2, then segments whose steps double, in 13 bits."""
    plain = code ^ 0x55
    segment, step = plain >> 4 & 7, plain & 15
    width = 2 if segment < 2 else 2**segment
    low = 0 if segment == 0 else 32 * 2 ** (segment - 1)
    value = (low + step * width + width / 2) * 8
    return int(value if plain & 0x80 else -value)


def test_every_code_means_what_the_tables_say() -> None:
    """All 256 codes of both laws decode to the values of the Recommendation, scaled to 16 bits."""
    assert [PCMU.linear[code] for code in range(256)] == [_mu_by_the_book(code) for code in range(256)]
    assert [PCMA.linear[code] for code in range(256)] == [_a_by_the_book(code) for code in range(256)]


def _mu_interval(code: int) -> tuple[int, int]:
    """Return the 16-bit magnitudes that belong to a µ-law code: decision values 0, 1, 3, 5 … in 14 bits (table 2a)."""
    inverted = code ^ 0xFF
    chord, step = inverted >> 4 & 7, inverted & 15
    low, high = ((32 + 2 * (step + more)) * 2**chord - 33 for more in (0, 1))
    return max(0, 4 * low), 4 * high


def _a_interval(code: int) -> tuple[int, int]:
    """Return the 16-bit magnitudes that belong to an A-law code: its step, in 13 bits with sign (table 1a)."""
    plain = code ^ 0x55
    segment, step = plain >> 4 & 7, plain & 15
    width = 2 if segment < 2 else 2**segment
    low = (0 if segment == 0 else 32 * 2 ** (segment - 1)) + step * width
    return 8 * low, 8 * (low + width)


def test_every_sample_lies_between_the_decision_values_of_its_code() -> None:
    """All 65,536 samples get the code whose interval holds them; louder ones than a law knows get its loudest."""
    for sample in range(-32768, 32768):
        mu, a = PCMU.coded[sample], PCMA.coded[sample]
        low, high = _mu_interval(mu)
        assert low <= min(abs(sample), 32635) < high
        assert bool(mu & 0x80) == (sample >= 0)
        low, high = _a_interval(a)
        assert (
            low <= (sample if sample >= 0 else -sample - 1) < high
        )  # an edge below zero belongs to the step above
        assert bool(a & 0x80) == (sample >= 0)


@pytest.mark.parametrize("law", [PCMU, PCMA], ids=["µ-law", "A-law"])
def test_a_code_survives_decoding_and_coding(law: Law) -> None:
    """Every code comes back as itself; µ-law's minus zero may come back as zero."""
    codes = bytes(range(256))
    back = law.encode(law.decode(codes))
    assert [code for code in codes if back[code] != code] in ([], [0x7F])


@pytest.mark.parametrize(("law", "silence"), [(PCMU, SILENCE_PCMU), (PCMA, SILENCE_PCMA)])
def test_silence_is_the_code_of_zero(law: Law, silence: int) -> None:
    """Zero is coded as the law's idle code."""
    assert law.encode(b"\0\0") == bytes([silence])
    assert law.silence == silence
    assert abs(law.linear[silence]) <= 8


def test_audio_is_little_endian_and_an_odd_byte_is_left_out() -> None:
    """Samples are 16-bit little-endian, whatever the machine is."""
    pcm = struct.pack("<3h", 1000, -1000, 30000)
    assert PCMU.encode(pcm + b"\x01") == PCMU.encode(pcm)
    assert struct.unpack("<3h", PCMU.decode(PCMU.encode(pcm))) == tuple(
        PCMU.linear[PCMU.coded[v]] for v in (1000, -1000, 30000)
    )


def test_law_to_law_keeps_the_loudness() -> None:
    """µ to A and back changes a sample by no more than one step of its segment."""
    codes = bytes(random.Random(1).randbytes(160))
    there = [PCMU.linear[code] for code in codes]
    back = [PCMU.linear[code] for code in a_to_mu(mu_to_a(codes))]
    assert all(abs(a - b) <= max(16, abs(a) / 8) for a, b in zip(there, back, strict=True))
