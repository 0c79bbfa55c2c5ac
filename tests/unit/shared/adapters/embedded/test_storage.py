"""Where root's data lie, and what moving, copying and removing a data folder means."""

import os
import shutil
from pathlib import Path

import pytest

from shared.adapters.embedded.failures import CannotStart
from shared.adapters.embedded.storage import (
    IDENTITY_FILE,
    ORIGIN_FILE,
    give,
    own_folder,
    remove_empty_root_storages,
    remove_if_empty,
    root_storage,
    root_storages_of,
)
from shared.adapters.embedded.system_user import Account


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Name what stands for /var/lib/paceline."""
    return tmp_path / "home"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Make a data folder that a person named."""
    folder = tmp_path / "project" / ".paceline"
    folder.mkdir(parents=True)
    return folder


def test_a_data_folder_keeps_its_storage(home: Path, data_dir: Path) -> None:
    """Every start finds the same place, which says whose it is."""
    storage = root_storage(data_dir, home)
    assert root_storage(data_dir, home) == storage
    assert storage.parent == home / "data"
    assert (storage / ORIGIN_FILE).read_text() == str(data_dir)


def test_two_data_folders_share_nothing(home: Path, data_dir: Path, tmp_path: Path) -> None:
    """Two projects on one machine have two databases."""
    other = tmp_path / "other"
    other.mkdir()
    assert root_storage(other, home) != root_storage(data_dir, home)


def test_a_data_folder_that_was_moved_finds_its_data(home: Path, data_dir: Path, tmp_path: Path) -> None:
    """The identity and not the path names the storage, as a user who renames a project expects."""
    storage = root_storage(data_dir, home)
    moved = data_dir.rename(tmp_path / "moved")
    assert root_storage(moved, home) == storage
    assert root_storages_of(moved, home) == [storage]


def test_another_path_to_a_data_folder_is_the_same_folder(home: Path, data_dir: Path, tmp_path: Path) -> None:
    """A link to a data folder is no copy of it."""
    storage = root_storage(data_dir, home)
    (tmp_path / "link").symlink_to(data_dir)
    assert root_storage(tmp_path / "link", home) == storage


def test_a_copy_of_a_data_folder_starts_afresh(home: Path, data_dir: Path, tmp_path: Path) -> None:
    """Two platforms never share a database because somebody copied a project."""
    storage = root_storage(data_dir, home)
    copy = Path(shutil.copytree(data_dir, tmp_path / "copy"))
    own = root_storage(copy, home)
    assert own != storage
    assert root_storage(copy, home) == own
    assert root_storage(data_dir, home) == storage


def test_a_data_folder_that_was_removed_starts_afresh_and_loses_nothing(home: Path, data_dir: Path) -> None:
    """A new folder means a new database; the old one is still found by its origin when all is cleaned."""
    first = root_storage(data_dir, home)
    shutil.rmtree(data_dir)
    data_dir.mkdir()
    second = root_storage(data_dir, home)
    assert second != first
    assert root_storages_of(data_dir, home) == sorted([first, second])


@pytest.mark.parametrize("content", ["../../../etc", "", "A" * 32, "0" * 33, "0" * 32 + "\n"])
def test_what_is_no_identity_is_refused(home: Path, data_dir: Path, content: str) -> None:
    """The file may lie in somebody else's project, and becomes part of a path that root writes to."""
    (data_dir / IDENTITY_FILE).write_text(content)
    with pytest.raises(CannotStart, match="remove that file"):
        root_storage(data_dir, home)


def test_only_empty_storages_are_removed(home: Path, data_dir: Path) -> None:
    """What a server still has something in stays, with its identity; what is empty goes, with its own."""
    storage = root_storage(data_dir, home)
    (storage / "redis.log").touch()
    remove_empty_root_storages(data_dir, home)
    assert root_storage(data_dir, home) == storage
    (storage / "redis.log").unlink()
    remove_empty_root_storages(data_dir, home)
    assert not storage.exists()
    assert not (data_dir / IDENTITY_FILE).exists()


def test_a_data_folder_is_removed_only_when_it_is_empty(data_dir: Path) -> None:
    """Other files in it are other people's."""
    (data_dir / "secret.key").touch()
    remove_if_empty(data_dir)
    assert data_dir.exists()
    (data_dir / "secret.key").unlink()
    remove_if_empty(data_dir)
    assert not data_dir.exists()


def test_root_s_folders_can_be_passed_whatever_the_umask(home: Path) -> None:
    """The servers' user gets through also where root keeps its files to itself."""
    before = os.umask(0o077)
    try:
        own_folder(home)
    finally:
        os.umask(before)
    assert home.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_others_may_write_to_is_not_used(home: Path) -> None:
    """Root starts nothing from where another user could put something."""
    home.mkdir()
    home.chmod(0o777)
    with pytest.raises(CannotStart, match="chmod go-w"):
        own_folder(home)


def test_a_link_to_a_folder_is_not_used(home: Path, tmp_path: Path) -> None:
    """Nor is one that somebody led elsewhere."""
    home.symlink_to(tmp_path)
    with pytest.raises(CannotStart, match="move it away"):
        own_folder(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_data_change_hands_without_following_links(tmp_path: Path) -> None:
    """All of a tree gets its new owner, and nothing outside it does."""
    outside = tmp_path / "outside"
    outside.touch()
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "tree" / "below" / "file").touch()
    (tmp_path / "tree" / "link").symlink_to(outside)
    give(tmp_path / "tree", Account(name="someone", uid=4711, gid=4712))
    owners = {path.lstat().st_uid for path in (tmp_path / "tree", *(tmp_path / "tree").rglob("*"))}
    assert owners == {4711}
    assert outside.stat().st_uid == 0
