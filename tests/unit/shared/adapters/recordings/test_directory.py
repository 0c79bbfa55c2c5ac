"""Recordings in a folder."""

import os
from pathlib import Path

import pytest

from shared.adapters.recordings.directory import DirectoryRecordings, NowhereRecordings
from shared.clock import epoch_seconds
from shared.ports.recordings import NotKept


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(file.name for file in folder.iterdir())


async def test_a_recording_is_kept_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    """The folder is made, and nothing half-written lies about."""
    folder = tmp_path / "calls"
    await DirectoryRecordings(folder, keep_days=30).keep("call-1", b"RIFF")
    assert names(folder) == ["call-1.wav"]
    assert (folder / "call-1.wav").read_bytes() == b"RIFF"
    assert (folder / "call-1.wav").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a.wav", "x" * 101])
async def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Nor hide a file."""
    with pytest.raises(NotKept):
        await DirectoryRecordings(tmp_path, keep_days=30).keep(name, b"RIFF")
    assert names(tmp_path) == []


async def test_what_is_too_old_is_removed_when_something_new_comes(tmp_path: Path) -> None:
    """And nothing else: neither what is younger nor what is no recording."""
    for name, days in (("old.wav", 31), ("young.wav", 29), ("notes.txt", 99)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (epoch_seconds() - days * 86_400,) * 2)
    await DirectoryRecordings(tmp_path, keep_days=30).keep("new", b"RIFF")
    assert names(tmp_path) == ["new.wav", "notes.txt", "young.wav"]


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """With the folder's name."""
    (tmp_path / "file").touch()
    with pytest.raises(NotKept, match="file"):
        await DirectoryRecordings(tmp_path / "file", keep_days=30).keep("call-1", b"RIFF")


async def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the process happens to stand."""
    monkeypatch.chdir(tmp_path)
    await NowhereRecordings().keep("call-1", b"RIFF")
    assert names(tmp_path) == []
