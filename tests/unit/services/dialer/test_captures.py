"""What a call recorded, and what its application is told of it."""

import base64

import pytest

from services.dialer.captures import MAX_BYTES, Captures
from shared.telephony.port import RecordingEnded
from shared.voicexml.effects import RECORDING_PREFIX


@pytest.mark.parametrize(
    ("ended", "stopped", "gone", "ended_by", "kept"),
    [
        (RecordingEnded("r", 4.0, None, b"RIFF"), False, False, "silence", True),
        (RecordingEnded("r", 9.0, None, b"RIFF"), False, False, "maxtime", True),
        (RecordingEnded("r", 4.0, "5", b"RIFF"), False, False, "stop", True),
        (RecordingEnded("r", 4.0, None, b"RIFF"), True, False, "stop", True),
        (RecordingEnded("r", 4.0, None, b"RIFF"), False, True, "hangup", True),
        (RecordingEnded("r", 0.0), False, False, "noinput", False),
        (RecordingEnded("r", 4.0, None, b"RIFF", heard=False), False, False, "noinput", False),
        (RecordingEnded("r", 4.0, "5", b"RIFF", heard=False), False, False, "stop", True),
        (RecordingEnded("r", 4.0, None, bytes(MAX_BYTES + 1)), False, False, "error.noresource", False),
    ],
)
def test_how_a_recording_ended(
    ended: RecordingEnded, ended_by: str, *, stopped: bool, gone: bool, kept: bool
) -> None:
    """By silence, its longest time, a key, the application or a hang-up; nothing, or too much, is not kept."""
    captures = Captures()
    captures.begin(7, 9_000)
    if stopped:
        captures.stopped()
    told = captures.take(ended, gone=gone)
    assert told is not None
    assert (told.record_id, told.ended_by, bool(told.recording)) == (7, ended_by, kept)
    assert captures.take(ended, gone=gone) is None, "it was told already"


def test_a_recording_is_sent_and_played_by_the_name_that_the_application_has() -> None:
    """As a file of a form, and as a data URL; an address that is no recording stays as it is."""
    captures = Captures()
    captures.begin(7, 9_000)
    captures.take(RecordingEnded("3-7", 4.0, None, b"RIFFsound"), gone=False)
    (file,) = captures.files((("message", RECORDING_PREFIX + "3-7"),))
    assert (file.name, file.filename, file.content) == ("message", "message.wav", b"RIFFsound")
    address = captures.address(RECORDING_PREFIX + "3-7")
    assert base64.b64decode(address.partition(",")[2]) == b"RIFFsound"
    assert captures.address("https://files.example/a.wav") == "https://files.example/a.wav"
    assert captures.address(RECORDING_PREFIX + "3-7") is address, "in a loop it is one text and not thousands"


def test_a_recording_of_which_nothing_comes_is_answered_all_the_same() -> None:
    """The call is over: the application would wait for ever."""
    captures = Captures()
    assert captures.abandon() is None
    captures.begin(7, 9_000)
    told = captures.abandon()
    assert told is not None
    assert (told.recording, told.ended_by) == ("", "noinput")
