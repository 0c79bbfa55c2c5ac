"""Numbered migrations in plain SQL, and the small runner that applies them.

Under an advisory lock, so that any number of processes may start at once; each file in a transaction of its own,
remembered with a checksum, so that an edited file is noticed instead of trusted.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from shared.domain.errors import PacelineError

#: Any number that other programs on the same server are unlikely to lock.
_LOCK = 7_015_223_001


class MigrationRefused(PacelineError):
    """The database cannot be brought to this version; nothing of the failed migration was kept."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    version: int
    name: str
    statements: str

    @property
    def checksum(self) -> str:
        """What tells an edited file from the one that was applied."""
        return hashlib.sha256(self.statements.encode()).hexdigest()


def known() -> list[Migration]:
    """Return the migrations of this version, in order."""
    found = [
        Migration(int(entry.name[:4]), entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8"))
        for entry in files(__package__).iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.version)


async def migrate(url: str) -> list[str]:
    """Apply what is missing and return its names; raises MigrationRefused with a sentence."""
    try:
        connection = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError, ValueError) as error:
        raise MigrationRefused(
            f"Postgres cannot be reached to migrate it ({error}): check DATABASE_URL."
        ) from error
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        return await _apply_missing(connection)
    finally:
        await connection.close()


async def _apply_missing(connection: asyncpg.Connection) -> list[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration (version integer PRIMARY KEY, name text NOT NULL,"
        " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    applied = {row["version"]: row for row in await connection.fetch("SELECT * FROM schema_migration")}
    _refuse_a_newer_database(applied.keys())
    done = []
    for migration in known():
        if migration.version in applied:
            _refuse_an_edited_file(migration, applied[migration.version]["checksum"])
            continue
        await _apply(connection, migration)
        done.append(migration.name)
    return done


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.statements)
            await connection.execute(
                "INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)",
                migration.version, migration.name, migration.checksum,
            )  # fmt: skip
    except asyncpg.PostgresError as error:
        raise MigrationRefused(
            f"Migration {migration.name} was refused by Postgres: {error}. Nothing of it was kept."
        ) from error


def _refuse_a_newer_database(applied: Iterable[int]) -> None:
    newest = max((migration.version for migration in known()), default=0)
    if any(version > newest for version in applied):
        raise MigrationRefused(
            "The database is newer than this Paceline: run the version that migrated it, or a later one."
        )


def _refuse_an_edited_file(migration: Migration, checksum: str) -> None:
    if migration.checksum != checksum:
        raise MigrationRefused(
            f"Migration {migration.name} was changed after it was applied: restore the file and add a new one instead."
        )
