"""The lock that makes a data folder one platform's."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shared.adapters.embedded.failures import DataInUse
from shared.adapters.embedded.folder_lock import FolderLock, turn_taking

HOLD = """
import sys
from pathlib import Path
from shared.adapters.embedded.folder_lock import FolderLock
FolderLock(Path(sys.argv[1]), folder=Path("/data")).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> FolderLock:
    """Give a lock that nobody holds yet."""
    return FolderLock(tmp_path / "lock", folder=tmp_path)


def test_a_second_owner_is_refused_and_told_the_first(tmp_path: Path, lock: FolderLock) -> None:
    """The refusal is one sentence that names the folder and the process."""
    lock.acquire()
    with pytest.raises(DataInUse) as refusal:
        FolderLock(tmp_path / "lock", folder=tmp_path).acquire()
    assert refusal.value.pid == os.getpid()
    assert f"runs on {tmp_path} (process {os.getpid()})" in refusal.value.message


def test_the_owner_itself_cannot_take_it_twice(lock: FolderLock) -> None:
    """A second start of the same object is refused and does not pass for the first."""
    lock.acquire()
    with pytest.raises(DataInUse):
        lock.acquire()


@pytest.mark.parametrize("remove", [False, True])
def test_what_was_released_can_be_taken_again(tmp_path: Path, lock: FolderLock, remove: bool) -> None:
    """Released is released, with the file or without it."""
    lock.acquire()
    lock.release(remove=remove)
    lock.release()
    assert (tmp_path / "lock").exists() is not remove
    FolderLock(tmp_path / "lock", folder=tmp_path).acquire()


def test_a_killed_owner_holds_nothing(tmp_path: Path, lock: FolderLock) -> None:
    """The lock of another process is respected while it lives and gone with it, though its file stays."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"held\n"
        try:
            with pytest.raises(DataInUse) as refusal:
                lock.acquire()
        finally:
            owner.kill()
    assert refusal.value.pid == owner.pid
    assert (tmp_path / "lock").read_text() == str(owner.pid)
    lock.acquire()
    assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_lock_file_with_nonsense_names_nobody(tmp_path: Path, lock: FolderLock) -> None:
    """What is in the file is only told, never believed."""
    lock.acquire()
    (tmp_path / "lock").write_text("\u0663 or so")
    with pytest.raises(DataInUse, match="another process"):
        FolderLock(tmp_path / "lock", folder=tmp_path).acquire()


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path, lock: FolderLock) -> None:
    """Nobody can have us overwrite a file of ours by a link."""
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic"):
        lock.acquire()
    assert (tmp_path / "precious").read_text() == "kept"


def test_turns_are_taken_one_after_the_other(tmp_path: Path) -> None:
    """A second one waits at the door until the first is out."""
    order: list[str] = []
    inside = threading.Event()

    def first() -> None:
        with turn_taking(tmp_path / "turn"):
            inside.set()
            second.start()
            order.append("first")

    def after() -> None:
        inside.wait()
        with turn_taking(tmp_path / "turn"):
            order.append("second")

    second = threading.Thread(target=after)
    first()
    second.join()
    assert order == ["first", "second"]
