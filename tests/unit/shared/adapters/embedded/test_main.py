"""What deploy/bootstrap.sh asks of the package."""

import os
from pathlib import Path

import pytest

from shared.adapters.embedded.__main__ import main
from shared.adapters.embedded.folder_lock import FolderLock


def test_the_redis_that_would_be_used_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The bootstrap looks for a Redis exactly as the platform does."""
    assert main(["redis"]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()


def test_a_folder_that_is_not_there_needs_no_removing(tmp_path: Path) -> None:
    """`make clean` may be run on a fresh checkout, and makes nothing."""
    assert main(["remove", str(tmp_path / ".paceline")]) == 0
    assert not (tmp_path / ".paceline").exists()


def test_data_on_which_a_platform_runs_are_not_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal is a sentence with the process in it, and an exit status."""
    lock = FolderLock(tmp_path / "lock", folder=tmp_path)
    lock.acquire()
    assert main(["remove", str(tmp_path)]) == 1
    assert f"process {os.getpid()}" in capsys.readouterr().err
    lock.release()


@pytest.mark.parametrize("arguments", [[], ["remove"], ["start"], ["redis", "please"]])
def test_other_words_are_answered_with_the_words_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip in the script shows."""
    assert main(arguments) == 2
    assert "remove FOLDER" in capsys.readouterr().err
