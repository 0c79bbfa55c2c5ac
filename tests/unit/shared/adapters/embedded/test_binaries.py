"""Finding the servers' programs, and the copy that another user may run."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shared.adapters.embedded.binaries import (
    RedisProgram,
    copy_once,
    first_that_runs,
    is_open_to_all,
    postgres_programs,
    redis_candidates,
)
from shared.adapters.embedded.failures import NotInstalled
from shared.adapters.embedded.processes import LAUNCHER


def program(path: Path, script: str = "exit 0") -> Path:
    """Put a shell script where a server would be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_redis_on_path_comes_first_then_the_unpacked_one(tmp_path: Path) -> None:
    """The one that the machine's owner keeps up to date is preferred to what we brought along."""
    on_path = program(tmp_path / "bin" / "redis-server")
    found = [candidate.path for candidate in redis_candidates(str(tmp_path / "bin"), tmp_path / "venv")]
    assert found[:2] == [on_path, tmp_path / "venv/redis/usr/bin/redis-server"]


def test_the_fork_is_taken_where_it_has_replaced_redis(tmp_path: Path) -> None:
    """Distributions that ship Valkey have a server too."""
    valkey = program(tmp_path / "bin" / "valkey-server")
    assert next(redis_candidates(str(tmp_path / "bin"), tmp_path)).path == valkey


def test_a_program_keeps_the_name_it_was_found_by(tmp_path: Path) -> None:
    """Debian's redis-server is a link to a program that looks at the name by which it was called."""
    program(tmp_path / "bin" / "redis-check-rdb")
    (tmp_path / "bin" / "redis-server").symlink_to("redis-check-rdb")
    assert next(redis_candidates(str(tmp_path / "bin"), tmp_path)).path.name == "redis-server"


def test_an_unpacked_redis_gets_its_libraries(tmp_path: Path) -> None:
    """What came along from the distribution's packages is shown to the dynamic linker."""
    libraries = tmp_path / "redis/usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    program(tmp_path / "redis/usr/bin/redis-server", f'[ "$LD_LIBRARY_PATH" = "{libraries}" ]')
    chosen = first_that_runs(redis_candidates("", tmp_path))
    assert chosen == RedisProgram(path=tmp_path / "redis/usr/bin/redis-server", libraries=(libraries,))


def test_a_program_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    """A missing library or another processor's program is no reason to give up."""
    broken = RedisProgram(path=program(tmp_path / "broken", "exit 127"))
    absent = RedisProgram(path=tmp_path / "absent")
    text = tmp_path / "text"
    text.write_text("no program")
    sound = RedisProgram(path=program(tmp_path / "sound"))
    assert first_that_runs(iter([broken, absent, RedisProgram(path=text), sound])) == sound


def test_without_any_redis_the_sentence_says_what_to_install(tmp_path: Path) -> None:
    """One sentence, with the command for the common systems and the way around."""
    with pytest.raises(NotInstalled, match=r"apt-get install -y redis-server.*REDIS_URL"):
        first_that_runs(iter([RedisProgram(path=tmp_path / "absent")]))


def test_without_the_embedded_extra_the_sentence_says_how_to_install_it(tmp_path: Path) -> None:
    """An interpreter that has only the standard library can still tell what is missing."""
    ask = "from shared.adapters.embedded.binaries import postgres_programs as p; p(as_other_user=False)"
    script = f"import sys; sys.path.insert(0, {str(LAUNCHER.parents[3])!r}); {ask}"
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "NotInstalled" in ended.stderr
    assert "make setup" in ended.stderr
    assert "pip install -e '.[embedded]'" in ended.stderr


def test_the_installed_postgres_runs_from_its_copy(tmp_path: Path) -> None:
    """The copy has the libraries, the plug-ins and the templates that the programs look for beside them."""
    programs = postgres_programs(as_other_user=False)
    package = programs.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    trees = {f"{package.name}/{programs.parent.name}": programs.parent}
    trees |= {libraries.name: libraries} if libraries.is_dir() else {}
    copied = copy_once("postgres-test", trees, tmp_path / "home") / package.name / programs.parent.name
    assert "18." in subprocess.check_output([copied / "bin" / "initdb", "--version"], text=True)
    assert (copied / "lib" / "postgresql" / "plpgsql.so").is_file()
    assert (copied / "share" / "postgresql" / "postgres.bki").is_file()
    assert not (copied / "include").exists()


def test_a_copy_is_readable_by_all_whatever_its_source_was(tmp_path: Path) -> None:
    """A wheel that was installed under a strict umask is copied to something that other users can run."""
    source = program(tmp_path / "source" / "bin" / "server")
    (tmp_path / "source" / "template").write_text("x")
    for path in (source, tmp_path / "source" / "template", source.parent, tmp_path / "source"):
        path.chmod(path.stat().st_mode & 0o700)
    folder = copy_once("one", {"tree": tmp_path / "source", "bin/single": source}, tmp_path / "home")
    modes = {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in folder.rglob("*")}
    assert modes == {
        "tree": 0o755,
        "tree/bin": 0o755,
        "tree/bin/server": 0o755,
        "tree/template": 0o644,
        "bin": 0o755,
        "bin/single": 0o755,
    }
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_copy_is_made_once_by_however_many_want_it(tmp_path: Path) -> None:
    """Platforms that start at the same time end up with one complete copy and no drafts."""
    source = program(tmp_path / "source" / "server")
    copies: list[Path] = []

    def copy() -> None:
        copies.append(copy_once("one", {"bin": source.parent}, tmp_path / "home"))

    threads = [threading.Thread(target=copy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert copies == [tmp_path / "home" / "one"] * 8
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"one", "turn"}


def test_what_a_killed_run_left_of_a_copy_is_cleared_away(tmp_path: Path) -> None:
    """Half a copy never counts and does not stay."""
    source = program(tmp_path / "source" / "server")
    (tmp_path / "home" / ".one.halfway").mkdir(parents=True)
    copy_once("one", {"bin": source.parent}, tmp_path / "home")
    assert not (tmp_path / "home" / ".one.halfway").exists()


def test_a_copy_that_fails_leaves_no_name(tmp_path: Path) -> None:
    """The name appears only with all of the content."""
    with pytest.raises(FileNotFoundError):
        copy_once("one", {"bin": tmp_path / "absent"}, tmp_path / "home")
    assert not (tmp_path / "home" / "one").exists()


def test_a_program_below_a_private_folder_is_not_open_to_all(tmp_path: Path) -> None:
    """A /root of mode 0700 keeps another user from running what lies below it."""
    assert not is_open_to_all(program(tmp_path / "private" / "server"))  # pytest's own folder is private
    assert is_open_to_all(Path("/bin/sh"))


def test_a_link_to_a_private_program_is_not_open_to_all(tmp_path: Path) -> None:
    """What counts is where the program really is."""
    (tmp_path / "sh").symlink_to("/bin/sh")
    assert not is_open_to_all(tmp_path / "sh")
