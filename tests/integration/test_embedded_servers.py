"""The two embedded servers, for real: what `make run` stands on."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from shared.adapters.embedded import postgres as postgres_module
from shared.adapters.embedded import redis as redis_module
from shared.adapters.embedded.binaries import redis_program
from shared.adapters.embedded.cluster import cluster_folder, data_folder, postmaster_pid
from shared.adapters.embedded.failures import CannotStart, DataInUse
from shared.adapters.embedded.ports import free_port
from shared.adapters.embedded.postgres import EmbeddedPostgres, StopMode
from shared.adapters.embedded.processes import LAUNCHER, happens
from shared.adapters.embedded.redis import EmbeddedRedis
from shared.adapters.embedded.servers import EmbeddedServers, ServerUrls
from shared.adapters.embedded.storage import storages_of

AS_ROOT = os.geteuid() == 0
#: A platform of its own in another process: says where its servers are, and then nothing more.
OWNER = """
import asyncio, sys, threading
from pathlib import Path
from shared.adapters.embedded.servers import EmbeddedServers

async def own():
    urls = await EmbeddedServers(Path(sys.argv[1])).start()
    print(urls.database_url, urls.redis_url, flush=True)
    await asyncio.Event().wait()

if sys.argv[2] == "main":
    asyncio.run(own())
else:
    thread = threading.Thread(target=asyncio.run, args=[own()])
    thread.start()
    thread.join()
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Name a data folder for all tests that leave a sound database, as making one takes most of their time."""
    yield from private_data_dir(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def fresh_data_dir(tmp_path: Path) -> Iterator[Path]:
    """Name a data folder for one test."""
    yield from private_data_dir(tmp_path)


def private_data_dir(parent: Path) -> Iterator[Path]:
    """Name a data folder below one that only its owner may enter, and leave nothing of it behind."""
    folder = parent / "private" / ".paceline"
    folder.parent.mkdir(mode=0o700)
    yield folder
    asyncio.run(EmbeddedServers(folder).remove_data())
    assert not folder.exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that every user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect to Postgres for the block."""
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def keep_something(connection: asyncpg.Connection) -> None:
    """Commit what must be there after whatever happens next."""
    await connection.execute("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 42 AS answer")


async def is_kept(connection: asyncpg.Connection) -> bool:
    """Tell whether it is there, and take it away for the next test."""
    answer = await connection.fetchval("SELECT answer FROM kept")
    await connection.execute("DROP TABLE kept")
    return bool(answer == 42)


async def process_ids(urls: ServerUrls, data_dir: Path) -> tuple[int, int]:
    """Ask both servers which process they are."""
    (storage,) = storages_of(data_dir)
    postgres = postmaster_pid(data_folder(cluster_folder(storage)))
    async with Redis.from_url(urls.redis_url) as redis:
        information = await redis.info("server")
    assert postgres
    return postgres, int(information["process_id"])


def runs(pid: int) -> bool:
    """Tell whether a process is there and no zombie, who only waits to be buried."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def owner_of(pid: int) -> int:
    """Return the user id that a process runs as."""
    return int(subprocess.run(["ps", "-o", "uid=", "-p", str(pid)], capture_output=True, check=True).stdout)


def names_in(folder: Path) -> list[str]:
    """List a folder."""
    return [path.name for path in folder.iterdir()]


@contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:  # noqa: ANN401 - as Popen
    """Run a process of the test's own for the block, whose output can be read."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def arguments_of_everything() -> str:
    """Return every command line and environment that can be seen on this machine."""
    return subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout


def password_in(url: str) -> str:
    """Cut the password out of a URL."""
    password = urlsplit(url).password
    assert password
    return password


