"""Bringing a database to this version: once, by whoever comes first, and never over a file that was changed."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from shared.adapters.embedded.ports import free_port
from shared.adapters.embedded.servers import ServerUrls
from shared.adapters.postgres import migrations
from shared.adapters.postgres.migrations import Migration, MigrationRefused, known, migrate

NAMES = [migration.name for migration in known()]
_counter = itertools.count(1)


@pytest.fixture
async def blank(servers: ServerUrls) -> AsyncIterator[str]:
    """A database in which nothing is."""
    name = f"blank_{next(_counter)}"
    await _execute(servers.database_url, f'CREATE DATABASE "{name}"')
    yield _with_database(servers.database_url, name)
    await _execute(servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {row["relname"] for row in rows}
    finally:
        await connection.close()


def test_the_files_are_numbered_without_a_gap() -> None:
    """From 1 on, each number once."""
    assert [migration.version for migration in known()] == list(range(1, len(known()) + 1))


async def test_a_second_run_applies_nothing(blank: str) -> None:
    """The first names what it applied, the second has nothing to do."""
    assert await migrate(blank) == NAMES
    assert await migrate(blank) == []


async def test_many_at_the_same_time_apply_each_file_once(blank: str) -> None:
    """Every process may migrate when it starts: one does, the others wait and find it done."""
    applied = await asyncio.gather(*(migrate(blank) for _ in range(5)))
    assert sorted(applied, key=len) == [[], [], [], [], NAMES]


async def test_two_databases_of_one_server_are_migrated_at_the_same_time(servers: ServerUrls) -> None:
    """The roles belong to the server: that another database makes them too is no obstacle."""
    names = [f"twin_{next(_counter)}" for _ in range(3)]
    for name in names:
        await _execute(servers.database_url, f'CREATE DATABASE "{name}"')
    try:
        applied = await asyncio.gather(
            *(migrate(_with_database(servers.database_url, name)) for name in names)
        )
        assert applied == [NAMES] * len(names)
    finally:
        for name in names:
            await _execute(servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def test_a_file_that_was_changed_after_it_was_applied_is_refused(
    blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trusting it would leave two databases of one version that are not alike."""
    await migrate(blank)
    [first, *rest] = known()
    edited = Migration(first.version, first.name, first.statements + "\n-- one word more\n")
    monkeypatch.setattr(migrations, "known", lambda: [edited, *rest])
    with pytest.raises(MigrationRefused, match=f"{first.name} was changed"):
        await migrate(blank)


async def test_a_database_of_a_later_version_is_refused(blank: str) -> None:
    """An older program does not know what the newer one has made of it."""
    await migrate(blank)
    later = "INSERT INTO schema_migration (version, name, checksum) VALUES (9999, '9999_later', 'x')"
    await _execute(blank, later)
    with pytest.raises(MigrationRefused, match="newer than this Paceline"):
        await migrate(blank)


async def test_a_file_that_fails_leaves_nothing_and_the_ones_before_it_stay(
    blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is a transaction of its own: mended, the next run goes on with it."""
    last = len(known())
    broken = Migration(last + 1, "9998_broken", "CREATE TABLE half (a integer); SELECT 1 / 0;")
    mended = Migration(last + 1, "9998_broken", "CREATE TABLE whole (a integer);")
    everything = known()
    monkeypatch.setattr(migrations, "known", lambda: [*everything, broken])
    with pytest.raises(MigrationRefused, match="9998_broken was refused by Postgres: division by zero"):
        await migrate(blank)
    tables = await _tables(blank)
    assert "campaign" in tables
    assert "half" not in tables
    monkeypatch.setattr(migrations, "known", lambda: [*everything, mended])
    assert await migrate(blank) == ["9998_broken"]
    assert "whole" in await _tables(blank)


async def test_a_server_that_is_not_there_is_said_so() -> None:
    """In a sentence that names the setting."""
    with pytest.raises(MigrationRefused, match="DATABASE_URL"):
        await migrate(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
