"""What a person reads when an embedded server cannot start."""

import errno
import os
from pathlib import Path

import pytest

from shared.adapters.embedded.failures import (
    REASON_CHARACTERS,
    CannotStart,
    DataInUse,
    NotInstalled,
    did_not_start,
    full_disk,
    reason_in,
    sentence_for,
    told_as_a_sentence,
)
from shared.domain.errors import PacelineError

FOLDER = Path("/srv/paceline")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "sudo chown -R $(id -un) /srv/paceline"),
        (errno.EPERM, "sudo chown -R $(id -un) /srv/paceline"),
        (errno.ENOSPC, "is full: free 100 MB"),
        (errno.EDQUOT, "is full: free 100 MB"),
        (errno.EROFS, "cannot be written to"),
        (errno.ENOTDIR, "Not a directory"),
    ],
)
def test_an_error_of_the_system_becomes_a_sentence_that_says_what_to_do(number: int, words: str) -> None:
    """Each names the folder, a way out, and is one sentence."""
    sentence = sentence_for(OSError(number, os.strerror(number)), FOLDER)
    assert words in sentence
    assert str(FOLDER) in sentence
    assert "--data-dir" in sentence
    assert sentence.endswith(".")
    assert ". " not in sentence


@pytest.mark.parametrize(
    ("refused", "order"),
    [
        ("/srv/paceline/lock", "sudo chown -R $(id -un) /srv/paceline"),
        ("/srv/paceline", "sudo install -d -o $(id -un) /srv/paceline"),
    ],
)
def test_what_was_refused_is_named_and_mended(refused: str, order: str) -> None:
    """A folder that could not be made has to be made; one whose content is another's has to change hands."""
    sentence = sentence_for(PermissionError(errno.EACCES, "Permission denied", refused), FOLDER)
    assert f"may not use {refused}:" in sentence
    assert order in sentence


def test_only_errors_of_the_system_are_translated() -> None:
    """Our own errors pass, and the others keep their cause for whoever debugs."""
    with pytest.raises(CannotStart) as failure, told_as_a_sentence(FOLDER):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert isinstance(failure.value.__cause__, PermissionError)
    with pytest.raises(DataInUse), told_as_a_sentence(FOLDER):
        raise DataInUse(FOLDER, 7)


@pytest.mark.parametrize(
    "error", [CannotStart(), NotInstalled(), DataInUse(FOLDER, 7), DataInUse(FOLDER, None)]
)
def test_every_error_is_one_of_ours(error: PacelineError) -> None:
    """A command line shows the message of a PacelineError and no traceback."""
    assert isinstance(error, PacelineError)
    assert error.message


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("LOG:  starting\nFATAL:  lock file exists\nLOG:  shut down\n", "FATAL:  lock file exists"),
        ("first\n\nlast words.\n", "last words"),
        ("", "it gave no reason"),
        ("x" * 5000, "x" * REASON_CHARACTERS),
    ],
)
def test_the_reason_is_the_last_fatal_line_of_the_log(tmp_path: Path, log: str, reason: str) -> None:
    """A person should not have to open the log to know why."""
    file = tmp_path / "postgres.log"
    file.write_text(log)
    assert reason_in(file) == reason
    assert reason in did_not_start("Postgres", file).message


def test_a_log_that_is_not_there_gives_no_reason(tmp_path: Path) -> None:
    """A server may end before it has a log."""
    assert reason_in(tmp_path / "none") == "it gave no reason"


def test_a_full_disk_is_told_whatever_the_log_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room that is left, and no word of a log, decides that the disk was the reason."""
    monkeypatch.setattr("shared.adapters.embedded.failures.ROOM_NEEDED_BYTES", 1 << 60)
    assert did_not_start("Postgres", tmp_path / "log").message == full_disk(tmp_path)