async def test_both_servers_are_there_as_long_as_the_block_lasts(data_dir: Path) -> None:
    """A platform gets a database and a Redis that answer, and nothing runs afterwards."""
    async with EmbeddedServers(data_dir) as servers:
        async with connected(servers.urls.database_url) as connection:
            assert await connection.fetchrow("SELECT current_user, current_database()") == (
                "paceline",
                "paceline",
            )
            assert await connection.fetchval("SHOW server_encoding") == "UTF8"
            assert await connection.fetchval("SHOW fsync") == "on"
        async with Redis.from_url(servers.urls.redis_url) as redis:
            assert await redis.ping()
            assert await redis.config_get("save") == {"save": ""}
            assert await redis.config_get("appendonly") == {"appendonly": "no"}
        pids = await process_ids(servers.urls, data_dir)
    assert [pid for pid in pids if runs(pid)] == []
    with pytest.raises(CannotStart):
        _ = servers.urls


async def test_strangers_are_kept_out(data_dir: Path) -> None:
    """Both ask for a password, listen on the loopback interface only, and tell the password to nobody."""
    async with EmbeddedServers(data_dir) as servers:
        urls = servers.urls
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(urls.database_url.replace(password_in(urls.database_url), "guess"))
        async with Redis.from_url(urls.redis_url.replace(password_in(urls.redis_url), "guess")) as redis:
            with pytest.raises(AuthenticationError):
                await redis.ping()
        async with connected(urls.database_url) as connection:
            assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
            assert await connection.fetchval("SHOW unix_socket_directories") == ""
        async with Redis.from_url(urls.redis_url) as redis:
            assert await redis.config_get("bind") == {"bind": "127.0.0.1"}
            assert await redis.config_get("unixsocket") == {"unixsocket": ""}
        for url in (urls.database_url, urls.redis_url):
            assert password_in(url) not in arguments_of_everything()
    (storage,) = storages_of(data_dir)
    logs = [storage / "postgres.log", storage / "redis.log"]
    for secret in (cluster_folder(storage) / "password", storage / "redis.conf", *logs):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


