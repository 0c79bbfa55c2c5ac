"""Where the servers keep their data, given the data folder that a person named.

For an ordinary user that is the data folder itself. For root it cannot be: the servers run as another user,
who may not pass a /root of mode 0700, and opening parent folders to the world is not ours to do. So root's
data lie under /var/lib/paceline/data, in a folder named by an identity that the data folder holds. The
identity, and not the path, is the name, so that each thing a person may do to the data folder means what it
means for an ordinary user:

    removed              a fresh start; the old data stay until `remove_data`, which knows their origin
    moved or renamed     the data come along
    copied               the copy starts afresh, as two platforms must not share one database
    volume not mounted   the old data are untouched and there again once it is mounted
"""

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.embedded.failures import CannotStart
from shared.adapters.embedded.folder_lock import turn_taking
from shared.adapters.embedded.system_user import Account, server_account

ROOT_HOME = Path("/var/lib/paceline")
#: In root's data folder: the name of the folder under ROOT_HOME/data.
IDENTITY_FILE = "storage-id"
#: In that folder: the path of the data folder it belongs to.
ORIGIN_FILE = "origin"
#: Under ROOT_HOME: whoever changes something that several platforms share holds it meanwhile.
TURN_FILE = "turn"
IDENTITY_BYTES = 16  # random, so that no two data folders of a machine meet

_IDENTITY = re.compile(r"[0-9a-f]{32}")
_OPEN_FOLDER = 0o755
_PRIVATE_FOLDER = 0o700
_WRITABLE_BY_OTHERS = 0o022


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A place for the servers of one data folder."""

    #: Holds logs, locks and settings, written by whoever runs Paceline; a server's own folder is below it.
    folder: Path
    #: Who the servers run as; None is whoever runs Paceline.
    account: Account | None

    def server_folder(self, name: str) -> Path:
        """Make the folder that the server `name` may write to, and nobody else."""
        folder = self.folder / name
        folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        if self.account:
            give(folder, self.account)
        return folder


def open_storage(data_dir: Path) -> Storage:
    """Make the data folder and the place for its servers, where they are not there yet."""
    data_dir.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    account = server_account()
    return Storage(folder=root_storage(data_dir, ROOT_HOME) if account else data_dir, account=account)


def storages_of(data_dir: Path) -> list[Path]:
    """Every place that holds data of `data_dir`, also of one that was removed since."""
    if os.geteuid() == 0:
        return root_storages_of(data_dir, ROOT_HOME)
    return [data_dir] if data_dir.is_dir() else []


def root_storage(data_dir: Path, home: Path) -> Path:
    """Return root's place for `data_dir` under `home`, making what is missing.

    One at a time on a machine: both servers of a platform ask at once.
    """
    own_folder(home)
    own_folder(home / "data")
    with turn_taking(home / TURN_FILE):
        folder = own_folder(home / "data" / _identity(data_dir, home))
        (folder / ORIGIN_FILE).write_text(str(data_dir))
    return folder


def root_storages_of(data_dir: Path, home: Path) -> list[Path]:
    """Every place under `home` whose origin is `data_dir`."""
    origins = (home / "data").glob(f"*/{ORIGIN_FILE}")
    return sorted(file.parent for file in origins if file.read_text() == str(data_dir))


def tidy_up(data_dir: Path) -> None:
    """Remove the places of `data_dir` in which no server has anything left."""
    if os.geteuid() == 0:
        remove_empty_root_storages(data_dir, ROOT_HOME)


def remove_empty_root_storages(data_dir: Path, home: Path) -> None:
    """Remove the places under `home` that hold nothing but their origin, and the identity that named them."""
    for folder in root_storages_of(data_dir, home):
        if [entry.name for entry in folder.iterdir()] == [ORIGIN_FILE]:
            shutil.rmtree(folder)
            if _read_identity(data_dir) == folder.name:
                (data_dir / IDENTITY_FILE).unlink(missing_ok=True)


def own_folder(folder: Path) -> Path:
    """Make a folder of root's that the servers' user may pass, or raise if somebody else could write to it.

    Its mode is set apart from mkdir, whose mode the umask cuts. Only Paceline's own folders come here.
    """
    folder.mkdir(exist_ok=True)
    state = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or state.st_uid != os.geteuid():
        raise CannotStart(f"{folder} is not a folder of root's: move it away, Paceline makes it anew.")
    if state.st_mode & _WRITABLE_BY_OTHERS:
        raise CannotStart(f"Other users may write to {folder}: run `chmod go-w {folder}`.")
    folder.chmod(_OPEN_FOLDER)
    return folder


def remove_if_empty(data_dir: Path) -> None:
    """Remove a data folder that nobody keeps anything in."""
    if not any(data_dir.iterdir()):
        data_dir.rmdir()


def give(tree: Path, account: Account) -> None:
    """Make `account` the owner of `tree`, if it is not: also of data that another one served before."""
    if tree.lstat().st_uid == account.uid:
        return
    for folder, _, files in os.walk(tree):
        for name in files:
            os.chown(Path(folder) / name, account.uid, account.gid, follow_symlinks=False)
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def _identity(data_dir: Path, home: Path) -> str:
    """Read the identity of `data_dir`, or make one if it has none or only a copied one."""
    identity = _read_identity(data_dir)
    if identity and not _is_a_copy(data_dir, identity, home):
        return identity
    identity = secrets.token_hex(IDENTITY_BYTES)
    (data_dir / IDENTITY_FILE).write_text(identity)
    return identity


def _read_identity(data_dir: Path) -> str | None:
    """Return the identity of `data_dir`; what is not one is refused, as it becomes part of a path."""
    try:
        identity = (data_dir / IDENTITY_FILE).read_text()
    except FileNotFoundError:
        return None
    if not _IDENTITY.fullmatch(identity):
        raise CannotStart(f"{data_dir / IDENTITY_FILE} does not name a storage folder: remove that file.")
    return identity


def _is_a_copy(data_dir: Path, identity: str, home: Path) -> bool:
    """Tell whether the identity came along with a copy of another data folder that is still there."""
    try:
        origin = Path((home / "data" / identity / ORIGIN_FILE).read_text())
    except FileNotFoundError:
        return False
    return _read_identity(origin) == identity and not origin.samefile(data_dir)
