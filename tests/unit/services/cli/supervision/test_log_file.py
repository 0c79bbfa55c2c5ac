"""Logs of processes: bounded, and quoted when one fails."""

import os
from pathlib import Path

import pytest

from services.cli.supervision import log_file
from services.cli.supervision.log_file import last_lines, open_log, put_aside_when_long, size_of


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    """A new process writes after what the last one wrote."""
    path = tmp_path / "api.log"
    for words in (b"first\n", b"second\n"):
        descriptor = open_log(path)
        os.write(descriptor, words)
        os.close(descriptor)
    assert path.read_bytes() == b"first\nsecond\n"


def test_a_long_log_is_cut_under_its_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that has grown too long is put aside while its process goes on writing into it."""
    monkeypatch.setattr(log_file, "LOG_LIMIT_BYTES", 10)
    path = tmp_path / "api.log"
    descriptor = open_log(path)
    os.write(descriptor, b"0123456789abc\n")
    put_aside_when_long(path)
    os.write(descriptor, b"new\n")
    os.close(descriptor)
    assert path.read_bytes() == b"new\n"
    assert (tmp_path / "api.old.log").read_bytes() == b"0123456789abc\n"


def test_a_short_or_missing_log_is_left_alone(tmp_path: Path) -> None:
    """Nothing is put aside before its time."""
    path = tmp_path / "api.log"
    put_aside_when_long(path)
    path.write_text("short\n")
    put_aside_when_long(path)
    assert [file.name for file in tmp_path.iterdir()] == ["api.log"]


def test_the_last_words_are_those_of_the_last_process(tmp_path: Path) -> None:
    """What an earlier process wrote is not quoted for the failure of this one."""
    path = tmp_path / "api.log"
    path.write_text("an old failure\n")
    before = size_of(path)
    with path.open("a") as log:
        log.writelines(f"line {number}\n\n" for number in range(20))
    assert last_lines(path, since_byte=before).splitlines() == [f"line {n}" for n in range(15, 20)]
    assert last_lines(path, since_byte=size_of(path)) == ""


def test_the_last_words_are_for_people(tmp_path: Path) -> None:
    """Of a traceback only what it ends with is quoted; its frames stay in the log."""
    path = tmp_path / "api.log"
    path.write_text(
        'Traceback (most recent call last):\n  File "a.py", line 1\n    boom()\nOSError: It broke.\n'
    )
    assert last_lines(path) == "OSError: It broke."


def test_a_log_that_is_not_there_has_no_words(tmp_path: Path) -> None:
    """A process that never wrote is quoted with nothing."""
    assert last_lines(tmp_path / "api.log") == ""
    assert size_of(tmp_path / "api.log") == 0