async def test_the_servers_are_never_root_s_and_open_no_folder(data_dir: Path) -> None:
    """The data folder may lie below one of mode 0700, as root's home is; it stays so."""
    async with EmbeddedServers(data_dir) as servers:
        pids = await process_ids(servers.urls, data_dir)
        owners = set(map(owner_of, pids))
    assert 0 not in owners
    assert AS_ROOT or owners == {os.getuid()}
    assert stat.S_IMODE(data_dir.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", ["smart", "fast", "immediate"])
async def test_what_was_committed_is_there_after_each_kind_of_stop(data_dir: Path, mode: StopMode) -> None:
    """An immediate stop is as good as a power cut, and loses nothing either."""
    postgres = EmbeddedPostgres(data_dir)
    async with connected(await postgres.start()) as connection:
        await keep_something(connection)
    await postgres.stop(mode)
    try:
        async with connected(await postgres.start()) as connection:
            assert await is_kept(connection)
    finally:
        await postgres.stop()


@pytest.mark.parametrize(
    "thread",
    [
        pytest.param(
            "main", marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties lives")
        ),
        "beside",
    ],
)
async def test_a_killed_owner_breaks_nothing(data_dir: Path, thread: str) -> None:
    """SIGKILL loses no data, the next start works, and none of the old servers is left.

    Those that were started on the main thread end by themselves; the others are stopped by the next start.
    """
    command = [sys.executable, "-c", OWNER, str(data_dir), thread]
    with started(command, cwd=LAUNCHER.parents[3]) as owner:
        assert owner.stdout
        database_url, redis_url = owner.stdout.readline().split()
        async with connected(database_url) as connection:
            await keep_something(connection)
        old = await process_ids(ServerUrls(database_url=database_url, redis_url=redis_url), data_dir)
        with pytest.raises(DataInUse, match=f"process {owner.pid}"):
            await EmbeddedServers(data_dir).start()
        owner.kill()
        owner.wait()
    if thread == "main":
        assert await happens(lambda: not any(map(runs, old)), within_seconds=60)
    else:
        assert all(map(runs, old))
    async with EmbeddedServers(data_dir) as servers, connected(servers.urls.database_url) as connection:
        assert await is_kept(connection)
        assert [pid for pid in old if runs(pid)] == []


async def test_a_server_that_was_killed_itself_starts_again(data_dir: Path) -> None:
    """Postgres recovers from its log, though orphans of the killed one may hold its memory for a moment."""
    postgres = EmbeddedPostgres(data_dir)
    async with connected(await postgres.start()) as connection:
        await keep_something(connection)
        (storage,) = storages_of(data_dir)
        pid = postmaster_pid(data_folder(cluster_folder(storage)))
        assert pid
        os.kill(pid, signal.SIGKILL)
        await postgres.stop()
        try:
            async with connected(await postgres.start()) as again:
                assert await is_kept(again)
        finally:
            await postgres.stop()


async def test_each_server_is_started_again_at_the_address_that_it_had(data_dir: Path) -> None:
    """Whoever has the addresses needs no new ones, and what was committed is there; a server that lives is replaced."""
    async with EmbeddedServers(data_dir) as servers:
        urls = servers.urls
        async with connected(urls.database_url) as connection:
            await keep_something(connection)
        (storage,) = storages_of(data_dir)
        pid = postmaster_pid(data_folder(cluster_folder(storage)))
        assert pid
        os.kill(pid, signal.SIGKILL)
        await servers.restart_postgres()
        async with connected(urls.database_url) as again:
            assert await is_kept(again)
        async with Redis.from_url(urls.redis_url) as client:
            await client.set("a", "b")
        await servers.restart_redis()
        async with Redis.from_url(urls.redis_url) as client:
            assert await client.get("a") is None
        assert servers.urls == urls


async def test_what_was_never_started_is_not_started_again(tmp_path: Path) -> None:
    """It has no address yet."""
    servers = EmbeddedServers(tmp_path)
    with pytest.raises(CannotStart, match="not started yet"):
        await servers.restart_redis()
    with pytest.raises(CannotStart, match="not started yet"):
        await servers.restart_postgres()


async def test_a_second_platform_is_refused_and_the_first_stays(data_dir: Path) -> None:
    """The refusal names the process, and touches nothing: also when it is the same object."""
    async with EmbeddedServers(data_dir) as servers:
        for second in (
            EmbeddedServers(data_dir),
            EmbeddedPostgres(data_dir),
            EmbeddedRedis(data_dir),
            servers,
        ):
            with pytest.raises(DataInUse) as refusal:
                await second.start()
            assert refusal.value.pid == os.getpid()
        with pytest.raises(DataInUse):
            await EmbeddedServers(data_dir).remove_data()
        async with connected(servers.urls.database_url) as connection:
            assert await connection.fetchval("SELECT 1") == 1


async def test_the_number_of_a_stranger_in_an_old_pid_file_is_no_obstacle(fresh_data_dir: Path) -> None:
    """After a restart of the machine another program may have it: it gets no signal, and Postgres starts."""
    postgres = EmbeddedPostgres(fresh_data_dir)
    await postgres.start()
    await postgres.stop()
    (storage,) = storages_of(fresh_data_dir)
    data = data_folder(cluster_folder(storage))
    owner = data.stat()
    with started(["/bin/sleep", "600"], user=owner.st_uid if AS_ROOT else None, cwd="/") as stranger:
        (data / "postmaster.pid").write_text(
            f"{stranger.pid}\n{data}\n1700000000\n5432\n\n127.0.0.1\n1 1\nready\n"
        )
        await postgres.start()
        await postgres.stop()
        assert stranger.poll() is None


async def test_a_start_that_was_killed_halfway_leaves_nothing_in_the_way(fresh_data_dir: Path) -> None:
    """Half a database never gets the name of a whole one, and is cleared away."""
    postgres = EmbeddedPostgres(fresh_data_dir)
    starting = asyncio.create_task(postgres.start())
    assert await happens(lambda: any(drafts(fresh_data_dir)), within_seconds=60)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    (storage,) = storages_of(fresh_data_dir)
    half = storage / "postgres" / "draft.killed" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    await postgres.start()
    await postgres.stop()
    assert not any(drafts(fresh_data_dir))


def drafts(data_dir: Path) -> Iterator[Path]:
    """Find databases that are being made."""
    return (draft for storage in storages_of(data_dir) for draft in storage.glob("postgres/draft.*"))


async def test_data_of_another_postgres_are_refused_in_a_sentence(fresh_data_dir: Path) -> None:
    """A newer wheel does not touch an older one's data, and says what to do."""
    postgres = EmbeddedPostgres(fresh_data_dir)
    await postgres.start()
    await postgres.stop()
    (storage,) = storages_of(fresh_data_dir)
    (data_folder(cluster_folder(storage)) / "PG_VERSION").write_text("15\n")
    with pytest.raises(CannotStart, match="written by Postgres 15 and this is 18"):
        await postgres.start()


@pytest.mark.parametrize("server", [(EmbeddedPostgres, postgres_module), (EmbeddedRedis, redis_module)])
async def test_a_port_that_somebody_took_is_given_up_for_another(
    data_dir: Path,
    server: tuple[type[EmbeddedPostgres | EmbeddedRedis], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between looking for a port and listening on it, another program may have it."""
    kind, module = server
    free = free_port()
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        ports = iter([somebody.getsockname()[1], free])
        monkeypatch.setattr(module, "free_port", lambda: next(ports))
        embedded = kind(data_dir)
        url = await embedded.start()
        await embedded.stop()
    assert urlsplit(url).port == free


async def test_when_one_server_cannot_start_the_other_does_not_stay(
    data_dir: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is the sentence of the one that failed, nothing runs, and the folder is free again."""
    broken = open_folder / "redis-server"
    broken.write_text("#!/bin/sh\n[ $1 = --version ] || { echo 'out of order'; exit 1; }\n")
    broken.chmod(0o755)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{open_folder}:{path}")
    assert redis_program(as_other_user=AS_ROOT).path == broken
    servers = EmbeddedServers(data_dir)
    with pytest.raises(CannotStart, match=r"Redis did not start \(out of order\); its log is .*redis.log"):
        await servers.start()
    (storage,) = storages_of(data_dir)
    assert postmaster_pid(data_folder(cluster_folder(storage))) is None
    monkeypatch.setenv("PATH", path)
    await servers.start()
    await servers.stop()


async def test_a_folder_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A slip in --data-dir shows no traceback."""
    (tmp_path / "file").touch()
    for server in (EmbeddedServers, EmbeddedPostgres, EmbeddedRedis):
        with pytest.raises(CannotStart, match="choose another folder with --data-dir"):
            await server(tmp_path / "file" / ".paceline").start()


async def test_removing_deletes_everything_that_is_ours(fresh_data_dir: Path) -> None:
    """Nothing stays anywhere, for root either, but what others keep in the folder."""
    async with EmbeddedServers(fresh_data_dir):
        pass
    places = storages_of(fresh_data_dir)
    (fresh_data_dir / "secret.key").write_text("not ours")
    await EmbeddedServers(fresh_data_dir).remove_data()
    assert names_in(fresh_data_dir) == ["secret.key"]
    assert [place for place in places if place.exists() and place != fresh_data_dir] == []
    (fresh_data_dir / "secret.key").unlink()


async def test_data_are_removed_also_when_their_folder_is_gone(fresh_data_dir: Path) -> None:
    """Who deletes the data folder by hand gets a new database, and `make clean` still finds root's old one."""
    for _ in range(2):
        postgres = EmbeddedPostgres(fresh_data_dir)
        async with connected(await postgres.start()) as connection:
            assert await connection.fetchval("SELECT to_regclass('kept')") is None
            await keep_something(connection)
        await postgres.stop()
        shutil.rmtree(fresh_data_dir)
    assert len(storages_of(fresh_data_dir)) == (2 if AS_ROOT else 0)
    await EmbeddedServers(fresh_data_dir).remove_data()
    assert storages_of(fresh_data_dir) == []
