"""WAV files of strangers, and those that we write."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.sip_trunk.wav import LINEAR, MU_LAW, UnusableAudio, is_wav, read_wav, write_mu_law_wav


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WAV file of these chunks."""
    body = b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def form(encoding: int = LINEAR, channels: int = 1, rate_hz: int = 8000, bits: int = 16) -> bytes:
    """Return a format chunk."""
    return struct.pack("<HHIIHH", encoding, channels, rate_hz, 0, 0, bits)


@given(st.binary(max_size=500))
def test_what_we_write_reads_back(samples: bytes) -> None:
    """Of any length, odd ones too."""
    wave = read_wav(write_mu_law_wav(samples))
    assert (wave.encoding, wave.channels, wave.rate_hz, wave.data) == (MU_LAW, 1, 8000, samples)


def test_other_chunks_are_passed_over() -> None:
    """Titles and cue points may stand anywhere."""
    wave = read_wav(riff((b"LIST", b"abc"), (b"fmt ", form()), (b"junk", b"12345"), (b"data", b"\1\2")))
    assert wave.data == b"\1\2"


def test_a_length_beyond_the_end_is_not_believed() -> None:
    """A program that streams writes two gigabytes where it does not know."""
    body = bytearray(riff((b"fmt ", form()), (b"data", b"\1\2\3\4")))
    body[-8:-4] = struct.pack("<I", 0x7FFFF000)
    assert read_wav(bytes(body)).data == b"\1\2\3\4"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"RIFF",
        b"<html>",
        riff((b"data", b"12")),
        riff((b"fmt ", b"short"), (b"data", b"12")),
        riff((b"fmt ", form(encoding=85)), (b"data", b"12")),
        riff((b"fmt ", form(channels=0)), (b"data", b"12")),
        riff((b"fmt ", form(channels=99)), (b"data", b"12")),
        riff((b"fmt ", form(rate_hz=1)), (b"data", b"12")),
        riff((b"fmt ", form(bits=32)), (b"data", b"12")),
        riff((b"fmt ", form())),
    ],
)
def test_what_cannot_be_played_is_refused(body: bytes) -> None:
    """With a sentence that says what can be."""
    with pytest.raises(UnusableAudio, match="give WAV"):
        read_wav(body)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    """It reads or refuses."""
    for body in (noise, b"RIFF\0\0\0\0WAVE" + noise, b"RIFF\0\0\0\0WAVEfmt " + noise):
        try:
            read_wav(body)
        except UnusableAudio:
            assert is_wav(body) == (body[:4] == b"RIFF" and body[8:12] == b"WAVE")
