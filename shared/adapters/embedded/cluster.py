"""The files of the embedded Postgres: made once, complete or not at all.

A cluster is made in a draft folder and gets its name when initdb and the creation of our database are done:
a run that is killed in between leaves a draft and never half a cluster. The password lies beside the data and
is made with them, as neither is of any use without the other.

    postgres/cluster/data/       PGDATA
    postgres/cluster/password    the superuser's, mode 0600
    postgres.log                 of initdb and of the server
"""

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.embedded.binaries import POSTGRES_MAJOR, postgres_programs
from shared.adapters.embedded.failures import CannotStart, did_not_start
from shared.adapters.embedded.processes import put_aside, run
from shared.adapters.embedded.storage import Storage, give
from shared.adapters.embedded.system_user import Account

SUPERUSER = "paceline"
DATABASE = "paceline"
SERVER = "postgres"
PASSWORD_BYTES = 32  # as many random ones as the SHA-256 of the authentication can use
_DRAFT_PREFIX = "draft."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A database cluster that a server can be started on."""

    folder: Path
    log: Path
    #: The folder of `initdb` and `postgres`.
    programs: Path
    account: Account | None
    password: str

    @property
    def data(self) -> Path:
        """What Postgres calls the data directory."""
        return data_folder(self.folder)


def cluster_folder(storage: Path) -> Path:
    """Where `storage` keeps its cluster."""
    return storage / SERVER / "cluster"


def data_folder(cluster: Path) -> Path:
    """Where a cluster has its PGDATA."""
    return cluster / "data"


def open_cluster(storage: Storage) -> Cluster:
    """Find or make the cluster of `storage`; blocks for about a second the first time."""
    home = storage.server_folder(SERVER)
    programs = postgres_programs(as_other_user=storage.account is not None)
    log = storage.folder / f"{SERVER}.log"
    folder = cluster_folder(storage.folder)
    put_aside(log)
    _clear_drafts(home)
    if not folder.is_dir():
        _make(home, folder, programs, storage.account, log)
    _refuse_other_version(folder)
    return Cluster(
        folder=folder, log=log, programs=programs, account=storage.account, password=_read_password(folder)
    )


def _make(home: Path, folder: Path, programs: Path, account: Account | None, log: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT_PREFIX, dir=home))
    password_file = draft / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(secrets.token_hex(PASSWORD_BYTES))
    if account:
        give(draft, account)
    data = data_folder(draft)
    initdb = (
        programs / "initdb",
        "-D",
        data,
        "-U",
        SUPERUSER,
        f"--pwfile={password_file}",
        "--no-instructions",
    )
    # Every connection shows its password, and sorting does not depend on what the machine has installed.
    rules = ("-A", "scram-sha-256", "-E", "UTF8", "--locale=C")
    # Our database is made by a server that nobody can connect to, so that none is ever seen without it.
    alone = (programs / "postgres", "--single", "-D", data, "postgres")
    order = f"CREATE DATABASE {DATABASE};\n".encode()
    for command, typed in (((*initdb, *rules), b""), (alone, order)):
        if not run(command, folder=draft, account=account, log=log, typed=typed):
            raise did_not_start("Postgres", log)
    draft.rename(folder)


def _clear_drafts(home: Path) -> None:
    """Remove what killed runs left; what an orphan of theirs still writes stays for a later start."""
    for draft in home.glob(f"{_DRAFT_PREFIX}*"):
        shutil.rmtree(draft, ignore_errors=True)


def _refuse_other_version(folder: Path) -> None:
    written_by = (data_folder(folder) / "PG_VERSION").read_text().strip()
    if written_by != str(POSTGRES_MAJOR):
        raise CannotStart(
            f"The data in {folder} were written by Postgres {written_by} and this is {POSTGRES_MAJOR}: "
            "dump them with the old one, or choose another folder with --data-dir."
        )


def _read_password(folder: Path) -> str:
    try:
        return (folder / "password").read_text()
    except FileNotFoundError:
        raise CannotStart(
            f"{folder / 'password'} is gone, without which nobody can connect: restore that file, "
            "or choose another folder with --data-dir."
        ) from None


def postmaster_line(data: Path, number: int) -> str:
    """Read one line, counted from 1, of the file in which a running Postgres describes itself."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return ""
    return lines[number - 1].strip() if len(lines) >= number else ""


def postmaster_pid(data: Path) -> int | None:
    """Return the pid that was written by the last server that worked on `data` and did not tidy up."""
    # A server that crashed in single-user mode has written the negative of its pid.
    pid = postmaster_line(data, 1).removeprefix("-")
    return int(pid) if pid.isascii() and pid.isdigit() else None


def is_ready(data: Path, pid: int) -> bool:
    """Tell whether server `pid` says that it takes connections."""
    return postmaster_pid(data) == pid and postmaster_line(data, 8) == "ready"


def forget_stranger(data: Path) -> None:
    """Remove a pid file whose number another program has by now, at which Postgres would refuse to start.

    Call it with the lock held and when no server works on `data`. A number that nobody has Postgres forgets
    itself.
    """
    if pid := postmaster_pid(data):
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, PermissionError):
            return
        (data / "postmaster.pid").unlink(missing_ok=True)
