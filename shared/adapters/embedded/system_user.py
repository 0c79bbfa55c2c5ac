"""Whom the servers run as when Paceline itself is run by root.

Postgres refuses to run as root and needs a user with a passwd entry (initdb looks its own name up), and Redis
has no business being root either. A user of our own keeps the data from every other service; where none can
be made, one that exists must do.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from shared.adapters.embedded.failures import CannotStart

OWN_USER = "paceline"
#: In order of preference: one made for databases, on Debian and on macOS, then the one that owns nothing.
OTHER_USERS = ("postgres", "_postgres", "nobody")
#: Long enough for a slow directory service behind useradd.
USERADD_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A system user with a passwd entry."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Return whom the servers must run as, or None: as whoever runs Paceline."""
    return choose_account(find_account, add_own_user) if os.geteuid() == 0 else None


def choose_account(find: Callable[[str], Account | None], add: Callable[[], None]) -> Account:
    """Prefer our own user, then make it, then take one that exists."""
    if account := find(OWN_USER):
        return account
    add()
    for name in (OWN_USER, *OTHER_USERS):
        if account := find(name):
            return account
    raise CannotStart(
        "Postgres does not run as root and no other user could be made: "
        f"run `useradd --system {OWN_USER}` first, or run Paceline as an ordinary user."
    )


def find_account(name: str) -> Account | None:
    """Look `name` up; root under another name is no answer."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid) if entry.pw_uid else None


def add_own_user() -> None:
    """Make our own user where there is a useradd; whether it worked, only a look-up tells.

    Its exit status would not: of two platforms that start at once, the second fails because the first did it.
    """
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        return
    options = ("--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent")
    shell = ("--shell", "/usr/sbin/nologin")
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603 - every word is a constant
            [useradd, *options, *shell, OWN_USER], check=False, capture_output=True, timeout=USERADD_SECONDS
        )
